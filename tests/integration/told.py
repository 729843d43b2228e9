"""What an update tells: each of its pairs once, as brought about or as not. For the tests of faults."""

from collections import Counter
from typing import Any

import pytest

from api_segments.http.gateway import RESERVE_SECONDS
from functions.create_segment.app import handler as create_segment
from functions.update_segment.app import handler as update_segment
from tests.integration.conftest import Account
from tests.support.events import Context, body_of, with_body
from tests.support.faults import (
    NO_CONNECTION,
)
from tests.support.state import Tables

Json = Any
Pair = tuple[str, int]
"""A user and a segment."""

A_MOMENT = RESERVE_SECONDS + 0.4

each_no_connection = pytest.mark.parametrize("error", NO_CONNECTION, ids=lambda error: type(error).__name__)


def users(*names: str) -> list[Json]:
    return [{"identity": name} for name in names]


def numbered(count: int) -> list[Json]:
    return users(*[f"U{index}" for index in range(count)])


def actions(action: str, *segment_ids: int) -> list[Json]:
    return [{"ct_segment_id": segment_id, "action": action} for segment_id in segment_ids]


def send(account: Account, function: str, body: Json, seconds: float = 28) -> tuple[int, Json, Json]:
    """Send a request; return status, body and headers."""
    handler = {"create_segment": create_segment, "update_segment": update_segment}[function]
    answer = handler(with_body(function, account.account_id, body), Context(seconds))
    return answer["statusCode"], body_of(answer), answer["headers"]


def update(account: Account, *groups: tuple[list[Json], list[Json]], seconds: float = 28) -> tuple[int, Json, Json]:
    """Send an update; each of its pairs must have been told once: counted as processed, or listed as not."""
    groups_body = [{"user_profiles": who, "segments": what} for who, what in groups]
    status, answer, headers = send(account, "update_segment", {"bulk_profiles": groups_body}, seconds)
    if "processed" in answer:
        asked = {pair for group in groups_body for pair in pairs_of(group)}
        listed = pairs_not_written(answer)
        assert len(listed) == len(set(listed)), "told twice"
        assert set(listed) <= asked
        assert answer["processed"] + len(listed) == len(asked)
        summary = answer["summary"]
        assert summary["added"] + summary["removed"] + summary["unchanged"] == answer["processed"]
        word = "success" if not listed else "partial" if answer["processed"] else "fail"
        assert answer["status"] == word
    return status, answer, headers


def pairs_of(group: Json) -> list[Pair]:
    return [
        (user.get("identity") or user["guid"], int(segment["ct_segment_id"]))
        for user in group["user_profiles"]
        for segment in group["segments"]
    ]


def pairs_not_written(answer: Json) -> list[Pair]:
    return [pair for entry in answer["unprocessed"] for pair in pairs_of(entry["record"])]


def codes(answer: Json) -> Counter[int]:
    return Counter(entry["code"] for entry in answer["unprocessed"])


def memberships(tables: Tables, account: Account) -> set[Pair]:
    return pairs_in(tables.memberships(account.account_id))


def pairs_in(items: Json) -> set[Pair]:
    return {
        (item.get("identity") or item["profile_id"], int(segment_id))
        for item in items.values()
        for segment_id in item.get("segment_ids", ())
    }


def summary(**figures: int) -> dict[str, int]:
    return {"added": 0, "removed": 0, "unchanged": 0, "profiles_created": 0, **figures}
