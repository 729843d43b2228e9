"""`make audit`: hold every pin against the published advisories, where a source of them can be reached.

Fails when a pin has a known vulnerability. Where no source answers, as on a machine without the internet, nothing can
be said: it says so, and does not fail.
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from local.environment import ROOT, STATE, child_environment

PIP_AUDIT = STATE / "audit" / "bin" / "pip-audit"
SOURCES = ("osv", "pypi")
"""Asked in this order, until one answers."""
LAYERS = ROOT / "layers" / "segments"
PINS = (*sorted(LAYERS.glob("requirements*.txt")), *sorted((ROOT / "requirements").glob("*.txt")))
SECONDS = 300


@dataclass(frozen=True)
class Report:
    """What a source told of a file of pins: how many it knows, those that it does not, and what it has against them."""

    audited: int
    unknown: Sequence[str]
    advisories: Sequence[str]


def read(report: str) -> Report:
    """Read what pip-audit reports as JSON; a pin that its source has never heard of bears a reason for that."""
    pins = json.loads(report)["dependencies"]
    known = [pin for pin in pins if "skip_reason" not in pin]
    return Report(
        audited=len(known),
        unknown=[pin["name"] for pin in pins if "skip_reason" in pin],
        advisories=[
            f"{pin['name']}=={pin['version']}: {told['id']}, mended in {', '.join(told['fix_versions']) or 'none'}"
            for pin in known
            for told in pin["vulns"]
        ],
    )


def ask(source: str, pins: Path) -> Report | None:
    """Return what one source tells of a file of pins, None if it does not answer or knows none of them."""
    with tempfile.TemporaryDirectory() as home:
        report = Path(home) / "report.json"
        options = ["--disable-pip", "--require-hashes", "--progress-spinner=off", "--format=json", f"--output={report}"]
        command = [str(PIP_AUDIT), f"--vulnerability-service={source}", *options, f"--requirement={pins}"]
        try:
            subprocess.run(  # noqa: S603 - the command is this file's own
                command, env=child_environment({}), capture_output=True, timeout=SECONDS, check=False
            )
        except subprocess.TimeoutExpired:
            return None
        told = read(report.read_text()) if report.exists() and report.stat().st_size else None
        return told if told is not None and told.audited else None


def audit(pins: Sequence[Path] = PINS) -> int:
    """Audit all pins and say what was found; return the command's status."""
    status = 0
    for path in pins:
        answers = ((source, ask(source, path)) for source in SOURCES)
        source, told = next(((source, told) for source, told in answers if told is not None), ("", None))
        if told is None:
            print(f"not audited: {path.name}: no source of advisories can be reached ({', '.join(SOURCES)})")
            return status
        print(f"{path.parent.name}/{path.name}: {told.audited} pins, {len(told.advisories)} advisories ({source})")
        for advisory in told.advisories:
            print(f"  {advisory}")
            status = 1
        if told.unknown:
            print(f"  not known there: {', '.join(told.unknown)}")
    return status


if __name__ == "__main__":
    sys.exit(audit())
