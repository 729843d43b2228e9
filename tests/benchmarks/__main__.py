"""`make bench`: measure everything in one run, print it, write docs/benchmarks.md."""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import boto3
from rich.console import Console

from local.environment import STATE, child_environment
from local.progress import step
from tests.benchmarks import baseline, capacity, coldstart, document, endtoend, imports
from tests.benchmarks.bare import Beside
from tests.benchmarks.campaigns import AUDIENCES, CampaignFigures
from tests.benchmarks.import_tables import import_tables
from tests.benchmarks.imports import ImportFigures
from tests.benchmarks.measure import Figures
from tests.benchmarks.results import Run
from tests.benchmarks.tables import all_tables
from tests.support.dynamodb.control import Control, environment, running_stand_in
from tests.support.tables import create_tables
from tests.support.template import ROOT

SHAPES = ("1 known x 1", "100 known x 1", "100 new x 1", "100 known x 100", "create 100", "members page")
PLANS = {
    "product": dict(zip(SHAPES, (21, 15, 9, 3, 9, 15), strict=True)),
    "baseline": dict(zip(SHAPES, (21, 7, 5, 0, 5, 15), strict=True)),  # 0: once, it takes many seconds
}
BARE_TURNS = 61
STARTS = 9


@contextmanager
def prepared_stand_in() -> Iterator[tuple[Control, dict[str, str]]]:
    """Run the stand-in with the tables of the template, of the baseline and for its own capacity."""
    with running_stand_in() as control, patch.dict(os.environ, environment(control, {})):
        client = boto3.client("dynamodb")
        tables = create_tables(client)
        baseline.create_tables(client)
        client.create_table(
            TableName=capacity.TABLE,
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        )
        yield control, child_environment(environment(control, tables))


def worker(module: str, variables: Mapping[str, str], *arguments: str) -> Any:
    """Run a module in a process of its own and return what it found."""
    command = [sys.executable, "-m", f"tests.benchmarks.{module}", *arguments]
    done = subprocess.run(command, cwd=ROOT, env=dict(variables), stdout=subprocess.PIPE, check=True)
    return json.loads(done.stdout)


def shapes(found: Any) -> dict[str, dict[str, Figures]]:
    return {name: {phase: Figures(**figures) for phase, figures in phases.items()} for name, phases in found.items()}


def measure_imports(console: Console) -> list[ImportFigures]:
    """Play whole imports, each on a stand-in of its own, whose memory goes with it; about eight minutes."""
    found = []
    for kind, rows in imports.CASES:
        with step(console, f"an import: {kind}, {rows:,} rows"), prepared_stand_in() as (control, variables):
            found.append(ImportFigures.read(worker("imports", variables, control.url, kind, str(rows))))
    return found


def measure(home: Path, console: Console, updates: int, seconds: float) -> Run:
    """Measure all of it; about 25 minutes."""
    started = time.monotonic()
    sides = {}
    with prepared_stand_in() as (control, variables):
        with step(console, "what the stand-in can take"):
            limit = capacity.measure(control)
        for side, plan in PLANS.items():
            with step(console, f"requests and readers: {side}"):
                sides[side] = shapes(worker("worker", variables, side, control.url, json.dumps(plan)))
        with step(console, "the SDK calls alone"):
            bare = {
                job: Beside.read(found)
                for job, found in worker("bare", variables, control.url, str(BARE_TURNS)).items()
            }
        with step(console, "refusals of the authorizer"):
            refusals = worker("refusals", variables, control.url)
        with step(console, "growth"):
            growth = {what: shapes(calls) for what, calls in worker("growth", variables, control.url).items()}
        with step(console, f"campaigns to up to {AUDIENCES[-1]:,} users"):
            campaigns = [CampaignFigures.read(found) for found in worker("campaigns", variables, control.url)]
    played = measure_imports(console)
    with step(console, "cold starts"):
        starts = coldstart.measure_starts(home, STARTS)
    with step(console, "the layer as it goes to AWS"):
        layer = coldstart.weigh_layer(home)
    stack = home / "stack"
    stack.mkdir()
    lags, sustained = endtoend.measure(stack, console, updates, seconds)
    return Run(
        **sides,
        bare=bare,
        growth=growth,
        campaigns=campaigns,
        imports=played,
        starts=starts,
        layer=layer,
        capacity=limit,
        refusals=refusals,
        lags=lags,
        sustained=sustained,
        seconds=time.monotonic() - started,
    )


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--updates", type=int, default=endtoend.UPDATES, help="of the distribution, end to end")
    parser.add_argument("--seconds", type=float, default=endtoend.SUSTAINED_SECONDS, help="that 4 clients push for")
    parser.add_argument("--docs", type=Path, default=ROOT / "docs", help="where benchmarks.md goes")
    parser.add_argument("--imports", action="store_true", help="measure imports alone, and write their sections anew")
    options = parser.parse_args(arguments)
    console = Console(highlight=False)
    if options.imports:
        found = measure_imports(console)
        document.show(import_tables(found), console)
        document.write_imports(found, options.docs)
    else:
        home = Path(tempfile.mkdtemp(prefix="bench-", dir=STATE))
        try:
            run = measure(home, console, options.updates, options.seconds)
        finally:
            shutil.rmtree(home, ignore_errors=True)
        document.show(all_tables(run), console)
        document.write(run, options.docs)
    console.print(f"written: {options.docs / 'benchmarks.md'}")


if __name__ == "__main__":
    main(sys.argv[1:])
