"""Whole imports of files of many users: what each step costs, beside a plain loop over `updateSegment`.

`python -m tests.benchmarks.imports URL KIND ROWS [LOOP_ROWS]` plays one import, on a stand-in of its own; the benchmark
starts it and sets the environment. It prints one line of JSON. The state machine of the template is run here, its parts
one after the other. Tables and the file are filled by another process, so that this one's memory is the functions'.
"""

import gc
import json
import os
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from copy import deepcopy
from dataclasses import asdict, dataclass, field
from hashlib import md5
from multiprocessing import get_context
from typing import Any

from api_segments.aws import keys
from api_segments.aws.clients import s3_client
from tests.benchmarks.measure import peak_mebibytes, reset_peak
from tests.benchmarks.worker import Client, Product, answers
from tests.support.dynamodb.control import Control
from tests.support.events import Context, Event, body_of, with_body, without_body
from tests.support.workflows import Machine

CHURN, KNOWN, NEW = "1 % churn", "known", "new"
CASES = ((CHURN, 100_000), (CHURN, 1_000_000), (KNOWN, 10_000), (KNOWN, 100_000), (NEW, 10_000), (NEW, 100_000))
"""What is played: of each kind a tenth as many rows first, which shows what grows."""
MODES = {CHURN: "replace", KNOWN: "add", NEW: "add"}
A_CHANGE = 200
"""With churn one user in so many is gone from the file and another, who is known, has come: 1 % of the rows change."""
LOOP_ROWS = 20_000
"""Of the loop and of what the readers of the stream get: a row costs what another does."""
LOADED_AT_ONCE = 10_000
USERS_A_REQUEST = 100
FUNCTIONS = {"ReadImportFunction": ("read_import", 900.0), "ApplyImportFunction": ("apply_import", 120.0)}

Item = dict[str, Any]


@dataclass
class Cost:
    """What invocations took together: seconds of CPU and of time, calls by operation, units, bytes both ways.

    Of memory what the process had at most, in MiB.
    """

    invocations: int = 0
    cpu: float = 0.0
    wall: float = 0.0
    operations: dict[str, int] = field(default_factory=dict)
    read_units: float = 0.0
    write_units: float = 0.0
    moved: int = 0
    events: int = 0
    memory: float = 0.0

    def during(self, control: Control, act: Callable[[], Any]) -> Any:
        """Do something, which counts as one invocation; return what it returns."""
        gc.collect()
        reset_peak()
        control.reset()
        wall, cpu = time.perf_counter(), time.process_time()
        found = act()
        cpu, wall, peak = time.process_time() - cpu, time.perf_counter() - wall, peak_mebibytes()
        books = control.books()
        moved = books["bytes_in"] + books["bytes_out"]
        self.add(
            Cost(1, cpu, wall, books["calls"], books["read_units"], books["write_units"], moved, books["events"], peak)
        )
        return found

    def add(self, other: "Cost") -> None:
        """Take in what others took."""
        self.invocations += other.invocations
        self.cpu += other.cpu
        self.wall += other.wall
        self.operations = dict(Counter(self.operations) + Counter(other.operations))
        self.read_units += other.read_units
        self.write_units += other.write_units
        self.moved += other.moved
        self.events += other.events
        self.memory = max(self.memory, other.memory)

    @property
    def calls(self) -> int:
        return sum(self.operations.values())

    @property
    def object_calls(self) -> int:
        """Of the calls, those to S3."""
        return sum(count for name, count in self.operations.items() if name.endswith(("Object", "ObjectsV2")))


@dataclass
class ImportFigures:
    """One import: its rows, how many of them changed something, and what its steps cost by name.

    Beside it the readers of the stream, of so many changes (`followed`); and the loop, of so many rows (`looped`).
    """

    kind: str
    rows: int
    changed: int = 0
    parts: int = 0
    steps: dict[str, Cost] = field(default_factory=dict)
    readers: dict[str, Cost] = field(default_factory=dict)
    followed: int = 0
    loop: Cost = field(default_factory=Cost)
    looped: int = 0

    @classmethod
    def read(cls, found: Any) -> "ImportFigures":
        """Return what a process of its own wrote as JSON."""
        steps, readers = (
            {step: Cost(**cost) for step, cost in found.pop(name).items()} for name in ("steps", "readers")
        )
        return cls(steps=steps, readers=readers, loop=Cost(**found.pop("loop")), **found)

    @property
    def whole(self) -> Cost:
        """All steps together."""
        return together(self.steps.values())


def together(costs: Iterable[Cost]) -> Cost:
    """Add costs up; of memory return the most."""
    whole = Cost()
    for cost in costs:
        whole.add(cost)
    return whole


@dataclass(frozen=True)
class Filling:
    """What is in the tables before an import: users by number, each like the one real user, number 0.

    `members`: up to which number users are in the segment's list. `claimed`: whose claims and memberships are there
    too; the import reads no others. `in_segment` and `in_loop`: which of these are in which segment.
    """

    url: str
    account_id: str
    segment_id: int
    loop_id: int
    members: int
    claimed: Sequence[range]
    in_segment: range
    in_loop: range

    def load(self) -> None:
        """Load it all."""
        control = Control(self.url)
        (row,) = control.find(os.environ["SEGMENT_MEMBERS_TABLE"], f"{self.account_id}#{self.segment_id:016d}#")
        # In the order of the ids, which spares the stand-in from moving rows.
        ordered = sorted((profile_id(self.account_id, number), number) for number in range(1, self.members))
        for start in range(0, len(ordered), LOADED_AT_ONCE):
            rows = [self._row(row, each, number) for each, number in ordered[start : start + LOADED_AT_ONCE]]
            control.load(os.environ["SEGMENT_MEMBERS_TABLE"], rows)
        (counted,) = control.find(os.environ["SEGMENTS_TABLE"], self.account_id, f"STATS#{self.segment_id:016d}#")
        counted = deepcopy(counted)
        counted["members"]["N"] = str(self.members)
        control.load(os.environ["SEGMENTS_TABLE"], [counted])
        (membership,) = control.find(os.environ["MEMBERSHIPS_TABLE"], keys.membership(self.account_id, ""))
        (claim,) = control.find(os.environ["PROFILES_TABLE"], keys.identity_claim(self.account_id, ""))
        numbers = [number for some in self.claimed for number in some if number]
        for start in range(0, len(numbers), LOADED_AT_ONCE):
            some = numbers[start : start + LOADED_AT_ONCE]
            control.load(os.environ["MEMBERSHIPS_TABLE"], [self._membership(membership, number) for number in some])
            control.load(os.environ["PROFILES_TABLE"], [self._claim(claim, number) for number in some])

    def _row(self, like: Item, profile: str, number: int) -> Item:
        pk = keys.member_bucket(self.account_id, self.segment_id, profile)
        return {**like, "pk": {"S": pk}, "profile_id": {"S": profile}, "identity": {"S": identity(number)}}

    def _membership(self, like: Item, number: int) -> Item:
        profile = profile_id(self.account_id, number)
        home = {each for each in like["segment_ids"]["NS"] if int(each) not in (self.segment_id, self.loop_id)}
        own = {self.segment_id} if number in self.in_segment else {self.loop_id} if number in self.in_loop else set()
        return {
            **like,
            "pk": {"S": keys.membership(self.account_id, profile)},
            "account_bucket": {"S": keys.account_bucket(self.account_id, profile)},
            "profile_id": {"S": profile},
            "identity": {"S": identity(number)},
            "segment_ids": {"NS": sorted(home | set(map(str, own)))},
        }

    def _claim(self, like: Item, number: int) -> Item:
        pk = keys.identity_claim(self.account_id, identity(number))
        return {**like, "pk": {"S": pk}, "profile_id": {"S": profile_id(self.account_id, number)}}


def identity(number: int) -> str:
    return f"CT{number:08d}"


def profile_id(account_id: str, number: int) -> str:
    return md5(f"{account_id} {number}".encode(), usedforsecurity=False).hexdigest()


def upload(key: str, numbers: Sequence[range]) -> None:
    """Put a file where an import's link leads."""
    lines = ["identity", *(identity(number) for some in numbers for number in some)]
    s3_client().put_object(Bucket=os.environ["IMPORTS_BUCKET"], Key=key, Body="\n".join(lines).encode())


def elsewhere(do: Callable[..., None], *arguments: object) -> None:
    """Do something in a process of its own, whose memory goes with it."""
    process = get_context("spawn").Process(target=do, args=arguments)
    process.start()
    process.join()
    assert process.exitcode == 0, do


class Importing:
    """An account with a segment that a file is imported into, and another that a loop adds such users to."""

    def __init__(self, control: Control, kind: str, rows: int, looped: int) -> None:
        from functions.accounts.app import handler as accounts  # noqa: PLC0415 - the environment comes first
        from functions.apply_import.app import handler as apply  # noqa: PLC0415 - as above
        from functions.imports.app import handler as imports  # noqa: PLC0415 - as above
        from functions.read_import.app import handler as read  # noqa: PLC0415 - as above

        self._steps = {"read_import": read, "apply_import": apply}
        self._imports = imports
        self._control = control
        self._product = Product(control)
        self._client = Client(self._product)
        self._figures = ImportFigures(kind, rows, looped=looped)
        account = {"operation": "create_account", "name": "B", "plan": "Advanced", "private_beta": True}
        answer = accounts({**account, "account_id": self._client.account_id}, Context())
        assert answer["status"] == "success", answer
        home, self._segment_id, self._loop_id = self._client.new_segments(3)
        self._client.joining([identity(0)], [home, self._segment_id])()
        for feed in self._product.readers().values():
            feed()
        come = rows // A_CHANGE if kind == CHURN else 0
        self._file = [range(come, rows + come) if kind == CHURN else range(1, rows + 1)]
        self._loop = range(rows + come, rows + come + looped)
        if kind != NEW:
            # With churn only who comes and who goes is looked up; the loop asks about each.
            claimed = [range(come), range(rows, rows + come)] if kind == CHURN else self._file
            members = self._loop[len(self._loop) // A_CHANGE :] if kind == CHURN else range(0)
            self._fill(rows if kind == CHURN else 1, [*claimed, self._loop], range(come), members)

    def _fill(self, members: int, claimed: Sequence[range], in_segment: range, in_loop: range) -> None:
        ids = (self._control.url, self._client.account_id, self._segment_id, self._loop_id)
        elsewhere(Filling(*ids, members, claimed, in_segment, in_loop).load)

    def play(self) -> ImportFigures:
        """Import the file; let the readers follow; then make the loop."""
        self._run()
        for name, feed in self._product.readers(self._figures.looped).items():
            self._figures.readers[name] = Cost()
            self._figures.readers[name].during(self._control, feed)
        self._figures.followed = min(self._figures.looped, self._figures.changed)
        for event, processed in self._updates():
            answer = self._figures.loop.during(self._control, lambda: self._product.update(event))  # noqa: B023 - at once
            assert body_of(answer)["processed"] == processed, answer
        return self._figures

    def _run(self) -> None:
        wanted = {"segment": self._segment_id, "mode": MODES[self._figures.kind]}
        created = self._asked("POST", "/api/imports", wanted)
        of = {"import_id": created["import_id"]}
        elsewhere(upload, f"{self._client.account_id}/{created['import_id']}/upload", self._file)
        self._asked("POST", "/api/imports/{import_id}/start", None, **of)
        (given,) = self._control.take(os.environ["IMPORT_WORKFLOW_ARN"])
        machine = Machine("ImportWorkflow", self._invoke, lambda _: None, lambda runs, _: [run() for run in runs])
        machine.run(json.loads(given))
        shown = self._asked("GET", "/api/imports/{import_id}", None, **of)
        assert shown["status"] == "done", shown
        changed = {CHURN: 2 * (self._figures.rows // A_CHANGE)}.get(self._figures.kind, self._figures.rows)
        told = shown["result"]
        assert told["added"] + told["removed"] == changed, shown
        assert told["created"] == (changed if self._figures.kind == NEW else 0), shown
        assert shown["preview"]["rows"] == self._figures.rows, shown
        self._figures.changed = changed
        self._figures.parts = self._figures.steps["diff"].invocations

    def _asked(self, method: str, path: str, body: Any, **parameters: str) -> Any:
        event = without_body(self._client.account_id, method, path, None, **parameters)
        event["body"] = None if body is None else json.dumps(body)
        answer = self._step("calls of clients").during(self._control, lambda: self._imports(event, Context()))
        assert answer["statusCode"] == 200, answer
        return body_of(answer)

    def _invoke(self, function: str, task: Mapping[str, Any], _seconds: float) -> Any:
        name, seconds = FUNCTIONS[function]
        action = f", {task['action']}" if "action" in task else ""
        step = self._step(f"{task['step']}{action}")
        return step.during(self._control, lambda: self._steps[name](dict(task), Context(seconds)))

    def _step(self, name: str) -> Cost:
        return self._figures.steps.setdefault(name, Cost())

    def _updates(self) -> list[tuple[Event, int]]:
        """Return the requests of a loop that adds all rows, and removes who is gone, whom it is told."""
        numbers = list(self._loop)
        adding = [
            self._update(numbers[at : at + USERS_A_REQUEST], "ADD") for at in range(0, len(numbers), USERS_A_REQUEST)
        ]
        gone = numbers[len(numbers) - len(numbers) // A_CHANGE :] if self._figures.kind == CHURN else []
        return [*adding, *([self._update(gone, "REMOVE")] if gone else [])]

    def _update(self, numbers: Sequence[int], action: str) -> tuple[Event, int]:
        users = [{"identity": identity(number)} for number in numbers]
        segments = [{"ct_segment_id": self._loop_id, "action": action}]
        body = {"bulk_profiles": [{"user_profiles": users, "segments": segments}]}
        return with_body("update_segment", self._client.account_id, body), len(users)


def main(url: str, kind: str, rows: int, looped: int = LOOP_ROWS) -> ImportFigures:
    control = Control(url)
    control.answer_after(0)
    return Importing(control, kind, rows, looped).play()


if __name__ == "__main__":
    with answers() as answer:
        found = main(sys.argv[1], sys.argv[2], *map(int, sys.argv[3:]))
        json.dump(asdict(found), answer)
