"""The demo's files: a nightly list becomes a segment, previewed, stopped by a guard, applied, undone; and an export."""

import csv
import io
import time
from collections import Counter
from collections.abc import Sequence
from typing import Any

import httpx
from rich import box
from rich.console import Console
from rich.table import Table

from local.audience import SEGMENTS
from local.demo import SETTLE_SECONDS, SILENCE_SECONDS, call
from local.environment import LocalError
from local.progress import step
from local.stack import Stack
from local.subscriber import CHANGE, EventQueue

SEGMENT = next(segment for segment in SEGMENTS if segment.customer_segment_id == "SPENT-750")
LEAVES_OUT, BRINGS, REPEATS = 0.2, 40, 5
"""The part of the members who are not in tonight's list, how many new customers are, and how many rows come twice."""
BROKEN = (b"Andr\xe9", b"", b"=x\ty")
"""Rows that name nobody: Latin-1, nothing, a control character."""
PATIENCE_SECONDS = 300


def play_nightly(stack: Stack, queue: EventQueue, console: Console) -> list[str]:
    """Make a file the members of a segment, as a warehouse does each night; return what is not as it should be."""
    with httpx.Client(base_url=stack.api_url, headers=stack.account.headers, timeout=60, trust_env=False) as api:
        (segment,) = call(api, "GET", f"/api/segments?customer_segment_id={SEGMENT.customer_segment_id}")["segments"]
        before = members_of(api, segment["id"])
        stay = sorted(before)[int(len(before) * LEAVES_OUT) :]
        new = [f"N{number:05d}" for number in range(BRINGS)]
        file = nightly_file([*stay, *new, *stay[:REPEATS]])
        leave = len(before) - len(stay)
        differences: list[str] = []

        def compare(what: str, told: object, expected: object) -> None:
            if told != expected:
                differences.append(f"{what}: {told}, expected {expected}")

        refused = imported(api, console, segment["id"], file, {"max_removed_percent": 10})
        compare("the guard ends with", refused["status"], "refused")
        compare("members after the guard", members_of(api, segment["id"]), before)
        previewed = imported(api, console, segment["id"], file, {"max_removed_percent": 50}, apply="manual")
        figures = {
            "rows": len(stay) + len(new) + REPEATS + len(BROKEN),
            "rejected": len(BROKEN),
            "duplicate": REPEATS,
            "skipped": 0,
            "unchanged": len(stay),
            "to_add": len(new),
            "to_create": len(new),
            "to_remove": leave,
        }
        compare("the preview", previewed["preview"], figures)
        compare("rejected rows", len(rows_at(previewed["rejected_rows"])) - 1, len(BROKEN))
        import_id = previewed["import_id"]
        call(api, "POST", f"/api/imports/{import_id}/apply")
        done = ended(api, console, import_id, "applying it", "done")
        compare("members after the import", members_of(api, segment["id"]), {*stay, *new})
        compare("rows of the export", {row[0] for row in exported(api, console, segment["id"])[1:]}, {*stay, *new})
        call(api, "POST", f"/api/imports/{import_id}/undo")
        undone = ended(api, console, import_id, "undoing it", "undone")
        compare("members after the undoing", members_of(api, segment["id"]), before)
    told = {("apply", "ADD"): len(new), ("apply", "REMOVE"): leave}
    told |= {("undo", "REMOVE"): len(new), ("undo", "ADD"): leave}
    events = events_of(queue, import_id, sum(told.values()))
    compare("events", dict(events), told)
    result, undo = done["result"], undone["undo"]
    compare("the result", result, {"added": len(new), "removed": leave, "created": len(new), "superseded": 0})
    compare("the undoing", undo, {"added": leave, "removed": len(new), "left_alone": 0})
    console.print(table(refused, previewed, result, undo, events), "")
    return differences


def nightly_file(identities: Sequence[str]) -> bytes:
    """Return a file as Excel writes it, with the rows that name nobody in its middle."""
    rows = [b"sep=;", b"Name;Identity", *(b'"Doe; Jane";%s' % identity.encode() for identity in identities)]
    half = len(rows) // 2
    broken = [b"John;%s" % row for row in BROKEN]
    return b"\xef\xbb\xbf" + b"\r\n".join([*rows[:half], *broken, *rows[half:]]) + b"\r\n"


def imported(  # noqa: PLR0913, PLR0917 - what is imported, and how
    api: httpx.Client, console: Console, segment_id: int, file: bytes, guard: dict[str, int], apply: str = "auto"
) -> Any:  # noqa: ANN401 - JSON
    """Create an import, upload its file, start it, and return what it comes to before anything is changed."""
    wanted = {"segment": segment_id, "mode": "replace", "guard": guard, "apply": apply}
    created = call(api, "POST", "/api/imports", wanted)
    upload = created["upload"]
    answer = httpx.put(upload["url"], content=file, headers=upload["headers"], timeout=60, trust_env=False)
    if not answer.is_success:
        raise LocalError(f"PUT of the file was answered {answer.status_code} {answer.text[:500]}")
    call(api, "POST", f"/api/imports/{created['import_id']}/start")
    return ended(api, console, created["import_id"], "reading the nightly file", "previewed", "refused")


def ended(api: httpx.Client, console: Console, import_id: str, doing: str, *statuses: str) -> Any:  # noqa: ANN401 - JSON
    """Wait until an import is in one of these states; return it."""
    return waited_for(api, console, f"/api/imports/{import_id}", doing, *statuses)


def exported(api: httpx.Client, console: Console, segment_id: int) -> list[list[str]]:
    """Export a segment; return the rows of the file."""
    export_id = call(api, "POST", f"/api/segments/{segment_id}/export")["export_id"]
    return rows_at(waited_for(api, console, f"/api/exports/{export_id}", "exporting the segment", "done")["file"])


def waited_for(api: httpx.Client, console: Console, path: str, doing: str, *statuses: str) -> Any:  # noqa: ANN401 - JSON
    """Look until what is there is in one of these states; return it."""
    until = time.monotonic() + PATIENCE_SECONDS
    with step(console, doing):
        while (shown := call(api, "GET", path))["status"] not in statuses:
            if shown["status"] in ("failed", "refused", "cancelled") or time.monotonic() > until:
                raise LocalError(f"{path} is {shown['status']}: {shown['reason']}")
            time.sleep(0.5)
    return shown


def rows_at(url: str) -> list[list[str]]:
    """Return the rows of a CSV file that a link leads to."""
    answer = httpx.get(url, timeout=60, trust_env=False).raise_for_status()
    return list(csv.reader(io.StringIO(answer.content.decode(), newline="")))


def members_of(api: httpx.Client, segment_id: int) -> set[str]:
    """Return the identities of all members, as the list has them."""
    found: set[str] = set()
    cursor = ""
    while True:
        page = call(api, "GET", f"/api/segments/{segment_id}/members?limit=1000{cursor}")
        found |= {member["identity"] for member in page["members"]}
        if page["cursor"] is None:
            return found
        cursor = f"&cursor={page['cursor']}"


def events_of(queue: EventQueue, import_id: str, wanted: int) -> Counter[tuple[str, str]]:
    """Return the changes that bear the import's id, by phase and action, once all have come or no more do."""
    seen: dict[str, tuple[str, str]] = {}
    last = time.monotonic()
    while time.monotonic() - last < (SETTLE_SECONDS if len(seen) >= wanted else SILENCE_SECONDS):
        events = queue.receive_many()
        for event in events:
            if event.detail_type == CHANGE and event.detail.get("Import ID") == import_id:
                seen[event.detail["Event ID"]] = (event.detail["Import Phase"], event.detail["Action"])
        last = time.monotonic() if events else last
    return Counter(seen.values())


def table(refused: Any, previewed: Any, result: Any, undo: Any, events: Counter[tuple[str, str]]) -> Table:  # noqa: ANN401 - JSON
    """Return the import's figures beside its events."""
    title = f"A nightly file becomes {SEGMENT.name}"
    shown = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, show_edge=False)
    for heading in ("", "answered", "events"):
        shown.add_column(heading, justify="left" if not heading else "right")
    preview = previewed["preview"]
    shown.add_row("guard of 10 %", refused["status"], "")
    for name in ("rows", "rejected", "duplicate", "unchanged", "to_add", "to_remove"):
        shown.add_row(name.replace("_", " "), f"{preview[name]:,}", "")
    for phase, figures in (("apply", result), ("undo", undo)):
        for name, action in (("added", "ADD"), ("removed", "REMOVE")):
            shown.add_row(f"{name} ({phase})", f"{figures[name]:,}", f"{events[phase, action]:,} {action}")
    return shown
