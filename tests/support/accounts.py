"""Accounts in a table, for those who act for them."""

from api_segments.accounts.model import Account, AccountStatus
from api_segments.accounts.service import AccountService
from api_segments.accounts.store import AccountStore
from api_segments.aws.dynamodb import DynamoDB
from api_segments.core.clock import Clock, Deadline
from api_segments.http.tenant import Plan

CREATED_AT = "2026-11-01T09:00:00.000000Z"


def put_account(db: DynamoDB, table: str, account_id: str, clock: Clock) -> AccountService:
    """Create an account that may use API Segments; return what changes it."""
    account = Account(account_id, "Shop", Plan.ADVANCED, True, AccountStatus.ACTIVE, CREATED_AT)  # noqa: FBT003 - the beta flag
    store = AccountStore(db, table)
    assert store.insert(account, Deadline.after(60, clock))
    return AccountService(store, clock)
