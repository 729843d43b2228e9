"""A deleted segment: gone at once for updates and lists, uncounted by the quota, its customer id claimed for ever."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from api_segments.core.limits import MAX_ACTIVE_SEGMENTS
from tests.integration.after_deletion import purge, segments_in
from tests.integration.conftest import SEGMENT, Account, PurgeQueue, Relay
from tests.integration.told import actions, numbered, users
from tests.support.bodies import act
from tests.support.clock import MovableClock
from tests.support.faults import FaultyClient, after
from tests.support.state import Tables, assert_projected
from tests.support.threads import at_once

Json = Any

Call = Callable[[], tuple[int, Json]]


def test_a_deletion_is_seen_by_the_very_next_request(account: Account) -> None:
    kept, deleted = account.create("SEG-1", "SEG-2")
    account.update((users("A"), actions("ADD", kept, deleted)))

    status, answer = account.delete(deleted)

    assert (status, answer["status"], answer["members"]) == (200, "deleted", 0)
    assert answer["deleted_at"] >= answer["created_at"]
    assert [segment["id"] for segment in account.listed()["segments"]] == [kept]
    assert [segment["id"] for segment in account.listed(status="deleted")["segments"]] == [deleted]
    assert [segment["id"] for segment in account.listed(status="all")["segments"]] == [deleted, kept]
    assert account.segments_of("A") == {kept}
    by_id = account.update((users("A"), actions("REMOVE", deleted)))
    by_customer_id = account.update((users("A"), [{"customer_segment_id": "SEG-2", "action": "ADD"}]))
    assert [entry["code"] for answer in (by_id, by_customer_id) for entry in answer["unprocessed"]] == [410, 410]
    assert account.manage("GET", f"{SEGMENT}/members", segment_id=str(deleted))[0] == 410
    assert account.manage("GET", f"{SEGMENT}/members/{{identity}}", segment_id=str(deleted), identity="A")[0] == 410
    assert account.rename(deleted, "new name")[0] == 410


def test_a_deleted_segment_is_still_shown_with_everything_but_its_members(account: Account, relay: Relay) -> None:
    (segment,) = account.create("SEG-1")
    account.update((users("A"), actions("ADD", segment)))
    relay.drain()
    before = account.get(SEGMENT, segment_id=str(segment))[1]
    assert before["members"] == 1

    status, deleted = account.delete(segment)

    changed = {"status", "deleted_at", "deleted_by", "updated_at", "members", "as_of", "digest"}
    assert status == 200
    assert {name: deleted[name] for name in deleted if name not in changed} == {
        name: before[name] for name in before if name not in changed
    }
    assert (deleted["members"], set(deleted["reachable"].values()), deleted["digest"]) == (0, {0}, "0")
    assert account.get(SEGMENT, segment_id=str(segment)) == (200, deleted)
    assert account.listed(status="deleted")["segments"] == [deleted]
    assert account.listed(status="all", customer_segment_id="SEG-1")["segments"] == [deleted]
    assert account.listed(status="deleted", customer_segment_id_prefix="SEG")["segments"] == [deleted]


def test_deleting_again_answers_the_same_and_deletes_nothing_else(account: Account, relay: Relay) -> None:
    (segment,) = account.create("SEG-1")
    answer = account.delete(segment)
    assert account.delete(segment) == answer
    relay.drain()
    assert len(relay.deletions()) == 1
    assert account.delete(segment + 1) == (
        404,
        {"status": "fail", "error": f"there is no segment {segment + 1}", "code": 404},
    )


def test_updates_of_deleted_unknown_and_foreign_segments_are_refused_by_either_id(
    account: Account, new_account: Callable[[], Account]
) -> None:
    (foreign,) = new_account().create("FOREIGN")
    kept, deleted, nameless = account.create("KEPT", "GONE", None)
    account.delete(deleted)
    account.delete(nameless)
    wishes = [
        (410, act("ADD", ct=deleted)),
        (410, act("ADD", customer="GONE")),
        (410, act("ADD", ct=deleted, customer="GONE")),
        (410, act("REMOVE", ct=nameless)),
        (404, act("ADD", ct=foreign)),
        (404, act("ADD", customer="FOREIGN")),
        (404, act("ADD", ct=foreign, customer="FOREIGN")),
        (404, act("ADD", ct=1, customer="GONE")),
        (400, act("ADD", ct=deleted, customer="KEPT")),
        (400, act("ADD", ct=kept, customer="GONE")),
        (400, act("ADD", ct=nameless, customer="GONE")),
    ]
    answer = account.update((users("A"), [wish for _, wish in wishes]))
    assert [entry["code"] for entry in answer["unprocessed"]] == [code for code, _ in wishes]
    assert account.get("/api/profiles/{identity}/segments", identity="A")[0] == 404, "nobody was created"


def test_another_accounts_segment_can_not_be_deleted_renamed_or_looked_at(
    account: Account, new_account: Callable[[], Account], tables: Tables, relay: Relay
) -> None:
    owner = new_account()
    (segment,) = owner.create("SEG-1")
    owner.update((users("A"), actions("ADD", segment)))
    account.create(None)
    told = len(relay.bus.entries)
    relay.drain()
    before, told = owner.get(SEGMENT, segment_id=str(segment)), len(relay.bus.entries)

    for status, answer in (
        account.delete(segment),
        account.rename(segment, "mine"),
        account.get(SEGMENT, segment_id=str(segment)),
        account.get(f"{SEGMENT}/members", segment_id=str(segment)),
        account.get(f"{SEGMENT}/members/{{identity}}", segment_id=str(segment), identity="A"),
    ):
        assert (status, answer["code"], answer["status"]) == (404, 404, "fail")

    relay.drain()
    assert len(relay.bus.entries) == told
    assert owner.get(SEGMENT, segment_id=str(segment)) == before
    assert (tables.active_segments(owner.account_id), tables.active_segments(account.account_id)) == (1, 1)


def test_a_deleted_segments_place_is_free_again(account: Account, tables: Tables) -> None:
    first_one, *_ = account.create(None, None)
    tables.set_quota(account.account_id, MAX_ACTIVE_SEGMENTS)
    assert account.call("create_segment", [{"segment_name": "more"}])[1]["unprocessed"][0]["code"] == 422

    account.delete(first_one)
    account.delete(first_one)

    status, answer = account.call("create_segment", [{"segment_name": "more"}, {"segment_name": "too many"}])
    assert (status, answer["processed"]) == (200, 1)
    assert [entry["code"] for entry in answer["unprocessed"]] == [422]
    assert tables.active_segments(account.account_id) == MAX_ACTIVE_SEGMENTS


def test_a_customer_id_stays_claimed_after_the_purge_too(
    account: Account, relay: Relay, purges: PurgeQueue, clock: MovableClock
) -> None:
    (segment,) = account.create("SEG-1")
    account.delete(segment)
    purge(relay, purges, clock)
    _, answer = account.call("create_segment", [{"segment_name": "again", "customer_segment_id": "SEG-1"}])
    assert [entry["code"] for entry in answer["unprocessed"]] == [409]
    gone = account.update((users("A"), [act("ADD", customer="SEG-1")]))
    assert [entry["code"] for entry in gone["unprocessed"]] == [410]


# Races


@pytest.mark.usefixtures("side_by_side")
def test_the_quota_is_exact_under_racing_creates_and_deletes(account: Account, tables: Tables) -> None:
    others = MAX_ACTIVE_SEGMENTS - 10
    segments = account.create(*[None] * 10)
    tables.set_quota(account.account_id, others + 10)
    body = [{"segment_name": f"S{index}"} for index in range(2)]
    creates: list[Call] = [partial(account.call, "create_segment", body) for _ in range(12)]
    deletes: list[Call] = [partial(account.delete, segment) for segment in segments for _ in range(2)]

    answers = at_once([*creates, *deletes])

    assert [status for status, _ in answers] == [200] * 32
    created = sum(answer["processed"] for _, answer in answers[:12])
    assert created <= 10
    left = tables.of_account("SEGMENTS_TABLE", account.account_id, "SEGMENT#")
    assert len(left) == created
    assert tables.active_segments(account.account_id) == others + created
    _, answer = account.call("create_segment", [{"segment_name": f"T{index}"} for index in range(20)])
    assert answer["processed"] == 10 - created
    assert tables.active_segments(account.account_id) == MAX_ACTIVE_SEGMENTS


@pytest.mark.usefixtures("side_by_side")
def test_of_racing_deletions_one_deletes(account: Account, tables: Tables, relay: Relay) -> None:
    account.create(None)
    for turn in range(5):
        (segment,) = account.create(f"SEG-{turn}")
        answers = at_once([partial(account.delete, segment) for _ in range(8)])
        assert [status for status, _ in answers] == [200] * 8
        assert len({answer["deleted_at"] for _, answer in answers}) == 1
    relay.drain()
    assert len(relay.bus.details(account.account_id, "Segment Deleted")) == 5
    assert tables.active_segments(account.account_id) == 1


@pytest.mark.usefixtures("side_by_side")
def test_a_deletion_that_races_renames_tells_the_last_name(account: Account, relay: Relay) -> None:
    for _ in range(5):
        (segment,) = account.create(None)
        names = [f"name {index}" for index in range(6)]
        renames: list[Call] = [partial(account.rename, segment, name) for name in names]
        deletion: Call = partial(account.delete, segment)
        statuses = [status for status, _ in at_once([*renames, deletion])]
        assert statuses.pop() == 200
        assert set(statuses) <= {200, 410}
        relay.drain()
        events = [
            event
            for event in relay.bus.details(account.account_id, "Segment Renamed", "Segment Deleted")
            if event["Segment ID"] == segment
        ]
        *renamed, deleted = events
        told = [event["Segment Name"] for event in renamed]
        assert sorted(told) == sorted(name for name, status in zip(names, statuses, strict=True) if status == 200)
        assert [event["Previous Segment Name"] for event in renamed] == ["segment 0", *told][:-1]
        assert deleted["Segment Name"] == ["segment 0", *told][-1]
        _, shown = account.get(SEGMENT, segment_id=str(segment))
        assert (shown["segment_name"], shown["status"]) == (deleted["Segment Name"], "deleted")


@pytest.mark.usefixtures("side_by_side")
def test_a_rename_between_a_deletions_read_and_its_write_is_kept(account: Account, faulty: FaultyClient) -> None:
    (segment,) = account.create("SEG-1")
    faulty.next("transact_write_items", after(lambda: account.rename(segment, "renamed")))
    status, answer = account.delete(segment)
    assert (status, answer["segment_name"], answer["status"]) == (200, "renamed", "deleted")
    assert faulty.waiting == 0


@pytest.mark.usefixtures("side_by_side")
def test_a_rename_that_comes_a_moment_late_changes_nothing(account: Account, faulty: FaultyClient) -> None:
    (segment,) = account.create("SEG-1")
    faulty.next("update_item", after(lambda: account.delete(segment)))
    assert account.rename(segment, "renamed")[0] == 410
    shown = account.get(SEGMENT, segment_id=str(segment))[1]
    assert (shown["segment_name"], shown["status"]) == ("segment 0", "deleted")
    assert [each["id"] for each in account.listed(status="all")["segments"]] == [segment]


@pytest.mark.usefixtures("side_by_side")
def test_updates_that_race_a_deletion_are_told_and_their_members_purged(
    account: Account, relay: Relay, purges: PurgeQueue, clock: MovableClock, tables: Tables
) -> None:
    kept, deleted = account.create("KEPT", "GONE")
    everyone = numbered(40)
    account.update((everyone, actions("ADD", kept)))
    groups = [everyone[start : start + 5] for start in range(0, 40, 5)]
    updates: list[Callable[[], Json]] = [
        partial(account.update, (group, actions("ADD", deleted))) for group in groups for _ in range(2)
    ]

    deletion: Callable[[], Json] = partial(account.delete, deleted)
    answers = at_once([*updates[:8], deletion, *updates[8:]])

    answers.pop(8)
    added = sum(answer["summary"]["added"] for answer in answers)
    assert {entry["code"] for answer in answers for entry in answer["unprocessed"]} <= {410}
    for answer in answers:
        pairs = sum(len(entry["record"]["user_profiles"]) for entry in answer["unprocessed"])
        assert answer["processed"] + pairs == 5
    purge(relay, purges, clock)
    assert segments_in(tables, account) == {kept}
    assert_projected(tables, account.account_id)
    told = [event for event in relay.bus.details(account.account_id) if event["Segment ID"] == deleted]
    assert [event["Action"] for event in told] == ["ADD"] * added
    assert account.usage()[1]["data_points"] == 40 + added
    assert account.members(kept) == 40
