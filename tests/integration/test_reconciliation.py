"""Damage to members and counts is found, mended and told, also while writes go on; what is right is left alone."""

from collections.abc import Callable, Iterator
from itertools import count
from typing import TYPE_CHECKING, Any

import pytest

from api_segments.aws import keys
from api_segments.core.limits import MAX_PAGE
from api_segments.repair import tasks as edge
from api_segments.repair.reconciliation import COUNT_ATTEMPTS
from api_segments.repair.tasks import LOOK_AGAIN_SECONDS, MAX_RECOUNTS
from tests.integration.conftest import Account, Relay
from tests.integration.reconciling import NOTHING, Tasks, agrees, delete_row, row_key, run, segment, tasks
from tests.integration.told import actions, users
from tests.support.clock import MovableClock
from tests.support.faults import Arguments, FaultyClient, Reply, Send
from tests.support.state import Tables, live
from tests.support.written import Written

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

Json = Any
Environment = dict[str, str]

__all__ = ["segment", "tasks"]  # fixtures


def test_what_is_right_is_left_alone(
    account: Account, segment: int, tasks: Tasks, clock: MovableClock, capsys: pytest.CaptureFixture[str]
) -> None:
    assert account.members(segment) == 10
    assert run(account, tasks, capsys) == NOTHING
    assert clock.slept == []


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


def test_a_table_of_members_that_begins_empty_is_filled_and_followed(  # noqa: PLR0913, PLR0917 - fixtures
    account: Account,
    segment: int,
    tasks: Tasks,
    tables: Tables,
    relay: Relay,
    environment: Environment,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """As after a restore (docs/operations.md): the counts are there, the rows are not."""
    for segment_id, profile_id in tables.members(account.account_id):
        delete_row(tables.client, environment, row_key(account, segment_id, profile_id))
    assert not agrees(account, tables)

    assert run(account, tasks, capsys)["RowsMended"] == 11
    assert agrees(account, tables)

    account.update((users("U0"), actions("REMOVE", segment)), (users("U99"), actions("ADD", segment)))
    relay.drain()
    assert agrees(account, tables)
    assert account.members(segment) == 10


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


def miscount(tables: Tables, account: Account, segment: int, name: str, slot: int) -> None:
    tables.client.update_item(
        TableName=tables.environment["SEGMENTS_TABLE"],
        Key={"account_id": {"S": account.account_id}, "sk": {"S": keys.segment_counts(segment)[slot]}},
        UpdateExpression="SET as_of = :now ADD #name :wrong",
        ExpressionAttributeNames={"#name": name},
        ExpressionAttributeValues={":now": {"S": "2026-11-23T00:00:00.000000Z"}, ":wrong": {"N": "7"}},
    )


@pytest.mark.parametrize("name", ["members", "reachable_email", "reachable_push"])
@pytest.mark.parametrize("slot", [0, 7])
def test_counts_that_are_wrong_in_any_slot_are_corrected(  # noqa: PLR0913, PLR0917 - fixtures
    name: str,
    slot: int,
    account: Account,
    segment: int,
    tasks: Tasks,
    tables: Tables,
    capsys: pytest.CaptureFixture[str],
) -> None:
    miscount(tables, account, segment, name, slot)
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
    profiles = [tables.profile_of(account.account_id, f"U{index}") for index in range(10)]
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

    def write_meanwhile() -> None:
        next(writes, lambda: None)()

    clock.meanwhile = write_meanwhile
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
    clock: MovableClock,
) -> None:
    for start in range(0, 250, 100):
        people = [{"identity": f"M{index}"} for index in range(start, min(start + 100, 250))]
        account.update((people, actions("ADD", segment)))
    relay.drain()
    lost = sorted(tables.memberships(account.account_id))[::7]
    for profile_id in lost:
        delete_row(tables.client, environment, row_key(account, segment, profile_id))

    def takes_long(send: Send, arguments: Arguments) -> Reply:
        clock.move(seconds=3)
        return send(**arguments)

    faulty.always("query", takes_long)
    tasks.waiting.append(
        {"scope": {"account_id": account.account_id, "segment_id": segment}, "position": {"stage": "profiles"}}
    )
    assert tasks.work(seconds=120) > 1
    assert agrees(account, tables)


def test_a_segment_that_is_too_large_to_count_in_time_is_told_and_the_others_are_counted(  # noqa: PLR0913, PLR0917 - fixtures
    account: Account,
    segment: int,
    tasks: Tasks,
    tables: Tables,
    faulty: FaultyClient,
    clock: MovableClock,
    capsys: pytest.CaptureFixture[str],
    written: Written,
) -> None:
    def takes_for_ever(send: Send, arguments: Arguments) -> Reply:
        is_counting = arguments.get("Limit", 0) > MAX_PAGE / 2 and f"#{segment:016d}#15" in str(arguments)
        clock.move(seconds=1000 if is_counting else 0)
        return send(**arguments)

    faulty.always("query", takes_for_ever)
    assert run(account, tasks, capsys) == NOTHING | {"SegmentsBusy": 1}
    told = [line for line in written.lines()[1] if line["message"] == "too large to be counted in one call"]
    assert [(line["level"], line["segments"]) for line in told] == [("WARNING", [segment])]
    assert clock.slept == [], "it would not be smaller in five minutes"
    assert agrees(account, tables)


def test_a_segment_that_is_found_too_large_when_it_is_counted_again_is_told_and_left(
    account: Account,
    tasks: Tasks,
    traffic: list[int],
    clock: MovableClock,
    capsys: pytest.CaptureFixture[str],
) -> None:
    traffic += [0] * COUNT_ATTEMPTS
    clock.meanwhile = lambda: traffic.append(1000)
    assert run(account, tasks, capsys) == NOTHING | {"SegmentsBusy": 1}
    assert clock.slept == [LOOK_AGAIN_SECONDS]


@pytest.fixture
def traffic(account: Account, segment: int, relay: Relay, faulty: FaultyClient, clock: MovableClock) -> list[int]:
    """Changes while the members of a segment are counted: one a count, which lasts as many seconds as the list says."""
    disturbed: list[int] = []
    newcomers = count()

    def meanwhile(send: Send, arguments: Arguments) -> Reply:
        reply = send(**arguments)
        if disturbed and arguments.get("Limit", 0) > MAX_PAGE / 2 and f"#{segment:016d}#15" in str(arguments):
            clock.move(seconds=disturbed.pop())
            account.update((users(f"N{next(newcomers)}"), actions("ADD", segment)))
            relay.drain()
        return reply

    faulty.always("query", meanwhile)
    return disturbed


@pytest.mark.parametrize("quiet_at", [1, 2, MAX_RECOUNTS])
def test_a_row_and_a_count_that_are_wrong_at_once_in_a_busy_segment_are_both_mended(  # noqa: PLR0913, PLR0917 - fixtures
    account: Account,
    segment: int,
    tasks: Tasks,
    tables: Tables,
    environment: Environment,
    traffic: list[int],
    clock: MovableClock,
    capsys: pytest.CaptureFixture[str],
    *,
    quiet_at: int,
) -> None:
    profile_id = str(tables.profile_of(account.account_id, "U0"))
    delete_row(tables.client, environment, row_key(account, segment, profile_id))
    miscount(tables, account, segment, "members", slot=3)
    traffic += [0] * COUNT_ATTEMPTS * quiet_at

    found = run(account, tasks, capsys)

    assert found == NOTHING | {"RowsMended": 1, "CountsMended": 1}
    assert traffic == []
    assert clock.slept == [LOOK_AGAIN_SECONDS] * quiet_at
    assert agrees(account, tables)
    assert run(account, tasks, capsys) == NOTHING


def test_a_segment_that_is_never_quiet_is_told_once_and_left_to_the_next_walk(  # noqa: PLR0913, PLR0917 - fixtures
    account: Account,
    segment: int,
    tasks: Tasks,
    tables: Tables,
    traffic: list[int],
    capsys: pytest.CaptureFixture[str],
) -> None:
    miscount(tables, account, segment, "members", slot=3)
    traffic += [0] * COUNT_ATTEMPTS * (MAX_RECOUNTS + 1)
    assert run(account, tasks, capsys) == NOTHING | {"SegmentsBusy": 1}
    assert run(account, tasks, capsys) == NOTHING | {"CountsMended": 1}


def test_a_busy_segment_that_is_deleted_meanwhile_is_not_counted_any_more(  # noqa: PLR0913, PLR0917 - fixtures
    account: Account,
    segment: int,
    tasks: Tasks,
    traffic: list[int],
    clock: MovableClock,
    capsys: pytest.CaptureFixture[str],
) -> None:
    traffic += [0] * COUNT_ATTEMPTS * (MAX_RECOUNTS + 1)
    clock.meanwhile = lambda: account.delete(segment)
    assert run(account, tasks, capsys) == NOTHING
    assert len(traffic) == COUNT_ATTEMPTS * MAX_RECOUNTS, "it was looked at by the walk alone"


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
    tasks.waiting.append(
        {"scope": {"account_id": account.account_id, "segment_id": segment}, "position": {"stage": "profiles"}}
    )
    tasks.waiting.append(
        {"scope": {"account_id": new_account().account_id, "segment_id": segment}, "position": {"stage": "profiles"}}
    )
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
    clock.meanwhile = relay.drain
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

    def changes_them() -> None:
        account.upload({"identity": "NEW", "type": "profile", "profileData": {"Email": "new@example.com"}})
        account.update((users("U3"), actions("ADD", segment)))
        account.upload({"identity": "U3", "type": "profile", "profileData": {"Email": "u3@example.com"}})

    clock.meanwhile = changes_them
    assert run(account, tasks, capsys) == NOTHING
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
    clock: MovableClock,
    capsys: pytest.CaptureFixture[str],
    *,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    account.update(([{"identity": f"M{index}"} for index in range(100)], actions("ADD", segment)))
    relay.drain()
    for profile_id in tables.memberships(account.account_id):
        delete_row(tables.client, environment, row_key(account, segment, profile_id))

    def takes_long(send: Send, arguments: Arguments) -> Reply:
        clock.move(seconds=100)
        return send(**arguments)

    monkeypatch.setattr(edge, "MAX_MESSAGE_BYTES", 6_000)
    faulty.always("transact_write_items", takes_long)
    found = run(account, tasks, capsys)
    assert found["RowsMended"] == 110
    assert agrees(account, tables)


@pytest.mark.parametrize("reads", [1, 2])
def test_a_user_who_leaves_between_the_reads_of_the_second_look_stays_away(  # noqa: PLR0913, PLR0917 - fixtures
    account: Account,
    segment: int,
    tasks: Tasks,
    tables: Tables,
    environment: Environment,
    relay: Relay,
    faulty: FaultyClient,
    clock: MovableClock,
    capsys: pytest.CaptureFixture[str],
    *,
    reads: int,
) -> None:
    """And the stream has brought it before the look goes on."""
    delete_row(tables.client, environment, row_key(account, segment, str(tables.profile_of(account.account_id, "U1"))))
    seen: list[str] = []

    def meanwhile(send: Send, arguments: Arguments) -> Reply:
        reply = send(**arguments)
        looked_at = {environment["MEMBERSHIPS_TABLE"], environment["SEGMENT_MEMBERS_TABLE"]} & {
            *arguments["RequestItems"]
        }
        if clock.slept and looked_at:
            seen.extend(looked_at)
            if len(seen) == reads:
                account.update((users("U1"), actions("REMOVE", segment)))
                relay.drain()
        return reply

    faulty.always("batch_get_item", meanwhile)
    assert run(account, tasks, capsys)["RowsMended"] == 0
    assert len(seen) >= reads
    assert agrees(account, tables)
