"""Files of users in the hands of commands: what is understood, and what is told of what is not."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from client.tests.commands import Run, account, called, objects
from client.tests.server import Api, serving
from client.tests.test_files import Warehouse


def test_members_are_exported_into_a_file(tmp_path: Path) -> None:
    with serving(Warehouse(status="writing")) as url:
        done = called(tmp_path, account(url), "members", "export", "7", "members.csv", "--json")
        assert (objects(done)[0]["status"], objects(done)[0]["saved"]) == ("done", "members.csv")
        assert (tmp_path / "members.csv").read_text() == "identity,guid,added_at\na,g,\n"
        assert "s3cr3t" not in done.stdout + done.stderr
    with serving(Warehouse(status="failed", reason="the segment was deleted")) as url:
        failed = called(tmp_path, account(url), "members", "export", "7", "none.csv", code=1)
    assert "the segment was deleted" in failed.stderr
    assert not (tmp_path / "none.csv").exists()


def test_files_may_be_utf_16_or_gzip_and_damaged_ones_are_told(tmp_path: Path) -> None:
    packed = gzip.compress(b"".join(b"u%d\n" % number for number in range(2000)))
    (tmp_path / "utf16.csv").write_bytes("identity\nzoë\nada\n".encode("utf-16"))
    (tmp_path / "unmarked.csv").write_bytes("identity\nzoë\nada\n".encode("utf-16-le"))
    (tmp_path / "odd.txt").write_bytes("zoë\n".encode("utf-16") + b"\x00")
    (tmp_path / "cut.gz").write_bytes(packed[:-8])
    (tmp_path / "zip.csv").write_bytes(b"PK\x03\x04\x14\x00")
    (tmp_path / "sum.gz").write_bytes(packed[:-8] + bytes(4) + packed[-4:])
    (tmp_path / "bits.gz").write_bytes(packed[:12] + bytes(each ^ 0xFF for each in packed[12:]))
    api = Api()
    with serving(api) as url:
        for name in ("utf16.csv", "unmarked.csv"):
            called(tmp_path, account(url), "members", "add", "S", "-f", name)
            assert api.members == {"zoë", "ada"}
        for name, said in (
            ("odd.txt", "odd.txt, line 2: ends in the middle of a character of UTF-16"),
            ("sum.gz", "sum.gz, line 2001: gzip that is damaged: CRC check failed"),
            ("bits.gz", "bits.gz, line 1: gzip that is damaged: "),
            ("zip.csv", "zip.csv is no text: send CSV or NDJSON, plain or gzip"),
        ):
            assert said in called(tmp_path, account(url), "members", "add", "S", "-f", name, code=2).stderr
        cut = called(tmp_path, account(url), "members", "remove", "S", "-f", "cut.gz", "--json", code=2)
    assert "error: cut.gz, line 2001: gzip that ends too early: was it cut off?\n" in cut.stderr
    assert "mend the input and run again, it does no harm" in cut.stderr
    figures = objects(cut)[0]
    assert figures["given"] == figures["processed"] == 1900


@pytest.mark.parametrize(
    ("content", "said", "row"),
    [
        (b"ada\nzo\xeb\n", "line 2: has bytes that are not UTF-8", "zo\udceb"),
        ("ada\n\ud800\n".encode("utf-16", "surrogatepass"), "line 2: has bytes that are not UTF-8", "\ud800"),
        (b"identity,name\nada,Zo\xeb\nbob\n", "line 3: has 1 cells, the header has 2", "bob"),
        (b"identity,name\nada,a\nbob,b,c\n\n,,,\n", "line 3: has 3 cells, the header has 2", "bob,b,c"),
        (b"identity\nada\nIdentity\n", "line 3: is the header again", "Identity"),
        (b"identity\nada\n'+1415\n", "line 3: begins with an apostrophe that keeps spreadsheets from", "'+1415"),
        (b'{"identity":"ada"}\n{"identity":5,"guid":"g"}\n', "line 2: identity must be a text", None),
        (b'{"identity":"ada"}\n{"identity":"bob","x":"\xeb"}\n', "line 2: has bytes that are not UTF-8", None),
        (b'{"identity":"bob"\n{"identity":"ada"}\n', "line 1: no JSON: ", '{"identity":"bob"'),
        (b'{"identity":"ada"}\nbob\n', "line 2: no JSON: ", "bob"),
        (b'{"identity":"ada"}\n"bob"\n', "line 2: must be a JSON object", '"bob"'),
        (b'{"identity":"ada"}\n' + b"[" * 100_000 + b"\n", "line 2: no JSON: ", None),
        (b'{"identity":"ada"}\n{"identity":"bob","x":-Infinity}\n', "line 2: no JSON: -Infinity is no number", None),
        (b"user_id\nada\nbob,b\n", "line 3: has 2 cells, the header has 1", "bob,b"),
        (b"user_id\nada\nUser_ID\n", "line 3: is the header again", "User_ID"),
    ],
)
def test_a_row_that_names_nobody_is_rejected_with_its_line(
    tmp_path: Path, content: bytes, said: str, row: str | None
) -> None:
    api = Api()
    (tmp_path / "users").write_bytes(content)
    with serving(api) as url:
        called(tmp_path, account(url), "members", "add", "S", "-f", "users", code=6)
        told = called(tmp_path, account(url), "members", "add", "S", "-f", "-", stdin=content, code=6).stderr
        assert f"users, {said}" in called(tmp_path, account(url), "verify", "S", "users", code=2).stderr
    assert api.members == {"ada"}
    assert said in told
    (kept,) = [json.loads(line) for line in (tmp_path / "users.rejected.ndjson").read_text().splitlines()]
    assert row is None or kept["row"] == row


def test_an_export_names_its_members_as_they_are_called(tmp_path: Path) -> None:
    exported = b"identity,guid,added_at\r\n'+14155550123,g1,\r\n'' -1,g2,\r\n ada,g3,\r\n,g4,\r\n"
    api = Api()
    with serving(api) as url:
        called(tmp_path, account(url), "members", "add", "S", "-f", "-", stdin=exported)
    assert api.members == {"+14155550123", "' -1", " ada", "guid:g4"}


def test_a_rejected_user_is_named_as_commands_name_users(tmp_path: Path) -> None:
    with serving(Api(refused=frozenset({"ada", "guid:g"}))) as url:
        told = called(tmp_path, account(url), "members", "add", "S", "ada", "guid:g", "bob", code=6).stderr
    assert sorted(told.splitlines()) == ["rejected: ada: no such user", "rejected: guid:g: no such user"]


def test_an_empty_input_is_told(run: Run) -> None:
    run("segments", "create", "Empty", "--id", "EMPTY")
    for given in (b"", b"identity\n"):
        assert "warning: the input is empty" in run("members", "add", "EMPTY", "-f", "-", stdin=given).stderr
    assert "warning: the input is empty" in run("upload", "-").stderr
    assert "warning: the input is empty" in run("verify", "EMPTY", "-").stderr


def test_an_upload_whose_columns_are_wrong_is_refused_before_anything_is_sent(tmp_path: Path) -> None:
    (tmp_path / "people.csv").write_text("no,Email\n" + "ada,a@example.com\n" * 3000)
    api = Api()
    with serving(api) as url:
        upload = ("upload", "people.csv")
        told = called(tmp_path, account(url), *upload, code=2).stderr
        assert "people.csv: no column is named identity or guid" in told
        assert "there are no, Email" in told
        told = called(tmp_path, account(url), *upload, "--identity", "no", "--map", "mail=Email", code=2).stderr
        assert "people.csv: there is no column mail, which --map names; there are no, Email" in told
        lines = b"".join(b'{"identity":"u%d","email":"u%d@example.com"}\n' % (n, n) for n in range(3000))
        told = called(tmp_path, account(url), "upload", "-", "--map", "mail=Email", stdin=lines, code=2).stderr
        assert "stdin: there is no column mail, which --map names; there are identity, email" in told
        told = called(tmp_path, account(url), "upload", "-", "--identity", "no", stdin=lines, code=2).stderr
        assert "stdin: no column is named no or guid" in told
    assert api.requests == []
    assert not (tmp_path / "people.csv.rejected.ndjson").exists()


NO_HEADER = ", line 1: must be a header with a column named identity or guid"


OR_ANOTHER = ", or with CleverTap's Type and Identity, separated by comma, semicolon or tab"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("user_id,name\nA1,x\n", NO_HEADER),
        ("A1,x\nA2,y\n", NO_HEADER),
        ("A1;x\n", NO_HEADER),
        ("A1\tx\n", NO_HEADER),
        ("A1,\n", NO_HEADER),
        ("A0\nA1\nA2,x\n", f"{NO_HEADER}{OR_ANOTHER}, as line 3 has several cells"),
        ("sep=;\nuser_id;name\nA1;x\n", ", line 2: must be a header with"),
        ("sep=;\nA0\nA1\n", ", line 2: must be a header with"),
        ("identity,Identity\na,b\n", ", line 1: the header names identity twice"),
    ],
)
def test_rows_of_several_cells_without_a_header_name_nobody(tmp_path: Path, content: str, said: str) -> None:
    (tmp_path / "users.csv").write_text(content)
    api = Api()
    with serving(api) as url:
        for command in (("members", "add", "S", "-f"), ("verify", "S")):
            assert f"users.csv{said}" in called(tmp_path, account(url), *command, "users.csv", code=2).stderr
    assert api.requests == []


@pytest.mark.parametrize(
    ("content", "users"),
    [
        ("A1\r\n\r\n A2 \r\nguid:g\r\n", {"A1", "A2", "guid:g"}),
        ("".join(f"u{number}\n" for number in range(201)), {f"u{number}" for number in range(201)}),
        ('"sep=;"\r\nname;"Identity"\r\nx;A1\r\n', {"A1"}),
        ("sep=|\nidentity|name\nA,1|x\n", {"A,1"}),
        ("Type,Identity\ni,A1\nG,g\n", {"A1", "guid:g"}),
        ("type,identity,guid\nx,A1,\nx,,g\n", {"A1", "guid:g"}),
        ("identity\nA;1\n", {"A;1"}),
        ("sep=;\n", set()),
        ("user_id\nA1\nA2\n", {"A1", "A2"}),
        ('"Customer ID"\r\n"A1"\r\n"A,2"\r\n', {"A1", "A,2"}),
        ("sep=;\nUser ID\nA1\n", {"A1"}),
        ("\nEmail Address\nann@example.com\n", {"ann@example.com"}),
        ("objectId\ng\n", {"guid:g"}),
        ("identity:user_id\nA1\n", {"user_id", "A1"}),
        ("A1\nuser_id\n", {"A1", "user_id"}),
    ],
)
def test_what_names_users_in_a_file(tmp_path: Path, content: str, users: set[str]) -> None:
    (tmp_path / "users.csv").write_text(content)
    api = Api()
    with serving(api) as url:
        called(tmp_path, account(url), "members", "add", "S", "-f", "users.csv")
    assert api.members == users


def test_a_type_that_is_none_of_clevertaps_is_a_rejected_row(tmp_path: Path) -> None:
    api = Api()
    with serving(api) as url:
        given = b"Type,Identity\nx,A1\ni,A2\n"
        done = called(tmp_path, account(url), "members", "add", "S", "-f", "-", stdin=given, code=6)
    assert "line 2: Type must be i (identity) or g (guid)" in done.stderr
    assert api.members == {"A2"}


def test_excels_line_with_the_separator_is_none_of_an_upload(run: Run) -> None:
    run("upload", "-", "--json", stdin=b"sep=;\r\nidentity;Note\r\nsepia;a,b,c\r\n")
    assert objects(run("users", "show", "sepia", "--json"))[0]["profileData"]["Note"] == "a,b,c"


def test_rows_of_an_upload_that_are_no_records_are_rejected_with_their_lines(run: Run) -> None:
    rows = b"identity,Note\nada,a\nbob,b,c\neve\nzoe,\xeb\n"
    done = run("upload", "-", "--rejected", "bad.ndjson", "--json", stdin=rows, code=6)
    assert (objects(done)[0]["processed"], objects(done)[0]["bad_rows"]) == (1, 3)
    done = run("upload", "-", stdin=rows + b"\n", code=6)
    for said in ("line 3: has 3 cells, the header has 2", "line 4: has 1 cells, the header has 2", "line 5: has bytes"):
        assert f"rejected: {said}" in done.stderr


def test_lines_of_an_upload_that_are_no_json_are_rejected_and_the_others_go_on(run: Run, tmp_path: Path) -> None:
    rows = {
        b'{"identity":"ada","Note":"\xeb"}': "has bytes that are not UTF-8",
        b'{"identity":"ada","Note":NaN}': "no JSON: NaN is no number",
        b'{"identity":"ada","Note":1e999}': "no JSON: 1e999 is too large a number",
        b'{"identity":"ada","Note":': "no JSON: ",
        b"[1]": "must be a JSON object",
        b'{"identity":"ada","Note":"\\ud83d"}': "profileData.Note has half of a character",
    }
    good = b'{"identity":"ivy","Note":"\\ud83d\\ude00 1e5"}'
    (tmp_path / "people.ndjson").write_bytes(b"\n".join([*rows, good]))
    done = run("upload", "people.ndjson", "--json", code=6)
    (figures,) = objects(done)
    assert (figures["processed"], figures["bad_rows"] + figures["refused"]) == (1, len(rows))
    kept = [json.loads(line) for line in (tmp_path / "people.ndjson.rejected.ndjson").read_text().splitlines()]
    said = {each["line"]: each["error"] for each in kept}
    assert all(said[number].startswith(why) for number, why in enumerate(rows.values(), 1)), said
    assert objects(run("users", "show", "ivy", "--json"))[0]["profileData"]["Note"] == "\U0001f600 1e5"
    done = run("upload", "-", "--json", stdin=b"{\n" + good, code=6)
    assert "rejected: line 1: no JSON: " in done.stderr
    assert objects(done)[0]["processed"] == 1


def test_what_is_wrong_in_a_file_names_file_and_line(tmp_path: Path) -> None:
    (tmp_path / "users.csv").write_bytes(b'identity,x\na,"b\nc,d')
    with serving(Api()) as url:
        for command in (("members", "add", "S", "-f", "users.csv"), ("upload", "users.csv")):
            assert "users.csv, line 2: no CSV: " in called(tmp_path, account(url), *command, code=2).stderr
        told = called(tmp_path, account(url), "upload", "-", stdin=b'identity,x\na,"b', code=2)
    assert "stdin, line 2: no CSV: " in told.stderr
