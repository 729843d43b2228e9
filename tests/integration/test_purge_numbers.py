"""How many members a purge took away is told once, with its end, and is right whoever took them away."""

from typing import Any

import pytest

from api_segments.aws import keys
from api_segments.aws.dynamodb import number_set
from api_segments.memberships import store_rows
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
from tests.support.faults import Arguments, FaultyClient, Reply, Send, after, answer_lost, refused
from tests.support.state import Tables
from tests.support.written import Written

Json = Any


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
