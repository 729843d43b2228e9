"""One account against a dictionary: requests one by one, any call of which may go wrong, and deliveries at any time.

Between requests everything that is still under way lands, so the model knows each user's segments for certain: what an
answer counts is so; what it does not know is as before or as asked, and is looked up.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from random import Random
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from api_segments.profiles.model import Profile
from api_segments.profiles.reachability import reach_of
from tests.simulation.clients import Clients
from tests.simulation.delivery import READERS, Poller, first_failure, work_off
from tests.simulation.invariants import check_all, check_counts
from tests.simulation.weather import Fault, Weather
from tests.simulation.world import Outcome, World
from tests.support.events import Event, with_body, without_body
from tests.support.examples import examples

Json = Any

ACCOUNT = "A-1"
IDENTITIES = ("u0", "u1", "u2")
CUSTOMER_IDS = (None, "C0", "C1")
CONTACTS: Sequence[Mapping[str, object]] = (
    {"Email": "a@example.com"},
    {"MSG-email": False},
    {"MSG-email": True},
    {"Phone": "+14155550123", "MSG-whatsapp": True},
)

FAULTS = st.lists(st.sampled_from([None, None, None, *Fault]), max_size=4)
USERS = st.lists(st.sampled_from(IDENTITIES), min_size=1, max_size=3, unique=True)
ACTIONS = st.lists(st.tuples(st.integers(0, 4), st.sampled_from(["ADD", "REMOVE"])), min_size=1, max_size=3)
SECONDS = st.sampled_from([28.0, 28.0, 9.0, 5.6])
READER = st.sampled_from(sorted(READERS))


@dataclass
class User:
    """What the model knows of a user who exists."""

    segments: set[int] = field(default_factory=set)
    attributes: dict[str, object] = field(default_factory=dict)


@dataclass
class Model:
    """An account as a dictionary."""

    users: dict[str, User] = field(default_factory=dict)
    active: dict[int, str | None] = field(default_factory=dict)
    deleted: dict[int, str | None] = field(default_factory=dict)

    @property
    def every_id(self) -> list[int]:
        return sorted([*self.active, *self.deleted])


class Account(RuleBasedStateMachine):
    """The rules: what a client may do, and what Lambda may do with the streams."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World("state machine", mild=True)
        self._installed = self.world.installed()
        self._installed.__enter__()
        self.model = Model()
        self.numbers = count(1)
        self.pollers = {function: Poller(self.world, function, 0, 1) for function in READERS}

    def teardown(self) -> None:
        try:
            self.drain()
        finally:
            self._installed.__exit__(None, None, None)

    # ---------------------------------------------------------------- requests

    def send(
        self, function: str, event: Event, faults: Sequence[Fault | None], seconds: float = 28.0
    ) -> tuple[int, Json, Outcome]:
        """Send a request, let everything land, and return status (0: none came), body, and how it came about."""
        weather = Weather(Random(0), script=faults)  # noqa: S311 - a test's
        name = f"{function} {next(self.numbers)}"
        outcome = self.world.run(lambda: self.world.invoke(function, event, name, seconds, weather))
        self.world.scheduler.run()
        assert outcome.error is None
        assert not outcome.out_of_time
        if outcome.answer is None:
            return 0, {}, outcome
        return outcome.answer["statusCode"], json.loads(outcome.answer["body"]), outcome

    @initialize()
    def begin(self) -> None:
        self.create([None, "C0"], [])

    @rule(wishes=st.lists(st.sampled_from(CUSTOMER_IDS), min_size=1, max_size=2), faults=FAULTS)
    def create(self, wishes: list[str | None], faults: list[Fault | None]) -> None:
        body = [{"segment_name": f"S{index}", "customer_segment_id": wish} for index, wish in enumerate(wishes)]
        taken = {*self.model.active.values(), *self.model.deleted.values()}
        status, told, outcome = self.send("create_segment", with_body("create_segment", ACCOUNT, body), faults)
        stored = self._stored_segments()
        new = {segment_id: wish for segment_id, wish in stored.items() if segment_id not in self.model.every_id}
        if status:
            listed = {segment["id"]: segment["customer_segment_id"] for segment in told["segments"]}
            assert listed.items() <= new.items()
            assert len(listed) + len(told["unprocessed"]) == len(body)
            if outcome.weather.told_all:
                assert listed == new
            if not outcome.weather.met:
                fresh = [
                    w for index, w in enumerate(wishes) if w is None or (w not in taken and w not in wishes[:index])
                ]
                assert list(listed.values()) == fresh
        self.model.active.update(new)

    @rule(users=USERS, actions=ACTIONS, faults=FAULTS, seconds=SECONDS)
    def update(
        self, users: list[str], actions: list[tuple[int, str]], faults: list[Fault | None], seconds: float
    ) -> None:
        ids = self.model.every_id
        wanted = {ids[index % len(ids)]: action for index, action in actions}
        segments = [{"ct_segment_id": segment_id, "action": action} for segment_id, action in wanted.items()]
        group = {"user_profiles": [{"identity": user} for user in users], "segments": segments}
        event = with_body("update_segment", ACCOUNT, {"bulk_profiles": [group]})

        status, told, outcome = self.send("update_segment", event, faults, seconds)

        failed = {
            (
                entry["record"]["user_profiles"][0]["identity"],
                int(entry["record"]["segments"][0]["ct_segment_id"]),
            ): entry
            for entry in told.get("unprocessed", ())
        }
        expected = {"added": 0, "removed": 0, "unchanged": 0, "profiles_created": 0}
        actual = self._stored_users()
        for user in users:
            known, alive = (
                self.model.users.get(user, User()),
                {s: a for s, a in wanted.items() if s in self.model.active},
            )
            done = {s: a for s, a in alive.items() if status and (user, s) not in failed}
            joins = {s for s, action in done.items() if action == "ADD"}
            leaves = {s for s, action in done.items() if action == "REMOVE"}
            expected["added"] += len(joins - known.segments)
            expected["removed"] += len(leaves & known.segments)
            expected["unchanged"] += len(joins & known.segments) + len(leaves - known.segments)
            expected["profiles_created"] += user not in self.model.users and bool(joins)
            after = (known.segments | joins) - leaves
            unknown = alive.keys() - done.keys()
            found = actual.get(user)
            # The readers and the purge take members out of a deleted segment whenever they come to them.
            uncertain = unknown | self.model.deleted.keys()
            assert (found or set()) - uncertain == after - uncertain, user
            for segment_id in unknown:
                is_in = segment_id in (found or set())
                assert is_in in {segment_id in known.segments, alive[segment_id] == "ADD"}
            if found is not None:
                self.model.users.setdefault(user, known).segments = found
        for (_, segment_id), entry in failed.items():
            # A deleted segment may be told as one that could not be looked at, but only where a call went wrong.
            not_deleted = {429, 503} if outcome.weather.met or segment_id in self.model.active else set()
            assert entry["code"] in ({410} if segment_id in self.model.deleted else set()) | not_deleted
        if status:
            assert told["processed"] + len(failed) == len(users) * len(wanted)
            if outcome.weather.told_all:
                assert told["summary"] == expected
            else:
                assert told["summary"]["added"] <= expected["added"]
                assert told["summary"]["removed"] <= expected["removed"]

    @rule(user=st.sampled_from(IDENTITIES), contact=st.sampled_from(CONTACTS), faults=FAULTS)
    def upload(self, user: str, contact: Mapping[str, object], faults: list[Fault | None]) -> None:
        record = {"identity": user, "type": "profile", "profileData": contact}
        event = with_body("profiles", ACCOUNT, {"d": [record]})
        status, told, _ = self.send("profiles", event, faults)
        before = self.model.users.get(user, User()).attributes
        after = {**before, **contact}
        actual = self._stored_attributes(user)
        if status and told["processed"]:
            assert actual == after
        else:
            assert actual in ({**before}, after)
        if user in self._stored_users():
            self.model.users.setdefault(user, User()).attributes = actual

    @rule(user=st.sampled_from(IDENTITIES), faults=FAULTS)
    def erase(self, user: str, faults: list[Fault | None]) -> None:
        event = without_body(ACCOUNT, "DELETE", "/api/profiles/{identity}", identity=user)
        status, _, outcome = self.send("manage_segments", event, faults)
        is_there = user in self._stored_users()
        if status == 200:
            assert not is_there
            assert user in self.model.users
        elif status == 404:
            assert not is_there
            assert user not in self.model.users or not outcome.weather.told_all
        if not is_there:
            self.model.users.pop(user, None)

    @rule(index=st.integers(0, 4), faults=FAULTS)
    def delete_segment(self, index: int, faults: list[Fault | None]) -> None:
        segment_id = self.model.every_id[index % len(self.model.every_id)]
        event = without_body(ACCOUNT, "DELETE", "/api/segments/{segment_id}", segment_id=str(segment_id))
        status, told, _ = self.send("manage_segments", event, faults)
        is_deleted = segment_id not in self._stored_segments()
        assert status in {0, 200, 429, 503}
        if status == 200:
            assert is_deleted
            assert (told["status"], told["members"]) == ("deleted", 0)
        if is_deleted and segment_id in self.model.active:
            self.model.deleted[segment_id] = self.model.active.pop(segment_id)

    @rule(user=st.sampled_from(IDENTITIES))
    def read(self, user: str) -> None:
        event = without_body(ACCOUNT, "GET", "/api/profiles/{identity}/segments", identity=user)
        status, told, _ = self.send("manage_segments", event, [])
        if user not in self.model.users:
            assert status == 404
            return
        assert status == 200
        assert {each["id"] for each in told["segments"]} == self.model.users[user].segments & self.model.active.keys()

    # ---------------------------------------------------------------- deliveries

    @rule(function=READER, size=st.integers(1, 5), faults=FAULTS, seconds=st.sampled_from([120.0, 6.0]))
    def deliver(self, function: str, size: int, faults: list[Fault | None], seconds: float) -> None:
        """Deliver the next batch once; if it fails, it stays the next."""
        poller = self.pollers[function]
        batch = poller.records()[poller.position : poller.position + size]
        if batch:
            poller.position += self._delivered(function, batch, faults, seconds)

    @rule(function=READER, start=st.integers(0, 30), size=st.integers(1, 8), faults=FAULTS)
    def redeliver(self, function: str, start: int, size: int, faults: list[Fault | None]) -> None:
        """Deliver again something that was delivered before."""
        poller = self.pollers[function]
        if poller.position:
            start %= poller.position
            self._delivered(function, poller.records()[start : min(start + size, poller.position)], faults, 120.0)

    def _delivered(self, function: str, batch: Sequence[Json], faults: Sequence[Fault | None], seconds: float) -> int:
        """Deliver a batch once, let everything land, and return how many of its records are done with."""
        weather = Weather(Random(0), script=faults)  # noqa: S311 - a test's
        name, event = f"{function} {next(self.numbers)}", {"Records": list(batch)}
        outcome = self.world.run(lambda: self.world.invoke(function, event, name, seconds, weather))
        self.world.scheduler.run()
        if outcome.answer is None:
            return 0
        failed = first_failure(outcome.answer, batch)
        return len(batch) if failed is None else failed.index

    @precondition(lambda self: self.world.queues["purges"].messages)
    @rule(faults=FAULTS, seconds=st.sampled_from([120.0, 6.0]))
    def purge(self, faults: list[Fault | None], seconds: float) -> None:
        """Deliver a message to the purge, if one can be received; if that fails, it comes again."""
        message = self.world.queues["purges"].receive()
        if message is None:
            return
        message.received = 1  # how often it may fail is not what this is about
        weather = Weather(Random(0), script=faults)  # noqa: S311 - a test's
        event = {"Records": [{"body": message.body}]}
        name = f"purge {next(self.numbers)}"
        outcome = self.world.run(lambda: self.world.invoke("purge_segment", event, name, seconds, weather))
        self.world.scheduler.run()
        if outcome.answer is not None:
            self.world.queues["purges"].delete(message)

    @rule(seconds=st.sampled_from([1.0, 40.0, 200.0]))
    def wait(self, seconds: float) -> None:
        self.world.run(lambda: self.world.pause(seconds))

    # ---------------------------------------------------------------- what holds

    @invariant()
    def counters_count_the_rows(self) -> None:
        check_counts(self.world, ACCOUNT)

    @rule()
    def drain(self) -> None:
        """Deliver everything; then all that is told of the account is the model's."""
        self.world.is_over = True
        for poller in self.pollers.values():
            self.world.spawn(poller.name, poller.poll)
        self.world.spawn("purge worker", lambda: work_off(self.world, "purges"))
        self.world.scheduler.run()
        self.world.is_over = False
        for user in self.model.users.values():
            user.segments &= self.model.active.keys()
        check_all(Clients(self.world), (ACCOUNT,), 0)
        assert self._stored_users() == {name: user.segments for name, user in self.model.users.items()}
        for segment_id in self.model.active:
            event = without_body(ACCOUNT, "GET", "/api/segments/{segment_id}", segment_id=str(segment_id))
            status, told, _ = self.send("manage_segments", event, [])
            members = [user for user in self.model.users.values() if segment_id in user.segments]
            assert (status, told["members"]) == (200, len(members))
            reached = [reach_of(Profile("-", None, user.attributes)) for user in members]  # type: ignore[arg-type]  # plain values
            for channel, figure in told["reachable"].items():
                assert figure == sum(channel in reach for reach in reached)

    # ---------------------------------------------------------------- what is stored

    def _stored_users(self) -> dict[str, set[int]]:
        items = self.world.tables.memberships(ACCOUNT).values()
        return {item["identity"]: set(map(int, item.get("segment_ids", ()))) for item in items}

    def _stored_attributes(self, user: str) -> dict[str, object]:
        profile_id = self.world.tables.profile_of(ACCOUNT, user)
        item = self.world.tables.profiles(ACCOUNT).get(profile_id or "", {})
        return dict(json.loads(item.get("attributes", "{}")))

    def _stored_segments(self) -> dict[int, str | None]:
        found = self.world.tables.of_account("SEGMENTS_TABLE", ACCOUNT, "SEGMENT#")
        return {int(item["segment_id"]): item.get("customer_segment_id") for item in found}


TestAccount = Account.TestCase
TestAccount.settings = settings(
    examples(60), stateful_step_count=25, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
