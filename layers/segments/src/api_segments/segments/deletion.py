"""Delete segments, but none that a scheduled or running campaign uses.

A campaign marks its segments, which must be active, before it is there; a deletion is conditional on there being no
mark. So neither can overlook the other. Marks of campaigns that have ended, or never came to be, are taken off here.
"""

from collections.abc import Mapping, Sequence
from typing import Protocol

from api_segments.core.clock import Backoff, Clock, Deadline, rfc3339
from api_segments.core.errors import ConflictError, UnavailableError
from api_segments.segments.errors import no_such_segment
from api_segments.segments.model import Segment, SegmentStatus
from api_segments.segments.store import SegmentStore
from api_segments.segments.store_uses import SegmentUseStore

# A creation takes as long as its request may (template.yaml: 28 s); what it left behind unfinished is older than this.
CAMPAIGN_CREATION_SECONDS = 60

# An error names so many campaigns at most.
CAMPAIGNS_NAMED = 10


class UsingCampaign(Protocol):
    """A campaign, as far as a deletion asks."""

    @property
    def name(self) -> str:
        """Its name, which an error tells."""

    @property
    def is_live(self) -> bool:
        """Whether it is scheduled or running, so that it still uses its segments."""


class UsingCampaigns(Protocol):
    """Where campaigns are looked up; the room of campaigns supplies it."""

    def get_many(self, account_id: str, campaign_ids: Sequence[int], deadline: Deadline) -> Mapping[int, UsingCampaign]:
        """Return those of the campaigns that are there."""


class SegmentDeletionService:
    """Deletes segments of an account."""

    def __init__(self, segments: SegmentStore, uses: SegmentUseStore, campaigns: UsingCampaigns, clock: Clock) -> None:
        self._segments = segments
        self._uses = uses
        self._campaigns = campaigns
        self._clock = clock

    def delete(self, account_id: str, segment_id: int, by: str, deadline: Deadline) -> Segment:
        """Delete a segment, once; return it as it was deleted. Its members are taken away by its purge.

        `by` is the name of the passcode that asks.
        Raises NotFoundError, or ConflictError while a scheduled or running campaign uses it.
        """
        backoff = Backoff(deadline)
        while True:
            segment = self._segments.get(account_id, segment_id, deadline)
            if segment is None:
                raise no_such_segment(segment_id)
            if segment.status is SegmentStatus.DELETED:
                return segment
            deleted = self._segments.delete(segment, rfc3339(self._clock.now()), by, deadline)
            if deleted is not None:
                return deleted
            self._take_marks_off(account_id, segment_id, deadline)
            if not backoff.wait():
                raise UnavailableError("the segment kept changing")

    def _take_marks_off(self, account_id: str, segment_id: int, deadline: Deadline) -> None:
        """Take marks off that stand for no live campaign; raises ConflictError if one does.

        A campaign that is not there may be in the making, if its id, its time of creation, is young.
        """
        marks = sorted(self._uses.users_of(account_id, [segment_id], deadline).get(segment_id, ()))
        found = self._campaigns.get_many(account_id, marks, deadline)
        young = (self._clock.now().timestamp() - CAMPAIGN_CREATION_SECONDS) * 1_000_000
        using = [
            (campaign_id, found[campaign_id].name if campaign_id in found else "being created")
            for campaign_id in marks
            if (found[campaign_id].is_live if campaign_id in found else campaign_id > young)
        ]
        if using:
            raise _used_by(using)
        if marks:
            self._uses.unmark(account_id, {segment_id: marks}, deadline)


def _used_by(campaigns: Sequence[tuple[int, str]]) -> ConflictError:
    named = ", ".join(f"{campaign_id} ({name})" for campaign_id, name in campaigns[:CAMPAIGNS_NAMED])
    more = len(campaigns) - CAMPAIGNS_NAMED
    return ConflictError(f"used by campaigns {named}{f' and {more} more' if more > 0 else ''}")
