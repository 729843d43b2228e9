"""Writes what a run found: the tables on the terminal, docs/benchmarks.md and its picture."""

import platform
from collections.abc import Sequence
from datetime import UTC, datetime
from os import cpu_count
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table as RichTable

from tests.benchmarks import figures, scale
from tests.benchmarks.import_tables import import_tables
from tests.benchmarks.imports import ImportFigures
from tests.benchmarks.measure import LATENCY_SECONDS
from tests.benchmarks.picture import draw
from tests.benchmarks.results import Run
from tests.benchmarks.table import Table
from tests.benchmarks.tables import all_tables

PICTURE = "benchmarks.svg"
LATENCY_MS = LATENCY_SECONDS * 1000

HOW = f"""
The real handlers, with their real SDK clients, run in a process of their own against a stand-in for DynamoDB,
EventBridge and S3 on the loopback (`tests/support/dynamodb`). It evaluates the expressions for real, on tables in
memory, answers after {LATENCY_MS:.0f} ms, and counts calls, bytes and, by AWS's published rules, request units: a
write by the larger of the item before and after in KB, twice in a transaction, beside it what changes in an index; a
consistent read by 4 KB, an item that is not there as the smallest. For the round trips it holds calls until none has
come for a while and then answers all, so what is made side by side is one round, on any machine; only where a pool
makes hundreds of calls (100 x 100 in the readers, the baseline) a few rounds more or less may come out. The
integration tests pass against it as against MiniStack (set `AWS_ENDPOINT_URL_DYNAMODB` to what `python -m
tests.support.dynamodb.server` prints).

The baseline (`tests/benchmarks/baseline.py`) is what a careful engineer would write by hand with boto3: one item a
(user, segment) pair, each put on condition that it is not there, the events and the counts in the request, 16 threads.
It goes through the same stand-in in the same run. It does less: its events and counts are lost when the request dies
half way, and a repeat of that request does not bring them back.

CPU and counts are what to compare; times are for reading, and other work on the machine moves them.
"""


def show(tables: Sequence[Table], console: Console) -> None:
    """Print tables."""
    for table in tables:
        shown = RichTable(title=table.title, title_justify="left", box=box.SIMPLE_HEAD)
        for index, name in enumerate(table.header):
            shown.add_column(name, justify="right" if index else "left")
        for row in table.rows:
            shown.add_row(*(cell.replace("**", "") for cell in row))
        console.print(shown)
        if table.about:
            console.print(table.about, style="dim")


def write(run: Run, docs: Path) -> None:
    """Write the document and its picture, the figures that others reckon with, and what is reckoned from them."""
    (docs / PICTURE).write_text(draw(run))
    (docs / "benchmarks.md").write_text(_markdown(run))
    figures.write(run, docs)
    scale.write(docs)


def write_imports(found: Sequence[ImportFigures], docs: Path) -> None:
    """Write what a run of imports alone found into what the last whole run wrote, in the place of its imports."""
    page = docs / "benchmarks.md"
    sections = [each for each in page.read_text().split("\n\n## ") if not each.startswith("Imports:")]
    own = [_section(table).removeprefix("## ") for table in import_tables(found)]
    at = next(n for n, each in enumerate(sections) if each.startswith("End to end"))
    page.write_text("\n\n## ".join([*sections[:at], *own, *sections[at:]]))
    figures.write_imports(found, docs)
    scale.write(docs)


def _markdown(run: Run) -> str:
    machine = f"Python {platform.python_version()}, {platform.machine()}, {cpu_count()} cores"
    first, *others = all_tables(run)
    parts = [
        "# Benchmarks",
        f"Written by `make bench` on {datetime.now(UTC):%Y-%m-%d}: {machine}; the run took {run.seconds:.0f} s.",
        f"![CPU, round trips, write units, cold starts]({PICTURE})",
        _section(first),
        "## How it is measured\n" + HOW.rstrip(),
        *(_section(table) for table in others),
    ]
    return "\n\n".join(parts) + "\n"


def _section(table: Table) -> str:
    lines = [f"## {table.title}", ""]
    lines += [table.about, ""] if table.about else []
    lines += [
        f"| {' | '.join(table.header)} |",
        f"|{'|'.join('---' if not n else '--:' for n in range(len(table.header)))}|",
    ]
    lines += [f"| {' | '.join(row)} |" for row in table.rows]
    return "\n".join(lines)
