"""The EventBridge bus that events leave on."""

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from api_segments.core.clock import Backoff, Deadline
from api_segments.core.parallel import chunks, in_parallel

if TYPE_CHECKING:
    from types_boto3_events import EventBridgeClient
    from types_boto3_events.type_defs import PutEventsRequestEntryTypeDef

# EventBridge API reference: PutEvents
PUT_EVENTS_ENTRIES = 10

_LOG = logging.getLogger(__name__)

SOURCE = "api-segments"


@dataclass(frozen=True, slots=True)
class BusEvent:
    """An event as the bus takes it: its detail-type, its detail, and when it occurred."""

    name: str
    detail: Mapping[str, object]
    occurred_at: datetime


class EventBus:
    """Puts events on the bus, in tens, calls in parallel."""

    def __init__(self, client: "EventBridgeClient", bus_name: str) -> None:
        self._client = client
        self._bus_name = bus_name

    def put(self, events: Sequence[BusEvent], deadline: Deadline) -> set[int]:
        """Send all events, resending those that the bus does not take; return the indexes of those it never took."""
        pending = list(range(len(events)))
        backoff = Backoff(deadline)
        while pending:
            refused: list[int] = []
            in_parallel(
                lambda indexes: refused.extend(self._put_tens(events, indexes, deadline)),  # noqa: B023 - ends within the pass
                list(chunks(pending, PUT_EVENTS_ENTRIES)),
            )
            pending = sorted(refused)
            if pending and not backoff.wait():
                break
        return set(pending)

    def _put_tens(self, events: Sequence[BusEvent], indexes: Sequence[int], deadline: Deadline) -> list[int]:
        """Run one PutEvents and return the indexes of what it did not take; nothing is begun after the deadline."""
        if deadline.is_over():
            return list(indexes)
        try:
            reply = self._client.put_events(Entries=[self._to_entry(events[index]) for index in indexes])
        except (ClientError, BotoCoreError):
            _LOG.warning("PutEvents failed for %d events", len(indexes), exc_info=True)
            return list(indexes)
        if not reply["FailedEntryCount"]:
            return []
        return [index for index, entry in zip(indexes, reply["Entries"], strict=True) if "ErrorCode" in entry]

    def _to_entry(self, event: BusEvent) -> "PutEventsRequestEntryTypeDef":
        return {
            "EventBusName": self._bus_name,
            "Source": SOURCE,
            "DetailType": event.name,
            "Time": event.occurred_at,
            "Detail": json.dumps(event.detail, ensure_ascii=False),
        }
