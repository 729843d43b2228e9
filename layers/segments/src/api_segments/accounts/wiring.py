"""Makes the objects of this room, once a process."""

from functools import cache

from api_segments.accounts.service import AccountService
from api_segments.accounts.store import AccountStore
from api_segments.aws.wiring import db, settings
from api_segments.core.clock import SYSTEM_CLOCK


@cache
def accounts() -> AccountService:
    """Return the process's account service."""
    return AccountService(AccountStore(db(), settings().accounts_table), SYSTEM_CLOCK)
