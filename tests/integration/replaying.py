"""What tests of the replay share: what was given up, in a queue; functions to invoke; a stream; the answers."""

import io
import json
from collections.abc import Iterator
from typing import Any, cast
from uuid import uuid4

import boto3
import pytest

from api_segments.aws import clients
from api_segments.core.clock import Deadline
from api_segments.repair import wiring as repair_wiring
from api_segments.repair.store_failed_records import FailedRecords, GivenUp
from functions.project_members.app import handler as project_members
from functions.publish_changes.app import handler as publish_changes
from tests.support.events import Context, Event
from tests.support.relay import StreamsClient

Json = Any


MESSAGES = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible")


HANDLERS = {"project": project_members, "publish": publish_changes}


class Queue:
    """Stands in for SQS's client: messages as Lambda writes them to an on-failure destination, and those set aside."""

    def __init__(self) -> None:
        self.messages: dict[str, str] = {}
        self.attributes: dict[str, Json] = {}
        self.hidden: set[str] = set()
        self.set_aside: list[tuple[str, Json]] = []

    def put(self, function: str, stream_arn: str, shard_id: str, batch: list[Event]) -> None:
        sequences = [record["dynamodb"]["SequenceNumber"] for record in batch]
        body = {
            "requestContext": {
                "requestId": str(uuid4()),
                "functionArn": f"arn:aws:lambda:us-east-1:000000000000:function:{function}:$LATEST",
                "condition": "RetryAttemptsExhausted",
                "approximateInvokeCount": 11,
            },
            "version": "1.0",
            "DDBStreamBatchInfo": {
                "shardId": shard_id,
                "startSequenceNumber": sequences[0],
                "endSequenceNumber": sequences[-1],
                "batchSize": len(batch),
                "streamArn": stream_arn,
            },
        }
        self.messages[str(uuid4())] = json.dumps(body)

    def receive_message(
        self,
        QueueUrl: str,  # noqa: N803 - boto3's own names, as below
        MaxNumberOfMessages: int,  # noqa: N803
        WaitTimeSeconds: int,  # noqa: N803
        MessageAttributeNames: list[str],  # noqa: N803
    ) -> Json:
        assert QueueUrl.endswith("/failed-records")
        assert MessageAttributeNames == ["All"]
        assert 0 < WaitTimeSeconds <= 2  # a short poll asks only some of SQS's servers
        messages = [
            {"MessageId": name, "ReceiptHandle": f"receipt {name}", "Body": body, **self.attributes.get(name, {})}
            for name, body in self.messages.items()
            if name not in self.hidden
        ][:MaxNumberOfMessages]
        self.hidden.update(message["MessageId"] for message in messages)
        return {"Messages": messages}

    def send_message(self, QueueUrl: str, MessageBody: str, **attributes: Json) -> Json:  # noqa: N803 - boto3's own names
        assert QueueUrl.endswith("/set-aside-records")
        self.set_aside.append((MessageBody, attributes))
        return {"MessageId": str(uuid4())}

    def change_message_visibility(self, QueueUrl: str, ReceiptHandle: str, VisibilityTimeout: int) -> None:  # noqa: N803 - boto3's own names
        assert QueueUrl.endswith("/failed-records")
        assert VisibilityTimeout == 0
        self.hidden.remove(ReceiptHandle.removeprefix("receipt "))

    def get_queue_attributes(self, QueueUrl: str, AttributeNames: list[str]) -> Json:  # noqa: N803 - boto3's own names
        assert QueueUrl.endswith("/failed-records")
        counts = dict(zip(MESSAGES, (len(self.messages) - len(self.hidden), len(self.hidden)), strict=True))
        return {"Attributes": {name: str(counts[name]) for name in AttributeNames}}

    def delete_message(self, QueueUrl: str, ReceiptHandle: str) -> None:  # noqa: N803 - boto3's own names
        assert QueueUrl.endswith("/failed-records")
        name = ReceiptHandle.removeprefix("receipt ")
        del self.messages[name]
        self.hidden.discard(name)


class Functions:
    """Stands in for Lambda's client: invokes the handlers here."""

    def __init__(self) -> None:
        self.invoked: list[str] = []

    def invoke(self, FunctionName: str, Payload: str) -> Json:  # noqa: N803 - boto3's own names
        name = FunctionName.removeprefix("arn:aws:lambda:us-east-1:000000000000:function:")
        self.invoked.append(name)
        try:
            answer = HANDLERS[name](json.loads(Payload), Context(60))
        except Exception as exc:  # noqa: BLE001 - Lambda tells of any
            return {
                "FunctionError": "Unhandled",
                "Payload": io.BytesIO(json.dumps({"errorMessage": str(exc)}).encode()),
            }
        return {"Payload": io.BytesIO(json.dumps(answer).encode())}


@pytest.fixture
def queue(environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Queue]:  # noqa: ARG001 - see below
    """The queues of what was given up and of what was set aside; `environment` has the settings that name them."""
    made = Queue()
    monkeypatch.setattr(clients, "sqs_client", lambda: made)
    monkeypatch.setattr(clients, "streams_client", lambda: StreamsClient(boto3.client("dynamodbstreams")))
    repair_wiring.failed_records.cache_clear()
    yield made
    repair_wiring.failed_records.cache_clear()


@pytest.fixture
def functions(monkeypatch: pytest.MonkeyPatch) -> Iterator[Functions]:
    made = Functions()
    monkeypatch.setattr(clients, "lambda_client", lambda: made)
    repair_wiring.functions.cache_clear()
    yield made
    repair_wiring.functions.cache_clear()


def answer_of(**counts: int) -> Json:
    """Return what a replay answers: `counts`, and 0 for the rest."""
    outcomes = dict.fromkeys(("replayed", "failed", "gone", "unreadable", "foreign", "remaining"), 0) | counts
    is_all = not sum(outcomes.values()) - outcomes["replayed"]
    return {"status": "success" if is_all else "partial", **outcomes}


def stream_of(table: str) -> str:
    return f"arn:aws:dynamodb:us-east-1:000000000000:table/{table}/stream/2026-11-23T00:00:00.000"


def record(number: int) -> Event:
    return {"dynamodb": {"SequenceNumber": f"{number:021d}"}}


class Shard:
    """Stands in for the client of streams: gives pages of records, whose sequence numbers are these."""

    def __init__(self, *pages: list[int], is_open: bool = False) -> None:
        self.pages = pages
        self.is_open = is_open

    def get_shard_iterator(self, **_: str) -> Json:
        return {"ShardIterator": "0"}

    def get_records(self, ShardIterator: str) -> Json:  # noqa: N803 - boto3's own name
        position = int(ShardIterator)
        page = self.pages[position] if position < len(self.pages) else []
        records = [{"dynamodb": {"SequenceNumber": f"{number:021d}"}} for number in page]
        goes_on = self.is_open or position + 1 < len(self.pages)
        return {"Records": records, **({"NextShardIterator": str(position + 1)} if goes_on else {})}

    def records(self, first: int, last: int, seconds: float = 5) -> list[int]:
        """Read a batch through the product's code; return the sequence numbers."""
        batch = GivenUp("function", stream_of("table"), "shard", f"{first:021d}", f"{last:021d}")
        failed_records = FailedRecords(cast("Any", None), "url", "url", cast("Any", self), ["table"])
        found = failed_records.records(batch, Deadline.after(seconds))
        return [int(record["dynamodb"]["SequenceNumber"]) for record in found]
