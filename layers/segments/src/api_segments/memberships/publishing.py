"""Fan real changes of membership out to the bus, and those of segments that campaigns use to the queue of triggers.

A campaign marks its segments before it is created, and each batch reads its segments anew. So a change after the
creation finds the mark, and other changes cost campaigns nothing.
"""

from collections.abc import Callable, Sequence

from api_segments.aws.event_bus import EventBus
from api_segments.aws.events import BusEvent, full_detail
from api_segments.aws.task_queue import TaskQueue
from api_segments.core.clock import Deadline
from api_segments.memberships.announcement import is_announced, segments_of
from api_segments.memberships.events import change_event
from api_segments.memberships.model import Action, MembershipRecord
from api_segments.segments.publishing import PublishReport
from api_segments.segments.store import SegmentStore


class PublishingService:
    """Turns records of the stream of Memberships into events."""

    def __init__(self, segments: SegmentStore, bus: EventBus, triggers: Callable[[], TaskQueue]) -> None:
        self._segments = segments
        self._bus = bus
        self._triggers = triggers

    def publish(self, records: Sequence[MembershipRecord], deadline: Deadline) -> PublishReport:
        """Publish an event for each change in `records`, but those of damaged segments.

        Raises ThrottledError or UnavailableError if none could be. All changes are to come again then, also those that
        the queue of triggers has taken.
        """
        segments = segments_of(records, self._segments, deadline)
        known = segments.without_damaged()
        events: list[BusEvent] = []
        origins: list[str] = []
        met_damage: set[str] = set()
        triggering: list[BusEvent] = []
        for record in records:
            for action, changed in ((Action.ADD, record.joined), (Action.REMOVE, record.left)):
                for segment_id in sorted(changed):
                    if (record.account_id, segment_id) in segments.damaged:
                        met_damage.add(record.sequence)
                        continue
                    segment = known.get((record.account_id, segment_id))
                    if not is_announced(segment, record):
                        continue
                    events.append(change_event(action, segment, record))
                    origins.append(record.sequence)
                    if segment.campaign_ids:
                        triggering.append(events[-1])
        if triggering:
            self._triggers().put_all([{"detail": full_detail(event.detail)} for event in triggering], deadline)
        unsent = self._bus.put(events, deadline)
        failed = frozenset(origins[index] for index in unsent)
        return PublishReport(len(events) - len(unsent), failed, frozenset(met_damage))
