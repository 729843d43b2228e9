"""Racing requests, each in a thread of its own, all let go at the same moment."""

from collections import Counter
from collections.abc import Callable
from functools import partial
from random import Random
from typing import Any

import pytest

from api_segments.core.limits import MAX_ACTIVE_SEGMENTS, MAX_SEGMENTS_PER_CREATE
from tests.integration.conftest import Account, RecordingBus, Relay
from tests.support.state import MEMBERS, Tables, assert_projected
from tests.support.threads import at_once

pytestmark = pytest.mark.usefixtures("side_by_side")

Json = Any


def one_segment(customer_segment_id: str | None = None) -> list[Json]:
    return [{"segment_name": "one", "customer_segment_id": customer_segment_id}]


def actions(action: str, *segment_ids: int) -> list[Json]:
    return [{"ct_segment_id": segment_id, "action": action} for segment_id in segment_ids]


def sums(answers: list[Json]) -> Counter[str]:
    total: Counter[str] = Counter()
    for answer in answers:
        assert answer["status"] == "success", answer
        total.update(answer["summary"])
    return total


def test_of_fifty_requests_for_the_last_place_one_wins(account: Account, tables: Tables) -> None:
    for size in [
        *[MAX_SEGMENTS_PER_CREATE] * (MAX_ACTIVE_SEGMENTS // MAX_SEGMENTS_PER_CREATE - 1),
        MAX_SEGMENTS_PER_CREATE - 1,
    ]:
        account.create(*[None] * size)
    assert tables.active_segments(account.account_id) == MAX_ACTIVE_SEGMENTS - 1

    answers = at_once([partial(account.call, "create_segment", one_segment()) for _ in range(50)])

    assert [status for status, _ in answers] == [200] * 50
    won = [answer for _, answer in answers if answer["status"] == "success"]
    lost = [answer for _, answer in answers if answer["status"] == "fail"]
    assert len(won) == 1
    assert [answer["unprocessed"][0]["code"] for answer in lost] == [422] * 49
    assert tables.active_segments(account.account_id) == MAX_ACTIVE_SEGMENTS
    segments = tables.of_account("SEGMENTS_TABLE", account.account_id, "SEGMENT#")
    assert len(segments) == MAX_ACTIVE_SEGMENTS
    assert won[0]["segments"][0]["id"] in {segment["segment_id"] for segment in segments}


def test_racing_requests_with_customer_ids_for_the_last_place_leave_no_claim_of_a_loser(
    account: Account, tables: Tables
) -> None:
    tables.set_quota(account.account_id, MAX_ACTIVE_SEGMENTS - 1)

    answers = at_once([partial(account.call, "create_segment", one_segment(f"C{index}")) for index in range(12)])

    won = [answer["segments"][0]["customer_segment_id"] for _, answer in answers if answer["processed"]]
    assert len(won) == 1
    claims = tables.of_account("SEGMENTS_TABLE", account.account_id, "CID#")
    assert [claim["sk"] for claim in claims] == [f"CID#{won[0]}"]
    assert tables.active_segments(account.account_id) == MAX_ACTIVE_SEGMENTS


def test_of_a_hundred_segments_those_are_created_that_there_is_room_for(account: Account, tables: Tables) -> None:
    tables.set_quota(account.account_id, MAX_ACTIVE_SEGMENTS - 30)

    status, answer = account.call("create_segment", [{"segment_name": f"S{index}"} for index in range(100)])

    assert (status, answer["status"], answer["processed"]) == (200, "partial", 30)
    assert [segment["segment_name"] for segment in answer["segments"]] == [f"S{index}" for index in range(30)]
    assert Counter(entry["code"] for entry in answer["unprocessed"]) == {422: 70}
    assert tables.active_segments(account.account_id) == MAX_ACTIVE_SEGMENTS
    assert len(tables.of_account("SEGMENTS_TABLE", account.account_id, "SEGMENT#")) == 30


def test_racing_batches_share_the_room_that_is_left_to_the_last_place(account: Account, tables: Tables) -> None:
    tables.set_quota(account.account_id, MAX_ACTIVE_SEGMENTS - 100)
    body = [{"segment_name": f"S{index}"} for index in range(30)]

    answers = at_once([partial(account.call, "create_segment", body) for _ in range(6)])

    assert sum(answer["processed"] for _, answer in answers) == 100
    assert Counter(entry["code"] for _, answer in answers for entry in answer["unprocessed"]) == {422: 80}
    assert tables.active_segments(account.account_id) == MAX_ACTIVE_SEGMENTS
    ids = [segment["id"] for _, answer in answers for segment in answer["segments"]]
    stored = tables.of_account("SEGMENTS_TABLE", account.account_id, "SEGMENT#")
    assert sorted(ids) == sorted(segment["segment_id"] for segment in stored)


def test_of_twenty_requests_for_one_customer_id_one_wins(account: Account, tables: Tables) -> None:
    answers = at_once([partial(account.call, "create_segment", one_segment("GOLD")) for _ in range(20)])

    assert [status for status, _ in answers] == [200] * 20
    codes = Counter(entry["code"] for _, answer in answers for entry in answer["unprocessed"])
    assert codes == {409: 19}
    (won,) = [answer["segments"][0] for _, answer in answers if answer["processed"]]
    (segment,) = tables.of_account("SEGMENTS_TABLE", account.account_id, "SEGMENT#")
    (claim,) = tables.of_account("SEGMENTS_TABLE", account.account_id, "CID#")
    assert won["id"] == segment["segment_id"] == claim["segment_id"]
    assert tables.active_segments(account.account_id) == 1


@pytest.mark.parametrize("user", [{"identity": "new"}, {"guid": "anonymous"}], ids=["identity", "guid"])
def test_a_new_user_of_eight_requests_at_once_is_created_once(
    new_account: Callable[[], Account], user: Json, tables: Tables, relay: Relay, bus: RecordingBus
) -> None:
    for _ in range(5):
        account = new_account()
        shared, *own = account.create(*[None] * 9)

        answers = at_once([partial(account.update, ([user], actions("ADD", shared, segment))) for segment in own])

        assert sums(answers) == {"added": 9, "removed": 0, "unchanged": 7, "profiles_created": 1}
        ((profile_id, item),) = tables.memberships(account.account_id).items()
        assert item["segment_ids"] == {shared, *own}
        if "identity" in user:
            assert tables.profile_of(account.account_id, "new") == profile_id
        else:
            assert profile_id == "anonymous"
        relay.drain()
        events = bus.details(account.account_id)
        assert sorted(event["Segment ID"] for event in events) == sorted([shared, *own])
        assert {event["Profile ID"] for event in events} == {profile_id}
        assert_projected(tables, account.account_id)


def test_overlapping_batches_of_new_users_create_each_once(account: Account, tables: Tables) -> None:
    (gold,) = account.create(None)
    everyone = [{"identity": f"U{index}"} for index in range(60)]
    batches = [everyone[:40], everyone[20:], everyone[::-1], everyone[::2]]

    answers = at_once([partial(account.update, (batch, actions("ADD", gold))) for batch in batches])

    asked = sum(map(len, batches))
    assert sums(answers) == {"added": 60, "removed": 0, "unchanged": asked - 60, "profiles_created": 60}
    items = tables.memberships(account.account_id)
    assert sorted(item["identity"] for item in items.values()) == sorted(user["identity"] for user in everyone)
    claims = {tables.profile_of(account.account_id, user["identity"]) for user in everyone}
    assert claims == set(items)


def test_adds_and_removes_of_the_same_users_add_up_and_their_events_alternate(
    account: Account, tables: Tables, relay: Relay, bus: RecordingBus
) -> None:
    segments = account.create(None, None, None)
    users = [{"identity": f"U{index}"} for index in range(4)]
    choice = Random(1)  # noqa: S311 - a seeded test

    def keep_changing(seed: int) -> list[Json]:
        mine = Random(seed)  # noqa: S311 - a seeded test
        return [
            account.update(
                (
                    mine.sample(users, mine.randint(1, 4)),
                    [{"ct_segment_id": segment, "action": mine.choice(["ADD", "REMOVE"])} for segment in segments],
                )
            )
            for _ in range(10)
        ]

    answers = at_once([partial(keep_changing, choice.randrange(1000)) for _ in range(6)])

    total = sums([answer for own in answers for answer in own])
    items = tables.memberships(account.account_id)
    members = sum(len(item.get("segment_ids", ())) for item in items.values())
    assert total["added"] - total["removed"] == members
    assert total["profiles_created"] == len(items) == 4
    assert total["added"] + total["removed"] + total["unchanged"] == sum(
        answer["processed"] for own in answers for answer in own
    )

    relay.drain()
    events = bus.details(account.account_id)
    assert Counter(event["Action"] for event in events) == {"ADD": total["added"], "REMOVE": total["removed"]}
    assert len({event["Event ID"] for event in events}) == len(events)
    told: dict[tuple[str, int], list[str]] = {}
    for event in events:
        told.setdefault((event["Profile ID"], event["Segment ID"]), []).append(event["Action"])
    for pair, history in told.items():
        assert history == (["ADD", "REMOVE"] * len(history))[: len(history)], pair
    assert_projected(tables, account.account_id)
    assert sum(figures[MEMBERS] for figures in tables.counts(account.account_id).values()) == members
    assert tables.data_points(account.account_id).total() == len(events)
