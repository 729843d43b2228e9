"""The functions' handlers and their SDK on a DynamoDB endpoint: AWS_ENDPOINT_URL_DYNAMODB, or the tests' own over HTTP.

What the tests' own was sent is written down, each distinct request once, for tests/conformance to replay.
"""

import json
import logging
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from io import StringIO
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import boto3
import pytest
from botocore.config import Config

from api_segments.aws import clients
from api_segments.aws.dynamodb import DynamoDB
from api_segments.aws.wiring import failed_records_queue
from api_segments.core.clock import SYSTEM_CLOCK
from api_segments.http import observability
from api_segments.memberships import wiring as memberships_wiring
from functions.create_segment.app import handler as create_segment
from functions.manage_segments.app import app as manage_segments_app
from functions.manage_segments.app import handler as manage_segments
from functions.profiles.app import handler as profiles
from functions.project_members.app import handler as project_members
from functions.publish_changes.app import handler as publish_changes
from functions.publish_segments.app import handler as publish_segments
from functions.purge_segment.app import handler as purge_segment
from functions.update_segment.app import handler as update_segment
from tests.integration.campaigning import Campaigning, Identities, Queues, Schedules
from tests.support.accounts import put_account
from tests.support.buckets import InMemoryS3
from tests.support.clock import MovableClock, system_time
from tests.support.dynamodb.control import running_stand_in
from tests.support.dynamodb.recording import RECORDING
from tests.support.event_schemas import assert_entry_described
from tests.support.events import Context, Event, body_of, with_body, without_body
from tests.support.faults import FaultyClient
from tests.support.relay import EventSourceMapping, StreamReader, StreamsClient
from tests.support.routes import held
from tests.support.served import Dropped
from tests.support.side_by_side import SideBySideResolver
from tests.support.state import Tables
from tests.support.tables import create_tables
from tests.support.waiting import PATIENCE_SECONDS
from tests.support.wired import forget_services
from tests.support.written import Written

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

Json = Any

SEGMENT = "/api/segments/{segment_id}"
PATIENT = Config(connect_timeout=PATIENCE_SECONDS, read_timeout=PATIENCE_SECONDS)
"""For a busy machine's emulator, which may be slower to answer than the product would wait for."""


@pytest.fixture(scope="session")
def endpoint() -> Iterator[str]:
    given = os.environ.get("AWS_ENDPOINT_URL_DYNAMODB")
    if given:
        yield given
        return
    RECORDING.parent.mkdir(parents=True, exist_ok=True)
    with running_stand_in(RECORDING) as stand_in:
        yield stand_in.url


@pytest.fixture(scope="module")
def environment(endpoint: str) -> Iterator[dict[str, str]]:
    """The functions' environment, with tables of the module's own: what a test reads whole stays small."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {
            "AWS_ENDPOINT_URL_DYNAMODB": endpoint,
            "AWS_ENDPOINT_URL_DYNAMODB_STREAMS": endpoint,
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "BUS_NAME": "test",
            "PURGE_QUEUE_URL": "https://sqs.test/purges",
            "RECONCILIATION_QUEUE_URL": "https://sqs.test/reconciliations",
            "FAILED_RECORDS_QUEUE_URL": "https://sqs.test/failed-records",
            "TRIGGER_QUEUE_URL": "https://sqs.test/triggers",
            "SET_ASIDE_RECORDS_QUEUE_URL": "https://sqs.test/set-aside-records",
            "CAMPAIGN_QUEUE_URL": "https://sqs.test/campaigns",
            "CAMPAIGN_QUEUE_ARN": "arn:aws:sqs:us-east-1:000000000000:campaigns",
            "CAMPAIGN_SCHEDULE_GROUP": "test",
            "SCHEDULER_ROLE_ARN": "arn:aws:iam::000000000000:role/scheduler",
            "CAMPAIGN_MESSAGES_PER_SECOND": "1000",
            "CAMPAIGN_DELAY_SECONDS": "0",
            "MESSAGE_QUEUE_URL": "https://sqs.test/messages",
            "MAIL_CONFIGURATION_SET": "test",
            "IMPORTS_BUCKET": "test",
            "IMPORT_WORKFLOW_ARN": "arn:aws:states:us-east-1:000000000000:stateMachine:imports",
            "IMPORT_ROWS_PER_SECOND": "1000",
            "IMPORT_DELAY_SECONDS": "2",
            "WEBHOOK_TEST_ORIGIN": "",
        }.items():
            patch.setenv(name, value)
        patch.setattr(clients, "CONFIG", clients.CONFIG.merge(PATIENT))
        patch.setattr(clients, "Config", lambda **given: Config(**given).merge(PATIENT))
        forget_services()
        client = boto3.client("dynamodb")
        tables = create_tables(client)
        for name, value in tables.items():
            patch.setenv(name, value)
        yield tables
        for name in tables.values():
            client.delete_table(TableName=name)
        forget_services()


@pytest.fixture
def passed_over(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The messages of what readers of streams pass over."""
    bodies: list[str] = []

    class Sqs:
        def send_message_batch(self, QueueUrl: str, Entries: list[dict[str, str]]) -> dict[str, Any]:  # noqa: N803 - boto3's own names
            assert QueueUrl.endswith("/failed-records")
            bodies.extend(entry["MessageBody"] for entry in Entries)
            return {}

    monkeypatch.setattr(clients, "sqs_client", Sqs)
    failed_records_queue.cache_clear()
    yield bodies
    failed_records_queue.cache_clear()


@pytest.fixture(scope="module")
def dynamodb(environment: dict[str, str]) -> "DynamoDBClient":
    assert environment
    return boto3.client("dynamodb")


@pytest.fixture(scope="module")
def tables(environment: dict[str, str], dynamodb: "DynamoDBClient") -> Tables:
    return Tables(dynamodb, environment)


@pytest.fixture
def faulty(environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Iterator[FaultyClient]:
    """Put a client between the product and the database that a test can make go wrong."""
    assert environment
    client = FaultyClient(clients.dynamodb_client())
    monkeypatch.setattr(clients, "dynamodb_client", lambda: client)
    forget_services()
    yield client
    forget_services()


@pytest.fixture
def side_by_side(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let threads stand for Lambda's processes: the metrics line and the router's state are one invocation's."""
    monkeypatch.setattr(manage_segments_app, "__class__", SideBySideResolver)
    monkeypatch.setattr(observability.metrics.provider, "add_metric", lambda **_: None)
    monkeypatch.setattr(observability.metrics.provider, "flush_metrics", lambda **_: None)


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Written:
    """Return what the functions write."""
    log = StringIO()
    for name in (observability.SERVICE, "api_segments"):
        for handler in logging.getLogger(name).handlers:
            if type(handler) is logging.StreamHandler:  # pytest adds others
                monkeypatch.setattr(handler, "stream", log)
    return Written(capsys, log)


@dataclass
class RecordingBus:
    """Stands in for EventBridge's client: keeps what it takes; `refuse` may turn entries away, or raise."""

    entries: list[Json] = field(default_factory=list)
    refuse: Callable[[Json], bool] = lambda _: False
    call_sizes: list[int] = field(default_factory=list)

    def put_events(self, Entries: list[Json]) -> Json:  # noqa: N803 - boto3's own name
        self.call_sizes.append(len(Entries))
        results = [
            {"ErrorCode": "ThrottlingException"} if self.refuse(entry) else {"EventId": "1"} for entry in Entries
        ]
        for entry in Entries:
            assert_entry_described(entry, json.loads(entry["Detail"]))
        self.entries += [entry for entry, result in zip(Entries, results, strict=True) if "EventId" in result]
        return {"FailedEntryCount": sum("ErrorCode" in result for result in results), "Entries": results}

    def details(self, account_id: str, *detail_types: str) -> list[Json]:
        """Return the details of an account's events of these types, in the order of their sequence."""
        wanted = detail_types or ("Segment Membership Change",)
        details = [json.loads(entry["Detail"]) for entry in self.entries if entry["DetailType"] in wanted]
        return sorted(
            (detail for detail in details if detail["Account ID"] == account_id),
            key=lambda detail: (detail["Sequence"], detail["Event ID"]),
        )


@pytest.fixture
def bus(monkeypatch: pytest.MonkeyPatch) -> Iterator[RecordingBus]:
    recording = RecordingBus()
    monkeypatch.setattr(clients, "events_client", lambda: recording)
    forget_services()
    yield recording
    forget_services()


@dataclass
class PurgeQueue:
    """Stands in for SQS's client: keeps what is put off, and feeds it to the purge."""

    waiting: list[Json] = field(default_factory=list)
    delays: list[int] = field(default_factory=list)

    def send_message(self, QueueUrl: str, MessageBody: str, DelaySeconds: int) -> None:  # noqa: N803 - boto3's own names
        assert QueueUrl == os.environ["PURGE_QUEUE_URL"]
        assert 0 <= DelaySeconds <= 900
        self.waiting.append(json.loads(MessageBody))
        self.delays.append(DelaySeconds)

    def deliver(self, seconds: float = 60) -> None:
        """Let the purge work on each message that waits now, for so many seconds an invocation."""
        messages, self.waiting = self.waiting, []
        for message in messages:
            purge_segment({"Records": [{"body": json.dumps(message)}]}, Context(seconds))


@pytest.fixture
def purges(monkeypatch: pytest.MonkeyPatch) -> Iterator[PurgeQueue]:
    queue = PurgeQueue()
    monkeypatch.setattr(clients, "sqs_client", lambda: queue)
    memberships_wiring.purge_queue.cache_clear()
    yield queue
    memberships_wiring.purge_queue.cache_clear()


@pytest.fixture(autouse=True)
def clock() -> Iterator[MovableClock]:
    """The functions' clock: no request has the moment of another, and all other time is a test's."""
    with system_time(MovableClock(tick=timedelta(milliseconds=1))) as movable:
        yield movable


@dataclass
class Relay:
    """The readers of the streams of Memberships and of Segments, fed by hand."""

    reader: StreamReader
    segments_reader: StreamReader
    bus: RecordingBus
    publisher: EventSourceMapping
    projector: EventSourceMapping
    segments_publisher: EventSourceMapping

    def drain(self) -> list[Event]:
        """Deliver everything written since the last time; return what was written to Memberships."""
        records = self.reader.read()
        self.publisher.deliver(records)
        self.projector.deliver(records)
        self.segments_publisher.deliver([record for record in self.segments_reader.read() if _is_of_segment(record)])
        return records

    def deletions(self) -> list[Json]:
        """Return the `Segment Deleted` events that have left, as a rule hands them on."""
        return [
            {"detail-type": entry["DetailType"], "detail": json.loads(entry["Detail"])}
            for entry in self.bus.entries
            if entry["DetailType"] == "Segment Deleted"
        ]


def _is_of_segment(record: Event) -> bool:
    """Do what the template's filter does (tests/unit/test_template.py holds it to this)."""
    sk = record["dynamodb"]["Keys"]["sk"]["S"]
    return record["eventName"] in ("INSERT", "MODIFY") and sk.startswith(("SEGMENT#", "DELETED#"))


def _stream_of(table: str, dynamodb: "DynamoDBClient") -> StreamReader:
    arn = dynamodb.describe_table(TableName=table)["Table"]["LatestStreamArn"]
    return StreamReader(StreamsClient(boto3.client("dynamodbstreams")), arn)


@pytest.fixture(scope="module")
def stream(environment: dict[str, str], dynamodb: "DynamoDBClient") -> StreamReader:
    return _stream_of(environment["MEMBERSHIPS_TABLE"], dynamodb)


@pytest.fixture(scope="module")
def segments_stream(environment: dict[str, str], dynamodb: "DynamoDBClient") -> StreamReader:
    return _stream_of(environment["SEGMENTS_TABLE"], dynamodb)


@pytest.fixture
def relay(stream: StreamReader, segments_stream: StreamReader, bus: RecordingBus) -> Relay:
    for each in (stream, segments_stream):
        each.read()  # what other tests have written
    handlers = (publish_changes, project_members, publish_segments)
    return Relay(stream, segments_stream, bus, *map(EventSourceMapping, handlers))


@dataclass(frozen=True)
class Account:
    """An account of a test's own, and the calls that it makes."""

    account_id: str

    def call(self, function: str, body: object, *, seconds: float = 28.0) -> tuple[int, Json]:
        handler = {"create_segment": create_segment, "update_segment": update_segment, "profiles": profiles}[function]
        event = with_body(function, self.account_id, body)
        answer = held(event, handler(event, Context(seconds)))
        return answer["statusCode"], body_of(answer)

    def create(self, *customer_segment_ids: str | None) -> list[int]:
        """Create segments, named by their index, and return their ids."""
        wanted = [
            {"segment_name": f"segment {index}", **({"customer_segment_id": wish} if wish else {})}
            for index, wish in enumerate(customer_segment_ids)
        ]
        status, answer = self.call("create_segment", wanted)
        assert (status, answer["status"]) == (200, "success"), answer
        return [segment["id"] for segment in answer["segments"]]

    def update(self, *groups: tuple[list[Json], list[Json]]) -> Json:
        """Send an update of (users, segments) groups and return its answer."""
        status, answer = self.call(
            "update_segment", {"bulk_profiles": [{"user_profiles": users, "segments": segs} for users, segs in groups]}
        )
        assert status == 200, answer
        return answer

    def manage(
        self,
        method: str,
        resource: str,
        query: Mapping[str, str] | None = None,
        body: object = None,
        **parameters: str,
    ) -> tuple[int, Json]:
        """Call `manage_segments`; a body is sent as JSON, text as it is."""
        event = without_body(self.account_id, method, resource, query, **parameters)
        if body is not None:
            event["body"] = body if isinstance(body, str) else json.dumps(body)
        answer = held(event, manage_segments(event, Context()))
        return answer["statusCode"], body_of(answer)

    def get(self, resource: str, **parameters: str) -> tuple[int, Json]:
        return self.manage("GET", resource, None, None, **parameters)

    def usage(self, **query: str) -> tuple[int, Json]:
        return self.manage("GET", "/api/usage", query)

    def erase(self, identity: str) -> tuple[int, Json]:
        return self.manage("DELETE", "/api/profiles/{identity}", identity=identity)

    def listed(self, **query: str) -> Json:
        """Return one page of the list of segments."""
        status, answer = self.manage("GET", "/api/segments", query)
        assert status == 200, answer
        return answer

    def rename(self, segment_id: int, name: str) -> tuple[int, Json]:
        return self.manage("PATCH", SEGMENT, body={"segment_name": name}, segment_id=str(segment_id))

    def delete(self, segment_id: int) -> tuple[int, Json]:
        return self.manage("DELETE", SEGMENT, segment_id=str(segment_id))

    def upload(self, *records: Json) -> Json:
        """Upload records and return the answer."""
        status, answer = self.call("profiles", {"d": list(records)})
        assert status == 200, answer
        return answer

    def dry_run(self, *records: Json, value: str = "1") -> Json:
        """Have records checked as an upload would check them, and return the answer."""
        event = with_body("profiles", self.account_id, {"d": list(records)})
        event["queryStringParameters"] = {"dryRun": value}
        answer = profiles(event, Context())
        assert answer["statusCode"] == 200, answer
        return body_of(answer)

    def profile(self, **query: str) -> tuple[int, Json]:
        """Look a profile up by `identity` or `guid`."""
        answer = profiles(without_body(self.account_id, "GET", "/1/profile.json", query), Context())
        return answer["statusCode"], body_of(answer)

    def find(self, **query: str) -> tuple[int, Json]:
        """Find profiles by `email` or `phone`."""
        answer = profiles(without_body(self.account_id, "GET", "/api/profiles", query), Context())
        return answer["statusCode"], body_of(answer)

    def suppressions(self, method: str, **query: str) -> tuple[int, Json]:
        """Read (GET), put (PUT) or lift (DELETE) what is on the suppression list."""
        answer = profiles(without_body(self.account_id, method, "/api/suppressions", query), Context())
        return answer["statusCode"], body_of(answer)

    def reachable(self, segment_id: int) -> dict[str, int]:
        """Return the members of a segment by channel, channels that reach nobody left out."""
        status, answer = self.get("/api/segments/{segment_id}", segment_id=str(segment_id))
        assert status == 200, answer
        return {channel: figure for channel, figure in answer["reachable"].items() if figure}

    def segments_of(self, identity: str) -> set[int]:
        status, answer = self.get("/api/profiles/{identity}/segments", identity=identity)
        assert status == 200, answer
        return {segment["id"] for segment in answer["segments"]}

    def members(self, segment_id: int) -> int:
        status, answer = self.get("/api/segments/{segment_id}", segment_id=str(segment_id))
        assert status == 200, answer
        members: int = answer["members"]
        return members


@pytest.fixture
def new_account(environment: dict[str, str]) -> Callable[[], Account]:
    assert environment
    return lambda: Account(f"T-{uuid4().hex[:12]}")


@pytest.fixture
def account(new_account: Callable[[], Account]) -> Account:
    return new_account()


@pytest.fixture
def files(monkeypatch: pytest.MonkeyPatch) -> Iterator[InMemoryS3]:
    """Give the functions of imports a bucket, and a state machine that runs nothing."""
    bucket = InMemoryS3()
    monkeypatch.setattr(clients, "s3_client", lambda: bucket)
    monkeypatch.setattr(clients, "stepfunctions_client", Dropped)
    forget_services()
    yield bucket
    forget_services()


@pytest.fixture
def campaigning(account: Account, bus: RecordingBus, monkeypatch: pytest.MonkeyPatch) -> Iterator[Campaigning]:
    """An account that makes campaigns."""
    assert bus.entries == []
    put_account(DynamoDB(boto3.client("dynamodb")), os.environ["ACCOUNTS_TABLE"], account.account_id, SYSTEM_CLOCK)
    queues, schedules, identities = Queues(), Schedules(), Identities()
    monkeypatch.setattr(clients, "sqs_client", lambda: queues)
    monkeypatch.setattr(clients, "scheduler_client", lambda: schedules)
    monkeypatch.setattr(clients, "sesv2_client", lambda: identities)
    forget_services()
    yield Campaigning(account, queues, schedules, identities)
    forget_services()
