"""`make scale`: reckon what a rate of changes takes, by the figures of `make bench`; print and write docs/scale.md."""

import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil
from pathlib import Path

from rich.console import Console
from rich.markdown import Markdown

from tests.benchmarks import import_scale, readers
from tests.benchmarks.figures import USERS, Measured, Phase, read
from tests.benchmarks.quotas import (
    API_REQUEST,
    API_REQUESTS,
    BACKED_UP,
    CONCURRENCY,
    EVENT,
    EVENT_QUOTAS,
    GIGABYTE_SECOND,
    INVOCATION,
    MEMBER_BUCKETS,
    NEW_TABLE_PARTITIONS,
    PARTITION_BYTES,
    PARTITION_READS,
    PARTITION_WRITES,
    PUT_EVENTS_ENTRIES,
    READ_UNIT,
    STORED,
    TABLE_UNITS,
    TRANSACTION_ROWS,
    WRITE_UNIT,
)
from tests.benchmarks.readers import INVOKE_MS, PUT_EVENTS_MS, READ_MS, TRANSACTION_MS, VCPU, WRITE_MS, Reader
from tests.benchmarks.table import number, section
from tests.support.template import ROOT, resources

PAGE, PICTURE = "scale.md", "scale.svg"
STYLE = """
 svg{color-scheme:light dark;font:13px system-ui,sans-serif} .bg{fill:#fff} .band{fill:#eaeef2}
 .s{font-size:12px;fill:#57606a} .tick{stroke:#d0d7de;stroke-dasharray:1 3}
 polyline{fill:none} .ours{stroke:#2c5eb3;stroke-width:2} .theirs{stroke:#b8a07a;stroke-width:2}
 .slow{stroke-dasharray:5 3}
 @media (prefers-color-scheme:dark){.bg{fill:#0d1117} .band{fill:#21262d} .s{fill:#9198a1} .tick{stroke:#3d444d}
 .ours{stroke:#6ea8fe} .theirs{stroke:#8a7552}}
"""

RATES = (1, 1_000, 100_000)
USER_COUNTS = (1_000, 1_000_000, 100_000_000)
SEGMENTS_A_USER = 5
MONTH_SECONDS = 30 * 24 * 3600

# Bytes of a user's items: memberships with their index entry, claim, a row a segment; attributes as uploaded.
MEMBERSHIPS_BYTES, CLAIM_BYTES, ROW_BYTES, ATTRIBUTES_BYTES = 400, 150, 250, 500


@dataclass(frozen=True)
class Load:
    """Known users who change one segment each: so many changes a second, by requests of so many users."""

    measured: Measured
    changes: float
    users: int

    @property
    def requests(self) -> float:
        return self.changes / self.users

    @property
    def request(self) -> Phase:
        """The figures of one request."""
        shape = next(shape for shape, users in USERS.items() if users == self.users and "known" in shape)
        return self.measured.phases[shape]["request"]

    @property
    def request_seconds(self) -> float:
        return (self.request.cpu_ms / VCPU + READ_MS + WRITE_MS + INVOKE_MS) / 1000

    @property
    def partitions(self) -> int:
        """Of Memberships, as far as writes ask for them."""
        return max(NEW_TABLE_PARTITIONS, ceil(self.changes / PARTITION_WRITES))

    @property
    def readers(self) -> tuple[Reader, Reader]:
        return readers.readers(self.measured)

    def batch(self, reader: Reader) -> float:
        """Return how many records a batch has; those of one request come at once, spread over all shards."""
        return reader.records_a_batch(self.changes / self.partitions, self.users / self.partitions)

    def batches(self, reader: Reader) -> float:
        return self.changes / self.batch(reader)

    def concurrency(self, reader: Reader) -> float:
        return self.batches(reader) * reader.seconds(self.batch(reader))

    @property
    def all_concurrency(self) -> float:
        return self.requests * self.request_seconds + sum(self.concurrency(each) for each in self.readers)

    @property
    def put_events(self) -> float:
        publish, _ = self.readers
        return self.batches(publish) * ceil(self.batch(publish) / PUT_EVENTS_ENTRIES)

    @property
    def counter_writes(self) -> float:
        """Write units a second of counters in Segments, and as many in Accounts: two a transaction."""
        _, project = self.readers
        return 2 * self.batches(project) * ceil(self.batch(project) / TRANSACTION_ROWS)

    @property
    def write_units(self) -> float:
        return self.changes * (1 + 2) + 2 * self.counter_writes

    @property
    def read_units(self) -> float:
        return self.requests * self.request.read_units + sum(map(self.batches, self.readers))

    @property
    def lag(self) -> float:
        """Seconds from an answer to the event: until Lambda looks, and the batch."""
        publish, _ = self.readers
        return readers.POLL_SECONDS / 2 + publish.seconds(self.batch(publish))

    @property
    def count_lag(self) -> float:
        """Seconds from an answer to the right count."""
        _, project = self.readers
        waits = min(project.window, self.batch(project) / (self.changes / self.partitions / project.lanes))
        return readers.POLL_SECONDS / 2 + waits + project.seconds(self.batch(project))

    @property
    def dollars(self) -> Mapping[str, float]:
        """Dollars a million changes."""
        invocations = (self.requests + sum(map(self.batches, self.readers))) / self.changes
        return {
            "API Gateway": API_REQUEST / self.users,
            "Lambda": invocations * INVOCATION + self.all_concurrency / self.changes * GIGABYTE_SECOND,
            "DynamoDB, reads": self.read_units / self.changes * READ_UNIT,
            "DynamoDB, writes": self.write_units / self.changes * WRITE_UNIT,
            "EventBridge": EVENT,
        }


def limits(measured: Measured, users: int) -> list[tuple[str, float, str]]:
    """Return what gives out at how many changes a second, first what gives out first, and what can be done."""
    load = Load(measured, 10_000, users)
    throttle = resources("AWS::Serverless::Api")["Api"]["MethodSettings"][0]["ThrottlingRateLimit"]
    publish, project = load.readers
    rows = [
        (
            "changes in one account, each of another segment: a counter's write for every row",
            PARTITION_WRITES / 2,
            "one partition has an account's counters: send together what is of one segment",
        ),
        (
            "changes of one segment: its rows are in 16 partitions",
            MEMBER_BUCKETS * PARTITION_WRITES / 2,
            "spread over time; DynamoDB may split a hot partition further",
        ),
        (
            "changes of few segments in one account: its counters",
            PARTITION_WRITES / (load.counter_writes / load.changes),
            "several accounts",
        ),
        ("requests of one account: its segments are read", PARTITION_READS * users, "more users a request"),
        ("the stage's throttle", float(throttle * users), "`ThrottlingRateLimit` in `template.yaml`"),
        ("API Gateway's requests", float(API_REQUESTS * users), "Service Quotas, API Gateway, *Throttle rate*"),
        (
            "Lambda's concurrency",
            CONCURRENCY / (load.all_concurrency / load.changes),
            "Service Quotas, AWS Lambda, *Concurrent executions*",
        ),
        ("SegmentMembers' writes", TABLE_UNITS / 2, "Service Quotas, DynamoDB, *Table-level write throughput limit*"),
        ("Memberships' writes", float(TABLE_UNITS), "the same"),
        (
            "PutEvents, us-east-1",
            EVENT_QUOTAS["us-east-1, us-west-2, eu-west-1"][0] / (load.put_events / load.changes),
            "Service Quotas, EventBridge, *PutEvents throttle limit*",
        ),
        (
            "PutEvents, eu-central-1",
            EVENT_QUOTAS["us-east-2, eu-central-1"][0] / (load.put_events / load.changes),
            "the same",
        ),
        ("a partition of Memberships, by its writes", float(PARTITION_WRITES), "nothing: DynamoDB adds partitions"),
        ("… by its reader that publishes", publish.records_a_second, "`ParallelizationFactor`"),
        ("… by its reader that projects", project.records_a_second, "`ParallelizationFactor`"),
    ]
    return sorted(rows, key=lambda row: row[1])


def document(measured: Measured) -> str:
    """Return docs/scale.md."""
    parts = [
        "# Scale",
        f"Written by `make scale` from `docs/benchmarks.json`, which `make bench` writes ({measured.machine}).",
        _said(measured),
        *(_loads(measured, users) for users in (100, 1)),
        *(_limits(measured, users) for users in (100, 1)),
        _regions(),
        _readers(measured),
        _users(),
        *import_scale.sections(measured),
        _messages(measured),
        _starts(measured),
    ]
    return "\n\n".join(parts) + "\n"


def _said(measured: Measured) -> str:
    phases = measured.phases["100 known x 1"]
    cpu = " ".join(f"{name} {phase.cpu_ms:g} ms," for name, phase in phases.items()).rstrip(",")
    return (
        "**Measured** by the benchmark: calls, request units, and the CPU of a request or a batch of 100 "
        f"({cpu}). **From AWS's documentation**: quotas, what a partition takes, list prices in us-east-1 as of 2025. "
        "**Assumed**: that a Graviton core is as fast as the benchmark's; that "
        f"a function of 1,024 MB has {VCPU:.2f} of it; that a read takes {READ_MS:g} ms, a write {WRITE_MS:g}, a "
        f"transaction {TRANSACTION_MS:g}, PutEvents {PUT_EVENTS_MS:g}, and Lambda {INVOKE_MS:g} from one batch to the "
        "next. **Reckoned** from these: all else on this page. Nothing here was run on AWS."
    )


def _loads(measured: Measured, users: int) -> str:
    loads = [Load(measured, rate, users) for rate in RATES]
    rows: list[tuple[str, list[str]]] = [
        ("requests a second", [number(load.requests) for load in loads]),
        ("partitions of Memberships, so shards of its stream", [f"{load.partitions:,}" for load in loads]),
        ("write units a second: Memberships", [number(load.changes) for load in loads]),
        ("… SegmentMembers", [number(2 * load.changes) for load in loads]),
        ("… counters in Segments, as many in Accounts", [number(load.counter_writes) for load in loads]),
        ("read units a second", [number(load.read_units) for load in loads]),
        ("records a batch: publish, project", [
            ", ".join(number(load.batch(each)) for each in load.readers) for load in loads
        ]),
        ("PutEvents a second", [number(load.put_events) for load in loads]),
        ("functions that run at once", [number(load.all_concurrency) for load in loads]),
        ("from an answer to its event, to its count", [f"{load.lag:.2f} s, {load.count_lag:.2f} s" for load in loads]),
        *(
            (f"$ a million changes: {name}", [f"{load.dollars[name]:.2f}" for load in loads])
            for name in loads[0].dollars
        ),
        ("**together**", [f"**{sum(load.dollars.values()):.2f}**" for load in loads]),
        ("$ a month, of 30 days", [
            f"{sum(load.dollars.values()) * load.changes * MONTH_SECONDS / 1e6:,.0f}" for load in loads
        ]),
    ]  # fmt: skip
    title = "A hundred users a request" if users > 1 else "One user a request"
    about = (
        "Known users, requests evenly spread over time and users, the records of a batch of one segment (a batch of "
        "many has more counters: at most 4.1 write units a change in the projection instead of 2.1). A new table has "
        "four partitions. A lag is the usual one, of readers that keep up; Lambda looks at a quiet shard four times a "
        "second. What one account or one segment can't take is further down: at 100,000 there are many of both."
    )
    return section(title, about, ["changes a second", *(f"{rate:,}" for rate in RATES)], [[a, *b] for a, b in rows])


def _limits(measured: Measured, users: int) -> str:
    found = limits(measured, users)
    rows = [[what, number(at), todo] for what, at, todo in found]
    said = "a hundred users a request" if users > 1 else "one user a request"
    about = (
        "The least figure that fits your traffic counts: the first ones are of one account, one segment or one "
        "partition. Ask for the others before you need them; increases take days."
    )
    return section(f"What gives out first: {said}", about, ["", "at changes a second", "what can be done"], rows)


def _regions() -> str:
    rows = [
        [names, f"{put:,}", f"{put * PUT_EVENTS_ENTRIES:,}", f"{invoked:,}"]
        for names, (put, invoked) in EVENT_QUOTAS.items()
    ]
    about = (
        "EventBridge's quotas differ most from region to region; all can be raised. A call takes ten events, when a "
        "batch has as many. *Invocations* are events that a rule hands to a target, one for each target; beyond the "
        "quota they come late, not never. API Gateway takes 10,000 requests a second, 2,500 in some newer regions."
    )
    return section(
        "Events, by region", about, ["", "PutEvents a second", "events a second", "invocations a second"], rows
    )


def _readers(measured: Measured) -> str:
    rows = []
    for usual, slow in zip(readers.readers(measured), readers.readers(measured, readers.SLOWER), strict=True):
        for each, bad in ((readers.alone(usual), readers.alone(slow)), (usual, slow)):
            behind, worse = readers.lags(each), readers.lags(bad)
            rows.append(
                [
                    f"{each.name}, {each.lanes} batch{'es' if each.lanes > 1 else ''} a shard at a time"
                    + (f", gathered for {each.window:g} s" if each.window else ""),
                    f"{1000 * each.seconds(each.size):.0f} ms",
                    f"{each.records_a_second:,.0f}",
                    f"{readers.caught_up(behind):,.0f} s",
                    f"{bad.records_a_second:,.0f}",
                    f"{readers.caught_up(worse):,.0f} s",
                ]
            )
    about = (
        f"A partition takes {PARTITION_WRITES:,} writes a second, and its shard as many records. What a reader "
        "manages of one shard in batches of 100, and how long after the stop it was more than 3 s behind, in a "
        f"simulated hour: {readers.USUAL:g} records a second, {readers.BURST:,.0f} from minute "
        f"{readers.BURST_FROM / 60:g} to {readers.BURST_TO / 60:g}, all batches failing in minute "
        f"{readers.STOP_FROM / 60:g}, one in a hundred at any time. *On a bad day* each call takes "
        f"{readers.SLOWER} times as long: one batch at a time then falls behind the burst by itself, two do not. "
        "Lambda spreads a shard's records over the batches by their key, which in Memberships is the user: one user's "
        "records stay in order."
    )
    header = ["", "a batch", "records a second", "caught up after", "… on a bad day", "caught up after"]
    picture = f"![How far behind the reader that publishes is, over an hour]({PICTURE})"
    _, project = readers.readers(measured)
    own = [
        [f"{rate:g}", f"{_units_a_change(readers.alone(project), rate):.2f}", f"{_units_a_change(project, rate):.2f}"]
        for rate in (0.1, 1, 10, 100, 1_000)
    ]
    gathered = section(
        "Records gathered for a second",
        "Write units a change in the projection, by how many records come a second in a shard: as they come, and as "
        "deployed. Members and counts are up to a second later for it; events are not held back.",
        ["records a second", "as they come", "gathered"],
        own,
    )
    return section("The readers of the stream", about, header, rows) + f"\n\n{picture}\n\n{gathered}"


def _units_a_change(project: Reader, a_second: float) -> float:
    records = project.records_a_batch(a_second)
    return 2 + 4 * ceil(records / TRANSACTION_ROWS) / records


def _users() -> str:
    rows = []
    for users in USER_COUNTS:
        memberships = users * MEMBERSHIPS_BYTES
        profiles = users * (CLAIM_BYTES + ATTRIBUTES_BYTES)
        members = users * SEGMENTS_A_USER * ROW_BYTES
        stored = memberships + profiles + members
        walked = users * (1 + SEGMENTS_A_USER)
        rows.append(
            [
                f"{users:,}",
                f"{stored / 1e9:,.3g} GB",
                ", ".join(f"{ceil(size / PARTITION_BYTES):,}" for size in (memberships, profiles, members)),
                f"{stored / 1e9 * (STORED + BACKED_UP):,.2f}",
                f"{walked / 1e6:,.3g} M",
                f"{walked / 1e6 * READ_UNIT * 30:,.2f}",
            ]
        )
    about = (
        f"Each user in {SEGMENTS_A_USER} segments, with half a KB of attributes. Partitions as far as size asks for "
        "them, 10 GB each: of Memberships, Profiles, SegmentMembers. A day's reconciliation reads each user and each "
        "row once. Rates decide the rest: nothing that a request or a reader does depends on how many users there are."
    )
    header = ["users", "stored", "partitions", "$ a month, with backups", "read units a walk", "$ a month, daily walks"]
    return section("Users", about, header, rows)


def _messages(measured: Measured) -> str:
    message = measured.message
    most = PARTITION_WRITES / message.write_units
    return (
        "## Messages of campaigns\n\n"
        f"A message takes {message.write_units:g} write units, all in the account's partition of Campaigns: its entry "
        f"in the log, which is also the lock, and the counters. So one account gets {most:.0f} messages a second at "
        "most, online ones included; `CampaignMessagesPerSecond` ends at 100, and one account may take all of it. "
        "Several accounts have a partition each."
    )


def _starts(measured: Measured) -> str:
    functions = ("authorizer", "create_segment", "update_segment", "manage_segments", "profiles")
    rows = [[name, f"{measured.starts[name] / VCPU:,.0f}"] for name in functions]
    about = (
        "CPU of a cold start as measured, on the part of a core that 1,024 MB have; Lambda's own start comes on top."
    )
    return section("Cold starts", about, ["", "ms"], rows)


def picture(measured: Measured) -> str:
    """Return docs/scale.svg."""
    usual, slow = readers.readers(measured)[0], readers.readers(measured, readers.SLOWER)[0]
    curves = [
        ("one batch", "theirs", readers.lags(readers.alone(usual))),
        ("as deployed", "ours", readers.lags(usual)),
        ("one batch, a bad day", "theirs slow", readers.lags(readers.alone(slow))),
        ("as deployed, a bad day", "ours slow", readers.lags(slow)),
    ]
    return readers.draw(curves, re.sub(r"\s+", " ", STYLE).strip())


def write(docs: Path) -> str:
    """Write the page and its picture; return the page."""
    measured = read(docs)
    page = document(measured)
    (docs / PAGE).write_text(page)
    (docs / PICTURE).write_text(picture(measured))
    return page


if __name__ == "__main__":
    Console().print(Markdown(write(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "docs")))
