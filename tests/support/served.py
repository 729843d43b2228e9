"""The API over WSGI, in this process: API Gateway's part is played here, the product has tables in memory.

A client reaches it by HTTP (`serving`) or directly, as schemathesis does. What leaves for other services is dropped.
"""

import base64
import json
import os
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from threading import Thread
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import parse_qsl, unquote

import pytest
from werkzeug.serving import WSGIRequestHandler, make_server

from api_segments.accounts.authorizer import UnauthorizedByApiGateway
from api_segments.aws import clients
from api_segments.core.clock import Deadline
from api_segments.core.settings import Settings
from api_segments.imports import tasks
from api_segments.imports import wiring as imports
from functions.accounts.app import handler as accounts
from functions.authorizer.app import handler as authorizer
from functions.project_members.app import handler as project_members
from tests.support.buckets import InMemoryS3
from tests.support.dynamodb import InMemoryDynamoDB
from tests.support.events import Context, Event, without_body
from tests.support.headers import ACCOUNT, PASSCODE, authorizer_event
from tests.support.relay import EventSourceMapping, StreamReader, StreamsClient
from tests.support.routes import HANDLERS, Named, headers_of
from tests.support.tables import create_tables
from tests.support.template import resources
from tests.support.wired import forget_services
from tests.support.workflows import Machine

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication
    from types_boto3_dynamodb import DynamoDBClient
    from types_boto3_dynamodbstreams import DynamoDBStreamsClient

Environ = dict[str, Any]
RESPONSES = resources("AWS::Serverless::Api")["Api"]["GatewayResponses"]
OPEN = {("GET", "/openapi.json"), ("GET", "/docs"), ("GET", "/docs/{file}"), ("GET", "/health")}
StartResponse = Callable[[str, list[tuple[str, str]]], object]


class Dropped:
    """Stands for any other service: takes whatever it is asked, and answers that nothing failed."""

    def __getattr__(self, _: str) -> Callable[..., dict[str, Any]]:
        return lambda **_: {"FailedEntryCount": 0}


class UploadingS3(InMemoryS3):
    """A bucket to which a file comes as soon as its link is signed: nobody here follows links to other services."""

    def generate_presigned_url(self, operation: str, Params: dict[str, Any], ExpiresIn: int) -> str:  # noqa: N803 - boto3's own names
        if operation == "put_object":
            self.put_object(Params["Bucket"], Params["Key"], b"identity\nCT123456\n")
        return super().generate_presigned_url(operation, Params, ExpiresIn)


class InstantExecutions:
    """Step Functions, where an execution has ended when its start is answered."""

    def start_execution(self, name: str, input: str, **_: Any) -> dict[str, Any]:  # noqa: A002 - boto3's own name
        assert name
        Machine("ImportWorkflow", _invoke, lambda _: None, lambda runs, _: [run() for run in runs]).run(
            json.loads(input)
        )
        return {}

    def stop_execution(self, **_: Any) -> dict[str, Any]:
        return {}


def _invoke(function: str, task: Any, seconds: float) -> Any:
    """Take a step as its function does, whose metrics would be written into those of the request here."""
    deadline = Deadline.after(seconds)
    if task["step"] == "export":
        imports.exporting().write(task["account_id"], task["import_id"], deadline)
        return {}
    if function == "ReadImportFunction":
        return tasks.read(imports.reading(), task, deadline)
    return tasks.apply(imports.applying(), task, deadline)


@dataclass
class Served:
    """The API, and an account to use it with; `answered` counts the answers by route and status."""

    account_id: str
    passcode: str
    _members: StreamReader
    _projector: EventSourceMapping
    answered: Counter[tuple[Named, int]]

    @property
    def headers(self) -> dict[str, str]:
        """The two headers of the account."""
        return {ACCOUNT: self.account_id, PASSCODE: self.passcode}

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Serve one request; member lists have followed when the answer goes out."""
        route, parameters = _route_of(environ)
        if route is None:
            return _by_api_gateway(start_response, "MISSING_AUTHENTICATION_TOKEN")
        event = _event(environ, route, parameters)
        if route not in OPEN:
            sent = [environ.get(f"HTTP_{name.upper().replace('-', '_')}", "") for name in (ACCOUNT, PASSCODE)]
            try:
                event["requestContext"]["authorizer"] = authorizer(authorizer_event(*sent), Context())["context"]
            except UnauthorizedByApiGateway:
                return _by_api_gateway(start_response, "UNAUTHORIZED")
        answer = HANDLERS[route](event, Context())
        self._projector.deliver(self._members.read())
        self.answered[route, answer["statusCode"]] += 1
        return _answer(start_response, answer["statusCode"], headers_of(answer), answer["body"])


@contextmanager
def served_api(bucket: InMemoryS3 | None = None) -> Iterator[Served]:
    """Serve the API with empty tables and one account that may do all; files come and go by the links of `bucket`."""
    with pytest.MonkeyPatch.context() as patch:
        for name in Settings.__dataclass_fields__:
            patch.setenv(name.upper(), f"served-{name}")
        patch.setenv("CAMPAIGN_QUEUE_ARN", "arn:aws:sqs:us-east-1:000000000000:campaigns")
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        database = InMemoryDynamoDB()
        for name, table in create_tables(cast("DynamoDBClient", database)).items():
            patch.setenv(name, table)
        for name in ("dynamodb_client", "retrying_dynamodb_client"):
            patch.setattr(clients, name, lambda: database)
        s3 = bucket or UploadingS3()
        patch.setattr(clients, "s3_client", lambda: s3)
        patch.setattr(clients, "stepfunctions_client", InstantExecutions)
        patch.setenv("IMPORT_DELAY_SECONDS", "2")
        patch.setenv("IMPORT_ROWS_PER_SECOND", "1000")
        for name in ("events_client", "sqs_client", "scheduler_client", "sesv2_client", "sns_client", "lambda_client"):
            patch.setattr(clients, name, Dropped)
        forget_services()
        asked = {"operation": "create_account", "name": "Served", "plan": "Advanced", "private_beta": True}
        made = accounts(asked, Context())
        account_id = made["account"]["account_id"]
        to = {"type": "phone", "address": "+12025550123"}
        accounts({"operation": "add_test_recipient", "account_id": account_id, **to}, Context())
        members = StreamReader(StreamsClient(cast("DynamoDBStreamsClient", database)), _stream_of(database))
        yield Served(
            account_id,
            made["passcode"]["passcode"],
            members,
            EventSourceMapping(project_members),
            Counter(),
        )
    forget_services()


def _stream_of(database: InMemoryDynamoDB) -> str:
    arn: str = database.describe_table(TableName=os.environ["MEMBERSHIPS_TABLE"])["Table"]["LatestStreamArn"]
    return arn


@contextmanager
def serving(api: Served) -> Iterator[str]:
    """Serve the API on the loopback, one request after the other; yield its address."""
    server = make_server("127.0.0.1", 0, cast("WSGIApplication", api), request_handler=_Quiet)
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Quiet(WSGIRequestHandler):
    def log_request(self, *_: object) -> None:
        """Leave the requests out of the output."""


def _route_of(environ: Environ) -> tuple[Named | None, dict[str, str]]:
    """Return the route of a request, and the parameters of its path as they were sent."""
    path = str(environ["REQUEST_URI"]).partition("?")[0]
    for method, resource in HANDLERS:
        found = re.fullmatch(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", resource.replace(".", "[.]")), path)
        if found and method == environ["REQUEST_METHOD"]:
            return (method, resource), found.groupdict()
    return None, {}


def _event(environ: Environ, route: Named, parameters: dict[str, str]) -> Event:
    event = without_body("", *route, None, **{name: unquote(value) for name, value in parameters.items()})
    event["requestContext"] |= {"domainName": "api.example.com", "path": event["path"]}
    given = parse_qsl(environ.get("QUERY_STRING", ""), keep_blank_values=True, encoding="utf-8", errors="replace")
    several: dict[str, list[str]] = {}
    for name, value in given:
        several.setdefault(name, []).append(value)
    headers = {
        name.removeprefix("HTTP_").replace("_", "-").title(): value
        for name, value in environ.items()
        if name.startswith("HTTP_") or name == "CONTENT_TYPE"
    }
    body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    return event | {
        "queryStringParameters": {name: values[-1] for name, values in several.items()} or None,
        "multiValueQueryStringParameters": several or None,
        "headers": headers,
        "multiValueHeaders": {name: [value] for name, value in headers.items()},
        "body": base64.b64encode(body).decode() if body else None,
        "isBase64Encoded": bool(body),
    }


def _by_api_gateway(start_response: StartResponse, name: str) -> Iterable[bytes]:
    """Answer what template.yaml has API Gateway answer by itself."""
    response = RESPONSES[name]
    return _answer(start_response, response["StatusCode"], {}, response["ResponseTemplates"]["application/json"])


def _answer(start_response: StartResponse, status: int, headers: Mapping[str, str], body: str) -> Iterable[bytes]:
    sent = body.encode("utf-8", "surrogatepass")
    all_headers = {"Content-Type": "application/json", **headers, "Content-Length": str(len(sent))}
    start_response(f"{status} {HTTPStatus(status).phrase}", list(all_headers.items()))
    return [sent]
