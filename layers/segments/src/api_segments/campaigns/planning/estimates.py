"""How many users a campaign would reach, told without asking each of them.

The buckets of all segments are cut alike, by a hash of the profile id. So whatever is included and excluded, one bucket
of each segment holds everything about its own share of the users: a few buckets, counted exactly, stand for all.
"""

from api_segments.aws.keys import MEMBER_BUCKETS
from api_segments.campaigns.model import Audience, TargetMode
from api_segments.campaigns.planning.audiences import AudienceStore
from api_segments.core.channels import Channel
from api_segments.core.clock import Deadline
from api_segments.core.parallel import in_parallel
from api_segments.segments.store import SegmentStore

ESTIMATED_MEMBERS = 20_000  # an estimate reads about so many members


class EstimateService:
    """Counts audiences, by what SegmentMembers says of them."""

    def __init__(self, segments: SegmentStore, audiences: AudienceStore) -> None:
        self._segments = segments
        self._audiences = audiences

    def estimate(self, account_id: str, mode: TargetMode, audience: Audience, deadline: Deadline) -> int:
        """Return how many users are in the audience and reachable: exact while its segments are small.

        Where they have more than ESTIMATED_MEMBERS together, it is extrapolated from as many buckets as hold about so
        many. Raises ThrottledError or UnavailableError.
        """
        segment_ids = sorted({*audience.include, *audience.exclude})
        counted = self._segments.get_counted(account_id, segment_ids, deadline)
        members = sum(counts.members for _, counts in counted.values())
        buckets = MEMBER_BUCKETS
        if members > ESTIMATED_MEMBERS:
            buckets = max(1, MEMBER_BUCKETS * ESTIMATED_MEMBERS // members)
        found = sum(self._count(account_id, mode, audience, bucket, deadline) for bucket in range(buckets))
        return round(found * MEMBER_BUCKETS / buckets)

    def _count(self, account_id: str, mode: TargetMode, audience: Audience, bucket: int, deadline: Deadline) -> int:
        members: dict[int, dict[str, frozenset[Channel]]] = {}
        in_parallel(
            lambda segment_id: members.update(
                {segment_id: self._audiences.bucket(account_id, segment_id, bucket, deadline)}
            ),
            sorted({*audience.include, *audience.exclude}),
        )
        excluded = {profile_id for segment_id in audience.exclude for profile_id in members[segment_id]}
        included: dict[str, frozenset[Channel]] = {}
        for segment_id in audience.include:
            included.update(members[segment_id])
        return sum(profile_id not in excluded and mode.reaches(reach) for profile_id, reach in included.items())
