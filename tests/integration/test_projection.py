"""SegmentMembers, the counts and the data points follow Memberships exactly, however its stream is delivered."""

from collections import Counter
from collections.abc import Callable, Sequence
from copy import deepcopy
from datetime import UTC, datetime
from functools import partial
from typing import Any

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from api_segments.core.clock import Backoff
from api_segments.memberships import projection
from functions.project_members.app import handler as project_members
from tests.integration.conftest import Account, RecordingBus, Relay
from tests.support.clock import MovableClock
from tests.support.events import Context, Event
from tests.support.examples import examples
from tests.support.faults import FaultyClient, answer_lost, fine, not_sent
from tests.support.records import Profile, Stream, sequences
from tests.support.state import (
    CHANNELS,
    MEMBERS,
    Row,
    RowId,
    Tables,
    assert_projected,
    counted,
    live,
    turned_round,
)
from tests.support.threads import at_once

Json = Any

TWO_DAYS = 2 * 24 * 3600
NOVEMBER = int(datetime(2026, 11, 30, 23, 59, tzinfo=UTC).timestamp())
DECEMBER = int(datetime(2026, 12, 1, tzinfo=UTC).timestamp())


def users(count: int) -> list[Json]:
    return [{"identity": f"U{index}"} for index in range(count)]


def actions(action: str, *segment_ids: int) -> list[Json]:
    return [{"ct_segment_id": segment_id, "action": action} for segment_id in segment_ids]


def project(records: Sequence[Event]) -> None:
    """Deliver one batch, which must be taken in whole."""
    assert project_members({"Records": deepcopy(list(records))}, Context(60)) == {"batchItemFailures": []}


def everything(tables: Tables, account: Account) -> Json:
    """Return all that the projection keeps of an account."""
    account_id = account.account_id
    rows = {
        key: {name: value for name, value in row.items() if name != "expires_at"} | {"gone": "expires_at" in row}
        for key, row in tables.members(account_id).items()
    }
    return rows, tables.counts(account_id), tables.data_points(account_id)


def life(account: Account, tables: Tables, segments: Sequence[int]) -> int:
    """Let three users join, leave, come back and become reachable; return how many real changes that was."""
    gold, silver, *_ = segments
    account.update((users(3), actions("ADD", gold)))
    profiles = [tables.profile_of(account.account_id, f"U{index}") or "" for index in range(3)]
    tables.set_reach(account.account_id, profiles[0], "email", "push")
    account.update((users(2), actions("REMOVE", gold) + actions("ADD", silver)))
    tables.set_reach(account.account_id, profiles[0], "sms")
    tables.set_reach(account.account_id, profiles[2], "whatsapp", "web_push", "email")
    account.update((users(1), actions("ADD", gold)))
    tables.set_reach(account.account_id, profiles[2], "web_push")
    account.update((users(3)[1:], actions("REMOVE", gold, silver)))
    tables.set_reach(account.account_id, profiles[1], "push")
    return 3 + 4 + 1 + 2


def test_rows_counts_and_data_points_follow_a_whole_life(
    account: Account, tables: Tables, relay: Relay, bus: RecordingBus
) -> None:
    gold, silver = account.create(None, None)
    changes = life(account, tables, [gold, silver])

    relay.drain()

    assert_projected(tables, account.account_id)
    assert tables.counts(account.account_id) == {
        gold: Counter({MEMBERS: 1, "sms": 1}),
        silver: Counter({MEMBERS: 1, "sms": 1}),
    }
    assert tables.data_points(account.account_id).total() == len(bus.details(account.account_id)) == changes


def test_what_a_segment_says_of_itself_is_what_its_rows_say(account: Account, tables: Tables, relay: Relay) -> None:
    (gold,) = account.create(None)
    account.update((users(5), actions("ADD", gold)))
    for index, channels in enumerate([("email",), ("email", "sms"), CHANNELS, ()]):
        tables.set_reach(account.account_id, tables.profile_of(account.account_id, f"U{index}") or "", *channels)

    relay.drain()

    _, segment = account.get("/api/segments/{segment_id}", segment_id=str(gold))
    assert segment["members"] == 5
    assert segment["reachable"] == {"email": 3, "sms": 2, "push": 1, "whatsapp": 1, "web_push": 1}


def each_alone(records: list[Event]) -> list[list[Event]]:
    return [[record] for record in records]


REDELIVERIES: dict[str, Callable[[list[Event]], list[list[Event]]]] = {
    "the whole batch twice": lambda records: [records, records],
    "twice, from the middle": lambda records: [records, records[len(records) // 2 :]],
    "every suffix": lambda records: [records[start:] for start in range(len(records))],
    "each record alone, and all again": lambda records: [*each_alone(records), records],
    "each record alone, twice": lambda records: [[record] for record in records for _ in range(2)],
    "split in two, the second half twice": lambda records: [
        records[: len(records) // 2],
        records[len(records) // 2 :],
        records[len(records) // 2 :],
    ],
    "cut short, then from the beginning": lambda records: [records[:3], records[:5], records],
    "all, then each alone from the beginning": lambda records: [records, *each_alone(records)],
}


@pytest.mark.parametrize("batches_of", REDELIVERIES.values(), ids=REDELIVERIES.keys())
def test_redelivery_changes_nothing(
    account: Account, tables: Tables, relay: Relay, batches_of: Callable[[list[Event]], list[list[Event]]]
) -> None:
    gold, silver = account.create(None, None)
    changes = life(account, tables, [gold, silver])

    for batch in batches_of(relay.reader.read()):
        project(batch)

    assert_projected(tables, account.account_id)
    assert tables.counts(account.account_id)[gold] == Counter({MEMBERS: 1, "sms": 1})
    assert tables.data_points(account.account_id).total() == changes


def test_a_join_and_a_leave_delivered_again_count_their_data_points_once(
    account: Account, tables: Tables, relay: Relay
) -> None:
    (gold,) = account.create(None)
    account.update((users(1), actions("ADD", gold)))
    account.update((users(1), actions("REMOVE", gold)))
    records = relay.reader.read()

    for _ in range(3):
        project(records)

    assert tables.data_points(account.account_id).total() == 2
    assert tables.counts(account.account_id) == {}
    assert live(tables.members(account.account_id)) == {}


def test_a_record_that_comes_late_is_known_as_old(account: Account, tables: Tables, relay: Relay) -> None:
    (gold,) = account.create(None)
    account.update((users(1), actions("ADD", gold)))
    account.update((users(1), actions("REMOVE", gold)))
    tables.set_reach(account.account_id, tables.profile_of(account.account_id, "U0") or "", "email")
    account.update((users(1), actions("ADD", gold)))
    joined, left, _, rejoined = records = relay.reader.read()
    project(records)
    before = everything(tables, account)

    for late in ([joined], [left], [joined, left], [rejoined]):
        project(late)

    assert everything(tables, account) == before
    assert_projected(tables, account.account_id)


def test_a_leave_that_comes_late_does_not_take_away_who_came_back(
    account: Account, tables: Tables, relay: Relay
) -> None:
    (gold,) = account.create(None)
    account.update((users(1), actions("ADD", gold)))
    account.update((users(1), actions("REMOVE", gold)))
    joined, left = relay.reader.read()
    project([left])  # the join's own delivery is still on its way
    assert tables.of_account("SEGMENTS_TABLE", account.account_id, "STATS#") == []  # of what did not change
    project([joined])
    assert live(tables.members(account.account_id)) == {}
    assert tables.counts(account.account_id) == {}


def test_an_old_reach_that_comes_late_is_not_taken_for_the_same_reach_of_now(account: Account, tables: Tables) -> None:
    (gold,) = account.create(None)
    by_email = Profile(account.account_id, "P", None, frozenset({gold}), frozenset({"email"}))
    by_sms = Profile(account.account_id, "P", None, frozenset({gold}), frozenset({"sms"}))
    stream = Stream()
    for old, new in [(None, by_email), (by_email, by_sms), (by_sms, by_email)]:
        stream.append(old, new, NOVEMBER)
    project(stream.records)

    project(stream.records[1:2])

    assert live(tables.members(account.account_id)) == {(gold, "P"): Row(None, frozenset({"email"}))}
    assert tables.counts(account.account_id) == {gold: Counter({MEMBERS: 1, "email": 1})}


@pytest.mark.parametrize("missed", range(6))
def test_a_record_that_never_comes_leaves_counts_that_agree_with_the_rows(
    account: Account, tables: Tables, relay: Relay, missed: int
) -> None:
    (gold,) = account.create(None)
    account.update((users(1), actions("ADD", gold)))
    profile = tables.profile_of(account.account_id, "U0") or ""
    tables.set_reach(account.account_id, profile, "email", "sms")
    account.update((users(1), actions("REMOVE", gold)))
    account.update((users(1), actions("ADD", gold)))
    tables.set_reach(account.account_id, profile, "push")
    tables.set_reach(account.account_id, profile, "push", "web_push")
    tables.set_reach(account.account_id, profile, "web_push")
    records = relay.reader.read()
    assert len(records) == 7
    published = [0, 2, 3]

    for index, record in enumerate(records):
        if index != missed:
            project([record])
            counts = tables.counts(account.account_id)
            assert counts == counted(live(tables.members(account.account_id))), index
            assert all(figure >= 0 for figures in counts.values() for figure in figures.values())

    assert_projected(tables, account.account_id)
    assert tables.data_points(account.account_id).total() == len([index for index in published if index != missed])


@pytest.mark.usefixtures("side_by_side")
def test_one_batch_delivered_to_several_at_once_counts_once(account: Account, tables: Tables, relay: Relay) -> None:
    gold, silver = account.create(None, None)
    changes = life(account, tables, [gold, silver])
    account.update((users(60), actions("ADD", gold, silver)))
    changes += 120 - 2  # U0 is in both already
    records = relay.reader.read()

    at_once([partial(project, records) for _ in range(3)])

    assert_projected(tables, account.account_id)
    assert tables.data_points(account.account_id).total() == changes


@pytest.mark.usefixtures("side_by_side")
def test_shards_delivered_side_by_side_add_up(account: Account, tables: Tables, relay: Relay) -> None:
    (gold,) = account.create(None)
    account.update((users(80), actions("ADD", gold)))
    account.update((users(40), actions("REMOVE", gold)))
    records = relay.reader.read()
    shards: list[list[Event]] = [[] for _ in range(4)]
    for record in records:
        shards[sum(record["dynamodb"]["Keys"]["pk"]["S"].encode()) % 4].append(record)

    at_once([partial(project, shard) for shard in shards])

    assert_projected(tables, account.account_id)
    assert tables.counts(account.account_id) == {gold: Counter({MEMBERS: 40})}
    assert tables.data_points(account.account_id).total() == 120


@pytest.mark.parametrize(("people", "groups"), [(100, 1), (1, 100), (100, 20)])
def test_large_batches_are_projected_whole_and_once(
    account: Account, tables: Tables, relay: Relay, people: int, groups: int
) -> None:
    segments = account.create(*[None] * groups)
    answer = account.update((users(people), actions("ADD", *segments)))
    assert answer["summary"]["added"] == people * groups
    records = relay.reader.read()
    assert len(records) == people

    project(records)
    project(records[people // 2 :])

    assert_projected(tables, account.account_id)
    assert tables.counts(account.account_id) == {key: Counter({MEMBERS: people}) for key in segments}
    assert tables.data_points(account.account_id).total() == people * groups


def test_who_left_leaves_a_tombstone_without_personal_data(
    account: Account, tables: Tables, relay: Relay, clock: MovableClock
) -> None:
    (gold,) = account.create(None)
    account.update((users(1), actions("ADD", gold)))
    profile = tables.profile_of(account.account_id, "U0") or ""
    tables.set_reach(account.account_id, profile, "email")
    account.update((users(1), actions("REMOVE", gold)))
    began = int(clock.now().timestamp())

    records = relay.reader.read()
    for record in records:
        project([record])

    (row,) = tables.members(account.account_id).values()
    assert set(row) == {"pk", "profile_id", "sequence", "expires_at"}
    assert int(row["sequence"]) == int(sequences(records)[-1])
    assert began + TWO_DAYS <= row["expires_at"] <= clock.now().timestamp() + TWO_DAYS


def test_who_joined_and_left_in_one_batch_leaves_a_tombstone_too(
    account: Account, tables: Tables, relay: Relay
) -> None:
    (gold,) = account.create(None)
    account.update((users(1), actions("ADD", gold)))
    account.update((users(1), actions("REMOVE", gold)))

    project(relay.reader.read())

    (row,) = tables.members(account.account_id).values()
    assert set(row) == {"pk", "profile_id", "sequence", "expires_at"}


def test_an_erased_profile_leaves_only_tombstones(account: Account, tables: Tables, relay: Relay) -> None:
    gold, silver = account.create(None, None)
    account.update((users(1), actions("ADD", gold, silver)))
    profile = tables.profile_of(account.account_id, "U0") or ""
    tables.set_reach(account.account_id, profile, "email")
    relay.drain()

    tables.erase(account.account_id, profile)
    relay.drain()

    rows = tables.members(account.account_id)
    assert {frozenset(row) for row in rows.values()} == {frozenset({"pk", "profile_id", "sequence", "expires_at"})}
    assert len(rows) == 2
    assert tables.counts(account.account_id) == {}
    assert tables.data_points(account.account_id).total() == 4


def test_an_anonymous_member_who_becomes_known_is_known_in_the_rows(
    account: Account, tables: Tables, relay: Relay, bus: RecordingBus
) -> None:
    (gold,) = account.create(None)
    account.update(([{"guid": "anonymous"}], actions("ADD", gold)))
    relay.drain()
    assert live(tables.members(account.account_id)) == {(gold, "anonymous"): Row(None, frozenset())}

    tables.set_identity(account.account_id, "anonymous", "Ann")
    relay.drain()

    assert live(tables.members(account.account_id)) == {(gold, "anonymous"): Row("Ann", frozenset())}
    assert tables.counts(account.account_id) == {gold: Counter({MEMBERS: 1})}
    assert len(bus.details(account.account_id)) == tables.data_points(account.account_id).total() == 1


def test_a_member_keeps_the_time_of_joining_until_joining_anew(account: Account, tables: Tables) -> None:
    (gold,) = account.create(None)
    out = Profile(account.account_id, "P", "Ann")
    member = Profile(account.account_id, "P", "Ann", frozenset({gold}))
    reachable = Profile(account.account_id, "P", "Ann", frozenset({gold}), frozenset({"email"}))
    stream = Stream()
    stream.append(None, member, NOVEMBER)
    stream.append(member, reachable, NOVEMBER + 10)
    stream.append(reachable, out, NOVEMBER + 20)
    stream.append(out, member, DECEMBER)
    stream.append(member, reachable, DECEMBER + 10)

    def added_at() -> str | None:
        return tables.members(account.account_id)[gold, "P"].get("added_at")

    seen = []
    for end in range(1, 6):
        project(stream.records[:end])
        seen.append(added_at())
    first, second = "2026-11-30T23:59:00.000000Z", "2026-12-01T00:00:00.000000Z"
    assert seen == [first, first, None, second, second]
    assert tables.data_points(account.account_id) == {"2026-11": 2, "2026-12": 1}


def test_who_left_and_came_back_within_one_batch_has_joined_anew(account: Account, tables: Tables) -> None:
    (gold,) = account.create(None)
    out, member = Profile(account.account_id, "P"), Profile(account.account_id, "P", None, frozenset({gold}))
    stream = Stream()
    stream.append(None, member, NOVEMBER)
    stream.append(member, out, NOVEMBER + 10)
    stream.append(out, member, DECEMBER)
    project(stream.records[:1])

    project(stream.records[1:])

    (row,) = tables.members(account.account_id).values()
    assert row["added_at"] == "2026-12-01T00:00:00.000000Z"
    assert tables.counts(account.account_id) == {gold: Counter({MEMBERS: 1})}
    assert tables.data_points(account.account_id) == {"2026-11": 2, "2026-12": 1}


def test_the_same_profile_id_in_two_accounts_is_two_profiles(
    new_account: Callable[[], Account], tables: Tables, relay: Relay
) -> None:
    ann, bob = new_account(), new_account()
    for account in (ann, bob):
        (gold,) = account.create("GOLD")
        account.update(([{"guid": "same"}], actions("ADD", gold)))
    bob.update(([{"guid": "same"}], [{"customer_segment_id": "GOLD", "action": "REMOVE"}]))

    relay.drain()

    assert [len(live(tables.members(account.account_id))) for account in (ann, bob)] == [1, 0]
    assert [tables.data_points(account.account_id).total() for account in (ann, bob)] == [1, 2]
    assert_projected(tables, ann.account_id)
    assert_projected(tables, bob.account_id)


# A write: a profile, the segments it flips its membership in, its reach from then on, and whether December has come.
WRITES = st.tuples(
    st.just("write"),
    st.integers(0, 2),
    st.sets(st.integers(0, 2), max_size=3),
    st.sets(st.sampled_from(CHANNELS), max_size=2),
    st.booleans(),
)
# A delivery: a shard, how many records back it resumes, how long the batch is, and the transaction in it (or none) that
# fails: before it is carried out, or after.
DELIVERIES = st.tuples(
    st.just("deliver"),
    st.integers(0, 1),
    st.integers(0, 5),
    st.integers(1, 6),
    st.sampled_from([None, 0, 1, 2]),
    st.booleans(),
)


@examples(60)
@given(
    steps=st.lists(st.one_of(WRITES, WRITES, DELIVERIES), min_size=4, max_size=30),
    actions_at_most=st.sampled_from([5, 100]),
)
def test_any_interleaving_of_changes_and_redelivery_ends_as_the_model(
    new_account: Callable[[], Account],
    tables: Tables,
    faulty: FaultyClient,
    steps: list[Any],
    actions_at_most: int,
) -> None:
    account = new_account()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(projection, "TRANSACTION_ACTIONS", actions_at_most)
        model = _Model(account, faulty)
        for kind, *what in steps:
            if kind == "write":
                model.write(*what)
            else:
                model.deliver(*what)
        model.deliver_the_rest()

    assert live(tables.members(account.account_id)) == model.rows()
    assert tables.counts(account.account_id) == counted(model.rows())
    assert tables.data_points(account.account_id) == model.data_points


class _Model:
    """Three profiles, three segments, two shards; what the projection must come to."""

    def __init__(self, account: Account, faulty: FaultyClient) -> None:
        self._faulty = faulty
        self._segments = account.create(None, None, None)
        names = ("Ann", None, "Cid")
        self._profiles = [Profile(account.account_id, f"P{index}", name) for index, name in enumerate(names)]
        self._unwritten = set(range(3))
        self._shards = [Stream(first_sequence=95), Stream(first_sequence=1000)]
        self._taken = [0, 0]
        self.data_points: Counter[str] = Counter()

    def write(self, index: int, flips: set[int], reach: set[str], december: bool) -> None:
        old = self._profiles[index]
        flipped = {self._segments[flip] for flip in flips}
        new = Profile(old.account_id, old.profile_id, old.identity, old.segment_ids ^ flipped, frozenset(reach))
        if new == old:
            return
        first = index in self._unwritten
        self._unwritten.discard(index)
        self._profiles[index] = new
        self._shards[index % 2].append(None if first else old, new, DECEMBER if december else NOVEMBER)
        if flipped:
            self.data_points["2026-12" if december else "2026-11"] += len(flipped)

    def deliver(self, shard: int, back: int, length: int, failing: int | None, lost: bool) -> None:
        start = max(0, self._taken[shard] - back)
        batch = self._shards[shard].records[start : start + length]
        if not batch:
            return
        with pytest.MonkeyPatch.context() as patch:
            if failing is not None:
                fault = answer_lost if lost else not_sent()
                self._faulty.next("transact_write_items", *[fine] * failing, fault)
                patch.setattr(Backoff, "wait", lambda _: False)  # the time left allows one attempt and no more
            answer = project_members({"Records": deepcopy(batch)}, Context(60))
        failures = answer["batchItemFailures"]
        if failures:
            event("a batch was taken in part")
            length = sequences(batch).index(failures[0]["itemIdentifier"])
        elif failing is not None:
            event("a batch without a failure" if self._faulty.waiting else "a failure that was not told")
            assert self._faulty.waiting, "a transaction failed and the batch was taken all the same"
        self._faulty.heal()
        self._taken[shard] = start + min(length, len(batch))

    def deliver_the_rest(self) -> None:
        for shard, stream in enumerate(self._shards):
            self.deliver(shard, 1, len(stream.records) + 1, None, lost=False)
            assert self._taken[shard] == len(stream.records)

    def rows(self) -> dict[RowId, Row]:
        return {
            (segment_id, profile.profile_id): Row(profile.identity, profile.reach)
            for profile in self._profiles
            for segment_id in profile.segment_ids
        }


def test_the_model_of_the_tables_can_fail(account: Account, tables: Tables, relay: Relay) -> None:
    (gold,) = account.create(None)
    account.update((users(1), actions("ADD", gold)))
    assert live(tables.members(account.account_id)) != turned_round(tables.memberships(account.account_id))
    relay.drain()
    assert_projected(tables, account.account_id)
