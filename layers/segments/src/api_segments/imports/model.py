"""Imports: files of users that become members of a segment, or leave it. Plain values, no AWS.

An import is in one of these states; who takes it from one to the next stands beside the arrow:

    AWAITING_UPLOAD ──start──▶ READING ──preview──▶ PREVIEWED ──apply──▶ APPLYING ──finish──▶ DONE ──undo──▶ UNDOING
          │                      │  │                  │                    │                  ▲               │
          │ cancel               │  └─guard─▶ REFUSED  │ cancel             │                  │               ▼
          ├──────────────────────┴─────────────────────┴──▶ CANCELLED       │ a step fails     │            UNDONE
          │ nothing was uploaded                                            ▼                  │
          └───────────────────────────────────────────────────────────▶ FAILED ──undo──▶ (as DONE, once it has applied)

An import that is cancelled while it is APPLYING is CANCELLING until the steps that are at work have stopped; it is
CANCELLED then, or DONE if all was applied by that time, and can be undone like one that is DONE.

With `apply` = auto the preview itself goes on to APPLYING. A state that something else has to end has a time limit
(`until`): an upload and a preview are good for a day, and what an execution works on has failed when the longest that
an execution may last is over. `as_of` says what an import has come to by then, so nothing stays as it is for ever.

A segment has one import at a time: from READING on an import holds the segment's lock, until it has ended.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from secrets import token_hex
from typing import Any

from api_segments.core.clock import rfc3339
from api_segments.core.limits import IMPORT_PREVIEW_HOURS, IMPORT_UPLOAD_HOURS
from api_segments.memberships.model import Action

# What the state machine lets an execution last, and what its last step and a clock may take beyond it (template.yaml).
EXECUTION_SECONDS = 24 * 3600
_LATEST_STEP_SECONDS = 3600


LONGEST_EXECUTION = timedelta(seconds=EXECUTION_SECONDS + _LATEST_STEP_SECONDS)
# A step that was at work when its execution ended may go on for as long as its function may (template.yaml: 120 s).
LAST_WRITES = timedelta(seconds=130)


LOST = "its execution was lost"


class ImportStatus(StrEnum):
    """How far an import has come."""

    AWAITING_UPLOAD = "awaiting_upload"
    READING = "reading"
    PREVIEWED = "previewed"
    REFUSED = "refused"
    APPLYING = "applying"
    DONE = "done"
    FAILED = "failed"
    CANCELLING = "cancelling"
    CANCELLED = "cancelled"
    UNDOING = "undoing"
    UNDONE = "undone"


WORKED_ON = (ImportStatus.READING, ImportStatus.APPLYING, ImportStatus.CANCELLING, ImportStatus.UNDOING)
"""States in which an execution of the state machine is at work."""
ENDED = (
    ImportStatus.REFUSED,
    ImportStatus.DONE,
    ImportStatus.FAILED,
    ImportStatus.CANCELLED,
    ImportStatus.UNDONE,
)
"""States that hold no lock of the segment."""
_LASTING = {
    ImportStatus.AWAITING_UPLOAD: timedelta(hours=IMPORT_UPLOAD_HOURS),
    ImportStatus.PREVIEWED: timedelta(hours=IMPORT_PREVIEW_HOURS),
    **dict.fromkeys(WORKED_ON, LONGEST_EXECUTION),
}


class Mode(StrEnum):
    """What a file's users are to the segment: its users, once more, or no more."""

    ADD = "add"
    REMOVE = "remove"
    REPLACE = "replace"


class UnknownUsers(StrEnum):
    """What to do with users who do not exist."""

    CREATE = "create"
    SKIP = "skip"


class Phase(StrEnum):
    """What an execution of the state machine is for."""

    READ = "read"
    APPLY = "apply"
    UNDO = "undo"
    EXPORT = "export"


PHASE_OF = {
    ImportStatus.READING: Phase.READ,
    ImportStatus.APPLYING: Phase.APPLY,
    ImportStatus.CANCELLING: Phase.APPLY,
    ImportStatus.UNDOING: Phase.UNDO,
}


@dataclass(frozen=True, slots=True)
class Guard:
    """The most that an import may change; None: as much as it likes. `max_removed_percent` is of the members before."""

    max_added: int | None = None
    max_removed: int | None = None
    max_removed_percent: int | None = None
    max_created: int | None = None
    max_rejected: int | None = None


NO_GUARD = Guard()


class Figure(StrEnum):
    """What is counted: of the file, of the preview, of what was applied, of what was undone."""

    ROWS = "rows"
    REJECTED = "rejected"
    DUPLICATE = "duplicate"
    SKIPPED = "skipped"
    UNCHANGED = "unchanged"
    TO_ADD = "to_add"
    TO_CREATE = "to_create"
    TO_REMOVE = "to_remove"
    TO_REMOVE_NAMED = "to_remove_named"
    MEMBERS = "members"
    ADDED = "added"
    REMOVED = "removed"
    CREATED = "created"
    SUPERSEDED = "superseded"


Figures = Mapping[Any, int]
"""By `Figure`; as they are kept, by its text, which is equal."""


@dataclass(frozen=True, slots=True)
class Upload:
    """The uploaded object as it was at the start: a later one under the same key has another `etag`."""

    etag: str
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Import:
    """An import as it is kept. Times are RFC 3339; `until` is when the state that it is in has lasted too long.

    `created_by` is the name of a passcode, `file_name` what its creator told. `parts` is how many part files its rows
    are spread over. `reads_since`: changes from this moment on are of others, and stay. `preview` and `applied` are
    the figures once they are final, `undone` those of the undoing.
    """

    account_id: str
    import_id: str
    segment_id: int
    mode: Mode
    unknown_users: UnknownUsers
    guard: Guard
    applies_itself: bool
    status: ImportStatus
    created_at: str
    status_at: str
    until: str | None = None
    started_at: str | None = None
    ended_at: str | None = None
    reads_since: str | None = None
    upload: Upload | None = None
    parts: int | None = None
    reason: str | None = None
    preview: Figures | None = None
    applied: Figures | None = None
    undone: Figures | None = None
    has_applied: bool = False
    has_rejected_rows: bool = False
    created_by: str | None = None
    file_name: str | None = None

    @property
    def phase(self) -> Phase | None:
        """What an execution is doing for it now."""
        return PHASE_OF.get(self.status)

    @property
    def execution(self) -> str | None:
        """The name of the execution that is at work for it now: no two phases, and no two undoings, share one."""
        phase = self.phase
        if phase is Phase.APPLY and self.applies_itself:
            phase = Phase.READ  # it goes on by itself
        if phase is None:
            return None
        again = f"-{datetime.fromisoformat(self.status_at):%Y%m%dT%H%M%S}" if phase is Phase.UNDO else ""
        return f"{self.import_id}-{phase}{again}"


def until(status: ImportStatus, now: datetime) -> datetime | None:
    """Return how long an import may stay in a state that it enters now; None: for ever."""
    lasting = _LASTING.get(status)
    return None if lasting is None else now + lasting


def as_of(kept: Import, now: datetime) -> Import:
    """Return what an import has come to: one that stayed in its state for too long has ended."""
    if kept.until is None or now < datetime.fromisoformat(kept.until):
        return kept
    if kept.status is ImportStatus.AWAITING_UPLOAD:
        status, why = ImportStatus.FAILED, f"it was not started within {IMPORT_UPLOAD_HOURS} hours"
    elif kept.status is ImportStatus.PREVIEWED:
        status, why = ImportStatus.CANCELLED, f"its preview was not applied within {IMPORT_PREVIEW_HOURS} hours"
    else:
        status, why = ImportStatus.FAILED, LOST
    return replace(kept, status=status, reason=why, status_at=kept.until, ended_at=kept.until, until=None)


def hit(guard: Guard, figures: Figures) -> str | None:
    """Return which bound of a guard the figures of a preview are over, as people read it; None if all hold."""
    bounds = (
        ("max_added", guard.max_added, Figure.TO_ADD, "users would be added"),
        ("max_removed", guard.max_removed, Figure.TO_REMOVE, "users would be removed"),
        ("max_created", guard.max_created, Figure.TO_CREATE, "users would be created"),
        ("max_rejected", guard.max_rejected, Figure.REJECTED, "rows can't be read"),
    )
    for name, most, figure, said in bounds:
        if most is not None and figures.get(figure, 0) > most:
            return f"{name} is {most}, and {figures[figure]} {said}"
    removed, members = figures.get(Figure.TO_REMOVE, 0), figures.get(Figure.MEMBERS, 0)
    most = guard.max_removed_percent
    if most is not None and removed * 100 > most * members:
        return f"max_removed_percent is {most}, and {removed} of {members} members would be removed"
    return None


def imbalance(figures: Figures) -> str | None:
    """Return how the figures of a preview don't add up, None if they do: every row is in exactly one."""
    counted = (
        Figure.REJECTED,
        Figure.DUPLICATE,
        Figure.SKIPPED,
        Figure.UNCHANGED,
        Figure.TO_ADD,
        Figure.TO_REMOVE_NAMED,
    )
    total = sum(figures.get(each, 0) for each in counted)
    rows = figures.get(Figure.ROWS, 0)
    return None if rows == total else f"{rows} rows were read, and {total} are in a figure"


def changes_left(preview: Figures, applied: Figures) -> int:
    """Return how many of the changes of a preview have not come to an end; below 0 the figures are wrong."""
    wanted = preview.get(Figure.TO_ADD, 0) + preview.get(Figure.TO_REMOVE, 0)
    return wanted - sum(applied.get(each, 0) for each in (Figure.ADDED, Figure.REMOVED, Figure.SUPERSEDED))


ACTIONS = (Action.ADD, Action.REMOVE)
"""In the order in which they are applied, so that a segment is never emptied before it is filled."""


class ExportStatus(StrEnum):
    """How far an export has come."""

    WRITING = "writing"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Export:
    """A segment's members as a file: how many it has, once it is there, or the reason why it came to nothing."""

    account_id: str
    export_id: str
    segment_id: int
    status: ExportStatus
    created_at: str
    ended_at: str | None = None
    reason: str | None = None
    members: int | None = None

    @property
    def phase(self) -> Phase | None:
        """What an execution is doing for it now."""
        return Phase.EXPORT if self.status is ExportStatus.WRITING else None

    @property
    def execution(self) -> str | None:
        """The name of the execution that is at work for it now."""
        return None if self.phase is None else f"{self.export_id}-{self.phase}"


def export_as_of(kept: Export, now: datetime) -> Export:
    """Return what an export has come to: one that no execution can be at work for any more has failed."""
    lost_at = datetime.fromisoformat(kept.created_at) + LONGEST_EXECUTION
    if kept.status is not ExportStatus.WRITING or now < lost_at:
        return kept
    return replace(kept, status=ExportStatus.FAILED, ended_at=rfc3339(lost_at), reason=LOST)


def new_id(now: datetime) -> str:
    """Return an id that is the stack's own, and sorts by time: it also names an execution."""
    return first_id_of(now) + token_hex(4)


def first_id_of(moment: datetime) -> str:
    """Return what sorts before all ids of that moment and later."""
    return f"{int(moment.timestamp() * 1_000_000):013x}"
