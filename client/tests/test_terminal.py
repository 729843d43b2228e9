"""The command line on a terminal: questions, hidden input, progress, Ctrl-C; and in a pipe that is closed."""

from __future__ import annotations

import os
import pty
import select
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from client.tests.commands import COMMAND, account, environment
from client.tests.server import Api, Reply, Request, serving
from client.tests.test_files import RESULT, Warehouse

PREVIEW = {
    "rows": 4,
    "rejected": 0,
    "duplicate": 0,
    "skipped": 0,
    "unchanged": 1,
    "to_add": 3,
    "to_create": 2,
    "to_remove": 12,
}
USAGE = {"month": "2026-11", "data_points": 0, "plan": "Advanced"}
SECONDS = 60


class Terminal:
    """A command at a terminal of its own: what it shows can be waited for, and answers typed."""

    def __init__(self, screen: int, process: int) -> None:
        self._screen = screen
        self._process = process
        self.shown = ""
        self._after = 0

    def _read(self) -> bool:
        assert select.select([self._screen], [], [], SECONDS)[0], self.shown
        try:
            piece = os.read(self._screen, 65536)
        except OSError:  # Linux: the last who had the terminal open has ended
            return False
        self.shown += piece.decode(errors="replace")
        return bool(piece)

    def until(self, text: str) -> None:
        """Wait until the text is shown, after what was waited for before."""
        while (at := self.shown.find(text, self._after)) < 0:
            assert self._read(), self.shown
        self._after = at + len(text)

    def type(self, text: str) -> None:
        os.write(self._screen, text.encode())

    def code(self) -> int:
        """Wait for the end; return the exit code."""
        while self._read():
            pass
        assert "Traceback" not in self.shown
        return os.waitstatus_to_exitcode(os.waitpid(self._process, 0)[1])


@contextmanager
def terminal(home: Path, env: Mapping[str, str], *arguments: str) -> Iterator[Terminal]:
    process, screen = pty.fork()
    if process == 0:
        os.chdir(home)
        os.execve(COMMAND, [str(COMMAND), *arguments], environment(home, TERM="xterm", COLUMNS="100", **env))  # noqa: S606 - our own
    try:
        yield Terminal(screen, process)
    finally:
        os.close(screen)


def test_login_asks_and_does_not_show_the_passcode(tmp_path: Path) -> None:
    with serving(lambda _: Reply(body=USAGE)) as url:
        with terminal(tmp_path, {}, "login", "--profile", "shop") as at:
            for question, answer in (("Address", url), ("Account id", "ACC-1"), ("Passcode", "hunter2")):
                at.until(question)
                at.type(f"{answer}\n")
            assert at.code() == 0
        assert "ACC-1" in at.shown
        assert "hunter2" not in at.shown
        assert "hunter2" in (tmp_path / "sub" / "profiles.toml").read_text()


@pytest.mark.parametrize(("answer", "code", "status"), [("n", 1, "cancelled"), ("", 1, "cancelled"), ("y", 0, "done")])
def test_an_import_that_removes_shows_what_it_would_do_and_asks(
    tmp_path: Path, answer: str, code: int, status: str
) -> None:
    (tmp_path / "users.csv").write_bytes(b"identity\na\n")
    steps = ["reading", "previewed", *(["applying", "done"] if answer == "y" else ["cancelled"])]
    house = Warehouse(steps=steps, rejected=False, preview=PREVIEW)
    with serving(house) as url:
        command = ("import", "users.csv", "--segment", "S", "--mode", "replace")
        with terminal(tmp_path, account(url), *command) as at:
            at.until("Apply it? [y/N]: ")
            at.type(f"{answer}\n")
            assert at.code() == code
    assert house.seen[0].json["apply"] == "manual"
    assert "It adds 3 users (2 of them new), removes 12, leaves 1; 0 rows are rejected." in at.shown
    assert "importing" in at.shown
    assert ("nothing was changed" in at.shown) == (status == "cancelled")
    assert house.status == status
    assert any(each.path.endswith("/apply") for each in house.seen) == (status == "done")


def test_a_question_that_is_answered_no_ends_with_nothing_done(tmp_path: Path) -> None:
    house = Warehouse(status="done", steps=["undoing", "undone"], result=RESULT)
    with serving(house) as url:
        for answer, code in (("n", 1), ("y", 0)):
            with terminal(tmp_path, account(url), "imports", "undo", "i-1") as at:
                at.until("It added 500 and removed 0. Undo import i-1? [y/N]: ")
                at.type(f"{answer}\n")
                assert at.code() == code
            assert ("nothing was done" in at.shown) == (answer == "n")
            assert any(each.path.endswith("/undo") for each in house.seen) == (answer == "y")


def test_ctrl_c_ends_a_question_as_soon_as_it_is_asked(tmp_path: Path) -> None:
    house = Warehouse(status="done", result=RESULT)
    with serving(house) as url:
        for _ in range(5):  # without waiting for the line, one in two or three was heard only after Enter
            with terminal(tmp_path, account(url), "imports", "undo", "i-1") as at:
                at.until("[y/N]: ")
                at.type("\x03")
                assert at.code() == 130
                assert "interrupted" in at.shown
    (tmp_path / "users.csv").write_bytes(b"identity\na\n")
    previewed = Warehouse(steps=["previewed"], rejected=False, preview=PREVIEW)
    with serving(previewed) as url:
        command = ("import", "users.csv", "--segment", "S", "--mode", "replace")
        with terminal(tmp_path, account(url), *command) as at:
            at.until("Apply it? [y/N]: ")
            at.type("\x03")
            assert at.code() == 130
    assert "api-segments imports apply i-1\r\n" in at.shown


def test_an_answer_that_is_neither_is_asked_again(tmp_path: Path) -> None:
    with serving(Warehouse(status="done", result=RESULT)) as url:
        with terminal(tmp_path, account(url), "imports", "undo", "i-1") as at:
            for answer in ("maybe\n", "NO\n"):
                at.until("[y/N]: ")
                at.type(answer)
            assert at.code() == 1
        with terminal(tmp_path, account(url), "imports", "undo", "i-1") as at:
            at.until("[y/N]: ")
            at.type("\x04")
            assert at.code() == 130


def test_progress_is_shown_and_a_second_ctrl_c_waits_for_nothing(tmp_path: Path) -> None:
    (tmp_path / "users.txt").write_text("".join(f"u{number}\n" for number in range(1000)))
    going, api = Event(), Api()
    api.meanwhile = lambda: len(api.requests) < 2 or going.wait(SECONDS)
    with serving(api) as url:
        try:
            with terminal(tmp_path, account(url), "members", "add", "S", "-f", "users.txt", "--json") as at:
                at.until("100 users")
                at.type("\x03")
                at.until("Ctrl-C again")
                at.type("\x03")
                assert at.code() == 130
        finally:
            going.set()
    assert '"given": 400' in at.shown
    assert '"unconfirmed": 300' in at.shown
    assert '"added": 100' in at.shown


def test_who_stops_reading_ends_a_command_quietly(tmp_path: Path) -> None:
    def respond(request: Request) -> Any:
        if "/members" not in request.path:
            return Reply(404, {"error": "no"})
        member = {"identity": "a" * 200, "guid": "g", "added_at": None}
        return Reply(body={"members": [member] * 1000, "cursor": "on"})

    with serving(respond) as url:
        for more in ((), ("--json",)):
            command = [COMMAND, "members", "list", "7", *more]
            env = environment(tmp_path, **account(url))
            with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=env) as process:
                assert process.stdout is not None
                assert process.stdout.readline()
                process.stdout.close()
                assert process.stderr is not None
                assert (process.stderr.read(), process.wait(SECONDS)) == (b"", 1)
