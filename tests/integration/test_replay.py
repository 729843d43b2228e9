"""What a reader of a stream gave up is replayed from the stream: taken in, once, and told when it can't be."""

import io
import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, cast
from uuid import uuid4

import boto3
import pytest
from botocore.exceptions import ReadTimeoutError

from api_segments.aws import clients
from api_segments.aws.clients import INVOKE_SECONDS
from api_segments.core.clock import Deadline
from api_segments.core.errors import UnavailableError
from api_segments.repair import wiring as repair_wiring
from api_segments.repair.store_failed_records import FailedRecords, GivenUp, RecordsGoneError
from functions.project_members.app import handler as project_members
from functions.publish_changes.app import handler as publish_changes
from functions.replay.app import handler as replay
from tests.integration.conftest import Account, Relay
from tests.integration.told import actions, numbered
from tests.support.clock import MovableClock
from tests.support.events import Context, Event
from tests.support.faults import FaultyClient, refused
from tests.support.relay import StreamsClient
from tests.support.state import Tables, assert_projected
from tests.support.template import resources

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

Json = Any
MESSAGES = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible")
HANDLERS = {"project": project_members, "publish": publish_changes}


class Queue:
    """Stands in for SQS's client: messages as Lambda writes them to an on-failure destination."""

    def __init__(self) -> None:
        self.messages: dict[str, str] = {}
        self.hidden: set[str] = set()

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

    def receive_message(self, QueueUrl: str, MaxNumberOfMessages: int, WaitTimeSeconds: int) -> Json:  # noqa: N803 - boto3's own names
        assert QueueUrl.endswith("/failed-records")
        assert 0 < WaitTimeSeconds <= 2  # a short poll asks only some of SQS's servers
        messages = [
            {"MessageId": name, "ReceiptHandle": f"receipt {name}", "Body": body}
            for name, body in self.messages.items()
            if name not in self.hidden
        ][:MaxNumberOfMessages]
        self.hidden.update(message["MessageId"] for message in messages)
        return {"Messages": messages}

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
def queue(monkeypatch: pytest.MonkeyPatch) -> Iterator[Queue]:
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


def hand_over(relay: Relay, queue: Queue, dynamodb: "DynamoDBClient", environment: dict[str, str]) -> int:
    """Put what both readers gave up into the queue, as Lambda does; return how many batches."""
    arn = dynamodb.describe_table(TableName=environment["MEMBERSHIPS_TABLE"])["Table"]["LatestStreamArn"]
    shards = boto3.client("dynamodbstreams").describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]
    for name, reader in (("publish", relay.publisher), ("project", relay.projector)):
        for batch in reader.on_failure:
            queue.put(name, arn, shards[-1]["ShardId"], batch)
        reader.on_failure.clear()
    return len(queue.messages)


def test_what_was_given_up_is_taken_in_once_the_cause_is_mended(  # noqa: PLR0913, PLR0917 - fixtures
    account: Account,
    relay: Relay,
    queue: Queue,
    functions: Functions,
    faulty: FaultyClient,
    tables: Tables,
    dynamodb: "DynamoDBClient",
    environment: dict[str, str],
) -> None:
    (segment,) = account.create(None)
    relay.drain()
    account.update((numbered(30), actions("ADD", segment)))
    faulty.always("transact_write_items", refused("AccessDeniedException"))
    records = relay.reader.read()
    relay.projector.deliver(records)
    relay.publisher.on_failure.append(records)
    faulty.heal()
    assert (account.members(segment), relay.bus.details(account.account_id)) == (0, [])
    given_up = hand_over(relay, queue, dynamodb, environment)
    twice = dict(queue.messages)

    assert replay({}, Context(60)) == {
        "status": "success",
        "replayed": given_up,
        "failed": 0,
        "gone": 0,
        "remaining": 0,
    }

    assert queue.messages == {}
    assert set(functions.invoked) == {"publish", "project"}
    assert_projected(tables, account.account_id)
    assert account.members(segment) == 30
    assert account.usage()[1]["data_points"] == 30
    told = relay.bus.details(account.account_id)
    assert {event["Event ID"] for event in told} == {f"{record['eventID']}-{segment}" for record in records}

    queue.messages = twice  # delivered again
    queue.hidden.clear()
    replay({}, Context(60))
    assert_projected(tables, account.account_id)
    assert account.usage()[1]["data_points"] == 30
    assert {event["Event ID"] for event in relay.bus.details(account.account_id)} == {e["Event ID"] for e in told}


def test_what_fails_again_stays_in_the_queue(  # noqa: PLR0913, PLR0917 - fixtures
    account: Account,
    relay: Relay,
    queue: Queue,
    functions: Functions,
    faulty: FaultyClient,
    dynamodb: "DynamoDBClient",
    environment: dict[str, str],
) -> None:
    (segment,) = account.create(None)
    relay.drain()
    account.update((numbered(3), actions("ADD", segment)))
    faulty.always("transact_write_items", refused("AccessDeniedException"))
    relay.projector.deliver(relay.reader.read())
    given_up = hand_over(relay, queue, dynamodb, environment)
    assert given_up
    assert replay({}, Context(60)) == {
        "status": "partial",
        "replayed": 0,
        "failed": given_up,
        "gone": 0,
        "remaining": 0,
    }
    assert len(queue.messages) == given_up
    assert len(functions.invoked) == given_up
    assert queue.hidden == set(), "a second run may try them at once"
    faulty.heal()
    assert replay({}, Context(60)) == {
        "status": "success",
        "replayed": given_up,
        "failed": 0,
        "gone": 0,
        "remaining": 0,
    }


def test_what_the_stream_no_longer_holds_is_told(queue: Queue, functions: Functions) -> None:
    batch = [{"dynamodb": {"SequenceNumber": f"{1:021d}"}}]
    stream = "arn:aws:dynamodb:us-east-1:000000000000:table/none/stream/2026-11-23T00:00:00.000"
    queue.put("project", stream, f"shardId-{1:020d}-abcdef01", batch)
    assert replay({}, Context(60)) == {"status": "partial", "replayed": 0, "failed": 0, "gone": 1, "remaining": 0}
    assert len(queue.messages) == 1
    assert queue.hidden == set()
    assert functions.invoked == []


def test_what_another_run_holds_is_not_told_as_done(queue: Queue, functions: Functions) -> None:
    queue.put("project", "stream", "shard", [{"dynamodb": {"SequenceNumber": f"{1:021d}"}}])
    queue.hidden.update(queue.messages)
    assert replay({}, Context(60)) == {"status": "partial", "replayed": 0, "failed": 0, "gone": 0, "remaining": 1}
    assert functions.invoked == []


def test_an_empty_queue_is_no_failure(queue: Queue, functions: Functions) -> None:
    assert queue.messages == {}
    assert replay({}, Context(60)) == {"status": "success", "replayed": 0, "failed": 0, "gone": 0, "remaining": 0}
    assert functions.invoked == []


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
        batch = GivenUp("function", "stream", "shard", f"{first:021d}", f"{last:021d}")
        found = FailedRecords(cast("Any", None), "url", cast("Any", self)).records(batch, Deadline.after(seconds))
        return [int(record["dynamodb"]["SequenceNumber"]) for record in found]


@pytest.mark.parametrize("is_open", [False, True])
@pytest.mark.parametrize(
    "pages",
    [
        [[1, 2, 3, 4, 5]],
        [[1, 2], [3, 4], [5]],
        [[], [1, 2, 3, 4, 5]],
        [[], [], [1], [2, 3], [4]],
        [[1, 2], [], [3, 4]],
        [[1, 2], [], [], [3], [], [4]],
    ],
)
def test_a_batch_is_read_to_its_last_record_through_empty_pages(pages: list[list[int]], *, is_open: bool) -> None:
    assert Shard(*pages, is_open=is_open).records(1, 4) == [1, 2, 3, 4]


@pytest.mark.parametrize("pages", [[[]], [[1, 2]], [[1, 2], [5]], [[5]], [[], [1], []]])
def test_a_batch_without_its_last_record_is_never_taken_for_whole(pages: list[list[int]]) -> None:
    with pytest.raises(RecordsGoneError):
        Shard(*pages).records(1, 4)


def test_a_batch_whose_last_record_does_not_come_in_time_is_not_taken_for_whole() -> None:
    with pytest.raises(UnavailableError):
        Shard([1, 2], is_open=True).records(1, 4, seconds=0.2)


def test_nothing_is_begun_when_the_time_is_up_and_what_was_received_is_given_back(
    queue: Queue, functions: Functions, clock: MovableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(3):
        queue.put("project", "stream", "shard", [{"dynamodb": {"SequenceNumber": f"{1:021d}"}}])

    def takes_long(*_: object) -> list[Json]:
        clock.move(seconds=100)
        raise RecordsGoneError

    monkeypatch.setattr(FailedRecords, "records", takes_long)
    assert replay({}, Context(60)) == {"status": "partial", "replayed": 0, "failed": 0, "gone": 1, "remaining": 2}
    assert (len(queue.messages), queue.hidden, functions.invoked) == (3, set(), [])


def test_a_replay_ends_within_its_time_and_tells_how_many_are_left(
    queue: Queue, functions: Functions, clock: MovableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    timeout = resources("AWS::Serverless::Function")["ReplayFunction"]["Timeout"]
    for _ in range(25):
        queue.put("project", "stream", "shard", [{"dynamodb": {"SequenceNumber": f"{1:021d}"}}])
    monkeypatch.setattr(FailedRecords, "records", lambda *_: [])

    def takes_long(event: Event, context: object) -> Json:
        assert (event, bool(context)) == ({"Records": []}, True)
        clock.move(seconds=3)
        return {"batchItemFailures": []}

    monkeypatch.setitem(HANDLERS, "project", takes_long)
    left = 25
    while left:
        began = clock.monotonic()
        answer = replay({}, Context(timeout))
        assert clock.monotonic() - began < timeout - INVOKE_SECONDS
        assert 0 < answer["replayed"] <= left
        left -= answer["replayed"]
        assert answer == {
            "status": "partial" if left else "success",
            "replayed": answer["replayed"],
            "failed": 0,
            "gone": 0,
            "remaining": left,
        }
    assert (queue.messages, queue.hidden) == ({}, set())
    assert len(functions.invoked) == 25


def test_a_function_that_does_not_answer_in_time_has_failed_and_the_rest_is_replayed(
    queue: Queue, functions: Functions, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("silent", "project"):
        queue.put(name, "stream", "shard", [{"dynamodb": {"SequenceNumber": f"{1:021d}"}}])
    monkeypatch.setattr(FailedRecords, "records", lambda *_: [])
    monkeypatch.setitem(HANDLERS, "project", lambda *_: {"batchItemFailures": []})
    invoke = functions.invoke

    def silent_or_not(FunctionName: str, Payload: str) -> Json:  # noqa: N803 - boto3's own names
        if FunctionName.endswith("silent"):
            raise ReadTimeoutError(endpoint_url="https://lambda")
        return invoke(FunctionName, Payload)

    monkeypatch.setattr(functions, "invoke", silent_or_not)
    assert replay({}, Context(60)) == {"status": "partial", "replayed": 1, "failed": 1, "gone": 0, "remaining": 0}
    assert (len(queue.messages), queue.hidden) == (1, set())


@pytest.mark.parametrize("body", ["text", "null", "[]", "{}", {"DDBStreamBatchInfo": None}, {"DDBStreamBatchInfo": {}}])
def test_what_is_no_batch_stays_in_the_queue_and_holds_no_other_up(
    queue: Queue, functions: Functions, monkeypatch: pytest.MonkeyPatch, body: Json
) -> None:
    queue.messages["foreign"] = body if isinstance(body, str) else json.dumps(body)
    queue.put("project", "stream", "shard", [{"dynamodb": {"SequenceNumber": f"{1:021d}"}}])
    monkeypatch.setattr(FailedRecords, "records", lambda *_: [])
    monkeypatch.setitem(HANDLERS, "project", lambda *_: {"batchItemFailures": []})
    assert replay({}, Context(60)) == {"status": "partial", "replayed": 1, "failed": 1, "gone": 0, "remaining": 0}
    assert (set(queue.messages), queue.hidden) == ({"foreign"}, set())
    assert functions.invoked == ["project"]
