"""Imports as clients see them: create, start, apply, cancel, undo, look at.

What a client asks for is a change of state, on condition that the import is still as it was read. An execution is
started after that, under a name that is the same each time: whoever finds the state reached starts it again, which does
nothing if it runs. So a request whose process died is made good by sending it again.
"""

from collections import Counter
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from math import ceil
from typing import NoReturn

from api_segments.aws.object_store import ObjectStore
from api_segments.core.clock import Clock, Deadline, rfc3339
from api_segments.core.errors import ConflictError, NotFoundError, UnavailableError
from api_segments.core.limits import IDEMPOTENCY_HOURS, IMPORT_FILE_DAYS, IMPORT_LINK_SECONDS, IMPORT_UNDO_DAYS
from api_segments.core.paging import Page, Position
from api_segments.imports import objects
from api_segments.imports.errors import no_such_import
from api_segments.imports.executions import Executions
from api_segments.imports.files.parts import parts_for
from api_segments.imports.model import (
    LAST_WRITES,
    Figure,
    Figures,
    Guard,
    Import,
    ImportStatus,
    Mode,
    Phase,
    UnknownUsers,
    Upload,
    as_of,
    hit,
    new_id,
    until,
)
from api_segments.imports.reading import DIFF, SPLIT
from api_segments.imports.store import ImportStore, KnownRequest, RequestKnownError, SegmentBusyError
from api_segments.memberships.store_references import ReferenceStore
from api_segments.segments.errors import no_such_segment, segment_deleted
from api_segments.segments.model import SegmentReference, SegmentStatus
from api_segments.segments.store import SegmentStore

CONTENT_TYPE = "application/octet-stream"
"""What an upload says it is: the file itself tells what is in it. The URL is signed for this type alone."""
_UNDOABLE = (ImportStatus.DONE, ImportStatus.FAILED, ImportStatus.CANCELLED)
# Lists have what was acknowledged before the start by then; changes from that moment on are of others, and stay.
_BEFORE_READING = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class RequestKey:
    """An Idempotency-Key, and a digest of the body that it came with."""

    key: str
    digest: str


@dataclass(frozen=True, slots=True)
class NewImport:
    """An import as a client asks for it."""

    segment: SegmentReference
    mode: Mode
    unknown_users: UnknownUsers
    guard: Guard
    applies_itself: bool
    file_name: str | None = None


@dataclass(frozen=True, slots=True)
class UploadLink:
    """Where an import's file is put, and until when (RFC 3339) that can begin."""

    url: str
    expires_at: str


@dataclass(frozen=True, slots=True)
class Shown:
    """An import as it is now, its figures as far as they are counted, and links: to its rejected rows, for its file."""

    kept: Import
    preview: Figures
    applied: Figures
    undone: Figures
    rejected_rows: str | None = None
    upload: UploadLink | None = None


class ImportService:
    """Carries out what clients ask of imports."""

    def __init__(  # noqa: PLR0913, PLR0917 - what an import goes through
        self,
        imports: ImportStore,
        segments: SegmentStore,
        references: ReferenceStore,
        store: ObjectStore,
        executions: Executions,
        clock: Clock,
    ) -> None:
        self._imports = imports
        self._segments = segments
        self._references = references
        self._store = store
        self._executions = executions
        self._clock = clock

    def create(
        self, account_id: str, wanted: NewImport, by: str, request: RequestKey | None, deadline: Deadline
    ) -> tuple[Import, UploadLink | None, bool]:
        """Create an import; return it, where its file is put, and whether an earlier request created it.

        One that was created earlier is returned as it is now; without a link if it does not wait for its file any more.

        `by` is the name of the passcode that asks. Raises NotFoundError, SegmentDeletedError, or ConflictError: another
        import has the segment, or the key came with another body.
        """
        now = self._clock.now()
        first = None if request is None else self._known(account_id, request, now, deadline)
        if first is not None:
            return first, self._upload_link(first, now), True
        segment_id = self._segment(account_id, wanted.segment, deadline)
        holder = self._imports.holder(account_id, segment_id, now, deadline)
        if holder is not None:
            raise _busy(segment_id, holder)
        new = new_import(account_id, new_id(now), segment_id, wanted, by, now)
        note = None
        if request is not None:
            forgotten = int((now + timedelta(hours=IDEMPOTENCY_HOURS)).timestamp())
            note = KnownRequest(request.key, request.digest, new.import_id, forgotten)
        try:
            self._imports.create(new, note, now, deadline)
        except RequestKnownError as exc:
            first = None if request is None else self._known(account_id, request, now, deadline)
            if first is None:
                raise UnavailableError("the import was not created") from exc
            return first, self._upload_link(first, now), True
        return new, self._upload_link(new, now), False

    def _known(self, account_id: str, request: RequestKey, now: datetime, deadline: Deadline) -> Import | None:
        known = self._imports.known_request(account_id, request.key, now, deadline)
        if known is None:
            return None
        if known.digest != request.digest:
            raise ConflictError("Idempotency-Key: was used with another body")
        first = self._imports.get(account_id, known.import_id, deadline)
        return None if first is None else as_of(first, now)

    def _segment(self, account_id: str, reference: SegmentReference, deadline: Deadline) -> int:
        found = self._references.find(account_id, [reference], [], deadline).segments.get(reference)
        if found is None:
            if reference.segment_id is not None:
                raise no_such_segment(reference.segment_id)
            raise NotFoundError("segment: there is no segment with this customer_segment_id")
        if found.status is not SegmentStatus.ACTIVE:
            raise segment_deleted(found.segment_id)
        return found.segment_id

    def _upload_link(self, of: Import, now: datetime) -> UploadLink | None:
        """Sign a link to the upload of an import that waits for it, for as long as it does and a link may last."""
        if of.status is not ImportStatus.AWAITING_UPLOAD or of.until is None:
            return None
        left = datetime.fromisoformat(of.until) - now
        seconds = max(1, min(IMPORT_LINK_SECONDS, int(left.total_seconds())))
        url = self._store.signed_put(objects.upload(of.account_id, of.import_id), CONTENT_TYPE, seconds)
        return UploadLink(url, rfc3339(now + timedelta(seconds=seconds)))

    def get(self, account_id: str, import_id: str, deadline: Deadline) -> Shown:
        """Return an import with its figures; raises NotFoundError."""
        return self._shown(self._kept(account_id, import_id, deadline), deadline)

    def newest(
        self, account_id: str, segment_id: int | None, after: Position | None, limit: int, deadline: Deadline
    ) -> Page[Shown]:
        """List imports, or a segment's, the newest first, from after `after` on; those at work have no figures."""
        before = None if after is None else str(after[0])
        now = self._clock.now()
        found = [as_of(each, now) for each in self._imports.newest(account_id, segment_id, before, limit + 1, deadline)]
        goes_on_at = (found[limit - 1].import_id,) if len(found) > limit else None
        nothing: Figures = {}
        rows = [
            Shown(each, each.preview or nothing, each.applied or nothing, each.undone or nothing)
            for each in found[:limit]
        ]
        return Page(rows, goes_on_at)

    def _kept(self, account_id: str, import_id: str, deadline: Deadline) -> Import:
        """Return what an import has come to; reconciliation writes that down, and tells the bus."""
        return as_of(self._stored(account_id, import_id, deadline), self._clock.now())

    def _stored(self, account_id: str, import_id: str, deadline: Deadline) -> Import:
        found = self._imports.get(account_id, import_id, deadline)
        if found is None:
            raise no_such_import(import_id)
        return found

    def _shown(self, kept: Import, deadline: Deadline) -> Shown:
        link = None
        forgotten_at = datetime.fromisoformat(kept.started_at or kept.created_at) + timedelta(days=IMPORT_FILE_DAYS)
        if kept.has_rejected_rows and self._clock.now() < forgotten_at:
            name = f"rejected-rows-{kept.import_id}.csv"
            link = self._store.signed_get(objects.rejected_rows(kept), name, IMPORT_LINK_SECONDS)
        return Shown(
            kept,
            self._counted(kept, kept.preview, (SPLIT, DIFF), deadline),
            self._counted(kept, kept.applied, (f"{Phase.APPLY}#",), deadline) if kept.has_applied else {},
            self._counted(kept, kept.undone, (f"{Phase.UNDO}#",), deadline),
            link,
            self._upload_link(kept, self._clock.now()),
        )

    def _counted(self, kept: Import, final: Figures | None, counted: tuple[str, ...], deadline: Deadline) -> Figures:
        """Return figures that are final, or what the steps have counted so far."""
        if final is not None or kept.status is ImportStatus.AWAITING_UPLOAD:
            return final or {}
        figures: Counter[str] = Counter()
        for begin in counted:
            for step in self._imports.figures(kept.account_id, kept.import_id, begin, deadline).values():
                figures.update(step)
        return figures

    def start(self, account_id: str, import_id: str, deadline: Deadline) -> Shown:
        """Begin to read the uploaded file; raises NotFoundError, SegmentDeletedError or ConflictError."""
        now = self._clock.now()
        kept = self._kept(account_id, import_id, deadline)
        if kept.status is ImportStatus.AWAITING_UPLOAD:
            uploaded = self._store.head(objects.upload(account_id, import_id))
            if uploaded is None:
                raise ConflictError("nothing has been uploaded yet: PUT the file at the import's upload URL first")
            counted = self._segments.get_counted(account_id, [kept.segment_id], deadline).get(kept.segment_id)
            if counted is None:
                raise no_such_segment(kept.segment_id)
            if counted[0].status is not SegmentStatus.ACTIVE:
                raise segment_deleted(kept.segment_id)
            reads_since = datetime.fromtimestamp(ceil((now + _BEFORE_READING).timestamp()), now.tzinfo)
            after = replace(
                self._entered(kept, ImportStatus.READING, now),
                started_at=rfc3339(now),
                reads_since=rfc3339(reads_since),
                upload=Upload(uploaded.etag, uploaded.size),
                parts=parts_for(uploaded.size, counted[1].members, is_gzip=uploaded.is_gzip),
            )
            kept = self._move(kept, after, now, deadline)
        if kept.status is not ImportStatus.READING:
            _refuse(kept, "started", "is started once, when its file is uploaded")
        self._executions.start(kept, deadline)
        return self._shown(kept, deadline)

    def apply(self, account_id: str, import_id: str, deadline: Deadline) -> Shown:
        """Apply what a preview told; raises NotFoundError or ConflictError."""
        now = self._clock.now()
        kept = self._kept(account_id, import_id, deadline)
        if kept.status is ImportStatus.PREVIEWED:
            after = replace(self._entered(kept, ImportStatus.APPLYING, now), has_applied=True)
            kept = self._move(kept, after, now, deadline)
        if kept.status is not ImportStatus.APPLYING:
            _refuse(kept, "applied", "can be applied once, when it is previewed")
        if not kept.applies_itself:
            self._executions.start(kept, deadline)
        return self._shown(kept, deadline)

    def cancel(self, account_id: str, import_id: str, deadline: Deadline) -> Shown:
        """End an import before it is applied, or stop it while it is; raises NotFoundError or ConflictError."""
        now = self._clock.now()
        kept = self._kept(account_id, import_id, deadline)
        if kept.status in (ImportStatus.AWAITING_UPLOAD, ImportStatus.READING, ImportStatus.PREVIEWED):
            after = replace(self._entered(kept, ImportStatus.CANCELLED, now), ended_at=rfc3339(now))
            kept = self._move(kept, after, now, deadline)
        if kept.status is ImportStatus.APPLYING:
            kept = self._move(kept, self._entered(kept, ImportStatus.CANCELLING, now), now, deadline)
        if kept.status is ImportStatus.CANCELLING:
            if not kept.applies_itself:
                self._executions.start(kept, deadline)
            return self._shown(kept, deadline)
        if kept.status is not ImportStatus.CANCELLED:
            _refuse(kept, "cancelled", "can be cancelled until it has been applied; what was applied can be undone")
        if kept.started_at is not None:
            self._executions.stop_reading(import_id, deadline)
        return self._shown(kept, deadline)

    def undo(self, account_id: str, import_id: str, guard: Guard, deadline: Deadline) -> Shown:
        """Turn round what an import applied, unless that would be more than the guard allows.

        Raises NotFoundError, SegmentDeletedError or ConflictError.
        """
        now = self._clock.now()
        stored = self._stored(account_id, import_id, deadline)
        kept = as_of(stored, now)
        if kept.status in _UNDOABLE and kept.has_applied:
            ended_at = datetime.fromisoformat(kept.ended_at or kept.created_at)
            if kept.status is ImportStatus.FAILED and now < ended_at + LAST_WRITES:
                raise ConflictError(
                    f"import {import_id} failed just now, and may still write: try again in two minutes"
                )
            if now > ended_at + timedelta(days=IMPORT_UNDO_DAYS):
                raise ConflictError(
                    f"import {import_id} ended more than {IMPORT_UNDO_DAYS} days ago, and can't be undone"
                )
            self._check_undo(kept, guard, deadline)
            after = replace(self._entered(kept, ImportStatus.UNDOING, now), ended_at=None, reason=None)
            kept = self._move(stored, after, now, deadline)
        if kept.status is not ImportStatus.UNDOING:
            _refuse(kept, "undone", "can be undone once it has been applied")
        self._executions.start(kept, deadline)
        return self._shown(kept, deadline)

    def _check_undo(self, kept: Import, guard: Guard, deadline: Deadline) -> None:
        found = self._segments.get_counted(kept.account_id, [kept.segment_id], deadline).get(kept.segment_id)
        if found is None:
            raise no_such_segment(kept.segment_id)
        if found[0].status is not SegmentStatus.ACTIVE:
            raise segment_deleted(kept.segment_id)
        applied = self._shown(kept, deadline).applied
        turned_round = {
            Figure.TO_ADD: applied.get(Figure.REMOVED, 0),
            Figure.TO_REMOVE: applied.get(Figure.ADDED, 0),
            Figure.MEMBERS: found[1].members,
        }
        said = hit(guard, turned_round)
        if said is not None:
            raise ConflictError(f"guard: {said}; nothing was changed")

    @staticmethod
    def _entered(kept: Import, status: ImportStatus, now: datetime) -> Import:
        limit = until(status, now)
        return replace(kept, status=status, status_at=rfc3339(now), until=None if limit is None else rfc3339(limit))

    def _move(self, before: Import, after: Import, now: datetime, deadline: Deadline) -> Import:
        """Take an import to another state; return what it is then, which may be another client's doing."""
        try:
            is_moved = self._imports.move(before, after, now, deadline)
        except SegmentBusyError as exc:
            raise _busy(before.segment_id, exc.import_id) from exc
        return after if is_moved else self._kept(before.account_id, before.import_id, deadline)


def new_import(  # noqa: PLR0913, PLR0917 - what an import is when it begins
    account_id: str, import_id: str, segment_id: int, wanted: NewImport, by: str, now: datetime
) -> Import:
    """Return an import that waits for its upload."""
    limit = until(ImportStatus.AWAITING_UPLOAD, now)
    return Import(
        account_id=account_id,
        import_id=import_id,
        segment_id=segment_id,
        mode=wanted.mode,
        unknown_users=wanted.unknown_users,
        guard=wanted.guard,
        applies_itself=wanted.applies_itself,
        status=ImportStatus.AWAITING_UPLOAD,
        created_at=rfc3339(now),
        status_at=rfc3339(now),
        until=None if limit is None else rfc3339(limit),
        created_by=by,
        file_name=wanted.file_name,
    )


def _busy(segment_id: int, import_id: str) -> ConflictError:
    return ConflictError(f"segment {segment_id} has another import at work, {import_id}: a segment has one at a time")


def _refuse(kept: Import, verb: str, rule: str) -> NoReturn:
    raise ConflictError(f"import {kept.import_id} is {kept.status}, and can't be {verb} now; an import {rule}")
