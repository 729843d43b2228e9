"""The error stream: what updates asked for and was wrong, the newest first, for 30 days, and only of the account."""

from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from functions.update_segment.app import handler as update_segment
from tests.integration.conftest import Account
from tests.integration.paging import pages, walk
from tests.integration.told import A_MOMENT, actions, numbered, update, users
from tests.support.bodies import act
from tests.support.clock import MovableClock
from tests.support.events import Context, body_of, with_body
from tests.support.faults import Arguments, FaultyClient, Reply, Send, statements_fail
from tests.support.state import Tables

Json = Any

ERRORS = "/api/errors"


def newest(account: Account, **query: object) -> list[Json]:
    return walk(account, ERRORS, query)


def of(row: Json) -> tuple[object, ...]:
    """Return what tells a rejection from another of the same account."""
    return (row["occurred_at"], row["request_id"], row["identity"], row["ct_segment_id"], row["action"])


def test_a_rejection_is_kept_with_all_that_it_was_about(account: Account, clock: MovableClock) -> None:
    gone, gold = account.create("GONE", "GOLD")
    account.delete(gone)
    wishes = [
        (act("ADD", ct=1), 404, "segment does not exist"),
        (act("REMOVE", customer="NO SUCH"), 404, "segment does not exist"),
        (act("REMOVE", ct=str(gone)), 410, "segment was deleted"),
        (act("ADD", customer="GONE"), 410, "segment was deleted"),
        (act("ADD", ct=gold, customer="GONE"), 400, "ct_segment_id and customer_segment_id are of different segments"),
    ]
    who: list[Json] = [{"identity": "A"}, {"guid": "G"}, {"identity": "B", "guid": "H"}]
    body = {
        "bulk_profiles": [{"user_profiles": who, "segments": [*[wish for wish, *_ in wishes], act("ADD", ct=gold)]}]
    }
    event = with_body("update_segment", account.account_id, body)
    event["requestContext"]["requestId"] = f"request {uuid4()}"

    began = clock.now()
    answer = update_segment(event, Context())
    ended = clock.now()

    assert body_of(answer)["processed"] == 3
    rows = newest(account)
    (occurred_at,) = {row.pop("occurred_at") for row in rows}
    assert began < datetime.fromisoformat(occurred_at) < ended
    expected = [
        {
            "ct_segment_id": int(wish["ct_segment_id"]) if "ct_segment_id" in wish else None,
            "customer_segment_id": wish.get("customer_segment_id"),
            "identity": user.get("identity"),
            "guid": None if "identity" in user else user["guid"],
            "action": wish["action"],
            "code": code,
            "error": error,
            "request_id": answer["headers"]["X-Request-Id"],
        }
        for user in who
        for wish, code, error in wishes
    ]
    for row in rows:
        row["guid"] = row["guid"] if row["identity"] is None else None  # the identity won
    assert sorted(rows, key=repr) == sorted(expected, key=repr)


@pytest.mark.parametrize(
    ("user", "shown", "error"),
    [
        ({"identity": ""}, ("", None), ".identity: must have 1 to 255 characters, has 0"),
        ({"identity": 12345}, ("12345", None), ".identity: must be a string"),
        ({"identity": "x" * 256}, (f"{'x' * 64}…", None), ".identity: must have 1 to 255 characters, has 256"),
        ({"identity": "a\ud800"}, ("a\\ud800", None), ".identity: must have no lone surrogates"),
        ({"guid": "M\ufffdller"}, (None, "M\ufffdller"), ".guid: has U+FFFD"),
        ({"identity": {}, "guid": True}, (None, None), ".identity: must be a string"),
        ("CT123", ("CT123", None), ": must be an object"),
        (None, (None, None), ": must be an object"),
    ],
)
def test_a_user_who_cannot_be_read_fails_alone_and_is_kept(
    account: Account, user: Json, shown: tuple[str | None, str | None], error: str
) -> None:
    (gold,) = account.create("GOLD")
    who = [*users(*(f"u{number}" for number in range(99))), user]
    actions_of_both = [act("ADD", ct=gold), act("REMOVE", customer="NO SUCH")]
    answer = account.update((who, actions_of_both[:1]))
    assert (answer["status"], answer["processed"], answer["summary"]["added"]) == ("partial", 99, 99)
    (failed,) = answer["unprocessed"]
    assert failed["record"] == {"user_profiles": [user], "segments": [act("ADD", ct=str(gold))]}
    answer = account.update(([user], actions_of_both))
    assert [failed["code"] for failed in answer["unprocessed"]] == [400, 400]
    rows = newest(account)
    assert {(row["identity"], row["guid"], row["code"]) for row in rows} == {(*shown, 400)}
    assert [(row["ct_segment_id"], row["customer_segment_id"], row["action"]) for row in rows] == [
        (None, "NO SUCH", "REMOVE"),
        (gold, None, "ADD"),
        (gold, None, "ADD"),
    ]
    assert f"user_profiles[99]{error}" in rows[-1]["error"]
    assert f"user_profiles[0]{error}" in rows[0]["error"]


def reject(account: Account, who: int, *segment_ids: int) -> None:
    answer = account.update((numbered(who), actions("ADD", *segment_ids)))
    assert len(answer["unprocessed"]) == who * len(segment_ids)


@pytest.mark.parametrize("limit", [1, 7, 99, 100, 101, 250, 1000])
def test_pages_are_complete_and_the_newest_come_first(account: Account, limit: int) -> None:
    requests = [(3, 1), (1, 1), (50, 5 if limit > 1 else 3), (100, 1), (1, 2)]
    sizes = [who * what for who, what in requests]
    for who, what in requests:
        reject(account, who, *range(1, what + 1))
    read = list(pages(account, ERRORS, {"limit": limit}))
    rows = [row for page in read for row in page]
    times = [row["occurred_at"] for row in rows]
    assert times == sorted(times, reverse=True)
    assert [times.count(time) for time in dict.fromkeys(times)] == sizes[::-1]
    assert len({of(row) for row in rows}) == len(rows) == sum(sizes)
    assert all(len(page) == limit for page in read[:-1])
    assert rows == newest(account, limit=1000)


def test_rejections_that_come_between_pages_shift_nothing(account: Account) -> None:
    for _ in range(4):
        reject(account, 30, 1, 2)
    before = newest(account, limit=1000)
    assert walk(account, ERRORS, {"limit": 50}, between=lambda: reject(account, 7, 3)) == before
    assert len(newest(account, limit=1000)) == 240 + 5 * 7


def test_no_errors_are_an_empty_page(account: Account) -> None:
    (gold,) = account.create(None)
    account.update((users("A"), actions("ADD", gold)))
    assert account.manage("GET", ERRORS) == (200, {"errors": [], "cursor": None})


def test_rejections_are_shown_for_thirty_days(account: Account, clock: MovableClock, tables: Tables) -> None:
    began = clock.now()
    reject(account, 3, 1)
    (item,) = tables.of_account("UPDATE_ERRORS_TABLE", account.account_id, "2")
    month = timedelta(days=30).total_seconds()
    assert int(began.timestamp() + month) <= item["expires_at"] <= clock.now().timestamp() + month
    clock.move(days=29, hours=23)
    reject(account, 1, 2)
    assert len(newest(account)) == 4
    clock.move(hours=1, seconds=1)
    assert [row["ct_segment_id"] for row in newest(account)] == [2]


def test_a_page_that_begins_after_the_thirty_days_is_the_empty_end(account: Account, clock: MovableClock) -> None:
    reject(account, 2, 1)
    clock.move(days=29, hours=23)
    _, first = account.manage("GET", ERRORS, {"limit": "1"})
    clock.move(hours=2)
    query = {"limit": "1", "cursor": first["cursor"]}
    assert account.manage("GET", ERRORS, query) == (200, {"errors": [], "cursor": None})


def test_an_accounts_errors_are_its_own(account: Account, new_account: Callable[[], Account]) -> None:
    other = new_account()
    (foreign,) = other.create("THEIRS")
    reject(account, 2, foreign)
    reject(other, 1, 1)
    assert newest(new_account()) == []
    assert {row["ct_segment_id"] for row in newest(account)} == {foreign}
    assert {row["ct_segment_id"] for row in newest(other)} == {1}


def test_what_may_be_sent_again_as_it_is_is_not_in_the_error_stream(account: Account, faulty: FaultyClient) -> None:
    (gold,) = account.create(None)
    account.update((users("A", "B"), actions("ADD", gold)))
    faulty.always("batch_execute_statement", statements_fail("ThrottlingError"))
    _, answer, _ = update(account, (users("A", "B"), [*actions("REMOVE", gold), *actions("ADD", 1)]), seconds=A_MOMENT)
    assert Counter(entry["code"] for entry in answer["unprocessed"]) == {404: 2, 429: 2}
    assert [row["code"] for row in newest(account)] == [404, 404]


def test_a_request_that_was_refused_whole_is_not_in_the_error_stream(account: Account) -> None:
    assert account.call("update_segment", {"bulk_profiles": []})[0] == 400
    assert newest(account) == []


def test_a_page_reads_not_much_more_than_its_rows(account: Account, faulty: FaultyClient) -> None:
    for _ in range(2):
        reject(account, 100, *range(1, 21))
    entries = 0

    def count(send: Send, arguments: Arguments) -> Reply:
        nonlocal entries
        reply = send(**arguments)
        entries += sum(item["entries"]["S"].count('"action"') for item in reply["Items"])
        return reply

    faulty.always("query", count)
    page = next(pages(account, ERRORS, {"limit": 10}))
    assert len(page) == 10
    assert entries <= 10 + 2 * 100, "entries read for a page of ten; an item has a hundred"
