"""Lambda events: the samples of events/, and small builders on top of them."""

import json
from collections.abc import Mapping
from copy import deepcopy
from typing import Any
from urllib.parse import quote

from tests.support.template import ROOT

Event = dict[str, Any]


class Context:
    """What Lambda tells a function about its invocation."""

    function_name = "test"
    function_version = "$LATEST"
    memory_limit_in_mb = 1024
    invoked_function_arn = "arn:aws:lambda:us-east-1:000000000000:function:test"
    aws_request_id = "00000000-0000-4000-8000-000000000000"
    log_group_name = "/aws/lambda/test"
    log_stream_name = "test"

    def __init__(self, seconds: float = 28.0) -> None:
        self._seconds = seconds

    def get_remaining_time_in_millis(self) -> int:
        return int(self._seconds * 1000)


def sample(function: str) -> Event:
    """Return events/<function>.json."""
    event: Event = json.loads((ROOT / "events" / f"{function}.json").read_text())
    return event


def with_body(function: str, account_id: str, body: object, *, plan: str = "Advanced", beta: bool = True) -> Event:
    """Return the function's sample with another account and body; a str or None is sent as it is."""
    event = deepcopy(sample(function))
    event["body"] = body if isinstance(body, str) or body is None else json.dumps(body)
    event["requestContext"]["authorizer"] = {
        "account_id": account_id,
        "plan": plan,
        "private_beta": "true" if beta else "false",
        "principalId": account_id,
    }
    return event


def without_body(
    account_id: str, method: str, resource: str, query: Mapping[str, str] | None = None, /, **parameters: str
) -> Event:
    """Return a call of `resource` (`/api/segments/{segment_id}`); parameters are percent-encoded, as clients do."""
    event = with_body("manage_segments", account_id, None)
    event["httpMethod"] = method
    event["queryStringParameters"] = query
    encoded = {name: quote(value, safe="") for name, value in parameters.items()}
    event["resource"] = resource
    event["path"] = resource.format(**encoded)
    event["pathParameters"] = encoded or None
    return event


def body_of(answer: Event) -> Any:
    return json.loads(answer["body"])
