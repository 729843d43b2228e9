"""The package as people get it: a wheel, installed into an environment that has nothing else."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
UV = ROOT / ".local" / "uv" / "bin" / "uv"
SLOW_TO_IMPORT = {"boto3", "httpx", "rich"}


def run(*command: str | Path) -> subprocess.CompletedProcess[str]:
    done = subprocess.run([*map(str, command)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    run(UV, "build", "--quiet", "--wheel", "--out-dir", folder, ROOT / "client")
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path) -> Path:
    """The folder of commands of an environment that the wheel was installed into."""
    home = wheel.parent / "environment"
    run(UV, "venv", "--quiet", "--python", sys.executable, home)
    pins = ROOT / "requirements" / "dev.txt"
    run(UV, "pip", "install", "--quiet", "--python", home / "bin" / "python", "--constraint", pins, wheel)
    return home / "bin"


def test_the_wheel_has_the_package_with_its_types_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as file:
        names = file.namelist()
    assert "api_segments_client/py.typed" in names
    sources = {f"api_segments_client/{path.name}" for path in (ROOT / "client/src/api_segments_client").glob("*.py")}
    assert sources <= set(names)
    assert {name.split("/")[0].removesuffix(".dist-info") for name in names} == {
        "api_segments_client",
        "-".join(wheel.name.split("-")[:2]),
    }


def test_a_fresh_environment_has_a_client_and_nothing_of_the_server(installed: Path) -> None:
    script = """
import importlib.util
from api_segments_client import Client
print(Client("https://example.com/live", "A", "P"), importlib.util.find_spec("api_segments"))
"""
    shown = run(installed / "python", "-I", "-c", script).stdout
    assert "https://example.com/live" in shown
    assert shown.endswith(" None\n")


def test_what_an_import_alone_loads_has_no_http(installed: Path) -> None:
    assert not SLOW_TO_IMPORT & loaded(installed, "-c", "import api_segments_client")


def test_help_loads_nothing_that_is_slow(installed: Path) -> None:
    command = installed / "api-segments"
    assert "Usage" in run(command, "--help").stdout
    assert not SLOW_TO_IMPORT & loaded(installed, command, "--help")


def loaded(installed: Path, *command: str | Path) -> set[str]:
    """Return the top-level modules that a run imports."""
    told = run(installed / "python", "-I", "-X", "importtime", *command).stderr
    lines = [line for line in told.splitlines() if line.startswith("import time:")]
    assert len(lines) > 1
    return {line.rsplit("|", 1)[1].strip().split(".")[0] for line in lines}
