"""Exports: the members of a segment as a file, written by an execution of the state machine of imports."""

from dataclasses import replace

from api_segments.aws.event_bus import EventBus
from api_segments.aws.keys import MEMBER_BUCKETS
from api_segments.aws.object_store import ObjectStore
from api_segments.core.clock import Clock, Deadline, rfc3339
from api_segments.core.errors import NotFoundError
from api_segments.core.limits import IMPORT_LINK_SECONDS
from api_segments.core.paging import Page, Position
from api_segments.imports import objects
from api_segments.imports.events import export_event
from api_segments.imports.executions import Executions
from api_segments.imports.files.written_csv import EXPORT_HEADER, csv_lines
from api_segments.imports.model import Export, ExportStatus, export_as_of, new_id
from api_segments.imports.store_exports import ExportStore
from api_segments.memberships.store_lists import MemberListStore
from api_segments.segments.errors import no_such_segment, segment_deleted
from api_segments.segments.model import SegmentStatus
from api_segments.segments.store import SegmentStore


class ExportService:
    """Carries out what clients ask of exports."""

    def __init__(
        self,
        exports: ExportStore,
        segments: SegmentStore,
        store: ObjectStore,
        executions: Executions,
        clock: Clock,
    ) -> None:
        self._exports = exports
        self._segments = segments
        self._store = store
        self._executions = executions
        self._clock = clock

    def create(self, account_id: str, segment_id: int, deadline: Deadline) -> Export:
        """Begin to write a segment's members into a file; raises NotFoundError or SegmentDeletedError."""
        found = self._segments.get(account_id, segment_id, deadline)
        if found is None:
            raise no_such_segment(segment_id)
        if found.status is not SegmentStatus.ACTIVE:
            raise segment_deleted(segment_id)
        now = self._clock.now()
        new = Export(account_id, new_id(now), segment_id, ExportStatus.WRITING, rfc3339(now))
        self._exports.put(new, deadline)
        self._executions.start(new, deadline)
        return new

    def newest(
        self, account_id: str, segment_id: int | None, after: Position | None, limit: int, deadline: Deadline
    ) -> Page[Export]:
        """List exports, or a segment's, the newest first, from after `after` on."""
        before = None if after is None else str(after[0])
        now = self._clock.now()
        kept = self._exports.newest(account_id, segment_id, before, limit + 1, deadline)
        found = [export_as_of(each, now) for each in kept]
        return Page(found[:limit], (found[limit - 1].export_id,) if len(found) > limit else None)

    def get(self, account_id: str, export_id: str, deadline: Deadline) -> tuple[Export, str | None]:
        """Return an export, and a link to its file once that is there; raises NotFoundError.

        One whose execution was lost has failed when no execution can still be at work.
        """
        kept = self._exports.get(account_id, export_id, deadline)
        if kept is None:
            raise NotFoundError(f"there is no export {export_id}")
        kept = export_as_of(kept, self._clock.now())
        link = None
        if kept.status is ExportStatus.DONE:
            name = f"segment-{kept.segment_id}-members.csv"
            link = self._store.signed_get(objects.export(account_id, export_id), name, IMPORT_LINK_SECONDS)
        return kept, link


class ExportingService:
    """Writes the files of exports, and tells the bus of their ends.

    A step that runs again writes the file anew, in the place of the first; or tells the bus again, if it had ended.
    """

    def __init__(  # noqa: PLR0913, PLR0917 - what a file is made of, and who is told
        self,
        exports: ExportStore,
        segments: SegmentStore,
        lists: MemberListStore,
        store: ObjectStore,
        bus: EventBus,
        clock: Clock,
    ) -> None:
        self._exports = exports
        self._segments = segments
        self._lists = lists
        self._store = store
        self._bus = bus
        self._clock = clock

    def write(self, account_id: str, export_id: str, deadline: Deadline) -> None:
        """Write the members of a segment, as its list has them now, unless the export has ended; tell the bus."""
        kept = self._exports.get(account_id, export_id, deadline)
        if kept is not None and kept.status is ExportStatus.WRITING:
            members = self._write(kept, deadline)
            # A deleted segment's list is cleared away, so the file would have some of its members alone.
            reason = f"segment {kept.segment_id} was deleted" if members is None else None
            self._end(replace(kept, members=members, reason=reason), deadline)
        self.publish(account_id, export_id, deadline)

    def _write(self, of: Export, deadline: Deadline) -> int | None:
        """Write a list bucket by bucket, in constant memory; return how long it is, None if its segment was deleted."""
        members = 0
        file = self._store.begin(objects.export(of.account_id, of.export_id))
        file.add(csv_lines([EXPORT_HEADER]))
        for bucket in range(MEMBER_BUCKETS):
            for rows in self._lists.bucket(of.account_id, of.segment_id, bucket, deadline):
                listed = [
                    (row.identity or "", row.profile_id, row.added_at) for row in rows if row.added_at is not None
                ]
                file.add(csv_lines(listed))
                members += len(listed)
        if not self._segments.are_active([(of.account_id, of.segment_id)], deadline):
            return None
        file.close()
        return members

    def fail(self, account_id: str, export_id: str, reason: str, deadline: Deadline) -> bool:
        """Note why an export came to nothing, unless it has ended, and tell the bus; return whether it failed now."""
        kept = self._exports.get(account_id, export_id, deadline)
        is_new = (
            kept is not None
            and kept.status is ExportStatus.WRITING
            and self._end(replace(kept, reason=reason), deadline)
        )
        self.publish(account_id, export_id, deadline)
        return is_new

    def _end(self, as_it_is: Export, deadline: Deadline) -> bool:
        """Note an export's end, which is a failure if there is a reason; False if it had ended."""
        status = ExportStatus.DONE if as_it_is.reason is None else ExportStatus.FAILED
        return self._exports.end(replace(as_it_is, status=status, ended_at=rfc3339(self._clock.now())), deadline)

    def publish(self, account_id: str, export_id: str, deadline: Deadline) -> None:
        """Tell the bus how an export ended, if it has; raises UnavailableError. The same event each time."""
        kept = self._exports.get(account_id, export_id, deadline)
        event = None if kept is None else export_event(kept)
        if event is not None:
            self._bus.put_one(event, deadline)
