"""The demo: a shop uploads its customers, creates segments and pushes their members over HTTP; all of it is checked."""

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any, TypeVar

import httpx
from rich.console import Console

from local.audience import SEGMENTS, Shop, Update, batches, body, joining, moving
from local.customers import read
from local.environment import LocalError
from local.outcome import COUNTS, SHOWN, TOTALS, Counts, Outcome, Seen
from local.progress import bar
from local.stack import Stack
from local.subscriber import CHANGE, EventQueue
from local.uploads import CHANNELS, Record, portions, records_of, second_thoughts

PUSHES_IN_FLIGHT = 4
UPLOADS_IN_FLIGHT = 1
"""One upload writes 16 users at a time already: more of them only make the emulator start more workers."""
REPEATED = 500
"""How many of the first round's updates are sent once more after both rounds, as the members now are."""
SILENCE_SECONDS = 30.0
"""Without anything new for that long, what is still missing is taken not to come."""
SETTLE_SECONDS = 2.0
GOOD = frozenset({httpx.codes.OK})
TRY_AGAIN = frozenset({httpx.codes.TOO_MANY_REQUESTS, httpx.codes.SERVICE_UNAVAILABLE})
TRIES = 10
"""On a machine that is busy with other things, a request may run out of time."""
AGREES = "the API's answers, the events that left the bus, the segments' members, who is reachable, the data points"

T = TypeVar("T")


def play(stack: Stack, queue: EventQueue, console: Console) -> bool:
    """Play the whole demo on a fresh account; return whether API, events and the demo's own books agree.

    `queue` gets all events of the stack, and nothing else may read it.
    """
    first_month = _month()
    customers = read()
    half = len(customers) // 2
    shop = Shop()
    answered: Counter[str] = Counter(dict.fromkeys(TOTALS, 0))
    with httpx.Client(base_url=stack.api_url, headers=stack.account.headers, timeout=60, trust_env=False) as api:

        def upload_records(doing: str, records: Sequence[Record]) -> None:
            answered.update(upload(api, console, doing, records))
            shop.upload(records)

        def push_updates(doing: str, updates: Sequence[Update]) -> None:
            answered.update(push(api, console, doing, updates))
            shop.apply(updates)

        ids = create_segments(api)
        console.print(f"  created {len(ids)} segments for the {len(customers):,} customers of local/data/customers.csv")
        join = joining(customers)
        # Either order must come to the same: half of the users are known before they join, half only afterwards.
        upload_records("uploading the first half", records_of(customers[:half]))
        push_updates("pushing members", join)
        upload_records("uploading the second half", records_of(customers[half:]))
        push_updates("moving and removing some", moving(customers))
        again = [Update(u.identity, frozenset(shop.segments_of[u.identity])) for u in join[:REPEATED]]
        push_updates("repeating some", again)
        upload_records("opting some out", second_thoughts(customers))
        seen = drain(queue, stack.account_id, console, answered["added"] + answered["removed"])
        segments, data_points = wait_for_counts(api, console, ids, shop, first_month)
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


def call(api: httpx.Client, method: str, path: str, content: object = None, good: Set[int] = GOOD) -> Any:  # noqa: ANN401 - JSON
    """Return the body of an answer with a good status; raise LocalError with what the API answered otherwise."""
    try:
        answer = api.request(method, path, json=content) if content is not None else api.request(method, path)
    except httpx.TransportError as exc:
        raise LocalError(f"{method} {path} got no answer: {exc!r}") from exc
    if answer.status_code not in good:
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
    """Send updates of segments; return the sums over the answers."""

    def send(batch: Sequence[Update]) -> Counter[str]:
        sums: Counter[str] = Counter()
        content: Any = body(batch)
        for answer in answers_until_done(api, "/api/updateSegment", "bulk_profiles", content["bulk_profiles"]):
            sums.update(answer["summary"])
            sums["processed"] += answer["processed"]
            sums["unprocessed"] = len(answer["unprocessed"])
        return sums

    return send_all(console, doing, "users", batches(updates), send, in_flight=PUSHES_IN_FLIGHT)


def upload(api: httpx.Client, console: Console, doing: str, records: Sequence[Record]) -> Counter[str]:
    """Send records of users; return the sums over the answers."""

    def send(portion: Sequence[Record]) -> Counter[str]:
        sums: Counter[str] = Counter()
        for answer in answers_until_done(api, "/1/upload", "d", portion):
            sums["uploaded"] += answer["processed"]
            sums["unprocessed"] = len(answer["unprocessed"])
        return sums

    return send_all(console, doing, "records", portions(records), send, in_flight=UPLOADS_IN_FLIGHT)


def answers_until_done(api: httpx.Client, path: str, field: str, entries: Sequence[Any]) -> Iterator[Any]:
    """Send a batch, and what could not be written in time again, as docs/api.md says; give each answer."""
    for _ in range(TRIES):
        answer = call(api, "POST", path, {field: entries}, {httpx.codes.OK, *TRY_AGAIN})
        yield answer
        entries = [entry["record"] for entry in answer["unprocessed"] if entry["code"] in TRY_AGAIN]
        if not entries:
            return


def send_all(  # noqa: PLR0913 - what is shown, what is sent, and how
    console: Console,
    doing: str,
    unit: str,
    parts: Sequence[Sequence[T]],
    send: Callable[[Sequence[T]], Counter[str]],
    *,
    in_flight: int,
) -> Counter[str]:
    """Send one request a part, `in_flight` at a time; return the sums over what `send` returns."""
    sums: Counter[str] = Counter()
    with bar(console, doing, sum(map(len, parts)), unit) as advance, ThreadPoolExecutor(in_flight) as senders:
        for part, answered in zip(parts, senders.map(send, parts), strict=True):
            sums.update(answered)
            advance(len(part))
    return sums


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
    api: httpx.Client, console: Console, ids: dict[str, int], shop: Shop, first_month: str
) -> tuple[dict[str, Counts], int]:
    """Return segments' counts and the data points as the API tells them, once as expected or at rest for a while."""
    told: tuple[dict[str, Counts], int] = {}, 0
    expected = {segment: shop.counts(segment) for segment in ids}, shop.changes.total()
    with bar(console, "members of the segments", _members(expected[0]), "members") as advance:
        last = time.monotonic()
        while told != expected and time.monotonic() - last < SILENCE_SECONDS:
            segments = {segment: counts_of(call(api, "GET", f"/api/segments/{ids[segment]}")) for segment in ids}
            months = {first_month, _month()}  # a demo may begin in one and end in the next
            now = segments, sum(call(api, "GET", f"/api/usage?month={month}")["data_points"] for month in months)
            if now == told:
                time.sleep(0.25)
            else:
                advance(_members(now[0]) - _members(told[0]))
                told, last = now, time.monotonic()
    return told


def counts_of(segment: Any) -> Counts:  # noqa: ANN401 - JSON
    """Return members and reachable of a segment as the API shows it."""
    counts = {"members": segment["members"], **{channel: segment["reachable"][channel] for channel in CHANNELS}}
    return {name: int(counts[name]) for name in COUNTS}


def _members(told: Mapping[str, Counts]) -> int:
    return sum(counts["members"] for counts in told.values())


def _month() -> str:
    return f"{datetime.now(UTC):%Y-%m}"
