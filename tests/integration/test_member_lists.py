"""Members of a segment, by page and one by one."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from threading import Barrier
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api_segments.aws import clients, keys
from api_segments.aws.keys import MEMBER_BUCKETS
from tests.integration.conftest import Account, Relay
from tests.integration.paging import MEMBERS, members, pages
from tests.integration.told import actions, numbered, users
from tests.support.clock import MovableClock
from tests.support.examples import examples
from tests.support.faults import Arguments, FaultyClient, Reply, Send
from tests.support.waiting import PATIENCE_SECONDS

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

Json = Any

MEMBER = f"{MEMBERS}/{{identity}}"


def member(account: Account, segment_id: int, identity: str) -> tuple[int, Json]:
    return account.get(MEMBER, segment_id=str(segment_id), identity=identity)


@pytest.mark.parametrize("count", [0, 1, 6, 7, 8, 40])
def test_pages_are_complete_and_full(account: Account, relay: Relay, count: int) -> None:
    (segment,) = account.create(None)
    if count:
        account.update((numbered(count), actions("ADD", segment)))
    relay.drain()
    read = list(pages(account, MEMBERS, {"limit": 7}, segment_id=str(segment)))
    listed = [row["identity"] for page in read for row in page]
    assert sorted(listed) == sorted(f"U{index}" for index in range(count))
    assert [len(page) for page in read] == [7] * (count // 7) + ([count % 7] if count % 7 or not count else [])
    assert members(account, segment, limit=1) == members(account, segment, limit=1000)


def test_a_member_is_listed_with_its_ids_and_when_it_was_added(
    account: Account, relay: Relay, clock: MovableClock
) -> None:
    began = clock.now().replace(microsecond=0)
    (segment,) = account.create(None)
    account.update((users("A"), actions("ADD", segment)), ([{"guid": "anonymous"}], actions("ADD", segment)))
    relay.drain()
    rows = {row["identity"]: row for row in members(account, segment)}
    assert set(rows) == {"A", None}
    assert rows[None]["guid"] == "anonymous"
    assert rows["A"]["guid"] == account.get("/api/profiles/{identity}/segments", identity="A")[1]["guid"]
    for row in rows.values():
        assert set(row) == {"identity", "guid", "added_at"}
        assert began <= datetime.fromisoformat(row["added_at"]) < clock.now()


def test_only_members_of_the_segment_are_listed_also_after_removals(account: Account, relay: Relay) -> None:
    gold, silver = account.create(None, None)
    account.update((numbered(30), actions("ADD", gold)), (users("X"), actions("ADD", silver)))
    relay.drain()
    account.update((numbered(29), actions("REMOVE", gold)))
    relay.drain()
    assert [row["identity"] for row in members(account, gold, limit=1)] == ["U29"]
    assert [row["identity"] for row in members(account, silver)] == ["X"]


@examples(25)
@given(
    start=st.sets(st.integers(0, 25), max_size=25),
    limit=st.integers(1, 9),
    churn=st.lists(st.dictionaries(st.integers(0, 25), st.sampled_from(["ADD", "REMOVE"]), max_size=5), max_size=10),
)
def test_who_stays_is_listed_once_whoever_comes_and_goes(
    new_account: Callable[[], Account], relay: Relay, start: set[int], limit: int, churn: list[dict[int, str]]
) -> None:
    account = new_account()
    (segment,) = account.create(None)
    if start:
        account.update((users(*[f"U{each}" for each in start]), actions("ADD", segment)))
    relay.drain()
    inside, always, ever = set(start), set(start), set(start)
    moves = iter(churn)
    listed = []
    for page in pages(account, MEMBERS, {"limit": limit}, segment_id=str(segment)):
        listed += [int(row["identity"][1:]) for row in page]
        wishes = next(moves, {})
        if wishes:
            account.update(*[(users(f"U{who}"), actions(action, segment)) for who, action in wishes.items()])
            relay.drain()
        for who, action in wishes.items():
            (inside.add if action == "ADD" else inside.discard)(who)
        always &= inside
        ever |= inside
    assert len(listed) == len(set(listed)), "listed twice"
    assert always <= set(listed) <= ever


def test_fifty_thousand_members_are_listed_once_each(
    account: Account, dynamodb: "DynamoDBClient", environment: dict[str, str]
) -> None:
    (segment,) = account.create(None)
    everyone = [f"profile-{index:05d}" for index in range(50_000)]
    table = environment["SEGMENT_MEMBERS_TABLE"]

    def write(profile_ids: list[str]) -> None:
        rows = [
            {
                "pk": {"S": keys.member_bucket(account.account_id, segment, profile_id)},
                "profile_id": {"S": profile_id},
                "added_at": {"S": "2026-11-23T00:00:00.000000Z"},
                "sequence": {"S": "1"},
            }
            for profile_id in profile_ids
        ]
        clients.dynamodb_client().batch_write_item(
            RequestItems={table: [{"PutRequest": {"Item": row}} for row in rows]}
        )

    with ThreadPoolExecutor(2) as threads:
        list(threads.map(write, [everyone[start : start + 25] for start in range(0, 50_000, 25)]))
    slot = {"account_id": {"S": account.account_id}, "sk": {"S": keys.segment_counts(segment)[0]}}
    counts = {"members": {"N": "50000"}, "as_of": {"S": "2026-11-23T00:00:00.000000Z"}}
    dynamodb.put_item(TableName=environment["SEGMENTS_TABLE"], Item=slot | counts)

    read = list(pages(account, MEMBERS, {"limit": 1000}, segment_id=str(segment)))

    assert [len(page) for page in read] == [1000] * 50
    assert sorted(row["guid"] for page in read for row in page) == everyone


@pytest.mark.parametrize(("count", "limit"), [(0, 100), (30, 100), (100, 10)])
def test_a_page_of_members_takes_no_call_a_row(
    account: Account, relay: Relay, faulty: FaultyClient, count: int, limit: int
) -> None:
    (segment,) = account.create(None)
    account.update((numbered(count or 2), actions("ADD", segment)))
    relay.drain()
    next(pages(account, MEMBERS, {"limit": 1}, segment_id=str(segment)))  # reads the key that signs cursors
    if not count:
        account.update((numbered(2), actions("REMOVE", segment)))
        relay.drain()
    faulty.calls.clear()
    page = next(pages(account, MEMBERS, {"limit": limit}, segment_id=str(segment)))
    assert len(page) == min(count, limit)
    assert set(faulty.calls) == {"query", "batch_get_item"}
    assert faulty.calls["batch_get_item"] == 1
    assert faulty.calls["query"] <= MEMBER_BUCKETS


def test_the_buckets_of_a_small_segment_are_read_in_one_round(
    account: Account, relay: Relay, faulty: FaultyClient
) -> None:
    (segment,) = account.create(None)
    account.update((numbered(30), actions("ADD", segment)))
    relay.drain()
    together = Barrier(MEMBER_BUCKETS)

    def at_the_same_time(send: Send, arguments: Arguments) -> Reply:
        together.wait(PATIENCE_SECONDS)
        return send(**arguments)

    faulty.always("query", at_the_same_time)
    assert len(members(account, segment)) == 30
    assert faulty.calls["query"] == MEMBER_BUCKETS


# One member


def test_a_member_is_one_at_once_and_its_row_follows(account: Account, relay: Relay) -> None:
    (segment,) = account.create(None)
    assert member(account, segment, "A")[0] == 404
    account.update((users("A"), actions("ADD", segment)))

    status, at_once = member(account, segment, "A")
    assert (status, at_once["identity"], at_once["added_at"]) == (200, "A", None)
    relay.drain()
    status, later = member(account, segment, "A")
    assert status == 200
    assert {**later, "added_at": None} == at_once
    assert [later] == members(account, segment)

    account.update((users("A"), actions("REMOVE", segment)))
    assert member(account, segment, "A")[0] == 404, "also before the stream has brought it"
    relay.drain()
    assert member(account, segment, "A")[0] == 404


def test_a_member_who_left_and_came_again_is_no_longer_added_when_it_first_was(account: Account, relay: Relay) -> None:
    (segment,) = account.create(None)
    account.update((users("A"), actions("ADD", segment)))
    relay.drain()
    account.update((users("A"), actions("REMOVE", segment)))
    relay.drain()
    account.update((users("A"), actions("ADD", segment)))
    assert member(account, segment, "A")[1]["added_at"] is None
    relay.drain()
    assert member(account, segment, "A")[1]["added_at"] is not None


def strangers(account: Account, other: Account) -> Iterator[tuple[str, str]]:
    segment, empty = account.create("GOLD", None)
    account.update((users("A", "a#b 😀/ü"), actions("ADD", segment)))
    (foreign,) = other.create(None)
    other.update((users("A", "theirs"), actions("ADD", foreign)))
    assert member(account, segment, "a#b 😀/ü")[1]["identity"] == "a#b 😀/ü"
    yield from [(str(segment), "B"), (str(segment), "theirs"), (str(segment), "a"), (str(empty), "A")]
    yield from [(str(foreign), "A"), ("1", "A"), ("0", "A"), ("x", "A"), (str(2**53), "A"), (f"{segment}1", "A")]


def test_whoever_is_not_a_member_is_not_found(account: Account, new_account: Callable[[], Account]) -> None:
    for segment_id, identity in strangers(account, new_account()):
        status, answer = account.get(MEMBER, segment_id=segment_id, identity=identity)
        assert (status, answer["status"], answer["code"]) == (404, "fail", 404), (segment_id, identity)


@pytest.mark.parametrize("segment_id", ["1", "0", "-1", "x", "1e3", str(2**53), "9" * 30, "#", "😀"])
def test_members_of_no_segment_are_not_found(account: Account, segment_id: str) -> None:
    status, answer = account.get(MEMBERS, segment_id=segment_id)
    assert (status, answer["code"]) == (404, 404)
