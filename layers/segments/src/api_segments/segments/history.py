"""The days of a segment: how many members it had, who joined and who left. Days are UTC, so all have 24 hours.

Counters know how often users joined and left in all. When a day begins, or a moment later, that is noted of each
active segment (`DayNotes`); a day is the difference between two notes, today that between the last one and now:

    note of the 27th ──joined, left──▶ note of the 28th ── (none of the 29th) ──▶ note of the 30th ──▶ now
          │         the 27th                │      the 28th: not known, the 29th: both days  │     the 30th so far

A segment begins with nothing at its creation, unless that was before its counters knew of joins.
"""

from collections.abc import Sequence
from datetime import date, datetime, timedelta

from api_segments.core.clock import Clock, Deadline, rfc3339
from api_segments.core.limits import DEFAULT_HISTORY_DAYS, HISTORY_DAYS, TREND_DAYS
from api_segments.segments.model import (
    NO_MEMBERS,
    CountedSegment,
    Day,
    DayNote,
    Segment,
    SegmentCounts,
    SegmentStatus,
    Trend,
)
from api_segments.segments.reads import SegmentReads
from api_segments.segments.store import SegmentStore
from api_segments.segments.store_history import HistoryStore
from api_segments.segments.store_lists import SegmentListStore

_DAY = timedelta(days=1)
NOTED_AT_ONCE = 100


class SegmentHistory:
    """Tells the days of a segment."""

    def __init__(self, reads: SegmentReads, notes: HistoryStore, clock: Clock) -> None:
        self._reads = reads
        self._notes = notes
        self._clock = clock

    def days(
        self, account_id: str, segment_id: int, first: date | None, last: date | None, deadline: Deadline
    ) -> Sequence[Day]:
        """Return the days from `first` to `last` (today) in which the segment was there, as far back as notes are kept.

        `first` is DEFAULT_HISTORY_DAYS back if it is None. Raises NotFoundError.
        """
        counted = self._reads.get(account_id, segment_id, deadline)
        now = self._clock.now()
        last = min(last or now.date(), _last_day_of(counted[0], now))
        first = max(first or last - (DEFAULT_HISTORY_DAYS - 1) * _DAY, _first_day_of(counted[0], now))
        if first > last:
            return []
        notes = self._notes.between(account_id, segment_id, first, last + _DAY, deadline)
        if not notes or notes[0].day > first:
            before = self._notes.last_before(account_id, segment_id, first, deadline) or _at_creation(counted[0])
            notes = [before, *notes] if before is not None else notes
        return _days(first, last, notes, _so_far(counted, now))


def _first_day_of(segment: Segment, now: datetime) -> date:
    return max(datetime.fromisoformat(segment.created_at).date(), now.date() - (HISTORY_DAYS - 1) * _DAY)


def _last_day_of(segment: Segment, now: datetime) -> date:
    return now.date() if segment.deleted_at is None else datetime.fromisoformat(segment.deleted_at).date()


def _at_creation(segment: Segment) -> DayNote | None:
    """Return what a segment begins with; None if its counters did not know of joins then."""
    if segment.digest_since != segment.created_at:
        return None
    return DayNote(datetime.fromisoformat(segment.created_at).date(), segment.created_at, NO_MEMBERS)


def _so_far(counted: CountedSegment, now: datetime) -> DayNote | None:
    """Return what would be noted now; None of a deleted segment, as its counters are gone, or of a damaged one."""
    segment, counts = counted
    is_known = segment.status is SegmentStatus.ACTIVE and counts.is_whole
    return DayNote(now.date() + _DAY, rfc3339(now), counts) if is_known else None


def _days(first: date, last: date, notes: Sequence[DayNote], so_far: DayNote | None) -> list[Day]:
    ends = {note.day - _DAY: note for note in (*notes, *([] if so_far is None else [so_far]))}
    return [_day(day, notes, ends.get(day)) for day in _dates(first, last)]


def _dates(first: date, last: date) -> list[date]:
    return [first + number * _DAY for number in range((last - first).days + 1)]


def _day(day: date, notes: Sequence[DayNote], end: DayNote | None) -> Day:
    if end is None:
        return Day(day)
    begin = next((note for note in reversed(notes) if note.day <= day), None)
    if begin is None:
        return Day(day, None, end.noted_at, end.counts)
    joined, left = end.counts.joined - begin.counts.joined, end.counts.left - begin.counts.left
    if min(joined, left) < 0:  # a counter was damaged meanwhile
        return Day(day, begin.noted_at, end.noted_at, end.counts)
    corrected = end.counts.members - begin.counts.members - joined + left
    return Day(day, begin.noted_at, end.noted_at, end.counts, joined, left, corrected)


class SegmentTrends:
    """Tells how many members all segments of an account had at the ends of the last days."""

    def __init__(self, notes: HistoryStore, clock: Clock) -> None:
        self._notes = notes
        self._clock = clock

    def last_days(self, account_id: str, deadline: Deadline) -> tuple[Sequence[date], Sequence[Trend]]:
        """Return the TREND_DAYS days before today, and a trend of each segment that was active at the end of one."""
        today = self._clock.now().date()
        days = [today - (TREND_DAYS - number) * _DAY for number in range(TREND_DAYS)]
        noted = self._notes.together(account_id, days[0] + _DAY, today, deadline)
        ends = [noted.get(day + _DAY, {}) for day in days]
        segment_ids = sorted({segment_id for members in ends for segment_id in members}, reverse=True)
        return days, [Trend(segment_id, [members.get(segment_id) for members in ends]) for segment_id in segment_ids]


class DayNotes:
    """Notes what a day begins with, of all active segments of an account."""

    def __init__(self, segments: SegmentStore, lists: SegmentListStore, notes: HistoryStore, clock: Clock) -> None:
        self._segments = segments
        self._lists = lists
        self._notes = notes
        self._clock = clock

    def today(self) -> date:
        """Return the day (UTC) that it is."""
        return self._clock.now().date()

    def note_page(self, account_id: str, day: date, below: int | None, deadline: Deadline) -> int | None:
        """Note the next segments, those whose ids are below `below`; return below which to go on, None at the end.

        Passed over are those that were created after the day began, and those whose counts are not whole.
        """
        page = self._lists.newest(account_id, SegmentStatus.ACTIVE, below, NOTED_AT_ONCE, deadline)
        if not page:
            return None
        ids = [segment.segment_id for segment in page]
        counts = self._segments.counts_between(account_id, min(ids), max(ids), deadline)
        noted: dict[int, int] = {}
        for segment in page:
            found: SegmentCounts = counts.get(segment.segment_id, NO_MEMBERS)
            if datetime.fromisoformat(segment.created_at).date() < day and found.is_whole:
                self._notes.note(account_id, segment.segment_id, day, found, deadline)
                noted[segment.segment_id] = found.members
        if noted:
            self._notes.note_together(account_id, day, noted, deadline)
        return ids[-1] if len(page) == NOTED_AT_ONCE else None
