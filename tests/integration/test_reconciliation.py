"""Damage to members and counts is found, mended and told, also while writes go on; what is right is left alone."""

import json
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from functions.accounts.app import handler as accounts_handler
from functions.reconcile.app import handler as reconcile
from segments.clock import SYSTEM_CLOCK
from segments.edge import reconciliation as edge
from segments.edge import wiring
from segments.errors import NotWrittenError
from segments.limits import LOOK_AGAIN_SECONDS, MAX_PAGE, PURGE_OVERDUE_SECONDS
from segments.stores import keys
from tests.integration.after_deletion import deleted_item, deliver, message, segments_in
from tests.integration.conftest import Account, MovableClock, Relay
from tests.integration.told import A_MOMENT, actions, numbered, users
from tests.support.events import Context
from tests.support.faults import Arguments, FaultyClient, Reply, Send, refused
from tests.support.state import Tables, counted, live, turned_round, without_zeros

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

Json = Any
Environment = dict[str, str]


class Tasks:
    """Stands in for SQS's client: keeps the tasks of the function and gives them back to it."""

    def __init__(self, clock: MovableClock) -> None:
        self.clock = clock
        self.waiting: list[Json] = []
        self.put_off: list[Json] = []
        self.purges: list[Json] = []
        self.before_each: Callable[[], object] = lambda: None

    def send_message(self, QueueUrl: str, MessageBody: str, DelaySeconds: int) -> None:  # noqa: N803 - boto3's own names
        assert len(MessageBody) < 256 * 1024
        task = json.loads(MessageBody)
        if QueueUrl.endswith("/purges"):
            self.purges.append(task)
        else:
            assert QueueUrl.endswith("/reconciliations")
            assert DelaySeconds in (0, LOOK_AGAIN_SECONDS)
            (self.put_off if DelaySeconds else self.waiting).append(task)

    def work(self, seconds: float = 60) -> int:
        """Let the function do all that waits, then what was put off; return how many invocations it took."""
        invocations = 0
        while self.waiting or self.put_off:
            if not self.waiting:
                self.clock.sleep(LOOK_AGAIN_SECONDS)
                self.waiting, self.put_off = self.put_off, []
            self.before_each()
            task = self.waiting.pop(0)
            reconcile({"Records": [{"body": json.dumps(task)}]}, Context(seconds))
            invocations += 1
        return invocations


@pytest.fixture
def tasks(monkeypatch: pytest.MonkeyPatch, clock: MovableClock) -> Tasks:
    made = Tasks(clock)
    monkeypatch.setattr(wiring, "sqs_client", lambda: made)
    return made


@pytest.fixture
def accounts(environment: Environment) -> Callable[..., Json]:
    assert environment

    def call(**request: object) -> Json:
        answer = accounts_handler(request, Context())
        assert answer["status"] == "success", answer
        return answer

    return call


@pytest.fixture
def segment(account: Account, relay: Relay) -> int:
    """A segment with ten members, of whom one can be reached, all of it projected."""
    (made, other) = account.create("SEG-1", "SEG-2")
    account.update((numbered(10), actions("ADD", made)), (users("U0"), actions("ADD", other)))
    account.upload({"identity": "U0", "type": "profile", "profileData": {"Email": "ada@example.com"}})
    relay.drain()
    return made


def run(account: Account, tasks: Tasks, capsys: pytest.CaptureFixture[str], seconds: float = 60) -> dict[str, int]:
    """Reconcile the account; return what the metrics lines say was found."""
    tasks.waiting.append({"scope": {"account_id": account.account_id, "segment_id": None}, "place": {}})
    capsys.readouterr()
    tasks.work(seconds)
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines() if "Differences" in line]
    found = {name: int(sum(line[name][0] for line in lines if name in line)) for name in (*NOTHING, "Differences")}
    assert found.pop("Differences") == found["RowsMended"] + found["CountsMended"]
    return found


def agrees(account: Account, tables: Tables) -> bool:
    """Tell whether rows are the truth turned round, and counts those of the rows."""
    rows = live(tables.members(account.account_id))
    counts = without_zeros(tables.counts(account.account_id))
    return rows == turned_round(tables.memberships(account.account_id)) and counts == counted(rows)


NOTHING = {
    "RowsMended": 0,
    "CountsMended": 0,
    "SegmentsBusy": 0,
    "MembersTakenOut": 0,
    "PurgesBegun": 0,
    "ReconciliationsFinished": 1,
}


def test_what_is_right_is_left_alone(
    account: Account, segment: int, tasks: Tasks, clock: MovableClock, capsys: pytest.CaptureFixture[str]
) -> None:
    assert account.members(segment) == 10
    assert run(account, tasks, capsys) == NOTHING
    assert clock.slept == []


def row_key(account: Account, segment: int, profile_id: str) -> Json:
    return {
        "pk": {"S": keys.member_bucket(account.account_id, segment, profile_id)},
        "profile_id": {"S": profile_id},
    }


def delete_row(client: "DynamoDBClient", environment: Environment, key: Json) -> None:
    client.delete_item(TableName=environment["SEGMENT_MEMBERS_TABLE"], Key=key)


def wrong_reach(client: "DynamoDBClient", environment: Environment, key: Json) -> None:
    client.update_item(
        TableName=environment["SEGMENT_MEMBERS_TABLE"],
        Key=key,
        UpdateExpression="SET reach = :reach",
        ExpressionAttributeValues={":reach": {"SS": ["push"]}},
    )


def wrong_identity(client: "DynamoDBClient", environment: Environment, key: Json) -> None:
    client.update_item(
        TableName=environment["SEGMENT_MEMBERS_TABLE"],
        Key=key,
        UpdateExpression="SET #identity = :identity",
        ExpressionAttributeNames={"#identity": "identity"},
        ExpressionAttributeValues={":identity": {"S": "somebody else"}},
    )


def tombstone(client: "DynamoDBClient", environment: Environment, key: Json) -> None:
    client.update_item(
        TableName=environment["SEGMENT_MEMBERS_TABLE"],
        Key=key,
        UpdateExpression="SET expires_at = :soon",
        ExpressionAttributeValues={":soon": {"N": "9999999999"}},
    )


@pytest.mark.parametrize("damage", [delete_row, wrong_reach, wrong_identity, tombstone])
def test_a_row_that_is_missing_or_wrong_is_mended(  # noqa: PLR0913, PLR0917 - fixtures
    damage: Callable[["DynamoDBClient", Environment, Json], None],
    account: Account,
    segment: int,
    tasks: Tasks,
    tables: Tables,
    environment: Environment,
    capsys: pytest.CaptureFixture[str],
) -> None:
    profile_id = tables.profile_of(account.account_id, "U0")
    assert profile_id
    damage(tables.client, environment, row_key(account, segment, profile_id))
    assert not agrees(account, tables)

    found = run(account, tasks, capsys)

    assert (found["RowsMended"], found["ReconciliationsFinished"]) == (1, 1)
    assert agrees(account, tables)
    assert account.reachable(segment) == {"email": 1}
    assert run(account, tasks, capsys) == NOTHING


def test_a_row_of_a_user_who_is_no_member_is_taken_away(  # noqa: PLR0913, PLR0917 - fixtures
    account: Account,
    segment: int,
    tasks: Tasks,
    tables: Tables,
    environment: Environment,
    capsys: pytest.CaptureFixture[str],
) -> None:
    item = {
        **row_key(account, segment, "stranger"),
        "sequence": {"S": "0" * 39 + "1"},
        "added_at": {"S": "2026-11-23T00:00:00.000000Z"},
    }
    tables.client.put_item(TableName=environment["SEGMENT_MEMBERS_TABLE"], Item=item)
    found = run(account, tasks, capsys)
    assert found["RowsMended"] == 1
    # The damage had not touched the counts: first they were made to count the row, then it left them.
    assert found["CountsMended"] == 1
    assert agrees(account, tables)


@pytest.mark.parametrize("name", ["members", "reachable_email", "reachable_push"])
@pytest.mark.parametrize("slot", [0, 7])
def test_counts_that_are_wrong_in_any_slot_are_corrected(  # noqa: PLR0913, PLR0917 - fixtures
    name: str,
    slot: int,
    account: Account,
    segment: int,
    tasks: Tasks,
    tables: Tables,
    environment: Environment,
    capsys: pytest.CaptureFixture[str],
) -> None:
    tables.client.update_item(
        TableName=environment["SEGMENTS_TABLE"],
        Key={"account_id": {"S": account.account_id}, "sk": {"S": keys.segment_counts(segment)[slot]}},
        UpdateExpression="SET as_of = :now ADD #name :wrong",
        ExpressionAttributeNames={"#name": name},
        ExpressionAttributeValues={":now": {"S": "2026-11-23T00:00:00.000000Z"}, ":wrong": {"N": "7"}},
    )
    assert run(account, tasks, capsys) == NOTHING | {"CountsMended": 1}
    assert (account.members(segment), account.reachable(segment)) == (10, {"email": 1})


def test_damage_is_mended_while_writes_go_on_and_what_comes_after_is_counted_right(  # noqa: PLR0913, PLR0917 - fixtures
    account: Account,
    segment: int,
    relay: Relay,
    tasks: Tasks,
    tables: Tables,
    environment: Environment,
    clock: MovableClock,
    capsys: pytest.CaptureFixture[str],
) -> None:
    profiles = [tables.profile_of(account.account_id, f"U{place}") for place in range(10)]
    for profile_id in profiles[:5]:
        delete_row(tables.client, environment, row_key(account, segment, str(profile_id)))
    writes: Iterator[Callable[[], object]] = iter(
        [
            lambda: account.update(
                (users("U0", "U7"), actions("REMOVE", segment)), (users("N1"), actions("ADD", segment))
            ),
            relay.drain,
            lambda: account.update((users("U1"), actions("REMOVE", segment))),
        ]
    )
    sleep = clock.sleep

    def write_meanwhile(seconds: float) -> None:
        next(writes, lambda: None)()
        sleep(seconds)

    clock.sleep = write_meanwhile  # type: ignore[method-assign]
    tasks.before_each = next(writes)
    run(account, tasks, capsys)
    for write in writes:
        write()
    run(account, tasks, capsys)
    relay.drain()
    run(account, tasks, capsys)
    assert agrees(account, tables)
    assert account.members(segment) == 8
    assert run(account, tasks, capsys) == NOTHING


def test_a_change_that_the_stream_has_yet_to_bring_counts_its_data_point_and_event(  # noqa: PLR0913, PLR0917 - fixtures
    account: Account, segment: int, relay: Relay, tasks: Tasks, tables: Tables, capsys: pytest.CaptureFixture[str]
) -> None:
    """A row mended ahead of its record: the record is applied to it all the same."""
    points = account.usage()[1]["data_points"]
    account.update((users("NEW"), actions("ADD", segment)), (users("U3"), actions("REMOVE", segment)))
    assert run(account, tasks, capsys)["RowsMended"] == 2
    assert account.members(segment) == 10
    relay.drain()
    assert agrees(account, tables)
    assert account.usage()[1]["data_points"] == points + 2
    account.update((users("NEW"), actions("REMOVE", segment)))
    relay.drain()
    assert agrees(account, tables)


def test_it_goes_on_where_its_time_was_up(  # noqa: PLR0913, PLR0917 - fixtures
    account: Account,
    segment: int,
    tasks: Tasks,
    tables: Tables,
    environment: Environment,
    relay: Relay,
    faulty: FaultyClient,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for start in range(0, 250, 100):
        people = [{"identity": f"M{place}"} for place in range(start, min(start + 100, 250))]
        account.update((people, actions("ADD", segment)))
    relay.drain()
    lost = sorted(tables.memberships(account.account_id))[::7]
    for profile_id in lost:
        delete_row(tables.client, environment, row_key(account, segment, profile_id))
    passed = 0.0

    def takes_long(send: Send, arguments: Arguments) -> Reply:
        nonlocal passed
        passed += 3
        return send(**arguments)

    monkeypatch.setattr(SYSTEM_CLOCK, "monotonic", lambda: time.monotonic() + passed)
    faulty.always("query", takes_long)
    tasks.waiting.append({"scope": {"account_id": account.account_id, "segment_id": segment}, "place": {}})
    assert tasks.work(seconds=120) > 1
    assert agrees(account, tables)


def test_a_segment_that_is_too_large_to_count_in_time_is_told_and_the_others_are_counted(  # noqa: PLR0913, PLR0917 - fixtures
    account: Account,
    segment: int,
    tasks: Tasks,
    tables: Tables,
    faulty: FaultyClient,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    passed = 0.0

    def takes_for_ever(send: Send, arguments: Arguments) -> Reply:
        nonlocal passed
        is_counting = arguments.get("Limit", 0) > MAX_PAGE / 2 and f"#{segment:016d}#15" in str(arguments)
        passed += 1000 if is_counting else 0
        return send(**arguments)

    monkeypatch.setattr(SYSTEM_CLOCK, "monotonic", lambda: time.monotonic() + passed)
    faulty.always("query", takes_for_ever)
    found = run(account, tasks, capsys)
    assert (found["SegmentsBusy"], found["ReconciliationsFinished"]) == (1, 1)
    assert agrees(account, tables)


def test_other_accounts_and_segments_are_left_alone_when_one_segment_is_asked_for(  # noqa: PLR0913, PLR0917 - fixtures
    account: Account,
    new_account: Callable[[], Account],
    segment: int,
    tasks: Tasks,
    tables: Tables,
    environment: Environment,
) -> None:
    other = next(row["id"] for row in account.listed()["segments"] if row["id"] != segment)
    profile_id = str(tables.profile_of(account.account_id, "U0"))
    for each in (segment, other):
        delete_row(tables.client, environment, row_key(account, each, profile_id))
    tasks.waiting.append({"scope": {"account_id": account.account_id, "segment_id": segment}, "place": {}})
    tasks.waiting.append({"scope": {"account_id": new_account().account_id, "segment_id": segment}, "place": {}})
    tasks.work()
    assert {row for row in live(tables.members(account.account_id)) if row[1] == profile_id} == {(segment, profile_id)}


def test_a_record_that_is_minutes_late_is_no_difference(  # noqa: PLR0913, PLR0917 - fixtures
    account: Account,
    segment: int,
    relay: Relay,
    tasks: Tasks,
    tables: Tables,
    clock: MovableClock,
    capsys: pytest.CaptureFixture[str],
) -> None:
    account.update((users("NEW"), actions("ADD", segment)), (users("U3"), actions("REMOVE", segment)))
    sleep = clock.sleep

    def brings_them(seconds: float) -> None:
        sleep(seconds)
        relay.drain()

    clock.sleep = brings_them  # type: ignore[method-assign]
    assert run(account, tasks, capsys) == NOTHING
    assert clock.slept == [LOOK_AGAIN_SECONDS], "they were looked at twice"
    assert agrees(account, tables)


def test_a_row_whose_user_has_changed_between_two_looks_is_left_to_the_stream(  # noqa: PLR0913, PLR0917 - fixtures
    account: Account,
    segment: int,
    relay: Relay,
    tasks: Tasks,
    tables: Tables,
    clock: MovableClock,
    capsys: pytest.CaptureFixture[str],
) -> None:
    account.update((users("NEW", "U1"), actions("ADD", segment)), (users("U3"), actions("REMOVE", segment)))
    sleep = clock.sleep

    def changes_them(seconds: float) -> None:
        sleep(seconds)
        account.upload({"identity": "NEW", "type": "profile", "profileData": {"Email": "new@example.com"}})
        account.update((users("U3"), actions("ADD", segment)))
        account.upload({"identity": "U3", "type": "profile", "profileData": {"Email": "u3@example.com"}})

    clock.sleep = changes_them  # type: ignore[method-assign]
    assert run(account, tasks, capsys) == NOTHING
    clock.sleep = sleep  # type: ignore[method-assign]
    relay.drain()
    assert agrees(account, tables)


def test_many_rows_are_looked_at_again_in_messages_that_sqs_takes_and_go_on_where_the_time_was_up(  # noqa: PLR0913, PLR0917 - fixtures
    account: Account,
    segment: int,
    tasks: Tasks,
    tables: Tables,
    environment: Environment,
    relay: Relay,
    faulty: FaultyClient,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    account.update(([{"identity": f"M{place}"} for place in range(100)], actions("ADD", segment)))
    relay.drain()
    for profile_id in tables.memberships(account.account_id):
        delete_row(tables.client, environment, row_key(account, segment, profile_id))
    passed = 0.0

    def takes_long(send: Send, arguments: Arguments) -> Reply:
        nonlocal passed
        passed += 100
        return send(**arguments)

    monkeypatch.setattr(SYSTEM_CLOCK, "monotonic", lambda: time.monotonic() + passed)
    monkeypatch.setattr(edge, "SUSPECTS_PER_TASK", 70)
    faulty.always("transact_write_items", takes_long)
    found = run(account, tasks, capsys)
    assert found["RowsMended"] == 110
    assert agrees(account, tables)


# Deleted segments


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
    clock.ahead += timedelta(seconds=PURGE_OVERDUE_SECONDS + 1)
    scope = {"account_id": account.account_id, "segment_id": segment if is_asked_for_alone else None}
    tasks.waiting.append({"scope": scope, "place": {}})
    tasks.work()
    assert tasks.purges == [message(account.account_id, segment)]
    while tasks.purges:
        deliver(tasks.purges.pop(0))
        relay.drain()
        clock.ahead += timedelta(seconds=150)
    assert segment not in segments_in(tables, account)
    assert "purged_at" in deleted_item(tables, account, segment)

    tasks.waiting.append({"scope": scope, "place": {}})
    tasks.work()
    assert tasks.purges == [], "it has been purged"


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
    begun = [task["scope"]["account_id"] for task in tasks.waiting]
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
    (task,) = tasks.waiting
    assert task["scope"] == {"account_id": account.account_id, "segment_id": segment_id}
    assert tasks.work() == 1


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
