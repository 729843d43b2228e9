"""The account that a request acts for, and what its plan allows."""

from dataclasses import dataclass
from enum import StrEnum

from api_segments.core import errors


class Plan(StrEnum):
    """Plans of an account; API Segments need one of the last two."""

    ESSENTIALS = "Essentials"
    ADVANCED = "Advanced"
    CUTTING_EDGE = "Cutting Edge"


UNNAMED = "unnamed"
"""What a passcode without a name is called."""


@dataclass(frozen=True, slots=True)
class Tenant:
    """The account that a request acts for, as the authorizer found it, and its passcode's name."""

    account_id: str
    plan: Plan
    private_beta: bool
    passcode_name: str = UNNAMED

    @property
    def has_api_segments(self) -> bool:
        """Whether plan and beta flag allow API Segments (docs/api.md, Plans and data points)."""
        return self.plan in (Plan.ADVANCED, Plan.CUTTING_EDGE) and self.private_beta


def require_api_segments(tenant: Tenant) -> None:
    """Raise ForbiddenError, which says what would be needed, if the account may not use API Segments."""
    if tenant.plan is Plan.ESSENTIALS:
        raise errors.ForbiddenError(
            f"API Segments need the plan Advanced or Cutting Edge; this account is on {tenant.plan}"
        )
    if not tenant.has_api_segments:
        raise errors.ForbiddenError("API Segments are in private beta; this account does not have the beta flag")
