"""Every route of the API, and the handler that the template gives it."""

import json
from collections.abc import Callable, Mapping, Set
from functools import cache
from importlib import import_module
from typing import Any

from api_segments.site.openapi import ROUTES, document
from tests.support.events import Context, Event, body_of, without_body
from tests.support.template import resources

Json = Any
Handler = Callable[[Event, Any], Event]
Named = tuple[str, str]
"""A method and a resource, as `("GET", "/api/segments/{segment_id}")`."""


def _handlers() -> dict[Named, Handler]:
    return {
        (event["Properties"]["Method"], event["Properties"]["Path"]): import_module(
            f"{properties['CodeUri'].replace('/', '.')}.app"
        ).handler
        for properties in resources("AWS::Serverless::Function").values()
        for event in properties.get("Events", {}).values()
        if event["Type"] == "Api"
    }


HANDLERS = _handlers()
"""All that API Gateway hands on, the page's files too."""
PAGES = ("/", "/page/{version}/{file}", "/openapi.json", "/docs", "/docs/{file}", "/unsubscribe/{token}")
"""What people see in a browser; the API's description leaves it out."""
HEADS = tuple(route for route in HANDLERS if route[0] == "HEAD")
"""What monitors and scanners ask: a GET without its body."""
DEPLOYED_OF_THE_API = {route for route in HANDLERS if route[1] not in PAGES and route not in HEADS}
OF_THE_API: tuple[Named, ...] = tuple((route.method.upper(), route.path) for route in ROUTES)
"""What the API's description names."""
WITH_BODIES: tuple[Named, ...] = tuple((route.method.upper(), route.path) for route in ROUTES if route.body)


def event_of(
    account_id: str,
    route: Named,
    query: Mapping[str, str] | None = None,
    body: object = None,
    headers: Mapping[str, str] | None = None,
    /,
    **parameters: str,
) -> Event:
    """Return a request as API Gateway hands it on, for whom the authorizer named; a body of text is sent as it is."""
    method, resource = route
    event = without_body(account_id, method, resource, query, **parameters)
    event["body"] = body if body is None or isinstance(body, str) else json.dumps(body)
    event["headers"] = {**event["headers"], **(headers or {})}
    return event


def send(route: Named, event: Event, seconds: float = 28) -> tuple[int, Json, dict[str, str]]:
    """Hand a request to its handler; return status, body and headers."""
    answer = held(event, HANDLERS[route](event, Context(seconds)))
    return answer["statusCode"], body_of(answer), headers_of(answer)


def held(event: Event, answer: Event) -> Event:
    """Return an answer to a request, of a status that the API's description has."""
    route = event["httpMethod"], event["resource"]
    assert answer["statusCode"] in _statuses().get(route, {answer["statusCode"]}), (route, answer)
    return answer


@cache
def _statuses() -> Mapping[Named, Set[int]]:
    """Return the statuses that the API's description has for each of its routes."""
    return {
        (method.upper(), path): set(map(int, operation["responses"]))
        for path, methods in document("https://api.example.com")["paths"].items()
        for method, operation in methods.items()
    }


def headers_of(answer: Event) -> dict[str, str]:
    """Return an answer's headers, whichever way they are written."""
    several = {name: values[0] for name, values in answer.get("multiValueHeaders", {}).items()}
    return {**several, **answer.get("headers", {})}
