"""Local times of an account: when a campaign starts, and which campaigns were created on which days.

A time that a change of clocks leaves out is refused; of two that read alike, when clocks go back, the first is meant.
This rule stands here alone: the page asks it by `when.json`.
"""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from api_segments.core.errors import InvalidRequestError
from api_segments.core.limits import MAX_DAYS_AHEAD

NOW = "now"
_LOCAL_TIME = re.compile(r"[0-9]{8} [0-9]{2}:[0-9]{2}")
_DAY = re.compile(r"[0-9]{8}")


@dataclass(frozen=True, slots=True)
class LocalStart:
    """A local time to start at: the moment (UTC), its zone, and whether the zone's clocks show that time twice."""

    moment: datetime
    time_zone: str
    comes_twice: bool

    @property
    def utc_offset(self) -> str:
        """How far the zone's clocks are ahead of UTC at the moment, as RFC 3339 writes it."""
        return self.moment.astimezone(ZoneInfo(self.time_zone)).isoformat()[-6:]


def start_at(when: str | None, time_zone: str, now: datetime) -> LocalStart | None:
    """Return the local time to start at, None for at once and for an online campaign; raises InvalidRequestError."""
    return None if when in (None, NOW) else read_start(str(when), time_zone, now, "when")


def read_start(text: str, time_zone: str, now: datetime, path: str) -> LocalStart:
    """Read `YYYYMMDD HH:MM` in a time zone as a time to start at; raises InvalidRequestError."""
    wrong = InvalidRequestError(f'{path}: must be "now" or a time like "20261224 09:30"')
    if not _LOCAL_TIME.fullmatch(text):
        raise wrong
    try:
        local = datetime.strptime(text, "%Y%m%d %H:%M").replace(tzinfo=ZoneInfo(time_zone))
        moment = local.astimezone(UTC)
    except (ValueError, OverflowError) as exc:
        raise wrong from exc
    if moment.astimezone(local.tzinfo).replace(tzinfo=None) != local.replace(tzinfo=None):
        raise InvalidRequestError(f"{path}: there is no such time in {time_zone}, its clocks go forward over it")
    if moment <= now:
        raise InvalidRequestError(f"{path}: is past, it is {_show(now, time_zone)} in {time_zone}")
    if moment > now + timedelta(days=MAX_DAYS_AHEAD):
        raise InvalidRequestError(f"{path}: must be at most {MAX_DAYS_AHEAD} days ahead")
    return LocalStart(moment, time_zone, local.replace(fold=1).utcoffset() != local.utcoffset())


def start_of_day(text: str, time_zone: str, path: str, *, later_days: int = 0) -> datetime:
    """Return when the day `YYYYMMDD`, or one some days later, begins in a time zone; raises InvalidRequestError."""
    wrong = InvalidRequestError(f"{path}: must be a day like 20261224")
    if not _DAY.fullmatch(text):
        raise wrong
    try:
        day = date(int(text[:4]), int(text[4:6]), int(text[6:])) + timedelta(days=later_days)
        return datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(time_zone)).astimezone(UTC)
    except (ValueError, OverflowError) as exc:
        raise wrong from exc


def as_number(moment: datetime, time_zone: str) -> int:
    """Write a moment as the number YYYYMMDDHHMM of the local time."""
    return int(moment.astimezone(ZoneInfo(time_zone)).strftime("%Y%m%d%H%M"))


def _show(moment: datetime, time_zone: str) -> str:
    return moment.astimezone(ZoneInfo(time_zone)).strftime("%Y%m%d %H:%M")
