"""Reads lists page by page, as a client does."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from tests.integration.conftest import SEGMENT, Account

Json = Any

MEMBERS = f"{SEGMENT}/members"
MOST_PAGES = 300


def pages(
    account: Account, resource: str, query: Mapping[str, object] | None = None, /, **parameters: str
) -> Iterator[list[Json]]:
    """Yield the rows of one page after the other; what a test does in between happens between two requests."""
    asked = {name: str(value) for name, value in (query or {}).items()}
    for _ in range(MOST_PAGES):
        status, answer = account.manage("GET", resource, asked, **parameters)
        assert status == 200, answer
        (rows,) = [rows for name, rows in answer.items() if name != "cursor"]
        assert len(rows) <= int(asked.get("limit", 100))
        yield rows
        cursor = answer["cursor"]
        if cursor is None:
            return
        asked["cursor"] = cursor
    raise AssertionError("the list goes round in circles")


def walk(
    account: Account,
    resource: str,
    query: Mapping[str, object] | None = None,
    /,
    between: Callable[[], object] = lambda: None,
    **parameters: str,
) -> list[Json]:
    """Return all rows of a list."""
    rows = []
    for page in pages(account, resource, query, **parameters):
        rows += page
        between()
    return rows


def segment_ids(account: Account, **query: object) -> list[int]:
    """Return the ids of all segments that a query lists."""
    return [row["id"] for row in walk(account, "/api/segments", query)]


def members(account: Account, segment_id: int, **query: object) -> list[Json]:
    """Return all members that are listed."""
    return walk(account, MEMBERS, query, segment_id=str(segment_id))
