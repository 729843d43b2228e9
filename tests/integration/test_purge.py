"""The purge takes a deleted segment's members away, all of them, wherever it was interrupted, and nobody else's."""

from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from itertools import count
from typing import Any

import pytest

from api_segments.memberships import purging
from api_segments.memberships.purging import PURGED_MEMBERS_PER_SECOND
from tests.integration.after_deletion import (
    assert_purged,
    deleted_item,
    deliver,
    message,
    one_kept_one_deleted,
    purge,
    segments_in,
    start,
)
from tests.integration.conftest import Account, PurgeQueue, Relay
from tests.integration.told import actions, numbered, users
from tests.support.clock import MovableClock
from tests.support.faults import Arguments, FaultyClient, Reply, Send, answer_lost, fine, refused
from tests.support.state import Tables, assert_projected
from tests.support.threads import at_once

Json = Any

CALLS = (
    *("get_item", "batch_get_item", "query", "batch_execute_statement"),
    *("update_item", "batch_write_item", "transact_write_items"),
)


class Crash(Exception):  # noqa: N818 - no error of the product
    """The process dies."""


def test_the_members_are_taken_away_and_nobody_is_told(
    account: Account, relay: Relay, purges: PurgeQueue, clock: MovableClock, tables: Tables
) -> None:
    kept, _ = one_kept_one_deleted(account, relay, 60)
    told = len(relay.bus.entries)
    points = account.usage()[1]["data_points"]

    purge(relay, purges, clock)

    assert_purged(account, tables, kept, 60)
    assert [entry["DetailType"] for entry in relay.bus.entries[told:]] == ["Segment Deleted"]
    assert account.usage()[1]["data_points"] == points == 120


def test_dead_ids_are_not_shown_before_the_purge(account: Account, relay: Relay, tables: Tables) -> None:
    kept, deleted = one_kept_one_deleted(account, relay, 3)
    assert segments_in(tables, account) == {kept, deleted}
    for identity in ("U0", "U1", "U2"):
        assert account.segments_of(identity) == {kept}
    account.update((users("U0"), actions("REMOVE", kept)))
    assert account.segments_of("U0") == set()
    assert account.members(deleted) == 0
    assert account.members(kept) == 3, "the stream has not brought it yet"


def test_a_later_segment_and_other_accounts_keep_their_members(  # noqa: PLR0913 - all that takes part
    account: Account,
    new_account: Callable[[], Account],
    relay: Relay,
    purges: PurgeQueue,
    clock: MovableClock,
    *,
    tables: Tables,
) -> None:
    other = new_account()
    (foreign,) = other.create("GONE")
    other.update((numbered(5), actions("ADD", foreign)))
    kept, _ = one_kept_one_deleted(account, relay, 5)
    start(relay, purges)
    (later,) = account.create("LATER")
    account.update((numbered(5), actions("ADD", later)))

    purge(relay, purges, clock)

    assert segments_in(tables, account) == {kept, later}
    assert (account.members(kept), account.members(later), other.members(foreign)) == (5, 5, 5)
    assert segments_in(tables, other) == {foreign}
    assert_projected(tables, account.account_id)
    assert_projected(tables, other.account_id)


# Finishing


def test_a_purge_does_not_end_before_all_that_saw_the_segment_active_has_written(
    account: Account, relay: Relay, purges: PurgeQueue, clock: MovableClock, tables: Tables
) -> None:
    _, deleted = one_kept_one_deleted(account, relay, 0)
    start(relay, purges)
    purges.deliver()
    assert "purged_at" not in deleted_item(tables, account, deleted)
    (seconds,) = purges.delays
    assert 140 <= seconds <= 150
    clock.move(seconds=seconds)
    purges.deliver()
    assert "purged_at" in deleted_item(tables, account, deleted)
    assert purges.waiting == []


def test_a_purge_that_found_members_looks_again_before_it_ends(
    account: Account, relay: Relay, purges: PurgeQueue, clock: MovableClock, tables: Tables
) -> None:
    _, deleted = one_kept_one_deleted(account, relay, 3)
    start(relay, purges)
    clock.move(hours=1)
    purges.deliver()
    assert (purges.delays, segments_in(tables, account) & {deleted}) == ([purging.NEXT_PASS_SECONDS], set())
    assert "purged_at" not in deleted_item(tables, account, deleted)
    relay.drain()
    purges.deliver()
    assert "purged_at" in deleted_item(tables, account, deleted)
    assert purges.waiting == []


def test_a_purge_keeps_its_pace(account: Account, relay: Relay, purges: PurgeQueue, clock: MovableClock) -> None:
    one_kept_one_deleted(account, relay, 250)
    start(relay, purges)
    clock.tick = timedelta()  # nothing but sleeping takes time
    clock.slept.clear()
    purges.deliver()
    assert clock.slept == pytest.approx([page / PURGED_MEMBERS_PER_SECOND for page in (100, 100, 50)])


@pytest.mark.parametrize("whose", ["active", "unknown", "another account's", "purged"])
def test_a_message_for_anything_but_a_deleted_segment_does_nothing(  # noqa: PLR0913 - all that takes part
    account: Account,
    new_account: Callable[[], Account],
    relay: Relay,
    purges: PurgeQueue,
    clock: MovableClock,
    *,
    tables: Tables,
    faulty: FaultyClient,
    whose: str,
) -> None:
    kept, deleted = one_kept_one_deleted(account, relay, 3)
    if whose == "purged":
        purge(relay, purges, clock)
    ids = {"active": kept, "unknown": 1, "another account's": deleted, "purged": deleted}
    before = tables.memberships(account.account_id)
    told = new_account().account_id if whose == "another account's" else account.account_id
    faulty.calls.clear()

    deliver(message(told, ids[whose]))

    assert set(faulty.calls) == {"batch_get_item"}
    assert tables.memberships(account.account_id) == before
    assert purges.waiting == []


# Interruptions


@pytest.mark.usefixtures("side_by_side")
@pytest.mark.parametrize("is_drained", [True, False], ids=["stream at once", "stream later"])
@pytest.mark.parametrize("is_sent", [True, False], ids=["after a call", "before a call"])
def test_a_purge_that_dies_at_any_call_goes_on(  # noqa: PLR0913 - all that takes part
    account: Account,
    relay: Relay,
    purges: PurgeQueue,
    clock: MovableClock,
    tables: Tables,
    *,
    faulty: FaultyClient,
    monkeypatch: pytest.MonkeyPatch,
    is_sent: bool,
    is_drained: bool,
) -> None:
    """Each invocation dies one call later than the one before, until one does not."""
    monkeypatch.setattr(purging, "PURGE_PAGE", 4)
    kept, deleted = one_kept_one_deleted(account, relay, 10)
    start(relay, purges)
    told = len(relay.bus.entries)
    (waiting,) = purges.waiting
    deaths = 0
    while True:
        calls = count()
        dies_at = deaths

        def die(send: Send, arguments: Arguments) -> Reply:
            if next(calls) != dies_at:  # noqa: B023 - called within this turn
                return send(**arguments)
            if is_sent:
                send(**arguments)
            raise Crash

        for operation in CALLS:
            faulty.always(operation, die)
        try:
            deliver(waiting)
            break
        except Crash:
            deaths += 1
        faulty.heal()
        if is_drained:
            relay.drain()
            clock.move(seconds=60)
    faulty.heal()
    assert deaths > 15

    purge(relay, purges, clock)

    assert_purged(account, tables, kept, 10)
    assert {entry["DetailType"] for entry in relay.bus.entries[told:]} <= {"Segment Deleted"}
    assert "purged_at" in deleted_item(tables, account, deleted)
    assert deleted_item(tables, account, deleted)["purged_members"] == 10
    assert account.usage()[1]["data_points"] == 20


@pytest.mark.parametrize("operation", ["batch_get_item", "query", "batch_execute_statement"])
@pytest.mark.parametrize("code", ["ProvisionedThroughputExceededException", "InternalServerError"])
def test_a_purge_waits_for_a_database_that_fails_a_while(  # noqa: PLR0913 - all that takes part
    account: Account,
    relay: Relay,
    purges: PurgeQueue,
    clock: MovableClock,
    tables: Tables,
    *,
    faulty: FaultyClient,
    operation: str,
    code: str,
) -> None:
    kept, deleted = one_kept_one_deleted(account, relay, 5)
    start(relay, purges)
    faulty.next(operation, refused(code), refused(code))
    purges.deliver()
    assert faulty.waiting == 0
    purge(relay, purges, clock)
    assert_purged(account, tables, kept, 5)
    assert deleted_item(tables, account, deleted)["purged_members"] == 5


def test_members_are_counted_once_when_the_answers_of_their_counts_are_lost(  # noqa: PLR0913 - all that takes part
    account: Account,
    relay: Relay,
    purges: PurgeQueue,
    clock: MovableClock,
    tables: Tables,
    *,
    faulty: FaultyClient,
) -> None:
    kept, deleted = one_kept_one_deleted(account, relay, 130)
    start(relay, purges)
    faulty.next("transact_write_items", answer_lost, answer_lost, fine, answer_lost)
    purge(relay, purges, clock)
    assert faulty.waiting == 0
    assert_purged(account, tables, kept, 130)
    assert deleted_item(tables, account, deleted)["purged_members"] == 130


def test_a_purge_whose_time_is_over_after_each_page_goes_on_at_once(  # noqa: PLR0913 - all that takes part
    account: Account,
    relay: Relay,
    purges: PurgeQueue,
    clock: MovableClock,
    tables: Tables,
    *,
    faulty: FaultyClient,
) -> None:
    kept, deleted = one_kept_one_deleted(account, relay, 250)
    start(relay, purges)

    def takes_long(send: Send, arguments: Arguments) -> Reply:
        reply = send(**arguments)
        clock.move(seconds=1000)
        return reply

    faulty.always("batch_execute_statement", takes_long)
    for left, delay in ((150, 0), (50, 0), (0, 30)):  # the third page is the last: another pass follows
        purges.deliver()
        assert purges.delays.pop() == delay
        relay.drain()
        assert tables.counts(account.account_id).get(deleted, Counter())["members"] == left
    faulty.heal()
    purge(relay, purges, clock)
    assert_purged(account, tables, kept, 250)
    assert deleted_item(tables, account, deleted)["purged_members"] == 250


def test_messages_that_come_twice_change_nothing_more(
    account: Account, relay: Relay, purges: PurgeQueue, clock: MovableClock, tables: Tables
) -> None:
    kept, deleted = one_kept_one_deleted(account, relay, 120)
    start(relay, purges)
    purges.waiting *= 3
    purge(relay, purges, clock)
    assert_purged(account, tables, kept, 120)
    assert deleted_item(tables, account, deleted)["purged_members"] == 120


@pytest.mark.usefixtures("side_by_side")
def test_two_purges_at_once_take_each_member_away_once(
    account: Account, relay: Relay, purges: PurgeQueue, clock: MovableClock, tables: Tables
) -> None:
    kept, deleted = one_kept_one_deleted(account, relay, 120)
    start(relay, purges)
    told = len(relay.bus.entries)
    at_once([partial(deliver, *purges.waiting) for _ in range(4)])
    purges.waiting.clear()
    relay.drain()
    clock.move(seconds=200)
    at_once([partial(deliver, message(account.account_id, deleted)) for _ in range(4)])
    assert_purged(account, tables, kept, 120)
    assert deleted_item(tables, account, deleted)["purged_members"] == 120
    assert relay.bus.entries[told:] == []


def test_a_user_erased_between_deletion_and_purge_stays_erased(
    account: Account, relay: Relay, purges: PurgeQueue, clock: MovableClock, tables: Tables
) -> None:
    kept, _ = one_kept_one_deleted(account, relay, 5)
    account.erase("U1")  # the stream has not told the purge of it
    purges.waiting += [message(account.account_id, int(segment)) for segment in segments_in(tables, account) - {kept}]
    purges.deliver()
    assert account.get("/api/profiles/{identity}/segments", identity="U1")[0] == 404
    purge(relay, purges, clock)
    assert_purged(account, tables, kept, 4)
    assert len(tables.memberships(account.account_id)) == 4
