"""How far lists and counts are behind what was acknowledged, as those measure it who bring them up to date.

Each process that projects notes how old the oldest change of its batch was when it had taken it in, or could not: at
most every few seconds, as it is a write, but at once when it falls further behind.
"""

import secrets
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from api_segments.core.clock import Clock, Deadline
from api_segments.core.errors import NotWrittenError
from api_segments.memberships.store_freshness import FreshnessStore

NOTE_SECONDS = 10
_WORSE_BY_SECONDS = 1.0
_NOTE_WITHIN_SECONDS = 2.0
# Processes work side by side: of those that noted something at about the same time the worst counts.
_SIDE_BY_SIDE = timedelta(seconds=2 * NOTE_SECONDS)


class LagNotes:
    """Notes how far behind this process is."""

    def __init__(self, store: FreshnessStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._process = secrets.token_hex(4)
        self._noted: datetime | None = None
        self._latest = self._worst = 0.0

    def note(self, seconds: float, deadline: Deadline) -> None:
        """Note that the oldest change of a batch was so old; what can't be written now is left out."""
        now = self._clock.now()
        if self._noted is None or (self._noted.hour, self._noted.minute) != (now.hour, now.minute):
            self._noted, self._worst = None, 0.0
        self._worst = max(self._worst, seconds)
        is_due = self._noted is None or (now - self._noted).total_seconds() >= NOTE_SECONDS
        if not is_due and seconds < self._latest + _WORSE_BY_SECONDS:
            return
        soon = Deadline(min(deadline.at, deadline.clock.monotonic() + _NOTE_WITHIN_SECONDS), deadline.clock)
        with suppress(NotWrittenError):
            self._store.note(self._process, now, seconds, self._worst, soon)
            self._noted, self._latest = now, seconds


@dataclass(frozen=True, slots=True)
class Freshness:
    """Seconds that lists and counts were behind at `measured_at`, the last time, and at worst in the last hour.

    All are None if nothing changed within the last hour.
    """

    behind: float | None = None
    measured_at: str | None = None
    worst: float | None = None


class FreshnessReads:
    """Tells how far behind lists and counts are."""

    def __init__(self, store: FreshnessStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def tell(self, deadline: Deadline) -> Freshness:
        """Return it; raises ThrottledError or UnavailableError."""
        lags = self._store.since(self._clock.now() - timedelta(hours=1), deadline)
        if not lags:
            return Freshness()
        last = max(lag.noted_at for lag in lags)
        since = datetime.fromisoformat(last) - _SIDE_BY_SIDE
        behind = max(lag.latest for lag in lags if datetime.fromisoformat(lag.noted_at) >= since)
        return Freshness(behind, last, max(lag.worst for lag in lags))
