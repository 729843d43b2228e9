"""The error stream: what updates asked for and was wrong, kept for 30 days."""

from collections.abc import Sequence

from api_segments.core.clock import Clock, Deadline
from api_segments.core.errors import NotWrittenError
from api_segments.core.paging import Page, Position
from api_segments.memberships.model import KeptRejection, Rejection
from api_segments.memberships.store_errors import UpdateErrorStore


class ErrorStream:
    """Keeps and shows rejections."""

    def __init__(self, errors: UpdateErrorStore, clock: Clock) -> None:
        self._errors = errors
        self._clock = clock

    def keep(self, account_id: str, request_id: str, rejections: Sequence[Rejection], deadline: Deadline) -> None:
        """Keep what a request itself was wrong about (not what may be sent again as it is).

        Raises ThrottledError or UnavailableError when not all are kept.
        """
        wrong = [rejection for rejection in rejections if not isinstance(rejection.error, NotWrittenError)]
        if wrong:
            self._errors.keep(account_id, request_id, self._clock.now(), wrong, deadline)

    def newest(self, account_id: str, after: Position | None, limit: int, deadline: Deadline) -> Page[KeptRejection]:
        """List kept rejections, the newest first, from after `after` on."""
        before = None if after is None else (str(after[0]), int(after[1]))
        found = self._errors.newest(account_id, self._clock.now(), before, limit + 1, deadline)
        goes_on_at = found[limit - 1][0] if len(found) > limit else None
        return Page([rejection for _, rejection in found[:limit]], goes_on_at)
