"""The demo's end: the segments as the API lists them, and what the deletion of one does."""

import time
from collections import Counter
from collections.abc import Sequence

from rich import box
from rich.console import Console
from rich.table import Table

from api_segments_client import Client
from api_segments_client.models import Segment
from local.audience import SEGMENTS
from local.aws import session
from local.demo import SETTLE_SECONDS, SILENCE_SECONDS
from local.progress import bar
from local.stack import Stack
from local.subscriber import EventQueue

DELETED = SEGMENTS[-1].customer_segment_id
GONE = 410


def play_deletion(stack: Stack, queue: EventQueue, console: Console) -> list[str]:
    """List the segments, delete one, and wait for its members to be taken away; return what is not as it should be."""
    with stack.client() as client:
        (segment,) = [row for row in client.segments.list() if row.customer_segment_id == DELETED]
        deleted = client.segments.delete(segment.id)
        listed = [row.id for row in client.segments.list()]
        refused = refusal(client)
        console.print(table([*client.segments.list(status="all")]), "")
        purged = wait_for_purge(stack, console, segment.id, segment.members)
        events = events_of(queue, segment.id)
    differences = []
    if deleted.status != "deleted" or segment.id in listed:
        differences.append(f"segment {DELETED} is still listed after its deletion")
    if refused != GONE:
        differences.append(f"an update of the deleted segment was answered {refused}, expected {GONE}")
    if purged != segment.members:
        differences.append(f"{purged:,} members of the deleted segment taken away, expected {segment.members:,}")
    if events != Counter({"Segment Deleted": 1}):
        differences.append(f"the deletion sent {dict(events)}, expected one Segment Deleted and nothing else")
    if not differences:
        console.print(
            f"  deleted [bold]{segment.segment_name}[/]: gone from the list, updates of it answer {GONE}, "
            f"one event, none for its {purged:,} members"
        )
    return differences


def table(segments: Sequence[Segment]) -> Table:
    """Return the list of segments as the API gives it."""
    shown = Table(title="GET /api/segments?status=all", title_justify="left", box=box.SIMPLE_HEAD, show_edge=False)
    for heading in ("segment", "id", "customer id"):
        shown.add_column(heading)
    shown.add_column("members", justify="right")
    shown.add_column("status")
    for row in segments:
        values = (row.segment_name, str(row.id), row.customer_segment_id or "", f"{row.members:,}")
        shown.add_row(*values, row.status, style="dim" if row.status == "deleted" else None)
    return shown


def refusal(client: Client) -> int | None:
    """Try to add a user to the deleted segment; return the code that the entry is refused with."""
    refused = client.members.push(DELETED, add=["C00001"]).first_refused
    return refused[0].code if refused else None


def wait_for_purge(stack: Stack, console: Console, segment_id: int, members: int) -> int:
    """Return how many members were purged, once that is all or it moves no more; the API shows none at once."""
    client = session().client("dynamodb", endpoint_url=stack.endpoint_url)
    values = {":account": {"S": stack.account_id}, ":counters": {"S": f"STATS#{segment_id:016d}#"}}
    purged, last = 0, time.monotonic()
    with bar(console, "taking the deleted one's members away", members, "members") as advance:
        while purged < members and time.monotonic() - last < SILENCE_SECONDS:
            slots = client.query(
                TableName=stack.tables["segments"],
                KeyConditionExpression="account_id = :account AND begins_with(sk, :counters)",
                ExpressionAttributeValues=values,
                ConsistentRead=True,
            )["Items"]
            now = sum(int(slot.get("purged", {}).get("N", 0)) for slot in slots)
            if now == purged:
                time.sleep(0.1)
            else:
                advance(now - purged)
                purged, last = now, time.monotonic()
    return purged


def events_of(queue: EventQueue, segment_id: int) -> Counter[str]:
    """Return the events of a segment by detail-type, those that come until none has come for a while."""
    events: Counter[str] = Counter()
    last = time.monotonic()
    while time.monotonic() - last < (SETTLE_SECONDS if events else SILENCE_SECONDS):
        received = queue.receive_many()
        events.update(event.detail_type for event in received if event.detail["Segment ID"] == segment_id)
        last = time.monotonic() if received else last
    return events
