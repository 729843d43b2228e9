"""A stand-in for Amazon's image of the Python runtime, made once where that image can't be had.

It is Debian with Lambda's Python and Amazon's own runtime client (awslambdaric), which calls the handler as the image
does. It has neither Amazon's Linux nor its patches: it shows that the built layer and the functions work on that
Python, behind SAM, not that they work on that system.
"""

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

from local.environment import ROOT, STATE, LocalError, architecture, child_environment

PINS = ROOT / "requirements" / "stand-in.txt"
PYTHON = "3.13"
SUITE = "trixie"
"""The release of Debian that has this Python."""
IMAGE = f"public.ecr.aws/lambda/python:{PYTHON}-{architecture()}"
"""What SAM looks for."""
BOOTSTRAP = f"""#!/bin/sh
export PYTHONPATH=/opt/python:/var/runtime
cd "$LAMBDA_TASK_ROOT"
exec /var/lang/bin/python{PYTHON} -m awslambdaric "$_HANDLER"
"""


def made() -> Path:
    """Return the image's files as a tar; make it if it is not there yet, which takes over a minute."""
    digest = hashlib.sha256(PINS.read_bytes() + Path(__file__).read_bytes()).hexdigest()[:12]
    home = STATE / "stand_in"
    kept = home / f"{architecture()}-{digest}.tar"
    if not kept.exists():
        shutil.rmtree(home, ignore_errors=True)
        home.mkdir(parents=True)
        try:
            _make(home / "root", kept.with_suffix(".part"))
        finally:
            shutil.rmtree(home / "root", ignore_errors=True)
        kept.with_suffix(".part").rename(kept)
    return kept


def _make(root: Path, archive: Path) -> None:
    log = root.with_suffix(".log")
    packages = f"--include=python{PYTHON}"
    _run(["debootstrap", "--variant=minbase", packages, SUITE, root], log)
    runtime, binaries = root / "var/runtime", root / "var/lang/bin"
    for folder in (binaries, root / "var/task", root / "opt"):
        folder.mkdir(parents=True, exist_ok=True)
    platform = {"arm64": "aarch64", "x86_64": "x86_64"}[architecture()]
    target: list[str | Path] = [
        "--target",
        runtime,
        "--python-version",
        PYTHON,
        "--python-platform",
        f"{platform}-manylinux2014",
    ]
    pins: list[str | Path] = ["--require-hashes", "--only-binary", ":all:", "--requirement", PINS]
    _run([STATE / "uv/bin/uv", "pip", "install", *target, *pins], log)
    (binaries / f"python{PYTHON}").symlink_to(f"/usr/bin/python{PYTHON}")
    bootstrap = runtime / "bootstrap"
    bootstrap.write_text(BOOTSTRAP)
    bootstrap.chmod(0o755)
    left_out = ["--exclude=./var/cache/apt", "--exclude=./var/lib/apt/lists", "--exclude=./usr/share/doc"]
    _run(["tar", "-C", root, *left_out, "-cf", archive, "."], log)


def _run(command: list[str | Path], log: Path) -> None:
    with log.open("ab") as output:
        done = subprocess.run(command, env=child_environment({}), stdout=output, stderr=output, check=False)
    if done.returncode:
        raise LocalError(f"the stand-in for Amazon's image could not be made: {command[0]} failed, see {log}")


if __name__ == "__main__":
    sys.stdout.write(f"{made()}\n")
