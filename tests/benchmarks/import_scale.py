"""What an import of ten million rows takes on AWS, reckoned from what the benchmark counted of smaller ones."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import ceil

from api_segments.imports.files.parts import parts_for
from tests.benchmarks import readers
from tests.benchmarks.figures import Measured
from tests.benchmarks.import_tables import APPLYING, MOST_ROWS, WHAT, of_kind
from tests.benchmarks.imports import CHURN, KNOWN, NEW, Cost, ImportFigures, identity
from tests.benchmarks.quotas import (
    CONCURRENCY,
    EVENT,
    EVENT_QUOTAS,
    GIGABYTE_SECOND,
    INVOCATION,
    MEMBER_BUCKETS,
    NEW_TABLE_PARTITIONS,
    OBJECT_GET,
    OBJECT_PUT,
    PARTITION_READS,
    PARTITION_WRITES,
    PUT_EVENTS_ENTRIES,
    READ_UNIT,
    STATE,
    TABLE_UNITS,
    WRITE_UNIT,
)
from tests.benchmarks.readers import INVOKE_MS, PUT_EVENTS_MS, READ_MS, TRANSACTION_MS, WRITE_MS
from tests.benchmarks.table import number, section, yes
from tests.support.template import load, resources

MINUTES = {CHURN: 3, KNOWN: 15, NEW: None}
DOLLARS = {CHURN: 1, KNOWN: 35, NEW: 60}
"""What it is held against."""

# Assumed, beside what readers.py assumes: what calls take until their answers; a page of a query is a megabyte.
OBJECT_MS, PAGE_MS, ITEM_MS = 25.0, 25.0, 200.0
CALLS_MS = {
    "GetObject": OBJECT_MS,
    "PutObject": OBJECT_MS,
    "Query": PAGE_MS,
    "BatchExecuteStatement": WRITE_MS,
    "BatchWriteItem": WRITE_MS,
    "TransactWriteItems": TRANSACTION_MS,
    "PutEvents": PUT_EVENTS_MS,
}
AT_ONCE = 16
"""Calls of one function side by side, of those that come in numbers (core/parallel.py)."""
IN_NUMBERS = ("PutObject", "BatchGetItem", "BatchExecuteStatement", "TransactWriteItems")
OBJECT_CPU_MS = 1.2
"""CPU of a call to S3 on the benchmark's machine: parts, and so these calls, grow faster than rows up to 1,024."""
STATES = {"diff": 2, "walk": 2, APPLYING: 4}
"""States that an item of a map goes through, and its start (template.yaml, ImportWorkflow)."""


def _map(state: str) -> int:
    most: int = resources("AWS::Serverless::StateMachine")["ImportWorkflow"]["Definition"]["States"][state][
        "MaxConcurrency"
    ]
    return most


def _memory(function: str) -> float:
    """Return the gigabytes of a function."""
    megabytes: int = {**load()["Globals"]["Function"], **resources("AWS::Serverless::Function")[function]}["MemorySize"]
    return megabytes / 1024


PACE: int = load()["Parameters"]["ImportRowsPerSecond"]["Default"]
DELAY: int = load()["Parameters"]["ImportDelaySeconds"]["Default"]


@dataclass(frozen=True)
class Step:
    """A step with ten million rows: `cost` in all, in `items` of which so many run at once, in a function's memory."""

    name: str
    cost: Cost
    items: int
    at_once: int
    gigabytes: float
    floor: float = 0.0
    """Seconds that it can't be faster than, by what tables and partitions take."""

    @property
    def function_seconds(self) -> float:
        """Seconds of functions, one after the other."""
        cpu = self.cost.cpu / min(1.0, self.gigabytes / (1769 / 1024))
        waits = sum(
            count * CALLS_MS.get(name, READ_MS) / (AT_ONCE if name in IN_NUMBERS else 1)
            for name, count in self.cost.operations.items()
        )
        return cpu + (waits + self.items * INVOKE_MS) / 1000

    @property
    def own_seconds(self) -> float:
        """Seconds from its beginning to its end, if nothing else holds it back."""
        starts = self.items * ITEM_MS / 1000 if self.items > 1 else 0.0
        return (self.function_seconds + starts) / min(self.at_once, self.items)

    @property
    def seconds(self) -> float:
        return max(self.floor, self.own_seconds)


@dataclass(frozen=True)
class Import:
    """An import of ten million rows like one that was measured."""

    measured: Measured
    figures: ImportFigures

    @property
    def factor(self) -> float:
        return MOST_ROWS / self.figures.rows

    @property
    def changed(self) -> float:
        return self.figures.changed * self.factor

    @property
    def parts(self) -> int:
        members = MOST_ROWS if self.figures.kind == CHURN else 0
        return parts_for(MOST_ROWS * (len(identity(0)) + 1), members, is_gzip=False)

    def _cost(self, name: str) -> Cost:
        """Return what a step costs: by rows, but calls to S3 by parts, and what each invocation does by invocations."""
        own = self.figures.steps[name]
        by_parts = self.parts / self.figures.parts
        operations = {
            each: round(count * (by_parts if each.endswith("Object") else self.factor))
            for each, count in own.operations.items()
        }
        more = (
            sum(count for each, count in operations.items() if each.endswith("Object")) - own.object_calls * self.factor
        )
        return Cost(
            cpu=own.cpu * self.factor + more * OBJECT_CPU_MS / 1000,
            operations=operations,
            read_units=own.read_units * self.factor,
            write_units=own.write_units * self.factor,
        )

    @cached_property
    def steps(self) -> Sequence[Step]:
        """The steps that take time; those that change members are one."""
        read, apply = _memory("ReadImportFunction"), _memory("ApplyImportFunction")
        walk, diff = self._cost("walk"), self._cost("diff")
        changes = Cost()
        names = [name for name in self.figures.steps if name.startswith(APPLYING)]
        for name in names:
            changes.add(self._cost(name))
        # A user is looked up in two tables.
        looked_up = diff.read_units / 2 / TABLE_UNITS
        listed = walk.read_units / MEMBER_BUCKETS / PARTITION_READS
        return [
            Step("split", self._cost("split"), 1, 1, read),
            Step("walk", walk, MEMBER_BUCKETS, _map("Walk"), read, listed),
            Step("diff", diff, self.parts, _map("Diff"), read, looked_up),
            Step("apply", changes, len(names) * self.parts, _map("Add"), apply, self.changed / self.writes_a_second),
        ]

    def seconds(self, pace: float) -> float:
        """Return how long it takes, at a pace of changes a second, with its waits for the lists before and after."""
        *reading, apply = self.steps
        return 2 * DELAY + sum(step.seconds for step in reading) + max(apply.seconds, self.changed / pace)

    @property
    def pace_for_goal(self) -> float | None:
        """The pace at which it takes as long as the goal says; None if there is no goal, or at no pace."""
        minutes = MINUTES[self.figures.kind]
        left = 0.0 if minutes is None else 60 * minutes - self.seconds(float("inf")) + self.steps[-1].seconds
        return self.changed / left if left > self.steps[-1].seconds else None

    @property
    def writes_a_second(self) -> float:
        """Users that Memberships takes a second: a new one is a transaction's write and an entry of its index."""
        return TABLE_UNITS / (3 if self.figures.kind == NEW else 1)

    @property
    def applied_a_second(self) -> float:
        """Users that all lanes change a second, without a pace."""
        return self.changed / self.steps[-1].own_seconds

    @property
    def _follow(self) -> Cost:
        """What the readers of the stream do for all changes."""
        whole = Cost()
        for cost in self.figures.readers.values():
            whole.add(cost)
        return whole

    @property
    def reader_seconds(self) -> float:
        """Seconds of functions that read the stream, in full batches, for one change."""
        return sum(each.seconds(each.size) / each.size for each in readers.readers(self.measured))

    @property
    def dollars(self) -> Mapping[str, float]:
        a_million, follow = 1e-6, self.changed / self.figures.followed
        count = dict.fromkeys(("PutObject", "GetObject"), 0)
        for step in self.steps:
            for name in count:
                count[name] += step.cost.operations.get(name, 0)
        seconds = sum(step.function_seconds * step.gigabytes for step in self.steps)
        items = sum(step.items for step in self.steps)
        states = sum(step.items * STATES.get(step.name, STATES[APPLYING]) for step in self.steps)
        read, written = (sum(getattr(step.cost, name) for step in self.steps) for name in ("read_units", "write_units"))
        batches = 2 * self.changed / readers.readers(self.measured)[0].size
        return {
            "DynamoDB, reads": read * READ_UNIT * a_million,
            "DynamoDB, writes": written * WRITE_UNIT * a_million,
            "Lambda": (seconds * GIGABYTE_SECOND + items * INVOCATION) * a_million,
            "S3": (count["PutObject"] * OBJECT_PUT + count["GetObject"] * OBJECT_GET) * a_million,
            "Step Functions": states * STATE * a_million,
            "readers of the stream: DynamoDB": follow
            * (self._follow.read_units * READ_UNIT + self._follow.write_units * WRITE_UNIT)
            * a_million,
            "readers of the stream: Lambda": (
                self.changed * self.reader_seconds * GIGABYTE_SECOND + batches * INVOCATION
            )
            * a_million,
            "EventBridge": self.changed * EVENT * a_million,
        }


def sections(measured: Measured) -> list[str]:
    """Return the sections of docs/scale.md about imports."""
    played = [Import(measured, of_kind(measured.imports, kind)[1]) for kind in WHAT]
    return [_durations(measured, played), _limits(played), _dollars(played)]


def _durations(measured: Measured, played: Sequence[Import]) -> str:
    steps = zip(*(each.steps for each in played), strict=True)
    rows = [["waits for the lists, before and after", *[f"{2 * DELAY} s"] * len(played)]]
    rows += [[step[0].name, *(_seconds(each.seconds) for each in step)] for step in steps]
    rows += [
        [f"apply, at {PACE:,} users a second, as deployed", *(_seconds(each.changed / PACE) for each in played)],
        ["**together, as deployed**", *(f"**{_minutes(each.seconds(PACE))}**" for each in played)],
        [
            "goal",
            *("" if MINUTES[each.figures.kind] is None else f"{MINUTES[each.figures.kind]} min" for each in played),
        ],
        ["reached", *(_reached(each, each.seconds(PACE) / 60, MINUTES) for each in played)],
        ["reached from this `ImportRowsPerSecond` on", *(_pace(each) for each in played)],
    ]
    about = (
        f"From what imports of up to {max(each.figures.rows for each in played):,} rows cost "
        f"({measured.imports_machine}), with {', '.join(f'{each.parts:,}' for each in played)} parts. **Assumed** "
        f"beside the above: that a call to S3 takes {OBJECT_MS:g} ms and {OBJECT_CPU_MS:g} ms of CPU, a page of a list "
        f"{PAGE_MS:g} ms, and an item of a map {ITEM_MS:g} ms beside its function; that tables have had as much before "
        f"and so take {TABLE_UNITS:,} units a second. New ones take "
        f"{NEW_TABLE_PARTITIONS * PARTITION_WRITES:,} writes. "
        f"`ImportDelaySeconds` is waited twice. *Apply* is what {_map('Add')} parts at a time would take without a "
        f"pace. Beyond {MEMBER_BUCKETS * PARTITION_WRITES // 2:,} a second a segment's lists and counts follow later."
    )
    return section(
        "Imports of 10 million rows: how long", about, ["", *(WHAT[each.figures.kind] for each in played)], rows
    )


def _limits(played: Sequence[Import]) -> str:
    _, known, new = played
    events = {name: rates[0] * PUT_EVENTS_ENTRIES for name, rates in EVENT_QUOTAS.items()}
    lanes, writes, put = (
        "`MaxConcurrency` of `Add` and `Remove` in `template.yaml`",
        *(
            f"Service Quotas, {service}"
            for service in ("DynamoDB, *Table-level write throughput limit*", "EventBridge, *PutEvents throttle limit*")
        ),
    )
    found = [
        ("`ImportRowsPerSecond`, as deployed", float(PACE), "the parameter; other calls and imports need room too"),
        (
            "users of one segment: its rows are in 16 partitions",
            MEMBER_BUCKETS * PARTITION_WRITES / 2,
            "the import goes on, lists and counts follow later; DynamoDB may split a hot partition further",
        ),
        ("new users: Memberships' writes", new.writes_a_second, writes),
        ("known users: Memberships' writes", known.writes_a_second, writes),
        ("new users: ten parts at a time", new.applied_a_second, lanes),
        ("known users: ten parts at a time", known.applied_a_second, lanes),
        ("PutEvents, eu-central-1", float(events["us-east-2, eu-central-1"]), put),
        ("PutEvents, us-east-1", float(events["us-east-1, us-west-2, eu-west-1"]), put),
        (
            "Lambda's concurrency: the readers of the stream",
            (CONCURRENCY - _map("Add")) / known.reader_seconds,
            "Service Quotas, AWS Lambda, *Concurrent executions*",
        ),
    ]
    rows = [[what, number(at), todo] for what, at, todo in sorted(found, key=lambda row: row[1])]
    diff = known.steps[2]
    holds_back = "what a table may be read" if diff.floor == diff.seconds else f"{diff.at_once} parts at a time"
    about = (
        "While it applies. Before that users are looked up who are not known to be members: "
        f"{number(MOST_ROWS / diff.seconds)} a second, which is {holds_back}."
    )
    header = ["", "at users a second", "what can be done"]
    return section("Imports: what gives out first", about, header, rows)


def _dollars(played: Sequence[Import]) -> str:
    rows = [[name, *(f"{each.dollars[name]:.2f}" for each in played)] for name in played[0].dollars]
    sums = [sum(each.dollars.values()) for each in played]
    rows += [
        ["**together**", *(f"**{each:.2f}**" for each in sums)],
        ["goal", *(f"{DOLLARS[each.figures.kind]}" for each in played)],
        ["reached", *(_reached(each, dollars, DOLLARS) for each, dollars in zip(played, sums, strict=True))],
    ]
    about = "Dollars an import. What readers of the stream and EventBridge cost is the same for changes of other calls."
    header = ["", *(WHAT[each.figures.kind] for each in played)]
    return section("Imports of 10 million rows: what they cost", about, header, rows)


def _reached(of: Import, value: float, goals: Mapping[str, float | None]) -> str:
    goal = goals[of.figures.kind]
    return "" if goal is None else yes(value <= goal)


def _pace(of: Import) -> str:
    if MINUTES[of.figures.kind] is None:
        return ""
    return "none" if of.pace_for_goal is None else f"{ceil(of.pace_for_goal):,}"


def _seconds(value: float) -> str:
    return f"{number(value)} s"


def _minutes(seconds: float) -> str:
    return f"{seconds / 60:.1f} min"
