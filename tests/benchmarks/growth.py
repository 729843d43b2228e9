"""The same calls while data grows: members in a segment, segments in an account, segments in a user's set.

A process of its own, as in `worker`. What is large is put into the stand-in as rows copied from one that the handlers
wrote, so that they are as real ones are.
"""

import json
import os
import sys
from collections.abc import Callable
from copy import deepcopy
from dataclasses import asdict
from typing import Any
from uuid import uuid4

from api_segments.aws import keys
from api_segments.core.limits import MAX_ACTIVE_SEGMENTS
from tests.benchmarks.measure import LATENCY_SECONDS, QUIET_SECONDS, Figures
from tests.benchmarks.worker import Client, Product, answers, new_users
from tests.support.dynamodb.control import Control
from tests.support.events import Context, without_body

MEMBERS = (0, 10_000, 100_000)
REPETITIONS = 5
SEGMENTS = (10, 500, MAX_ACTIVE_SEGMENTS - (REPETITIONS + 1))
"""With what is created then, the last comes to the limit."""
OWN_SEGMENTS = (1, 50, 500)
LOADED_AT_ONCE = 10_000

Item = dict[str, Any]
Results = dict[str, dict[str, dict[str, Figures]]]


class Growth:
    """Measures calls of the product at one size after the other."""

    def __init__(self, product: Product, control: Control) -> None:
        self._product = product
        self._control = control
        self.results: Results = {}

    def members(self) -> None:
        """Members in a segment: add 100 known users, project, read the segment."""
        for size in MEMBERS:
            client = Client(self._product)
            (segment_id,) = client.new_segments(1)
            people = [new_users(100) for _ in range(REPETITIONS + 1)]
            home = client.new_segments(1)
            for users in people:
                client.joining(users, home)()
            self._settle()
            self._fill_segment(client, segment_id, size)
            for turn, users in enumerate(people):
                self._measure("members in the segment", size, turn, client.joining(users, [segment_id]))
            self._read("members in the segment", size, client, segment_id)

    def segments(self) -> None:
        """Segments in an account: create one, add 100 known users to one by its id."""
        for size in SEGMENTS:
            client = Client(self._product)
            ids = client.many_segments(size)
            people = new_users(100)
            client.joining(people, ids[:1])()
            self._settle()
            for turn in range(REPETITIONS + 1):
                self._one("segments in the account", size, "create 1", turn, client.creation(1))
                self._measure("segments in the account", size, turn, client.joining(people, [ids[turn + 1]]))
            event = without_body(client.account_id, "GET", "/api/segments", {"limit": "100"})
            self._repeat("segments in the account", size, "list 100 segments", event)

    def own_segments(self) -> None:
        """Segments in a user's set: add 100 such users to one more, project, read one user's segments."""
        for size in OWN_SEGMENTS:
            client = Client(self._product)
            ids = client.many_segments(size)
            more = client.new_segments(REPETITIONS + 1)
            people = new_users(100)
            for start in range(0, size, 100):
                client.joining(people, ids[start : start + 100])()
            self._settle(project=False)
            for turn, segment_id in enumerate(more):
                self._measure("segments in a user's set", size, turn, client.joining(people, [segment_id]))
            event = without_body(client.account_id, "GET", "/api/profiles/{identity}/segments", identity=people[0])
            self._repeat("segments in a user's set", size, "read the user's segments", event)

    def _measure(self, what: str, size: int, turn: int, act: Callable[[], Any]) -> None:
        """Make an update and let both readers follow; the last turn counts."""
        self._one(what, size, "add 100 users", turn, act)
        for reader, feed in self._product.readers().items():
            self._one(what, size, f"{reader} 100", turn, feed)

    def _read(self, what: str, size: int, client: Client, segment_id: int) -> None:
        segment = str(segment_id)
        event = without_body(client.account_id, "GET", "/api/segments/{segment_id}", segment_id=segment)
        self._repeat(what, size, "read the segment", event)
        resource, query = "/api/segments/{segment_id}/members", {"limit": "100"}
        event = without_body(client.account_id, "GET", resource, query, segment_id=segment)
        self._repeat(what, size, "list 100 members", event)

    def _repeat(self, what: str, size: int, call: str, event: Item) -> None:
        for turn in range(REPETITIONS + 1):
            self._one(what, size, call, turn, lambda: _found(self._product.manage(event, Context())))

    def _one(self, what: str, size: int, call: str, turn: int, act: Callable[[], Any]) -> None:
        by_size = self.results.setdefault(what, {}).setdefault(call, {})
        figures = by_size.setdefault(str(size), Figures())
        if turn == REPETITIONS:
            self._control.answer_in_rounds(QUIET_SECONDS)
            figures.count(act, self._control)
            self._control.answer_after(0)
        else:
            self._control.answer_after(LATENCY_SECONDS)
            figures.time(act)

    def _settle(self, *, project: bool = True) -> None:
        """Let the readers take in what was prepared, or pass it over."""
        for feed in self._product.readers().values():
            if project:
                feed()

    def _fill_segment(self, client: Client, segment_id: int, size: int) -> None:
        """Give a segment so many members: rows like that of one real member, and the count."""
        (user,) = new_users(1)
        client.joining([user], [segment_id])()
        self._settle()
        members, segments = os.environ["SEGMENT_MEMBERS_TABLE"], os.environ["SEGMENTS_TABLE"]
        (row,) = self._control.find(members, f"{client.account_id}#{segment_id:016d}#")
        (counted,) = self._control.find(segments, client.account_id, f"STATS#{segment_id:016d}#")
        for start in range(0, size, LOADED_AT_ONCE):
            count = min(LOADED_AT_ONCE, size - start)
            self._control.load(members, [_member_like(row, client.account_id, segment_id) for _ in range(count)])
        counted = deepcopy(counted)
        counted["members"]["N"] = str(size + 1)
        self._control.load(segments, [counted])


def _member_like(row: Item, account_id: str, segment_id: int) -> Item:
    profile_id = uuid4().hex
    pk = keys.member_bucket(account_id, segment_id, profile_id)
    return {**row, "pk": {"S": pk}, "profile_id": {"S": profile_id}, "identity": {"S": f"user-{profile_id[:12]}"}}


def _found(answer: Item) -> None:
    assert answer["statusCode"] == 200, answer


def main(url: str) -> Results:
    control = Control(url)
    control.answer_after(0)
    growth = Growth(Product(control), control)
    growth.members()
    growth.segments()
    growth.own_segments()
    return growth.results


if __name__ == "__main__":
    with answers() as answer:
        found = main(sys.argv[1])
        plain = {
            what: {call: {size: asdict(f) for size, f in sizes.items()} for call, sizes in calls.items()}
            for what, calls in found.items()
        }
        json.dump(plain, answer)
