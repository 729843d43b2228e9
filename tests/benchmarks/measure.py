"""Measures one call: CPU of the whole process, its threads and the SDK's included, and the time it took."""

import gc
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median, quantiles
from typing import Any

from tests.support.dynamodb.control import Control

LATENCY_SECONDS = 0.005
QUIET_SECONDS = 0.1
"""Far longer than a client takes from one to the next of the calls that it makes side by side."""
HASTY_SECONDS = 0.02
"""Where a call takes hundreds of rounds, and a few of them more or less say nothing."""


@dataclass
class Figures:
    """Of one call: milliseconds of CPU and of time, over repetitions; and what it asked of the stand-in, once."""

    cpu: list[float] = field(default_factory=list)
    wall: list[float] = field(default_factory=list)
    books: dict[str, Any] = field(default_factory=dict)

    def time(self, act: Callable[[], object]) -> None:
        """Add one repetition."""
        gc.collect()
        wall, cpu = time.perf_counter(), time.process_time()
        act()
        self.cpu.append((time.process_time() - cpu) * 1000)
        self.wall.append((time.perf_counter() - wall) * 1000)

    def count(self, act: Callable[[], object], control: Control) -> None:
        """Make the call once with the stand-in's books open."""
        control.reset()
        act()
        self.books = control.books()

    @property
    def calls(self) -> int:
        return sum(self.books["calls"].values())


def reset_peak() -> None:
    """Let this process's peak of memory be what it has now."""
    Path("/proc/self/clear_refs").write_text("5")


def peak_mebibytes() -> float:
    """Return the most memory that this process had since the last reset, as Linux accounts for it."""
    lines = Path("/proc/self/status").read_text().splitlines()
    (line,) = (line for line in lines if line.startswith("VmHWM:"))
    return int(line.split()[1]) / 1024


def spread(values: list[float]) -> tuple[float, float, float]:
    """Return the median and the quartiles."""
    if len(values) == 1:
        return values[0], values[0], values[0]
    low, _, high = quantiles(values, n=4, method="inclusive")
    return median(values), low, high
