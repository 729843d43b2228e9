"""Records of the stream of Segments: each tells an event in the life of a segment, or nothing."""

from collections.abc import Mapping
from typing import Any

from api_segments.aws.dynamodb import Item
from api_segments.http.streams import occurred_at, read_records, sequence_of
from api_segments.segments.model import SegmentEvent, SegmentEventName, SegmentStatus
from api_segments.segments.store import from_item, name_of


def read_segment_events(event: Mapping[str, Any]) -> tuple[list[SegmentEvent], set[str]]:
    """Read a batch of the stream of Segments: what it tells, and the sequences of records that can't be read."""
    told, unreadable = read_records(event, _told)
    return [each for each in told if each is not None], unreadable


def _told(raw: Mapping[str, Any]) -> SegmentEvent | None:
    """Return the event that a record tells; marks and mended attributes tell none."""
    old: Item | None = raw["dynamodb"].get("OldImage")
    new: Item | None = raw["dynamodb"].get("NewImage")
    if new is None or (old is not None and old.get("segment_name") == new.get("segment_name")):
        return None
    segment = from_item(new)
    name, previous_name = SegmentEventName.RENAMED, None
    if old is not None:
        previous_name = name_of(old)
    else:
        name = SegmentEventName.CREATED if segment.status is SegmentStatus.ACTIVE else SegmentEventName.DELETED
    return SegmentEvent(
        name=name,
        segment=segment,
        previous_name=previous_name,
        event_id=raw["eventID"],
        sequence=sequence_of(raw),
        occurred_at=occurred_at(raw),
    )
