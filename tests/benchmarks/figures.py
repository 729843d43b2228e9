"""What `make bench` counted and measured, in a file: docs/scale.md is reckoned from it."""

import json
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from os import cpu_count
from pathlib import Path
from statistics import median
from typing import Any

from tests.benchmarks.measure import Figures
from tests.benchmarks.results import CHAIN, Run
from tests.support.template import ROOT

FILE = "benchmarks.json"
SHAPES = ("1 known x 1", "100 known x 1", "100 new x 1")
USERS = dict(zip(SHAPES, (1, 100, 100), strict=True))


@dataclass(frozen=True)
class Phase:
    """A request or a reader's batch: milliseconds of CPU on the machine of the benchmark, and what it asked for."""

    cpu_ms: float
    calls: int
    read_units: float
    write_units: float


@dataclass(frozen=True)
class Measured:
    """What one run found: by shape and phase; a cold start's CPU by function; units and CPU of a campaign's message."""

    machine: str
    phases: Mapping[str, Mapping[str, Phase]]
    starts: Mapping[str, float]
    message: Phase


def read(docs: Path = ROOT / "docs") -> Measured:
    """Return what the last run wrote."""
    found = json.loads((docs / FILE).read_text())
    phases = {shape: {name: Phase(**each) for name, each in of.items()} for shape, of in found["phases"].items()}
    return Measured(found["machine"], phases, found["starts"], Phase(**found["message"]))


def write(run: Run, docs: Path) -> None:
    """Write what a run found."""
    (docs / FILE).write_text(json.dumps(figures_of(run), indent=1) + "\n")


def figures_of(run: Run) -> Mapping[str, Any]:
    """Return the figures of a run that others reckon with."""
    machine = f"{datetime.now(UTC):%Y-%m-%d}, Python {platform.python_version()}, {platform.machine()}"
    campaign = run.campaigns[-1]
    walk, send = (campaign.walk, campaign.audience), (campaign.send, campaign.counted)
    return {
        "machine": f"{machine}, {cpu_count()} cores",
        "phases": {shape: {phase: _phase(run.product[shape][phase]) for phase in CHAIN} for shape in SHAPES},
        "starts": {name: round(median(start.cpu), 1) for name, start in run.starts.items()},
        "message": {
            "cpu_ms": round(sum(sum(of.cpu) / count for of, count in (walk, send)), 2),
            "calls": round(sum(of.calls / count for of, count in (walk, send))),
            **{
                name: round(sum(of.books[name] / count for of, count in (walk, send)), 2)
                for name in ("read_units", "write_units")
            },
        },
    }


def _phase(figures: Figures) -> Mapping[str, float]:
    return {
        "cpu_ms": round(median(figures.cpu), 2),
        "calls": figures.calls,
        "read_units": figures.books["read_units"],
        "write_units": figures.books["write_units"],
    }
