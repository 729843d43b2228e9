"""The EventBridge bus that changes leave on."""

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from segments.clock import Backoff, Deadline, rfc3339
from segments.limits import PUT_EVENTS_ENTRIES
from segments.model import ChangeEvent, SegmentEvent
from segments.stores.dynamodb import chunks, in_parallel

if TYPE_CHECKING:
    from types_boto3_events import EventBridgeClient
    from types_boto3_events.type_defs import PutEventsRequestEntryTypeDef

_LOG = logging.getLogger(__name__)

SOURCE = "api-segments"
MEMBERSHIP_CHANGE = "Segment Membership Change"


@dataclass(frozen=True, slots=True)
class NamedEvent:
    """Any other event: its detail-type and its detail."""

    name: str
    detail: Mapping[str, object]
    occurred_at: datetime


Event = ChangeEvent | SegmentEvent | NamedEvent


class ChangeBus:
    """Puts events on the bus, in tens, calls in parallel."""

    def __init__(self, client: "EventBridgeClient", bus_name: str) -> None:
        self._client = client
        self._bus_name = bus_name

    def put(self, events: Sequence[Event], deadline: Deadline) -> set[int]:
        """Send all events, resending those that the bus does not take; return the places of those it never took."""
        pending = list(range(len(events)))
        backoff = Backoff(deadline)
        while pending:
            refused: list[int] = []
            in_parallel(
                lambda places: refused.extend(self._put_tens(events, places, deadline)),  # noqa: B023 - ends within the pass
                list(chunks(pending, PUT_EVENTS_ENTRIES)),
            )
            pending = sorted(refused)
            if pending and not backoff.wait():
                break
        return set(pending)

    def _put_tens(self, events: Sequence[Event], places: Sequence[int], deadline: Deadline) -> list[int]:
        """Run one PutEvents and return the places of what it did not take; nothing is begun after the deadline."""
        if deadline.is_over():
            return list(places)
        try:
            reply = self._client.put_events(Entries=[self._to_entry(events[place]) for place in places])
        except (ClientError, BotoCoreError):
            _LOG.warning("PutEvents failed for %d events", len(places), exc_info=True)
            return list(places)
        if not reply["FailedEntryCount"]:
            return []
        return [place for place, entry in zip(places, reply["Entries"], strict=True) if "ErrorCode" in entry]

    def _to_entry(self, event: Event) -> "PutEventsRequestEntryTypeDef":
        if isinstance(event, NamedEvent):
            return self._entry(event.name, event.detail, event.occurred_at)
        detail = {
            **(_change(event) if isinstance(event, ChangeEvent) else _renaming(event)),
            "Segment Name": event.segment.name,
            "Segment ID": event.segment.segment_id,
            "Customer_Segment_ID": event.segment.customer_segment_id,
            "Account ID": event.segment.account_id,
            "Event ID": event.event_id,
            "Sequence": event.sequence,
            "Occurred At": rfc3339(event.occurred_at),
        }
        name = MEMBERSHIP_CHANGE if isinstance(event, ChangeEvent) else event.name
        return self._entry(name, detail, event.occurred_at)

    def _entry(self, name: str, detail: Mapping[str, object], occurred_at: datetime) -> "PutEventsRequestEntryTypeDef":
        return {
            "EventBusName": self._bus_name,
            "Source": SOURCE,
            "DetailType": name,
            "Time": occurred_at,
            "Detail": json.dumps(detail, ensure_ascii=False),
        }


def _change(event: ChangeEvent) -> dict[str, str | None]:
    return {"Action": event.action, "Identity": event.identity, "Profile ID": event.profile_id}


def _renaming(event: SegmentEvent) -> dict[str, str]:
    return {} if event.previous_name is None else {"Previous Segment Name": event.previous_name}
