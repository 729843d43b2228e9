"""Make the project's own environments, once, and say what is done.

Runs on a bare Python 3.11 or later: standard library only, nothing of the project is installed yet.
`python3 local/bootstrap.py project emulator sam` makes the named environments that are missing or out of date. The
environment `runtime` is the project's on the Python that the functions have on Lambda; where none is found, it is the
project's own.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
STATE = ROOT / ".local"
UV_VERSION = "0.13.9"
UV = STATE / "uv" / "bin" / "uv"
OLDEST_PYTHON = (3, 11)
RUNTIME_PYTHON = "3.13"

PINS = {
    "project": ROOT / "requirements" / "dev.txt",
    "runtime": ROOT / "requirements" / "dev.txt",
    "emulator": ROOT / "requirements" / "emulator.txt",
    "sam": ROOT / "requirements" / "sam.txt",
    "audit": ROOT / "requirements" / "audit.txt",
    "clients": ROOT / "requirements" / "clients.txt",
}
WHAT = {
    "project": "the project and its tools",
    "runtime": f"the same on Python {RUNTIME_PYTHON}, which the functions run on",
    "emulator": "MiniStack, the AWS emulator",
    "sam": "AWS SAM CLI",
    "audit": "pip-audit",
    "clients": "a generator of clients from OpenAPI",
}
OF_THE_PROJECT = ("project", "runtime")
PACKAGES = (ROOT / "layers" / "segments", ROOT / "client", ROOT)


def environment(name: str) -> Path:
    """Return where the environment `name` (a key of PINS) lives."""
    return ROOT / ".venv" if name == "project" else STATE / name


def fail(message: str) -> None:
    """Say in one line what is missing and what to do, and end with status 1."""
    sys.exit(f"error: {message}")


def run(command: list[str], what: str) -> None:
    """Run `command` quietly; on failure show what it printed and end."""
    # uv would otherwise look for an active environment that is none of ours.
    clean = {key: value for key, value in os.environ.items() if key not in ("VIRTUAL_ENV", "PYTHONPATH")}
    done = subprocess.run(command, cwd=ROOT, env=clean, capture_output=True, text=True, check=False)  # noqa: S603 - the commands are this file's own
    if done.returncode:
        print((done.stdout + done.stderr).strip(), file=sys.stderr)
        fail(f"could not {what} (see above); the network must reach a Python package index")


def install_uv() -> None:
    """Install the pinned uv into an environment of its own, unless it is there."""
    stamp = STATE / "uv" / f".uv-{UV_VERSION}"
    if stamp.exists():
        return
    shutil.rmtree(STATE / "uv", ignore_errors=True)
    STATE.mkdir(exist_ok=True)
    run([sys.executable, "-m", "venv", str(STATE / "uv")], "make a virtual environment (on Debian: python3-venv)")
    run([str(STATE / "uv/bin/python"), "-m", "pip", "install", "--quiet", f"uv=={UV_VERSION}"], "install uv")
    stamp.touch()


def runtime_python() -> str | None:
    """Return a Python of Lambda's version that runs: this one, the path's or pyenv's. None where there is none."""
    if sys.version.startswith(f"{RUNTIME_PYTHON}."):
        return sys.executable
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    of_pyenv = sorted(pyenv.glob(f"versions/{RUNTIME_PYTHON}.*/bin/python{RUNTIME_PYTHON}"), reverse=True)
    for candidate in (shutil.which(f"python{RUNTIME_PYTHON}"), *map(str, of_pyenv)):
        # pyenv puts a command on the path also for versions that are not switched on; it ends with an error.
        if candidate and not subprocess.run([candidate, "-c", ""], capture_output=True, check=False).returncode:  # noqa: S603 - as above
            return candidate
    return None


def install(name: str) -> None:
    """Make the environment `name` as its pins say, unless a stamp shows that it is so already."""
    home = environment(name)
    interpreter = runtime_python() if name == "runtime" else sys.executable
    if interpreter is None:
        use_instead(home, environment("project"))
        return
    inputs = [PINS[name], *(package / "pyproject.toml" for package in PACKAGES if name in OF_THE_PROJECT)]
    version = subprocess.check_output([interpreter, "-c", "import sys; print(sys.version)"])  # noqa: S603 - as above
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in inputs) + version).hexdigest()
    stamp = home / ".complete"
    if not home.is_symlink() and stamp.exists() and stamp.read_text() == digest:
        return
    started = time.monotonic()
    print(f"  installing {WHAT[name]} …", end="", flush=True)
    python = home / "bin" / "python"
    install_uv()
    if home.is_symlink():
        home.unlink()
    run([str(UV), "venv", "--quiet", "--clear", "--python", interpreter, str(home)], f"make {home}")
    run([str(UV), "pip", "sync", "--quiet", "--require-hashes", "--python", str(python), str(PINS[name])], "install")
    if name in OF_THE_PROJECT:
        editable = ["--no-deps", *(part for package in PACKAGES for part in ("--editable", str(package)))]
        run([str(UV), "pip", "install", "--quiet", "--python", str(python), *editable], "install the project")
    stamp.write_text(digest)
    print(f" {time.monotonic() - started:.0f} s")


def use_instead(home: Path, other: Path) -> None:
    """Let the path `home` lead to the environment `other`, and say so once."""
    if home.is_symlink():
        return
    print(f"  no Python {RUNTIME_PYTHON} was found: its tests run on {sys.version.split()[0]} instead")
    shutil.rmtree(home, ignore_errors=True)
    home.parent.mkdir(exist_ok=True)
    home.symlink_to(other, target_is_directory=True)


def main(names: list[str]) -> None:
    """Make every environment in `names`."""
    if sys.version_info < OLDEST_PYTHON:
        fail(f"Python 3.11 or later is needed, this is {sys.version.split()[0]}; set PYTHON=/path/to/python3.11")
    unknown = [name for name in names if name not in PINS]
    if unknown:
        fail(f"unknown environment {unknown[0]!r}; there are {', '.join(PINS)}")
    for name in names:
        install(name)


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except KeyboardInterrupt:
        sys.exit("\nstopped; the next run goes on from here")
