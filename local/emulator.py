"""MiniStack on a free loopback port, for as long as a `with` block lasts."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from local.environment import (
    EMULATOR_PYTHON,
    LOOPBACK,
    REGION,
    ROOT,
    STATE,
    LocalError,
    child_environment,
    endings_interrupt,
    free_port,
    running,
    tail,
)

START_SECONDS = 60.0
WATCH_SECONDS = 0.2
CONCURRENCY = 10
"""Functions that run at the same time, as in a new AWS account; each is a process that unpacks the layer for itself."""


@dataclass(frozen=True)
class Emulator:
    """A running MiniStack: where it answers, its process, its log."""

    endpoint_url: str
    pid: int
    log: Path


@contextmanager
def running_emulator(state: Path | None = None, port: int | None = None, *, patched: bool = True) -> Iterator[Emulator]:
    """Start MiniStack and yield it when it answers; stop it and its Lambda workers at the end, whatever happens.

    When MiniStack ends by itself the block is interrupted, and LocalError raised with the end of its log.

    `state` is an existing directory for its log and temporary files (default: one of its own, removed at the end),
    `port` the port to listen on (default: a free one); `patched=False` leaves out what local/ministack_main.py mends.
    """
    if not EMULATOR_PYTHON.exists():
        raise LocalError("the emulator is not installed: run `make run`, or `python3 local/bootstrap.py emulator`")
    home = state or Path(tempfile.mkdtemp(prefix="emulator-", dir=STATE))
    temporary = home / "tmp"
    try:
        temporary.mkdir()
        chosen = port or free_port()
        log = home / "emulator.log"
        program: list[str | Path] = [EMULATOR_PYTHON, "-P", ROOT / "local" / "ministack_main.py"]
        program += [] if patched else ["--unpatched"]
        with running(program, _environment(chosen, temporary), temporary, log) as process:
            emulator = Emulator(f"http://{LOOPBACK}:{chosen}", process.pid, log)
            _wait_until_healthy(emulator, process)
            with _watched(emulator, process):
                yield emulator
    finally:
        shutil.rmtree(temporary if state else home, ignore_errors=True)


@contextmanager
def _watched(emulator: Emulator, process: subprocess.Popen[bytes]) -> Iterator[None]:
    """Interrupt the block, as Ctrl-C would, when the process ends in it; then raise LocalError."""
    over = threading.Event()
    main = threading.main_thread().ident or 0

    def watch() -> None:
        while not over.wait(WATCH_SECONDS):
            if process.poll() is not None:
                signal.pthread_kill(main, signal.SIGINT)
                return

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        over.set()
        watcher.join()
        if process.poll() is not None:
            raise LocalError(
                f"MiniStack has ended by itself (status {process.returncode}); "
                f"the end of {emulator.log}:\n{tail(emulator.log)}"
            )


def _environment(port: int, temporary: Path) -> dict[str, str]:
    """Return all that MiniStack and, through it, the functions see of an environment."""
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "LANG": "C.UTF-8",
        "HOME": str(temporary),
        "TMPDIR": str(temporary),
        "BIND_HOST": LOOPBACK,
        "GATEWAY_PORT": str(port),
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        "MINISTACK_REGION": REGION,
        "LAMBDA_ACCOUNT_CONCURRENCY": str(CONCURRENCY),
        "DOCKER_HOST": f"unix://{temporary}/no-docker",
    }


def _wait_until_healthy(emulator: Emulator, process: subprocess.Popen[bytes]) -> None:
    """Return when the emulator answers; raise LocalError when it has ended, or is silent for too long."""
    deadline = time.monotonic() + START_SECONDS
    with httpx.Client(trust_env=False, timeout=5) as client:
        while process.poll() is None and time.monotonic() < deadline:
            try:
                if client.get(f"{emulator.endpoint_url}/_ministack/health").is_success:
                    return
            except httpx.TransportError:
                time.sleep(0.05)
    raise LocalError(f"MiniStack did not start; the end of {emulator.log}:\n{tail(emulator.log)}")


def main(command: Sequence[str]) -> int:
    """Run `command` against MiniStack's DynamoDB and return its status."""
    try:
        with endings_interrupt(), running_emulator() as emulator:
            own = {"AWS_ENDPOINT_URL_DYNAMODB": emulator.endpoint_url}
            return subprocess.run(command, env=child_environment(own), check=False).returncode  # noqa: S603 - the user's own
    except LocalError as exc:
        print(f"error: {exc}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
