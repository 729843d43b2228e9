"""The purge takes a deleted segment's members away, all of them, wherever it was interrupted, and nobody else's."""

from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from itertools import count
from typing import Any

import pytest

from api_segments.aws import keys
from api_segments.aws.dynamodb import number_set
from api_segments.memberships import purging, store_rows
from api_segments.memberships.purging import PURGED_MEMBERS_PER_SECOND
from tests.integration.after_deletion import deleted_item, deliver, message, purge, segments_in, start
from tests.integration.conftest import Account, PurgeQueue, Relay
from tests.integration.told import actions, numbered, users
from tests.support.clock import MovableClock
from tests.support.faults import Arguments, FaultyClient, Reply, Send, after, answer_lost, fine, refused
from tests.support.state import Tables, assert_projected, live
from tests.support.threads import at_once
from tests.support.written import Written

Json = Any

CALLS = (
    *("get_item", "batch_get_item", "query", "batch_execute_statement"),
    *("update_item", "batch_write_item", "transact_write_items"),
)


class Crash(Exception):  # noqa: N818 - no error of the product
    """The process dies."""


def one_kept_one_deleted(account: Account, relay: Relay, members: int) -> tuple[int, int]:
    """Create two segments with the same members, and delete one."""
    kept, deleted = account.create("KEPT", "GONE")
    everyone = numbered(members)
    for first in range(0, members, 100):
        account.update((everyone[first : first + 100], actions("ADD", kept, deleted)))
    relay.drain()
    assert account.delete(deleted)[0] == 200
    return kept, deleted


def assert_purged(account: Account, tables: Tables, kept: int, members: int) -> None:
    assert segments_in(tables, account) == {kept}
    assert {segment for segment, _ in live(tables.members(account.account_id))} == {kept}
    assert_projected(tables, account.account_id)
    assert account.members(kept) == members


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


def test_a_purge_ends_with_one_log_line_one_metric_and_no_counters(  # noqa: PLR0913 - all that takes part
    account: Account,
    relay: Relay,
    purges: PurgeQueue,
    clock: MovableClock,
    tables: Tables,
    *,
    written: Written,
) -> None:
    _, deleted = one_kept_one_deleted(account, relay, 130)
    assert tables.counts(account.account_id)[deleted]["members"] == 130
    written.text()

    purge(relay, purges, clock)

    metrics, logs = written.lines()
    ends = [line for line in logs if line["message"] == "purged"]
    assert [(line["members"], line["segment_id"], line["account_id"]) for line in ends] == [
        (130, deleted, account.account_id)
    ]
    assert sum(line.get("PurgesFinished", [0])[0] for line in metrics) == 1
    assert sum(line.get("MembersPurged", [0])[0] for line in metrics) == 130
    assert tables.of_account("SEGMENTS_TABLE", account.account_id, f"STATS#{deleted:016d}") == []
    item = deleted_item(tables, account, deleted)
    assert item["purged_members"] == 130
    assert item["purged_at"] > item["deleted_at"]

    deliver(message(account.account_id, deleted), message(account.account_id, deleted))
    metrics, logs = written.lines()
    assert [line for line in logs if line["message"] == "purged"] == []
    assert {line["PurgesFinished"][0] for line in metrics} == {0}
    assert deleted_item(tables, account, deleted) == item


@pytest.mark.parametrize("name", ["as_of", "members", "purged"])
def test_a_purge_ends_past_a_damaged_counter_and_tells_no_number(  # noqa: PLR0913 - all that takes part
    account: Account,
    relay: Relay,
    purges: PurgeQueue,
    clock: MovableClock,
    tables: Tables,
    *,
    written: Written,
    faulty: FaultyClient,
    environment: dict[str, str],
    name: str,
) -> None:
    """Though it is written once more while the purge ends: only what was seen goes."""
    kept, deleted = one_kept_one_deleted(account, relay, 5)
    start(relay, purges)
    purges.deliver()
    relay.drain()
    clock.move(seconds=200)
    (slot, *_) = tables.of_account("SEGMENTS_TABLE", account.account_id, f"STATS#{deleted:016d}")
    damage: Json = {
        "TableName": environment["SEGMENTS_TABLE"],
        "Key": keys.of_account(account.account_id, slot["sk"]),
        "UpdateExpression": "SET #name = :value",
        "ExpressionAttributeNames": {"#name": name},
    }
    tables.client.update_item(**damage, ExpressionAttributeValues={":value": {"S": "?"}})
    seen: list[int] = []

    def written_meanwhile(send: Send, arguments: Arguments) -> Reply:
        seen.append(len(tables.of_account("SEGMENTS_TABLE", account.account_id, f"STATS#{deleted:016d}")))
        if len(seen) == 1:
            tables.client.update_item(**damage, ExpressionAttributeValues={":value": {"S": "??"}})
        return send(**arguments)

    faulty.always("transact_write_items", written_meanwhile)
    written.text()
    purges.deliver()
    metrics, logs = written.lines()
    assert len(seen) == 2
    assert ["members" in line for line in logs if line["message"] == "purged"] == [False]
    assert sum(line.get("PurgesFinished", [0])[0] for line in metrics) == 1
    assert tables.of_account("SEGMENTS_TABLE", account.account_id, f"STATS#{deleted:016d}") == []
    item = deleted_item(tables, account, deleted)
    assert item["purged_at"] > item["deleted_at"]
    assert "purged_members" not in item
    assert_purged(account, tables, kept, 5)
    assert purges.waiting == []


def test_a_purge_whose_last_answer_was_lost_ends_with_its_log_line_too(  # noqa: PLR0913 - all that takes part
    account: Account,
    relay: Relay,
    purges: PurgeQueue,
    clock: MovableClock,
    faulty: FaultyClient,
    *,
    written: Written,
) -> None:
    _, deleted = one_kept_one_deleted(account, relay, 3)
    purges_to_come = message(account.account_id, deleted)
    deliver(purges_to_come)
    relay.drain()
    clock.move(seconds=200)
    written.text()
    faulty.next("transact_write_items", answer_lost)

    deliver(purges_to_come)

    assert faulty.waiting == 0
    assert [line["members"] for line in written.lines()[1] if line["message"] == "purged"] == [3]
    assert len(purges.waiting) == 1, "what the first pass put off"


def purged_lines(written: Written) -> list[int]:
    return [line["members"] for line in written.lines()[1] if line["message"] == "purged"]


def test_members_who_are_projected_after_the_deletion_are_in_the_number_too(  # noqa: PLR0913 - all that takes part
    account: Account,
    relay: Relay,
    purges: PurgeQueue,
    clock: MovableClock,
    tables: Tables,
    *,
    written: Written,
) -> None:
    """The reader of the stream takes them out itself, as they may come after the purge."""
    (segment,) = account.create("GONE")
    account.update((numbered(60), actions("ADD", segment)))
    account.delete(segment)
    written.text()

    purge(relay, purges, clock)

    assert purged_lines(written) == [60]
    assert deleted_item(tables, account, segment)["purged_members"] == 60
    assert segments_in(tables, account) == set()


def test_only_whom_the_purge_takes_away_is_in_the_number(  # noqa: PLR0913 - all that takes part
    account: Account,
    relay: Relay,
    purges: PurgeQueue,
    clock: MovableClock,
    tables: Tables,
    *,
    written: Written,
) -> None:
    """Not who left before the deletion, nor who was erased after it."""
    kept, deleted = account.create("KEPT", "GONE")
    account.update((numbered(30), actions("ADD", kept, deleted)))
    account.update((users("U0", "U1"), actions("REMOVE", deleted)))
    account.delete(deleted)
    account.erase("U2")
    account.update((users("U3"), actions("REMOVE", kept)))
    written.text()
    purge(relay, purges, clock)
    assert purged_lines(written) == [27]
    assert_purged(account, tables, kept, 28)


def put_back(account: Account, tables: Tables, identity: str, segment: int) -> None:
    """Write as an update does that had seen the segment active."""
    tables.client.update_item(
        TableName=tables.environment["MEMBERSHIPS_TABLE"],
        Key={"pk": {"S": f"{account.account_id}#{tables.profile_of(account.account_id, identity)}"}},
        UpdateExpression="ADD segment_ids :late",
        ExpressionAttributeValues={":late": number_set({segment})},
    )


@pytest.mark.parametrize("slot", [0, 5], ids=["in a counted slot", "in another slot"])
def test_a_member_who_comes_while_the_purge_ends_is_in_the_number(  # noqa: PLR0913 - all that takes part
    account: Account,
    relay: Relay,
    purges: PurgeQueue,
    clock: MovableClock,
    tables: Tables,
    *,
    faulty: FaultyClient,
    written: Written,
    monkeypatch: pytest.MonkeyPatch,
    slot: int,
) -> None:
    monkeypatch.setattr(store_rows, "any_slot", lambda: 0)
    kept, deleted = one_kept_one_deleted(account, relay, 3)
    start(relay, purges)
    purges.deliver()
    relay.drain()
    clock.move(seconds=200)
    written.text()

    def comes_late() -> None:
        monkeypatch.setattr(store_rows, "any_slot", lambda: slot)
        put_back(account, tables, "U0", deleted)
        relay.drain()
        relay.drain()

    faulty.next("transact_write_items", after(comes_late))
    purges.deliver()

    assert faulty.waiting == 0
    assert purged_lines(written) == [4]
    assert deleted_item(tables, account, deleted)["purged_members"] == 4
    assert tables.of_account("SEGMENTS_TABLE", account.account_id, f"STATS#{deleted:016d}") == []
    assert_purged(account, tables, kept, 3)


def test_records_that_come_again_with_later_ones_count_once(
    account: Account, relay: Relay, purges: PurgeQueue, clock: MovableClock, tables: Tables
) -> None:
    _, deleted = one_kept_one_deleted(account, relay, 3)
    start(relay, purges)
    purges.deliver()
    removals = relay.drain()
    put_back(account, tables, "U0", deleted)
    relay.projector.deliver([*removals, *relay.reader.read()])
    purge(relay, purges, clock)
    assert deleted_item(tables, account, deleted)["purged_members"] == 4


@pytest.mark.parametrize("code", ["ProvisionedThroughputExceededException", "InternalServerError"])
def test_an_end_that_the_database_refuses_a_while_is_told_once(  # noqa: PLR0913 - all that takes part
    account: Account,
    relay: Relay,
    purges: PurgeQueue,
    clock: MovableClock,
    faulty: FaultyClient,
    *,
    written: Written,
    code: str,
) -> None:
    one_kept_one_deleted(account, relay, 3)
    start(relay, purges)
    purges.deliver()
    relay.drain()
    clock.move(seconds=200)
    written.text()
    faulty.next("transact_write_items", refused(code), refused(code))
    purges.deliver()
    assert (faulty.waiting, purged_lines(written), purges.waiting) == (0, [3], [])


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
