"""A container engine of the tests' own, while a block lasts: Docker's daemon on its own socket and bridge."""

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from local.environment import LocalError, tail

START_SECONDS = 60.0
END_SECONDS = 30.0
NEEDED = ("dockerd", "docker", "debootstrap", "ip")


def require_tools() -> None:
    """Raise LocalError where a daemon of our own can't be started."""
    missing = [name for name in NEEDED if not shutil.which(name)]
    if missing:
        raise LocalError(f"and none can be started: {', '.join(missing)} not found (Debian: docker.io, debootstrap)")
    if os.geteuid():
        raise LocalError("and none can be started: that needs root")


@contextmanager
def running_daemon() -> Iterator[str]:
    """Start it and yield what DOCKER_HOST is for it; end it and remove all it kept, whatever happens."""
    require_tools()
    with ExitStack() as ending:
        # A short path: a socket's may have no more than 107 characters.
        home = Path(tempfile.mkdtemp(prefix="dockerd-"))
        ending.callback(shutil.rmtree, home, ignore_errors=True)
        bridge = ending.enter_context(_bridge())
        log, host = home / "log", f"unix://{home}/socket"
        command: list[str] = [
            *("dockerd", "--host", host, "--data-root", f"{home}/data", "--exec-root", f"{home}/exec"),
            *("--pidfile", f"{home}/pid", "--bridge", bridge, "--iptables=false", "--ip6tables=false"),
        ]
        with log.open("wb") as output:
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
        ending.callback(_end, process)
        deadline = time.monotonic() + START_SECONDS
        while subprocess.run(["docker", "--host", host, "version"], capture_output=True, check=False).returncode:
            if process.poll() is not None or time.monotonic() > deadline:
                raise LocalError(f"and none can be started: {tail(log, 1)}")
            time.sleep(0.1)
        yield host


@contextmanager
def _bridge() -> Iterator[str]:
    """Make a bridge for the containers, with an address of the host's on it."""
    name = f"seg{os.getpid()}"
    third, fourth = divmod(os.getpid() % 4096 * 16, 256)
    commands = (
        ["ip", "link", "add", name, "type", "bridge"],
        ["ip", "address", "add", f"198.18.{third}.{fourth + 1}/28", "dev", name],
        ["ip", "link", "set", name, "up"],
    )
    try:
        for command in commands:
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode:
                raise LocalError(f"and none can be started: {done.stderr.strip()}")
        yield name
    finally:
        subprocess.run(["ip", "link", "delete", name], capture_output=True, check=False)


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the daemon, which ends its containers and its containerd before itself."""
    process.terminate()
    with suppress(subprocess.TimeoutExpired):
        process.wait(END_SECONDS)
    process.kill()
    process.wait()
