"""The command behind `make run`: the whole stack on this machine, its demo, then each event as it leaves the bus."""

import argparse
import fcntl
import json
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from local.environment import STACK_FILE, STATE, LocalError, endings_interrupt, require_free

LOCK_FILE = STATE / "run.lock"
INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run it; return the exit status: 0 when all agreed, 1 when not or on an error, 130 when interrupted."""
    options = parser().parse_args(arguments)
    try:
        with endings_interrupt(), only_one():
            if options.port is not None:
                require_free(options.port)
            from local.live import show  # noqa: PLC0415 - takes a while; Ctrl-C must not be a traceback by then

            return 0 if show(options.port, stay=not options.exit) else 1
    except LocalError as exc:
        print(f"error: {exc}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nstopped; nothing is left running")
        return INTERRUPTED


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    command = argparse.ArgumentParser(prog="make run", description="The whole stack on this machine, with its demo.")
    command.add_argument("--exit", action="store_true", help="end after the demo; the status says whether all agreed")
    command.add_argument("--port", type=int, help="the loopback port to listen on (default: a free one)")
    return command


@contextmanager
def only_one() -> Iterator[None]:
    """Hold the lock that one `make run` of this checkout can hold; raise LocalError when another one does.

    The system releases the lock with the process that holds it, so what a killed one left behind is known to be stale.
    """
    LOCK_FILE.parent.mkdir(exist_ok=True)
    with LOCK_FILE.open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as exc:
            raise LocalError(already_up()) from exc
        STACK_FILE.unlink(missing_ok=True)
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield


def already_up() -> str:
    """Return the line that tells of the stack that is up."""
    try:
        stack = json.loads(STACK_FILE.read_text())
    except FileNotFoundError:
        return f"another `make run` is starting or ending (pid {LOCK_FILE.read_text()}); wait for it, or end it first"
    return f"`make run` is already up at {stack['api_url']} (pid {stack['pid']}); use that one, or end it with Ctrl-C"


if __name__ == "__main__":
    sys.exit(main())
