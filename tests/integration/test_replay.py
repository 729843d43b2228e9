"""What a reader of a stream gave up is replayed from the stream: taken in, once, and told when it can't be."""

import io
import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, cast
from uuid import uuid4

import boto3
import pytest
from botocore.exceptions import ClientError, ReadTimeoutError
from hypothesis import given
from hypothesis import strategies as st

from api_segments.aws import clients
from api_segments.aws.clients import INVOKE_SECONDS
from api_segments.core.clock import Deadline
from api_segments.core.errors import UnavailableError
from api_segments.http.streams import IS_REPLAY, to_message
from api_segments.repair import wiring as repair_wiring
from api_segments.repair.replay import replay as replay_all
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


def answer_of(**counts: int) -> Json:
    """Return what a replay answers: `counts`, and 0 for the rest."""
    outcomes = dict.fromkeys(("replayed", "failed", "gone", "unreadable", "foreign", "remaining"), 0) | counts
    is_all = not sum(outcomes.values()) - outcomes["replayed"]
    return {"status": "success" if is_all else "partial", **outcomes}


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

    assert replay({}, Context(60)) == answer_of(replayed=given_up)

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
    assert replay({}, Context(60)) == answer_of(failed=given_up)
    assert len(queue.messages) == given_up
    assert len(functions.invoked) == given_up
    assert queue.hidden == set(), "a second run may try them at once"
    faulty.heal()
    assert replay({}, Context(60)) == answer_of(replayed=given_up)


@pytest.mark.parametrize(
    "stream",
    [
        "arn:aws:dynamodb:us-east-1:000000000000:table/none/stream/2026-11-23T00:00:00.000",
        "arn:aws:dynamodb:us-east-1:000000000000:table/{MEMBERSHIPS_TABLE}/stream/2020-11-23T00:00:00.000",
        "none at all",
        "",
    ],
)
def test_what_no_stream_holds_is_told_and_leaves_the_queue_for_one_that_keeps_it(
    queue: Queue, functions: Functions, environment: dict[str, str], stream: str
) -> None:
    batch = [{"dynamodb": {"SequenceNumber": f"{1:021d}"}}]
    queue.put("project", stream.format(**environment), f"shardId-{1:020d}-abcdef01", batch)
    (held,) = queue.messages.values()
    assert replay({}, Context(60)) == answer_of(gone=1)
    assert (queue.messages, queue.hidden, queue.set_aside) == ({}, set(), [(held, {})])
    assert functions.invoked == []
    assert replay({}, Context(60)) == answer_of()


@pytest.mark.parametrize("code", ["TrimmedDataAccessException", "ResourceNotFoundException", "ValidationException"])
@pytest.mark.parametrize("operation", ["get_shard_iterator", "get_records"])
def test_a_stream_that_says_that_the_records_are_gone_is_believed(  # noqa: PLR0913 - all that takes part
    queue: Queue,
    functions: Functions,
    environment: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
    *,
    code: str,
    operation: str,
) -> None:
    shard = Shard([1])

    def refuse(**_: Json) -> Json:
        raise ClientError({"Error": {"Code": code, "Message": "no"}}, operation)

    setattr(shard, operation, refuse)
    monkeypatch.setattr(clients, "streams_client", lambda: shard)
    queue.put("project", stream_of(environment["MEMBERSHIPS_TABLE"]), "shard", [record(1)])
    assert replay({}, Context(60)) == answer_of(gone=1)
    assert (queue.messages, len(queue.set_aside), functions.invoked) == ({}, 1, [])


@pytest.mark.parametrize("code", ["AccessDeniedException", "ThrottlingException", "InternalServerError"])
def test_a_stream_that_says_anything_else_is_asked_again_later(
    queue: Queue, functions: Functions, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    shard = Shard([1])

    def refuse(**_: Json) -> Json:
        raise ClientError({"Error": {"Code": code, "Message": "no"}}, "GetRecords")

    monkeypatch.setattr(shard, "get_records", refuse)
    monkeypatch.setattr(clients, "streams_client", lambda: shard)
    queue.put("project", stream_of(environment["MEMBERSHIPS_TABLE"]), "shard", [record(1)])
    answer = replay({}, Context(60))
    assert (answer["failed"], len(queue.messages), queue.set_aside) == (1, 1, [])
    assert functions.invoked == []


def test_what_can_not_be_set_aside_stays(queue: Queue, functions: Functions, monkeypatch: pytest.MonkeyPatch) -> None:
    queue.messages["foreign"] = "text"
    queue.put("project", "stream", "shard", [record(1)])
    monkeypatch.setattr(FailedRecords, "records", lambda *_: [])
    monkeypatch.setitem(HANDLERS, "project", lambda *_: {"batchItemFailures": []})

    def refuse(**_: Json) -> Json:
        raise ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "SendMessage")

    monkeypatch.setattr(queue, "send_message", refuse)
    answer = replay({}, Context(60))
    assert (answer["replayed"], answer["failed"], answer["foreign"]) == (1, 1, 0)
    assert (queue.messages, queue.hidden, functions.invoked) == ({"foreign": "text"}, set(), ["project"])


def test_what_could_not_be_deleted_after_it_was_set_aside_is_kept_in_both_queues(
    queue: Queue, functions: Functions, monkeypatch: pytest.MonkeyPatch
) -> None:
    queue.messages["foreign"] = "text"

    def refuse(**_: Json) -> Json:
        raise ClientError({"Error": {"Code": "InternalError", "Message": "no"}}, "DeleteMessage")

    with monkeypatch.context() as patch:
        patch.setattr(queue, "delete_message", refuse)
        assert replay({}, Context(60))["failed"] == 1
    assert queue.messages == {"foreign": "text"}
    assert replay({}, Context(60)) == answer_of(foreign=1)
    assert (queue.messages, [body for body, _ in queue.set_aside]) == ({}, ["text", "text"])
    assert functions.invoked == []


def test_what_another_run_holds_is_not_told_as_done(queue: Queue, functions: Functions) -> None:
    queue.put("project", "stream", "shard", [{"dynamodb": {"SequenceNumber": f"{1:021d}"}}])
    queue.hidden.update(queue.messages)
    assert replay({}, Context(60)) == answer_of(remaining=1)
    assert functions.invoked == []


def test_an_empty_queue_is_no_failure(queue: Queue, functions: Functions) -> None:
    assert queue.messages == {}
    assert replay({}, Context(60)) == answer_of()
    assert functions.invoked == []


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
    assert replay({}, Context(60)) == answer_of(gone=1, remaining=2)
    assert (len(queue.messages), queue.hidden, functions.invoked) == (2, set(), [])


def test_a_replay_ends_within_its_time_and_tells_how_many_are_left(
    queue: Queue, functions: Functions, clock: MovableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    timeout = resources("AWS::Serverless::Function")["ReplayFunction"]["Timeout"]
    for _ in range(25):
        queue.put("project", "stream", "shard", [{"dynamodb": {"SequenceNumber": f"{1:021d}"}}])
    monkeypatch.setattr(FailedRecords, "records", lambda *_: [])

    def takes_long(event: Event, context: object) -> Json:
        assert (event, bool(context)) == ({"Records": [], IS_REPLAY: True}, True)
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
        assert answer == answer_of(replayed=answer["replayed"], remaining=left)
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
    assert replay({}, Context(60)) == answer_of(replayed=1, failed=1)
    assert (len(queue.messages), queue.hidden) == (1, set())


GOOD = {
    "requestContext": {"functionArn": "arn:aws:lambda:us-east-1:000000000000:function:project:$LATEST"},
    "DDBStreamBatchInfo": {
        "streamArn": stream_of("table"),
        "shardId": "shard",
        "startSequenceNumber": f"{1:021d}",
        "endSequenceNumber": f"{2:021d}",
    },
}
WRONG: tuple[Json, ...] = (None, 7, True, 1.5, "", [], {}, ["x"], {"S": "x"})
CHANGE: Json = {"SequenceNumber": "1", "ApproximateCreationDateTime": 1.5, "Keys": {"pk": {"S": "x"}}}
RECORD: Json = {"eventID": "1", "eventName": "MODIFY", "dynamodb": CHANGE}
NO_PARTS: tuple[Json, ...] = (None, "x", [], {"sk": 1})
TEXTS = {"eventID", "eventName"}
FOREIGN = [
    *("text", "", "null", "[]", "1", '"text"', "{}", "NaN", "{" * 50_000, '{"a":' * 50_000, "\ufffe"),
    json.dumps({"DDBStreamBatchInfo": None}),
    json.dumps({"DDBStreamBatchInfo": {}}),
    *(json.dumps({**GOOD, part: wrong}) for part in GOOD for wrong in WRONG),
    *(json.dumps({**GOOD, "requestContext": {"functionArn": wrong}}) for wrong in WRONG if wrong != ""),
    *(
        json.dumps({**GOOD, "DDBStreamBatchInfo": {**GOOD["DDBStreamBatchInfo"], name: wrong}})
        for name in GOOD["DDBStreamBatchInfo"]
        for wrong in WRONG
        if not (wrong == "" and name in {"streamArn", "shardId"})
    ),
    json.dumps({**GOOD, "DDBStreamBatchInfo": {**GOOD["DDBStreamBatchInfo"], "endSequenceNumber": "last"}}),
    json.dumps({**GOOD, "DDBStreamBatchInfo": {**GOOD["DDBStreamBatchInfo"], "endSequenceNumber": "0"}}),
    json.dumps({**GOOD, "DDBStreamBatchInfo": {**GOOD["DDBStreamBatchInfo"], "endSequenceNumber": "9" * 5000}}),
    *(
        json.dumps({**GOOD, "records": records})
        for records in (
            *WRONG,
            [{"dynamodb": {"SequenceNumber": "1"}}],
            *([RECORD, wrong, RECORD] for wrong in WRONG),
            *([RECORD | {part: wrong}] for part in RECORD for wrong in WRONG if not (part in TEXTS and wrong == "")),
            *([{part: RECORD[part] for part in RECORD if part != lacking}] for lacking in RECORD),
            *([RECORD | {"dynamodb": CHANGE | {part: wrong}}] for part in CHANGE for wrong in NO_PARTS),
            *([RECORD | {"dynamodb": CHANGE | {"Keys": {"sk": wrong}}}] for wrong in (None, "x", {}, {"S": 7})),
        )
    ),
]


def test_what_lambda_did_not_write_leaves_the_queue_as_it_is_and_holds_no_other_up(
    queue: Queue, functions: Functions, monkeypatch: pytest.MonkeyPatch
) -> None:
    attributes = {"MessageAttributes": {"from": {"DataType": "String", "StringValue": "somebody"}}}
    for index, body in enumerate(FOREIGN):
        queue.messages[f"foreign {index}"] = body
        queue.attributes[f"foreign {index}"] = attributes if index % 2 else {}
    queue.put("project", stream_of("table"), "shard", [record(1)])
    monkeypatch.setattr(FailedRecords, "records", lambda *_: [])
    monkeypatch.setitem(HANDLERS, "project", lambda *_: {"batchItemFailures": []})

    assert replay({}, Context(60)) == answer_of(foreign=len(FOREIGN), replayed=1)

    assert (queue.messages, queue.hidden) == ({}, set())
    assert queue.set_aside == [(body, attributes if index % 2 else {}) for index, body in enumerate(FOREIGN)]
    assert functions.invoked == ["project"]


scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
json_values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["S", "sk", "pk"]), inner, max_size=3),
    max_leaves=5,
)
changes = st.fixed_dictionaries({}, optional={part: st.just(CHANGE[part]) | json_values for part in CHANGE})
records = st.fixed_dictionaries(
    {}, optional={"dynamodb": changes} | {part: st.just("x") | json_values for part in TEXTS}
)
passed_over_records = st.lists(st.just(RECORD) | records | json_values, max_size=3)
answers = json_values | st.fixed_dictionaries({"batchItemFailures": json_values})


@given(passed_over_records, answers)
def test_whatever_comes_into_the_queue_holds_no_other_up(odd: Json, answered: Json) -> None:
    queue = Queue()
    queue.messages = {"odd": json.dumps({**GOOD, "records": odd}), "good": json.dumps({**GOOD, "records": [RECORD]})}

    class Answering:
        def invoke(self, Payload: str, **_: str) -> Json:  # noqa: N803 - boto3's own name
            is_good = json.loads(Payload)["Records"] == [RECORD]
            return {"Payload": io.BytesIO(json.dumps({"batchItemFailures": []} if is_good else answered).encode())}

    failed_records = FailedRecords(cast("Any", queue), "/failed-records", "/set-aside-records", cast("Any", None), [])
    report = replay_all(failed_records, cast("Any", Answering()), Deadline.after(60))
    assert report.replayed + report.failed + report.foreign == len(("odd", "good"))
    assert set(queue.messages) <= {"odd"}
    assert queue.hidden == set()


def test_a_function_that_is_no_reader_of_a_stream_has_not_taken_records_in(
    queue: Queue, functions: Functions, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: Iterator[Json] = iter([{}, {"status": "success"}, None, [], "text", {"batchItemFailures": None}])
    monkeypatch.setitem(HANDLERS, "project", lambda *_: next(told))
    for number in range(6):
        queue.messages[str(number)] = json.dumps({**GOOD, "records": [RECORD]})
    assert replay({}, Context(60)) == answer_of(failed=6)
    assert functions.invoked == ["project"] * 6
    assert len(queue.messages) == 6


def passed_over(record: Event, function: str) -> str:
    return json.dumps(to_message(record, f"arn:aws:lambda:us-east-1:000000000000:function:{function}"))


def test_a_record_that_was_passed_over_is_replayed_whole(
    account: Account, relay: Relay, queue: Queue, functions: Functions, tables: Tables
) -> None:
    """Though no stream is asked for it: after 24 hours, too."""
    (segment,) = account.create(None)
    relay.drain()
    account.update((numbered(1), actions("ADD", segment)))
    (record,) = relay.reader.read()
    for name in ("publish", "project"):
        queue.messages[name] = passed_over(record, name)
    assert replay({}, Context(60)) == answer_of(replayed=2)
    assert (queue.messages, sorted(functions.invoked)) == ({}, ["project", "publish"])
    assert_projected(tables, account.account_id)
    assert len(relay.bus.details(account.account_id)) == 1


def test_a_record_that_can_never_be_read_is_set_aside(
    account: Account, relay: Relay, queue: Queue, functions: Functions
) -> None:
    (segment,) = account.create(None)
    relay.drain()
    account.update((numbered(1), actions("ADD", segment)))
    (record,) = json.loads(json.dumps(relay.reader.read()))
    record["dynamodb"]["NewImage"]["segment_ids"] = {"L": []}
    queue.messages["project"] = passed_over(record, "project")
    assert replay({}, Context(60)) == answer_of(unreadable=1)
    assert (queue.messages, functions.invoked) == ({}, ["project"])
    assert [body for body, _ in queue.set_aside] == [passed_over(record, "project")]
