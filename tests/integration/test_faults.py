"""Nothing is lost, denied or counted twice when DynamoDB throttles, fails, or its answer never comes."""

import socket
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from functools import partial
from random import Random
from threading import Event as Signal
from typing import TYPE_CHECKING, Any

import pytest

from functions.accounts.app import handler as accounts
from functions.create_segment.app import handler as create_segment
from functions.project_members.app import handler as project_members
from functions.update_segment.app import handler as update_segment
from segments import clients
from segments.clock import Backoff
from segments.edge.http import RESERVE_SECONDS
from segments.stores.dynamodb import in_parallel
from tests.integration.conftest import Account, Relay
from tests.support.events import Context, body_of, with_body
from tests.support.faults import (
    NO_CONNECTION,
    Fault,
    FaultyClient,
    answer_lost,
    cancelled,
    fine,
    items_unprocessed,
    keys_unprocessed,
    not_sent,
    refused,
    statements_fail,
)
from tests.support.records import sequences
from tests.support.state import MEMBERS, Tables, assert_projected
from tests.support.threads import at_once

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

Json = Any
Pair = tuple[str, int]
"""A user and a segment."""

A_MOMENT = RESERVE_SECONDS + 0.4

each_no_connection = pytest.mark.parametrize("error", NO_CONNECTION, ids=lambda error: type(error).__name__)


def users(*names: str) -> list[Json]:
    return [{"identity": name} for name in names]


def numbered(count: int) -> list[Json]:
    return users(*[f"U{place}" for place in range(count)])


def actions(action: str, *segment_ids: int) -> list[Json]:
    return [{"ct_segment_id": segment_id, "action": action} for segment_id in segment_ids]


def send(account: Account, function: str, body: Json, seconds: float = 28) -> tuple[int, Json, Json]:
    """Send a request; return status, body and headers."""
    handler = {"create_segment": create_segment, "update_segment": update_segment}[function]
    answer = handler(with_body(function, account.account_id, body), Context(seconds))
    return answer["statusCode"], body_of(answer), answer["headers"]


def update(account: Account, *groups: tuple[list[Json], list[Json]], seconds: float = 28) -> tuple[int, Json, Json]:
    """Send an update; each of its pairs must have been told once: counted as processed, or listed as not."""
    groups_body = [{"user_profiles": who, "segments": what} for who, what in groups]
    status, answer, headers = send(account, "update_segment", {"bulk_profiles": groups_body}, seconds)
    if "processed" in answer:
        asked = {pair for group in groups_body for pair in pairs_of(group)}
        listed = pairs_not_written(answer)
        assert len(listed) == len(set(listed)), "told twice"
        assert set(listed) <= asked
        assert answer["processed"] + len(listed) == len(asked)
        summary = answer["summary"]
        assert summary["added"] + summary["removed"] + summary["unchanged"] == answer["processed"]
        word = "success" if not listed else "partial" if answer["processed"] else "fail"
        assert answer["status"] == word
    return status, answer, headers


def pairs_of(group: Json) -> list[Pair]:
    return [
        (user.get("identity") or user["guid"], int(segment["ct_segment_id"]))
        for user in group["user_profiles"]
        for segment in group["segments"]
    ]


def pairs_not_written(answer: Json) -> list[Pair]:
    return [pair for entry in answer["unprocessed"] for pair in pairs_of(entry["record"])]


def codes(answer: Json) -> Counter[int]:
    return Counter(entry["code"] for entry in answer["unprocessed"])


def memberships(tables: Tables, account: Account) -> set[Pair]:
    return pairs_in(tables.memberships(account.account_id))


def pairs_in(items: Json) -> set[Pair]:
    return {
        (item.get("identity") or item["profile_id"], int(segment_id))
        for item in items.values()
        for segment_id in item.get("segment_ids", ())
    }


def summary(**figures: int) -> dict[str, int]:
    return {"added": 0, "removed": 0, "unchanged": 0, "profiles_created": 0, **figures}


# Errors of single statements, inside a good answer


@pytest.mark.parametrize(
    "code", ["ThrottlingError", "ProvisionedThroughputExceeded", "TransactionConflict", "InternalServerError"]
)
def test_statements_that_may_pass_are_repeated_and_only_those(
    account: Account, tables: Tables, faulty: FaultyClient, code: str
) -> None:
    gold, silver = account.create(None, None)
    update(account, (numbered(30), actions("ADD", gold)))
    faulty.next(
        "batch_execute_statement", *[statements_fail(code, range(0, 25, 2))] * 3, statements_fail(code, range(5))
    )

    _, answer, headers = update(account, (numbered(30), actions("ADD", silver) + actions("REMOVE", gold)))

    assert faulty.waiting == 0
    assert answer["summary"] == summary(added=30, removed=30)
    assert "Retry-After" not in headers
    assert memberships(tables, account) == {(f"U{place}", silver) for place in range(30)}


def test_a_statement_that_is_refused_for_good_is_told_and_the_others_are_written(
    account: Account, tables: Tables, faulty: FaultyClient
) -> None:
    gold, silver = account.create(None, None)
    update(account, (numbered(5), actions("ADD", gold)))
    faulty.next("batch_execute_statement", statements_fail("ValidationError", [1, 3]))

    status, answer, headers = update(account, (numbered(5), actions("ADD", silver)))

    assert (status, answer["summary"], codes(answer)) == (200, summary(added=3), {503: 2})
    assert "Retry-After" in headers
    assert faulty.calls["batch_execute_statement"] == 1
    written = {user for user, segment in memberships(tables, account) if segment == silver}
    assert {user for user, _ in pairs_not_written(answer)} == {f"U{place}" for place in range(5)} - written

    again = {"bulk_profiles": [entry["record"] for entry in answer["unprocessed"]]}
    _, answer, _ = send(account, "update_segment", again)
    assert (answer["status"], answer["summary"]) == ("success", summary(added=2))


def test_of_a_user_whose_removes_fail_the_adds_still_count(
    account: Account, tables: Tables, faulty: FaultyClient
) -> None:
    gold, silver = account.create(None, None)
    update(account, (users("a"), actions("ADD", gold)))

    def removes_fail(send_on: Any, arguments: Any) -> Any:
        fault = statements_fail("ThrottlingError") if "set_delete" in str(arguments) else fine
        return fault(send_on, arguments)

    faulty.always("batch_execute_statement", removes_fail)
    status, answer, _ = update(
        account, (users("a"), actions("ADD", silver) + actions("REMOVE", gold)), seconds=A_MOMENT
    )

    assert (status, answer["summary"], codes(answer)) == (200, summary(added=1), {429: 1})
    assert pairs_not_written(answer) == [("a", gold)]
    assert memberships(tables, account) == {("a", gold), ("a", silver)}


@pytest.mark.parametrize("half", ["set_add", "set_delete"])
def test_a_user_who_is_missing_for_one_half_of_a_change_is_told_each_pair_once(
    account: Account, tables: Tables, faulty: FaultyClient, half: str
) -> None:
    gold, silver = account.create(None, None)
    update(account, (users("a"), actions("ADD", gold)))

    def missing_for_one_half(send_on: Any, arguments: Any) -> Any:
        missing = statements_fail("ConditionalCheckFailed") if half in str(arguments) else fine
        return missing(send_on, arguments)

    faulty.next("batch_execute_statement", missing_for_one_half, missing_for_one_half)
    _, answer, _ = update(account, (users("a"), actions("ADD", silver) + actions("REMOVE", gold)))

    assert answer["status"] == "success"
    assert answer["summary"]["added"] == 1
    assert len(tables.memberships(account.account_id)) == 1
    assert ("a", silver) in memberships(tables, account)


@pytest.mark.parametrize(
    "fault",
    [statements_fail("ThrottlingError"), refused("ThrottlingException"), refused("RequestLimitExceeded")],
    ids=["each statement", "the call", "the account's limit"],
)
def test_updates_that_are_all_throttled_are_told_to_come_again(
    account: Account, tables: Tables, faulty: FaultyClient, fault: Fault
) -> None:
    gold, silver = account.create(None, None)
    update(account, (numbered(30), actions("ADD", gold)))
    faulty.always("batch_execute_statement", fault)

    status, answer, headers = update(account, (numbered(30), actions("ADD", gold, silver)), seconds=A_MOMENT)

    assert (status, answer["status"], codes(answer)) == (429, "fail", {429: 60})
    assert int(headers["Retry-After"]) >= 1
    assert faulty.calls["batch_execute_statement"] > 4  # it was tried more than once
    assert memberships(tables, account) == {(f"U{place}", gold) for place in range(30)}


def test_where_some_are_throttled_to_the_end_the_rest_goes_through(
    account: Account, tables: Tables, faulty: FaultyClient
) -> None:
    gold, silver = account.create(None, None)
    update(account, (numbered(6), actions("ADD", gold)))
    hot = {f"{account.account_id}#{tables.profile_of(account.account_id, name)}" for name in ("U0", "U4")}
    faulty.always("batch_execute_statement", statements_fail("ThrottlingError", users=hot, places=()))

    status, answer, headers = update(account, (numbered(7), actions("ADD", silver)), seconds=A_MOMENT)

    assert (status, answer["summary"], codes(answer)) == (200, summary(added=5, profiles_created=1), {429: 2})
    assert "Retry-After" in headers
    assert {user for user, _ in pairs_not_written(answer)} == {"U0", "U4"}


# Reads


def test_keys_left_unprocessed_are_read_again(account: Account, faulty: FaultyClient) -> None:
    segments = account.create(*[None] * 5)
    faulty.next("batch_get_item", *[keys_unprocessed] * 4)
    _, answer, _ = update(account, (numbered(5), actions("ADD", *segments)))
    assert faulty.waiting == 0
    assert answer["summary"] == summary(added=25, profiles_created=5)


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (keys_unprocessed, 429),
        (refused("ProvisionedThroughputExceededException"), 429),
        (refused("InternalServerError", 500), 503),
        (not_sent(), 503),
        (refused("AccessDeniedException"), 503),
    ],
    ids=["unprocessed", "throttled", "internal error", "no connection", "denied"],
)
def test_a_request_whose_reads_fail_changes_nothing_and_lists_every_pair(
    account: Account, tables: Tables, faulty: FaultyClient, fault: Fault, code: int
) -> None:
    (gold,) = account.create(None)
    faulty.always("batch_get_item", fault)

    status, answer, headers = update(account, (numbered(3), actions("ADD", gold)), seconds=A_MOMENT)

    assert (status, answer["status"], codes(answer)) == (code, "fail", {code: 3})
    assert "Retry-After" in headers
    assert memberships(tables, account) == set()


# Creating users


@pytest.mark.parametrize(
    "fault",
    [
        cancelled("TransactionConflict"),
        cancelled("ThrottlingError"),
        cancelled("ProvisionedThroughputExceeded"),
        refused("TransactionInProgressException"),
        refused("ThrottlingException"),
        refused("InternalServerError", 500),
        *map(not_sent, NO_CONNECTION),
        answer_lost,
    ],
    ids=[
        "conflict",
        "throttled",
        "capacity",
        "in progress",
        "call throttled",
        "internal error",
        *(type(error).__name__ for error in NO_CONNECTION),
        "answer lost",
    ],
)
def test_new_users_are_created_once_whatever_came_between(
    account: Account, tables: Tables, faulty: FaultyClient, fault: Fault
) -> None:
    gold, silver = account.create(None, None)
    faulty.next("transact_write_items", fault, fault)

    _, answer, _ = update(
        account, (numbered(60), actions("ADD", gold, silver)), ([{"guid": "anonymous"}], actions("ADD", gold))
    )

    assert faulty.waiting == 0
    assert answer["summary"] == summary(added=121, profiles_created=61)
    expected = {(f"U{place}", segment) for place in range(60) for segment in (gold, silver)}
    assert memberships(tables, account) == expected | {("anonymous", gold)}
    assert len(tables.memberships(account.account_id)) == 61


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (cancelled("ThrottlingError"), 429),
        (cancelled("TransactionConflict"), 503),
        (cancelled("ValidationError"), 503),
        (not_sent(), 503),
    ],
    ids=["throttled", "conflict", "refused", "no connection"],
)
def test_users_who_cannot_be_created_are_told_and_are_not_there(
    account: Account, tables: Tables, faulty: FaultyClient, fault: Fault, code: int
) -> None:
    (gold,) = account.create(None)
    faulty.always("transact_write_items", fault)

    status, answer, headers = update(account, (numbered(60), actions("ADD", gold)), seconds=A_MOMENT)

    assert (status, codes(answer)) == (code, {code: 60})
    assert "Retry-After" in headers
    assert tables.memberships(account.account_id) == {}

    faulty.heal()
    _, answer, _ = send(
        account, "update_segment", {"bulk_profiles": [entry["record"] for entry in answer["unprocessed"]]}
    )
    assert answer["summary"] == summary(added=60, profiles_created=60)


def test_a_creation_without_time_for_its_answer_is_not_claimed_and_can_be_sent_again(
    account: Account, tables: Tables, faulty: FaultyClient
) -> None:
    (gold,) = account.create(None)
    faulty.next("transact_write_items", answer_lost)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Backoff, "wait", lambda _: False)  # the time left allows one attempt and no more
        status, answer, _ = update(account, (numbered(3), actions("ADD", gold)))
    assert (status, codes(answer)) == (503, {503: 3})

    _, answer, _ = update(account, (numbered(3), actions("ADD", gold)))
    assert answer["summary"] == summary(unchanged=3)
    assert len(tables.memberships(account.account_id)) == 3


# Answers that are lost, and time that runs out


@each_no_connection
@pytest.mark.parametrize("operation", ["batch_get_item", "batch_execute_statement"])
def test_a_call_that_never_arrives_is_made_again(
    account: Account, tables: Tables, faulty: FaultyClient, operation: str, error: Exception
) -> None:
    gold, silver = account.create(None, None)
    update(account, (numbered(3), actions("ADD", gold)))
    faulty.next(operation, not_sent(error), not_sent(error))

    _, answer, _ = update(account, (numbered(3), actions("ADD", silver) + actions("REMOVE", gold)))

    assert faulty.waiting == 0
    assert answer["summary"] == summary(added=3, removed=3)
    assert memberships(tables, account) == {(f"U{place}", silver) for place in range(3)}


def test_changes_whose_answer_was_lost_are_told_as_unchanged_and_never_denied(
    account: Account, tables: Tables, faulty: FaultyClient, relay: Relay
) -> None:
    gold, silver = account.create(None, None)
    update(account, (numbered(30), actions("ADD", gold)))
    faulty.next("batch_execute_statement", answer_lost)

    _, answer, _ = update(account, (numbered(30), actions("ADD", silver)))

    told = answer["summary"]
    assert answer["processed"] == 30
    assert {told["added"], told["unchanged"]} == {5, 25}
    assert len(memberships(tables, account)) == 60
    relay.drain()
    assert_projected(tables, account.account_id)
    assert tables.data_points(account.account_id).total() == 60


def test_changes_without_time_for_their_answer_are_listed(
    account: Account, tables: Tables, faulty: FaultyClient
) -> None:
    gold, silver = account.create(None, None)
    update(account, (numbered(30), actions("ADD", gold)))
    faulty.next("batch_execute_statement", answer_lost)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Backoff, "wait", lambda _: False)  # as above
        status, answer, headers = update(account, (numbered(30), actions("ADD", silver)))

    assert status == 200
    assert "Retry-After" in headers
    assert set(codes(answer)) == {503}
    listed = {user for user, _ in pairs_not_written(answer)}
    assert answer["summary"]["added"] == 30 - len(listed) in {5, 25}
    silvers = {user for user, segment in memberships(tables, account) if segment == silver}
    assert silvers == {f"U{place}" for place in range(30)}  # not known to be written is not known not to be


@pytest.mark.parametrize("seconds", [0.5, RESERVE_SECONDS, RESERVE_SECONDS + 0.1])
def test_a_request_that_begins_with_hardly_any_time_is_answered_whole(
    account: Account, tables: Tables, faulty: FaultyClient, seconds: float
) -> None:
    gold, silver = account.create(None, None)
    update(account, (numbered(2), actions("ADD", gold)))
    faulty.next("batch_execute_statement", statements_fail("ThrottlingError", [0]), statements_fail("ThrottlingError"))

    _, answer, _ = update(account, (numbered(4), actions("ADD", silver) + actions("REMOVE", gold)), seconds=seconds)

    after = memberships(tables, account)
    for user in ("U0", "U1", "U2", "U3"):
        for segment in (gold, silver):
            if (user, segment) not in pairs_not_written(answer):
                assert ((user, segment) in after) == (segment == silver)


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

    ids = account.create(*[f"C{place}" for place in range(100)])

    assert faulty.waiting == 0
    stored = tables.of_account("SEGMENTS_TABLE", account.account_id, "SEGMENT#")
    assert sorted(ids) == sorted(segment["segment_id"] for segment in stored)
    assert tables.active_segments(account.account_id) == 100


@pytest.mark.parametrize(("fault", "code"), [(cancelled("ThrottlingError"), 429), (not_sent(), 503)])
def test_segments_that_cannot_be_created_now_are_listed(
    account: Account, tables: Tables, faulty: FaultyClient, fault: Fault, code: int
) -> None:
    body = [{"segment_name": f"S{place}", "customer_segment_id": f"C{place}"} for place in range(100)]
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
    for who in ([f"A{place}" for place in range(100)], [f"B{place}" for place in range(60)]):
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


# What a fault must not do to others


def test_an_item_that_cannot_be_read_in_full_denies_nobody_his_answer(
    account: Account, tables: Tables, dynamodb: "DynamoDBClient"
) -> None:
    gold, silver = account.create(None, None)
    update(account, (numbered(3), actions("ADD", gold)))
    dynamodb.update_item(
        TableName=tables.environment["MEMBERSHIPS_TABLE"],
        Key={"pk": {"S": f"{account.account_id}#{tables.profile_of(account.account_id, 'U1')}"}},
        UpdateExpression="SET reach = :reach",
        ExpressionAttributeValues={":reach": {"SS": ["telepathy"]}},
    )
    _, answer, _ = update(account, (numbered(3), actions("ADD", silver)))
    assert answer["summary"] == summary(added=3)


def test_parallel_work_ends_before_its_failure_is_told() -> None:
    told, ended = Signal(), Signal()

    def work(name: str) -> None:
        if name == "fails":
            raise ValueError(name)
        told.wait(0.3)  # as long as the failure has not been told
        ended.set()

    with pytest.raises(ValueError, match="fails"):
        in_parallel(work, ["fails", "goes on"])
    had_ended = ended.is_set()
    told.set()
    assert had_ended


@contextmanager
def silent_endpoint() -> Iterator[str]:
    """Take connections and never answer, as a database does that is cut off."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(64)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


def hang(call: Callable[..., Json], _: object, arguments: Json) -> Json:
    return call(**arguments)


@pytest.mark.parametrize(
    "hanging",
    [
        ("batch_get_item",),
        ("batch_execute_statement", "transact_write_items", "batch_write_item"),  # one phase after the other
    ],
)
def test_a_database_that_hangs_does_not_outlast_the_invocation(
    account: Account, faulty: FaultyClient, monkeypatch: pytest.MonkeyPatch, hanging: tuple[str, ...]
) -> None:
    (gold,) = account.create(None)
    update(account, (users("known"), actions("ADD", gold)))
    seconds = 9.0
    asked = users("known", "new"), [*actions("REMOVE", gold), *actions("ADD", 1)]
    both = users("known", "new"), actions("ADD", gold)
    with silent_endpoint() as endpoint, monkeypatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL_DYNAMODB", endpoint)
        silent: Any = clients.dynamodb_client.__wrapped__()
        for operation in hanging:
            faulty.always(operation, partial(hang, getattr(silent, operation)))
        start = time.monotonic()
        status, answer, _ = update(account, asked, both, seconds=seconds)
        took = time.monotonic() - start
        silent.close()
    assert answer["status"] == "fail"
    assert status == (503 if hanging == ("batch_get_item",) else 200)  # 200: an unknown segment is the request's fault
    assert took < seconds, "Lambda would have ended the function without an answer"


# All of it at once

FAULTS: dict[str, list[Callable[[Random], Fault]]] = {
    "batch_get_item": [lambda _: keys_unprocessed, lambda _: not_sent(), lambda _: refused("ThrottlingException")],
    "batch_execute_statement": [
        lambda _: answer_lost,
        lambda _: not_sent(),
        lambda _: refused("ThrottlingException"),
        lambda choice: statements_fail("ThrottlingError", choice.sample(range(25), 12)),
        lambda choice: statements_fail("TransactionConflict", choice.sample(range(25), 12)),
        lambda choice: statements_fail("ValidationError", choice.sample(range(25), 2)),
    ],
    "transact_write_items": [
        lambda _: answer_lost,
        lambda _: not_sent(),
        lambda _: cancelled("TransactionConflict"),
        lambda _: cancelled("ThrottlingError"),
    ],
}


@pytest.mark.parametrize("seed", range(5))
def test_whatever_goes_wrong_each_pair_is_told_once_and_what_is_told_is_true(
    account: Account, tables: Tables, faulty: FaultyClient, relay: Relay, seed: int
) -> None:
    choice = Random(seed)  # noqa: S311 - a seeded test
    segments = account.create(None, None, None)
    before = memberships(tables, account)
    created_before = 0
    for _ in range(12):
        who = choice.sample(numbered(12), choice.randint(1, 12))
        what = [{"ct_segment_id": segment, "action": choice.choice(["ADD", "REMOVE"])} for segment in segments]
        lost = _break_some(faulty, choice)

        _, answer, _ = update(account, (who, what), seconds=choice.choice([A_MOMENT - 0.3, A_MOMENT, 5, 28]))

        faulty.heal()
        items = tables.memberships(account.account_id)
        after, created = pairs_in(items), len(items)
        asked = set(pairs_of({"user_profiles": who, "segments": what}))
        listed = set(pairs_not_written(answer)) if "processed" in answer else asked
        wish = {segment["ct_segment_id"]: segment["action"] for segment in what}
        processed = asked - listed
        assert all((pair in after) == (wish[pair[1]] == "ADD") for pair in processed), "told as done, and is not"
        changed = {pair for pair in processed if (pair in before) != (pair in after)}
        really = Counter("added" if pair in after else "removed" for pair in changed)
        told = Counter(answer.get("summary", {}))
        for name in ("added", "removed"):
            assert told[name] <= really[name]
            assert lost or told[name] == really[name]
        assert told["profiles_created"] <= created - created_before
        assert before ^ after <= asked, "changed, and not asked for"
        before, created_before = after, created

    relay.drain()
    assert_projected(tables, account.account_id)


def _break_some(faulty: FaultyClient, choice: Random) -> bool:
    """Make some of the next calls go wrong; return whether an update's answer may be lost among them."""
    lost = False
    for operation, faults in FAULTS.items():
        made = [choice.choice(faults)(choice) if choice.random() < 0.4 else fine for _ in range(3)]
        lost = lost or (operation == "batch_execute_statement" and answer_lost in made)
        faulty.next(operation, *made)
    return lost


@pytest.mark.usefixtures("side_by_side")
def test_racing_creations_of_one_user_with_lost_answers_count_it_once(
    account: Account, tables: Tables, faulty: FaultyClient
) -> None:
    segments = account.create(*[None] * 6)
    faulty.next("transact_write_items", answer_lost, fine, not_sent(), answer_lost, cancelled("TransactionConflict"))

    answers = at_once([partial(update, account, (users("new"), actions("ADD", segment))) for segment in segments])

    assert len(tables.memberships(account.account_id)) == 1
    assert memberships(tables, account) == {("new", segment) for segment in segments}
    total: Counter[str] = Counter()
    for _, answer, _ in answers:
        total.update(answer["summary"])
    assert total == {"added": 6, "removed": 0, "unchanged": 0, "profiles_created": 1}
