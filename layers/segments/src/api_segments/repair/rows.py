"""Mend rows of SegmentMembers that are not what Memberships says.

What is about to come by the stream looks like a difference too. So a row that seems wrong is looked at again minutes
later, and mended if it is still wrong, if its user's memberships have not changed in between, and on condition that it
is still as it was read.

A mended row takes a sequence just above the one that it had: below that of any later record, which is then applied to
the row as it is.
"""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256

from api_segments.aws.dynamodb import TRANSACTION_ACTIONS
from api_segments.core.channels import Channel
from api_segments.core.clock import Clock, Deadline
from api_segments.core.errors import NotWrittenError
from api_segments.core.parallel import chunks
from api_segments.memberships.model import NOBODY, MembershipImage
from api_segments.memberships.store import MembershipStore
from api_segments.memberships.store_rows import (
    DamagedRow,
    Increments,
    MemberRow,
    RowsDifferError,
    RowStore,
    RowWrite,
    counts_moved,
    moves,
)
from api_segments.segments.store import SegmentStore

RowId = tuple[int, str]
"""Segment and profile."""

# A row of its own and one action for its segment's counts.
_ROWS_PER_WRITE = TRANSACTION_ACTIONS // 2
_MENDED = "r"
_BEFORE_ALL_RECORDS = "0" * 40  # sequences have 40 digits here (http.streams)


@dataclass(frozen=True, slots=True)
class Suspect:
    """A row that seemed wrong; `truth` is a hash of what it should have said."""

    segment_id: int
    profile_id: str
    truth: str

    @property
    def row(self) -> RowId:
        """The row's id."""
        return self.segment_id, self.profile_id


@dataclass(slots=True)
class RowFindings:
    """How many rows were mended, which suspects there was no time for, and segments whose counts are to be looked at.

    A damaged row does not say what it counts for, so a row that takes its place moves no counter.
    """

    mended: int = 0
    rest: Sequence[Suspect] = ()
    uncounted: set[int] = field(default_factory=set)


class RowMender:
    """Finds rows that seem wrong, and mends those that are."""

    def __init__(self, memberships: MembershipStore, segments: SegmentStore, rows: RowStore, clock: Clock) -> None:
        self._memberships = memberships
        self._segments = segments
        self._rows = rows
        self._clock = clock

    def suspects(self, account_id: str, truths: Mapping[RowId, MembershipImage], deadline: Deadline) -> list[Suspect]:
        """Return which rows do not say what they should."""
        stored = self._rows.read(account_id, list(truths), deadline)
        return [
            Suspect(*row, _hash(row, image))
            for row, image in truths.items()
            if row in stored.damaged or not _is_right(row, stored.get(row), image)
        ]

    def mend(self, account_id: str, suspects: Sequence[Suspect], deadline: Deadline) -> RowFindings:
        """Mend those that are still wrong, of active segments: the others' rows are their purges'.

        Raises ThrottledError or UnavailableError when there was time for none.
        """
        findings = RowFindings()
        for done, some in enumerate(chunks(suspects, _ROWS_PER_WRITE)):
            try:
                writes = self._mend(account_id, some, deadline)
            except NotWrittenError:
                if not done:
                    raise
                findings.rest = suspects[done * _ROWS_PER_WRITE :]
                break
            findings.mended += len(writes)
            findings.uncounted |= {each.segment_id for each in writes if isinstance(each.expected, DamagedRow)}
        return findings

    def _mend(self, account_id: str, suspects: Sequence[Suspect], deadline: Deadline) -> Sequence[RowWrite]:
        """Write those rows that are wrong, and return what was written."""
        active = self._segments.are_active(_ids(account_id, suspects), deadline)
        of_active = [suspect for suspect in suspects if (account_id, suspect.segment_id) in active]
        profile_ids = sorted({suspect.profile_id for suspect in of_active})
        # Rows first: one that the stream writes after this is not as read any more, and so is not written over.
        stored = self._rows.read(account_id, [suspect.row for suspect in of_active], deadline)
        images = self._memberships.get_many(account_id, profile_ids, deadline)
        known = [each for each in of_active if each.profile_id not in images.damaged]
        truths = {each.row: images.get(each.profile_id, NOBODY) for each in known}
        unchanged = [each.row for each in known if each.truth == _hash(each.row, truths[each.row])]
        writes = [
            self._write(account_id, row, stored.get(row), truths[row])
            for row in unchanged
            if row not in stored.damaged and not _is_right(row, stored.get(row), truths[row])
        ]
        writes += [
            self._replace(account_id, row, DamagedRow(dict(stored.damaged[row].item)), truths[row])
            for row in unchanged
            if row in stored.damaged
        ]
        if writes:
            try:
                self._rows.write(writes, Increments(_moved(writes), {}), self._clock.now(), deadline)
            except RowsDifferError:  # they are being written by the stream; the next walk looks again
                return ()
        return writes

    def take_out_of_purged(self, account_id: str, suspects: Sequence[Suspect], deadline: Deadline) -> int:
        """Take users out of segments whose purge has ended; return of how many memberships there were.

        Nobody else would: a member that came late and whose record was lost.
        """
        found = self._segments.get_many(_ids(account_id, suspects), deadline)
        taken_out = 0
        for (_, segment_id), segment in found.without_damaged().items():
            if segment.purged_at is not None:
                profile_ids = [each.profile_id for each in suspects if each.segment_id == segment_id]
                taken_out += self._memberships.purge(account_id, segment_id, profile_ids, deadline)
        return taken_out

    def _write(self, account_id: str, row: RowId, actual: MemberRow | None, image: MembershipImage) -> RowWrite:
        segment_id, profile_id = row
        is_member = segment_id in image.segment_ids
        was_member = actual is not None and actual.member
        reach = image.reach if is_member else frozenset[Channel]()
        sequence = (_BEFORE_ALL_RECORDS if actual is None else actual.sequence) + _MENDED
        return RowWrite(
            account_id=account_id,
            segment_id=segment_id,
            profile_id=profile_id,
            expected=actual,
            new=MemberRow(is_member, reach, image.identity, sequence),
            joined_at=self._clock.now() if is_member and not was_member else None,
        )

    def _replace(self, account_id: str, row: RowId, damaged: DamagedRow, image: MembershipImage) -> RowWrite:
        segment_id, profile_id = row
        is_member = segment_id in image.segment_ids
        reach = image.reach if is_member else frozenset[Channel]()
        return RowWrite(
            account_id=account_id,
            segment_id=segment_id,
            profile_id=profile_id,
            expected=damaged,
            new=MemberRow(is_member, reach, image.identity, (damaged.sequence or _BEFORE_ALL_RECORDS) + _MENDED),
            joined_at=self._clock.now() if is_member and not damaged.has_added_at else None,
        )


def _ids(account_id: str, suspects: Sequence[Suspect]) -> list[tuple[str, int]]:
    return [(account_id, segment_id) for segment_id in sorted({suspect.segment_id for suspect in suspects})]


def _hash(row: RowId, image: MembershipImage) -> str:
    said = [row[0] in image.segment_ids, sorted(image.reach), image.identity]
    return sha256(json.dumps(said).encode()).hexdigest()[:16]


def _is_right(row: RowId, stored: MemberRow | None, image: MembershipImage) -> bool:
    """Tell whether a row says what the truth says."""
    is_member = row[0] in image.segment_ids
    if stored is None or not stored.member or not is_member:
        return is_member == (stored is not None and stored.member)
    return (stored.reach, stored.identity) == (image.reach, image.identity)


def _moved(writes: Sequence[RowWrite]) -> Mapping[tuple[str, int], Mapping[str, int]]:
    """Return by how much the writes move the counts of their segments."""
    moved: dict[tuple[str, int], Counter[str]] = {}
    for write in writes:
        deltas = moved.setdefault((write.account_id, write.segment_id), Counter())
        if isinstance(write.expected, DamagedRow):
            continue
        before = write.expected if isinstance(write.expected, MemberRow) else None
        deltas.update(counts_moved(write.profile_id, before, write.new))
        deltas.update(moves([before is not None and before.member, write.new.member]))
    return {segment: {name: delta for name, delta in deltas.items() if delta} for segment, deltas in moved.items()}
