"""The event `Segment Membership Change`: what it says (docs/events.md), and how it is written."""

from collections.abc import Sequence

from api_segments.aws.events import IDENTITY, PROFILE_ID, BusEvent, EventKind, text
from api_segments.memberships.model import Action, ChangeEvent
from api_segments.segments.events import ABOUT_SEGMENT, about_segment

MEMBERSHIP_CHANGE = "Segment Membership Change"
_RECORD = "c81e728d9d4c2f636f067f89cc148621"

EVENTS: Sequence[EventKind] = (
    EventKind(
        MEMBERSHIP_CHANGE,
        "A user joined a segment or left it: one event for each change, none for a repeat.",
        {
            "Action": text("Whether the user joined or left.", Action.ADD, enum=list(Action)),
            "Identity": IDENTITY,
            "Profile ID": PROFILE_ID,
            **ABOUT_SEGMENT,
            "Event ID": text("The same whenever this change is told.", f"{_RECORD}-1763901234567890"),
        },
    ),
)


def change_event(event: ChangeEvent) -> BusEvent:
    """Write the event of one change."""
    own = {"Action": event.action, "Identity": event.identity, "Profile ID": event.profile_id}
    return BusEvent(
        MEMBERSHIP_CHANGE,
        {**own, **about_segment(event.segment, event.event_id, event.sequence, event.occurred_at)},
        event.occurred_at,
    )
