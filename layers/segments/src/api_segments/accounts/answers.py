"""The bodies of answers about accounts: their shapes, and how they are written."""

from typing_extensions import TypedDict

from api_segments.accounts.model import Usage


class UsageBody(TypedDict):
    """Data points of a month, and the plan."""

    month: str
    data_points: int
    plan: str


def usage_body(usage: Usage) -> UsageBody:
    """Write an account's usage of a month."""
    return {"month": usage.month, "data_points": usage.data_points, "plan": usage.plan}
