"""How many users segments have in common: exact while they are small, then an estimate that says how far it is off."""

from collections.abc import Callable
from itertools import combinations
from random import Random
from typing import Any

import pytest

from api_segments.aws import keys
from api_segments.memberships import overlap
from tests.integration.conftest import Account, Relay
from tests.integration.told import actions
from tests.support.state import Tables

Json = Any
PATH = "/api/segments/overlap"


def compared(account: Account, *segment_ids: Json) -> tuple[int, Json]:
    return account.manage("POST", PATH, None, {"segments": list(segment_ids)})


def write_rows(tables: Tables, account: Account, segment_id: int, users: set[str]) -> None:
    """Write members and their number as the projection would have."""
    environment = tables.environment
    for user in users:
        row = {"pk": {"S": keys.member_bucket(account.account_id, segment_id, user)}, "profile_id": {"S": user}}
        item = {**row, "sequence": {"S": "1".zfill(40)}, "added_at": {"S": "2026-11-01T00:00:00Z"}}
        tables.client.put_item(TableName=environment["SEGMENT_MEMBERS_TABLE"], Item=item)
    slot = keys.of_account(account.account_id, keys.segment_counts(segment_id)[0])
    counter = {**slot, "as_of": {"S": "2026-11-01T00:00:00Z"}, "members": {"N": str(len(users))}}
    tables.client.put_item(TableName=environment["SEGMENTS_TABLE"], Item=counter)


@pytest.fixture
def five(account: Account, tables: Tables) -> dict[int, set[str]]:
    draw = Random(5)  # noqa: S311 - examples
    segments = {segment_id: set[str]() for segment_id in account.create(*[None] * 5)}
    for number in range(600):
        for members in draw.sample(list(segments.values()), draw.randint(0, 5)):
            members.add(f"user-{number}")
    for segment_id, users in segments.items():
        write_rows(tables, account, segment_id, users)
    return segments


def truth(segments: dict[int, set[str]]) -> dict[tuple[int, ...], tuple[int, int]]:
    """Return of each choice how many are in all of it, and of those how many in no other."""
    found = {}
    for size in range(1, len(segments) + 1):
        for choice in combinations(segments, size):
            inside = set[str].intersection(*(segments[each] for each in choice))
            outside = set[str]().union(*(users for each, users in segments.items() if each not in choice))
            found[choice] = (len(inside), len(inside - outside))
    return found


def test_each_intersection_is_counted(account: Account, five: dict[int, set[str]]) -> None:
    for size in range(2, 6):
        some = {segment_id: five[segment_id] for segment_id in list(five)[:size]}
        status, answer = compared(account, *some)
        assert (status, answer["exact"], answer["counted"]) == (200, True, 1)
        assert [each["members"] for each in answer["segments"]] == [len(users) for users in some.values()]
        told = {tuple(each["segments"]): (each["members"], each["only"]) for each in answer["intersections"]}
        assert told == truth(some)
        margins = {each[name] for each in answer["intersections"] for name in ("members_margin", "only_margin")}
        assert margins == {0}


def test_an_estimate_says_how_far_it_may_be_off(
    account: Account, five: dict[int, set[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(overlap, "MAX_OVERLAP_EXACT_MEMBERS", -(-sum(map(len, five.values())) // 4))
    status, answer = compared(account, *five)
    assert (status, answer["exact"], answer["counted"]) == (200, False, 0.25)
    real = truth(five)
    misses = [
        abs(each["members"] - real[tuple(each["segments"])][0]) > each["members_margin"]
        for each in answer["intersections"]
    ]
    assert len(misses) == 31
    assert sum(misses) <= 3
    assert all(each["members_margin"] > 0 and each["only_margin"] > 0 for each in answer["intersections"])
    assert [each["members"] for each in answer["segments"]] == [len(users) for users in five.values()]


@pytest.mark.parametrize("less", [0, 1])
def test_the_last_number_of_members_that_is_counted(
    account: Account, five: dict[int, set[str]], monkeypatch: pytest.MonkeyPatch, less: int
) -> None:
    monkeypatch.setattr(overlap, "MAX_OVERLAP_EXACT_MEMBERS", sum(map(len, five.values())) - less)
    assert compared(account, *five)[1]["exact"] is (less == 0)


def test_former_members_do_not_count(account: Account, relay: Relay) -> None:
    gold, silver = account.create(None, None)
    both = [{"identity": f"U{number}"} for number in range(4)]
    account.update((both, actions("ADD", gold, silver)))
    account.update((both[:1], actions("REMOVE", gold)))
    relay.drain()
    (in_gold, in_silver, in_both) = compared(account, gold, str(silver))[1]["intersections"]
    assert [(each["members"], each["only"]) for each in (in_gold, in_silver, in_both)] == [(3, 0), (4, 1), (3, 3)]


def test_segments_without_members_have_nothing_in_common(account: Account) -> None:
    found = compared(account, *account.create(None, None))[1]
    assert (found["exact"], {each["members"] for each in found["intersections"]}) == (True, {0})


@pytest.mark.parametrize(
    ("segments", "said"),
    [
        ([1], "segments: must have 2 entries or more"),
        ([], "segments: must not be empty"),
        ([1, 2, 3, 4, 5, 6], "segments: must have at most 5 entries, has 6"),
        ([7, 8, "7"], "segments[2]: entry [0] is the same"),
        ([7, "x"], "segments[1]: must be a whole number from 1 to 2^53 - 1, or a string of its digits"),
        ([7, None], "segments[1]: must be a whole number"),
        ("7,8", "segments: must be a list"),
    ],
)
def test_what_can_not_be_compared_is_refused(account: Account, segments: Json, said: str) -> None:
    status, answer = account.manage("POST", PATH, None, {"segments": segments})
    assert (status, answer["error"]) == (400, said)


def test_only_active_segments_of_the_account_are_compared(account: Account, new_account: Callable[[], Account]) -> None:
    gold, silver = account.create(None, None)
    (other,) = new_account().create(None)
    assert compared(account, gold, other)[0] == 404
    account.delete(silver)
    assert compared(account, gold, silver)[0] == 410
