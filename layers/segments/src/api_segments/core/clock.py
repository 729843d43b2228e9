"""Time as the domain sees it: what o'clock it is, how long is left, and when to try again."""

import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from random import SystemRandom


class Clock:
    """The system's clock; a test passes one of its own."""

    def now(self) -> datetime:
        """Return the time of day, in UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Return seconds that only grow."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)


SYSTEM_CLOCK = Clock()

# A generator with a state would be the same in all processes that start from one snapshot: their retries would meet.
_RANDOM = SystemRandom()


@dataclass(frozen=True)
class Deadline:
    """The moment by which an answer must be out, on `clock.monotonic()`."""

    at: float
    clock: Clock = SYSTEM_CLOCK

    @classmethod
    def after(cls, seconds: float, clock: Clock = SYSTEM_CLOCK) -> "Deadline":
        """Return the deadline that is `seconds` from now."""
        return cls(clock.monotonic() + seconds, clock)

    def remaining(self) -> float:
        """Return the seconds left, negative when it has passed."""
        return self.at - self.clock.monotonic()

    def is_over(self) -> bool:
        """Whether nothing more may be begun."""
        return self.remaining() < 0


@dataclass
class Backoff:
    """Exponential backoff with full jitter, within a deadline."""

    deadline: Deadline
    first: float = 0.025
    most: float = 1.0
    _attempt: int = field(default=0, init=False)

    def wait(self) -> bool:
        """Sleep before another attempt; False, at once, when the time left does not allow one."""
        ceiling = min(self.most, self.first * 2**self._attempt)
        self._attempt += 1
        pause = _RANDOM.uniform(0, ceiling)
        if self.deadline.remaining() <= pause:
            return False
        self.deadline.clock.sleep(pause)
        return True


@lru_cache
def rfc3339(moment: datetime) -> str:
    """Write a time as it is stored, answered and published: RFC 3339, UTC, to microseconds, so text sorts as time."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


@lru_cache
def rfc3339_to_the_second(moment: datetime) -> str:
    """Write a time that is known to the second alone, as those of DynamoDB's streams are."""
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
