"""Members who were added by an update that had seen the segment active, and that wrote after it was deleted."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.integration.after_deletion import purge, segments_in
from tests.integration.conftest import Account, PurgeQueue, Relay
from tests.integration.told import actions, users
from tests.support.clock import MovableClock
from tests.support.faults import FaultyClient, after, refused
from tests.support.state import Tables, assert_projected, assert_whole, live

Json = Any

WRITE = {"known": "batch_execute_statement", "new": "transact_write_items"}

pytestmark = pytest.mark.usefixtures("side_by_side")


def update_after(account: Account, faulty: FaultyClient, who: str, segment: int, do: Callable[[], object]) -> None:
    """Let an update write after something else has happened; the user is known or new."""
    if who == "known":
        (other,) = account.create(None)
        account.update((users("late"), actions("ADD", other)))
    faulty.next(WRITE[who], after(do))
    answer = account.update((users("late"), actions("ADD", segment)))
    assert (answer["summary"]["added"], faulty.waiting) == (1, 0)


def assert_gone(account: Account, tables: Tables, relay: Relay, segment: int) -> None:
    relay.drain()
    relay.drain()  # what the first one wrote
    assert segment not in segments_in(tables, account)
    assert segment not in {row for row, _ in live(tables.members(account.account_id))}
    assert segment not in account.segments_of("late")
    assert_projected(tables, account.account_id)
    assert_whole(tables, account.account_id)
    told = [event["Action"] for event in relay.bus.details(account.account_id) if event["Segment ID"] == segment]
    assert told == ["ADD"], "it was acknowledged, so it is told; what the purge takes away is not"


@pytest.mark.parametrize("who", WRITE)
def test_a_member_who_is_written_after_the_deletion_is_purged(  # noqa: PLR0913 - all that takes part
    account: Account,
    relay: Relay,
    purges: PurgeQueue,
    clock: MovableClock,
    tables: Tables,
    *,
    faulty: FaultyClient,
    who: str,
) -> None:
    (segment,) = account.create("GONE")
    update_after(account, faulty, who, segment, lambda: account.delete(segment))
    assert segment in segments_in(tables, account)
    assert segment not in account.segments_of("late")

    purge(relay, purges, clock)

    assert_gone(account, tables, relay, segment)


@pytest.mark.parametrize("who", WRITE)
def test_a_member_who_is_written_after_the_purge_has_ended_is_purged(  # noqa: PLR0913 - all that takes part
    account: Account,
    relay: Relay,
    purges: PurgeQueue,
    clock: MovableClock,
    tables: Tables,
    *,
    faulty: FaultyClient,
    who: str,
) -> None:
    (segment,) = account.create("GONE")

    def delete_and_purge() -> None:
        account.delete(segment)
        before = clock.monotonic()
        purge(relay, purges, clock)
        clock.move(seconds=before - clock.monotonic())  # the update has only just begun

    update_after(account, faulty, who, segment, delete_and_purge)
    assert purges.waiting == []

    assert_gone(account, tables, relay, segment)


def test_a_late_member_who_can_not_be_purged_now_is_purged_when_the_record_comes_again(
    account: Account, relay: Relay, tables: Tables, faulty: FaultyClient
) -> None:
    (segment,) = account.create("GONE")
    update_after(account, faulty, "known", segment, lambda: account.delete(segment))
    faulty.next("batch_execute_statement", refused("ValidationException"))
    assert_gone(account, tables, relay, segment)
    assert faulty.waiting == 0
    assert relay.projector.on_failure == []


def test_a_record_that_comes_again_after_the_purge_brings_nobody_back(
    account: Account, relay: Relay, purges: PurgeQueue, clock: MovableClock, tables: Tables
) -> None:
    (segment,) = account.create("GONE")
    account.update((users("late", "a", "b"), actions("ADD", segment)))
    records = relay.drain()
    account.delete(segment)
    purge(relay, purges, clock)

    for start in range(len(records)):
        relay.projector.deliver(records[start:])
        relay.publisher.deliver(records[start:])
    relay.drain()

    assert segments_in(tables, account) == set()
    assert live(tables.members(account.account_id)) == {}
    assert tables.counts(account.account_id) == {}
    assert account.usage()[1]["data_points"] == 3
    assert {event["Action"] for event in relay.bus.details(account.account_id)} == {"ADD"}
