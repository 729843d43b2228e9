"""A function's process that a test can kill: one invocation a line comes in, one answer a line goes out.

What Lambda gives a function at its start comes by the environment, as ever.
"""

import json
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

from local.environment import ROOT
from tests.support.events import Context
from tests.support.waiting import PATIENCE_SECONDS

ANSWER = "ANSWER "
Json = Any


@dataclass
class Worker:
    """One process at a time; when it is gone, the next call starts another."""

    environment: dict[str, str]
    starts: int = 0
    _process: "subprocess.Popen[str] | None" = field(default=None, init=False)

    def call(self, function: str, event: Json, seconds: float = PATIENCE_SECONDS) -> Json | None:
        """Invoke a function; None if its process is killed before it answers."""
        process = self._running()
        assert process.stdin is not None
        assert process.stdout is not None
        with suppress(BrokenPipeError):
            process.stdin.write(json.dumps([function, event, seconds]) + "\n")
            process.stdin.flush()
            for line in process.stdout:  # the function's own lines come by the same way
                if line.startswith(ANSWER):
                    return json.loads(line.removeprefix(ANSWER))
        process.wait()
        return None

    def kill(self) -> None:
        """End the process at once, whatever it is doing."""
        if self._process is not None:
            self._process.kill()

    def end(self) -> None:
        """End the process and wait for it."""
        if self._process is not None:
            self._process.kill()
            with suppress(BrokenPipeError):
                self._process.communicate()

    def _running(self) -> "subprocess.Popen[str]":
        if self._process is None or self._process.poll() is not None:
            self.end()
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.support.worker"],
                cwd=ROOT,
                env=self.environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
            )
            self.starts += 1
        return self._process


def main() -> None:
    """Serve invocations until the input ends."""
    handlers: dict[str, Callable[[Json, Any], Json]] = {}
    for line in sys.stdin:
        function, event, seconds = json.loads(line)
        if function not in handlers:
            handlers[function] = import_module(f"functions.{function}.app").handler
        answer = handlers[function](event, Context(seconds))
        sys.stdout.write(f"{ANSWER}{json.dumps(answer)}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
