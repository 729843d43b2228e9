"""The events in the life of a segment: what they say (docs/events.md), and how they are written."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from api_segments.aws.events import ACCOUNT_ID, BusEvent, EventKind, Json, identifier, moment, text
from api_segments.core.clock import rfc3339_to_the_second
from api_segments.segments.model import Segment, SegmentEvent, SegmentEventName

ABOUT_SEGMENT: Mapping[str, Json] = {
    "Segment Name": text("The segment's name when the event is sent.", "Premium Users"),
    "Segment ID": identifier("The segment's id.", 1763901234567890),
    "Customer_Segment_ID": text("Your id of the segment; null where it has none.", "SEG12345", nullable=True),
    "Account ID": ACCOUNT_ID,
    "Event ID": text("The same whenever this event is sent.", "c81e728d9d4c2f636f067f89cc148621"),
    "Sequence": text(
        "Orders the events about one user, or about one segment, when compared as text.",
        "0000000000000000000100000000000000000001",
        pattern="^[0-9]{40}$",
    ),
    "Occurred At": moment("When it was written, to the second, as the database tells it."),
}
_PREVIOUS_NAME = {"Previous Segment Name": text("The segment's name before.", "Premium")}

EVENTS: Sequence[EventKind] = (
    EventKind(SegmentEventName.CREATED, "A segment was created.", ABOUT_SEGMENT),
    EventKind(SegmentEventName.RENAMED, "A segment was given another name.", {**_PREVIOUS_NAME, **ABOUT_SEGMENT}),
    EventKind(
        SegmentEventName.DELETED, "A segment was deleted; no event follows for each of its members.", ABOUT_SEGMENT
    ),
)


def segment_event(event: SegmentEvent) -> BusEvent:
    """Write a `Segment Created`, `Segment Renamed` or `Segment Deleted`."""
    own = {} if event.name is not SegmentEventName.RENAMED else {"Previous Segment Name": event.previous_name}
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
        "Occurred At": rfc3339_to_the_second(occurred_at),
    }
