"""Fan real changes of membership, and what happens to segments, out to the bus."""

from collections.abc import Sequence
from dataclasses import dataclass

from segments.clock import Deadline
from segments.model import (
    Action,
    ChangeEvent,
    MembershipRecord,
    SegmentEvent,
    SegmentEventName,
    SegmentRecord,
    Status,
)
from segments.services.announcement import is_announced, segments_of
from segments.stores.change_bus import ChangeBus
from segments.stores.segments import SegmentStore


@dataclass(frozen=True, slots=True)
class PublishReport:
    """How many events left, and the sequences of the records of which not all did."""

    published: int
    failed: frozenset[str]


class PublishingService:
    """Turns records of the streams of Memberships and of Segments into events."""

    def __init__(self, segments: SegmentStore, bus: ChangeBus) -> None:
        self._segments = segments
        self._bus = bus

    def publish_segment_events(self, records: Sequence[SegmentRecord], deadline: Deadline) -> PublishReport:
        """Publish that segments were created, renamed or deleted."""
        told = [(record, name, record.new) for record in records if record.new and (name := _event_name(record))]
        events = [
            SegmentEvent(
                name=name,
                segment=segment,
                previous_name=record.old.name if record.old else None,
                event_id=record.event_id,
                sequence=record.sequence,
                occurred_at=record.occurred_at,
            )
            for record, name, segment in told
        ]
        unsent = self._bus.put(events, deadline)
        return PublishReport(len(events) - len(unsent), frozenset(told[place][0].sequence for place in unsent))

    def publish_changes(self, records: Sequence[MembershipRecord], deadline: Deadline) -> PublishReport:
        """Publish an event for each change in `records`; raises ThrottledError or UnavailableError if none could be."""
        segments = segments_of(records, self._segments, deadline)
        events: list[ChangeEvent] = []
        origins: list[str] = []
        for record in records:
            for action, changed in ((Action.ADD, record.joined), (Action.REMOVE, record.left)):
                for segment_id in sorted(changed):
                    segment = segments.get((record.account_id, segment_id))
                    if not is_announced(segment, record):
                        continue
                    events.append(
                        ChangeEvent(
                            action=action,
                            segment=segment,
                            identity=record.new.identity or record.old.identity,
                            profile_id=record.profile_id,
                            event_id=f"{record.event_id}-{segment_id}",
                            sequence=record.sequence,
                            occurred_at=record.occurred_at,
                        )
                    )
                    origins.append(record.sequence)
        unsent = self._bus.put(events, deadline)
        return PublishReport(len(events) - len(unsent), frozenset(origins[place] for place in unsent))


def _event_name(record: SegmentRecord) -> SegmentEventName | None:
    """Return what a record tells of a segment, None if nothing that the world is told."""
    if record.new is None:
        return None
    if record.old is None:
        return SegmentEventName.CREATED if record.new.status is Status.ACTIVE else SegmentEventName.DELETED
    return SegmentEventName.RENAMED if record.new.name != record.old.name else None
