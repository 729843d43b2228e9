"""The SDK calls of a handler made again without it: what of its CPU is the SDK's, and what is ours.

Each turn does all three jobs on 100 known users and one segment: the update, and both readers of its records. Right
after a job the very calls that it made are repeated, by the same clients and the same pool, those that it made side by
side again side by side. DynamoDB takes a repeat for what it has done already: a set that has the segment, a transaction
whose token it knows.

`python -m tests.benchmarks.bare URL TURNS` is started by the benchmark, which sets the environment; it prints one line
of JSON.
"""

import json
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from itertools import islice
from threading import Lock
from typing import Any

from botocore import xform_name

from api_segments.aws import clients
from api_segments.core.parallel import in_parallel
from tests.benchmarks.measure import LATENCY_SECONDS, QUIET_SECONDS, Figures
from tests.benchmarks.worker import Client, Product, answers, new_users
from tests.support.dynamodb.control import Control

USERS = 100
JOBS = ("update", "publish", "project")


@dataclass
class Beside:
    """A job and its SDK calls alone."""

    ours: Figures = field(default_factory=Figures)
    bare: Figures = field(default_factory=Figures)

    @classmethod
    def read(cls, found: Mapping[str, Any]) -> "Beside":
        """Return what a process of its own wrote as JSON."""
        return cls(Figures(**found["ours"]), Figures(**found["bare"]))


class Recorder:
    """Writes down the calls that clients make, in rounds: a round is what is under way side by side."""

    def __init__(self) -> None:
        self.calls: list[Callable[[], object]] = []
        self.rounds: list[int] = []
        self._under_way = 0
        self._lock = Lock()
        self._is_on = False
        for client in (clients.dynamodb_client(), clients.events_client()):
            client.meta.events.register("provide-client-params", self._began(client))
            client.meta.events.register("after-call", self._ended)

    def during(self, act: Callable[[], object]) -> None:
        """Do something and write its calls down."""
        self.calls, self.rounds, self._is_on = [], [], True
        act()
        self._is_on = False

    def repeat(self, rounds: list[int]) -> None:
        """Make the calls again: `rounds` says how many of them are made side by side, round by round.

        A reader's note of how far behind it is comes last, now and then: a call more, or less, than they say.
        """
        calls = iter(self.calls)
        for size in rounds:
            in_parallel(lambda call: call(), list(islice(calls, size)))
        in_parallel(lambda call: call(), list(calls))

    def _began(self, client: Any) -> Callable[..., None]:
        def write_down(params: Any, model: Any, **_: object) -> None:
            if not self._is_on:
                return
            call = getattr(client, xform_name(model.name))
            with self._lock:
                if not self._under_way:
                    self.rounds.append(0)
                self.rounds[-1] += 1
                self._under_way += 1
                self.calls.append(lambda: call(**params))

        return write_down

    def _ended(self, **_: object) -> None:
        if self._is_on:
            with self._lock:
                self._under_way -= 1


def _jobs(product: Product) -> Iterator[tuple[str, Callable[[], object]]]:
    """Yield the jobs of one update of known users, each when the one before is done."""
    client, people = Client(product), new_users(USERS)
    client.joining(people, client.new_segments(1))()
    for feed in product.readers().values():
        feed()
    yield "update", client.joining(people, client.new_segments(1))
    yield from product.readers().items()


def measure(control: Control, turns: int) -> dict[str, Beside]:
    """Do all jobs so often, each beside its calls alone, after a turn that tells which calls are side by side."""
    product = Product(control)
    recorder = Recorder()
    rounds: dict[str, list[int]] = {}
    found = {job: Beside() for job in JOBS}
    control.answer_after(0)
    for job, act in _jobs(product):
        control.answer_in_rounds(QUIET_SECONDS)
        found[job].ours.count(lambda: recorder.during(act), control)  # noqa: B023 - at once
        rounds[job] = recorder.rounds
        found[job].bare.count(lambda: recorder.repeat(rounds[job]), control)  # noqa: B023 - at once
        control.answer_after(0)
    for _ in range(turns):
        for job, act in _jobs(product):
            control.answer_after(LATENCY_SECONDS)
            found[job].ours.time(lambda: recorder.during(act))  # noqa: B023 - at once
            found[job].bare.time(lambda: recorder.repeat(rounds[job]))  # noqa: B023 - at once
            control.answer_after(0)
    return found


def main(url: str, turns: int) -> dict[str, Beside]:
    return measure(Control(url), turns)


if __name__ == "__main__":
    with answers() as answer:
        found = main(sys.argv[1], int(sys.argv[2]))
        json.dump({job: asdict(beside) for job, beside in found.items()}, answer)
