"""How far lists and counts are behind: measured, told with when, and never in the way of what measures it."""

from typing import Any

import pytest

from api_segments.aws import keys
from api_segments.memberships.freshness import NOTE_SECONDS
from tests.integration.conftest import Account, Relay
from tests.integration.told import actions, users
from tests.support.clock import MovableClock
from tests.support.faults import FaultyClient, refused
from tests.support.state import Tables
from tests.support.wired import forget_services

Json = Any


@pytest.fixture(autouse=True)
def nothing_noted(tables: Tables) -> None:
    """Let no earlier test have measured anything: it is the whole stack's."""
    forget_services()
    for item in lags(tables):
        key = keys.of_account(keys.STACK, item["sk"])
        tables.client.delete_item(TableName=tables.environment["SEGMENTS_TABLE"], Key=key)


def lags(tables: Tables) -> list[Json]:
    return tables.of_account("SEGMENTS_TABLE", keys.STACK, keys.LAGS)


def freshness(account: Account) -> Json:
    status, answer = account.get("/api/freshness")
    assert status == 200, answer
    return answer


def change(account: Account, relay: Relay, clock: MovableClock, user: str, behind: float) -> None:
    """Add a user, and let the stream bring it so many seconds later."""
    (segment,) = account.create(None)
    account.update((users(user), actions("ADD", segment)))
    records = relay.reader.read()
    for record in records:
        record["dynamodb"]["ApproximateCreationDateTime"] = int(clock.now().timestamp())
    clock.move(seconds=behind)
    relay.projector.deliver(records)


def test_nothing_is_told_of_a_stack_where_nothing_happens(account: Account) -> None:
    nothing = dict.fromkeys(("behind_seconds", "measured_at", "worst_last_hour_seconds"))
    assert freshness(account) == nothing


def test_how_far_it_was_behind_is_told_and_the_worst_of_an_hour(
    account: Account, relay: Relay, clock: MovableClock
) -> None:
    change(account, relay, clock, "A", behind=90)
    first = freshness(account)
    assert 90 <= first["behind_seconds"] < 92
    assert first["worst_last_hour_seconds"] == first["behind_seconds"]
    clock.move(minutes=10)
    change(account, relay, clock, "B", behind=3)
    second = freshness(account)
    assert 3 <= second["behind_seconds"] < 5
    assert second["worst_last_hour_seconds"] == first["behind_seconds"]
    assert second["measured_at"] > first["measured_at"]
    clock.move(minutes=55)
    assert freshness(account)["worst_last_hour_seconds"] == second["behind_seconds"]
    clock.move(minutes=10)
    assert freshness(account)["measured_at"] is None


def test_it_is_noted_now_and_then_but_at_once_when_it_gets_worse(
    account: Account, relay: Relay, clock: MovableClock, tables: Tables
) -> None:
    clock.move(seconds=60 - clock.now().second)
    change(account, relay, clock, "A", behind=0)
    noted = lags(tables)
    change(account, relay, clock, "B", behind=0.5)
    assert lags(tables) == noted
    change(account, relay, clock, "C", behind=3)
    (worse,) = lags(tables)
    assert worse["latest"] >= 3
    clock.move(seconds=NOTE_SECONDS)
    change(account, relay, clock, "D", behind=0)
    (better,) = lags(tables)
    assert better["latest"] < 2
    assert better["worst"] == worse["worst"]
    assert int(better["expires_at"]) > clock.now().timestamp() + 3600


def test_the_worst_of_several_readers_counts(
    account: Account, relay: Relay, clock: MovableClock, tables: Tables
) -> None:
    change(account, relay, clock, "A", behind=40)
    forget_services()  # another process
    change(account, relay, clock, "B", behind=2)
    assert len(lags(tables)) == 2
    assert freshness(account)["behind_seconds"] >= 40


def test_a_note_that_can_not_be_written_keeps_nothing_back(
    account: Account, relay: Relay, clock: MovableClock, faulty: FaultyClient
) -> None:
    faulty.always("update_item", refused("ThrottlingException"))
    change(account, relay, clock, "A", behind=5)
    assert freshness(account)["measured_at"] is None
    assert [segment["members"] for segment in account.listed()["segments"]] == [1]


def test_a_damaged_note_is_passed_over(account: Account, relay: Relay, clock: MovableClock, tables: Tables) -> None:
    change(account, relay, clock, "A", behind=5)
    (item,) = lags(tables)
    key = keys.of_account(keys.STACK, item["sk"])
    tables.client.put_item(TableName=tables.environment["SEGMENTS_TABLE"], Item={**key, "noted_at": {"S": "?"}})
    assert freshness(account)["measured_at"] is None
