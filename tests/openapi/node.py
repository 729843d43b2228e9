"""Programs of Node that read OpenAPI: installed once into .local, as package.json pins them, and run from there."""

import hashlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from local.environment import STATE

MANIFEST = Path(__file__).parent / "package.json"
OLDEST_NODE = 20
INSTALL_SECONDS = 600.0
QUIET = {"REDOCLY_TELEMETRY": "off", "REDOCLY_SUPPRESS_UPDATE_NOTICE": "true", "NODE_NO_WARNINGS": "1"}


class NotHereError(Exception):
    """Node or npm is not on this machine, or too old; the message says so."""


def installed() -> Path:
    """Return the folder of the programs, installed now if they are not there; raises NotHereError."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        raise NotHereError("Node and npm are not on this machine: its OpenAPI tools are left out")
    version = subprocess.run([node, "--version"], capture_output=True, text=True, check=True).stdout
    if int(version.removeprefix("v").partition(".")[0]) < OLDEST_NODE:
        raise NotHereError(f"Node {OLDEST_NODE} or later is not on this machine: its OpenAPI tools are left out")
    home = STATE / "openapi-tools" / hashlib.sha256(MANIFEST.read_bytes()).hexdigest()[:16]
    if not home.exists():
        home.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=home.parent) as scratch:
            shutil.copy(MANIFEST, scratch)
            command = [npm, "install", "--no-package-lock", "--no-audit", "--no-fund", "--ignore-scripts"]
            done = subprocess.run(
                command, cwd=scratch, capture_output=True, text=True, check=False, timeout=INSTALL_SECONDS
            )
            assert done.returncode == 0, f"npm could not install the OpenAPI tools:\n{done.stderr[-2000:]}"
            os.rename(scratch, home)  # noqa: PTH104 - at once, so that no half of it is ever used
            Path(scratch).mkdir()
    return home / "node_modules" / ".bin"


def run(program: Path, *arguments: str | Path, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a program in a folder; what it printed is the test's to judge."""
    return subprocess.run(
        [program, *arguments],
        cwd=folder,
        env={**os.environ, **QUIET},
        capture_output=True,
        text=True,
        timeout=INSTALL_SECONDS,
        check=False,
    )
