"""The routes of accounts, as the API's description has them."""

from collections.abc import Mapping, Sequence

from api_segments.accounts import answers
from api_segments.accounts.requests import MONTH
from api_segments.http.described import Json
from api_segments.http.openapi import ACCOUNT, Route

_MONTH: Mapping[str, Json] = {
    "month": {
        "in": "query",
        "description": "A month, UTC; this one if absent.",
        "schema": {"type": "string", "pattern": f"^{MONTH}$"},
        "example": "2026-11",
    },
}

ROUTES: Sequence[Route] = (
    Route(
        "getUsage",
        "get",
        "/api/usage",
        ACCOUNT,
        "Show a month's data points",
        answers.UsageBody,
        {"month": "2026-11", "data_points": 2, "plan": "Advanced"},
        description="Each published change of a membership is one; months are UTC.",
        parameters=_MONTH,
    ),
)
