"""Tell the bus what happens to segments."""

from collections.abc import Sequence
from dataclasses import dataclass

from api_segments.aws.event_bus import EventBus
from api_segments.core.clock import Deadline
from api_segments.segments.events import segment_event
from api_segments.segments.model import SegmentEvent


@dataclass(frozen=True, slots=True)
class PublishReport:
    """How many events left; the sequences of the records of which not all did, and of those passed over.

    The latter met damaged items.
    """

    published: int
    failed: frozenset[str]
    met_damage: frozenset[str] = frozenset()


class SegmentPublishingService:
    """Publishes what records of the stream of Segments tell."""

    def __init__(self, bus: EventBus) -> None:
        self._bus = bus

    def publish(self, told: Sequence[SegmentEvent], deadline: Deadline) -> PublishReport:
        """Publish that segments were created, renamed or deleted."""
        unsent = self._bus.put([segment_event(each) for each in told], deadline)
        return PublishReport(len(told) - len(unsent), frozenset(told[index].sequence for index in unsent))
