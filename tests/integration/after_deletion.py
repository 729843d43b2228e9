"""What follows a deletion: its event, the purge that this starts, and what the stream then tells. For several tests."""

import json
from typing import Any

from functions.purge_segment.app import handler as purge_segment
from tests.integration.conftest import Account, PurgeQueue, Relay
from tests.integration.told import actions, numbered
from tests.support.clock import MovableClock
from tests.support.events import Context
from tests.support.state import Tables, assert_projected, live

Json = Any

MOST_MESSAGES = 60


def purge(relay: Relay, purges: PurgeQueue, clock: MovableClock, seconds: float = 60) -> None:
    """Let everything happen that a deletion leads to, until nothing waits any more."""
    start(relay, purges)
    for _ in range(MOST_MESSAGES):
        if not purges.waiting:
            return
        purges.deliver(seconds)
        relay.drain()
        clock.move(seconds=150)
    raise AssertionError("the purge goes on for ever")


def start(relay: Relay, purges: PurgeQueue) -> None:
    """Let the deletions be told, up to the messages that start their purges."""
    relay.drain()
    purges.waiting += relay.deletions()


def message(account_id: str, segment_id: object) -> Json:
    """Return a message that starts a purge, or lets it go on."""
    return {"detail": {"Account ID": account_id, "Segment ID": segment_id}}


def deliver(*messages: Json, seconds: float = 60) -> None:
    """Let the purge work on messages, one an invocation, as the template has it."""
    for each in messages:
        purge_segment({"Records": [{"body": json.dumps(each)}]}, Context(seconds))


def segments_in(tables: Tables, account: Account) -> set[int]:
    """Return every segment that some user of the account is in, dead ones too."""
    found = tables.memberships(account.account_id).values()
    return {int(segment) for item in found for segment in item.get("segment_ids", ())}


def deleted_item(tables: Tables, account: Account, segment_id: int) -> Json:
    """Return what is kept of a deleted segment."""
    (item,) = tables.of_account("SEGMENTS_TABLE", account.account_id, f"DELETED#{segment_id:016d}")
    return item


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
    """Hold that of two segments the deleted one has nobody left, and the kept one its members."""
    assert segments_in(tables, account) == {kept}
    assert {segment for segment, _ in live(tables.members(account.account_id))} == {kept}
    assert_projected(tables, account.account_id)
    assert account.members(kept) == members
