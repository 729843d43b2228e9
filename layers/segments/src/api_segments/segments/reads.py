"""Read segments with their counts."""

from collections.abc import Sequence

from api_segments.core.clock import Deadline
from api_segments.core.limits import MAX_PAGE
from api_segments.core.paging import Page, Position
from api_segments.segments.errors import no_such_segment
from api_segments.segments.model import NO_MEMBERS, CountedSegment, Segment, SegmentFilter, SegmentStatus
from api_segments.segments.store import SegmentStore
from api_segments.segments.store_lists import SegmentListStore

# Slots of so many segments are read by key, those of more by one walk over the slots of all in between.
_COUNTED_ONE_BY_ONE = 100


class SegmentReads:
    """Looks segments up."""

    def __init__(self, segments: SegmentStore, lists: SegmentListStore) -> None:
        self._segments = segments
        self._lists = lists

    def get(self, account_id: str, segment_id: int, deadline: Deadline) -> CountedSegment:
        """Return a segment, deleted ones too, and its counts; raises NotFoundError."""
        found = self._segments.get_counted(account_id, [segment_id], deadline).get(segment_id)
        if found is None:
            raise no_such_segment(segment_id)
        return found

    def search(
        self, account_id: str, wanted: SegmentFilter, after: Position | None, limit: int, deadline: Deadline
    ) -> Page[CountedSegment]:
        """List segments, from after `after` on: by their customer ids if those are asked for, or the newest first.

        Damaged ones are left out. A page may have fewer rows than `limit`, also when the list goes on.
        """
        if wanted.customer_segment_id is not None:
            return self._with_customer_id(account_id, wanted.customer_segment_id, wanted, deadline)
        if wanted.customer_segment_id_prefix is not None:
            return self._by_customer_id(account_id, wanted, after, limit, deadline)
        before = None if after is None else int(after[0])
        if wanted.tag is not None:
            return self._newest_with_tag(account_id, wanted, before, limit, deadline)
        segments = self._lists.newest(account_id, wanted.status, before, limit + 1, deadline)
        goes_on_at = (segments[limit - 1].segment_id,) if len(segments) > limit else None
        return Page(self._counted(account_id, segments[:limit], deadline), goes_on_at)

    def _newest_with_tag(
        self, account_id: str, wanted: SegmentFilter, before: int | None, limit: int, deadline: Deadline
    ) -> Page[CountedSegment]:
        """Look for a tag among the next MAX_PAGE segments."""
        seen = self._lists.newest(account_id, wanted.status, before, MAX_PAGE + 1, deadline)
        having = [segment.segment_id for segment in seen[:MAX_PAGE] if _has_tag(segment, wanted.tag)]
        ids = having[:limit]
        last = ids[-1] if len(having) > limit else seen[MAX_PAGE - 1].segment_id if len(seen) > MAX_PAGE else None
        return Page(self._wanted(account_id, ids, wanted, deadline), None if last is None else (last,))

    def _counted(self, account_id: str, segments: Sequence[Segment], deadline: Deadline) -> list[CountedSegment]:
        """Add counts: the slots of a page of active segments lie side by side."""
        active = [segment.segment_id for segment in segments if segment.status is SegmentStatus.ACTIVE]
        counts = self._segments.counts_between(account_id, min(active), max(active), deadline) if active else {}
        return [
            (
                segment,
                counts.get(segment.segment_id, NO_MEMBERS) if segment.status is SegmentStatus.ACTIVE else NO_MEMBERS,
            )
            for segment in segments
        ]

    def _with_customer_id(
        self, account_id: str, customer_segment_id: str, wanted: SegmentFilter, deadline: Deadline
    ) -> Page[CountedSegment]:
        segment_id = self._lists.find_by_customer_id(account_id, customer_segment_id, deadline)
        ids = [] if segment_id is None else [segment_id]
        return Page(self._wanted(account_id, ids, wanted, deadline), None)

    def _by_customer_id(
        self, account_id: str, wanted: SegmentFilter, after: Position | None, limit: int, deadline: Deadline
    ) -> Page[CountedSegment]:
        claimed = self._lists.by_customer_id(account_id, wanted, after, limit + 1, deadline)
        ids = [segment_id for _, segment_id in claimed[:limit]]
        goes_on_at = claimed[limit - 1] if len(claimed) > limit else None
        return Page(self._wanted(account_id, ids, wanted, deadline), goes_on_at)

    def _wanted(
        self, account_id: str, segment_ids: Sequence[int], wanted: SegmentFilter, deadline: Deadline
    ) -> list[CountedSegment]:
        if len(segment_ids) > _COUNTED_ONE_BY_ONE:
            segments = self._segments.get_many([(account_id, segment_id) for segment_id in segment_ids], deadline)
            counted = self._counted(account_id, list(segments.without_damaged().values()), deadline)
            found = {segment.segment_id: (segment, counts) for segment, counts in counted}
        else:
            found = self._segments.get_counted(account_id, segment_ids, deadline).without_damaged()
        rows = [found[segment_id] for segment_id in segment_ids if segment_id in found]
        return [row for row in rows if wanted.status in (None, row[0].status) and _has_tag(row[0], wanted.tag)]


def _has_tag(segment: Segment, tag: str | None) -> bool:
    return tag is None or tag in (segment.tags or ())
