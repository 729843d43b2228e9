"""The demo's files: a nightly list becomes a segment, previewed, stopped by a guard, applied, undone; and an export."""

import csv
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table

from api_segments_client import Client, ImportRefusedError
from api_segments_client.models import Import, ImportPreview, ImportResult, ImportUndo
from local.audience import SEGMENTS
from local.demo import SETTLE_SECONDS, SILENCE_SECONDS
from local.progress import step
from local.stack import Stack
from local.subscriber import CHANGE, EventQueue

SEGMENT = next(segment for segment in SEGMENTS if segment.customer_segment_id == "SPENT-750")
LEAVES_OUT, BRINGS, REPEATS = 0.2, 40, 5
"""The part of the members who are not in tonight's list, how many new customers are, and how many rows come twice."""
BROKEN = (b"Andr\xe9", b"", b"=x\ty")
"""Rows that name nobody: Latin-1, nothing, a control character."""


def play_nightly(stack: Stack, queue: EventQueue, console: Console) -> list[str]:
    """Make a file the members of a segment, as a warehouse does each night; return what is not as it should be."""
    with stack.client() as client, tempfile.TemporaryDirectory() as folder:
        segment = client.segments.get(SEGMENT.customer_segment_id).id
        before = members_of(client, segment)
        stay = sorted(before)[int(len(before) * LEAVES_OUT) :]
        new = [f"N{number:05d}" for number in range(BRINGS)]
        file, rejected, export = (Path(folder, name) for name in ("nightly.csv", "rejected.csv", "members.csv"))
        file.write_bytes(nightly_file([*stay, *new, *stay[:REPEATS]]))
        leave = len(before) - len(stay)
        differences: list[str] = []

        def compare(what: str, told: object, expected: object) -> None:
            if told != expected:
                differences.append(f"{what}: {told}, expected {expected}")

        refused = guarded(client, console, segment, file)
        compare("the guard ends with", refused.status, "refused")
        compare("members after the guard", members_of(client, segment), before)
        with step(console, "reading the nightly file"):
            previewed = client.imports.replace(segment, file, guard={"max_removed_percent": 50}, preview=True)
        figures = ImportPreview(
            rows=len(stay) + len(new) + REPEATS + len(BROKEN),
            rejected=len(BROKEN),
            duplicate=REPEATS,
            skipped=0,
            unchanged=len(stay),
            to_add=len(new),
            to_create=len(new),
            to_remove=leave,
        )
        compare("the preview", previewed.preview, figures)
        import_id = previewed.import_id
        compare("rejected rows", len(rows_of(client.imports.save_rejected_rows(import_id, rejected))), len(BROKEN))
        with step(console, "applying it"):
            result = client.imports.apply(import_id).result
        compare("members after the import", members_of(client, segment), {*stay, *new})
        with step(console, "exporting the segment"):
            client.exports.save(segment, export)
        compare("rows of the export", {row[0] for row in rows_of(export)}, {*stay, *new})
        with step(console, "undoing it"):
            undo = client.imports.undo(import_id).undo
        compare("members after the undoing", members_of(client, segment), before)
    told = {("apply", "ADD"): len(new), ("apply", "REMOVE"): leave}
    told |= {("undo", "REMOVE"): len(new), ("undo", "ADD"): leave}
    events = events_of(queue, import_id, sum(told.values()))
    compare("events", dict(events), told)
    compare("the result", result, ImportResult(added=len(new), removed=leave, created=len(new), superseded=0))
    compare("the undoing", undo, ImportUndo(added=leave, removed=len(new), left_alone=0))
    console.print(table(refused, previewed.preview, (result, undo), events), "")
    return differences


def nightly_file(identities: Sequence[str]) -> bytes:
    """Return a file as Excel writes it, with the rows that name nobody in its middle."""
    rows = [b"sep=;", b"Name;Identity", *(b'"Doe; Jane";%s' % identity.encode() for identity in identities)]
    half = len(rows) // 2
    broken = [b"John;%s" % row for row in BROKEN]
    return b"\xef\xbb\xbf" + b"\r\n".join([*rows[:half], *broken, *rows[half:]]) + b"\r\n"


def guarded(client: Client, console: Console, segment: int, file: Path) -> Import:
    """Import a file under a guard that is too narrow for it; return the import."""
    with step(console, "reading the nightly file, for its guard"):
        try:
            return client.imports.replace(segment, file, guard={"max_removed_percent": 10})
        except ImportRefusedError as exc:
            return exc.imported


def rows_of(path: Path) -> list[list[str]]:
    """Return the rows of a CSV file without its heading."""
    with path.open(newline="", encoding="utf-8") as file:
        return [*csv.reader(file)][1:]


def members_of(client: Client, segment: int) -> set[str]:
    """Return the identities of all members, as the list has them."""
    return {str(member.identity) for member in client.members.list(segment)}


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


def table(
    refused: Import,
    preview: ImportPreview | None,
    phases: tuple[ImportResult | None, ImportUndo | None],
    events: Counter[tuple[str, str]],
) -> Table:
    """Return the import's figures beside its events."""
    title = f"A nightly file becomes {SEGMENT.name}"
    shown = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, show_edge=False)
    for heading in ("", "answered", "events"):
        shown.add_column(heading, justify="left" if not heading else "right")
    shown.add_row("guard of 10 %", refused.status, "")
    for name in ("rows", "rejected", "duplicate", "unchanged", "to_add", "to_remove"):
        shown.add_row(name.replace("_", " "), f"{getattr(preview, name, 0):,}", "")
    for phase, figures in zip(("apply", "undo"), phases, strict=True):
        for name, action in (("added", "ADD"), ("removed", "REMOVE")):
            shown.add_row(f"{name} ({phase})", f"{getattr(figures, name, 0):,}", f"{events[phase, action]:,} {action}")
    return shown
