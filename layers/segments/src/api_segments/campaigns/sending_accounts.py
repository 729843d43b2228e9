"""Whether an account may send messages: it is looked at as they go out, not only when a campaign is created."""

import logging

from api_segments.accounts.model import AccountStatus
from api_segments.accounts.service import AccountService
from api_segments.campaigns.model import SkipReason
from api_segments.core.clock import Clock, Deadline
from api_segments.core.errors import NotFoundError, UnavailableError

# How old what is known of an account may be.
ACCOUNT_SECONDS = 60

_LOG = logging.getLogger(__name__)


class SendingAccounts:
    """Tells which accounts may not send, and why; a process reads an account once a minute."""

    def __init__(self, accounts: AccountService, clock: Clock) -> None:
        self._accounts = accounts
        self._clock = clock
        self._seen: dict[str, tuple[float, SkipReason | None]] = {}

    def refusal(self, account_id: str, deadline: Deadline) -> SkipReason | None:
        """Return why an account may not send, None if it may.

        Raises ThrottledError, or UnavailableError also when there is no such account or it can't be read.
        """
        now = self._clock.monotonic()
        seen = self._seen.get(account_id)
        if seen is None or now - seen[0] > ACCOUNT_SECONDS:
            seen = now, self._look(account_id, deadline)
            self._seen[account_id] = seen
        return seen[1]

    def _look(self, account_id: str, deadline: Deadline) -> SkipReason | None:
        try:
            account = self._accounts.get(account_id, deadline)
        except (NotFoundError, LookupError, TypeError, ValueError) as exc:
            _LOG.error("account %s, which has campaigns, can't be read: %s", account_id, type(exc).__name__)
            raise UnavailableError("the account can't be read") from exc
        if account.status is not AccountStatus.ACTIVE:
            return SkipReason.ACCOUNT_DISABLED
        return None if account.tenant.has_api_segments else SkipReason.NO_API_SEGMENTS
