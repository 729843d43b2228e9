"""The events in the life of a segment, as the bus takes them (docs/api.md, Events)."""

from collections.abc import Mapping
from datetime import datetime

from api_segments.aws.event_bus import BusEvent
from api_segments.core.clock import rfc3339
from api_segments.segments.model import Segment, SegmentEvent


def segment_event(event: SegmentEvent) -> BusEvent:
    """Write a `Segment Created`, `Segment Renamed` or `Segment Deleted`."""
    own = {} if event.previous_name is None else {"Previous Segment Name": event.previous_name}
    return BusEvent(
        event.name,
        {**own, **about_segment(event.segment, event.event_id, event.sequence, event.occurred_at)},
        event.occurred_at,
    )


def about_segment(segment: Segment, event_id: str, sequence: str, occurred_at: datetime) -> Mapping[str, object]:
    """Return the part of a detail that all events about a segment have."""
    return {
        "Segment Name": segment.segment_name,
        "Segment ID": segment.segment_id,
        "Customer_Segment_ID": segment.customer_segment_id,
        "Account ID": segment.account_id,
        "Event ID": event_id,
        "Sequence": sequence,
        "Occurred At": rfc3339(occurred_at),
    }
