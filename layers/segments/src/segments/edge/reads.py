"""What reading calls take from the path, and the bodies that they answer with."""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote_to_bytes

from segments.edge.requests import parse_segment_id, parse_text
from segments.edge.strict_json import show
from segments.errors import InvalidRequestError, NotFoundError
from segments.model import NOBODY, Channel, ProfileSegments, Segment, SegmentCounts, Usage
from segments.stores.profiles import ProfileState

_MONTH = re.compile(r"[0-9]{4}-(0[1-9]|1[0-2])")


def identity_in_path(raw: str) -> str:
    """Read an identity from the path, where a REST API leaves it percent-encoded; raises InvalidRequestError."""
    try:
        return parse_text(unquote_to_bytes(raw).decode(), "identity")
    except UnicodeDecodeError as exc:
        raise InvalidRequestError("identity: must be percent-encoded UTF-8") from exc


def segment_id_in_path(raw: str) -> int:
    """Read a segment id from the path; raises NotFoundError, as nothing can be there under a wrong one."""
    try:
        return parse_segment_id(raw, "segment id")
    except InvalidRequestError as exc:
        raise NotFoundError("there is no such segment") from exc


def query_text(query: Mapping[str, str], *names: str) -> dict[str, str]:
    """Read ids from the query, which may have no other names; raises InvalidRequestError."""
    refuse_unknown(query, *names)
    return {name: parse_text(query[name], name) for name in names if name in query}


def month_in_query(query: Mapping[str, str]) -> str | None:
    """Read `month`, None if it is not there; raises InvalidRequestError."""
    refuse_unknown(query, "month")
    month = query.get("month")
    if month is not None and not _MONTH.fullmatch(month):
        raise InvalidRequestError("month: must be a year and a month like 2026-11")
    return month


def refuse_unknown(query: Mapping[str, str], *names: str) -> None:
    """Raise InvalidRequestError if the query has any other name."""
    for name in query:
        if name not in names:
            raise InvalidRequestError(f"{show(name)}: unknown parameter")


def profile_body(found: ProfileState) -> dict[str, Any]:
    """Write a profile, in CleverTap's shape where it has one."""
    profile = found.profile
    reach = NOBODY.reach if found.membership is None else found.membership.reach
    return {
        "status": "success",
        "record": {
            "identity": profile.identity,
            "guid": profile.profile_id,
            "profileData": profile.attributes,
            "tokens": [
                {"id": token.token_id, "type": token.type}
                for token in sorted(profile.tokens, key=lambda token: (token.type, token.token_id))
            ],
            "reachable": {channel.value: channel in reach for channel in Channel},
        },
    }


def usage_body(usage: Usage) -> dict[str, Any]:
    """Write an account's usage of a month."""
    return {"month": usage.month, "data_points": usage.data_points, "plan": usage.plan}


def segment_body(segment: Segment, counts: SegmentCounts) -> dict[str, Any]:
    """Write a segment with its counts; counts that never changed are as of its creation."""
    return {
        "id": segment.segment_id,
        "segment_name": segment.name,
        "customer_segment_id": segment.customer_segment_id,
        "type": "API Segments",
        "status": segment.status,
        "created_at": segment.created_at,
        "deleted_at": segment.deleted_at,
        "members": counts.members,
        "reachable": {channel.value: figure for channel, figure in counts.reachable.items()},
        "as_of": counts.as_of or segment.created_at,
    }


def profile_segments_body(found: ProfileSegments) -> dict[str, Any]:
    """Write the segments of a user."""
    return {
        "identity": found.identity,
        "guid": found.profile_id,
        "segments": [
            {
                "id": segment.segment_id,
                "segment_name": segment.name,
                "customer_segment_id": segment.customer_segment_id,
            }
            for segment in found.segments
        ],
    }
