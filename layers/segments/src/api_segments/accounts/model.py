"""Accounts, their passcodes and their usage. Plain values, no AWS."""

from dataclasses import dataclass
from enum import StrEnum

from api_segments.http.tenant import UNNAMED, Plan, Tenant


class AccountStatus(StrEnum):
    """Life of an account."""

    ACTIVE = "active"
    DISABLED = "disabled"


@dataclass(frozen=True, slots=True)
class Passcode:
    """A stored passcode: its id, the hash that is kept, when it was made, what people call it."""

    passcode_id: str
    digest: str
    created_at: str
    name: str = UNNAMED


@dataclass(frozen=True, slots=True)
class Account:
    """A tenant."""

    account_id: str
    name: str
    plan: Plan
    private_beta: bool
    status: AccountStatus
    created_at: str
    passcodes: tuple[Passcode, ...] = ()

    @property
    def tenant(self) -> Tenant:
        """The account as requests carry it."""
        return Tenant(self.account_id, self.plan, self.private_beta)


@dataclass(frozen=True, slots=True)
class Usage:
    """What an account used in a month (`YYYY-MM`, UTC)."""

    month: str
    data_points: int
    plan: Plan
