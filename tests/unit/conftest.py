"""The functions as Lambda finds them: their environment set, their caches empty; and no network."""

import base64
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import pytest

from api_segments.aws import clients
from api_segments.core.settings import Settings
from api_segments.memberships import wiring as memberships_wiring
from api_segments.memberships.model import UpdateResult
from api_segments.segments import wiring as segments_wiring
from api_segments.segments.creation import Creation
from functions.create_segment.app import handler as create_segment
from functions.update_segment.app import handler as update_segment
from tests.support.bodies import ADD
from tests.support.clock import MovableClock, system_time
from tests.support.dynamodb import InMemoryDynamoDB
from tests.support.events import Context, Event, body_of, with_body
from tests.support.tables import create_tables
from tests.support.wired import forget_services

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

Json = Any
LONGEST_USER = 4096
CREATE, UPDATE = "create_segment", "update_segment"
HANDLERS: dict[str, Callable[[Event, Any], Event]] = {CREATE: create_segment, UPDATE: update_segment}


@pytest.fixture(autouse=True)
def function_environment(monkeypatch: pytest.MonkeyPatch, socket_disabled: None) -> Iterator[None]:
    assert socket_disabled is None
    for name in Settings.__dataclass_fields__:
        monkeypatch.setenv(name.upper(), f"unit-test-{name}")
    monkeypatch.setenv("CAMPAIGN_QUEUE_ARN", "arn:aws:sqs:us-east-1:000000000000:campaigns")
    monkeypatch.setenv("IMPORT_DELAY_SECONDS", "30")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_DYNAMODB"):
        monkeypatch.delenv(name, raising=False)
    clear_caches()
    yield
    clear_caches()


def clear_caches() -> None:
    forget_services()
    for member in list(vars(clients).values()):
        if hasattr(member, "cache_clear"):
            member.cache_clear()


@pytest.fixture(autouse=True)
def clock() -> Iterator[MovableClock]:
    """The functions' clock."""
    with system_time(MovableClock()) as movable:
        yield movable


@pytest.fixture
def tables(monkeypatch: pytest.MonkeyPatch) -> "DynamoDBClient":
    """The template's tables, empty, in the tests' own DynamoDB; no other tables are there."""
    dynamodb = cast("DynamoDBClient", InMemoryDynamoDB())
    for name, table in create_tables(dynamodb).items():
        monkeypatch.setenv(name, table)
    monkeypatch.setattr(clients, "dynamodb_client", lambda: dynamodb)
    return dynamodb


class RecordingServices:
    """Stands in for the services behind the two batch calls: takes anything, changes nothing, notes each call."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, Any]] = []

    def create(self, *arguments: Any) -> Creation:
        self.calls.append(("create", arguments))
        return Creation({}, dict(arguments[1].refused))

    def update(self, *arguments: Any) -> UpdateResult:
        self.calls.append(("update", arguments))
        return UpdateResult()

    def keep(self, *arguments: Any) -> None:
        self.calls.append(("keep", arguments))


@dataclass
class Api:
    """The two batch calls, with services that only take notes."""

    services: RecordingServices

    def post(self, function: str, body: Json, *, raw: bytes | None = None, **account: Any) -> tuple[int, Json]:
        event = with_body(function, "T-1", body, **account)
        if raw is not None:
            event |= {"body": base64.b64encode(raw).decode(), "isBase64Encoded": True}
        return self.send(function, event)

    def send(self, function: str, event: Event) -> tuple[int, Json]:
        answer = HANDLERS[function](event, Context())
        assert answer["headers"]["X-Request-Id"] == event["requestContext"]["requestId"]
        assert answer["headers"]["Content-Type"] == "application/json"
        assert answer["body"].encode()
        return answer["statusCode"], body_of(answer)

    def refuses(self, function: str, body: Json, error: str, *, code: int = 400, raw: bytes | None = None) -> None:
        status, answer = self.post(function, body, raw=raw)
        assert (status, answer) == (code, {"status": "fail", "error": error, "code": code})
        assert self.services.calls == []

    def rejects_entry(self, entry: Json, error: str) -> None:
        """Ask for one segment whose entry can't be read: it is told, and none is asked of the service for it."""
        status, answer = self.post(CREATE, [entry])
        failed = {"status": "fail", "code": 400, "error": error, "record": entry}
        assert (status, answer) == (200, {"status": "fail", "processed": 0, "segments": [], "unprocessed": [failed]})
        ((name, (_, asked, *_)),) = self.services.calls
        assert (name, asked.sent, asked.entries, list(asked.refused)) == ("create", [entry], {}, [0])
        self.services.calls.clear()

    def rejects(self, user: Json, error: str) -> None:
        """Ask for one user who can't be read: they are told, and nothing is asked of the service for them."""
        status, answer = self.post(UPDATE, {"bulk_profiles": [{"user_profiles": [user], "segments": [ADD]}]})
        record: Json = {"user_profiles": [user], "segments": [ADD]}
        if len(json.dumps(user)) > LONGEST_USER:
            record = {"bulk_profiles": 0, "user_profiles": 0}
        failed = {"status": "fail", "code": 400, "error": f"bulk_profiles[0].user_profiles[0]{error}", "record": record}
        summary = {"added": 0, "removed": 0, "unchanged": 0, "profiles_created": 0}
        assert (status, answer) == (
            200,
            {"status": "fail", "processed": 0, "summary": summary, "unprocessed": [failed]},
        )
        (_, (_, groups, _)), (name, (_, _, kept, _)) = self.services.calls
        assert ([group.users for group in groups], name, len(kept)) == ([[]], "keep", 1)
        self.services.calls.clear()


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Api:
    services = RecordingServices()
    monkeypatch.setattr(segments_wiring, "segments", lambda: services)
    monkeypatch.setattr(memberships_wiring, "updates", lambda: services)
    monkeypatch.setattr(memberships_wiring, "error_stream", lambda: services)
    return Api(services)
