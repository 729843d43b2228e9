"""What `make bench` counted and measured, in a file: docs/scale.md is reckoned from it."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

from tests.benchmarks.imports import ImportFigures
from tests.benchmarks.measure import Figures
from tests.benchmarks.results import CHAIN, Run, machine
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
    """What one run found: by shape and phase; a cold start's CPU by function; units and CPU of a campaign's message.

    Imports may be from a run of their own.
    """

    machine: str
    phases: Mapping[str, Mapping[str, Phase]]
    starts: Mapping[str, float]
    message: Phase
    imports: Sequence[ImportFigures]
    imports_machine: str


def read(docs: Path = ROOT / "docs") -> Measured:
    """Return what the last run wrote."""
    found = json.loads((docs / FILE).read_text())
    phases = {shape: {name: Phase(**each) for name, each in of.items()} for shape, of in found["phases"].items()}
    imports = [ImportFigures.read(each) for each in found["imports"]["figures"]]
    own = found["imports"]["machine"]
    return Measured(found["machine"], phases, found["starts"], Phase(**found["message"]), imports, own)


def write(run: Run, docs: Path) -> None:
    """Write what a run found."""
    _write(figures_of(run), docs)


def write_imports(found: Sequence[ImportFigures], docs: Path) -> None:
    """Write what a run of imports alone found, beside what the last whole run did."""
    _write({**json.loads((docs / FILE).read_text()), "imports": _imports(found)}, docs)


def _write(figures: Mapping[str, Any], docs: Path) -> None:
    (docs / FILE).write_text(json.dumps(figures, indent=1) + "\n")


def _imports(found: Sequence[ImportFigures]) -> Mapping[str, Any]:
    return {"machine": machine(), "figures": [_rounded(asdict(each)) for each in found]}


def _rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _rounded(each) for name, each in value.items()}
    return round(value, 4) if isinstance(value, float) else value


def figures_of(run: Run) -> Mapping[str, Any]:
    """Return the figures of a run that others reckon with."""
    campaign = run.campaigns[-1]
    walk, send = (campaign.walk, campaign.audience), (campaign.send, campaign.counted)
    return {
        "machine": machine(),
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
        "imports": _imports(run.imports),
    }


def _phase(figures: Figures) -> Mapping[str, float]:
    return {
        "cpu_ms": round(median(figures.cpu), 2),
        "calls": figures.calls,
        "read_units": figures.books["read_units"],
        "write_units": figures.books["write_units"],
    }
