"""The bodies of answers about segments: their shapes, and how they are written."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Literal, cast

from typing_extensions import TypedDict

from api_segments.core.channels import Channel
from api_segments.http.answers import UnprocessedBody
from api_segments.http.batch_answers import batch_answer, unprocessed_entry
from api_segments.http.gateway import Answer
from api_segments.segments.creation import Creation
from api_segments.segments.model import CountedSegment, NewSegment, Segment


class SegmentNameBody(TypedDict):
    """What a segment is called, here, in the answer of a creation and in the list of a user's segments."""

    id: int
    segment_name: str
    customer_segment_id: str | None


class CreateResultBody(TypedDict):
    """What came of the entries of a create request."""

    status: Literal["success", "partial", "fail"]
    processed: int
    segments: list[SegmentNameBody]
    unprocessed: list[UnprocessedBody]


class ReachableBody(TypedDict):
    """Members of a segment that each channel reaches."""

    email: int
    sms: int
    push: int
    whatsapp: int
    web_push: int


class SegmentBody(SegmentNameBody):
    """A segment with its counts."""

    type: Literal["API Segments"]
    status: Literal["active", "deleted"]
    created_at: str
    deleted_at: str | None
    members: int
    reachable: ReachableBody
    as_of: str


class SegmentsBody(TypedDict):
    """A page of segments."""

    segments: list[SegmentBody]
    cursor: str | None


def segment_body(counted: CountedSegment) -> SegmentBody:
    """Write a segment; counts that never changed are as of its creation, or of its deletion."""
    segment, counts = counted
    return {
        **segment_name_body(segment),
        "type": "API Segments",
        "status": "deleted" if segment.deleted_at else "active",
        "created_at": segment.created_at,
        "deleted_at": segment.deleted_at,
        "members": counts.members,
        "reachable": cast("ReachableBody", {channel.value: counts.reachable[channel] for channel in Channel}),
        "as_of": counts.as_of or segment.deleted_at or segment.created_at,
    }


def segments_body(rows: Sequence[CountedSegment], cursor: str | None) -> SegmentsBody:
    """Write a page of segments."""
    return {"segments": [segment_body(row) for row in rows], "cursor": cursor}


def segment_name_body(segment: Segment) -> SegmentNameBody:
    """Write what a segment is called."""
    return {
        "id": segment.segment_id,
        "segment_name": segment.segment_name,
        "customer_segment_id": segment.customer_segment_id,
    }


def create_answer(entries: Sequence[NewSegment], result: Creation) -> Answer:
    """Answer POST /api/createSegment: segments and failures, each in the order of the request."""
    segments = [segment_name_body(segment) for _, segment in sorted(result.created.items())]
    unprocessed = [
        unprocessed_entry(error, _as_sent(entries[index])) for index, error in sorted(result.refused.items())
    ]
    return batch_answer(len(segments), unprocessed, {"segments": segments})


def _as_sent(entry: NewSegment) -> dict[str, object]:
    """Return an entry as the request had it; the customer id is in it always, any other optional field if given."""
    return {name: value for name, value in asdict(entry).items() if value is not None or name == "customer_segment_id"}
