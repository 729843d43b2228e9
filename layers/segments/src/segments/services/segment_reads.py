"""Read segments, their members, and a user's segments."""

from collections.abc import Sequence

from segments.clock import Deadline
from segments.errors import NotFoundError
from segments.model import (
    NO_MEMBERS,
    CountedSegment,
    Member,
    Page,
    Position,
    ProfileSegments,
    Segment,
    SegmentFilter,
    SegmentReference,
    Status,
)
from segments.services.segments import no_such_segment, segment_deleted
from segments.stores.member_lists import MemberListStore
from segments.stores.memberships import MembershipStore
from segments.stores.references import ReferenceStore
from segments.stores.segment_lists import SegmentListStore
from segments.stores.segments import SegmentStore

# Slots of so many segments are read by key, those of more by one walk over the slots of all in between.
_COUNTED_ONE_BY_ONE = 100


class SegmentReads:
    """Looks things up for those who ask about segments."""

    def __init__(
        self,
        segments: SegmentStore,
        lists: SegmentListStore,
        members: MemberListStore,
        memberships: MembershipStore,
        references: ReferenceStore,
    ) -> None:
        self._segments = segments
        self._lists = lists
        self._members = members
        self._memberships = memberships
        self._references = references

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

        A page may have fewer rows than `limit`, also when the list goes on.
        """
        if wanted.customer_segment_id is not None:
            return self._with_customer_id(account_id, wanted.customer_segment_id, wanted.status, deadline)
        if wanted.customer_segment_id_prefix is not None:
            return self._by_customer_id(account_id, wanted, after, limit, deadline)
        before = None if after is None else int(after[0])
        segments = self._lists.newest(account_id, wanted.status, before, limit + 1, deadline)
        goes_on_at = (segments[limit - 1].segment_id,) if len(segments) > limit else None
        return Page(self._counted(account_id, segments[:limit], deadline), goes_on_at)

    def _counted(self, account_id: str, segments: Sequence[Segment], deadline: Deadline) -> list[CountedSegment]:
        """Add counts: the slots of a page of active segments lie side by side."""
        active = [segment.segment_id for segment in segments if segment.status is Status.ACTIVE]
        counts = self._segments.counts_between(account_id, min(active), max(active), deadline) if active else {}
        return [
            (segment, counts.get(segment.segment_id, NO_MEMBERS) if segment.status is Status.ACTIVE else NO_MEMBERS)
            for segment in segments
        ]

    def _with_customer_id(
        self, account_id: str, customer_segment_id: str, status: Status | None, deadline: Deadline
    ) -> Page[CountedSegment]:
        segment_id = self._references.find_segment(account_id, customer_segment_id, deadline)
        ids = [] if segment_id is None else [segment_id]
        return Page(self._of_status(account_id, ids, status, deadline), None)

    def _by_customer_id(
        self, account_id: str, wanted: SegmentFilter, after: Position | None, limit: int, deadline: Deadline
    ) -> Page[CountedSegment]:
        claimed = self._lists.by_customer_id(account_id, wanted, after, limit + 1, deadline)
        ids = [segment_id for _, segment_id in claimed[:limit]]
        goes_on_at = claimed[limit - 1] if len(claimed) > limit else None
        return Page(self._of_status(account_id, ids, wanted.status, deadline), goes_on_at)

    def _of_status(
        self, account_id: str, segment_ids: Sequence[int], status: Status | None, deadline: Deadline
    ) -> list[CountedSegment]:
        if len(segment_ids) > _COUNTED_ONE_BY_ONE:
            segments = self._segments.get_many([(account_id, segment_id) for segment_id in segment_ids], deadline)
            counted = self._counted(account_id, list(segments.values()), deadline)
            found = {segment.segment_id: (segment, counts) for segment, counts in counted}
        else:
            found = self._segments.get_counted(account_id, segment_ids, deadline)
        rows = [found[segment_id] for segment_id in segment_ids if segment_id in found]
        return [row for row in rows if status in (None, row[0].status)]

    def members(
        self, account_id: str, segment_id: int, after: Position | None, limit: int, deadline: Deadline
    ) -> Page[Member]:
        """List the members of an active segment, in an order that never changes, from after `after` on.

        A page may have fewer rows than `limit`, also when the list goes on, where many members were removed lately.
        Raises NotFoundError or SegmentDeletedError.
        """
        segment, counts = self.get(account_id, segment_id, deadline)
        if segment.status is Status.DELETED:
            raise segment_deleted(segment_id)
        since = None if after is None else str(after[0])
        members, last = self._members.page(
            account_id, segment_id, since, limit + 1, expected=counts.members, deadline=deadline
        )
        if len(members) > limit:
            members, last = members[:limit], members[limit - 1].profile_id
        return Page(members, None if last is None else (last,))

    def member(self, account_id: str, segment_id: int, identity: str, deadline: Deadline) -> Member:
        """Return a member of an active segment, as of this moment.

        Raises NotFoundError (no such segment or profile, or not a member) or SegmentDeletedError.
        """
        reference = SegmentReference(segment_id)
        found = self._references.find(account_id, [reference], [identity], deadline)
        if reference not in found.segments:
            raise no_such_segment(segment_id)
        if found.segments[reference].status is Status.DELETED:
            raise segment_deleted(segment_id)
        profile_id = found.profile_ids.get(identity)
        image = None if profile_id is None else self._memberships.get(account_id, profile_id, deadline)
        if profile_id is None or image is None or segment_id not in image.segment_ids:
            raise NotFoundError(f"no profile with this identity is a member of segment {segment_id}")
        row = self._members.get(account_id, segment_id, profile_id, deadline)
        return Member(profile_id, identity, None if row is None else row.added_at)

    def of_profile(self, account_id: str, identity: str, deadline: Deadline) -> ProfileSegments:
        """Return the active segments that a user is in, as of this moment; raises NotFoundError."""
        profile_id = self._references.find_profile(account_id, identity, deadline)
        image = None if profile_id is None else self._memberships.get(account_id, profile_id, deadline)
        if profile_id is None or image is None:
            raise NotFoundError("there is no profile with this identity")
        ids = [(account_id, segment_id) for segment_id in sorted(image.segment_ids)]
        active = self._segments.get_active(ids, deadline).values()
        return ProfileSegments(identity, profile_id, sorted(active, key=lambda segment: segment.segment_id))
