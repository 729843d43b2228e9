"""Read the members of segments, and a user's segments."""

from api_segments.core.clock import Deadline
from api_segments.core.errors import NotFoundError
from api_segments.core.paging import Page, Position
from api_segments.memberships.model import Member, ProfileSegments, UserReference
from api_segments.memberships.store import MembershipStore
from api_segments.memberships.store_lists import MemberListStore
from api_segments.memberships.store_references import ReferenceStore
from api_segments.segments.errors import no_such_segment, segment_deleted
from api_segments.segments.model import SegmentReference, SegmentStatus
from api_segments.segments.store import SegmentStore


class MemberReads:
    """Looks up who is in a segment, and in which segments a user is."""

    def __init__(
        self,
        segments: SegmentStore,
        members: MemberListStore,
        memberships: MembershipStore,
        references: ReferenceStore,
    ) -> None:
        self._segments = segments
        self._members = members
        self._memberships = memberships
        self._references = references

    def members(
        self, account_id: str, segment_id: int, after: Position | None, limit: int, deadline: Deadline
    ) -> Page[Member]:
        """List the members of an active segment, in an order that never changes, from after `after` on.

        A page may have fewer rows than `limit`, also when the list goes on, where many members were removed lately.
        Raises NotFoundError or SegmentDeletedError.
        """
        found = self._segments.get_counted(account_id, [segment_id], deadline).get(segment_id)
        if found is None:
            raise no_such_segment(segment_id)
        segment, counts = found
        if segment.status is SegmentStatus.DELETED:
            raise segment_deleted(segment_id)
        since = None if after is None else str(after[0])
        members, last = self._members.page(
            account_id, segment_id, since, limit + 1, expected=counts.members, deadline=deadline
        )
        if len(members) > limit:
            members, last = members[:limit], members[limit - 1].profile_id
        return Page(members, None if last is None else (last,))

    def member(self, account_id: str, segment_id: int, user: UserReference, deadline: Deadline) -> Member:
        """Return a member of an active segment, as of this moment.

        Raises NotFoundError (no such segment or profile, or not a member) or SegmentDeletedError.
        """
        reference = SegmentReference(segment_id)
        identities = [] if user.identity is None else [user.identity]
        found = self._references.find(account_id, [reference], identities, deadline)
        if reference not in found.segments:
            raise no_such_segment(segment_id)
        if found.segments[reference].status is SegmentStatus.DELETED:
            raise segment_deleted(segment_id)
        profile_id = user.guid if user.identity is None else found.profile_ids.get(user.identity)
        image = None if profile_id is None else self._memberships.get(account_id, profile_id, deadline)
        if profile_id is None or image is None or segment_id not in image.segment_ids:
            raise NotFoundError(f"no profile with this {user.named_by} is a member of segment {segment_id}")
        row = self._members.get(account_id, segment_id, profile_id, deadline)
        return Member(profile_id, image.identity, None if row is None else row.added_at)

    def of_profile(self, account_id: str, user: UserReference, deadline: Deadline) -> ProfileSegments:
        """Return the active segments that a user is in, as of this moment; raises NotFoundError.

        Damaged segments are left out.
        """
        profile_id = user.guid
        if user.identity is not None:
            profile_id = self._references.find_profile(account_id, user.identity, deadline)
        image = None if profile_id is None else self._memberships.get(account_id, profile_id, deadline)
        if profile_id is None or image is None:
            raise NotFoundError(f"there is no profile with this {user.named_by}")
        ids = [(account_id, segment_id) for segment_id in sorted(image.segment_ids)]
        active = self._segments.get_active(ids, deadline).without_damaged().values()
        return ProfileSegments(image.identity, profile_id, sorted(active, key=lambda segment: segment.segment_id))
