"""How many users segments have in common.

The buckets of all segments are cut alike, by a hash of the profile id: whoever is in several segments is in the same
bucket of each. So a few buckets, counted whole, stand for all; who is in them is as good as drawn by lot.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from math import ceil, sqrt

from api_segments.aws.keys import MEMBER_BUCKETS
from api_segments.core.clock import Deadline
from api_segments.core.limits import MAX_OVERLAP_EXACT_MEMBERS
from api_segments.core.parallel import in_parallel
from api_segments.memberships.store_lists import MemberListStore
from api_segments.segments.errors import no_such_segment, segment_deleted
from api_segments.segments.model import CountedSegment, SegmentStatus
from api_segments.segments.store import SegmentStore

# Of 100 estimates 95 are within two standard deviations.
_DEVIATIONS = 2


@dataclass(frozen=True, slots=True)
class Intersection:
    """Users of some of the segments: `members` who are in all of them, `only` who are in none of the others.

    Each is off by at most its margin, 19 times in 20.
    """

    segment_ids: tuple[int, ...]
    members: int
    only: int
    members_margin: int
    only_margin: int


@dataclass(frozen=True, slots=True)
class Overlap:
    """Segments, in the order asked for, and what each choice of them has in common; exact if `counted` is 1.

    `counted` is the part of the users that was counted.
    """

    segments: Sequence[CountedSegment]
    intersections: Sequence[Intersection]
    counted: float


class OverlapService:
    """Counts, by what SegmentMembers says."""

    def __init__(self, segments: SegmentStore, members: MemberListStore) -> None:
        self._segments = segments
        self._members = members

    def overlap(self, account_id: str, segment_ids: Sequence[int], deadline: Deadline) -> Overlap:
        """Return what active segments have in common, exactly as long as they are small together.

        Raises NotFoundError, SegmentDeletedError, ThrottledError or UnavailableError.
        """
        counted = self._segments.get_counted(account_id, segment_ids, deadline)
        for segment_id in segment_ids:
            if segment_id not in counted:
                raise no_such_segment(segment_id)
            if counted[segment_id][0].status is SegmentStatus.DELETED:
                raise segment_deleted(segment_id)
        members = sum(counts.members for _, counts in counted.values())
        buckets = MEMBER_BUCKETS
        if members > MAX_OVERLAP_EXACT_MEMBERS:
            buckets = max(1, MEMBER_BUCKETS * MAX_OVERLAP_EXACT_MEMBERS // members)
        exactly: Counter[tuple[int, ...]] = Counter()
        for bucket in range(buckets):
            exactly.update(self._bucket(account_id, segment_ids, bucket, deadline))
        part = buckets / MEMBER_BUCKETS
        chosen = [choice for size in range(1, len(segment_ids) + 1) for choice in combinations(segment_ids, size)]
        found = [_intersection(choice, exactly, part) for choice in chosen]
        return Overlap([counted[segment_id] for segment_id in segment_ids], found, part)

    def _bucket(
        self, account_id: str, segment_ids: Sequence[int], bucket: int, deadline: Deadline
    ) -> Counter[tuple[int, ...]]:
        """Return how many users of a bucket are in exactly these segments."""
        members: dict[int, set[str]] = {}
        in_parallel(
            lambda each: members.update({each: self._members.ids_in_bucket(account_id, each, bucket, deadline)}),
            segment_ids,
        )
        users = set[str]().union(*members.values())
        return Counter(tuple(each for each in segment_ids if user in members[each]) for user in users)


def _intersection(choice: tuple[int, ...], exactly: Counter[tuple[int, ...]], part: float) -> Intersection:
    members = sum(count for segments, count in exactly.items() if set(choice) <= set(segments))
    only = exactly[choice]
    return Intersection(choice, round(members / part), round(only / part), _margin(members, part), _margin(only, part))


def _margin(found: int, part: float) -> int:
    """Return by how much an estimate may be off: two standard deviations of a binomial, one user more for none."""
    return ceil(_DEVIATIONS * sqrt((found + 1) * (1 - part)) / part)
