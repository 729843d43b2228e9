"""How long and how often what may pass is tried again."""

from __future__ import annotations

import logging
import random as _random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime

from api_segments_client.errors import StoppedError

logger = logging.getLogger("api_segments_client")


@dataclass(frozen=True, slots=True)
class Retry:
    """Patience with what may pass: throttling, a server in trouble, answers that got lost.

    A wait is what `Retry-After` says and a random part of `first` seconds on top of it; that part doubles from try to
    try, up to `most`. After `patience` seconds no further try is begun. `sleep` and `random` are for tests.
    """

    patience: float = 300.0
    first: float = 0.5
    most: float = 20.0
    sleep: Callable[[float], object] | None = None
    random: Callable[[], float] = _random.random

    def attempts(self, stop: threading.Event | None = None) -> Attempts:
        """Return the tries of one request, the first of which is made now; `stop` ends its waiting."""
        return Attempts(self, stop or threading.Event())


@dataclass(slots=True)
class Attempts:
    """The tries of one request."""

    retry: Retry
    stop: threading.Event
    made: int = 0
    lost: bool = False
    """Whether one of them got no answer, or a 5xx, and may have been carried out."""
    _began: float = field(default_factory=time.monotonic)
    _waited: float = 0.0

    def wait(self, retry_after: float | None, why: str) -> bool:
        """Wait for the next try and return True, or return False when that would go beyond the patience.

        `why` is told in the log before it waits.
        Raises StoppedError when the caller asks to stop meanwhile.
        """
        spread: float = min(self.retry.most, self.retry.first * 2**self.made)
        delay = (retry_after or 0.0) + spread * self.retry.random()
        if max(time.monotonic() - self._began, self._waited) + delay > self.retry.patience:
            return False
        logger.info("%s; trying again in %.1f s", why, delay)
        self.made += 1
        self._waited += delay
        if self.retry.sleep is not None:
            self.retry.sleep(delay)
        else:
            self.stop.wait(delay)
        if self.stop.is_set():
            raise StoppedError("stopped while waiting for the next try")
        return True


def seconds_of(retry_after: str | None) -> float | None:
    """Return the seconds that a `Retry-After` header tells, from its number or its date; None where it tells none."""
    if retry_after is None:
        return None
    try:
        return max(0.0, float(retry_after))
    except ValueError:
        pass
    try:
        return max(0.0, (parsedate_to_datetime(retry_after) - datetime.now(timezone.utc)).total_seconds())
    except (TypeError, ValueError):
        return None
