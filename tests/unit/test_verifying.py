"""The statements of docs/verify.md say of a list of users what the API says of a segment that has them."""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from random import Random

import duckdb
import pytest

from api_segments.http.ids import check_text
from api_segments.segments.digests import member_digest

DOCUMENT = (Path(__file__).parents[2] / "docs/verify.md").read_text()
DATABASES = ("PostgreSQL", "BigQuery", "Snowflake", "Redshift", "DuckDB", "MySQL")
USERS = 100_000
HOSTILE = [
    *(
        "0",
        "00",
        "007",
        "-0",
        "1e3",
        "0x1F",
        "NaN",
        "NULL",
        "null",
        "\\N",
        "\\.",
        "None",
        "true",
        "%",
        "%s",
        "{}",
        "$1",
    ),
    *(
        "'",
        '"',
        '""',
        "''",
        "\\",
        "\\\\",
        "\\x00",
        "\\u0000",
        "$$",
        "a,b",
        "a;b",
        "--",
        "/*",
        "'); DROP TABLE expected;--",
    ),
    *(" a", "a ", " a ", "a\u00a0", "A", "a", "\u00e9", "e\u0301", "\ufb01", "fi", "\u00df", "\u1e9e", "ss"),
    *("\u0130", "i", "\u0131", "\u00f1", "\U0001f600", "\U0001f469\u200d\U0001f467", "\U0001f1e9\U0001f1ea"),
    *("\u202eabc", "\u200bx", "\u0936\u093f", "\u4e2d\u6587", "\ufdfa", "\U0001d518", "\U0010fffd"),
    *("x" * 255, "\U0001f600" * 255, "guid:abc", "+14155551234"),
]
PIECES = [*(each for each in HOSTILE if len(each) < 10), *"0123456789abcXYZ'\"\\,;\u00e9\U0001f600 "]


def statement(database: str) -> str:
    found = re.search(rf"\*\*{database}\*\*\n```sql\n(.*?)```", DOCUMENT, re.DOTALL)
    assert found, database
    return found[1]


@pytest.fixture(scope="module")
def identities() -> list[str]:
    draw = Random(15)  # noqa: S311 - examples
    found = dict.fromkeys(HOSTILE)
    while len(found) < USERS:
        found["".join(draw.choices(PIECES, k=draw.randint(1, 8))) + str(len(found) % 7)] = None
    assert all(check_text(each) == each for each in found)
    return list(found)


@pytest.fixture(scope="module")
def expected(identities: list[str]) -> tuple[int, str]:
    return USERS, str(sum(member_digest(each, "a guid") for each in identities))


@pytest.mark.parametrize("database", DATABASES)
def test_each_database_has_one_statement(database: str) -> None:
    assert statement(database).count(";") == 1


def test_duckdb_says_what_the_segment_says(identities: list[str], expected: tuple[int, str], tmp_path: Path) -> None:
    lines = tmp_path / "expected.json"
    lines.write_text("".join(json.dumps({"identity": each}) + "\n" for each in identities), encoding="utf-8")
    connection = duckdb.connect()
    of_nobody = connection.execute("CREATE TABLE expected (identity VARCHAR)").execute(statement("DuckDB"))
    assert of_nobody.fetchall() == [(0, "0")]
    connection.execute(f"INSERT INTO expected SELECT * FROM read_json('{lines}', columns={{identity: 'VARCHAR'}})")  # noqa: S608 - a path of the test's own
    assert connection.execute(statement("DuckDB")).fetchall() == [expected]


@pytest.fixture
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator["Postgres"]:
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres")) or [Path(shutil.which("postgres") or "")]
    if not installed[-1].is_file() or not (installed[-1].parent / "initdb").is_file():
        pytest.skip("PostgreSQL is not installed")
    home = tmp_path_factory.mktemp("postgres")
    yield Postgres(installed[-1].parent, home)
    shutil.rmtree(home)


class Postgres:
    """PostgreSQL as one process that reads statements: no server, no port."""

    def __init__(self, programs: Path, home: Path) -> None:
        self.programs = programs
        self.home = home
        # It refuses to run as root.
        self.as_user = ["runuser", "-u", "nobody", "--"] if os.geteuid() == 0 else []
        if self.as_user:
            for folder in (home, *home.parents[:2]):
                folder.chmod(0o755)
            shutil.chown(home, "nobody")
        self.data = home / "data"
        self.run("initdb", "--no-sync", "--encoding=UTF8", "--locale=C", "--auth=trust", "-D", str(self.data))

    def run(self, program: str, *arguments: str, statements: str = "") -> str:
        command = [*self.as_user, str(self.programs / program), *arguments]
        done = subprocess.run(command, input=statements.encode(), cwd=self.home, capture_output=True, check=False)
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout.decode()

    def last_row(self, *statements: str) -> dict[str, str]:
        """Run statements, and return what the last one selects, by column."""
        text = "".join(f"{' '.join(each.split())}\n" for each in statements)
        told = self.run("postgres", "--single", "-D", str(self.data), "postgres", statements=text)
        return dict(re.findall(r'\d+: (\w+) = "([^"]*)"', told))


def test_postgresql_says_what_the_segment_says(
    identities: list[str], expected: tuple[int, str], postgres: Postgres
) -> None:
    lines = postgres.home / "expected.csv"
    lines.write_text("".join('"' + each.replace('"', '""') + '"\n' for each in identities), encoding="utf-8")
    lines.chmod(0o644)
    create, load = "CREATE TABLE expected (identity text);", f"COPY expected FROM '{lines}' (FORMAT csv);"
    assert postgres.last_row(create, statement("PostgreSQL")) == {"members": "0", "digest": "0"}
    members, digest = expected
    assert postgres.last_row(load, statement("PostgreSQL")) == {"members": str(members), "digest": digest}


def test_a_user_without_identity_is_digested_by_guid() -> None:
    """As the document says; so an identity that begins with `guid:` is no other number."""
    assert member_digest(None, "abc") == member_digest("guid:abc", "anything")
    assert member_digest(None, "abc") != member_digest(None, "ABC") != member_digest("abc", "abc")


def test_a_sum_of_the_most_members_there_may_be_fits_a_number_of_dynamodb() -> None:
    assert 8 * 10**19 * (16**15 - 1) < 10**38
