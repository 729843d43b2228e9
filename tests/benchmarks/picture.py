"""Draws the run as one SVG, in plain Python; it follows the reader's light or dark theme."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from math import floor, log10
from statistics import median

from tests.benchmarks.coldstart import BARE
from tests.benchmarks.results import CHAIN, COLD_FUNCTIONS, COLD_RATIO, Run, cold_ratio
from tests.benchmarks.tables import CHANGES, TITLES

WIDTH, LABEL, BAR, GAP = 860, 250, 12, 8
STYLE = """
 svg{color-scheme:light dark;font:13px system-ui,sans-serif} .bg{fill:#fff}
 text{fill:#1f2328} .s{font-size:12px;fill:#57606a}
 .tick{stroke:#d0d7de;stroke-dasharray:1 3}
 .ours{fill:#2c5eb3} .theirs{fill:#b8a07a} .axis{stroke:#d0d7de}
 .goal{stroke:#b3296f;stroke-width:1.5;stroke-dasharray:4 3}
 @media (prefers-color-scheme:dark){.bg{fill:#0d1117} text{fill:#e6edf3} .s{fill:#9198a1} .ours{fill:#6ea8fe}
 .theirs{fill:#8a7552} .axis,.tick{stroke:#3d444d} .goal{stroke:#ff7ac6}}
"""


@dataclass(frozen=True)
class Bars:
    """A chart: rows of a label, what we take, and what the other takes (None: there is no other).

    A logarithmic one begins at a power of ten, and bears a line at each. `goal` is that of the rows in `with_goal`.
    """

    title: str
    rows: Sequence[tuple[str, float, float | None]]
    unit: str
    is_logarithmic: bool = False
    goal: float | None = None
    with_goal: Sequence[str] = ()


def draw(run: Run) -> str:
    """Return the picture of a run."""
    shapes = [shape for shape in TITLES if shape in run.product]
    charts = [
        Bars(
            "CPU of a request, ms (logarithmic)",
            [
                (TITLES[s], median(run.product[s]["request"].cpu), median(run.baseline[s]["request"].cpu))
                for s in shapes
            ],
            "ms",
            is_logarithmic=True,
        ),
        Bars(
            "Sequential round trips of a request (logarithmic)",
            [
                (TITLES[s], run.product[s]["request"].books["rounds"], run.baseline[s]["request"].books["rounds"])
                for s in shapes
            ],
            "",
            is_logarithmic=True,
        ),
        Bars(
            "Write units a change, to its event and its count: request and readers together",
            [
                (
                    TITLES[s],
                    sum(run.product[s][phase].books["write_units"] for phase in CHAIN) / changes,
                    run.baseline[s]["request"].books["write_units"] / changes,
                )
                for s, changes in CHANGES.items()
            ],
            "",
        ),
        Bars(
            f"Cold start: CPU by that of a bare boto3 client; the line: the target of some, {COLD_RATIO}",
            [(name, cold_ratio(run, name), None) for name in run.starts if name != BARE],
            "",
            goal=COLD_RATIO,
            with_goal=COLD_FUNCTIONS,
        ),
    ]
    parts, top = [], 16
    for chart in charts:
        drawn, top = chart_parts(chart, top)
        parts += drawn
    size = f'viewBox="0 0 {WIDTH} {top}" width="{WIDTH}" height="{top}"'
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img">',
            "<title>Benchmarks: CPU, round trips, write units and cold starts</title>",
            f"<style>{STYLE}</style>",
            f'<rect class="bg" width="{WIDTH}" height="{top}"/>',
            *parts,
            "</svg>",
            "",
        ]
    )


def chart_parts(chart: Bars, top: int) -> tuple[list[str], int]:
    """Return the elements of a chart that begins at `top`, and where the next one may begin."""
    room = WIDTH - LABEL - 90
    values = [value for _, *both in chart.rows for value in both if value is not None]
    largest = max([*values, chart.goal or 0])
    lowest = floor(log10(0.99 * min(values))) if chart.is_logarithmic else 0

    def length(value: float) -> float:
        if chart.is_logarithmic:
            return room * (log10(value) - lowest) / (log10(largest) - lowest)
        return room * value / largest

    parts = [f'<text x="16" y="{top + 14}" font-weight="600">{escape(chart.title)}</text>']
    top += 28
    if any(theirs is not None for _, _, theirs in chart.rows):
        parts += _legend(top)
        top += 22
    start = y = top + 16 * chart.is_logarithmic
    bars: list[str] = []
    for label, ours, theirs in chart.rows:
        height = BAR if theirs is None else 2 * BAR
        bars.append(f'<text x="{LABEL - 8}" y="{y + height / 2 + 4}" text-anchor="end">{escape(label)}</text>')
        for kind, value, at in (("ours", ours, y), ("theirs", theirs, y + BAR)):
            if value is None:
                continue
            wide = max(1.0, length(value))
            bars.append(f'<rect class="{kind}" x="{LABEL}" y="{at}" width="{wide:.1f}" height="{BAR - 1}"/>')
            said = f"{value:,.3g}" if value < 1000 else f"{value:,.0f}"
            bars.append(f'<text class="s" x="{LABEL + wide + 6:.1f}" y="{at + BAR - 2}">{said} {chart.unit}</text>')
        if chart.goal is not None and label in chart.with_goal:
            goal = f"{LABEL + length(chart.goal):.1f}"
            bars.append(f'<line class="goal" x1="{goal}" x2="{goal}" y1="{y - GAP / 2}" y2="{y + height + GAP / 2}"/>')
        y += height + GAP
    if chart.is_logarithmic:
        powers = [10.0**power for power in range(lowest, floor(log10(largest)) + 1)]
        parts += [part for power in powers for part in _tick(f"{power:,g}", LABEL + length(power), start, y)]
    parts.append(f'<line class="axis" x1="{LABEL}" x2="{LABEL}" y1="{start - 4}" y2="{y - 4}"/>')
    return parts + bars, y + 16


def _legend(top: int) -> list[str]:
    """Tell the colours."""
    parts = []
    for kind, what, x in (("ours", "ours", LABEL), ("theirs", "the hand-rolled baseline", LABEL + 70)):
        parts.append(f'<rect class="{kind}" x="{x}" y="{top}" width="{BAR}" height="{BAR - 1}"/>')
        parts.append(f'<text class="s" x="{x + BAR + 6}" y="{top + BAR - 2}">{what}</text>')
    return parts


def _tick(said: str, x: float, start: int, end: int) -> list[str]:
    """Draw a power of ten: its line, and its number above."""
    return [
        f'<line class="tick" x1="{x:.1f}" x2="{x:.1f}" y1="{start - 4}" y2="{end - 4}"/>',
        f'<text class="s" x="{x:.1f}" y="{start - 8}" text-anchor="middle">{said}</text>',
    ]
