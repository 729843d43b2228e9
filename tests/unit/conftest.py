"""The functions as Lambda finds them: their environment set, their caches empty; and no network."""

import base64
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from moto import mock_aws

from functions.create_segment.app import handler as create_segment
from functions.update_segment.app import handler as update_segment
from segments import clients
from segments.edge import wiring
from segments.model import UpdateResult
from segments.services.segments import CreateResult
from segments.settings import Settings
from tests.support.events import Context, Event, body_of, with_body
from tests.support.tables import create_tables

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

Json = Any
CREATE, UPDATE = "create_segment", "update_segment"
HANDLERS: dict[str, Callable[[Event, Any], Event]] = {CREATE: create_segment, UPDATE: update_segment}


@pytest.fixture(autouse=True)
def function_environment(monkeypatch: pytest.MonkeyPatch, socket_disabled: None) -> Iterator[None]:
    assert socket_disabled is None
    for name in Settings.model_fields:
        monkeypatch.setenv(name.upper(), f"unit-test-{name}")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_DYNAMODB"):
        monkeypatch.delenv(name, raising=False)
    clear_caches()
    yield
    clear_caches()


def clear_caches() -> None:
    for module in (clients, wiring):
        for member in list(vars(module).values()):
            if hasattr(member, "cache_clear"):
                member.cache_clear()


@pytest.fixture
def tables(function_environment: None, monkeypatch: pytest.MonkeyPatch) -> Iterator["DynamoDBClient"]:
    """The template's tables in moto, which is right about plain gets, puts and conditions."""
    assert function_environment is None
    with mock_aws():
        client = boto3.client("dynamodb")
        for name, table in create_tables(client).items():
            monkeypatch.setenv(name, table)
        yield client


class RecordingService:
    """Stands in for a service: any of its methods notes that it was called, and with what."""

    def __init__(self, **answers: Any) -> None:
        self.calls: list[tuple[str, Any]] = []
        self._answers = answers

    def __getattr__(self, name: str) -> Any:
        def method(*arguments: Any) -> Any:
            self.calls.append((name, arguments))
            return self._answers[name]

        return method


@dataclass
class Api:
    """The two batch calls, with services that only take notes."""

    services: RecordingService

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


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Api:
    services = RecordingService(create=CreateResult({}, {}), update=UpdateResult(), keep_rejections=None)
    monkeypatch.setattr(wiring, "segments", lambda: services)
    monkeypatch.setattr(wiring, "updates", lambda: services)
    return Api(services)
