"""Updates while DynamoDB throttles, refuses, hangs or loses its answers: nothing is silent, nothing is told twice."""

from typing import Any

import pytest

from api_segments.core.clock import Backoff
from api_segments.http.gateway import RESERVE_SECONDS
from tests.integration.conftest import Account, Relay
from tests.integration.told import (
    A_MOMENT,
    actions,
    codes,
    each_no_connection,
    memberships,
    numbered,
    pairs_not_written,
    send,
    summary,
    update,
    users,
)
from tests.support.faults import (
    NO_CONNECTION,
    Fault,
    FaultyClient,
    answer_lost,
    cancelled,
    fine,
    keys_unprocessed,
    not_sent,
    refused,
    statements_fail,
)
from tests.support.state import Tables, assert_projected

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
    assert memberships(tables, account) == {(f"U{index}", silver) for index in range(30)}


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
    assert {user for user, _ in pairs_not_written(answer)} == {f"U{index}" for index in range(5)} - written

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
    assert memberships(tables, account) == {(f"U{index}", gold) for index in range(30)}


def test_where_some_are_throttled_to_the_end_the_rest_goes_through(
    account: Account, tables: Tables, faulty: FaultyClient
) -> None:
    gold, silver = account.create(None, None)
    update(account, (numbered(6), actions("ADD", gold)))
    hot = {f"{account.account_id}#{tables.profile_of(account.account_id, name)}" for name in ("U0", "U4")}
    faulty.always("batch_execute_statement", statements_fail("ThrottlingError", users=hot, indexes=()))

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
    expected = {(f"U{index}", segment) for index in range(60) for segment in (gold, silver)}
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
    assert memberships(tables, account) == {(f"U{index}", silver) for index in range(3)}


@pytest.mark.parametrize(("action", "counted_as"), [("ADD", "added"), ("REMOVE", "removed")])
def test_changes_whose_answer_was_lost_are_told_as_unchanged_and_have_their_events_all_the_same(  # noqa: PLR0913 - all that takes part
    account: Account, tables: Tables, faulty: FaultyClient, relay: Relay, *, action: str, counted_as: str
) -> None:
    """As docs/api.md says of the answer: it never counts what did not change, and may miss what did."""
    gold, silver = account.create(None, None)
    segment = {"ADD": silver, "REMOVE": gold}[action]
    update(account, (numbered(30), actions("ADD", gold)))
    relay.drain()
    faulty.next("batch_execute_statement", answer_lost)

    _, answer, _ = update(account, (numbered(30), actions(action, segment)))

    told = answer["summary"]
    assert answer["processed"] == 30
    assert {told[counted_as], told["unchanged"]} == {5, 25}
    assert len(memberships(tables, account)) == {"ADD": 60, "REMOVE": 0}[action]
    relay.drain()
    assert_projected(tables, account.account_id)
    assert tables.data_points(account.account_id).total() == 60
    changes = [event for event in relay.bus.details(account.account_id) if event["Segment ID"] == segment]
    events = sorted(event["Identity"] for event in changes if event["Action"] == action)
    assert events == sorted(f"U{index}" for index in range(30))


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
    assert silvers == {f"U{index}" for index in range(30)}  # not known to be written is not known not to be


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
