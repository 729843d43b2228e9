"""The readers of the stream of Memberships: what each manages, and how far behind they come in an hour with a burst.

One shard stands for all. Its records come as a rate that changes, are spread over as many lanes as the reader may have
batches at a time (by the users' keys, so that one user's records stay in one lane), and each lane takes one batch after
the other.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from random import Random

from tests.benchmarks.figures import Measured
from tests.support.template import resources

VCPU = 1024 / 1769
"""Of a vCPU, what a function of 1,024 MB has (Lambda developer guide, "Configure Lambda function memory")."""
READ_MS, WRITE_MS, TRANSACTION_MS, PUT_EVENTS_MS, INVOKE_MS = 5.0, 10.0, 25.0, 25.0, 10.0
"""Assumed: what a call takes on AWS until its answer, and what Lambda takes from one batch to the next."""
POLL_SECONDS = 0.25
"""How often Lambda looks at a shard that has nothing (Lambda developer guide, "Polling and batching streams")."""

HOUR = 3600.0
USUAL, BURST = 400.0, 1000.0
BURST_FROM, BURST_TO = 900.0, 1500.0
STOP_FROM, STOP_TO = 1080.0, 1140.0
SLOWER = 3
"""How many times as long calls take on a bad day."""
FAILING = 0.01
"""Of all batches, those that fail and are delivered again."""
STEP = 10.0


@dataclass(frozen=True)
class Reader:
    """A function that reads the stream: seconds of a batch, and of each record in it; how it gets batches."""

    name: str
    a_batch: float
    a_record: float
    size: int
    lanes: int
    window: float

    def seconds(self, records: float) -> float:
        """Return how long a batch of so many records takes."""
        return self.a_batch + self.a_record * records

    @property
    def records_a_second(self) -> float:
        """What it manages of one shard, in full batches."""
        return self.lanes * self.size / self.seconds(self.size)

    def records_a_batch(self, a_second: float, at_once: float = 1.0) -> float:
        """Return how many records a batch has when so many come a second in a shard, spread evenly but for `at_once`.

        So many come at one moment, those of one request.
        """
        own = a_second / self.lanes
        gathered = max(own * self.window, at_once / self.lanes)
        while True:  # while a batch is worked on, the next one gathers
            waiting = max(gathered, own * self.seconds(gathered))
            if waiting >= self.size or waiting - gathered < 1e-6:
                return min(float(self.size), max(1.0, waiting))
            gathered = waiting


def reader(measured: Measured, function: str, phase: str, trips_ms: float) -> Reader:
    """Return a reader as the template has it, with its CPU as measured and its calls' time as assumed."""
    event = resources("AWS::Serverless::Function")[function]["Events"]["Memberships"]["Properties"]
    one, hundred = (measured.phases[shape][phase].cpu_ms for shape in ("1 known x 1", "100 known x 1"))
    a_record = (hundred - one) / 99
    return Reader(
        phase,
        ((one - a_record) / VCPU + trips_ms + INVOKE_MS) / 1000,
        a_record / VCPU / 1000,
        event["BatchSize"],
        event.get("ParallelizationFactor", 1),
        float(event.get("MaximumBatchingWindowInSeconds", 0)),
    )


def readers(measured: Measured, slower: int = 1) -> tuple[Reader, Reader]:
    """Return the reader that publishes and the one that projects; calls may take so many times as long."""
    return (
        reader(measured, "PublishChangesFunction", "publish", slower * (READ_MS + PUT_EVENTS_MS)),
        reader(measured, "ProjectMembersFunction", "project", slower * (READ_MS + TRANSACTION_MS)),
    )


def alone(found: Reader) -> Reader:
    """Return a reader as Lambda has it by default: one batch a shard, none waited for."""
    return replace(found, lanes=1, window=0.0)


def arrived(at: float) -> float:
    """Return how many records have come by a moment: the usual rate, and a partition's most in the burst."""
    return USUAL * at + (BURST - USUAL) * min(max(at - BURST_FROM, 0.0), BURST_TO - BURST_FROM)


def came_at(record: float) -> float:
    """Return when a record came, as `arrived` has it."""
    before = USUAL * BURST_FROM
    burst = BURST * (BURST_TO - BURST_FROM)
    if record <= before:
        return record / USUAL
    if record <= before + burst:
        return BURST_FROM + (record - before) / BURST
    return BURST_TO + (record - before - burst) / USUAL


def lags(found: Reader, seed: int = 1) -> list[float]:
    """Return how far behind a shard's reader is, in seconds, every ten seconds of the hour: its slowest lane counts."""
    lanes = [_lane(found, Random(f"{seed} {lane}")) for lane in range(found.lanes)]  # noqa: S311 - a simulation
    return [max(lane[index] for lane in lanes) for index in range(len(lanes[0]))]


def _lane(found: Reader, chance: Random) -> list[float]:
    behind: list[float] = []
    at, done, share = 0.0, 0.0, found.lanes
    while at < HOUR:
        waiting = arrived(at) / share - done
        if waiting < 1:
            ends, taken = at + POLL_SECONDS, 0.0
        else:
            begins = at
            if found.window and waiting < found.size:
                full = came_at((done + found.size) * share)
                begins = max(at, min(came_at((done + 1) * share) + found.window, full))
            batch = min(float(found.size), arrived(begins) / share - done)
            fails = STOP_FROM <= begins < STOP_TO or chance.random() < FAILING
            ends, taken = begins + found.seconds(batch) * (0.8 + 0.4 * chance.random()), 0.0 if fails else batch
        while len(behind) * STEP < min(ends, HOUR):
            now = len(behind) * STEP
            behind.append(max(0.0, now - came_at((done + 1) * share)) if arrived(now) / share - done >= 1 else 0.0)
        at, done = ends, done + taken
    return behind


def caught_up(behind: Sequence[float], within: float = 3.0) -> float:
    """Return how many seconds after the stop a reader was more than so far behind for the last time."""
    late = [index * STEP for index, lag in enumerate(behind) if lag > within]
    return max(0.0, max(late, default=0.0) - STOP_TO)


def draw(curves: Sequence[tuple[str, str, Sequence[float]]], style: str) -> str:
    """Draw lags over the hour, one line a reader: its name, its class, its seconds."""
    width, height, left, top, bottom = 860, 320, 60, 40, 40
    most = max(max(lag) for _, _, lag in curves)
    ceiling = 10.0 * (1 + int(most / 10))

    def x(second: float) -> float:
        return left + (width - left - 20) * second / HOUR

    def y(lag: float) -> float:
        return height - bottom - (height - top - bottom) * lag / ceiling

    parts = [f'<rect class="bg" width="{width}" height="{height}"/>']
    for begin, end, what in ((BURST_FROM, BURST_TO, "burst"), (STOP_FROM, STOP_TO, "stop")):
        size = f'width="{x(end) - x(begin):.1f}" height="{height - top - bottom}"'
        parts.append(f'<rect class="band" x="{x(begin):.1f}" y="{top}" {size}/>')
        parts.append(f'<text class="s" x="{x(begin):.1f}" y="{top - 6}">{what}</text>')
    for share in range(5):
        lag = ceiling * share / 4
        parts.append(f'<line class="tick" x1="{left}" x2="{width - 20}" y1="{y(lag):.1f}" y2="{y(lag):.1f}"/>')
        parts.append(f'<text class="s" x="{left - 6}" y="{y(lag) + 4:.1f}" text-anchor="end">{lag:g} s</text>')
    below = height - bottom + 16
    parts += [
        f'<text class="s" x="{x(minute * 60):.1f}" y="{below}" text-anchor="middle">{minute} min</text>'
        for minute in range(0, 61, 10)
    ]
    for index, (name, kind, behind) in enumerate(curves):
        points = " ".join(f"{x(at * STEP):.1f},{y(lag):.1f}" for at, lag in enumerate(behind))
        parts.append(f'<polyline class="{kind}" points="{points}"/>')
        at = left + 190 * index
        parts.append(f'<line class="{kind}" x1="{at}" x2="{at + 20}" y1="{height - 10}" y2="{height - 10}"/>')
        parts.append(f'<text class="s" x="{at + 26}" y="{height - 6}">{name}</text>')
    inner = "\n".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" '
        f'aria-label="How far behind the readers are over an hour"><style>{style}</style>\n{inner}\n</svg>\n'
    )
