"""Take a deleted segment's members away.

Three things happen again and again in a purge:

    pass         a walk over all of the segment's members, from the first to the last: `PurgePass` is how far it is
    invocation   what one call of `purge` gets done until its deadline: a part of a pass, or one to its end. The
                 function then puts a new task into PurgeQueue: this pass goes on, or another begins after a wait
    delivery     a try of one task. If the invocation raises, SQS delivers its task again; after the last delivery
                 (template.yaml, PurgeQueue: maxReceiveCount) the purge gives up: the task lies in FailedPurgesQueue

A purge that gave up, or that never began, is begun anew by the daily reconciliation (`PURGE_OVERDUE_SECONDS` in
repair/reconciliation.py).

What a pass takes out of Memberships leaves SegmentMembers and the counts by way of the stream, so a purge can be
interrupted anywhere and begun again. It has ended when a pass finds nobody, and when that pass began so late that
nothing which saw the segment active could still be writing. Rows that stay though their users are out, because the
stream's record was lost, are deleted after an hour.

How many were taken away in all is counted by the stream's reader, with the rows: once for each, whoever took them away
and died where.
"""

from dataclasses import dataclass
from datetime import datetime

from api_segments.core.clock import Clock, Deadline, rfc3339
from api_segments.core.errors import NotWrittenError
from api_segments.memberships.store import MembershipStore
from api_segments.memberships.store_lists import MemberListStore
from api_segments.memberships.store_rows import RowStore
from api_segments.segments.model import Segment
from api_segments.segments.store import SegmentStore

# A delivery of stream records that found a segment active may write rows for as long (template.yaml: 120 s), and clocks
# differ: only then is what a purge finds all that there is.
PROJECTION_SECONDS = 150
# A partition takes 1,000 write units a second (DynamoDB developer guide, "Best practices for designing and using
# partition keys effectively"). Two purges run at a time (template.yaml), so Memberships gets 1,000 units a second, over
# all of its partitions. The rows of one purge cost 1,000 as well, two each, in one bucket of SegmentMembers at a time.
PURGE_PAGE = 100
PURGED_MEMBERS_PER_SECOND = 500

# How long the stream usually takes to bring what a pass did into what the next pass reads.
NEXT_PASS_SECONDS = 30
# When a pass takes nobody away and still sees rows, their records are late, or, after an hour, lost.
STREAM_IS_LATE_SECONDS = 300
RECORDS_ARE_LOST_SECONDS = 3600


@dataclass(frozen=True, slots=True)
class PurgePass:
    """How far a pass has come: when it began, after which profile it goes on, whom it saw and took away."""

    began_at: str
    after: str | None = None
    seen: int = 0
    removed: int = 0


@dataclass(frozen=True, slots=True)
class PurgeReport:
    """How many members were taken away now; and in how many seconds to go on, None when there is nothing left to do.

    `goes_on_with` is the pass to go on with, None for a new one. `has_ended` is said once, by the call that finds
    the purge finished; `in_all` is then how many members the stream has told of as taken away, None if that is not
    known, as a counter was damaged.
    """

    removed: int
    goes_on_in: float | None
    goes_on_with: PurgePass | None = None
    has_ended: bool = False
    in_all: int | None = None


class PurgeService:
    """Purges deleted segments."""

    def __init__(
        self,
        segments: SegmentStore,
        members: MemberListStore,
        rows: RowStore,
        memberships: MembershipStore,
        clock: Clock,
    ) -> None:
        self._segments = segments
        self._members = members
        self._rows = rows
        self._memberships = memberships
        self._clock = clock

    def purge(self, account_id: str, segment_id: int, pass_: PurgePass | None, deadline: Deadline) -> PurgeReport:
        """Take members away until a pass has ended or the time is over: one invocation's part.

        A segment that is active, or has been purged, is left alone. Raises ThrottledError or UnavailableError when
        nothing could be done at all.
        """
        segment = self._segments.get(account_id, segment_id, deadline)
        if segment is None or segment.deleted_at is None or segment.purged_at is not None:
            return PurgeReport(0, None)
        began = self._clock.now()
        at = first = pass_ or PurgePass(rfc3339(began))
        is_done = False
        try:
            while not is_done and not deadline.is_over():
                at, is_done = self._purge_page(segment, at, deadline)
                self._keep_pace(began, at.seen - first.seen)
        except NotWrittenError:
            if at == first or not deadline.is_over():
                raise
        removed = at.removed - first.removed
        if not is_done:
            return PurgeReport(removed, 0, at)
        since_deletion = _seconds_between(segment.deleted_at, at.began_at)
        if at.seen:
            return PurgeReport(removed, NEXT_PASS_SECONDS if at.removed else STREAM_IS_LATE_SECONDS)
        if since_deletion < PROJECTION_SECONDS:
            return PurgeReport(removed, PROJECTION_SECONDS - since_deletion)
        return self._finish(account_id, segment_id, deadline)

    def _purge_page(self, segment: Segment, at: PurgePass, deadline: Deadline) -> tuple[PurgePass, bool]:
        """Take a page of members away; return how far the pass is then, and whether it has ended."""
        account_id, segment_id = segment.account_id, segment.segment_id
        profile_ids, last = self._members.ids(account_id, segment_id, at.after, PURGE_PAGE, deadline)
        removed = self._memberships.purge(account_id, segment_id, profile_ids, deadline) if profile_ids else 0
        if (
            not removed
            and profile_ids
            and _seconds_between(segment.deleted_at or "", at.began_at) > RECORDS_ARE_LOST_SECONDS
        ):
            self._rows.forget(account_id, segment_id, profile_ids, deadline)
        return PurgePass(at.began_at, last or at.after, at.seen + len(profile_ids), at.removed + removed), last is None

    def _keep_pace(self, began: datetime, seen: int) -> None:
        ahead = seen / PURGED_MEMBERS_PER_SECOND - (self._clock.now() - began).total_seconds()
        if ahead > 0:
            self._clock.sleep(ahead)

    def _finish(self, account_id: str, segment_id: int, deadline: Deadline) -> PurgeReport:
        now = rfc3339(self._clock.now())
        has_ended, in_all = self._segments.finish_purge(account_id, segment_id, now, deadline)
        return PurgeReport(0, None, has_ended=has_ended, in_all=in_all)


def _seconds_between(earlier: str, later: str) -> float:
    return (datetime.fromisoformat(later) - datetime.fromisoformat(earlier)).total_seconds()
