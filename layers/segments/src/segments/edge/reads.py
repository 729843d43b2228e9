"""What reading calls take from the path, and the bodies that they answer with."""

from typing import Any
from urllib.parse import unquote_to_bytes

from segments.edge.requests import parse_segment_id, parse_text
from segments.errors import InvalidRequestError, NotFoundError
from segments.model import ProfileSegments, Segment, SegmentCounts


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
