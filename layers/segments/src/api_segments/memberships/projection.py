"""Keep the members of each segment, its counts and the data points exact, however often a record is delivered.

A row of SegmentMembers, one (segment, profile), has four versions here:

    first record, before it ──▶ recorded ──┐ at first
                                           ├──▶ expected ──[row is so]──▶ new ◀── last record, after it
    table ────────────────────▶ actual ────┘ once known
      ▲                                        │
      └───────────────[row is not so]──────────┘

All changes of a row in a batch are one write, on condition that the row is as expected. A row that is not, because a
record was delivered again or one never came, is written from what it actually is, and records that it has taken in
already are dropped. Counters move in the same transaction, by the difference between the expected row and the new one;
so does the number of those whom a deletion's clean-up took away, by the records that the row takes in.

An update that began before its segment was deleted may add a member after the segment's purge. Its record comes by
here, so the member is taken out here.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from api_segments.aws.dynamodb import TRANSACTION_ACTIONS
from api_segments.aws.items import Readings
from api_segments.core.channels import Channel
from api_segments.core.clock import Backoff, Clock, Deadline, rfc3339
from api_segments.core.errors import NotWrittenError, UnavailableError
from api_segments.core.parallel import in_parallel
from api_segments.memberships.announcement import is_announced, segments_of
from api_segments.memberships.model import MembershipRecord
from api_segments.memberships.store import MembershipStore
from api_segments.memberships.store_rows import (
    Increments,
    MemberRow,
    RecordedRow,
    RowsDifferError,
    RowStore,
    RowWrite,
    counts_moved,
    moves,
)
from api_segments.segments.model import Segment, SegmentStatus
from api_segments.segments.store import PURGED, SegmentStore

_NO_REACH: frozenset[Channel] = frozenset()


class RowChange(NamedTuple):
    """What one record makes of a row. `month` is whose data point it may be."""

    sequence: str
    member: bool
    joined: bool
    reach: frozenset[Channel]
    identity: str | None
    occurred_at: datetime
    month: str
    is_data_point: bool
    is_purge: bool


@dataclass(slots=True)
class RowPlan:
    """All that a batch makes of one row. `expected`: as recorded, or as it is once that was read; None: no row."""

    account_id: str
    segment_id: int
    profile_id: str
    expected: RecordedRow | MemberRow | None
    changes: list[RowChange] = field(default_factory=list)

    def pending(self) -> list[RowChange]:
        """Return the changes that the row has not taken in: all of them, as long as it is expected as recorded."""
        taken_in = self.expected.sequence if isinstance(self.expected, MemberRow) else ""
        return [change for change in self.changes if change.sequence > taken_in]

    def lacks_join(self) -> bool:
        """Whether the user was a member before all that the row has not taken in, but is none in the row."""
        pending = self.pending()
        is_member = self.expected is not None and self.expected.member
        return bool(pending) and pending[0].member and not pending[0].joined and not is_member

    def write(self, pending: Sequence[RowChange]) -> RowWrite:
        """Return the write that brings the row up to date."""
        last = pending[-1]
        return RowWrite(
            account_id=self.account_id,
            segment_id=self.segment_id,
            profile_id=self.profile_id,
            expected=self.expected,
            new=MemberRow(last.member, last.reach, last.identity, last.sequence),
            joined_at=self._joined_at(pending),
        )

    def _joined_at(self, pending: Sequence[RowChange]) -> datetime | None:
        was_member, joined_at = self.expected is not None and self.expected.member, None
        for change in pending:
            if change.joined or (change.member and not was_member):
                joined_at = change.occurred_at
            was_member = change.member
        return joined_at

    def count_deltas(self, pending: Sequence[RowChange]) -> dict[str, int]:
        """Return by how much the write moves the segment's counters."""
        was_member = self.expected is not None and self.expected.member
        return {
            **counts_moved(self.profile_id, self.expected, pending[-1]),
            **moves((was_member, *(change.member for change in pending))),
            PURGED: sum(change.is_purge for change in pending),
        }


@dataclass(frozen=True, slots=True)
class ProjectionReport:
    """How many rows were written; the sequences of records of which not all were, and of those passed over.

    The latter met damaged items.
    """

    written: int
    failed: frozenset[str]
    met_damage: frozenset[str] = frozenset()


class ProjectionService:
    """Turns records of the Memberships stream into SegmentMembers, counts and data points."""

    def __init__(self, members: RowStore, segments: SegmentStore, memberships: MembershipStore, clock: Clock) -> None:
        self._members = members
        self._segments = segments
        self._memberships = memberships
        self._clock = clock

    def project(self, records: Sequence[MembershipRecord], deadline: Deadline) -> ProjectionReport:
        """Apply `records`; raises ThrottledError or UnavailableError if nothing could be."""
        segments = segments_of(records, self._segments, deadline)
        failed = self._purge_late(records, segments, deadline)
        plans, met_damage = fold(records, segments)
        written: list[int] = []

        def apply(batch: Sequence[RowPlan]) -> None:
            try:
                written.append(self._apply(batch, met_damage, deadline))
            except NotWrittenError:
                failed.update(change.sequence for plan in batch for change in plan.changes)

        in_parallel(apply, list(pack(plans)))
        return ProjectionReport(sum(written), frozenset(failed), frozenset(met_damage))

    def _purge_late(
        self, records: Sequence[MembershipRecord], segments: Readings[tuple[str, int], Segment], deadline: Deadline
    ) -> set[str]:
        """Take users out of deleted segments that they joined; return the sequences of records where that failed."""
        late: dict[tuple[str, int], dict[str, str]] = {}
        known = segments.without_damaged()
        for record in records:
            for segment_id in record.joined:
                segment = known.get((record.account_id, segment_id))
                if segment is not None and segment.status is SegmentStatus.DELETED:
                    late.setdefault((record.account_id, segment_id), {})[record.profile_id] = record.sequence
        failed: set[str] = set()
        for (account_id, segment_id), profiles in late.items():
            try:
                self._memberships.purge(account_id, segment_id, list(profiles), deadline)
            except NotWrittenError:
                failed.update(profiles.values())
        return failed

    def _apply(self, batch: Sequence[RowPlan], met_damage: set[str], deadline: Deadline) -> int:
        """Bring the rows of a batch up to date; return how many had to be written.

        Damaged rows stay as they are, and so do those of damaged segments that lack a join, which was passed over and
        would be taken for taken in. The sequences of their records are added to `met_damage`.
        """
        left = list(batch)
        backoff = Backoff(deadline)
        while True:
            due = [(plan, pending) for plan in left if (pending := plan.pending())]
            if not due:
                return 0
            try:
                self._members.write(
                    [plan.write(pending) for plan, pending in due],
                    _increments(due),
                    self._clock.now(),
                    deadline,
                )
            except RowsDifferError as exc:
                for index, actual in exc.actual.without_damaged().items():
                    due[index][0].expected = actual
                damaged = [due[index][0] for index in exc.actual.damaged]
                known = [due[index][0] for index in exc.actual.without_damaged()]
                for plan in damaged + self._waiting_for_join(known, deadline):
                    met_damage.update(change.sequence for change in plan.changes)
                    left.remove(plan)
                if not backoff.wait():
                    raise UnavailableError("rows kept changing until the time was up") from exc
            else:
                return len(due)

    def _waiting_for_join(self, plans: Sequence[RowPlan], deadline: Deadline) -> list[RowPlan]:
        """Return those that lack a join of a damaged segment."""
        lacking = [plan for plan in plans if plan.lacks_join()]
        if not lacking:
            return []
        damaged = self._segments.get_many([(plan.account_id, plan.segment_id) for plan in lacking], deadline).damaged
        return [plan for plan in lacking if (plan.account_id, plan.segment_id) in damaged]


def fold(
    records: Iterable[MembershipRecord], segments: Readings[tuple[str, int], Segment]
) -> tuple[list[RowPlan], set[str]]:
    """Sort the records' changes by row, rows of one segment side by side.

    Changes of damaged segments are left out, as nobody knows whether they are data points: the sequences of their
    records come back too.
    """
    plans: dict[tuple[str, int, str], RowPlan] = {}
    met_damage: set[str] = set()
    known = segments.without_damaged()
    for record in records:
        changed = record.changed
        month = rfc3339(record.occurred_at)[: len("2026-11")]
        touched = changed
        if record.old.reach != record.new.reach or record.old.identity != record.new.identity:
            touched = changed | record.new.segment_ids
        for segment_id in touched:
            if segment_id in changed and (record.account_id, segment_id) in segments.damaged:
                met_damage.add(record.sequence)
                continue
            row = (record.account_id, segment_id, record.profile_id)
            member, was_member = segment_id in record.new.segment_ids, segment_id in record.old.segment_ids
            reach_before = record.old.reach if was_member else _NO_REACH
            recorded = RecordedRow(was_member, reach_before, record.old.identity, record.sequence)
            plans.setdefault(row, RowPlan(*row, expected=recorded)).changes.append(
                RowChange(
                    sequence=record.sequence,
                    member=member,
                    joined=member and not was_member,
                    reach=record.new.reach if member else _NO_REACH,
                    identity=record.new.identity,
                    occurred_at=record.occurred_at,
                    month=month,
                    is_data_point=segment_id in changed
                    and is_announced(known.get((record.account_id, segment_id)), record),
                    is_purge=segment_id in record.purged,
                )
            )
    return [plans[row] for row in sorted(plans)], met_damage


def pack(plans: Sequence[RowPlan]) -> Iterable[Sequence[RowPlan]]:
    """Cut plans into transactions: an action a row, one a segment for its counts, one a month for its data points."""
    batch: list[RowPlan] = []
    counters: set[tuple[str, int | str]] = set()
    for plan in plans:
        needed: set[tuple[str, int | str]] = {(plan.account_id, plan.segment_id)}
        needed |= {(plan.account_id, change.month) for change in plan.changes}
        if len(batch) + 1 + len(counters | needed) > TRANSACTION_ACTIONS:
            yield batch
            batch, counters = [], set()
        batch.append(plan)
        counters |= needed
    if batch:
        yield batch


def _increments(due: Sequence[tuple[RowPlan, Sequence[RowChange]]]) -> Increments:
    counts: defaultdict[tuple[str, int], Counter[str]] = defaultdict(Counter)
    data_points: Counter[tuple[str, str]] = Counter()
    for plan, pending in due:
        deltas = plan.count_deltas(pending)
        if any(deltas.values()):
            segment_counts = counts[plan.account_id, plan.segment_id]
            for name, delta in deltas.items():
                segment_counts[name] += delta
        for change in pending:
            data_points[plan.account_id, change.month] += change.is_data_point
    return Increments(
        counts={row: {name: delta for name, delta in deltas.items() if delta} for row, deltas in counts.items()},
        data_points={month: points for month, points in data_points.items() if points},
    )
