"""The demo: a shop uploads its customers, creates segments and pushes their members over HTTP; all of it is checked."""

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime

from rich.console import Console

from api_segments_client import Change, Client, NewSegment, Totals, UploadTotals
from api_segments_client.models import Segment
from local.audience import SEGMENTS, Shop, joining, moving
from local.customers import read
from local.environment import LocalError
from local.outcome import COUNTS, SHOWN, TOTALS, Counts, Outcome, Seen
from local.progress import bar
from local.stack import Stack
from local.subscriber import CHANGE, EventQueue
from local.uploads import CHANNELS, Record, records_of, second_thoughts

REPEATED = 500
"""How many of the first round's updates are sent once more after both rounds, as the members now are."""
SILENCE_SECONDS = 30.0
"""Without anything new for that long, what is still missing is taken not to come."""
SETTLE_SECONDS = 2.0
AGREES = "the API's answers, the events that left the bus, the segments' members, who is reachable, the data points"


def play(stack: Stack, queue: EventQueue, console: Console) -> bool:
    """Play the whole demo on a fresh account; return whether API, events and the demo's own books agree.

    `queue` gets all events of the stack, and nothing else may read it.
    """
    first_month = _month()
    customers = read()
    half = len(customers) // 2
    shop = Shop()
    answered: Counter[str] = Counter(dict.fromkeys(TOTALS, 0))
    with stack.client() as client:

        def upload_records(doing: str, records: Sequence[Record]) -> None:
            answered.update(upload(client, console, doing, records))
            shop.upload(records)

        def push_updates(doing: str, updates: Sequence[Change]) -> None:
            answered.update(push(client, console, doing, updates))
            shop.apply(updates)

        ids = create_segments(client)
        console.print(f"  created {len(ids)} segments for the {len(customers):,} customers of local/data/customers.csv")
        join = joining(customers)
        # Either order must come to the same: half of the users are known before they join, half only afterwards.
        upload_records("uploading the first half", records_of(customers[:half]))
        push_updates("pushing members", join)
        upload_records("uploading the second half", records_of(customers[half:]))
        push_updates("moving and removing some", moving(customers))
        again = [Change(u.user, frozenset(shop.segments_of[u.user])) for u in join[:REPEATED]]
        push_updates("repeating some", again)
        upload_records("opting some out", second_thoughts(customers))
        seen = drain(queue, stack.account_id, console, answered["added"] + answered["removed"])
        segments, data_points = wait_for_counts(client, console, ids, shop, first_month)
    outcome = Outcome(answered, segments, data_points, seen, shop)
    console.print(outcome.totals_table(), "", outcome.segments_table(), "")
    return verdict(console, outcome.differences(), AGREES)


def verdict(console: Console, differences: Sequence[str], agreeing: str) -> bool:
    """Print whether all agreed, `agreeing` if so, and where not; return it."""
    if not differences:
        console.print(f"[bold green]agree[/]: {agreeing}")
        return True
    console.print("[bold red]DO NOT agree[/]:")
    for difference in differences:
        console.print(f"  {difference}", markup=False, highlight=False)
    return False


def create_segments(client: Client) -> dict[str, int]:
    """Create the demo's segments by one request; return their ids by customer_segment_id."""
    created = client.segments.create_many([NewSegment(s.name, s.customer_segment_id) for s in SEGMENTS])
    if created.refused:
        raise LocalError(f"not all segments could be created: {created.refused[:SHOWN]}")
    return {str(segment.customer_segment_id): segment.id for segment in created.segments}


def push(client: Client, console: Console, doing: str, updates: Sequence[Change]) -> dict[str, int]:
    """Send updates of segments; return what the API answered."""
    with bar(console, doing, sum(update.pairs for update in updates), "changes") as advance:
        totals = client.members.update(updates, on_progress=steps(advance))
    figures = totals.figures()
    answered = {name: figures[name] for name in (*TOTALS, "processed") if name in figures}
    return {**answered, "unprocessed": totals.refused}


def upload(client: Client, console: Console, doing: str, records: Sequence[Record]) -> dict[str, int]:
    """Send records of users; return what the API answered."""
    with bar(console, doing, len(records), "records") as advance:
        totals = client.profiles.upload(records, on_progress=steps(advance))
    return {"uploaded": totals.processed, "unprocessed": totals.refused}


def steps(advance: Callable[[int], None]) -> Callable[[Totals | UploadTotals], None]:
    """Return what turns the totals so far into steps of a bar."""
    shown = 0

    def show(totals: Totals | UploadTotals) -> None:
        nonlocal shown
        advance(totals.given - shown)
        shown = totals.given

    return show


def drain(queue: EventQueue, account_id: str, console: Console, wanted: int) -> Seen:
    """Read events until `wanted` different ones have come and a little longer, or until nothing comes any more."""
    seen = Seen(account_id)
    with bar(console, "events leaving the bus", wanted, "events") as advance:
        last = time.monotonic()
        while time.monotonic() - last < (SETTLE_SECONDS if len(seen) >= wanted else SILENCE_SECONDS):
            before = len(seen)
            events = queue.receive_many()
            for event in events:
                if event.detail_type == CHANGE:
                    seen.take(event.detail)
            advance(len(seen) - before)
            last = time.monotonic() if events else last
    return seen


def wait_for_counts(
    client: Client, console: Console, ids: dict[str, int], shop: Shop, first_month: str
) -> tuple[dict[str, Counts], int]:
    """Return segments' counts and the data points as the API tells them, once as expected or at rest for a while."""
    told: tuple[dict[str, Counts], int] = {}, 0
    expected = {segment: shop.counts(segment) for segment in ids}, shop.changes.total()
    with bar(console, "members of the segments", _members(expected[0]), "members") as advance:
        last = time.monotonic()
        while told != expected and time.monotonic() - last < SILENCE_SECONDS:
            segments = {segment: counts_of(client.segments.get(ids[segment])) for segment in ids}
            months = {first_month, _month()}  # a demo may begin in one and end in the next
            now = segments, sum(client.usage(month).data_points for month in months)
            if now == told:
                time.sleep(0.25)
            else:
                advance(_members(now[0]) - _members(told[0]))
                told, last = now, time.monotonic()
    return told


def counts_of(segment: Segment) -> Counts:
    """Return members and reachable of a segment as the API shows it."""
    reachable = {channel: getattr(segment.reachable, channel) for channel in CHANNELS}
    return {name: {"members": segment.members, **reachable}[name] for name in COUNTS}


def _members(told: Mapping[str, Counts]) -> int:
    return sum(counts["members"] for counts in told.values())


def _month() -> str:
    return f"{datetime.now(UTC):%Y-%m}"
