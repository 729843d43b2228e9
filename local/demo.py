"""The demo: a shop creates segments, pushes their members over HTTP, and every event that leaves the bus is counted."""

import time
from collections import Counter
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
from rich.console import Console
from rich.table import Table

from local.audience import SEGMENTS, Shop, Update, batches, body, joining, moving
from local.customers import read
from local.environment import LocalError
from local.progress import bar
from local.stack import Stack
from local.subscriber import CHANGE, EventQueue

IN_FLIGHT = 4
REPEATED = 500
"""How many of the first round's updates are sent once more after both rounds, as the members now are."""
SILENCE_SECONDS = 30.0
"""Without anything new for that long, what is still missing is taken not to come."""
SETTLE_SECONDS = 2.0
SHOWN = 5
TOTALS = ("added", "removed", "unchanged", "profiles_created", "processed", "unprocessed")

Change = tuple[str, str, str]


class Seen:
    """The events that left the bus for one account, counted."""

    def __init__(self, account_id: str) -> None:
        self._account_id = account_id
        self._ids: set[str] = set()
        self.changes: Counter[Change] = Counter()
        self.duplicates = 0

    def __len__(self) -> int:
        return len(self._ids)

    def take(self, detail: Any) -> None:  # noqa: ANN401 - an event's detail is JSON
        """Count one `Segment Membership Change`."""
        if detail["Account ID"] != self._account_id:
            return
        if detail["Event ID"] in self._ids:
            self.duplicates += 1
            return
        self._ids.add(detail["Event ID"])
        self.changes[detail["Action"], detail["Customer_Segment_ID"], detail["Identity"]] += 1


def play(stack: Stack, console: Console) -> bool:
    """Play the whole demo on a fresh account; return whether API, events and the demo's own books agree."""
    customers = read()
    shop = Shop()
    answered: Counter[str] = Counter(dict.fromkeys(TOTALS, 0))
    with httpx.Client(base_url=stack.api_url, headers=stack.account.headers, timeout=60, trust_env=False) as api:
        ids = create_segments(api)
        console.print(f"  created {len(ids)} segments for the {len(customers):,} customers of local/data/customers.csv")
        join, move = joining(customers), moving(customers)
        for doing, updates in (("pushing members", join), ("moving and removing some", move)):
            answered += push(api, console, doing, updates)
            shop.apply(updates)
        again = [Update(u.identity, frozenset(shop.segments_of[u.identity])) for u in join[:REPEATED]]
        answered += push(api, console, "repeating some", again)
        shop.apply(again)
        seen = drain(stack, console, answered["added"] + answered["removed"])
        members = wait_for_members(api, console, ids, shop)
    console.print(totals_table(answered, shop, seen), members_table(members, shop))
    differences = compare(answered, shop, seen, members)
    if not differences:
        console.print("[bold green]agree[/]: the API's answers, the events that left the bus and the segments' members")
        return True
    console.print("[bold red]DO NOT agree[/]:")
    for difference in differences:
        console.print(f"  {difference}", markup=False, highlight=False)
    return False


def call(api: httpx.Client, method: str, path: str, content: object = None) -> Any:  # noqa: ANN401 - JSON
    """Return the body of a 200; raise LocalError with what the API answered otherwise."""
    try:
        answer = api.request(method, path, json=content) if content is not None else api.request(method, path)
    except httpx.TransportError as exc:
        raise LocalError(f"{method} {path} got no answer: {exc!r}") from exc
    if answer.status_code != httpx.codes.OK:
        raise LocalError(f"{method} {path} answered {answer.status_code} {answer.text[:500]}")
    return answer.json()


def create_segments(api: httpx.Client) -> dict[str, int]:
    """Create the demo's segments by one request; return their ids by customer_segment_id."""
    wanted = [{"segment_name": s.name, "customer_segment_id": s.customer_segment_id} for s in SEGMENTS]
    answer = call(api, "POST", "/api/createSegment", wanted)
    if answer["status"] != "success":
        raise LocalError(f"not all segments could be created: {answer['unprocessed'][:SHOWN]}")
    return {segment["customer_segment_id"]: segment["id"] for segment in answer["segments"]}


def push(api: httpx.Client, console: Console, doing: str, updates: Sequence[Update]) -> Counter[str]:
    """Send the updates, several requests at a time; return the sums over the answers."""
    sums: Counter[str] = Counter()

    def send(batch: Iterable[Update]) -> Any:  # noqa: ANN401 - JSON
        return call(api, "POST", "/api/updateSegment", body(batch))

    with bar(console, doing, len(updates), "users") as advance, ThreadPoolExecutor(IN_FLIGHT) as senders:
        portions = batches(updates)
        for portion, answer in zip(portions, senders.map(send, portions), strict=True):
            sums.update(answer["summary"])
            sums["processed"] += answer["processed"]
            sums["unprocessed"] += len(answer["unprocessed"])
            advance(len(portion))
    return sums


def drain(stack: Stack, console: Console, wanted: int) -> Seen:
    """Read events until `wanted` different ones have come and a little longer, or until nothing comes any more."""
    queue = EventQueue(stack.endpoint_url, stack.events_queue_url)
    seen = Seen(stack.account_id)
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


def wait_for_members(api: httpx.Client, console: Console, ids: dict[str, int], shop: Shop) -> dict[str, int]:
    """Return the members of each segment as the API tells, once they are as expected or do not change any more."""
    members: dict[str, int] = {}
    expected = {segment: shop.members(segment) for segment in ids}
    with bar(console, "members of the segments", sum(expected.values()), "members") as advance:
        last = time.monotonic()
        while members != expected and time.monotonic() - last < SILENCE_SECONDS:
            now = {segment: int(call(api, "GET", f"/api/segments/{ids[segment]}")["members"]) for segment in ids}
            if now == members:
                time.sleep(0.25)
            else:
                advance(sum(now.values()) - sum(members.values()))
                members, last = now, time.monotonic()
    return members


def compare(answered: Counter[str], shop: Shop, seen: Seen, members: dict[str, int]) -> list[str]:
    """Return a line for each thing that is not as it should be."""
    lines = [
        f"{name}: the API answered {answered[name]:,}, expected {shop.totals[name]:,}"
        for name in TOTALS
        if answered[name] != shop.totals[name]
    ]
    for what, changes in (("missing", shop.changes - seen.changes), ("unexpected", seen.changes - shop.changes)):
        if changes:
            some = ", ".join(" ".join(map(str, change)) for change in list(changes)[:SHOWN])
            lines.append(f"{changes.total():,} events {what}: {some}{' …' if len(changes) > SHOWN else ''}")
    lines += [
        f"segment {segment} has {count:,} members, expected {shop.members(segment):,}"
        for segment, count in members.items()
        if count != shop.members(segment)
    ]
    return lines


def totals_table(answered: Counter[str], shop: Shop, seen: Seen) -> Table:
    """Return what the API answered beside what was expected and what left the bus."""
    table = Table(title="What the API answered, and what left the bus", title_justify="left")
    for heading in ("", "answered", "expected", "events"):
        table.add_column(heading, justify="left" if not heading else "right")
    actions: Counter[str] = Counter()
    for (action, _, _), count in seen.changes.items():
        actions[action] += count
    events = {"added": f"{actions['ADD']:,} ADD", "removed": f"{actions['REMOVE']:,} REMOVE"}
    for name in TOTALS:
        table.add_row(name.replace("_", " "), f"{answered[name]:,}", f"{shop.totals[name]:,}", events.get(name, ""))
    table.add_row("delivered more than once", "", "", f"{seen.duplicates:,}")
    return table


def members_table(members: dict[str, int], shop: Shop) -> Table:
    """Return the members of each segment as the API tells them beside what was expected."""
    table = Table(title="Members of each segment", title_justify="left")
    for heading in ("segment", "GET /api/segments/{id}", "expected"):
        table.add_column(heading, justify="left" if heading == "segment" else "right")
    names = {segment.customer_segment_id: segment.name for segment in SEGMENTS}
    for segment, count in members.items():
        table.add_row(names[segment], f"{count:,}", f"{shop.members(segment):,}")
    return table
