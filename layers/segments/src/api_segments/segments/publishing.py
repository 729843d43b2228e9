"""Tell the bus what happens to segments."""

from collections.abc import Sequence
from dataclasses import dataclass

from api_segments.aws.event_bus import EventBus
from api_segments.core.clock import Deadline
from api_segments.segments.events import segment_event
from api_segments.segments.model import SegmentEvent, SegmentEventName, SegmentRecord, SegmentStatus


@dataclass(frozen=True, slots=True)
class PublishReport:
    """How many events left, and the sequences of the records of which not all did."""

    published: int
    failed: frozenset[str]


class SegmentPublishingService:
    """Turns records of the stream of Segments into events."""

    def __init__(self, bus: EventBus) -> None:
        self._bus = bus

    def publish(self, records: Sequence[SegmentRecord], deadline: Deadline) -> PublishReport:
        """Publish that segments were created, renamed or deleted."""
        told = [(record, name, record.new) for record in records if record.new and (name := _event_name(record))]
        events = [
            segment_event(
                SegmentEvent(
                    name=name,
                    segment=segment,
                    previous_name=record.old.segment_name if record.old else None,
                    event_id=record.event_id,
                    sequence=record.sequence,
                    occurred_at=record.occurred_at,
                )
            )
            for record, name, segment in told
        ]
        unsent = self._bus.put(events, deadline)
        return PublishReport(len(events) - len(unsent), frozenset(told[index][0].sequence for index in unsent))


def _event_name(record: SegmentRecord) -> SegmentEventName | None:
    """Return what a record tells of a segment, None if nothing that the world is told."""
    if record.new is None:
        return None
    if record.old is None:
        return SegmentEventName.CREATED if record.new.status is SegmentStatus.ACTIVE else SegmentEventName.DELETED
    return SegmentEventName.RENAMED if record.new.segment_name != record.old.segment_name else None
