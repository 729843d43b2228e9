"""Imports and exports by command: figures, codes, and what goes on when a command ends early."""

from __future__ import annotations

import signal
import subprocess
from pathlib import Path
from threading import Event

import httpx
import pytest
from client.tests.commands import COMMAND, Run, account, called, environment, objects
from client.tests.server import Reply, serving
from client.tests.test_files import RESULT, Warehouse
from tests.support.served import Served


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
        assert "imports apply i-1 --yes\n" in called(tmp_path, account(url), *command, "--preview").stderr
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


def test_an_import_that_is_being_applied_is_cancelled_and_undone(tmp_path: Path) -> None:
    house = Warehouse(status="applying", steps=["cancelling", "cancelled", "undoing", "undone"], result=RESULT)
    guard = {"status": "fail", "error": "guard: max_removed is 9, and 500 users would be removed", "code": 409}
    house.asked = [Reply(), Reply(409, guard)]
    with serving(house) as url:
        cancelled = called(tmp_path, account(url), "imports", "cancel", "i-1", "--json")
        assert (objects(cancelled)[0]["status"], objects(cancelled)[0]["result"]) == ("cancelled", RESULT)
        assert "imports undo i-1 --yes\n" in cancelled.stderr
        undo = ("imports", "undo", "i-1")
        assert "It added 500 and removed 0" in called(tmp_path, account(url), *undo, code=2).stderr
        refused = called(tmp_path, account(url), *undo, "--max-removed", "9", "--yes", code=5)
        assert "max_removed is 9" in refused.stderr
        assert [each.json for each in house.seen if each.path.endswith("/undo")] == [{"guard": {"max_removed": 9}}]
        assert objects(called(tmp_path, account(url), *undo, "--yes", "--json"))[0]["status"] == "undone"
    late = Warehouse(status="applying", steps=["cancelling", "done"], result=RESULT)
    with serving(late) as url:
        too_late = called(tmp_path, account(url), "imports", "cancel", "i-1", code=1).stderr
        assert "too late" in too_late
        assert "imports undo i-1 --yes\n" in too_late
    for status, code in (("refused", 5), ("failed", 1), ("cancelled", 1)):
        with serving(Warehouse(status="reading", steps=[status], reason="why", rejected=False)) as url:
            told = called(tmp_path, account(url), "imports", "show", "i-1", "--wait", "--json", code=code)
            assert (objects(told)[0]["status"], "why" in told.stderr) == (status, True)


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
