"""Damage to members and counts is found, mended and told, also while writes go on; what is right is left alone."""

import json
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

from functions.reconcile.app import handler as reconcile
from segments.clock import SYSTEM_CLOCK
from segments.edge import wiring
from segments.limits import MAX_PAGE
from segments.stores import keys
from tests.integration.conftest import Account, MovableClock, Relay
from tests.integration.told import actions, numbered, users
from tests.support.events import Context
from tests.support.faults import Arguments, FaultyClient, Reply, Send
from tests.support.state import Tables, counted, live, turned_round, without_zeros

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

Json = Any
Environment = dict[str, str]


class Tasks:
    """Stands in for SQS's client: keeps the tasks of the function and gives them back to it."""

    def __init__(self) -> None:
        self.waiting: list[Json] = []
        self.before_each: Callable[[], object] = lambda: None

    def send_message(self, QueueUrl: str, MessageBody: str, DelaySeconds: int) -> None:  # noqa: N803 - boto3's own names
        assert QueueUrl.endswith("/reconciliations")
        assert DelaySeconds == 0
        self.waiting.append(json.loads(MessageBody))

    def work(self, seconds: float = 60) -> int:
        """Let the function do all that waits; return how many invocations it took."""
        invocations = 0
        while self.waiting:
            self.before_each()
            task = self.waiting.pop(0)
            reconcile({"Records": [{"body": json.dumps(task)}]}, Context(seconds))
            invocations += 1
        return invocations


@pytest.fixture
def tasks(monkeypatch: pytest.MonkeyPatch, clock: MovableClock) -> Tasks:
    assert clock is not None
    made = Tasks()
    monkeypatch.setattr(wiring, "sqs_client", lambda: made)
    return made


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
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines() if "RowsMended" in line]
    names = ("RowsMended", "CountsMended", "SegmentsBusy", "ReconciliationsFinished")
    return {name: int(sum(line[name][0] for line in lines)) for name in names}


def agrees(account: Account, tables: Tables) -> bool:
    """Tell whether rows are the truth turned round, and counts those of the rows."""
    rows = live(tables.members(account.account_id))
    counts = without_zeros(tables.counts(account.account_id))
    return rows == turned_round(tables.memberships(account.account_id)) and counts == counted(rows)


NOTHING = {"RowsMended": 0, "CountsMended": 0, "SegmentsBusy": 0, "ReconciliationsFinished": 1}


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
    # The damage had not touched the counts; the row's going did, so they were corrected too.
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


def test_a_deleted_segment_is_left_to_its_purge(
    account: Account, segment: int, tasks: Tasks, capsys: pytest.CaptureFixture[str], clock: MovableClock
) -> None:
    account.delete(segment)
    assert run(account, tasks, capsys) == NOTHING
    assert clock.slept == []


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
