"""The event `Segment Membership Change`: what it says (docs/events.md), and how it is written."""

from collections.abc import Sequence

from api_segments.aws.events import IDENTITY, PROFILE_ID, BusEvent, EventKind, text
from api_segments.memberships.model import Action, ImportMark, MembershipRecord
from api_segments.segments.events import ABOUT_SEGMENT, about_segment
from api_segments.segments.model import Segment

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
            "Import ID": text("The import that made the change; absent for other changes.", "65f1b2c3d4e5f0a1b2c3d"),
            "Import Phase": text(
                "Whether the import applied its file or was undone; absent for other changes.",
                "apply",
                enum=["apply", "undo"],
            ),
        },
        optional=frozenset({"Import ID", "Import Phase"}),
    ),
)


def change_event(action: Action, segment: Segment, record: MembershipRecord) -> BusEvent:
    """Write the event of one change: of the segment that a record says was joined or left."""
    detail: dict[str, object] = {
        "Action": action,
        "Identity": record.new.identity or record.old.identity,
        "Profile ID": record.profile_id,
        **about_segment(segment, f"{record.event_id}-{segment.segment_id}", record.sequence, record.occurred_at),
    }
    written = record.import_mark(segment.segment_id)
    if written is not None:
        mark = ImportMark.read(written)
        detail |= {"Import ID": mark.import_id, "Import Phase": "undo" if mark.is_undoing else "apply"}
    return BusEvent(MEMBERSHIP_CHANGE, detail, record.occurred_at)
