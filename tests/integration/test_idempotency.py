"""`Idempotency-Key`: a create request that is sent again gets the answer that it got, and creates nothing."""

import json
import time
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from api_segments.aws import clients
from api_segments.core.limits import MAX_ACTIVE_SEGMENTS
from api_segments.segments import idempotency
from api_segments.segments import wiring as segments_wiring
from functions.create_segment.app import handler as create_segment
from tests.integration.conftest import Account
from tests.integration.paging import segment_ids
from tests.integration.told import A_MOMENT
from tests.support.events import Context, body_of, with_body
from tests.support.faults import (
    NO_CONNECTION,
    Arguments,
    FaultyClient,
    Reply,
    Send,
    after,
    answer_lost,
    cancelled,
    fine,
    not_sent,
    refused,
)
from tests.support.state import Tables
from tests.support.threads import at_once
from tests.support.waiting import PATIENCE_SECONDS

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

Json = Any

ENTRIES = [{"segment_name": "Gold", "customer_segment_id": "GOLD"}, {"segment_name": "Silver"}]
REPLAYED = "Idempotent-Replayed"


class Death(BaseException):
    """Lambda kills the process."""


def create(
    account: Account, body: Json, key: str | None, *, header: str = "Idempotency-Key", seconds: float = PATIENCE_SECONDS
) -> tuple[int, Json, dict[str, str]]:
    """Send a create request; return status, body and headers."""
    event = with_body("create_segment", account.account_id, body)
    event["headers"] = {**event["headers"], **({} if key is None else {header: key})}
    answer = create_segment(event, Context(seconds))
    return answer["statusCode"], body_of(answer), answer["headers"]


@pytest.fixture
def key() -> str:
    return f"key-{uuid4()}"


@pytest.fixture
def records(environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Iterator[FaultyClient]:
    """What the records of keys are read and written with."""
    assert environment
    client = FaultyClient(clients.retrying_dynamodb_client())
    monkeypatch.setattr(clients, "retrying_dynamodb_client", lambda: client)
    segments_wiring.idempotency.cache_clear()
    yield client
    segments_wiring.idempotency.cache_clear()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a request not wait long for another one with its key."""
    monkeypatch.setattr(idempotency, "WAIT_SECONDS", 0.3)


def set_expiry(dynamodb: "DynamoDBClient", environment: dict[str, str], attribute: str, status: str) -> list[int]:
    """Let all records of a status expire now, and what notes their segments.

    Return when the records would have, those not that a test expired before.
    """
    table = environment["IDEMPOTENCY_TABLE"]
    found = dynamodb.scan(TableName=table, ConsistentRead=True)["Items"]
    chosen = [item for item in found if item.get("status") == {"S": status} and item[attribute]["N"] != "1"]
    notes = [item for item in found if "status" not in item and attribute in item]
    for item in chosen + notes:
        dynamodb.put_item(TableName=table, Item={**item, attribute: {"N": "1"}})
    return [int(item[attribute]["N"]) for item in chosen]


def test_the_same_key_and_body_get_the_same_answer_and_create_nothing(
    account: Account, tables: Tables, key: str
) -> None:
    status, body, headers = create(account, ENTRIES, key)
    assert (status, body["status"], body["processed"]) == (200, "success", 2)
    assert REPLAYED not in headers
    for _ in range(2):
        again, same, told = create(account, ENTRIES, key)
        assert (again, same, told[REPLAYED]) == (200, body, "true")
    assert segment_ids(account) == [segment["id"] for segment in body["segments"]][::-1]
    assert tables.active_segments(account.account_id) == 2


def test_the_key_counts_however_its_header_and_the_body_are_written(account: Account, key: str) -> None:
    _, body, _ = create(account, ENTRIES, key)
    spaced = '[ {"customer_segment_id":"GOLD", "segment_name":"G\\u006fld"},{"segment_name":"Silver",'
    spaced += ' "customer_segment_id":null}]'
    for header in ("idempotency-key", "IDEMPOTENCY-KEY"):
        _, same, headers = create(account, spaced, key, header=header)
        assert (same, headers[REPLAYED]) == (body, "true")


@pytest.mark.parametrize(
    "other",
    [
        ENTRIES[:1],
        ENTRIES[::-1],
        [*ENTRIES, {"segment_name": "Bronze"}],
        [{**ENTRIES[0], "customer_segment_id": "gold"}, ENTRIES[1]],
        [ENTRIES[0], {"segment_name": "silver"}],
        [ENTRIES[0], {"segment_name": "Silver", "customer_segment_id": "S"}],
    ],
)
def test_the_same_key_with_another_body_is_refused(account: Account, key: str, other: Json) -> None:
    _, body, _ = create(account, ENTRIES, key)
    status, answer, headers = create(account, other, key)
    assert (status, answer["status"], answer["code"]) == (409, "fail", 409)
    assert answer["error"] == "Idempotency-Key: was used with another body"
    assert REPLAYED not in headers
    assert len(segment_ids(account)) == 2
    assert create(account, ENTRIES, key)[1] == body


def test_another_accounts_same_key_is_another_key(
    account: Account, new_account: Callable[[], Account], key: str
) -> None:
    other = new_account()
    _, mine, _ = create(account, ENTRIES, key)
    status, theirs, headers = create(other, ENTRIES[:1], key)
    assert (status, theirs["processed"], REPLAYED in headers) == (200, 1, False)
    assert create(account, ENTRIES, key)[1] == mine
    assert create(other, ENTRIES[:1], key)[1] == theirs
    assert (len(segment_ids(account)), len(segment_ids(other))) == (2, 1)


def test_other_keys_and_no_key_create_anew(account: Account, key: str) -> None:
    body = [{"segment_name": "Gold"}]
    for each in (key, f"{key}2", key.upper(), None, None):
        status, answer, headers = create(account, body, each)
        assert (status, answer["processed"], REPLAYED in headers) == (200, 1, False)
    assert len(segment_ids(account)) == 5


@pytest.mark.parametrize("wrong", ["", " ", "x" * 256, "a b", "schlüssel", "a\n", "\ta", "a\x7f", "😀", " a"])
def test_a_key_that_can_not_be_one_is_refused(account: Account, wrong: str) -> None:
    status, answer, _ = create(account, ENTRIES, wrong)
    assert (status, answer["code"]) == (400, 400)
    assert answer["error"] == "Idempotency-Key: must have 1 to 255 visible ASCII characters"
    assert segment_ids(account) == []


@pytest.mark.parametrize("good", ["x" * 255, "!~#\"'\\{}", "0"])
def test_any_visible_characters_make_a_key(account: Account, good: str) -> None:
    assert create(account, ENTRIES, good)[1] == create(account, ENTRIES, good)[1]
    assert len(segment_ids(account)) == 2


def test_a_body_that_is_refused_uses_no_key_up(account: Account, key: str) -> None:
    assert create(account, [], key)[0] == 400
    assert create(account, [*ENTRIES, 1], key)[0] == 400
    assert create(account, ENTRIES, key)[1]["processed"] == 2


def test_entries_that_cannot_be_read_are_of_the_request_too(account: Account, key: str) -> None:
    bad = {"segment_name": "", "color": {"a": 1, "b": 2}}
    _, body, _ = create(account, [ENTRIES[0], bad], key)
    assert (body["status"], body["processed"]) == ("partial", 1)
    others = [ENTRIES[:1], [bad, ENTRIES[0]], [ENTRIES[0], ENTRIES[1]], [ENTRIES[0], {**bad, "color": None}]]
    for other in [*others, [ENTRIES[0], {"segment_name": json.dumps(bad, sort_keys=True)}]]:
        assert create(account, other, key)[0] == 409
    reordered = {"color": {"b": 2, "a": 1}, "segment_name": ""}
    _, again, headers = create(account, [ENTRIES[0], reordered], key)
    assert (again, headers[REPLAYED]) == (body, "true")
    assert len(segment_ids(account)) == 1


def test_a_request_of_nothing_but_entries_that_cannot_be_read_is_remembered(account: Account, key: str) -> None:
    bad = [{"segment_name": ""}, {"customer_segment_id": "a"}]
    _, body, _ = create(account, bad, key)
    assert (body["status"], [entry["code"] for entry in body["unprocessed"]]) == ("fail", [400, 400])
    _, again, headers = create(account, bad, key)
    assert (again, headers[REPLAYED]) == (body, "true")
    assert create(account, ENTRIES, key)[0] == 409


# What is remembered


def test_an_answer_in_part_is_remembered_as_it_was(account: Account, tables: Tables, key: str) -> None:
    account.create("TAKEN")
    tables.set_quota(account.account_id, MAX_ACTIVE_SEGMENTS - 2)
    entries = [
        {"segment_name": "a", "customer_segment_id": "TAKEN"},
        *[{"segment_name": name, "customer_segment_id": f"😀{name}"} for name in "bcd"],
        {"segment_name": "b"},
    ]
    _, body, _ = create(account, entries, key)
    assert (body["status"], body["processed"]) == ("partial", 2)
    assert Counter(entry["code"] for entry in body["unprocessed"]) == {409: 1, 422: 1, 400: 1}
    tables.set_quota(account.account_id, 10)
    _, again, headers = create(account, entries, key)
    assert (again, headers[REPLAYED]) == (body, "true")
    assert len(segment_ids(account)) == 3


def test_a_create_that_failed_by_its_own_fault_is_remembered(account: Account, key: str) -> None:
    (taken,) = account.create("GOLD")
    _, body, _ = create(account, ENTRIES[:1], key)
    assert (body["status"], body["unprocessed"][0]["code"]) == ("fail", 409)
    account.delete(taken)
    _, again, headers = create(account, ENTRIES[:1], key)
    assert (again, headers[REPLAYED]) == (body, "true")


def test_a_hundred_entries_with_the_longest_reasons_are_remembered(account: Account, key: str) -> None:
    entries = [{"segment_name": "a", f"{index:03d}" + "😀" * 1_000: "x"} for index in range(100)]
    _, body, _ = create(account, entries, key)
    assert {entry["error"] for entry in body["unprocessed"]} == {
        f"{index:03d}" + "😀" * 61 + "…: unknown field" for index in range(100)
    }
    _, again, headers = create(account, entries, key)
    assert (again, headers[REPLAYED]) == (body, "true")


def test_a_hundred_segments_with_the_longest_names_are_remembered(account: Account, key: str) -> None:
    entries = [
        {"segment_name": f"{index:03d}" + "😀" * 252, "customer_segment_id": f"{index:03d}" + "😀" * 252}
        for index in range(100)
    ]
    _, body, _ = create(account, entries, key)
    assert body["processed"] == 100
    assert create(account, entries, key)[1] == body


@pytest.mark.parametrize("with_a_taken_id", [False, True])
def test_a_request_of_which_nothing_could_be_written_is_not_remembered(
    account: Account, faulty: FaultyClient, key: str, *, with_a_taken_id: bool
) -> None:
    account.create("TAKEN")
    taken = {"segment_name": "taken", "customer_segment_id": "TAKEN"}
    entries = [*ENTRIES, taken] if with_a_taken_id else ENTRIES
    faulty.always("transact_write_items", cancelled("ThrottlingError"))
    status, answer, headers = create(account, entries, key, seconds=A_MOMENT + idempotency.KEEP_SECONDS)
    assert (status, answer["status"]) == (200 if with_a_taken_id else 429, "fail")
    assert Counter(entry["code"] for entry in answer["unprocessed"])[429] == 2
    assert "Retry-After" in headers
    faulty.heal()
    status, answer, headers = create(account, entries, key)
    assert (status, answer["processed"], REPLAYED in headers) == (200, 2, False)


def test_a_request_of_which_a_part_could_not_be_written_is_completed_by_the_same_key(
    account: Account, faulty: FaultyClient, tables: Tables, key: str
) -> None:
    entries = [{"segment_name": f"S{index}", "customer_segment_id": f"C{index}"} for index in range(60)]
    faulty.next("transact_write_items", fine)
    faulty.always("transact_write_items", cancelled("ThrottlingError"))
    _, body, headers = create(account, entries, key, seconds=A_MOMENT + idempotency.KEEP_SECONDS)
    assert (body["status"], body["processed"], "Retry-After" in headers) == ("partial", 49, True)
    faulty.heal()
    _, whole, headers = create(account, entries, key)
    assert (whole["status"], whole["processed"], "Retry-After" in headers) == ("success", 60, False)
    assert whole["segments"][:49] == body["segments"]
    assert create(account, entries, key)[1] == whole
    assert tables.active_segments(account.account_id) == len(segment_ids(account)) == 60


def test_parts_are_completed_beside_entries_that_cannot_be_read(
    account: Account, faulty: FaultyClient, tables: Tables, key: str
) -> None:
    entries: list[Json] = [{"segment_name": f"S{index}", "customer_segment_id": f"C{index}"} for index in range(60)]
    for index in (0, 20, 59):
        entries[index] = {"segment_name": f"S{index}", "customer_segment_id": f"C{index}", "z": 1, "color": index}
    faulty.next("transact_write_items", answer_lost)
    faulty.always("transact_write_items", cancelled("ThrottlingError"))
    _, body, _ = create(account, entries, key, seconds=A_MOMENT + idempotency.KEEP_SECONDS)
    assert Counter(entry["code"] for entry in body["unprocessed"]) == {400: 3, 429: 57}
    assert len(segment_ids(account)) == 49
    faulty.heal()
    resent = [dict(reversed(entry.items())) for entry in entries]
    _, whole, _ = create(account, resent, key)
    assert (whole["status"], whole["processed"]) == ("partial", 57)
    assert [(entry["code"], entry["record"]["color"]) for entry in whole["unprocessed"]] == [
        (400, 0),
        (400, 20),
        (400, 59),
    ]
    assert tables.active_segments(account.account_id) == len(segment_ids(account)) == 57
    _, again, headers = create(account, entries, key)
    assert (again, headers[REPLAYED]) == (whole, "true")


# Answers that were lost


@pytest.mark.parametrize("entries", [ENTRIES, [{"segment_name": f"S{index}"} for index in range(60)]])
def test_segments_of_which_it_is_not_known_that_they_were_created_are_found_by_the_same_key(
    account: Account, faulty: FaultyClient, tables: Tables, key: str, entries: Json
) -> None:
    faulty.always("transact_write_items", answer_lost)
    status, body, _ = create(account, entries, key, seconds=A_MOMENT + idempotency.KEEP_SECONDS)
    assert (status, body["processed"]) == (503, 0)
    there = segment_ids(account)
    assert there
    faulty.heal()
    status, body, _ = create(account, entries, key)
    assert (status, body["status"], body["processed"]) == (200, "success", len(entries))
    assert [segment["segment_name"] for segment in body["segments"]] == [entry["segment_name"] for entry in entries]
    assert set(there) <= {segment["id"] for segment in body["segments"]} == set(segment_ids(account))
    assert tables.active_segments(account.account_id) == len(entries)
    _, same, headers = create(account, entries, key)
    assert (same, headers[REPLAYED]) == (body, "true")


def test_segments_are_found_as_they_were_created_though_renamed_or_deleted_since(
    account: Account, faulty: FaultyClient, key: str
) -> None:
    faulty.always("transact_write_items", answer_lost)
    create(account, ENTRIES, key, seconds=A_MOMENT + idempotency.KEEP_SECONDS)
    faulty.heal()
    silver, gold = segment_ids(account)
    account.rename(gold, "Platinum")
    account.delete(silver)
    _, body, _ = create(account, ENTRIES, key)
    assert [(segment["id"], segment["segment_name"]) for segment in body["segments"]] == [
        (gold, "Gold"),
        (silver, "Silver"),
    ]
    assert segment_ids(account) == [gold]


def test_what_was_refused_beside_segments_whose_answer_was_lost_is_refused_alike(
    account: Account, faulty: FaultyClient, tables: Tables, key: str
) -> None:
    account.create("TAKEN")
    tables.set_quota(account.account_id, MAX_ACTIVE_SEGMENTS - 2)
    entries = [
        {"segment_name": "a", "customer_segment_id": "TAKEN"},
        *[{"segment_name": name, "customer_segment_id": f"id of {name}"} for name in "bcd"],
        {"segment_name": "b"},
    ]
    faulty.next("transact_write_items", fine)  # the quota refuses it
    faulty.always("transact_write_items", answer_lost)
    _, body, _ = create(account, entries, key, seconds=A_MOMENT + idempotency.KEEP_SECONDS)
    assert Counter(entry["code"] for entry in body["unprocessed"]) == {409: 1, 503: 2, 422: 1, 400: 1}
    faulty.heal()
    tables.set_quota(account.account_id, 10)
    _, body, _ = create(account, entries, key)
    assert [segment["segment_name"] for segment in body["segments"]] == ["b", "c"]
    assert [entry["code"] for entry in body["unprocessed"]] == [409, 422, 400]


@pytest.mark.parametrize("entries", [ENTRIES, ENTRIES[1:]])
def test_a_write_that_arrives_late_and_one_that_repeats_it_create_once(
    account: Account, faulty: FaultyClient, tables: Tables, key: str, entries: Json
) -> None:
    late: list[Callable[[], object]] = []

    def hold(send: Send, arguments: Arguments) -> Reply:
        late.append(partial(send, **arguments))
        raise NO_CONNECTION[3]

    def arrive() -> None:
        late[0]()

    faulty.always("transact_write_items", hold)
    status, _, _ = create(account, entries, key, seconds=A_MOMENT + idempotency.KEEP_SECONDS)
    assert (status, segment_ids(account)) == (503, [])
    faulty.heal()
    faulty.next("transact_write_items", after(arrive))
    status, body, _ = create(account, entries, key)
    assert (status, body["status"]) == (200, "success")
    assert [segment["id"] for segment in body["segments"]] == segment_ids(account)[::-1]
    assert tables.active_segments(account.account_id) == len(entries)


def test_another_request_does_not_find_them(account: Account, faulty: FaultyClient, key: str) -> None:
    entries = ENTRIES[1:]
    faulty.always("transact_write_items", answer_lost)
    create(account, entries, key, seconds=A_MOMENT + idempotency.KEEP_SECONDS)
    faulty.heal()
    for other in (f"{key}2", None):
        assert create(account, entries, other)[1]["processed"] == 1
    assert create(account, [{"segment_name": "Bronze"}], key)[1]["processed"] == 1
    assert len(segment_ids(account)) == 4


@pytest.mark.parametrize("fault", [refused("ThrottlingException"), not_sent(), refused("AccessDeniedException")])
def test_nothing_is_created_when_the_key_can_not_be_kept(
    account: Account, records: FaultyClient, key: str, fault: Any
) -> None:
    records.always("put_item", fault)
    status, answer, headers = create(account, ENTRIES, key)
    assert (status, answer["status"], answer["code"]) == (503, "fail", 503)
    assert "Retry-After" in headers
    assert segment_ids(account) == []
    records.heal()
    assert create(account, ENTRIES, key)[1]["processed"] == 2


@pytest.mark.usefixtures("impatient")
def test_an_answer_that_can_not_be_kept_is_told_and_not_created_again(
    account: Account, records: FaultyClient, key: str, dynamodb: "DynamoDBClient", environment: dict[str, str]
) -> None:
    records.always("update_item", refused("AccessDeniedException"))
    status, body, headers = create(account, ENTRIES, key)
    assert (status, body["processed"], REPLAYED in headers) == (200, 2, False)
    records.heal()
    assert create(account, ENTRIES, key)[0] == 409
    assert segment_ids(account) == [segment["id"] for segment in body["segments"]][::-1]
    set_expiry(dynamodb, environment, "in_progress_expiration", "INPROGRESS")  # its time is over
    assert create(account, ENTRIES, key)[1] == body


def test_requests_without_a_key_do_not_need_the_table_of_keys(account: Account, records: FaultyClient) -> None:
    records.always("put_item", not_sent(NO_CONNECTION[1]))
    assert create(account, ENTRIES, None)[1]["processed"] == 2
    assert records.calls.total() == 0


def test_a_key_is_forgotten_after_a_day(
    account: Account, key: str, dynamodb: "DynamoDBClient", environment: dict[str, str]
) -> None:
    body = [{"segment_name": "Gold"}]
    began = time.time()  # Powertools has a clock of its own
    create(account, body, key)
    ended = time.time()
    expiries = set_expiry(dynamodb, environment, "expiration", "COMPLETED")
    assert int(began) + 24 * 3600 <= max(expiries) <= ended + 24 * 3600
    status, _, headers = create(account, body, key)
    assert (status, REPLAYED in headers) == (200, False)
    assert len(segment_ids(account)) == 2


# At once


@pytest.mark.usefixtures("side_by_side")
def test_of_requests_at_once_one_runs_and_all_get_its_answer(account: Account, tables: Tables, key: str) -> None:
    answers = at_once([partial(create, account, ENTRIES, key) for _ in range(8)])
    assert {status for status, _, _ in answers} == {200}
    assert len({repr(body) for _, body, _ in answers}) == 1
    assert sum(REPLAYED in headers for _, _, headers in answers) == 7
    assert tables.active_segments(account.account_id) == 2


@pytest.mark.usefixtures("side_by_side")
def test_of_requests_at_once_with_other_bodies_one_runs(account: Account, key: str) -> None:
    bodies = [[{"segment_name": f"S{index}"}] for index in range(6)]
    answers = at_once([partial(create, account, body, key) for body in bodies])
    assert Counter(status for status, _, _ in answers) == {200: 1, 409: 5}
    assert len(segment_ids(account)) == 1


@pytest.mark.usefixtures("side_by_side", "impatient")
def test_a_request_that_runs_too_long_makes_the_second_one_wait_in_vain(
    account: Account, faulty: FaultyClient, key: str
) -> None:
    seconds: list[tuple[int, Json, dict[str, str]]] = []
    faulty.next("transact_write_items", after(lambda: seconds.append(create(account, ENTRIES, key))))
    _, body, _ = create(account, ENTRIES, key)
    ((status, answer, _),) = seconds
    assert (status, answer["error"]) == (409, "Idempotency-Key: a request with this key is still running")
    assert body["processed"] == 2
    assert create(account, ENTRIES, key)[1] == body


@pytest.mark.usefixtures("impatient", "side_by_side")
@pytest.mark.parametrize("is_written", [False, True])
def test_a_request_whose_process_died_is_run_again_when_its_time_is_over(  # noqa: PLR0913 - fixtures
    account: Account,
    faulty: FaultyClient,
    key: str,
    dynamodb: "DynamoDBClient",
    environment: dict[str, str],
    *,
    is_written: bool,
) -> None:
    set_expiry(dynamodb, environment, "in_progress_expiration", "INPROGRESS")  # what other tests have left

    def die(send: Send, arguments: Arguments) -> Reply:
        if is_written:
            send(**arguments)
        raise Death

    began = time.time()
    faulty.next("transact_write_items", die)
    with pytest.raises(Death):
        create(account, ENTRIES, key, seconds=200)
    ended = time.time()
    assert create(account, ENTRIES, key)[0] == 409

    (given_up_at,) = set_expiry(dynamodb, environment, "in_progress_expiration", "INPROGRESS")
    assert int(began * 1000) + 200_000 <= given_up_at <= ended * 1000 + 200_000
    status, answer, headers = create(account, ENTRIES, key)
    assert (status, answer["processed"], REPLAYED in headers) == (200, 2, False)
    assert len(segment_ids(account)) == 2
