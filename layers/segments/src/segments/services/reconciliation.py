"""Compare rows and counts with the truth, and mend what differs, while writes go on.

The stream keeps both right by itself; this finds what damage, a lost record or a mistake of ours has left behind. It
walks in two stages: over the account's profiles, for rows that are missing or wrong, then over its segments, for rows
of users who are no members, and for the counts. What is about to come by the stream looks like a difference too, so a
difference is looked at twice, some seconds apart, and is mended on condition that the row is still as it was.

A mended row takes a sequence just above the one that it had: below that of any later record, which is then applied to
the row as it is.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from segments.clock import Clock, Deadline, rfc3339
from segments.errors import NotWrittenError
from segments.limits import COUNT_ATTEMPTS, MAX_PAGE, RECONCILIATION_PAGE, STREAM_SECONDS, TRANSACTION_ACTIONS
from segments.model import Channel, MembershipImage, Status
from segments.stores.dynamodb import chunks
from segments.stores.member_lists import MemberListStore
from segments.stores.memberships import MembershipStore
from segments.stores.segment_lists import SegmentListStore
from segments.stores.segment_members import (
    MEMBERS,
    Increments,
    MemberRow,
    RowsDifferError,
    RowWrite,
    SegmentMemberStore,
    StoredRow,
)
from segments.stores.segments import SegmentStore, counter_name

RowId = tuple[int, str]
"""Segment and profile."""

# A row of its own and one action for its segment's counts.
_ROWS_PER_WRITE = TRANSACTION_ACTIONS // 2
_MENDED = "r"
_BEFORE_ALL_RECORDS = "0" * 40  # sequences have 40 digits here (edge.streams)


@dataclass(frozen=True, slots=True)
class Scope:
    """What to reconcile: an account, or one segment of it."""

    account_id: str
    segment_id: int | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """Where a walk is: after a profile; once `profiles_done`, in the segment below `below`, after a profile of it.

    `counting` is the segment whose rows are done, and whose counts are next.
    """

    profiles_done: bool = False
    below: int | None = None
    after: str | None = None
    counting: int | None = None


@dataclass(slots=True)
class Findings:
    """What was found and mended; `segments_busy` kept changing while they were counted, and were not checked."""

    rows_mended: int = 0
    counts_mended: int = 0
    segments_busy: int = 0


class ReconciliationService:
    """Mends SegmentMembers and the counts."""

    def __init__(  # noqa: PLR0913, PLR0917 - it compares all that there is
        self,
        memberships: MembershipStore,
        segments: SegmentStore,
        lists: SegmentListStore,
        members: MemberListStore,
        rows: SegmentMemberStore,
        clock: Clock,
    ) -> None:
        self._memberships = memberships
        self._segments = segments
        self._lists = lists
        self._members = members
        self._rows = rows
        self._clock = clock

    def reconcile(self, scope: Scope, place: Place, deadline: Deadline) -> tuple[Findings, Place | None]:
        """Go on from `place` for as long as there is time; return what was found, and where to go on if not at the end.

        A segment that can't be counted within one call is left as busy. Raises ThrottledError or UnavailableError when
        it came no further than `place` otherwise.
        """
        findings = Findings()
        here: Place | None = place
        try:
            while here is not None and not deadline.is_over():
                step = self._step_over_segments if here.profiles_done else self._step_over_profiles
                here = step(scope, here, findings, deadline)
        except NotWrittenError:
            if not deadline.is_over() or (here == place and place.counting is None):
                raise
            if here == place:
                findings.segments_busy += 1
                here = Place(profiles_done=True, below=place.counting)
        return findings, here

    def _step_over_profiles(self, scope: Scope, place: Place, findings: Findings, deadline: Deadline) -> Place:
        """Check the rows that the next profiles should have."""
        profile_ids = self._memberships.profile_ids(scope.account_id, place.after, RECONCILIATION_PAGE, deadline)
        images = self._memberships.get_many(scope.account_id, profile_ids, deadline)
        wanted = {
            (segment_id, profile_id): image
            for profile_id, image in images.items()
            for segment_id in image.segment_ids
            if scope.segment_id in (None, segment_id)
        }
        stored = self._rows.read(scope.account_id, list(wanted), deadline)
        suspects = [row for row, image in wanted.items() if not _is_right(row, stored.get(row), image)]
        self._mend_rows(scope.account_id, suspects, findings, deadline)
        if len(profile_ids) < RECONCILIATION_PAGE:
            return Place(profiles_done=True)
        return replace(place, after=profile_ids[-1])

    def _step_over_segments(self, scope: Scope, place: Place, findings: Findings, deadline: Deadline) -> Place | None:
        """Check that the next members of a segment are some; at its end its counts, and go on to the one before."""
        if place.counting is not None:
            self._check_counts(scope.account_id, place.counting, findings, deadline)
            return Place(profiles_done=True, below=place.counting)
        segment_id = self._next_segment(scope, place.below, deadline)
        if segment_id is None:
            return None
        members, last = self._members.page(
            scope.account_id, segment_id, place.after, RECONCILIATION_PAGE, deadline=deadline
        )
        profile_ids = [member.profile_id for member in members]
        images = self._memberships.get_many(scope.account_id, profile_ids, deadline)
        suspects = [
            (segment_id, profile_id)
            for profile_id in profile_ids
            if profile_id not in images or segment_id not in images[profile_id].segment_ids
        ]
        self._mend_rows(scope.account_id, suspects, findings, deadline)
        return replace(place, after=last, counting=segment_id if last is None else None)

    def _next_segment(self, scope: Scope, below: int | None, deadline: Deadline) -> int | None:
        if scope.segment_id is None:
            newest = self._lists.newest(scope.account_id, Status.ACTIVE, below, 1, deadline)
            return newest[0].segment_id if newest else None
        if below is not None:
            return None
        active = self._segments.get_active([(scope.account_id, scope.segment_id)], deadline)
        return scope.segment_id if active else None

    def _mend_rows(self, account_id: str, suspects: Sequence[RowId], findings: Findings, deadline: Deadline) -> None:
        """Write the rows that still differ when the stream has had its time; a deleted segment's are its purge's."""
        ids = sorted({segment_id for segment_id, _ in suspects})
        active = self._segments.get_active([(account_id, segment_id) for segment_id in ids], deadline) if ids else {}
        of_active = [row for row in suspects if (account_id, row[0]) in active]
        if not of_active:
            return
        self._clock.sleep(STREAM_SECONDS)
        for rows in chunks(of_active, _ROWS_PER_WRITE):
            images = self._memberships.get_many(account_id, sorted({profile for _, profile in rows}), deadline)
            stored = self._rows.read(account_id, rows, deadline)
            wrong = [row for row in rows if not _is_right(row, stored.get(row), images.get(row[1]))]
            if not wrong:
                continue
            writes = [self._write(account_id, row, stored.get(row), images.get(row[1])) for row in wrong]
            try:
                self._rows.write(writes, Increments(_moved(writes), {}), self._clock.now(), deadline)
            except RowsDifferError:  # they are being written by the stream; the next walk looks again
                continue
            findings.rows_mended += len(writes)

    def _write(self, account_id: str, row: RowId, stored: StoredRow | None, image: MembershipImage | None) -> RowWrite:
        segment_id, profile_id = row
        actual = None if stored is None else stored.row
        is_member = image is not None and segment_id in image.segment_ids
        was_member = actual is not None and actual.member
        reach = image.reach if image is not None and is_member else frozenset[Channel]()
        sequence = (_BEFORE_ALL_RECORDS if actual is None else actual.sequence) + _MENDED
        return RowWrite(
            account_id=account_id,
            segment_id=segment_id,
            profile_id=profile_id,
            expects=actual,
            becomes=MemberRow(is_member, reach, sequence),
            identity=None if image is None else image.identity,
            joined_at=self._clock.now() if is_member and not was_member else None,
        )

    def _check_counts(self, account_id: str, segment_id: int, findings: Findings, deadline: Deadline) -> None:
        """Count a segment's rows while none of them changes, twice if the counts seem wrong, and correct these.

        Every change of rows writes a counter slot, so slots that are the same before and after tell that none changed.
        """
        seen: Mapping[str, int] | None = None
        for _ in range(COUNT_ATTEMPTS):
            before = self._segments.counter_slots(account_id, segment_id, deadline)
            counted = self._count(account_id, segment_id, deadline)
            if self._segments.counter_slots(account_id, segment_id, deadline) != before:
                seen = None
                continue
            for slot in before:
                counted.subtract(slot.counts)
            deltas = {name: delta for name, delta in counted.items() if delta}
            if not deltas:
                return
            if deltas == seen:
                now = rfc3339(self._clock.now())
                if self._segments.correct_counts(account_id, segment_id, before[0], deltas, now, deadline=deadline):
                    findings.counts_mended += 1
                    return
            seen = deltas
        findings.segments_busy += 1

    def _count(self, account_id: str, segment_id: int, deadline: Deadline) -> Counter[str]:
        counted: Counter[str] = Counter()
        after = None
        while True:
            members, after = self._members.page(account_id, segment_id, after, MAX_PAGE, deadline=deadline)
            counted[MEMBERS] += len(members)
            counted.update(counter_name(channel) for member in members for channel in member.reach)
            if after is None:
                return counted


def _is_right(row: RowId, stored: StoredRow | None, image: MembershipImage | None) -> bool:
    """Tell whether a row says what the truth says."""
    is_member = image is not None and row[0] in image.segment_ids
    if stored is None or not stored.row.member or image is None or not is_member:
        return is_member == (stored is not None and stored.row.member)
    return (stored.row.reach, stored.identity) == (image.reach, image.identity)


def _moved(writes: Sequence[RowWrite]) -> Mapping[tuple[str, int], Mapping[str, int]]:
    """Return by how much the writes move the counts of their segments."""
    moved: dict[tuple[str, int], Counter[str]] = {}
    for write in writes:
        deltas = moved.setdefault((write.account_id, write.segment_id), Counter())
        before = write.expects if isinstance(write.expects, MemberRow) else None
        for row, sign in ((write.becomes, 1), (before, -1)):
            if row is not None and row.member:
                deltas[MEMBERS] += sign
                deltas.update({counter_name(channel): sign for channel in row.reach})
    return {segment: {name: delta for name, delta in deltas.items() if delta} for segment, deltas in moved.items()}
