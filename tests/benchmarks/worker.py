"""One side in a process of its own: makes the calls of every shape and writes down what they cost.

`python -m tests.benchmarks.worker product|baseline URL REPETITIONS-PLAN` is started by the benchmark, which sets the
environment; it prints one line of JSON.
"""

import json
import logging
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from functools import partial
from typing import Any, Protocol, TextIO
from uuid import uuid4

from tests.benchmarks.measure import HASTY_SECONDS, LATENCY_SECONDS, QUIET_SECONDS, Figures
from tests.support.dynamodb.control import Control
from tests.support.events import Context, Event, body_of, with_body, without_body

Json = Any
Results = dict[str, dict[str, Figures]]


class Side(Protocol):
    """What is measured; `read` is what follows the request, by name of the reader."""

    def create(self, event: Event) -> Json: ...
    def update(self, event: Event) -> Json: ...
    def members(self, event: Event) -> Json: ...
    def readers(self) -> dict[str, Callable[[], Any]]: ...


class Product:
    """The real handlers with their real clients."""

    def __init__(self, control: Control) -> None:
        from functions.create_segment.app import handler as create  # noqa: PLC0415 - the environment comes first
        from functions.manage_segments.app import handler as manage  # noqa: PLC0415 - as above
        from functions.project_members.app import handler as project  # noqa: PLC0415 - as above
        from functions.publish_changes.app import handler as publish  # noqa: PLC0415 - as above
        from functions.update_segment.app import handler as update  # noqa: PLC0415 - as above

        self._create, self._update, self.manage = create, update, manage
        self._readers = {"publish": publish, "project": project}
        self._control = control
        self._read = 0

    def create(self, event: Event) -> Json:
        return self._create(event, Context())

    def update(self, event: Event) -> Json:
        return self._update(event, Context())

    def members(self, event: Event) -> Json:
        return self.manage(event, Context())

    def readers(self, most: int | None = None) -> dict[str, Callable[[], Any]]:
        """Return the readers, each ready to take what the stream has had since the last time, in batches of 100.

        Not more records than `most`, if that is given.
        """
        records = self._control.records(os.environ["MEMBERSHIPS_TABLE"], self._read, most)
        self._read += len(records)
        batches = [{"Records": records[start : start + 100]} for start in range(0, len(records), 100)]
        return {name: partial(self._feed, read, batches) for name, read in self._readers.items()}

    @staticmethod
    def _feed(read: Callable[[Event, Any], Event], batches: Sequence[Event]) -> None:
        for batch in batches:
            answer = read(batch, Context(60))
            assert answer == {"batchItemFailures": []}, answer


class Baseline:
    """The hand-rolled one; it has no readers, as it does all in the request."""

    def __init__(self, _control: Control) -> None:
        from tests.benchmarks.baseline import HandRolled  # noqa: PLC0415 - as above

        logging.basicConfig(level=logging.INFO, stream=sys.stdout)
        self._hand_rolled = HandRolled(os.environ["BUS_NAME"])

    def create(self, event: Event) -> Json:
        return self._hand_rolled.create(event)

    def update(self, event: Event) -> Json:
        return self._hand_rolled.update(event)

    def members(self, event: Event) -> Json:
        return self._hand_rolled.members(event)

    def readers(self) -> dict[str, Callable[[], Any]]:
        return {}


SIDES: dict[str, Callable[[Control], Side]] = {"product": Product, "baseline": Baseline}


class Client:
    """An account that makes calls to one side."""

    def __init__(self, side: Side) -> None:
        self._side = side
        self.account_id = f"B-{uuid4().hex[:12]}"

    def creation(self, count: int) -> Callable[[], Json]:
        """Return the call that creates `count` segments with customer ids."""
        return self.creation_and_repeat(count)[0]

    def creation_and_repeat(self, count: int) -> tuple[Callable[[], Json], Callable[[], Json]]:
        """Return the call that creates `count` segments, and the same once more, which finds all ids taken."""
        entries = [
            {"segment_name": f"Segment {index}", "customer_segment_id": f"C-{uuid4().hex[:12]}"}
            for index in range(count)
        ]
        event = with_body("create_segment", self.account_id, entries)
        return lambda: _succeeded(self._side.create(event), count), lambda: _succeeded(self._side.create(event), 0)

    def new_segments(self, count: int) -> list[int]:
        return [segment["id"] for segment in self.creation(count)()["segments"]]

    def many_segments(self, count: int) -> list[int]:
        """Create any number of segments, a hundred a request."""
        sizes = [min(100, count - start) for start in range(0, count, 100)]
        return [segment_id for size in sizes for segment_id in self.new_segments(size)]

    def joining(self, users: Sequence[str], segment_ids: Sequence[int]) -> Callable[[], Json]:
        """Return the call that adds users to segments."""
        group = {
            "user_profiles": [{"identity": user} for user in users],
            "segments": [{"ct_segment_id": str(segment_id), "action": "ADD"} for segment_id in segment_ids],
        }
        event = with_body("update_segment", self.account_id, {"bulk_profiles": [group]})
        return lambda: _succeeded(self._side.update(event), len(users) * len(segment_ids))

    def page(self, segment_id: int, members: int) -> Callable[[], Json]:
        """Return the call that lists the first members of a segment."""
        resource, query = "/api/segments/{segment_id}/members", {"limit": str(members)}
        event = without_body(self.account_id, "GET", resource, query, segment_id=str(segment_id))

        def read() -> Json:
            answer = self._side.members(event)
            assert len(body_of(answer)["members"]) == members, answer
            return answer

        return read


def _succeeded(answer: Event, processed: int) -> Json:
    body = body_of(answer)
    assert (answer["statusCode"], body["processed"]) == (200, processed), answer
    return body


def new_users(count: int) -> list[str]:
    return [f"user-{uuid4().hex[:12]}" for _ in range(count)]


class Bench:
    """Runs shapes on one side."""

    def __init__(self, side: Side, control: Control) -> None:
        self._side = side
        self._control = control
        self.results: Results = {}

    def shape(self, name: str, repetitions: int, once: Callable[[], dict[str, Callable[[], Any]]]) -> None:
        """Time a shape, each repetition from a fresh state, then make its calls once more to count them.

        With no repetitions (what takes too long), the run that counts is timed too: its CPU counts.
        """
        for turn in range(repetitions + 1):
            counting = turn == repetitions
            quiet = QUIET_SECONDS if repetitions else HASTY_SECONDS
            self._control.answer_after(0)
            phases = once()
            for phase in phases:
                self._phase(name, phase, phases[phase], quiet if counting else None)
                if phase == "request":
                    self._control.answer_after(0)
                    readers = self._side.readers()
                    for again in ("", " again"):  # a batch may be delivered more than once
                        for reader, feed in readers.items():
                            self._phase(name, reader + again, feed, quiet if counting else None)

    def _phase(self, name: str, phase: str, act: Callable[[], Any], quiet: float | None) -> None:
        figures = self.results.setdefault(name, {}).setdefault(phase, Figures())
        if quiet is not None:
            self._control.answer_in_rounds(quiet)
            if figures.cpu:
                figures.count(act, self._control)
            else:
                figures.count(lambda: figures.time(act), self._control)
        else:
            self._control.answer_after(LATENCY_SECONDS)
            figures.time(act)

    def joining(self, name: str, repetitions: int, users: int, segments: int, *, known: bool) -> None:
        """Add users to segments that are empty, then once more."""

        def once() -> dict[str, Callable[[], Any]]:
            client = Client(self._side)
            people = new_users(users)
            if known:
                client.joining(people, client.new_segments(1))()
                for feed in self._side.readers().values():
                    feed()
            join = client.joining(people, client.new_segments(segments))
            return {"request": join, "repeat": join}

        self.shape(name, repetitions, once)

    def listing(self, name: str, repetitions: int, members: int) -> None:
        """Read the first page of a segment that has five times as many members."""
        client = Client(self._side)
        (segment_id,) = client.new_segments(1)
        for _ in range(5):
            client.joining(new_users(members), [segment_id])()
            for feed in self._side.readers().values():
                feed()
        read = client.page(segment_id, members)
        self.shape(name, repetitions, lambda: {"request": read, "repeat": read})

    def creating(self, name: str, repetitions: int, segments: int) -> None:
        """Create segments in an account that has none, then the same ones again."""

        def once() -> dict[str, Callable[[], Any]]:
            create, repeat = Client(self._side).creation_and_repeat(segments)
            return {"request": create, "repeat": repeat}

        self.shape(name, repetitions, once)


def main(which: str, url: str, plan: dict[str, int]) -> Results:
    """Make the calls of all shapes, each as often as `plan` says."""
    control = Control(url)
    side = SIDES[which](control)
    bench = Bench(side, control)
    bench.joining("1 known x 1", plan["1 known x 1"], 1, 1, known=True)
    bench.joining("100 known x 1", plan["100 known x 1"], 100, 1, known=True)
    bench.joining("100 new x 1", plan["100 new x 1"], 100, 1, known=False)
    bench.joining("100 known x 100", plan["100 known x 100"], 100, 100, known=True)
    bench.creating("create 100", plan["create 100"], 100)
    bench.listing("members page", plan["members page"], 100)
    return bench.results


@contextmanager
def answers() -> Iterator[TextIO]:
    """Yield where results go; what the functions print is written, as it would be, but nobody reads it."""
    with os.fdopen(os.dup(1), "w") as kept:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        yield kept


if __name__ == "__main__":
    with answers() as answer:
        found = main(sys.argv[1], sys.argv[2], json.loads(sys.argv[3]))
        json.dump({name: {phase: asdict(f) for phase, f in phases.items()} for name, phases in found.items()}, answer)
