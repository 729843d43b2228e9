"""Accounts, their passcodes and plans; and who a request comes from."""

import base64
import hashlib
import hmac
import re
import secrets
from dataclasses import replace

from api_segments.accounts.model import Account, AccountStatus, Passcode, Usage
from api_segments.accounts.store import AccountStore
from api_segments.core.clock import Clock, Deadline, rfc3339
from api_segments.core.errors import WRONG_CREDENTIALS, ConflictError, ForbiddenError, NotFoundError, UnauthorizedError
from api_segments.core.limits import MAX_LIVE_PASSCODES
from api_segments.http.tenant import Plan, Tenant

PASSCODE_BITS = 160

# No `#` (it separates the parts of keys), nothing that a header can't carry.
ACCOUNT_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{2,63}")
_NO_DIGEST = "0" * 64
_ID_LETTERS = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"  # none that are mistaken for one another


class AccountService:
    """Creates and changes accounts, and authenticates."""

    def __init__(self, accounts: AccountStore, clock: Clock) -> None:
        self._accounts = accounts
        self._clock = clock

    def authenticate(self, account_id: str, passcode: str, deadline: Deadline) -> Tenant:
        """Return the tenant that the two headers name.

        The same work is done whether or not the account exists: one read, a hash, two constant-time comparisons. Raises
        UnauthorizedError, or ForbiddenError for a disabled account.
        """
        well_formed = ACCOUNT_ID.fullmatch(account_id) is not None
        account = self._accounts.get(account_id if well_formed else "-", deadline)
        digests = [known.digest for known in account.passcodes] if account else []
        digests += [_NO_DIGEST] * (MAX_LIVE_PASSCODES - len(digests))
        offered = digest_of(account_id, passcode)
        matches = [hmac.compare_digest(offered, digest) for digest in digests]
        if account is None or not any(matches):
            raise UnauthorizedError(WRONG_CREDENTIALS)
        if account.status is not AccountStatus.ACTIVE:
            raise ForbiddenError("this account is disabled")
        return replace(account.tenant, passcode_name=account.passcodes[matches.index(True)].name)

    def create(  # noqa: PLR0913 - what an account begins with
        self,
        name: str,
        plan: Plan,
        *,
        private_beta: bool,
        account_id: str | None,
        passcode_name: str,
        deadline: Deadline,
    ) -> tuple[Account, str]:
        """Create an account with one passcode; return it and the passcode, which is kept nowhere.

        `account_id` must match ACCOUNT_ID; without one it is made up. Raises ConflictError if it is taken.
        """
        new_id = account_id or "-".join(_letters(length) for length in (3, 3, 4))
        passcode, plain = self._new_passcode(new_id, passcode_name)
        account = Account(
            new_id, name, plan, private_beta, AccountStatus.ACTIVE, rfc3339(self._clock.now()), passcodes=(passcode,)
        )
        # Not inserted, yet there as it is here: our own write, whose answer was lost.
        if not self._accounts.insert(account, deadline) and self._accounts.get(new_id, deadline) != account:
            raise ConflictError(f"account_id: {new_id} is taken")
        return account, plain

    def all_ids(self, deadline: Deadline) -> list[str]:
        """Return the ids of all accounts."""
        return self._accounts.all_ids(deadline)

    def get(self, account_id: str, deadline: Deadline) -> Account:
        """Return an account; raises NotFoundError."""
        account = self._accounts.get(account_id, deadline)
        if account is None:
            raise NotFoundError(f"account_id: there is no account {account_id}")
        return account

    def usage(self, tenant: Tenant, month: str | None, deadline: Deadline) -> Usage:
        """Return the data points of a month (`YYYY-MM`, UTC; None for this one) and the plan."""
        asked = month or f"{self._clock.now():%Y-%m}"
        return Usage(asked, self._accounts.data_points(tenant.account_id, asked, deadline), tenant.plan)

    def add_passcode(self, account_id: str, name: str, deadline: Deadline) -> tuple[Account, str]:
        """Add a second passcode, to change over to; raises NotFoundError, ConflictError if there are two."""
        passcode, plain = self._new_passcode(account_id, name)
        self._accounts.add_passcode(account_id, passcode, MAX_LIVE_PASSCODES, deadline)
        account = self.get(account_id, deadline)
        if passcode not in account.passcodes:
            raise ConflictError(f"account {account_id} has {MAX_LIVE_PASSCODES} passcodes; revoke one first")
        return account, plain

    def name_passcode(self, account_id: str, passcode_id: str, name: str, deadline: Deadline) -> Account:
        """Give a passcode a name; what it makes bears it within the authorizer's cache time. Raises NotFoundError."""
        if all(known.passcode_id != passcode_id for known in self.get(account_id, deadline).passcodes):
            raise _no_such_passcode(account_id, passcode_id)
        self._accounts.name_passcode(account_id, passcode_id, name, deadline)
        return self.get(account_id, deadline)

    def revoke_passcode(self, account_id: str, passcode_id: str, deadline: Deadline) -> Account:
        """Revoke a passcode; it stops within the authorizer's cache time. Raises NotFoundError."""
        if all(known.passcode_id != passcode_id for known in self.get(account_id, deadline).passcodes):
            raise _no_such_passcode(account_id, passcode_id)
        self._accounts.remove_passcode(account_id, passcode_id, deadline)
        return self.get(account_id, deadline)

    def set_plan(self, account_id: str, plan: Plan, private_beta: bool | None, deadline: Deadline) -> Account:  # noqa: FBT001 - it is the flag's value
        """Set plan and, unless None, the private-beta flag; raises NotFoundError."""
        self._accounts.set_plan(account_id, plan, private_beta, deadline)
        return self.get(account_id, deadline)

    def set_status(self, account_id: str, status: AccountStatus, deadline: Deadline) -> Account:
        """Disable or enable an account; raises NotFoundError."""
        self._accounts.set_status(account_id, status, deadline)
        return self.get(account_id, deadline)

    def _new_passcode(self, account_id: str, name: str) -> tuple[Passcode, str]:
        plain = base64.b32encode(secrets.token_bytes(PASSCODE_BITS // 8)).decode()
        passcode = Passcode(secrets.token_hex(4), digest_of(account_id, plain), rfc3339(self._clock.now()), name)
        return passcode, plain


def _no_such_passcode(account_id: str, passcode_id: str) -> NotFoundError:
    return NotFoundError(f"passcode_id: account {account_id} has no passcode {passcode_id}")


def digest_of(account_id: str, passcode: str) -> str:
    """Hash a passcode; 160 random bits need no slow hash, and the account id keeps equal passcodes apart."""
    return hashlib.sha256(f"{account_id}\n{passcode}".encode("utf-8", "surrogatepass")).hexdigest()


def _letters(length: int) -> str:
    return "".join(secrets.choice(_ID_LETTERS) for _ in range(length))
