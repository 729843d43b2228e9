"""The event `Segment Membership Change`, as the bus takes it (docs/api.md, Events)."""

from api_segments.aws.event_bus import BusEvent
from api_segments.memberships.model import ChangeEvent
from api_segments.segments.events import about_segment

MEMBERSHIP_CHANGE = "Segment Membership Change"


def change_event(event: ChangeEvent) -> BusEvent:
    """Write the event of one change."""
    own = {"Action": event.action, "Identity": event.identity, "Profile ID": event.profile_id}
    return BusEvent(
        MEMBERSHIP_CHANGE,
        {**own, **about_segment(event.segment, event.event_id, event.sequence, event.occurred_at)},
        event.occurred_at,
    )
