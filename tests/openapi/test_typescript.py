"""Types for TypeScript are generated without a word, and take what is right and refuse what is wrong."""

import shutil
from pathlib import Path

from tests.openapi.node import run

MAIN_JOB = Path(__file__).parent / "main_job.ts"


def test_generated_types_take_the_main_job_and_refuse_mistakes(
    programs: Path, description: Path, tmp_path: Path
) -> None:
    made = run(programs / "openapi-typescript", description, "--output", tmp_path / "openapi.ts", folder=tmp_path)
    assert (made.returncode, "warn" in (made.stdout + made.stderr).lower()) == (0, False), made.stdout + made.stderr
    shutil.copy(MAIN_JOB, tmp_path)
    options = ("--strict", "--noEmit", "--module", "nodenext", "--target", "es2022", "--exactOptionalPropertyTypes")
    checked = run(programs / "tsc", *options, "openapi.ts", "main_job.ts", folder=tmp_path)
    assert checked.returncode == 0, checked.stdout
