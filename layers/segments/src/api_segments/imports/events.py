"""The events of imports and exports: what they say (docs/events.md), and how they are written."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from api_segments.aws.events import ACCOUNT_ID, BusEvent, EventKind, Json, identifier, moment, text
from api_segments.imports.model import Export, ExportStatus, Figure, Figures, Import, ImportStatus, Mode

_ID = "65f1b2c3d4e5f0a1b2c3d"
_COUNT: Json = {"type": "integer", "format": "int64", "minimum": 0}
_PREVIEW = (
    (Figure.ROWS, "Rows of the file.", 2994),
    (Figure.REJECTED, "Rows that can't be read.", 4),
    (Figure.DUPLICATE, "Rows that name a user whom a row before names.", 0),
    (Figure.SKIPPED, "Users who were skipped, as they don't exist or what is stored of them is damaged.", 0),
    (Figure.UNCHANGED, "Users of the file who were as asked.", 10),
    (Figure.TO_ADD, "Users to be added.", 2980),
    (Figure.TO_CREATE, "Users of these to be created.", 2970),
    (Figure.TO_REMOVE, "Users to be removed.", 12),
)
_APPLIED = (
    (Figure.ADDED, "Users who were added.", 2979),
    (Figure.REMOVED, "Users who were removed.", 12),
    (Figure.CREATED, "Users of the added who were created.", 2970),
    (Figure.SUPERSEDED, "Users whom others changed first.", 1),
)


def _figures(described: Sequence[tuple[Figure, str, int]], about: str) -> Json:
    return {
        "type": "object",
        "description": about,
        "required": [str(name) for name, _, _ in described],
        "properties": {str(name): {**_COUNT, "description": said, "examples": [ex]} for name, said, ex in described},
        "examples": [{str(name): example for name, _, example in described}],
    }


_WHERE: Mapping[str, Json] = {"Segment ID": identifier("The segment's id.", 1763901234567890), "Account ID": ACCOUNT_ID}
_ABOUT: Mapping[str, Json] = {
    "Import ID": text("The import's id.", _ID),
    **_WHERE,
    "Mode": text("What the file's users are to the segment.", Mode.REPLACE, enum=list(Mode)),
}
_ABOUT_EXPORT: Mapping[str, Json] = {"Export ID": text("The export's id.", _ID), **_WHERE}
_REASON = text(
    "Why it did not come to its end.", "max_removed_percent is 20, and 4000 of 9000 members would be removed"
)


def _own(name: str, at: str) -> Mapping[str, Json]:
    return {
        "Event ID": text("The same whenever this event is sent.", f"SHP-7KD-42QX-{_ID}-{name}"),
        "Occurred At": moment(at, "2026-12-01T09:32:31.123456Z"),
    }


COMPLETED, REFUSED, FAILED = "Import Completed", "Import Refused", "Import Failed"
CANCELLED = "Import Cancelled"
EXPORT_COMPLETED, EXPORT_FAILED = "Export Completed", "Export Failed"
_NAMES = {
    ImportStatus.DONE: COMPLETED,
    ImportStatus.REFUSED: REFUSED,
    ImportStatus.FAILED: FAILED,
    ImportStatus.CANCELLED: CANCELLED,
}
EVENTS: Sequence[EventKind] = (
    EventKind(
        COMPLETED,
        "An import has been applied, and lists and counts have followed.",
        {
            **_ABOUT,
            "Preview": _figures(_PREVIEW, "What the file asked for."),
            "Applied": _figures(_APPLIED, "What was done."),
            **_own("done", "When it ended."),
        },
    ),
    EventKind(
        CANCELLED,
        "An import was cancelled while it was applied, and has stopped.",
        {
            **_ABOUT,
            "Preview": _figures(_PREVIEW, "What the file asked for, of which a part was done."),
            "Applied": _figures(_APPLIED, "What was done before it stopped."),
            **_own("cancelled", "When it had stopped."),
        },
    ),
    EventKind(
        REFUSED,
        "An import's guard let it not pass; nothing was changed.",
        {
            **_ABOUT,
            "Preview": _figures(_PREVIEW, "What the file asked for, which the guard did not allow."),
            "Reason": _REASON,
            **_own("refused", "When it was refused."),
        },
    ),
    EventKind(
        FAILED,
        "An import, or its undoing, could not come to its end.",
        {
            **_ABOUT,
            "Reason": text(
                "Why it failed.", "its gzip data ends too early, after 4096 unpacked bytes: was it cut off?"
            ),
            "Has Applied": {
                "type": "boolean",
                "description": "Whether it may have changed members; it can be undone then.",
                "examples": [False],
            },
            **_own("failed", "When it failed."),
        },
    ),
    EventKind(
        EXPORT_COMPLETED,
        "The file of an export is there.",
        {
            **_ABOUT_EXPORT,
            "Members": {**_COUNT, "description": "How many members the file has.", "examples": [3000]},
            **_own("done", "When it ended."),
        },
    ),
    EventKind(
        EXPORT_FAILED,
        "The file of an export could not be written.",
        {
            **_ABOUT_EXPORT,
            "Reason": text("Why it failed.", "segment 1763901234567890 was deleted"),
            **_own("failed", "When it failed."),
        },
    ),
)


def import_event(ended: Import) -> BusEvent | None:
    """Write the event of an import that has ended; None for an end that has none. Its Event ID is the same for ever."""
    name = _NAMES.get(ended.status)
    if name is None or (name == CANCELLED and not ended.has_applied):
        return None
    at = ended.status_at
    detail: dict[str, object] = {
        "Import ID": ended.import_id,
        "Segment ID": ended.segment_id,
        "Account ID": ended.account_id,
        "Mode": ended.mode,
        "Event ID": f"{ended.account_id}-{ended.import_id}-{ended.status}",
        "Occurred At": at,
    }
    if name != FAILED:
        detail["Preview"] = _told(ended.preview, _PREVIEW)
    if name in (COMPLETED, CANCELLED):
        detail["Applied"] = _told(ended.applied, _APPLIED)
    else:
        detail["Reason"] = ended.reason
    if name == FAILED:
        detail["Has Applied"] = ended.has_applied
        detail["Event ID"] = f"{detail['Event ID']}-{at}"  # an undoing may fail, too
    return BusEvent(name, detail, datetime.fromisoformat(at))


def _told(figures: Figures | None, described: Sequence[tuple[Figure, str, int]]) -> dict[str, int]:
    return {str(name): (figures or {}).get(name, 0) for name, _, _ in described}


def export_event(kept: Export) -> BusEvent | None:
    """Write the event of an export that has ended; None if it has not. Its Event ID is the same for ever."""
    if kept.ended_at is None:
        return None
    name, came = (
        (EXPORT_COMPLETED, {"Members": kept.members})
        if kept.status is ExportStatus.DONE
        else (EXPORT_FAILED, {"Reason": kept.reason})
    )
    detail: dict[str, object] = {
        "Export ID": kept.export_id,
        "Segment ID": kept.segment_id,
        "Account ID": kept.account_id,
        **came,
        "Event ID": f"{kept.account_id}-{kept.export_id}-{kept.status}",
        "Occurred At": kept.ended_at,
    }
    return BusEvent(name, detail, datetime.fromisoformat(kept.ended_at))
