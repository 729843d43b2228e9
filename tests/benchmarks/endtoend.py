"""The deployed stack on this machine: from an answer to its event and to the right count, and what it sustains.

The emulator is one Python process that all functions share, so these times are its times, not AWS's. What carries over
is that nothing is lost, added or doubled.
"""

import itertools
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event as Flag
from threading import Lock, Thread
from typing import Any

import httpx
from rich.console import Console

from local.stack import Stack, create_account, running_stack
from local.subscriber import CHANGE, EventQueue, subscribe
from tests.support.waiting import wait_until

UPDATES = 200
POLL_SECONDS = 0.1
CLIENTS = 4
SUSTAINED_SECONDS = 60.0
USERS_A_REQUEST = 20
DRAIN_SECONDS = 180.0

Change = tuple[str, str]
"""Action and identity."""


@dataclass
class Lags:
    """Seconds from an update's answer to its event and to the count that includes it."""

    to_event: list[float]
    to_count: list[float]


@dataclass
class Sustained:
    """What 4 clients pushed for a minute, and what came of it."""

    seconds: float
    requests: int
    changes: int
    drained_after: float
    events: int
    doubled: int
    missing: int
    unexpected: int
    members: int
    expected_members: int
    data_points: int

    @property
    def nothing_lost(self) -> bool:
        return not (self.missing or self.unexpected) and (
            (self.members, self.data_points) == (self.expected_members, self.changes)
        )


@dataclass
class _Listener:
    """Takes an account's events from a queue, with the moment at which each came first."""

    queue: EventQueue
    first_seen: dict[str, tuple[Change, float]] = field(default_factory=dict)
    doubled: int = 0
    _stop: Flag = field(default_factory=Flag)

    def listen(self) -> None:
        while not self._stop.is_set():
            for event in self.queue.receive_many():
                now = time.monotonic()
                if event.detail_type != CHANGE:
                    continue
                self.doubled += event.detail["Event ID"] in self.first_seen
                change = (event.detail["Action"], event.detail["Identity"])
                self.first_seen.setdefault(event.detail["Event ID"], (change, now))

    def stop(self) -> None:
        self._stop.set()


class _Shop:
    """An account of its own with one segment, on the running stack."""

    def __init__(self, stack: Stack, name: str) -> None:
        self.account = create_account(stack.endpoint_url, stack.functions["accounts"], name)
        self._stack = stack
        self.api = self.client()
        pattern = {"detail": {"Account ID": [self.account.account_id]}}
        url = subscribe(stack.endpoint_url, stack.bus_name, f"benchmark-{self.account.account_id}", pattern)
        self.listener = _Listener(EventQueue(stack.endpoint_url, url))
        created = self.api.post("/api/createSegment", json=[{"segment_name": name}]).json()
        self.segment_id = created["segments"][0]["id"]

    def client(self) -> httpx.Client:
        return httpx.Client(base_url=self._stack.api_url, headers=self.account.headers, timeout=60, trust_env=False)

    def update(self, api: httpx.Client, users: list[str], action: str) -> Any:
        group = {
            "user_profiles": [{"identity": user} for user in users],
            "segments": [{"ct_segment_id": self.segment_id, "action": action}],
        }
        answer = api.post("/api/updateSegment", json={"bulk_profiles": [group]})
        answer.raise_for_status()
        body = answer.json()
        assert body["processed"] == len(users), body
        return body["summary"]

    def members(self) -> int:
        found: int = self.api.get(f"/api/segments/{self.segment_id}").json()["members"]
        return found

    def data_points(self) -> int:
        found: int = self.api.get("/api/usage").json()["data_points"]
        return found

    @contextmanager
    def listening(self) -> Iterator[_Listener]:
        thread = Thread(target=self.listener.listen)
        thread.start()
        try:
            yield self.listener
        finally:
            self.listener.stop()
            thread.join()


def measure(home: Path, console: Console, updates: int, seconds: float) -> tuple[Lags, Sustained]:
    """Start the stack, measure both, stop it."""
    with running_stack(home, console) as stack:
        return lags(_Shop(stack, "Lags"), updates), sustain(_Shop(stack, "Sustained"), seconds)


def lags(shop: _Shop, updates: int) -> Lags:
    """Add one user after the other to a segment, each when the one before is counted and its event has come.

    So the stack is never behind: what is measured is the way, not a queue in front of it. One more goes before them,
    which starts the functions and is not in the figures.
    """
    answered: list[float] = []
    counted: list[float] = []
    with shop.listening() as listener:
        for index in range(1 + updates):
            shop.update(shop.api, [f"user {index}"], "ADD")
            answered.append(time.monotonic())
            deadline = answered[-1] + DRAIN_SECONDS
            while shop.members() <= index:
                assert time.monotonic() < deadline, f"no count of {index + 1}"
                time.sleep(POLL_SECONDS)
            counted.append(time.monotonic())
            wait_until(lambda: len(listener.first_seen) == len(answered), "an event", DRAIN_SECONDS)
    seen = {identity: moment for (_, identity), moment in listener.first_seen.values()}
    return Lags(
        # An event may be received before its answer is: the stream does not wait for the answer.
        to_event=[max(0.0, seen[f"user {index}"] - moment) for index, moment in enumerate(answered)][1:],
        to_count=[late - moment for late, moment in zip(counted, answered, strict=True)][1:],
    )


def sustain(shop: _Shop, seconds: float) -> Sustained:
    """Push from several clients at once for so long: each adds users, then takes half of them out again."""
    expected: Counter[Change] = Counter()
    requests = changes = members = 0
    lock = Lock()
    end = time.monotonic() + seconds

    def push(client: int) -> None:
        nonlocal requests, changes, members
        with shop.client() as api:
            for turn in itertools.count():
                if time.monotonic() > end:
                    return
                users = [f"user {client}/{turn}/{index}" for index in range(USERS_A_REQUEST)]
                leaving = users[: USERS_A_REQUEST // 2]
                for people, action in ((users, "ADD"), (leaving, "REMOVE")):
                    summary = shop.update(api, people, action)
                    with lock:
                        requests += 1
                        changes += summary["added"] + summary["removed"]
                        members += summary["added"] - summary["removed"]
                        expected.update((action, person) for person in people)

    with shop.listening() as listener:
        started = time.monotonic()
        with ThreadPoolExecutor(CLIENTS) as clients:
            list(clients.map(push, range(CLIENTS)))
        pushed = time.monotonic()
        wait_until(lambda: len(listener.first_seen) >= changes, f"{changes} events", DRAIN_SECONDS)
        wait_until(lambda: shop.data_points() == changes, f"{changes} data points", DRAIN_SECONDS)
        wait_until(lambda: shop.members() == members, f"{members} members", DRAIN_SECONDS)
        drained = time.monotonic()
        time.sleep(1)  # so that an event too many shows
    seen = Counter(change for change, _ in listener.first_seen.values())
    return Sustained(
        seconds=pushed - started,
        requests=requests,
        changes=changes,
        drained_after=drained - pushed,
        events=len(listener.first_seen),
        doubled=listener.doubled,
        missing=(expected - seen).total(),
        unexpected=(seen - expected).total(),
        members=shop.members(),
        expected_members=members,
        data_points=shop.data_points(),
    )
