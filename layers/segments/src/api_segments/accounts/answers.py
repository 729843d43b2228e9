"""The bodies of answers about accounts: their shapes, and how they are written."""

from typing import Annotated

from typing_extensions import TypedDict

from api_segments.accounts.model import Usage
from api_segments.http.described import About


class UsageBody(TypedDict):
    """Data points of a month, and the plan."""

    month: Annotated[str, About("The month, UTC.", "2026-11")]
    data_points: Annotated[int, About("Changes of memberships that were published in it.", 2)]
    plan: Annotated[str, About("The account's plan.", "Advanced")]


def usage_body(usage: Usage) -> UsageBody:
    """Write an account's usage of a month."""
    return {"month": usage.month, "data_points": usage.data_points, "plan": usage.plan}
