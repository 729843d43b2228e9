"""All that one run found, and the targets that it is held against."""

import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from os import cpu_count
from statistics import median

from tests.benchmarks.bare import Beside
from tests.benchmarks.campaigns import CampaignFigures
from tests.benchmarks.capacity import Capacity
from tests.benchmarks.coldstart import BARE, Layer, Start
from tests.benchmarks.endtoend import Lags, Sustained
from tests.benchmarks.imports import ImportFigures
from tests.benchmarks.measure import Figures

Shapes = Mapping[str, Mapping[str, Figures]]
"""By shape and phase (request, publish, project, repeat)."""
GrowthFigures = Mapping[str, Mapping[str, Mapping[str, Figures]]]
"""By what grows, call and size."""

COLD_FUNCTIONS = ("authorizer", "create_segment", "update_segment", "publish_changes", "project_members")
COLD_RATIO = 1.3
BARE_RATIO = 1.2
LAYER_MEBIBYTES = 25
MEBIBYTE = 1024 * 1024
CHAIN = ("request", "publish", "project")
AGAIN = ("publish again", "project again")
"""The readers, when a batch is delivered a second time."""


@dataclass(frozen=True)
class Run:
    """One run's findings."""

    product: Shapes
    baseline: Shapes
    bare: Mapping[str, Beside]
    growth: GrowthFigures
    campaigns: Sequence[CampaignFigures]
    imports: Sequence[ImportFigures]
    starts: Mapping[str, Start]
    layer: Layer
    capacity: Capacity
    refusals: Mapping[str, Sequence[float]]
    lags: Lags
    sustained: Sustained
    seconds: float


@dataclass(frozen=True)
class Target:
    """A bound (None: there is none, it stands beside one) and what was measured."""

    what: str
    at_most: float | None
    measured: float
    unit: str = ""

    @property
    def is_met(self) -> bool | None:
        return None if self.at_most is None else self.measured <= self.at_most


def machine() -> str:
    """Return when and on what machine this runs."""
    today = f"{datetime.now(UTC):%Y-%m-%d}"
    return f"{today}, Python {platform.python_version()}, {platform.machine()}, {cpu_count()} cores"


def targets(run: Run) -> list[Target]:
    """Return every target with its figure."""
    hundred, square, create = (
        run.product[name]["request"] for name in ("100 known x 1", "100 known x 100", "create 100")
    )
    found = [
        Target("100 known users x 1 segment: sequential round trips", 2, hundred.books["rounds"]),
        Target("100 known users x 1 segment: calls", 6, hundred.calls),
        Target(
            "100 known users x 1 segment: CPU of the request, of the baseline's", 0.2, cpu_ratio(run, "100 known x 1")
        ),
        Target(
            "… with both readers, so with all that the baseline does in its request",
            None,
            chain_ratio(run, "100 known x 1"),
        ),
        Target("100 known users x 1 segment: write units a user in the request", 1, hundred.books["write_units"] / 100),
        Target("100 known users x 100 segments: calls", 10, square.calls),
        Target(
            "100 known users x 100 segments: CPU of the request, of the baseline's",
            0.01,
            cpu_ratio(run, "100 known x 100"),
        ),
        Target(
            "… with both readers, so with all that the baseline does in its request",
            None,
            chain_ratio(run, "100 known x 100"),
        ),
        Target("create 100 segments: sequential round trips", 5, create.books["rounds"]),
    ]
    found += [
        Target(f"100 known users x 1 segment, {job}: CPU, of its SDK calls alone", BARE_RATIO, bare_ratio(run, job))
        for job in run.bare
    ]
    found += [
        Target(f"cold start of {name}: CPU, of a bare boto3 client's", COLD_RATIO, cold_ratio(run, name))
        for name in COLD_FUNCTIONS
    ]
    found.append(
        Target("the built layer with compiled modules, unzipped", LAYER_MEBIBYTES, run.layer.total / MEBIBYTE, " MiB")
    )
    return found


def cpu_ratio(run: Run, shape: str, phase: str = "request") -> float:
    """Return the product's CPU for a phase of a shape by the baseline's."""
    return median(run.product[shape][phase].cpu) / median(run.baseline[shape][phase].cpu)


def bare_ratio(run: Run, job: str) -> float:
    """Return a job's CPU by that of its SDK calls alone: the median over the turns, each by its own."""
    beside = run.bare[job]
    return median(ours / bare for ours, bare in zip(beside.ours.cpu, beside.bare.cpu, strict=True))


def chain_ratio(run: Run, shape: str) -> float:
    """Return the CPU of request and readers together by that of the baseline, which does it all in the request."""
    chain = sum(median(run.product[shape][phase].cpu) for phase in CHAIN)
    return chain / median(run.baseline[shape]["request"].cpu)


def cold_ratio(run: Run, function: str) -> float:
    """Return a function's CPU until ready by that of the bare client: the median over the turns, each by its own."""
    pairs = zip(run.starts[function].cpu, run.starts[BARE].cpu, strict=True)
    return median(ours / bare for ours, bare in pairs)
