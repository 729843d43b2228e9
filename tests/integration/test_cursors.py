"""Cursors and the other parameters of lists: what is not as it was given out is refused, and says so."""

import string
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from api_segments.aws import keys
from api_segments.core.clock import Deadline
from api_segments.core.limits import CURSOR_HOURS
from api_segments.http import wiring as http_wiring
from functions.manage_segments.app import handler as manage_segments
from tests.integration.conftest import SEGMENT, Account, Relay
from tests.integration.paging import MEMBERS
from tests.integration.told import actions, numbered
from tests.support.clock import MovableClock
from tests.support.events import Context, body_of, without_body
from tests.support.threads import at_once

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

Json = Any

SEGMENTS, ERRORS = "/api/segments", "/api/errors"
BASE64 = string.ascii_letters + string.digits + "-_"


@pytest.fixture
def segment(account: Account, relay: Relay) -> int:
    """Fill all three lists with a few rows."""
    first, *_ = account.create("P1", "P2", "P3", None)
    account.update((numbered(3), actions("ADD", first, 1)))
    relay.drain()
    return first


def ask(account: Account, resource: str, query: dict[str, str], segment: int) -> tuple[int, Json]:
    parameters = {"segment_id": str(segment)} if "{segment_id}" in resource else {}
    return account.manage("GET", resource, query, **parameters)


def cursor_of(account: Account, resource: str, segment: int, **query: str) -> str:
    status, answer = ask(account, resource, {"limit": "1", **query}, segment)
    assert (status, type(answer["cursor"])) == (200, str)
    return str(answer["cursor"])


def assert_refused(answer: tuple[int, Json], where: str) -> None:
    status, body = answer
    assert (status, body["status"], body["code"]) == (400, "fail", 400), body
    assert body["error"].startswith(f"{where}: "), body


each_list = pytest.mark.parametrize("resource", [SEGMENTS, MEMBERS, ERRORS])


@each_list
def test_a_cursor_altered_at_any_character_is_refused(account: Account, segment: int, resource: str) -> None:
    cursor = cursor_of(account, resource, segment)
    for index, character in enumerate(cursor):
        for other in {BASE64[(BASE64.index(character) + step) % 64] for step in (1, 63)}:
            altered = cursor[:index] + other + cursor[index + 1 :]
            assert_refused(ask(account, resource, {"cursor": altered}, segment), "cursor")
    assert ask(account, resource, {"cursor": cursor}, segment)[0] == 200


@each_list
def test_a_cursor_that_is_cut_off_or_has_something_added_is_refused(
    account: Account, segment: int, resource: str
) -> None:
    cursor = cursor_of(account, resource, segment)
    wrong = [cursor[:length] for length in range(len(cursor))] + [cursor[1:], cursor * 2, cursor.swapcase()]
    wrong += [cursor + extra for extra in ("A", "AA", "=", "==", "====", "\n", " ", "%", "ü", "\ud800", "A" * 5000)]
    wrong += [extra + cursor for extra in (" ", "A", "\n")]
    wrong += ["null", "0", "{}", "😀", "\x00", "=" * 8, "-", "_" * 64]
    for each in wrong:
        assert_refused(ask(account, resource, {"cursor": each}, segment), "cursor")


def test_a_cursor_is_good_for_its_own_list_alone(
    account: Account, new_account: Callable[[], Account], segment: int, relay: Relay
) -> None:
    other = new_account()
    (others,) = other.create("P1")
    second = account.create(None)[0]
    account.update((numbered(3), actions("ADD", second)))
    relay.drain()
    prefix = "customer_segment_id_prefix"
    lists: list[tuple[Account, str, int, dict[str, str]]] = [
        (account, SEGMENTS, 0, {"status": "all"}),
        (account, SEGMENTS, 0, {}),
        *[(account, SEGMENTS, 0, {prefix: value}) for value in ("P", "P1")],
        (account, SEGMENTS, 0, {prefix: "P", "status": "all"}),
        (account, SEGMENTS, 0, {"status": "deleted"}),
        (account, SEGMENTS, 0, {"customer_segment_id": "P"}),
        (account, MEMBERS, segment, {}),
        (account, MEMBERS, second, {}),
        (account, ERRORS, 0, {}),
        (other, SEGMENTS, 0, {}),
        (other, MEMBERS, others, {}),
        (other, ERRORS, 0, {}),
    ]
    given = {}
    for index, (who, resource, about, query) in enumerate(lists):
        status, answer = ask(who, resource, {"limit": "1", **query}, about)
        assert status == 200
        if answer["cursor"]:
            given[index] = answer["cursor"]
    assert len(given) == 7
    for index, (who, resource, about, query) in enumerate(lists):
        for of, cursor in given.items():
            answer = ask(who, resource, {**query, "cursor": cursor}, about)
            if of == index:
                assert answer[0] == 200
            else:
                assert_refused(answer, "cursor")


@each_list
def test_a_cursor_is_good_for_the_hours_of_the_limit(
    account: Account, clock: MovableClock, segment: int, resource: str
) -> None:
    cursor = cursor_of(account, resource, segment)
    clock.move(hours=CURSOR_HOURS, minutes=-5)
    assert ask(account, resource, {"cursor": cursor}, segment)[0] == 200
    clock.move(minutes=5, seconds=2)
    status, answer = ask(account, resource, {"cursor": cursor}, segment)
    assert (status, answer["code"]) == (400, 400)
    assert answer["error"] == f"cursor: is older than {CURSOR_HOURS} hours; begin the list anew"


@each_list
def test_the_limit_may_change_from_page_to_page(account: Account, segment: int, resource: str) -> None:
    (whole,) = [rows for name, rows in ask(account, resource, {}, segment)[1].items() if name != "cursor"]
    assert len(whole) >= 3
    cursor = cursor_of(account, resource, segment)
    for limit in ("1", "2", "1000", "0002"):
        status, answer = ask(account, resource, {"cursor": cursor, "limit": limit}, segment)
        (rows,) = [rows for name, rows in answer.items() if name != "cursor"]
        assert (status, rows) == (200, whole[1 : 1 + int(limit)])


@pytest.mark.usefixtures("side_by_side")
def test_processes_that_draw_the_signing_key_at_once_agree_on_it(
    account: Account, segment: int, dynamodb: "DynamoDBClient", environment: dict[str, str]
) -> None:
    key = {"account_id": {"S": keys.STACK}, "sk": {"S": keys.SIGNING_KEY}}
    dynamodb.delete_item(TableName=environment["ACCOUNTS_TABLE"], Key=key)
    drawing: list[Any] = []
    for _ in range(6):
        http_wiring.cursors.cache_clear()
        drawing.append(http_wiring.cursors())

    query, position = {"path": SEGMENTS}, (segment + 1,)
    cursors = at_once(
        [partial(each.write, account.account_id, query, position, Deadline.after(20)) for each in drawing]
    )

    http_wiring.cursors.cache_clear()
    assert len(set(cursors)) <= 2, "but for the second that they were written in, they are the same"
    for cursor in cursors:
        assert ask(account, SEGMENTS, {"cursor": cursor}, segment)[0] == 200


# The other parameters


@each_list
@pytest.mark.parametrize(
    "limit",
    ["0", "-1", "1001", "text", "", " 1", "1 ", "+1", "1.0", "1e2", "0x1", "\uff11", "99999", "null", "\u0663", "\n1"],
)
def test_a_limit_out_of_bounds_is_refused(account: Account, resource: str, limit: str) -> None:
    (segment,) = account.create(None)
    assert_refused(ask(account, resource, {"limit": limit}, segment), "limit")


@each_list
@pytest.mark.parametrize("name", ["limit", "cursor"])
def test_a_parameter_that_is_given_twice_is_refused(account: Account, resource: str, name: str) -> None:
    (segment,) = account.create(None)
    parameters = {"segment_id": str(segment)} if "{segment_id}" in resource else {}
    event = without_body(account.account_id, "GET", resource, {name: "1"}, **parameters)
    event["multiValueQueryStringParameters"] = {name: ["1", "1"]}
    answer = manage_segments(event, Context())
    assert_refused((answer["statusCode"], body_of(answer)), name)


@pytest.mark.parametrize(
    ("method", "resource"),
    [
        ("GET", SEGMENTS),
        ("GET", MEMBERS),
        ("GET", ERRORS),
        ("GET", SEGMENT),
        ("PATCH", SEGMENT),
        ("DELETE", SEGMENT),
        ("GET", f"{MEMBERS}/{{identity}}"),
        ("GET", "/api/profiles/{identity}/segments"),
    ],
)
@pytest.mark.parametrize("name", ["page", "Limit", "limit ", "", "month"])
def test_an_unknown_parameter_is_refused_by_name_and_nothing_is_done(
    account: Account, method: str, resource: str, name: str
) -> None:
    (segment,) = account.create(None)
    known = {"segment_id": str(segment), "identity": "A"}
    parameters = {each: value for each, value in known.items() if f"{{{each}}}" in resource}
    body = {"segment_name": "renamed"} if method == "PATCH" else None
    status, answer = account.manage(method, resource, {name: "1"}, body, **parameters)
    assert (status, answer["code"]) == (400, 400)
    assert "unknown parameter" in answer["error"]
    assert name in answer["error"]
    shown = account.get(SEGMENT, segment_id=str(segment))[1]
    assert (shown["status"], shown["segment_name"]) == ("active", "segment 0")


@pytest.mark.parametrize("value", ["", "Active", "ACTIVE", "none", "active,deleted", " all", "😀"])
def test_an_unknown_status_is_refused(account: Account, value: str) -> None:
    assert_refused(account.manage("GET", SEGMENTS, {"status": value}), "status")


@pytest.mark.parametrize("name", ["customer_segment_id", "customer_segment_id_prefix"])
@pytest.mark.parametrize("value", ["", "x" * 256, "a\x00", "a\nb", "\ud800", "   "])
def test_a_customer_id_that_can_not_be_one_is_refused(account: Account, name: str, value: str) -> None:
    assert_refused(account.manage("GET", SEGMENTS, {name: value}), name)


def test_only_one_filter_by_customer_id_may_be_given(account: Account) -> None:
    status, answer = account.manage(
        "GET", SEGMENTS, {"customer_segment_id": "A", "customer_segment_id_prefix": "A", "status": "all"}
    )
    assert (status, answer["code"]) == (400, 400)
    assert "only one of them" in answer["error"]


def test_a_filter_that_says_what_is_meant_without_it_is_the_same_list(account: Account, segment: int) -> None:
    plain, active = cursor_of(account, SEGMENTS, segment), cursor_of(account, SEGMENTS, segment, status="active")
    for cursor in (plain, active):
        followed = [
            ask(account, SEGMENTS, {"cursor": cursor, **query}, segment) for query in ({}, {"status": "active"})
        ]
        assert [status for status, _ in followed] == [200, 200]
        assert followed[0][1]["segments"] == followed[1][1]["segments"] != []
        for other in ("deleted", "all"):
            assert_refused(ask(account, SEGMENTS, {"cursor": cursor, "status": other}, segment), "cursor")
