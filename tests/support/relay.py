"""Delivers a DynamoDB stream to handlers by Lambda's documented rules.

MiniStack's own event source mapping ignores ReportBatchItemFailures, bisecting, retries and the on-failure destination,
so the tests bring their own: batches of at most 100 in order; a batch that raises cut in two, whatever it would report;
a partial failure cut at the lowest number named, and only what is left delivered again (Lambda developer guide,
"Configuring partial batch response with DynamoDB and Lambda"); and at last the destination.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from tests.support.events import Context, Event

if TYPE_CHECKING:
    from types_boto3_dynamodbstreams import DynamoDBStreamsClient

BATCH_SIZE = 100
MINUTE = 60
MAXIMUM_ATTEMPTS = 4

Handler = Callable[[Event, Any], Event]


@dataclass
class StreamReader:
    """Reads a stream from now on, all shards."""

    client: "DynamoDBStreamsClient"
    stream_arn: str
    _last_read: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.read()

    def read(self) -> list[Event]:
        """Return what was written since the last call, in order, as Lambda events have it."""
        records: list[Event] = []
        for shard in self.client.describe_stream(StreamArn=self.stream_arn)["StreamDescription"]["Shards"]:
            position: str | None = self._position(shard["ShardId"])
            while position:
                page = self.client.get_records(ShardIterator=position, Limit=1000)
                records += [_as_event(record) for record in page["Records"]]
                if not page["Records"]:
                    break
                self._last_read[shard["ShardId"]] = page["Records"][-1]["dynamodb"]["SequenceNumber"]
                position = page.get("NextShardIterator")
        return sorted(records, key=lambda record: int(record["dynamodb"]["SequenceNumber"]))

    def _position(self, shard: str) -> str:
        where: Any = {"ShardIteratorType": "TRIM_HORIZON"}
        if shard in self._last_read:
            where = {"ShardIteratorType": "AFTER_SEQUENCE_NUMBER", "SequenceNumber": self._last_read[shard]}
        return self.client.get_shard_iterator(StreamArn=self.stream_arn, ShardId=shard, **where)["ShardIterator"]


@dataclass
class EventSourceMapping:
    """Feeds one handler; `on_failure` holds the batches that were given up."""

    handler: Handler
    on_failure: list[list[Event]] = field(default_factory=list)

    def deliver(self, records: list[Event]) -> None:
        for start in range(0, len(records), BATCH_SIZE):
            self._batch(records[start : start + BATCH_SIZE])

    def _batch(self, batch: list[Event], attempts: int = MAXIMUM_ATTEMPTS) -> None:
        if not attempts:
            self.on_failure.append(batch)
            return
        try:
            answer = self.handler({"Records": batch}, Context(60))
        except Exception:  # noqa: BLE001 - whatever a function raises fails its batch
            if len(batch) == 1:
                self._batch(batch, attempts - 1)
            else:
                middle = len(batch) // 2
                self._batch(batch[:middle], attempts)
                self._batch(batch[middle:], attempts)
            return
        failures = [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]
        if failures:
            numbers = [record["dynamodb"]["SequenceNumber"] for record in batch]
            self._batch(batch[min(numbers.index(number) for number in failures) :], attempts - 1)


def to_the_second(written: int, now: int) -> int:
    """Return when a record was written, which DynamoDB Local tells to the minute below, and AWS to the second.

    A whole minute that is not long past is taken for such a one, written just before it is read.
    """
    is_rounded = written % MINUTE == 0 and now - written <= MINUTE
    return now if is_rounded else written


def _as_event(record: Any) -> Event:
    change = dict(record["dynamodb"])
    written: datetime = change["ApproximateCreationDateTime"]
    change["ApproximateCreationDateTime"] = to_the_second(int(written.timestamp()), int(time.time()))
    return {"eventID": record["eventID"], "eventName": record["eventName"], "dynamodb": change}
