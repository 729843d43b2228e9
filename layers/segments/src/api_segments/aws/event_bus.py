"""The EventBridge bus that events leave on."""

import json
import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from api_segments.aws.events import SOURCE, BusEvent, full_detail
from api_segments.core.clock import Backoff, Deadline
from api_segments.core.errors import UnavailableError
from api_segments.core.parallel import cut_by_size, in_parallel

if TYPE_CHECKING:
    from types_boto3_events import EventBridgeClient
    from types_boto3_events.type_defs import PutEventsRequestEntryTypeDef

# EventBridge API reference: PutEvents. Its user guide says how an entry's bytes are counted.
PUT_EVENTS_ENTRIES = 10
PUT_EVENTS_BYTES = 256 * 1024 - 1
_TIME_BYTES = 14

_JSON = json.JSONEncoder(ensure_ascii=False)

_LOG = logging.getLogger(__name__)


class EventBus:
    """Puts events on the bus, as many a call as it takes, calls in parallel."""

    def __init__(self, client: "EventBridgeClient", bus_name: str) -> None:
        self._client = client
        self._bus_name = bus_name

    def put(self, events: Sequence[BusEvent], deadline: Deadline) -> set[int]:
        """Send all events, resending those that the bus does not take; return the indexes of those it never took."""
        entries = [self._to_entry(event) for event in events]
        pending = list(range(len(events)))
        backoff = Backoff(deadline)
        while pending:
            refused: list[int] = []
            batches = list(
                cut_by_size(pending, lambda index: size_of(entries[index]), PUT_EVENTS_BYTES, PUT_EVENTS_ENTRIES)
            )
            in_parallel(lambda batch: refused.extend(self._put_batch(entries, batch, deadline)), batches)  # noqa: B023 - ends within the pass
            pending = sorted(refused)
            if pending and not backoff.wait():
                break
        return set(pending)

    def put_one(self, event: BusEvent, deadline: Deadline) -> None:
        """Send an event; raises UnavailableError if the bus never took it."""
        if self.put([event], deadline):
            raise UnavailableError("the bus did not take an event")

    def _put_batch(
        self, entries: Sequence["PutEventsRequestEntryTypeDef"], indexes: Sequence[int], deadline: Deadline
    ) -> list[int]:
        """Run one PutEvents and return the indexes of what it did not take; nothing is begun after the deadline."""
        if deadline.is_over():
            return list(indexes)
        try:
            reply = self._client.put_events(Entries=[entries[index] for index in indexes])
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
            "Detail": _JSON.encode(full_detail(event.detail)),
        }


def size_of(entry: "PutEventsRequestEntryTypeDef") -> int:
    """Return the bytes that PutEvents counts for an entry."""
    text = entry["Source"] + entry["DetailType"] + entry["Detail"]
    return _TIME_BYTES + len(text.encode("utf-8", "surrogatepass"))
