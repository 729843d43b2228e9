"""Records of the stream of Segments."""

from collections.abc import Mapping
from typing import Any

from api_segments.http.streams import occurred_at, read_records, sequence_of
from api_segments.segments.model import SegmentRecord
from api_segments.segments.store import from_item as segment_from_item


def read_segment_records(event: Mapping[str, Any]) -> tuple[list[SegmentRecord], set[str]]:
    """Read a batch of the stream of Segments, as `read_membership_records` does."""
    return read_records(event, _to_segment_record)


def _to_segment_record(raw: Mapping[str, Any]) -> SegmentRecord:
    old, new = raw["dynamodb"].get("OldImage"), raw["dynamodb"].get("NewImage")
    return SegmentRecord(
        event_id=raw["eventID"],
        sequence=sequence_of(raw),
        occurred_at=occurred_at(raw),
        old=segment_from_item(old) if old else None,
        new=segment_from_item(new) if new else None,
    )
