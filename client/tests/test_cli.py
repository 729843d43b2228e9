"""The command line as a process: against the handlers, against servers that fail, and with nobody there."""

from __future__ import annotations

import gzip
import json
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from threading import Event
from typing import Any

import httpx
import pytest
from client.tests.server import Api, Reply, Request, serving
from client.tests.test_files import RESULT, Warehouse
from tests.support.served import Served, served_api
from tests.support.served import serving as serving_api

COMMAND = Path(sys.executable).with_name("api-segments")
Run = Callable[..., subprocess.CompletedProcess[str]]


def environment(home: Path, **given: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("API_SEGMENTS", "AWS_"))}
    return {
        **kept,
        "API_SEGMENTS_CONFIG": str(home / "sub" / "profiles.toml"),
        "API_SEGMENTS_PATIENCE": "20",
        "AWS_ACCESS_KEY_ID": "a",
        "AWS_SECRET_ACCESS_KEY": "b",
        "AWS_DEFAULT_REGION": "us-east-1",
        **given,
    }


def account(url: str, account_id: str = "ACC-1", passcode: str = "secret-passcode") -> dict[str, str]:
    return {"API_SEGMENTS_URL": url, "API_SEGMENTS_ACCOUNT": account_id, "API_SEGMENTS_PASSCODE": passcode}


def called(
    home: Path, env: Mapping[str, str], *arguments: str, stdin: bytes = b"", code: int = 0
) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [COMMAND, *arguments], input=stdin, capture_output=True, env=environment(home, **env), cwd=home, check=False
    )
    out, err = done.stdout.decode(), done.stderr.decode()
    assert done.returncode == code, (arguments, done.returncode, out, err)
    assert "Traceback" not in err
    assert env.get("API_SEGMENTS_PASSCODE", "no passcode") not in out + err
    return subprocess.CompletedProcess(done.args, done.returncode, out, err)


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[str, Served]]:
    with served_api() as api, serving_api(api) as url:
        yield url, api


@pytest.fixture
def run(served: tuple[str, Served], tmp_path: Path) -> Run:
    """Calls a command for the account that the handlers know."""
    url, api = served
    return lambda *given, **more: called(tmp_path, account(url, api.account_id, api.passcode), *given, **more)


def objects(done: subprocess.CompletedProcess[str]) -> list[Any]:
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_the_main_job(run: Run, tmp_path: Path) -> None:
    created = objects(run("segments", "create", "Premium Users", "--id", "SEG1", "--tag", "loyalty", "--json"))[0]
    assert created["customer_segment_id"] == "SEG1"
    assert "added" in run("members", "add", "SEG1", "ada", "bob", "guid-like").stdout
    (tmp_path / "more.csv").write_bytes(b"\xef\xbb\xbfname;Identity\r\nx;eve\r\n\r\ny;\r\nz;bob\r\n")
    done = run("--json", "members", "add", str(created["id"]), "-f", "more.csv", code=6)
    figures = objects(done)[0]
    assert (figures["added"], figures["unchanged"], figures["bad_rows"]) == (1, 1, 1)
    rejected = [json.loads(line) for line in (tmp_path / figures["rejected_file"]).read_text().splitlines()]
    assert (rejected[0]["line"], rejected[0]["row"]) == (4, "y;")
    assert figures["rejected_file"] == "more.csv.rejected.ndjson"

    assert objects(run("members", "remove", "SEG1", "-f", "-", "--json", stdin=b"guid-like\r\n"))[0]["removed"] == 1
    listed = objects(run("members", "list", "SEG1", "--json"))
    assert {each["identity"] for each in listed} == {"ada", "bob", "eve"}
    assert len(objects(run("members", "list", "SEG1", "--limit", "2", "--json"))) == 2
    assert run("members", "list", "SEG1").stdout.splitlines()[0].split() == ["identity", "guid", "added_at"]
    assert run("members", "show", "SEG1", f"guid:{listed[0]['guid']}").stdout
    run("members", "show", "SEG1", "nobody", code=4)

    packed = gzip.compress(b'{"identity":"ada"}\n{"identity":"eve"}\n{"identity":"bob"}\n{"identity":"ada"}\n')
    (tmp_path / "all.ndjson.gz").write_bytes(packed)
    assert objects(run("verify", "SEG1", "all.ndjson.gz", "--json"))[0]["matches"] is True
    assert "no" in run("verify", "SEG1", "-", "--settle", "0", stdin=b"ada\n", code=8).stdout
    assert "line 2: an id has at most 255" in run("verify", "SEG1", "-", stdin=b"a\n" + b"x" * 256, code=2).stderr


def test_segments_are_listed_changed_compared_and_deleted(run: Run) -> None:
    for name in ("A", "B"):
        run("segments", "create", name, "--id", f"{name}-1")
    run("segments", "create", "C", "--id", "A-1", code=5)
    run("members", "add", "A-1", "x", "y")
    run("members", "add", "B-1", "x")
    changed = objects(run("segments", "rename", "A-1", "A2", "--tag", "t", "--json"))[0]
    assert (changed["segment_name"], changed["tags"], changed["type"]) == ("A2", ["t"], "API Segments")
    assert objects(run("segments", "rename", "A-1", "--no-tags", "--json"))[0]["tags"] == []
    run("segments", "rename", "A-1", code=2)
    table = run("segments", "list", "--prefix", "A-").stdout.splitlines()
    assert table[0].split()[:2] == ["id", "customer_segment_id"]
    assert "A2" in table[1]
    overlap = run("segments", "overlap", "A-1", "B-1").stdout
    assert any(line.startswith("A-1 & B-1") and "1" in line for line in overlap.splitlines())
    assert len(objects(run("segments", "overlap", "A-1", "B-1", "--json"))) == 1
    run("segments", "overlap", "A-1", code=2)
    assert objects(run("segments", "history", "A-1", "--json"))[-1]["joined"] == 2
    run("segments", "history", "A-1", "--from", "yesterday", code=2)
    assert "--yes" in run("segments", "delete", "A-1", code=2).stderr
    assert objects(run("segments", "delete", "A-1", "--yes", "--json"))[0]["status"] == "deleted"
    assert "deleted" in run("segments", "show", "A-1").stdout
    run("segments", "rename", "A-1", "A3", code=4)
    run("segments", "show", "none", code=4)
    for segment in ("none", "123"):
        refused = run("members", "add", segment, "z", "--json", code=4)
        assert refused.stderr == f"error: 404: segment does not exist: {segment}\n"
        assert objects(refused)[0]["refused"] == 1
    assert "error: 410: segment was deleted: A-1\n" in run("members", "add", "A-1", "z", code=4).stderr
    assert "410" in run("errors", "--limit", "1").stdout


def test_users_are_uploaded_by_a_mapping_and_erased(run: Run, tmp_path: Path) -> None:
    (tmp_path / "people.csv").write_bytes(
        "no,email,visits,MSG-email,notes\r\nada,ada@example.com,3,yes,x\r\nbob,,many,,\r\n,a@example.com,1,,\r\n"
        "eve,no address,1,,\r\nzoë,zoe@example.com,2.5,false,\r\n".encode()
    )
    options = ("--identity", "no", "--map", "email=Email", "--map", "visits=Visits:number", "--map", "notes=")
    figures = objects(run("upload", "people.csv", *options, "--json", code=6))[0]
    assert (figures["processed"], figures["refused"], figures["bad_rows"]) == (2, 1, 2)
    kept = [json.loads(line) for line in (tmp_path / "people.csv.rejected.ndjson").read_text().splitlines()]
    assert {each["line"] for each in kept} == {3, 4, 5}
    assert "visits: 'many' is no number" in kept[0]["error"]
    shown = objects(run("users", "show", "ada", "--json"))[0]
    assert (shown["profileData"]["Visits"], shown["profileData"]["MSG-email"]) == (3, True)
    assert objects(run("users", "show", "zoë", "--json"))[0]["profileData"]["Visits"] == 2.5

    mended = [each for each in kept if each["line"] == 5]
    mended[0]["record"]["profileData"]["Email"] = "eve@example.com"
    again = json.dumps(mended[0]).encode()
    assert objects(run("upload", "-", "--json", stdin=again))[0]["processed"] == 1
    assert "eve" in run("users", "find", "--email", "eve@example.com").stdout
    run("users", "find", code=2)
    assert "no column Shop" in run("upload", "people.csv", *options[:2], "--map", "Shop=Shop", code=2).stderr
    assert "line 2: no JSON" in run("upload", "-", stdin=b'{"identity":"k"}\n{', code=2).stderr
    run("users", "segments", "ada")
    run("users", "erase", "ada", code=2)
    assert objects(run("users", "erase", "ada", "--yes", "--json"))[0]["erased"] is True
    run("users", "show", "ada", code=4)


def test_campaigns_usage_and_freshness(run: Run, tmp_path: Path) -> None:
    run("segments", "create", "Readers", "--id", "READERS")
    wanted = {
        "name": "Spring",
        "target_mode": "sms",
        "segment": {"customer_segment_id": "READERS"},
        "when": "now",
        "content": {"body": "Hello"},
    }
    (tmp_path / "spring.json").write_text(json.dumps(wanted))
    assert objects(run("campaigns", "estimate", "spring.json", "--json")) == [{"sms": 0}]
    assert "--yes" in run("campaigns", "create", "spring.json", code=2).stderr
    made = [
        objects(run("campaigns", "create", "spring.json", "--key", "k", "--yes", "--json"))[0]["id"] for _ in range(2)
    ]
    assert made[0] == made[1]
    campaign = str(made[0])
    assert "Spring" in run("campaigns", "list", "--name", "spring", "--segment", "READERS").stdout
    assert objects(run("campaigns", "show", campaign, "--json"))[0]["content"] == {"body": "Hello"}
    assert "Hello" in run("campaigns", "preview", "spring.json").stdout
    assert run("campaigns", "log", campaign).stdout == ""
    run("campaigns", "stop", campaign, "--yes")
    (tmp_path / "changes.json").write_text('{"name": "Summer"}')
    run("campaigns", "edit", campaign, "changes.json", code=5)
    assert run("campaigns", "duplicate", campaign, "--when", "now", "--yes").stdout
    assert "time_zone" in run("campaigns", "settings").stdout
    assert "must have target_mode" in run("campaigns", "test", "changes.json", code=2).stderr
    run("campaigns", "show", "5", code=4)
    assert "data_points" in run("usage").stdout
    run("usage", "--month", "never", code=5)
    assert run("freshness", "--json").stdout.startswith("{")


def test_login_checks_before_it_writes_for_its_owner_alone(served: tuple[str, Served], tmp_path: Path) -> None:
    url, api = served
    file = tmp_path / "sub" / "profiles.toml"
    login = ("login", "--profile", "shop", "--url", url, "--account", api.account_id)
    wrong = called(tmp_path, {}, *login, "--passcode-stdin", stdin=b"W" * 32, code=3)
    assert "W" * 32 not in wrong.stderr
    assert not file.exists()
    assert "--passcode-stdin" in called(tmp_path, {}, *login, code=2).stderr
    called(tmp_path, {}, *login, "--passcode-stdin", stdin=api.passcode.encode() + b"\r\n")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert called(tmp_path, {}, "usage", "--profile", "shop").stdout
    assert "api-segments login" in called(tmp_path, {}, "usage", code=3).stderr
    file.chmod(0o644)
    assert "chmod 600" in called(tmp_path, {"API_SEGMENTS_PROFILE": "shop"}, "usage").stderr


def test_who_is_not_known_and_what_is_down_have_codes_of_their_own(tmp_path: Path) -> None:
    with serving(lambda _: Reply(401, {"error": "unknown account or passcode"})) as url:
        assert "401" in called(tmp_path, account(url), "usage", code=3).stderr
    assert "no answer" in called(tmp_path, account(url), "usage", "--patience", "0", code=7).stderr
    with serving(lambda _: Reply(503, {"error": "busy"})) as url:
        called(tmp_path, account(url), "--patience", "0", "usage", code=7)
    called(tmp_path, account("http://api.example.com"), "usage", code=3)
    called(tmp_path, {}, "no-such-command", code=2)


def test_ctrl_c_ends_a_push_with_what_was_done(tmp_path: Path) -> None:
    begun, api = Event(), Api()
    api.meanwhile = begun.set
    with serving(api) as url:
        process = subprocess.Popen(
            [COMMAND, "members", "add", "S", "-f", "-", "--json"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment(tmp_path, **account(url)),
            cwd=tmp_path,
        )
        assert process.stdin is not None
        process.stdin.write(b"".join(b"u%d\n" % number for number in range(1000)))
        process.stdin.flush()
        assert begun.wait(60)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    figures = json.loads(out)
    assert figures["given"] == figures["processed"] + figures["not_sent"] > 0
    assert figures["added"] == len(api.members)
    assert b"interrupted" in err
    assert b"Traceback" not in err


def test_a_file_is_imported_with_its_figures_and_rejected_rows(tmp_path: Path) -> None:
    (tmp_path / "users.csv").write_bytes(b"identity\r\na\r\n")
    house = Warehouse()
    with serving(house) as url:
        command = ("import", "users.csv", "--segment", "S", "--mode", "replace", "--max-removed-percent", "20")
        assert "--yes" in called(tmp_path, account(url), *command, code=2).stderr
        assert house.seen == []
        done = called(tmp_path, account(url), *command, "--yes", "--json", code=6)
    shown = objects(done)[0]
    assert (shown["status"], shown["rejected_file"]) == ("done", "users.csv.rejected.csv")
    assert (tmp_path / "users.csv.rejected.csv").read_text().startswith("identity")
    assert "s3cr3t" not in done.stdout + done.stderr
    assert house.stored == b"identity\r\na\r\n"
    assert house.seen[0].json["guard"] == {"max_removed_percent": 20}


def test_a_preview_waits_and_a_guard_that_is_hit_is_told(tmp_path: Path) -> None:
    (tmp_path / "users.csv").write_bytes(b"identity\na\n")
    command = ("import", "users.csv", "--segment", "7", "--mode", "replace")
    with serving(Warehouse(steps=["previewed"], rejected=False)) as url:
        assert "imports apply i-1" in called(tmp_path, account(url), *command, "--preview").stderr
    with serving(Warehouse(steps=["refused"], reason="max_removed is 0", rejected=False)) as url:
        done = called(tmp_path, account(url), *command, "--yes", "--max-removed", "0", "--json", code=5)
    assert objects(done)[0]["reason"] == "max_removed is 0"
    with serving(Warehouse(steps=["failed"], reason="no header", rejected=False)) as url:
        called(tmp_path, account(url), *command, "--yes", code=1)
    assert "is no file" in called(tmp_path, account(url), *command[:1], "none.csv", code=2).stderr
    called(tmp_path, account(url), *command, "--yes", "--rejected", "users.csv", code=2)


def test_imports_and_exports_are_commands_of_their_own(run: Run, served: tuple[str, Served]) -> None:
    url, api = served
    segment = objects(run("segments", "create", "Lapsed", "--id", "LAPSED", "--json"))[0]["id"]
    run("members", "add", "LAPSED", "ada", "bob")

    def previewed() -> str:
        """The file is there as soon as its link is: it names one user, who is new."""
        wanted = {"segment": segment, "mode": "replace", "apply": "manual"}
        made = httpx.post(f"{url}/api/imports", json=wanted, headers=api.headers).json()
        httpx.post(f"{url}/api/imports/{made['import_id']}/start", headers=api.headers).raise_for_status()
        return str(made["import_id"])

    first = previewed()
    assert objects(run("imports", "show", first, "--json"))[0]["preview"]["to_remove"] == 2
    assert objects(run("imports", "cancel", first, "--json"))[0]["status"] == "cancelled"
    run("imports", "apply", first, "--yes", code=5)
    second = previewed()
    asked = run("imports", "apply", second, code=2).stderr
    assert "adds 1 users (1 of them new), removes 2" in asked
    applied = objects(run("imports", "apply", second, "--yes", "--json"))[0]
    assert (applied["result"]["added"], applied["result"]["removed"]) == (1, 2)
    assert [each["identity"] for each in objects(run("members", "list", "LAPSED", "--json"))] == ["CT123456"]
    run("imports", "cancel", second, code=5)
    assert "max_removed is 0" in run("imports", "undo", second, "--max-removed", "0", "--yes", code=5).stderr
    undone = objects(run("imports", "undo", second, "--yes", "--json"))[0]
    assert (undone["status"], undone["undo"]["added"], undone["undo"]["removed"]) == ("undone", 2, 1)
    assert objects(run("imports", "show", second, "--wait", "--json"))[0]["status"] == "undone"

    listed = run("imports", "list", "--segment", "LAPSED", "--limit", "1").stdout
    assert second in listed
    assert first not in listed
    assert run("imports", "list", "--segment", "none", code=4).stdout == ""
    assert run("exports", "list", "--segment", str(segment)).stdout == ""
    path = f"{url}/api/segments/{segment}/export"
    exported = httpx.post(path, headers=api.headers).json()["export_id"]
    assert [each["export_id"] for each in objects(run("exports", "list", "--json"))] == [exported]
    assert exported in run("exports", "list", "--segment", "LAPSED").stdout
    run("imports", "show", "none", code=4)


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
    (tmp_path / "odd.txt").write_bytes("zoë\n".encode("utf-16") + b"\x00")
    (tmp_path / "latin.txt").write_bytes("ada\nzoë\n".encode("latin-1"))
    (tmp_path / "cut.gz").write_bytes(packed[:-20])
    (tmp_path / "sum.gz").write_bytes(packed[:-8] + bytes(4) + packed[-4:])
    (tmp_path / "bits.gz").write_bytes(packed[:12] + bytes(each ^ 0xFF for each in packed[12:]))
    api = Api()
    with serving(api) as url:
        assert (
            objects(called(tmp_path, account(url), "members", "add", "S", "-f", "utf16.csv", "--json"))[0]["added"] == 2
        )
        assert api.members == {"zoë", "ada"}
        for name, said in (
            ("odd.txt", "odd.txt, after line 1: the bytes are not UTF-16"),
            ("latin.txt", "latin.txt, after line 0: the bytes are not UTF-8"),
            ("cut.gz", "cut.gz is damaged gzip: "),
            ("sum.gz", "sum.gz is damaged gzip: CRC check failed"),
            ("bits.gz", "bits.gz is damaged gzip: "),
        ):
            assert said in called(tmp_path, account(url), "members", "add", "S", "-f", name, code=2).stderr


def test_an_import_that_is_being_applied_is_cancelled_and_undone(tmp_path: Path) -> None:
    house = Warehouse(status="applying", steps=["cancelling", "cancelled", "undoing", "undone"], result=RESULT)
    guard = {"status": "fail", "error": "guard: max_removed is 9, and 500 users would be removed", "code": 409}
    house.asked = [Reply(), Reply(409, guard)]
    with serving(house) as url:
        cancelled = called(tmp_path, account(url), "imports", "cancel", "i-1", "--json")
        assert (objects(cancelled)[0]["status"], objects(cancelled)[0]["result"]) == ("cancelled", RESULT)
        assert "imports undo i-1" in cancelled.stderr
        undo = ("imports", "undo", "i-1")
        assert "It added 500 and removed 0" in called(tmp_path, account(url), *undo, code=2).stderr
        refused = called(tmp_path, account(url), *undo, "--max-removed", "9", "--yes", code=5)
        assert "max_removed is 9" in refused.stderr
        assert [each.json for each in house.seen if each.path.endswith("/undo")] == [{"guard": {"max_removed": 9}}]
        assert objects(called(tmp_path, account(url), *undo, "--yes", "--json"))[0]["status"] == "undone"
    late = Warehouse(status="applying", steps=["cancelling", "done"], result=RESULT)
    with serving(late) as url:
        assert "too late" in called(tmp_path, account(url), "imports", "cancel", "i-1", code=1).stderr
    for status, code in (("refused", 5), ("failed", 1), ("cancelled", 1)):
        with serving(Warehouse(status="reading", steps=[status], reason="why", rejected=False)) as url:
            told = called(tmp_path, account(url), "imports", "show", "i-1", "--wait", "--json", code=code)
            assert (objects(told)[0]["status"], "why" in told.stderr) == (status, True)


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
        assert "people.csv, line 1: no column is named identity or guid" in told
        assert "there are no, Email" in told
        told = called(tmp_path, account(url), *upload, "--identity", "no", "--map", "mail=Email", code=2).stderr
        assert "people.csv, line 1: there is no column mail, which --map names; there are no, Email" in told
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
        ("user_id\nA1\nA2,x\n", f"{NO_HEADER}{OR_ANOTHER}, as line 3 has several cells"),
        ("sep=;\nuser_id;name\nA1;x\n", ", line 2: must be a header with"),
        ("sep=;\nuser_id\nA1\n", ", line 2: must be a header with"),
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


def test_what_is_wrong_in_a_file_names_file_and_line(tmp_path: Path) -> None:
    (tmp_path / "users.csv").write_bytes(b'identity,x\na,"b\nc,d')
    with serving(Api()) as url:
        for command in (("members", "add", "S", "-f", "users.csv"), ("upload", "users.csv")):
            assert "users.csv, line 2: no CSV: " in called(tmp_path, account(url), *command, code=2).stderr
        told = called(tmp_path, account(url), "upload", "-", stdin=b'identity,x\na,"b', code=2)
    assert "stdin, line 2: no CSV: " in told.stderr


@pytest.mark.parametrize(
    ("status", "how"),
    [("awaiting_upload", "import users.csv --resume i-1"), ("applying", "imports show i-1 --wait")],
)
def test_an_import_goes_on_when_the_service_is_busy_for_too_long(tmp_path: Path, status: str, how: str) -> None:
    (tmp_path / "users.csv").write_bytes(b"identity\na\n")
    house = Warehouse(status=status, steps=["applying"], busy=[None, Reply(429, {"error": "too many requests"})])
    with serving(house) as url:
        command = ("import", "users.csv", "--resume", "i-1", "--patience", "0", "--json")
        told = called(tmp_path, account(url), *command, code=7)
    assert objects(told)[0]["import_id"] == "i-1"
    assert f"api-segments {how}" in told.stderr
    assert "s3cr3t" not in told.stdout + told.stderr


def test_an_import_goes_on_after_ctrl_c(tmp_path: Path) -> None:
    (tmp_path / "users.csv").write_bytes(b"identity\na\n")
    begun, going, house = Event(), Event(), Warehouse(rejected=False)

    def meanwhile() -> None:
        begun.set()
        going.wait(60)

    house.meanwhile = meanwhile
    with serving(house) as url:
        process = subprocess.Popen(
            [COMMAND, "import", "users.csv", "--segment", "S", "--mode", "add"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment(tmp_path, **account(url)),
            cwd=tmp_path,
        )
        assert begun.wait(60)
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=60)
        going.set()
        assert process.returncode == 130
        assert b"--resume i-1" in err
        resumed = called(tmp_path, account(url), "import", "users.csv", "--resume", "i-1", "--json")
        assert objects(resumed)[0]["status"] == "done"
        creations = [each for each in house.seen if each.path == "/api/imports"]
        assert len(creations) == 1
        assert "i-1" in called(tmp_path, account(url), "imports", "show", "i-1").stdout


class Aws:
    """SQS and EventBridge for one rule and one queue, with events that come twice."""

    def __init__(self, fails: str = "") -> None:
        self.made: list[str] = []
        self.pattern: Any = None
        self.fails = fails

    def __call__(self, request: Request) -> Reply:
        name = request.headers["X-Amz-Target"].partition(".")[2]
        if name == self.fails:
            return Reply(400, {"__type": "AccessDeniedException", "message": "not allowed"})
        self.made.append(name)
        if name == "PutRule":
            self.pattern = json.loads(request.json["EventPattern"])
        return Reply(body=self.answer(name))

    def answer(self, name: str) -> Any:
        detail = {
            "Event_ID": "e-1",
            "Identity": None,
            "Profile_ID": "g",
            "Action": "ADD",
            "Segment_Name": "Gold\x1b[2J",
            "Segment_ID": "7",
            "Occurred_At": "2026-11-23T14:13:54Z",
        }
        second = {**detail, "Event_ID": "e-2", "Identity": "ada", "Action": "REMOVE"}
        messages = [
            {"MessageId": "m", "ReceiptHandle": "r", "Body": json.dumps({"detail": each})}
            for each in (detail, detail, second)
        ]
        return {
            "CreateQueue": {"QueueUrl": "http://127.0.0.1/queue"},
            "GetQueueAttributes": {"Attributes": {"QueueArn": "arn:aws:sqs:us-east-1:1:q"}},
            "PutRule": {"RuleArn": "arn:aws:events:us-east-1:1:rule/x"},
            "PutTargets": {"FailedEntryCount": 0, "FailedEntries": []},
            "ReceiveMessage": {"Messages": messages},
        }.get(name, {})


TAKEN_AWAY = ["RemoveTargets", "DeleteRule", "DeleteQueue"]


def test_changes_are_watched_and_rule_and_queue_taken_away(tmp_path: Path) -> None:
    aws = Aws()
    with serving(aws) as url:
        options = ("watch", "--endpoint-url", url, "--segment", "7", "--account", "ACC-1", "--limit", "2")
        text = called(tmp_path, {}, *options).stdout.splitlines()
        assert [line.partition("Z  ")[2].split()[:2] for line in text] == [["guid:g", "joined"], ["ada", "left"]]
        assert "\x1b" not in "".join(text)
        assert aws.made[-3:] == TAKEN_AWAY
        assert aws.pattern["detail"] == {"Segment_ID": ["7"], "Account_ID": ["ACC-1"]}
        assert [each["Event_ID"] for each in objects(called(tmp_path, {}, *options, "--json"))] == ["e-1", "e-2"]
        process = subprocess.Popen(
            [COMMAND, "watch", "--endpoint-url", url, "--all-accounts"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment(tmp_path, PYTHONUNBUFFERED="1"),
        )
        assert process.stdout is not None
        assert process.stdout.readline()
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)
        assert process.returncode == 130
        assert aws.made[-3:] == TAKEN_AWAY
    assert "login" in called(tmp_path, {}, "watch", code=3).stderr


def test_what_watch_made_is_taken_away_when_aws_refuses_the_rest(tmp_path: Path) -> None:
    aws = Aws(fails="PutRule")
    with serving(aws) as url:
        refused = called(tmp_path, {}, "watch", "--endpoint-url", url, "--all-accounts", code=1)
    assert "not allowed" in refused.stderr
    assert aws.made == ["CreateQueue", "GetQueueAttributes", "DeleteQueue"]


def test_watch_without_boto3_says_what_to_install(tmp_path: Path) -> None:
    (tmp_path / "boto3.py").write_text("raise ImportError('none')")
    told = called(tmp_path, {"PYTHONPATH": str(tmp_path)}, "watch", "--all-accounts", code=1)
    assert "pip install 'api-segments-client[watch]'" in told.stderr


def test_completion_and_help(tmp_path: Path) -> None:
    assert "_API_SEGMENTS_COMPLETE" in called(tmp_path, {}, "completion", "zsh").stdout
    asked = {"_API_SEGMENTS_COMPLETE": "zsh_complete", "COMP_WORDS": "api-segments mem", "COMP_CWORD": "1"}
    assert "members" in called(tmp_path, asked).stdout
    assert "Exit codes" in called(tmp_path, {}, "--help").stdout
    assert "api-segments, version" in called(tmp_path, {}, "--version").stdout


def test_every_command_has_a_help_with_an_example() -> None:
    import click  # noqa: PLC0415 - only here

    from api_segments_client.cli.main import cli  # noqa: PLC0415 - as above
    from api_segments_client.cli.shared import Command  # noqa: PLC0415 - as above

    found: list[str] = []

    def look(group: click.Group) -> None:
        for each in group.commands.values():
            if isinstance(each, click.Group):
                look(each)
            else:
                assert isinstance(each, Command)
                assert "api-segments" in each.example, each.name
                assert each.help, each.name
                assert all(option.help for option in each.params if option.name in {"yes", "limit"})
                found.append(str(each.name))

    look(cli)
    assert len(found) > 30


def test_help_imports_neither_http_nor_tables() -> None:
    code = (
        "import sys; from api_segments_client.cli.main import cli; "
        "cli.main(['members', 'add', '--help'], standalone_mode=False); "
        "print(*sorted({'httpx', 'rich', 'boto3', 'tomlkit'} & sys.modules.keys()), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.strip() == ""
