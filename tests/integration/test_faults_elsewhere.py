"""Creating segments, the error stream, the projection and accounts while DynamoDB fails."""

from collections import Counter
from copy import deepcopy

import pytest
from botocore.exceptions import ReadTimeoutError

from api_segments.core.clock import Backoff
from functions.accounts.app import handler as accounts
from functions.project_members.app import handler as project_members
from tests.integration.conftest import Account, Relay
from tests.integration.told import A_MOMENT, Json, actions, codes, numbered, send, update, users
from tests.support.events import Context
from tests.support.faults import (
    NO_CONNECTION,
    Arguments,
    Fault,
    FaultyClient,
    Reply,
    Send,
    answer_lost,
    cancelled,
    fine,
    items_unprocessed,
    not_sent,
    refused,
)
from tests.support.records import sequences
from tests.support.state import MEMBERS, Tables, assert_projected

# Creating segments


@pytest.mark.parametrize(
    "fault",
    [answer_lost, cancelled("TransactionConflict"), cancelled("ThrottlingError"), *map(not_sent, NO_CONNECTION)],
    ids=["answer lost", "conflict", "throttled", *(type(error).__name__ for error in NO_CONNECTION)],
)
def test_segments_are_created_and_counted_once_whatever_came_between(
    account: Account, tables: Tables, faulty: FaultyClient, fault: Fault
) -> None:
    faulty.next("transact_write_items", fault, fine, fault)

    ids = account.create(*[f"C{index}" for index in range(100)])

    assert faulty.waiting == 0
    stored = tables.of_account("SEGMENTS_TABLE", account.account_id, "SEGMENT#")
    assert sorted(ids) == sorted(segment["segment_id"] for segment in stored)
    assert tables.active_segments(account.account_id) == 100


@pytest.mark.parametrize("customer_segment_id", [None, "GOLD"])
def test_a_creation_that_arrives_late_and_is_repeated_meanwhile_makes_one_segment(
    account: Account, tables: Tables, faulty: FaultyClient, customer_segment_id: str | None
) -> None:
    under_way: list[Arguments] = []

    def given_up(_send: Send, arguments: Arguments) -> Reply:
        under_way.append(arguments)
        raise ReadTimeoutError(endpoint_url="https://dynamodb.us-east-1.amazonaws.com/")

    def meets_another_while_the_first_arrives(send: Send, arguments: Arguments) -> Reply:
        send(**under_way.pop())
        return cancelled("TransactionConflict")(send, arguments)

    faulty.next("transact_write_items", given_up, meets_another_while_the_first_arrives)

    (created,) = account.create(customer_segment_id)

    stored = tables.of_account("SEGMENTS_TABLE", account.account_id, "SEGMENT#")
    assert [segment["segment_id"] for segment in stored] == [created]
    assert tables.active_segments(account.account_id) == 1


@pytest.mark.parametrize(("fault", "code"), [(cancelled("ThrottlingError"), 429), (not_sent(), 503)])
def test_segments_that_cannot_be_created_now_are_listed(
    account: Account, tables: Tables, faulty: FaultyClient, fault: Fault, code: int
) -> None:
    body = [{"segment_name": f"S{index}", "customer_segment_id": f"C{index}"} for index in range(100)]
    faulty.next("transact_write_items", fine)
    faulty.always("transact_write_items", fault)

    status, answer, headers = send(account, "create_segment", body, A_MOMENT)

    assert (status, answer["status"], codes(answer)) == (200, "partial", {code: 100 - answer["processed"]})
    assert "Retry-After" in headers
    assert answer["processed"] == tables.active_segments(account.account_id) == 49
    faulty.heal()
    _, answer, _ = send(account, "create_segment", [entry["record"] for entry in answer["unprocessed"]])
    assert (answer["status"], answer["processed"]) == ("success", 51)

    faulty.always("transact_write_items", fault)
    status, answer, headers = send(account, "create_segment", [{"segment_name": "one more"}], A_MOMENT)
    assert (status, answer["status"], codes(answer)) == (code, "fail", {code: 1})
    assert "Retry-After" in headers


# The error stream


def rejected(account: Account) -> tuple[int, Json, Json]:
    body = {"bulk_profiles": [{"user_profiles": numbered(100), "segments": actions("ADD", *range(1, 41))}]}
    return send(account, "update_segment", body, A_MOMENT)


def kept(tables: Tables, account: Account) -> int:
    items = tables.of_account("UPDATE_ERRORS_TABLE", account.account_id, "2")
    return sum(item["entries"].count('"not_found"') for item in items)


@pytest.mark.parametrize(
    "fault", [items_unprocessed, answer_lost, not_sent()], ids=["unprocessed", "answer lost", "no connection"]
)
def test_rejections_are_kept_once_whatever_came_between(
    account: Account, tables: Tables, faulty: FaultyClient, fault: Fault
) -> None:
    faulty.next("batch_write_item", fault, fault)
    status, answer, _ = rejected(account)
    assert (status, codes(answer)) == (200, {404: 4000})
    assert kept(tables, account) == 4000


def test_rejections_that_cannot_be_kept_are_answered_all_the_same(
    account: Account, tables: Tables, faulty: FaultyClient
) -> None:
    faulty.always("batch_write_item", refused("ThrottlingException"))
    status, answer, _ = rejected(account)
    assert (status, answer["status"], codes(answer)) == (200, "fail", {404: 4000})
    assert kept(tables, account) == 0


# The projection


@pytest.mark.parametrize(
    "fault",
    [answer_lost, cancelled("TransactionConflict"), cancelled("ThrottlingError"), not_sent()],
    ids=["answer lost", "conflict", "throttled", "no connection"],
)
def test_a_projection_counts_once_whatever_came_between(
    account: Account, tables: Tables, faulty: FaultyClient, relay: Relay, fault: Fault
) -> None:
    segments = account.create(None, None, None)
    update(account, (numbered(100), actions("ADD", *segments)))
    faulty.next("transact_write_items", *[fault, fine] * 3)

    relay.drain()

    assert faulty.waiting == 0
    assert relay.projector.on_failure == []
    assert_projected(tables, account.account_id)
    assert tables.data_points(account.account_id).total() == 300


@pytest.mark.parametrize("fault", [answer_lost, not_sent()], ids=["answer lost", "no connection"])
def test_a_projection_that_fails_in_part_is_delivered_again_from_its_first_failure(
    account: Account, tables: Tables, faulty: FaultyClient, relay: Relay, fault: Fault
) -> None:
    (gold,) = account.create(None)
    for who in ([f"A{index}" for index in range(100)], [f"B{index}" for index in range(60)]):
        update(account, (users(*who), actions("ADD", gold)))
    records = relay.reader.read()
    assert len(records) == 160
    faulty.next("transact_write_items", fault)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Backoff, "wait", lambda _: False)  # the time left allows one attempt and no more
        answer = project_members({"Records": deepcopy(records)}, Context())
    (failure,) = answer["batchItemFailures"]
    done = tables.counts(account.account_id)[gold][MEMBERS]
    assert 0 < done < 160 or fault is answer_lost
    start = sequences(records).index(failure["itemIdentifier"])

    assert project_members({"Records": deepcopy(records[start:])}, Context(60)) == {"batchItemFailures": []}
    assert_projected(tables, account.account_id)
    assert tables.counts(account.account_id) == {gold: Counter({MEMBERS: 160})}
    assert tables.data_points(account.account_id).total() == 160


def test_a_projection_that_cannot_read_segments_is_delivered_again(
    account: Account, tables: Tables, faulty: FaultyClient, relay: Relay
) -> None:
    (gold,) = account.create(None)
    update(account, (numbered(4), actions("ADD", gold)))
    records = relay.reader.read()
    faulty.next("batch_get_item", *[refused("AccessDeniedException")] * 2)

    relay.projector.deliver(records)

    assert relay.projector.on_failure == []
    assert_projected(tables, account.account_id)
    assert tables.data_points(account.account_id).total() == 4


# Accounts


def test_an_account_whose_creation_was_answered_into_the_void_still_gets_its_passcode(faulty: FaultyClient) -> None:
    faulty.next("put_item", answer_lost)
    created = accounts({"operation": "create_account", "name": "Shop", "plan": "Advanced"}, Context())
    assert "passcode" in created, created


def test_a_passcode_whose_addition_was_answered_into_the_void_is_shown(faulty: FaultyClient) -> None:
    created = accounts({"operation": "create_account", "name": "Shop", "plan": "Advanced"}, Context())
    faulty.next("update_item", answer_lost)
    added = accounts({"operation": "add_passcode", "account_id": created["account"]["account_id"]}, Context())
    assert "passcode" in added, added
