"""Lists of segments: complete, without repeats, in order, whatever is created and deleted meanwhile."""

from collections.abc import Callable
from threading import Barrier
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.integration.conftest import Account, Relay
from tests.integration.paging import pages, segment_ids, walk
from tests.integration.told import actions, numbered
from tests.support.examples import examples
from tests.support.faults import Arguments, FaultyClient, Reply, Send
from tests.support.waiting import PATIENCE_SECONDS
from tests.support.wired import forget_services

Json = Any

SEGMENTS = "/api/segments"
STATUSES = ("active", "deleted", "all")

churning = examples(25)


@pytest.mark.parametrize("count", [0, 1, 4, 5, 6, 11])
@pytest.mark.parametrize("status", STATUSES)
def test_pages_are_complete_newest_first(account: Account, count: int, status: str) -> None:
    segments = account.create(*[None] * count) if count else []
    if status == "deleted":
        for segment in segments:
            account.delete(segment)
    read = list(pages(account, SEGMENTS, {"limit": 5, "status": status}))
    assert [row["id"] for page in read for row in page] == segments[::-1]
    assert [len(page) for page in read] == [5] * (count // 5) + ([count % 5] if count % 5 or not count else [])
    assert {row["status"] for page in read for row in page} <= {"deleted" if status == "deleted" else "active"}


def test_a_page_has_a_hundred_rows_unless_asked_otherwise(account: Account) -> None:
    segments = account.create(*[None] * 100) + account.create(*[None] * 5)
    assert [len(page) for page in pages(account, SEGMENTS)] == [100, 5]
    assert [len(page) for page in pages(account, SEGMENTS, {"limit": 1000})] == [105]
    assert segment_ids(account) == segments[::-1]


def test_an_accounts_list_has_only_its_own(account: Account, new_account: Callable[[], Account]) -> None:
    new_account().create("A", "B", None)
    (mine,) = account.create("A")
    for query in ({}, {"customer_segment_id": "A"}, {"customer_segment_id_prefix": "A"}):
        assert segment_ids(account, status="all", **query) == [mine]


def test_deleted_and_active_segments_are_merged_by_age(account: Account) -> None:
    segments = account.create(*[None] * 9)
    for segment in segments[::2]:
        account.delete(segment)
    assert segment_ids(account, status="all", limit=2) == segments[::-1]
    assert segment_ids(account, status="active", limit=2) == segments[1::2][::-1]
    assert segment_ids(account, status="deleted", limit=2) == segments[::2][::-1]
    assert segment_ids(account, limit=2) == segment_ids(account, status="active")


steps = st.lists(
    st.lists(st.one_of(st.just("create"), st.integers(0, 30)), max_size=4),  # an integer: whom to delete
    max_size=12,
)


@churning
@given(
    start=st.integers(0, 9),
    limit=st.integers(1, 4),
    churn=steps,
    status=st.sampled_from(STATUSES),
    by_prefix=st.booleans(),
)
def test_who_stays_is_listed_once_whatever_comes_and_goes(  # noqa: PLR0913 - ways to vary
    new_account: Callable[[], Account], start: int, limit: int, *, churn: list[Any], status: str, by_prefix: bool
) -> None:
    account = new_account()
    names = iter(f"P{index:03d}" for index in range(900))
    alive: list[int] = account.create(*[next(names) for _ in range(start)]) if start else []
    dead: list[int] = []
    for segment in alive[::3]:
        account.delete(segment)
        alive, dead = [each for each in alive if each != segment], [*dead, segment]
    ever = {"active": set(alive), "deleted": set(dead), "all": {*alive, *dead}}
    always = {name: set(segments) for name, segments in ever.items()}
    query = {"limit": limit, "status": status, **({"customer_segment_id_prefix": "P"} if by_prefix else {})}

    listed = []
    moves = iter(churn)
    for page in pages(account, SEGMENTS, query):
        listed += [row["id"] for row in page]
        for move in next(moves, ()):
            if move == "create":
                alive += account.create(next(names))
            elif alive:
                gone = alive.pop(move % len(alive))
                account.delete(gone)
                dead.append(gone)
            for name, segments in (("active", alive), ("deleted", dead), ("all", [*alive, *dead])):
                always[name] &= set(segments)
                ever[name] |= set(segments)

    assert len(listed) == len(set(listed)), "listed twice"
    assert set(listed) <= ever[status]
    assert set(listed) >= always[status], "left out"


# Filters


def test_an_exact_customer_id_finds_its_segment_in_its_status(account: Account) -> None:
    active, deleted, _, odd = account.create("SEG", "GONE", "SEG-2", "#a😀")
    account.delete(deleted)
    found = {
        (name, status): segment_ids(account, customer_segment_id=name, status=status)
        for name in ("SEG", "GONE", "NO SUCH", "SE", "seg", "#a😀")
        for status in STATUSES
    }
    assert {query: ids for query, ids in found.items() if ids} == {
        ("SEG", "active"): [active],
        ("SEG", "all"): [active],
        ("GONE", "deleted"): [deleted],
        ("GONE", "all"): [deleted],
        ("#a😀", "active"): [odd],
        ("#a😀", "all"): [odd],
    }
    assert segment_ids(account, customer_segment_id="SEG") == [active]


texts = st.text(st.sampled_from(["a", "b", "#", "😀", "é", "\uffee", "\U0010ffff", " "]), min_size=1, max_size=4)
customer_ids = texts.filter(lambda text: not text.isspace())


@churning
@given(names=st.sets(customer_ids, max_size=12), prefix=customer_ids, limit=st.integers(1, 5), data=st.data())
def test_a_prefix_finds_what_begins_so_in_the_order_of_its_bytes(
    new_account: Callable[[], Account], names: set[str], prefix: str, limit: int, data: st.DataObject
) -> None:
    account = new_account()
    ids = dict(zip(sorted(names), account.create(*sorted(names)) if names else [], strict=True))
    gone = data.draw(st.sets(st.sampled_from(sorted(names)))) if names else set()
    for name in gone:
        account.delete(ids[name])
    matching = sorted((name for name in names if name.startswith(prefix)), key=lambda name: name.encode())
    expected = {
        "active": [ids[name] for name in matching if name not in gone],
        "deleted": [ids[name] for name in matching if name in gone],
        "all": [ids[name] for name in matching],
    }
    for status, wanted in expected.items():
        assert segment_ids(account, customer_segment_id_prefix=prefix, status=status, limit=limit) == wanted
    rows = walk(account, SEGMENTS, {"customer_segment_id_prefix": prefix, "status": "all", "limit": 1000})
    assert [row["customer_segment_id"] for row in rows] == matching


@pytest.mark.parametrize("status", STATUSES)
def test_a_list_by_prefix_goes_on_when_the_segment_under_its_cursor_is_deleted(account: Account, status: str) -> None:
    segments = account.create(*[f"P{index}" for index in range(6)])
    if status == "deleted":
        for segment in segments:
            account.delete(segment)
    listed = []
    for page in pages(account, SEGMENTS, {"customer_segment_id_prefix": "P", "limit": 2, "status": status}):
        listed += [row["id"] for row in page]
        account.delete(listed[-1])
    assert listed == segments


def test_a_segment_without_a_customer_id_is_in_no_list_of_them(account: Account) -> None:
    account.create(None, None)
    assert segment_ids(account, customer_segment_id_prefix="C", status="all") == []


# What a list costs


def counted(account: Account, relay: Relay) -> list[int]:
    """Create 100 segments with members and counters."""
    segments = account.create(*[f"C{index:02d}" for index in range(100)])
    account.update((numbered(1), actions("ADD", *segments)))
    relay.drain()
    segment_ids(account, limit=1)  # the key that signs cursors is read once a process
    return segments


@pytest.mark.parametrize(("status", "queries"), [("active", 2), ("all", 3), ("deleted", 1)])
def test_a_page_of_a_hundred_segments_and_their_counts_takes_three_calls_at_most(
    account: Account, relay: Relay, faulty: FaultyClient, status: str, queries: int
) -> None:
    segments = counted(account, relay)
    if status == "deleted":
        for segment in segments:
            account.delete(segment)
    faulty.calls.clear()
    answer = account.listed(status=status, limit="100")
    assert [row["id"] for row in answer["segments"]] == segments[::-1]
    assert {row["members"] for row in answer["segments"]} == {0 if status == "deleted" else 1}
    assert faulty.calls == {"query": queries}


@pytest.mark.parametrize("status", ["active", "all"])
def test_a_page_by_prefix_reads_its_segments_and_counts_in_one_round(
    account: Account, relay: Relay, faulty: FaultyClient, status: str
) -> None:
    segments = counted(account, relay)
    faulty.calls.clear()
    together = Barrier(9)  # 100 segments and 8 slots of counters each, 100 keys a call

    def at_the_same_time(send: Send, arguments: Arguments) -> Reply:
        together.wait(PATIENCE_SECONDS)
        return send(**arguments)

    faulty.next("batch_get_item", *[at_the_same_time] * 9)
    answer = account.listed(status=status, customer_segment_id_prefix="C")
    assert [(row["id"], row["members"]) for row in answer["segments"]] == [(segment, 1) for segment in segments]
    assert faulty.calls == {"query": 1, "batch_get_item": 9}


def test_a_page_by_prefix_of_deleted_segments_takes_no_call_a_row(
    account: Account, relay: Relay, faulty: FaultyClient
) -> None:
    segments = counted(account, relay)
    for segment in segments[:50]:
        account.delete(segment)
    faulty.calls.clear()
    answer = account.listed(status="deleted", customer_segment_id_prefix="C")
    assert [row["id"] for row in answer["segments"]] == segments[:50]
    assert faulty.calls["query"] <= 2
    assert set(faulty.calls) == {"query", "batch_get_item"}
    assert faulty.calls["batch_get_item"] <= 6


def test_a_page_by_prefix_and_status_does_not_step_over_what_has_another_status(
    account: Account, faulty: FaultyClient
) -> None:
    segments = account.create(*[f"C{index:02d}" for index in range(40)])
    faulty.calls.clear()
    assert account.listed(status="deleted", customer_segment_id_prefix="C", limit="1")["segments"] == []
    assert faulty.calls == {"query": 1}
    account.delete(segments[30])
    account.delete(segments[35])
    faulty.calls.clear()
    assert segment_ids(account, status="deleted", customer_segment_id_prefix="C", limit=1) == [
        segments[30],
        segments[35],
    ]
    assert faulty.calls["query"] == 2


@pytest.mark.parametrize("status", STATUSES)
def test_a_long_page_by_prefix_reads_the_counts_of_its_segments_in_one_walk(
    account: Account, relay: Relay, faulty: FaultyClient, status: str
) -> None:
    segments = counted(account, relay)
    segments += account.create(*[f"C{index}" for index in range(100, 150)])
    if status == "deleted":
        for segment in segments:
            account.delete(segment)
    elif status == "all":
        account.delete(segments[149])
    faulty.calls.clear()
    answer = account.listed(status=status, customer_segment_id_prefix="C", limit="1000")
    rows = {row["id"]: row["members"] for row in answer["segments"]}
    joined = set() if status == "deleted" else set(segments[:100])
    assert rows == {segment: int(segment in joined) for segment in segments}
    assert faulty.calls["batch_get_item"] <= 4
    assert faulty.calls["query"] <= 2


def test_the_first_page_of_a_process_reads_the_key_of_its_cursors_too(
    account: Account, relay: Relay, faulty: FaultyClient
) -> None:
    counted(account, relay)
    forget_services()
    faulty.calls.clear()
    account.listed(status="all", limit="50")
    assert faulty.calls == {"query": 3, "get_item": 1}
