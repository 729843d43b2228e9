"""Delivers a DynamoDB stream to handlers by Lambda's documented rules.

MiniStack's own event source mapping ignores ReportBatchItemFailures, bisecting, retries and the on-failure destination,
so the tests bring their own: batches of at most 100 in order; a batch that raises cut in two, whatever it would report;
a partial failure cut at the lowest number named, and only what is left delivered again (Lambda developer guide,
"Configuring partial batch response with DynamoDB and Lambda"); and at last the destination.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from api_segments.core.clock import SYSTEM_CLOCK
from tests.support.events import Context, Event

if TYPE_CHECKING:
    from types_boto3_dynamodbstreams import DynamoDBStreamsClient

BATCH_SIZE = 100
MAXIMUM_ATTEMPTS = 4

Handler = Callable[[Event, Any], Event]


class StreamsClient:
    """A client of DynamoDB's streams that tells of every record that it was written when it was read.

    That time is the product's, which a test may move; the engine's own runs on, and DynamoDB Local's is to the minute.
    """

    def __init__(self, client: "DynamoDBStreamsClient") -> None:
        self._client = client

    def get_records(self, **arguments: Any) -> Any:
        page = self._client.get_records(**arguments)
        for record in page["Records"]:
            record["dynamodb"]["ApproximateCreationDateTime"] = SYSTEM_CLOCK.now().replace(microsecond=0)
        return page

    def __getattr__(self, operation: str) -> Any:
        return getattr(self._client, operation)


@dataclass
class StreamReader:
    """Reads a stream from now on, all shards."""

    client: "DynamoDBStreamsClient | StreamsClient"
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


def _as_event(record: Any) -> Event:
    change = dict(record["dynamodb"])
    change["ApproximateCreationDateTime"] = int(change["ApproximateCreationDateTime"].timestamp())
    return {"eventID": record["eventID"], "eventName": record["eventName"], "dynamodb": change}
