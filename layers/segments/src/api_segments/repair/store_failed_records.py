"""What the readers of streams gave up: the queue that says where records are, and the streams that still hold them."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import astuple, dataclass
from typing import TYPE_CHECKING, Any, cast

from api_segments.aws.failures import CALL_FAILED, failure_code
from api_segments.core.clock import Backoff, Deadline
from api_segments.core.errors import UnavailableError

if TYPE_CHECKING:
    from types_boto3_dynamodbstreams import DynamoDBStreamsClient
    from types_boto3_sqs import SQSClient
    from types_boto3_sqs.literals import QueueAttributeNameType
    from types_boto3_sqs.type_defs import MessageTypeDef

# Of what is forgotten, of a stream or shard that is no more, and of one that never was.
_GONE = {"TrimmedDataAccessException", "ResourceNotFoundException", "ValidationException"}
# SQS asks all its servers only if it may wait (developer guide, "Short and long polling").
_WAIT_SECONDS = 2
_COUNTS: "list[QueueAttributeNameType]" = [
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesNotVisible",
]


@dataclass(frozen=True, slots=True)
class GivenUp:
    """A batch that a function gave up (Lambda developer guide, "Retain discarded records")."""

    function_arn: str
    stream_arn: str
    shard_id: str
    first: str
    last: str

    @property
    def table(self) -> str:
        """The table whose stream it is (arn:aws:dynamodb:region:account:table/name/stream/time)."""
        return self.stream_arn.partition(":table/")[2].partition("/")[0]


@dataclass(frozen=True, slots=True)
class PassedOver:
    """Records that a function passed over, as Lambda gave them to it (http.streams)."""

    function_arn: str
    records: Sequence[dict[str, Any]]

    @property
    def first(self) -> str:
        """The sequence number of the first."""
        return str(self.records[0]["dynamodb"]["SequenceNumber"])

    @property
    def last(self) -> str:
        """The sequence number of the last."""
        return str(self.records[-1]["dynamodb"]["SequenceNumber"])


@dataclass(frozen=True, slots=True)
class Received:
    """A message of the queue as SQS gave it, and what it tells of: None if neither Lambda nor a function wrote it."""

    message: "MessageTypeDef"
    batch: GivenUp | PassedOver | None

    @property
    def message_id(self) -> str:
        """The message's id in the queue."""
        return self.message["MessageId"]

    @property
    def receipt(self) -> str:
        """What names the message to SQS for as long as it is received."""
        return self.message["ReceiptHandle"]


class RecordsGoneError(Exception):
    """No stream of this stack holds the records: it keeps them for 24 hours."""


class FailedRecords:
    """Reads and empties the queue of what was given up. What can't be replayed goes to another one, which keeps it."""

    def __init__(
        self,
        sqs: "SQSClient",
        queue_url: str,
        set_aside_queue_url: str,
        streams: "DynamoDBStreamsClient",
        tables: Collection[str],
    ) -> None:
        self._sqs = sqs
        self._queue_url = queue_url
        self._set_aside_queue_url = set_aside_queue_url
        self._streams = streams
        self._tables = tables

    def receive(self) -> list[Received]:
        """Return up to ten messages; none if the queue is empty, or the others are being looked at."""
        answer = self._sqs.receive_message(
            QueueUrl=self._queue_url,
            MaxNumberOfMessages=10,
            WaitTimeSeconds=_WAIT_SECONDS,
            MessageAttributeNames=["All"],
        )
        return [Received(message, _read(message["Body"])) for message in answer.get("Messages", ())]

    def forget(self, message: Received) -> None:
        """Delete a message from the queue."""
        self._sqs.delete_message(QueueUrl=self._queue_url, ReceiptHandle=message.receipt)

    def set_aside(self, message: Received) -> str:
        """Move a message to the queue of those that can't be replayed; return its id there.

        Whoever dies in between leaves it in both queues.
        """
        attributes = message.message.get("MessageAttributes")
        moved = self._sqs.send_message(
            QueueUrl=self._set_aside_queue_url,
            MessageBody=message.message["Body"],
            **({"MessageAttributes": cast("Any", attributes)} if attributes else {}),
        )
        self.forget(message)
        return moved["MessageId"]

    def give_back(self, message: Received) -> None:
        """Let a message be received again at once."""
        self._sqs.change_message_visibility(
            QueueUrl=self._queue_url, ReceiptHandle=message.receipt, VisibilityTimeout=0
        )

    def size(self) -> int:
        """Return about how many messages the queue holds, received or not."""
        answer = self._sqs.get_queue_attributes(QueueUrl=self._queue_url, AttributeNames=_COUNTS)
        return sum(int(count) for count in answer["Attributes"].values())

    def records(self, batch: GivenUp | PassedOver, deadline: Deadline) -> list[dict[str, Any]]:
        """Return all records of a batch, as the stream gives them; raises RecordsGoneError or UnavailableError."""
        if isinstance(batch, PassedOver):
            return list(batch.records)
        if batch.table not in self._tables:  # as of one that was restored under another name
            raise RecordsGoneError
        try:
            return self._read_to_the_last(batch, deadline)
        except CALL_FAILED as exc:
            if failure_code(exc) in _GONE:
                raise RecordsGoneError from exc
            raise

    def _read_to_the_last(self, batch: GivenUp, deadline: Deadline) -> list[dict[str, Any]]:
        """Read page by page: one may be empty though records follow (API reference, GetRecords)."""
        found: list[dict[str, Any]] = []
        position: str | None = self._streams.get_shard_iterator(
            StreamArn=batch.stream_arn,
            ShardId=batch.shard_id,
            ShardIteratorType="AT_SEQUENCE_NUMBER",
            SequenceNumber=batch.first,
        )["ShardIterator"]
        backoff = Backoff(deadline)
        while position:
            page = self._streams.get_records(ShardIterator=position)
            for record in page["Records"]:
                found.append(dict(record))
                if int(record["dynamodb"]["SequenceNumber"]) == int(batch.last):
                    return found
                if int(record["dynamodb"]["SequenceNumber"]) > int(batch.last):
                    raise RecordsGoneError
            position = page.get("NextShardIterator")
            if position and (deadline.is_over() or (not page["Records"] and not backoff.wait())):
                raise UnavailableError("the stream did not give all records within the time that was left")
        raise RecordsGoneError


def _read(text: str) -> GivenUp | PassedOver | None:
    """Read a message that Lambda or one of the readers of streams wrote; of any other None."""
    try:
        body = json.loads(text)
        # arn:aws:lambda:region:account:function:name, and perhaps a version
        function_arn = ":".join(body["requestContext"]["functionArn"].split(":")[:7])
        if "records" in body:
            passed_over = PassedOver(function_arn, body["records"])
            is_whole = all(map(_is_record, passed_over.records)) and int(passed_over.first) <= int(passed_over.last)
            return passed_over if is_whole else None
        where = body["DDBStreamBatchInfo"]
        batch = GivenUp(
            function_arn=function_arn,
            stream_arn=where["streamArn"],
            shard_id=where["shardId"],
            first=where["startSequenceNumber"],
            last=where["endSequenceNumber"],
        )
        is_batch = all(isinstance(each, str) for each in astuple(batch)) and int(batch.first) <= int(batch.last)
    except (AttributeError, LookupError, TypeError, ValueError, RecursionError):
        return None
    return batch if is_batch else None


def _is_record(raw: Mapping[str, Any]) -> bool:
    """Whether a replay can hand it on as a record; raises what `_read` takes for a foreign message."""
    change = raw["dynamodb"]
    return (
        isinstance(raw["eventID"], str)
        and isinstance(raw["eventName"], str)
        and change["SequenceNumber"].isdecimal()
        and type(change["ApproximateCreationDateTime"]) in {int, float}
        and all(isinstance(value["S"], str) for value in change["Keys"].values())
    )
