"""Two linters have nothing to say, not even a warning."""

import json
from pathlib import Path

from tests.openapi.node import run

HERE = Path(__file__).parent


def test_redocly_finds_nothing(programs: Path, description: Path, tmp_path: Path) -> None:
    done = run(
        programs / "redocly",
        *("lint", description, "--config", HERE / "redocly.yaml", "--format", "json"),
        folder=tmp_path,
    )
    found = json.loads(done.stdout)
    said = [(each["ruleId"], each["message"], each["location"][0].get("pointer")) for each in found["problems"]]
    assert (said, done.returncode) == ([], 0)


def test_spectral_finds_nothing(programs: Path, description: Path, tmp_path: Path) -> None:
    done = run(
        programs / "spectral",
        *(
            "lint",
            description,
            "--ruleset",
            HERE / "spectral.yaml",
            "--format",
            "json",
            "--fail-severity",
            "hint",
            "--quiet",
        ),
        folder=tmp_path,
    )
    said = [(each["code"], each["message"], each["path"]) for each in json.loads(done.stdout or "[]")]
    assert (said, done.returncode) == ([], 0), done.stderr
