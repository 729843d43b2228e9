"""Where things are on this machine, the environment child processes get, and how processes are started and ended."""

import os
import platform
import signal
import socket
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType

ROOT = Path(__file__).resolve().parent.parent
STATE = ROOT / ".local"
STACK_FILE = STATE / "stack.json"
"""What other tools need to know of the stack that `make run` keeps up; there only while it is."""
EMULATOR_PYTHON = STATE / "emulator" / "bin" / "python"
SAM = STATE / "sam" / "bin" / "sam"
BUILD_PYTHON = STATE / "uv" / "bin" / "python"
"""Has pip, and is of the version that the emulator runs the functions with."""

LOOPBACK = "127.0.0.1"
REGION = "us-east-1"
ACCESS_KEY = "test"
"""Both halves of the emulator's credentials, which it does not check."""

ENDINGS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class LocalError(Exception):
    """Something that the user can do something about; the message is one line for them."""


def architecture() -> str:
    """Return this machine's architecture by Lambda's name for it."""
    return "arm64" if platform.machine().lower() in ("arm64", "aarch64") else "x86_64"


def child_environment(own: Mapping[str, str]) -> dict[str, str]:
    """Return this process's environment without what steers AWS tools or Python, and with `own`."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "SAM_", "PYTHON", "VIRTUAL_ENV"))}
    direct = ",".join(filter(None, (kept.get("NO_PROXY") or kept.get("no_proxy"), LOOPBACK)))
    return {**kept, "NO_PROXY": direct, "no_proxy": direct, **own}


def free_port() -> int:
    """Return a loopback port that nothing listens on now."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port


def require_free(port: int) -> None:
    """Raise LocalError unless `port` of the loopback can be listened on."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except (OSError, OverflowError) as exc:
            raise LocalError(f"port {port} cannot be used ({exc}); choose another --port, or none") from exc


@contextmanager
def running(
    command: Sequence[str | Path], env: Mapping[str, str], cwd: Path, log: Path
) -> Iterator[subprocess.Popen[bytes]]:
    """Run `command` in a process group of its own, its output in `log`; at the end stop the whole group.

    Its standard input stays open for as long as this process lives.
    """
    with log.open("wb") as output:
        process = subprocess.Popen(  # noqa: S603 - the callers' commands are literals and paths of this checkout
            command, cwd=cwd, env=env, stdin=subprocess.PIPE, stdout=output, stderr=output, start_new_session=True
        )
    try:
        yield process
    finally:
        stop(process)


def stop(process: subprocess.Popen[bytes]) -> None:
    """Kill the process and its whole group: none of them has anything to bring to an end."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    if process.stdin:
        process.stdin.close()


def let_go_of_terminal() -> None:
    """Send what is still printed nowhere: nobody reads it any more, and writing to a closed terminal is an error."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (1, 2):
        os.dup2(nowhere, stream)


@contextmanager
def endings_interrupt() -> Iterator[None]:
    """Turn the first Ctrl-C, SIGTERM or closed terminal into KeyboardInterrupt; ignore more: cleaning up ends."""

    def interrupt(number: int, _frame: FrameType | None) -> None:
        for ending in ENDINGS:
            signal.signal(ending, signal.SIG_IGN)
        if number == signal.SIGHUP:
            let_go_of_terminal()
        raise KeyboardInterrupt(signal.Signals(number).name)

    before = {ending: signal.signal(ending, interrupt) for ending in ENDINGS}
    try:
        yield
    finally:
        for ending, handler in before.items():
            signal.signal(ending, handler)


def tail(log: Path, lines: int = 15) -> str:
    """Return the last lines of a log file."""
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])
