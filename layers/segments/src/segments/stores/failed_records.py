"""What the readers of streams gave up: the queue that says where records are, and the streams that still hold them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from types_boto3_dynamodbstreams import DynamoDBStreamsClient
    from types_boto3_sqs import SQSClient

_GONE = {"TrimmedDataAccessException", "ResourceNotFoundException"}


@dataclass(frozen=True, slots=True)
class GivenUp:
    """A batch that a function gave up (Lambda developer guide, "Retain discarded records"); `receipt` deletes it."""

    message_id: str
    receipt: str
    function_arn: str
    stream_arn: str
    shard_id: str
    first: str
    last: str


class RecordsGoneError(Exception):
    """The stream no longer holds the records: it keeps them for 24 hours."""


class FailedRecords:
    """Reads and empties the queue of what was given up."""

    def __init__(self, sqs: "SQSClient", queue_url: str, streams: "DynamoDBStreamsClient") -> None:
        self._sqs = sqs
        self._queue_url = queue_url
        self._streams = streams

    def receive(self) -> list[GivenUp]:
        """Return up to ten batches; none if the queue is empty, or the others are being looked at."""
        answer = self._sqs.receive_message(QueueUrl=self._queue_url, MaxNumberOfMessages=10)
        return [_read(message) for message in answer.get("Messages", ())]

    def forget(self, batch: GivenUp) -> None:
        """Delete a batch from the queue."""
        self._sqs.delete_message(QueueUrl=self._queue_url, ReceiptHandle=batch.receipt)

    def records(self, batch: GivenUp) -> list[dict[str, Any]]:
        """Return the records of a batch, as the stream gives them; raises RecordsGoneError."""
        found: list[dict[str, Any]] = []
        try:
            position: str | None = self._streams.get_shard_iterator(
                StreamArn=batch.stream_arn,
                ShardId=batch.shard_id,
                ShardIteratorType="AT_SEQUENCE_NUMBER",
                SequenceNumber=batch.first,
            )["ShardIterator"]
            while position:
                page = self._streams.get_records(ShardIterator=position)
                for record in page["Records"]:
                    if int(record["dynamodb"]["SequenceNumber"]) > int(batch.last):
                        return found
                    found.append(dict(record))
                if not page["Records"] or int(found[-1]["dynamodb"]["SequenceNumber"]) == int(batch.last):
                    break
                position = page.get("NextShardIterator")
        except ClientError as exc:
            if exc.response["Error"]["Code"] in _GONE:
                raise RecordsGoneError from exc
            raise
        if not found:
            raise RecordsGoneError
        return found


def _read(message: Mapping[str, Any]) -> GivenUp:
    body = json.loads(message["Body"])
    where = body["DDBStreamBatchInfo"]
    # arn:aws:lambda:region:account:function:name, and perhaps a version
    function_arn = ":".join(body["requestContext"]["functionArn"].split(":")[:7])
    return GivenUp(
        message_id=message["MessageId"],
        receipt=message["ReceiptHandle"],
        function_arn=function_arn,
        stream_arn=where["streamArn"],
        shard_id=where["shardId"],
        first=where["startSequenceNumber"],
        last=where["endSequenceNumber"],
    )
