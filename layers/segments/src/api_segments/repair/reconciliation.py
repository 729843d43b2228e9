"""Compare rows and counts with the truth, and mend what differs, while writes go on.

The stream keeps both right by itself; this finds what damage, a lost record or a mistake of ours has left behind. A
walk goes through the stages of `ReconciliationStage`:

    PROFILES ──▶ MEMBERS ◀──▶ COUNTS           profiles: rows and claims that are missing or wrong
                    │    of each segment       members: rows of users who are none
                    ▼                          counts: of the segment whose members are done
                 DELETED ──▶ end               deleted segments: purges that never began

One invocation takes as many steps as it has time for; where it is, `Position`, is the next one's task. Rows and
claims that seem wrong are looked at again later (rows, claims), and so are counts that kept changing meanwhile.

Segments that are older than digests get theirs here: what the counters lack is mended as any other difference, by a
task minutes later, when no reader that does not know of digests can be at work any more; then it is noted that they
have it.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta
from enum import StrEnum

from api_segments.core.clock import Clock, Deadline, rfc3339
from api_segments.core.errors import DamagedItemError, NotWrittenError
from api_segments.core.limits import MAX_PAGE
from api_segments.memberships.model import NOBODY, MembershipImage
from api_segments.memberships.store import MembershipStore
from api_segments.memberships.store_lists import MemberListStore
from api_segments.repair.claims import ClaimMender
from api_segments.repair.rows import RowId, RowMender, Suspect
from api_segments.segments.model import SegmentStatus
from api_segments.segments.store import SegmentStore
from api_segments.segments.store_lists import SegmentListStore

# A purge that has not ended by then may never have begun.
PURGE_OVERDUE_SECONDS = 3600
RECONCILIATION_PAGE = 100
COUNT_ATTEMPTS = 4


@dataclass(frozen=True, slots=True)
class Scope:
    """What to reconcile: an account, or one segment of it."""

    account_id: str
    segment_id: int | None = None


class ReconciliationStage(StrEnum):
    """What a walk is looking at."""

    PROFILES = "profiles"
    MEMBERS = "members"
    COUNTS = "counts"
    DELETED = "deleted"


@dataclass(frozen=True, slots=True)
class Position:
    """Where a walk is.

    PROFILES: after the profile `after`. MEMBERS: in the newest segment below the id `below`, after the profile `after`
    of it. COUNTS: at the counts of `segment_id`. DELETED: in the deleted segments below the id `below`.
    """

    stage: ReconciliationStage = ReconciliationStage.PROFILES
    below: int | None = None
    after: str | None = None
    segment_id: int | None = None


BEGINNING = Position()


@dataclass(slots=True)
class Findings:
    """What was found and mended.

    `suspects` are rows to look at again, `unclaimed` profiles whose identity does not lead to them, `uncounted`
    segments whose counts are to be checked later, as they kept changing or lack a digest, `too_large` those that can't
    be counted within one call; `unpurged` deleted segments to purge; members were taken out of purged ones.
    """

    counts_mended: int = 0
    members_taken_out: int = 0
    suspects: list[Suspect] = field(default_factory=list)
    unclaimed: list[str] = field(default_factory=list)
    uncounted: list[int] = field(default_factory=list)
    too_large: list[int] = field(default_factory=list)
    unpurged: list[int] = field(default_factory=list)


class ReconciliationService:
    """Walks over an account."""

    def __init__(  # noqa: PLR0913, PLR0917 - it compares all that there is
        self,
        memberships: MembershipStore,
        segments: SegmentStore,
        lists: SegmentListStore,
        members: MemberListStore,
        rows: RowMender,
        claims: ClaimMender,
        clock: Clock,
    ) -> None:
        self._memberships = memberships
        self._segments = segments
        self._lists = lists
        self._members = members
        self._rows = rows
        self._claims = claims
        self._clock = clock

    def reconcile(self, scope: Scope, start: Position, deadline: Deadline) -> tuple[Findings, Position | None]:
        """Go on from `start` for as long as there is time; return what was found, and where to go on if not at the end.

        A segment that can't be counted within one call is left to itself. Raises ThrottledError or UnavailableError
        when it came no further than `start` otherwise.
        """
        findings = Findings()
        here: Position | None = start
        try:
            while here is not None and not deadline.is_over():
                here = self._step_of(here.stage)(scope, here, findings, deadline)
        except NotWrittenError:
            too_large = start.segment_id if start.stage is ReconciliationStage.COUNTS else None
            if not deadline.is_over() or (here == start and too_large is None):
                raise
            if here == start and too_large is not None:
                findings.too_large.append(too_large)
                here = Position(ReconciliationStage.MEMBERS, below=too_large)
        return findings, here

    def recount(self, account_id: str, segment_id: int, deadline: Deadline) -> Findings:
        """Look again at the counts of a segment, if it is still active; if they are right, so is its digest."""
        findings = Findings()
        try:
            if self._segments.are_active([(account_id, segment_id)], deadline):
                self._check_counts(account_id, segment_id, findings, deadline)
                if not findings.uncounted and self._lacks_digest(account_id, segment_id, deadline):
                    self._segments.start_digest(account_id, segment_id, rfc3339(self._clock.now()), deadline)
        except DamagedItemError:  # nobody knows what a damaged row or slot counts
            return findings
        except NotWrittenError:
            if not deadline.is_over():
                raise
            findings.too_large.append(segment_id)
        return findings

    def _step_of(self, stage: ReconciliationStage) -> Callable[[Scope, Position, Findings, Deadline], Position | None]:
        return {
            ReconciliationStage.PROFILES: self._step_over_profiles,
            ReconciliationStage.MEMBERS: self._step_over_members,
            ReconciliationStage.COUNTS: self._step_over_counts,
            ReconciliationStage.DELETED: self._step_over_deleted,
        }[stage]

    def _step_over_profiles(self, scope: Scope, here: Position, findings: Findings, deadline: Deadline) -> Position:
        """Check the rows that the next profiles should have, and, of a whole account, their identities' claims."""
        profile_ids = self._memberships.profile_ids(scope.account_id, here.after, RECONCILIATION_PAGE, deadline)
        images = self._memberships.get_many(scope.account_id, profile_ids, deadline)
        wanted = {
            (segment_id, profile_id): image
            for profile_id, image in images.without_damaged().items()
            for segment_id in image.segment_ids
            if scope.segment_id in (None, segment_id)
        }
        self._suspect(scope, wanted, findings, deadline)
        if scope.segment_id is None:
            findings.unclaimed += self._claims.suspects(scope.account_id, images.without_damaged(), deadline)
        if len(profile_ids) < RECONCILIATION_PAGE:
            return Position(ReconciliationStage.MEMBERS)
        return Position(ReconciliationStage.PROFILES, after=profile_ids[-1])

    def _step_over_members(self, scope: Scope, here: Position, findings: Findings, deadline: Deadline) -> Position:
        """Check that the next members of a segment are some; its counts are next at its end."""
        segment_id = self._next_segment(scope, here.below, deadline)
        if segment_id is None:
            return Position(ReconciliationStage.DELETED)
        profile_ids, last = self._members.ids(scope.account_id, segment_id, here.after, RECONCILIATION_PAGE, deadline)
        images = self._memberships.get_many(scope.account_id, profile_ids, deadline)
        strangers = {
            (segment_id, profile_id): images.get(profile_id, NOBODY)
            for profile_id in profile_ids
            if profile_id not in images.damaged and segment_id not in images.get(profile_id, NOBODY).segment_ids
        }
        self._suspect(scope, strangers, findings, deadline)
        return (
            Position(ReconciliationStage.COUNTS, segment_id=segment_id) if last is None else replace(here, after=last)
        )

    def _step_over_counts(self, scope: Scope, here: Position, findings: Findings, deadline: Deadline) -> Position:
        """Check a segment's counts, and go on to the segment before it."""
        if here.segment_id is None:
            raise ValueError("the stage of counts needs a segment")
        if self._lacks_digest(scope.account_id, here.segment_id, deadline):
            findings.uncounted.append(here.segment_id)
        else:
            with suppress(DamagedItemError):  # nobody knows what a damaged row or slot counts
                self._check_counts(scope.account_id, here.segment_id, findings, deadline)
        return Position(ReconciliationStage.MEMBERS, below=here.segment_id)

    def _next_segment(self, scope: Scope, below: int | None, deadline: Deadline) -> int | None:
        if scope.segment_id is None:
            return self._lists.newest_active_id(scope.account_id, below, deadline)
        if below is not None:
            return None
        active = self._segments.are_active([(scope.account_id, scope.segment_id)], deadline)
        return scope.segment_id if active else None

    def _suspect(
        self, scope: Scope, truths: Mapping[RowId, MembershipImage], findings: Findings, deadline: Deadline
    ) -> None:
        suspects = self._rows.suspects(scope.account_id, truths, deadline)
        if suspects:
            findings.members_taken_out += self._rows.take_out_of_purged(scope.account_id, suspects, deadline)
            findings.suspects += suspects

    def _step_over_deleted(
        self, scope: Scope, here: Position, findings: Findings, deadline: Deadline
    ) -> Position | None:
        """Find deleted segments whose purge has not ended in time: it may never have begun."""
        if scope.segment_id is None:
            deleted = self._lists.newest(scope.account_id, SegmentStatus.DELETED, here.below, MAX_PAGE, deadline)
        else:
            found = self._segments.get_many([(scope.account_id, scope.segment_id)], deadline)
            deleted = list(found.without_damaged().values())
        overdue = rfc3339(self._clock.now() - timedelta(seconds=PURGE_OVERDUE_SECONDS))
        findings.unpurged += [
            segment.segment_id
            for segment in deleted
            if segment.deleted_at is not None and segment.deleted_at < overdue and segment.purged_at is None
        ]
        return replace(here, below=deleted[-1].segment_id) if len(deleted) == MAX_PAGE else None

    def _lacks_digest(self, account_id: str, segment_id: int, deadline: Deadline) -> bool:
        found = self._segments.get_active([(account_id, segment_id)], deadline).without_damaged()
        return any(segment.digest_since is None for segment in found.values())

    def _check_counts(self, account_id: str, segment_id: int, findings: Findings, deadline: Deadline) -> None:
        """Count a segment's rows while none of them changes, twice if the counts seem wrong, and correct these.

        Every change of rows writes a counter slot, so slots that are the same before and after tell that none changed.
        """
        seen: Mapping[str, int] | None = None
        for _ in range(COUNT_ATTEMPTS):
            before = self._segments.slots_with_damaged(account_id, segment_id, deadline)
            counted = self._count(account_id, segment_id, deadline)
            if self._segments.slots_with_damaged(account_id, segment_id, deadline) != before:
                seen = None
                continue
            for slot in before:
                counted.subtract(slot.counts)
            deltas = {name: delta for name, delta in counted.items() if delta}
            damaged = [slot.damaged for slot in before if slot.damaged is not None]
            if not deltas and not damaged:
                return
            if deltas == seen:
                now = rfc3339(self._clock.now())
                if (
                    self._segments.replace_damaged(damaged, deltas, now, deadline)
                    if damaged
                    else self._segments.correct_counts(
                        account_id, segment_id, before[0], deltas, now, deadline=deadline
                    )
                ):
                    findings.counts_mended += 1
                    return
            seen = deltas
        findings.uncounted.append(segment_id)

    def _count(self, account_id: str, segment_id: int, deadline: Deadline) -> Counter[str]:
        counted: Counter[str] = Counter()
        after = None
        while True:
            counts, after = self._members.counts(account_id, segment_id, after, MAX_PAGE, deadline)
            for each in counts:
                counted.update(each)
            if after is None:
                return counted
