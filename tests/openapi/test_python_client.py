"""A Python client is generated without a warning, and does the main job over HTTP."""

import os
import shutil
import subprocess
from pathlib import Path

from local.bootstrap import environment
from tests.support.served import served_api, serving
from tests.support.waiting import PATIENCE_SECONDS

BIN = environment("clients") / "bin"
MAIN_JOB = Path(__file__).parent / "main_job.py"


def run(folder: Path, *command: str | Path) -> subprocess.CompletedProcess[str]:
    # The generator formats what it writes by the ruff beside it.
    found_there = {**os.environ, "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"}
    return subprocess.run(
        command, cwd=folder, env=found_there, capture_output=True, text=True, timeout=4 * PATIENCE_SECONDS, check=False
    )


def test_the_generated_client_does_the_main_job(description: Path, tmp_path: Path) -> None:
    made = run(
        tmp_path,
        *(BIN / "openapi-python-client", "generate", "--path", description, "--fail-on-warning"),
        *("--meta", "none", "--output-path", "segments_client"),
    )
    assert (made.returncode, made.stderr, made.stdout.splitlines()) == (0, "", ["Generating segments_client"])
    shutil.copy(MAIN_JOB, tmp_path)
    with served_api() as api, serving(api) as url:
        done = run(tmp_path, BIN / "python", MAIN_JOB.name, url, api.account_id, api.passcode)
    assert done.returncode == 0, done.stderr
