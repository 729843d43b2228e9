"""What begins a reconciliation, and what it does about segments that were deleted."""

from collections.abc import Callable
from typing import Any

import pytest

from api_segments.aws import keys
from api_segments.core.errors import NotWrittenError
from api_segments.repair.reconciliation import PURGE_OVERDUE_SECONDS
from functions.reconcile.app import handler as reconcile
from tests.integration.after_deletion import deleted_item, deliver, message, segments_in
from tests.integration.conftest import Account, Relay
from tests.integration.reconciling import NOTHING, Tasks, accounts, delete_row, row_key, run, segment, tasks
from tests.integration.told import A_MOMENT
from tests.support.clock import MovableClock
from tests.support.events import Context
from tests.support.faults import FaultyClient, refused
from tests.support.state import Tables

Json = Any
Environment = dict[str, str]

__all__ = ["accounts", "segment", "tasks"]  # fixtures


def test_a_deleted_segment_is_left_to_its_purge(
    account: Account, segment: int, tasks: Tasks, capsys: pytest.CaptureFixture[str]
) -> None:
    account.delete(segment)
    assert run(account, tasks, capsys) == NOTHING
    assert tasks.purges == []


@pytest.mark.parametrize("is_asked_for_alone", [False, True])
def test_a_segment_whose_deletion_was_never_told_is_purged(  # noqa: PLR0913, PLR0917 - fixtures
    account: Account,
    segment: int,
    relay: Relay,
    tasks: Tasks,
    tables: Tables,
    clock: MovableClock,
    *,
    is_asked_for_alone: bool,
) -> None:
    account.delete(segment)
    clock.move(seconds=PURGE_OVERDUE_SECONDS + 1)
    scope = {"account_id": account.account_id, "segment_id": segment if is_asked_for_alone else None}
    tasks.waiting.append({"scope": scope, "position": {"stage": "profiles"}})
    tasks.work()
    assert tasks.purges == [message(account.account_id, segment)]
    while tasks.purges:
        deliver(tasks.purges.pop(0))
        relay.drain()
        clock.move(seconds=150)
    assert segment not in segments_in(tables, account)
    assert "purged_at" in deleted_item(tables, account, segment)

    tasks.waiting.append({"scope": scope, "position": {"stage": "profiles"}})
    tasks.work()
    assert tasks.purges == [], "it has been purged"


def test_the_counts_of_a_segment_that_is_being_purged_are_left_alone(
    account: Account, segment: int, relay: Relay, tasks: Tasks, tables: Tables
) -> None:
    account.delete(segment)
    deliver(message(account.account_id, segment))
    relay.drain()
    position = {"stage": "counts", "segment_id": segment}
    tasks.waiting.append({"scope": {"account_id": account.account_id}, "position": position})
    tasks.work()
    assert tables.purged(account.account_id) == {segment: 10}


def test_a_member_of_a_purged_segment_whose_record_was_lost_is_taken_out(  # noqa: PLR0913, PLR0917 - fixtures
    account: Account,
    segment: int,
    relay: Relay,
    tasks: Tasks,
    tables: Tables,
    environment: Environment,
    capsys: pytest.CaptureFixture[str],
) -> None:
    account.delete(segment)
    tables.client.update_item(
        TableName=environment["SEGMENTS_TABLE"],
        Key={"account_id": {"S": account.account_id}, "sk": {"S": keys.deleted_segment(segment)}},
        UpdateExpression="SET purged_at = :now",
        ExpressionAttributeValues={":now": {"S": "2026-11-25T00:00:00.000000Z"}},
    )
    profile_id = str(tables.profile_of(account.account_id, "U5"))
    delete_row(tables.client, environment, row_key(account, segment, profile_id))
    told = len(relay.bus.entries)
    assert run(account, tasks, capsys) == NOTHING | {"MembersTakenOut": 1}
    relay.drain()
    assert segment not in tables.memberships(account.account_id)[profile_id].get("segment_ids", ())
    assert "Segment Membership Change" not in [entry["DetailType"] for entry in relay.bus.entries[told:]]
    assert run(account, tasks, capsys) == NOTHING


# What begins it


def test_the_schedule_reconciles_every_account(
    account: Account, new_account: Callable[[], Account], tasks: Tasks, accounts: Callable[..., Json]
) -> None:
    wanted = {account.account_id, new_account().account_id}
    for account_id in wanted:
        accounts(operation="create_account", account_id=account_id, name="A shop", plan="Advanced")
    answer = reconcile({"operation": "reconcile_all"}, Context())
    begun = [task["scope"]["account_id"] for task in tasks.waiting if "position" in task]
    assert answer == {"status": "success", "begun": len(begun)}
    assert wanted <= set(begun)
    assert len(begun) == len(set(begun))
    assert all(task["scope"]["segment_id"] is None for task in tasks.waiting)
    tasks.work()


@pytest.mark.parametrize("segment_id", [None, 1763901234567890])
def test_an_account_or_a_segment_of_it_is_reconciled_when_asked_for(
    account: Account, tasks: Tasks, accounts: Callable[..., Json], segment_id: int | None
) -> None:
    accounts(operation="create_account", account_id=account.account_id, name="A shop", plan="Advanced")
    further = {"segment_id": segment_id} if segment_id else {}
    operation = "reconcile_segment" if segment_id else "reconcile_account"
    answer = reconcile({"operation": operation, "account_id": account.account_id, **further}, Context())
    assert answer == {"status": "success", "begun": 1}
    assert [list(task)[1] for task in tasks.waiting] == (["position"] if segment_id else ["history", "position"])
    assert all(task["scope"] == {"account_id": account.account_id, "segment_id": segment_id} for task in tasks.waiting)
    further_tasks = ["of addresses", "of suppressions", "of imports and exports"]
    assert tasks.work() == (1 if segment_id else 2 + len(further_tasks))
    assert tasks.work() == 0


@pytest.mark.parametrize("operation", ["reconcile_all", "reconcile_account"])
def test_what_can_not_be_begun_now_fails_for_lambda_to_try_again(
    account: Account, tasks: Tasks, faulty: FaultyClient, operation: str
) -> None:
    for call in ("query", "get_item", "batch_get_item"):
        faulty.always(call, refused("ThrottlingException"))
    further = {"account_id": account.account_id} if operation == "reconcile_account" else {}
    with pytest.raises(NotWrittenError):
        reconcile({"operation": operation, **further}, Context(A_MOMENT))
    assert tasks.waiting == []


@pytest.mark.parametrize(
    ("request_", "error"),
    [
        ({}, "body: 'operation' is required"),
        ({"operation": "reconcile"}, "body: 'operation' must be one of"),
        ({"operation": "reconcile_account"}, "account_id: is required"),
        ({"operation": "reconcile_account", "account_id": "NO-SUCH-ONE"}, "there is no account"),
        ({"operation": "reconcile_segment", "account_id": "ABC", "segment_id": "1"}, "segment_id: "),
    ],
)
def test_a_request_that_makes_no_sense_is_refused_and_begins_nothing(request_: Json, error: str, tasks: Tasks) -> None:
    answer = reconcile(request_, Context())
    assert answer["status"] == "fail"
    assert error in answer["error"]
    assert tasks.waiting == []
