"""The run's findings as tables, for the terminal and for docs/benchmarks.md alike."""

from collections.abc import Sequence
from statistics import median

from tests.benchmarks.campaigns import MESSAGES_A_BATCH, SENT
from tests.benchmarks.coldstart import BARE
from tests.benchmarks.endtoend import POLL_SECONDS
from tests.benchmarks.import_tables import import_tables
from tests.benchmarks.measure import LATENCY_SECONDS, Figures, spread
from tests.benchmarks.quotas import EMAIL, GIGABYTE_SECOND, INVOCATION, QUEUE_REQUEST, READ_UNIT, WRITE_UNIT
from tests.benchmarks.refusals import UNKNOWN, WRONG, told_apart
from tests.benchmarks.results import (
    AGAIN,
    CHAIN,
    MEBIBYTE,
    Run,
    bare_ratio,
    chain_ratio,
    cold_ratio,
    cpu_ratio,
    targets,
)
from tests.benchmarks.table import Table, short, yes

TITLES = {
    "1 known x 1": "1 known user x 1 segment",
    "100 known x 1": "100 known users x 1",
    "100 new x 1": "100 new users x 1",
    "100 known x 100": "100 known users x 100",
    "create 100": "create 100 segments",
    "members page": "a page of 100 members",
}
CHANGES = {"1 known x 1": 1, "100 known x 1": 100, "100 new x 1": 100, "100 known x 100": 10_000}
GROWTH_NOTES = {
    "members in the segment": (
        "Flat but for the list: where each of the 16 buckets holds fewer members than are asked for, it takes several "
        "of them, side by side."
    ),
    "segments in the account": (
        "The last size and what is created here make 2,500, the most that may be active. Flat but for the list, which "
        "has only so many to show in the first column: a page of 100 costs the same wherever there are as many."
    ),
    "segments in a user's set": (
        "A set is read and written whole, about 8 bytes an id: a user costs a write unit for each KB of it, 5 with 500 "
        "segments, and CPU as it is sent, answered and streamed, before and after. To read such a user takes a unit "
        "for each of the segments, whose names are looked up a hundred a call. A user is seldom in so many."
    ),
}
QUEUE_REQUESTS = 3
"""For each batch of messages: it is sent, received and deleted."""
LATENCY_MS = LATENCY_SECONDS * 1000
LAG_QUANTILES = (("median", 0.5), ("95 %", 0.95), ("99 %", 0.99))


def all_tables(run: Run) -> list[Table]:
    """Return every table of a run, in the order of the document."""
    return [
        _targets(run),
        _requests(run),
        _chain(run),
        _bare(run),
        _cold(run),
        _layer(run),
        *_growth(run),
        _refusals(run),
        _campaign(run),
        _campaign_cost(run),
        *import_tables(run.imports),
        _end_to_end(run),
        _stand_in(run),
    ]


def _targets(run: Run) -> Table:
    rows = [
        [
            found.what,
            "" if found.at_most is None else f"{found.at_most:g}{found.unit}",
            f"{short(found.measured)}{found.unit}",
            "" if found.is_met is None else yes(found.is_met),
        ]
        for found in targets(run)
    ]
    about = (
        "The bounds on CPU are on what a client waits for: our request by the baseline's, which has to do within it "
        "what our readers of the stream do later. The row beneath each compares the whole job with the whole job."
    )
    return Table("Targets", about, ["", "at most", "measured", "met"], rows)


def _requests(run: Run) -> Table:
    rows = []
    for shape, phases in run.product.items():
        for phase in ("request", "repeat"):
            if phase not in phases:
                continue
            ours, theirs = phases[phase], run.baseline[shape][phase]
            title = TITLES[shape] if phase == "request" else "… the same again"
            rows.append([title, *_pair(ours, theirs), f"{cpu_ratio(run, shape, phase):.3f}"])
    about = (
        "From the Lambda event to the answer, ours before the baseline's. CPU in ms, the median (quartiles) "
        "of the process with all its threads. *Trips* are sequential round trips, *units* read / write request units."
    )
    header = ["", "calls", "trips", "units", "KB sent", "CPU ms ours", "CPU ms baseline", "time ms", "CPU ratio"]
    return Table("A request, beside the baseline", about, header, rows)


def _pair(ours: Figures, theirs: Figures) -> list[str]:
    return [
        f"{ours.calls:,} · {theirs.calls:,}",
        f"{ours.books['rounds']:,} · {theirs.books['rounds']:,}",
        f"{_units(ours)} · {_units(theirs)}",
        f"{ours.books['bytes_in'] / 1000:,.0f} · {theirs.books['bytes_in'] / 1000:,.0f}",
        _cpu(ours),
        _cpu(theirs),
        f"{median(ours.wall):,.0f} · {median(theirs.wall):,.0f}",
    ]


def _chain(run: Run) -> Table:
    rows = []
    for shape, changes in CHANGES.items():
        rows += [_chain_row(run, shape, phase, changes) for phase in CHAIN]
        whole = [run.product[shape][phase] for phase in CHAIN]
        rows.append(
            [
                "**together**",
                f"{sum(each.calls for each in whole):,}",
                "",
                f"{sum(each.books['read_units'] for each in whole) / changes:.2f}",
                f"{sum(each.books['write_units'] for each in whole) / changes:.2f}",
                f"{sum(each.books['events'] for each in whole) / changes:g}",
                f"{sum(each.books['bytes_in'] for each in whole) / changes:,.0f}",
                f"{sum(median(each.cpu) for each in whole) / changes:.3f}",
            ]
        )
        rows += [_chain_row(run, shape, phase, changes) for phase in AGAIN]
    shares = ", ".join(f"{chain_ratio(run, shape):.2f} for {TITLES[shape]}" for shape in CHANGES)
    about = (
        "Request and both readers of the stream, in batches of 100 records; all but calls and trips are a change. "
        "*Again*: the same batches delivered once more, which publishes them again and changes no row and no count. "
        f"CPU of the three together by that of the baseline, which has no readers: {shares}."
    )
    header = ["", "calls", "trips", "read units", "write units", "events", "bytes sent", "CPU ms"]
    return Table("What a change costs, to its event and to its count", about, header, rows)


def _chain_row(run: Run, shape: str, phase: str, changes: int) -> list[str]:
    figures = run.product[shape][phase]
    return [
        TITLES[shape] if phase == "request" else f"… {phase}",
        f"{figures.calls:,}",
        f"{figures.books['rounds']:,}",
        f"{figures.books['read_units'] / changes:.2f}",
        f"{figures.books['write_units'] / changes:.2f}",
        f"{figures.books['events'] / changes:g}",
        f"{figures.books['bytes_in'] / changes:,.0f}",
        f"{median(figures.cpu) / changes:.3f}",
    ]


def _bare(run: Run) -> Table:
    rows = [
        [
            job,
            f"{beside.ours.calls:,}",
            _cpu(beside.ours),
            _cpu(beside.bare),
            f"{bare_ratio(run, job):.2f}",
        ]
        for job, beside in run.bare.items()
    ]
    about = (
        "100 known users x 1 segment, each job and right after it the SDK calls that it made, alone: written down, "
        "then repeated by the same clients and the same pool. CPU in ms, the median (quartiles); the ratio is the "
        "median of the turns' own. What is over 1 is ours: events in and out, what is decided, log and metrics."
    )
    return Table("Beside the SDK calls alone", about, ["", "calls", "CPU ms", "of the calls alone", "CPU ratio"], rows)


def _cold(run: Run) -> Table:
    rows = []
    for name, start in run.starts.items():
        middle, low, high = spread(start.cpu)
        ratio = "" if name == BARE else f"{cold_ratio(run, name):.2f}"
        rows.append([name, f"{middle:.0f} ({low:.0f}-{high:.0f})", ratio, f"{median(start.peak):.0f}"])
    about = (
        "A fresh interpreter with the built layer, the SDK and the function on its path and nothing else: CPU until "
        "the handler is imported and the clients of its first request are made. All modules are compiled."
    )
    return Table("Cold start", about, ["", "CPU ms", "of the bare client", "peak MiB"], rows)


def _layer(run: Run) -> Table:
    parts = sorted(run.layer.parts.items(), key=lambda part: -part[1])
    shown, rest = parts[:8], parts[8:]
    rows = [[name, f"{size / MEBIBYTE:.1f}"] for name, size in shown]
    rows += [["the rest", f"{sum(size for _, size in rest) / MEBIBYTE:.1f}"]]
    rows += [["**together**", f"{run.layer.total / MEBIBYTE:.1f}"]]
    about = "Unzipped, for both architectures, as `sam build` makes it with python3.13 on the path."
    if run.layer.compiler != "python3.13":
        about += f" That was not there, so {run.layer.compiler} compiled the modules, which makes little difference."
    return Table("The layer", about, ["", "MiB"], rows)


def _growth(run: Run) -> list[Table]:
    tables = []
    for what, calls in run.growth.items():
        sizes = list(next(iter(calls.values())))
        rows = [[call, *(_grown(by_size[size]) for size in sizes)] for call, by_size in calls.items()]
        header = ["", *(f"{int(size):,}" for size in sizes)]
        about = f"Calls / trips, read / write units, KB moved, CPU in ms. {GROWTH_NOTES[what]}"
        tables.append(Table(f"Growth: {what}", about, header, rows))
    return tables


def _grown(figures: Figures) -> str:
    moved = (figures.books["bytes_in"] + figures.books["bytes_out"]) / 1000
    return (
        f"{figures.calls} / {figures.books['rounds']}, {_units(figures)}, {moved:,.0f} KB, {median(figures.cpu):.1f} ms"
    )


def _refusals(run: Run) -> Table:
    rows = []
    for kind, took in run.refusals.items():
        middle, low, high = spread(list(took))
        rows.append([kind, f"{middle:.3f} ({low:.3f}-{high:.3f})"])
    apart = told_apart(run.refusals[UNKNOWN], run.refusals[WRONG])
    about = (
        "The authorizer's refusals, in turn, on the stand-in without latency: the median (quartiles). An unknown "
        f"account takes longer than a wrong passcode in {apart:.1%} of all pairs; 50 % would say nothing at all. "
        "What a client sees has the network's and the gateway's noise on top, of many times that."
    )
    return Table("Does a refusal's time tell whether the account exists?", about, ["", "ms"], rows)


def _campaign(run: Run) -> Table:
    rows = [
        [
            f"{what}, of {found.audience:,}",
            f"{count:,}",
            *(f"{figures.books[name] / count:.3f}" for name in ("read_units", "write_units")),
            f"{figures.calls / count:.2f}",
            f"{(figures.books['bytes_in'] + figures.books['bytes_out']) / count:,.0f}",
            f"{sum(figures.cpu) / count:.2f}",
            f"{count / sum(figures.wall) * 1000:,.0f}",
            f"{memory:.0f}",
        ]
        for found in run.campaigns
        for what, figures, count, memory in (
            ("walk", found.walk, found.audience, found.walk_memory),
            ("send", found.send, found.counted, found.send_memory),
        )
    ]
    largest = run.campaigns[-1]
    about = (
        f"An email to the members of one segment, {largest.audience:,} at most, from their lists to the mail service; "
        f"of each campaign {SENT:,} messages are sent. Figures but memory are a user, the same for any number of them; "
        "without latency, so *users/s* is what the CPU of one process allows. *MiB* is the most that the function "
        f"needs beyond what it has when it is warm. With {LATENCY_MS:.0f} ms a call one `send_messages` sends "
        f"{largest.messages_a_second:,.0f} a second; two run."
    )
    header = ["", "users", "read units", "write units", "calls", "bytes moved", "CPU ms", "users/s", "MiB"]
    return Table(f"A campaign to {largest.audience:,} users", about, header, rows)


def _campaign_cost(run: Run) -> Table:
    found = run.campaigns[-1]
    seconds = 1 / found.messages_a_second + sum(found.walk.cpu) / 1000 / found.audience
    units = {
        name: found.walk.books[name] / found.audience + found.send.books[name] / found.counted
        for name in ("read_units", "write_units")
    }
    costs = {
        f"DynamoDB, {units['read_units']:.2f} read units a message": units["read_units"] * READ_UNIT,
        f"DynamoDB, {units['write_units']:.2f} write units a message": units["write_units"] * WRITE_UNIT,
        f"SQS, {QUEUE_REQUESTS} requests for {MESSAGES_A_BATCH} messages": QUEUE_REQUESTS
        / MESSAGES_A_BATCH
        * QUEUE_REQUEST,
        f"Lambda, {1000 * seconds:.0f} ms of 1 GB a message": seconds * GIGABYTE_SECOND + INVOCATION / MESSAGES_A_BATCH,
        "SES": EMAIL,
    }
    rows = [[what, f"{cost:.2f}"] for what, cost in costs.items()]
    rows.append(["**together**", f"**{sum(costs.values()):.2f}**"])
    about = (
        "AWS list prices in us-east-1 as of 2025, without free tiers; units as counted above. Lambda's time is that "
        f"with {LATENCY_MS:.0f} ms a call; a mail service that takes longer adds its own time."
    )
    return Table("What a million emails cost", about, ["", "$"], rows)


def _end_to_end(run: Run) -> Table:
    found = run.sustained
    rows = []
    for name, values in (("its event", run.lags.to_event), ("the right count", run.lags.to_count)):
        told = ", ".join(f"{word} {_quantile(values, share):.2f} s" for word, share in LAG_QUANTILES)
        rows.append([f"from an answer to {name}, {len(values)} updates", told])
    rows += [
        [
            f"4 clients for {found.seconds:.0f} s",
            f"{found.requests / found.seconds:,.0f} requests/s, {found.changes / found.seconds:,.0f} changes/s",
        ],
        ["events and counts all there after", f"{found.drained_after:.1f} s"],
        ["changes answered, events, data points", f"{found.changes:,}, {found.events:,}, {found.data_points:,}"],
        ["events missing, unexpected, doubled", f"{found.missing}, {found.unexpected}, {found.doubled}"],
        ["members as counted, as expected", f"{found.members:,}, {found.expected_members:,}"],
        ["nothing lost", yes(found.nothing_lost)],
    ]
    about = (
        "The deployed template on the emulator, where one Python process stands for all of AWS: read the times as the "
        "emulator's, and the books as the product's. The first two rows are of one update at a time, each sent when "
        f"the one before had its event and its count, which was asked for every {POLL_SECONDS:g} s: so of a stack that "
        "does nothing else. What it takes at most is in the third."
    )
    return Table("End to end", about, ["", ""], rows)


def _stand_in(run: Run) -> Table:
    asked = max(
        figures.calls / median(figures.wall) * 1000
        for shapes in (run.product, run.baseline)
        for phases in shapes.values()
        for figures in phases.values()
        if len(figures.wall) > 1
    )
    busiest = max(
        figures.books["cpu_seconds"] * 1000 / median(figures.cpu)
        for shapes in (run.product, run.baseline)
        for phases in shapes.values()
        for figures in phases.values()
        if figures.calls
    )
    rows = [
        ["conditional puts a second that it answers", f"{run.capacity.calls_a_second:,.0f}"],
        ["its CPU for each", f"{run.capacity.cpu_a_call:.3f} ms"],
        ["most calls a second that a shape asked of it", f"{asked:,.0f}"],
        ["its CPU, by that of its client, at most", f"{busiest:.2f}"],
    ]
    return Table("The stand-in itself", "", ["", ""], rows)


def _quantile(values: Sequence[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def _cpu(figures: Figures) -> str:
    middle, low, high = spread(figures.cpu)
    return f"{middle:,.1f} ({low:,.1f}-{high:,.1f})" if len(figures.cpu) > 1 else f"{middle:,.0f} (once)"


def _units(figures: Figures) -> str:
    return f"{figures.books['read_units']:,g} / {figures.books['write_units']:,g}"
