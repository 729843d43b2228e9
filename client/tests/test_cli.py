"""The command line as a process: against the handlers, against servers that fail, and with nobody there."""

from __future__ import annotations

import gzip
import json
import signal
import stat
import subprocess
import sys
from pathlib import Path
from threading import Event

from client.tests.commands import COMMAND, Run, account, called, environment, objects
from client.tests.server import Api, Reply, serving
from tests.support.served import Served


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
    assert "there is no column Shop" in run("upload", "people.csv", *options[:2], "--map", "Shop=Shop", code=2).stderr
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
    (tmp_path / "list.json").write_text("[1]")
    assert "list.json: must be a JSON object" in run("campaigns", "estimate", "list.json", code=2).stderr
    assert "stdin: no JSON: " in run("campaigns", "estimate", "-", stdin=b'{"name": NaN}', code=2).stderr
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
    assert figures["given"] == figures["processed"] + figures["not_sent"] + figures["unconfirmed"] > 0
    assert figures["added"] == len(api.members)
    assert b"interrupted" in err
    assert b"Traceback" not in err


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
