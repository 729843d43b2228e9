"""What a request says and we do not know is refused by its name, on every route; so is a body that can't be read."""

import base64
import gzip
import json
from typing import Any

import pytest

from api_segments.site.openapi import ROUTES
from tests.support.events import Context
from tests.support.routes import HANDLERS, HEADS, OF_THE_API, WITH_BODIES, Named, event_of, headers_of, send

Json = Any
PATH = {"segment_id": "1763901234567890", "import_id": "65f1b2c3d4e5f0a1b2c3d", "identity": "CT123456"}
QUERIES = {
    (route.method.upper(), route.path): [name for name, kind in route.parameters.items() if kind["in"] == "query"]
    for route in ROUTES
}
BODIES = {(route.method.upper(), route.path): route.body_example for route in ROUTES if route.body}
OPENAPI = ("GET", "/openapi.json")
HEALTH = ("GET", "/health")
ASKED_FOR_SOMETHING = [route for route in OF_THE_API if route != HEALTH]
WITHOUT_BODIES = [route for route in ASKED_FOR_SOMETHING if route not in WITH_BODIES]


def asked(route: Named, query: dict[str, str] | None = None, body: Json = None, **headers: str) -> Json:
    parameters = {name: value for name, value in PATH.items() if f"{{{name}}}" in route[1]}
    return event_of("T-1", route, query, body, headers, **parameters)


def refused(route: Named, event: Json, error: str, code: int = 400) -> None:
    status, answer, _ = send(route, event)
    assert (status, answer) == (code, {"status": "fail", "error": error, "code": code})


@pytest.mark.parametrize("route", [*ASKED_FOR_SOMETHING, OPENAPI], ids=" ".join)
def test_an_unknown_parameter_is_refused_by_its_name(route: Named) -> None:
    body = BODIES.get(route)
    refused(route, asked(route, {"dry-run": "1"}, body), f"dry-run: unknown parameter{_hint(route)}")
    refused(route, asked(route, {"x\n": ""}, body), "x\\n: unknown parameter")


def test_health_lets_a_monitors_parameters_be() -> None:
    event = asked(HEALTH, {"x": "1"})
    event["multiValueQueryStringParameters"] = {"x": ["1", "1"]}
    assert send(HEALTH, event)[:2] == (200, {"status": "ok"})


def _hint(route: Named) -> str:
    return "; it is written dryRun" if "dryRun" in QUERIES.get(route, ()) else ""


@pytest.mark.parametrize("route", [*ASKED_FOR_SOMETHING, OPENAPI], ids=" ".join)
def test_a_parameter_given_twice_is_refused_by_its_name(route: Named) -> None:
    for name in (*QUERIES.get(route, ()), "other"):
        event = asked(route, {name: "2"}, BODIES.get(route))
        event["multiValueQueryStringParameters"] = {name: ["1", "2"]}
        refused(route, event, f"{name}: is given more than once")


@pytest.mark.parametrize(("route", "name"), [(route, name) for route in QUERIES for name in QUERIES[route]])
def test_a_parameter_that_looks_like_ours_is_refused_with_the_right_name(route: Named, name: str) -> None:
    for wrong in (name.upper(), f"{name} ", name.replace("_", "-") + "-"):
        error = f"{wrong}: unknown parameter; it is written {name}"
        refused(route, asked(route, {wrong: "1"}, BODIES.get(route)), error)


@pytest.mark.parametrize("route", WITHOUT_BODIES, ids=" ".join)
def test_a_call_without_a_body_refuses_what_a_body_asks_for(route: Named) -> None:
    refused(route, asked(route, None, {"dryRun": True}), "dryRun: unknown field")
    refused(route, asked(route, None, "[1]"), "body: this call takes none")
    refused(route, asked(route, None, "x"), "body: not JSON: Expecting value at line 1 column 1")


@pytest.mark.parametrize("route", WITH_BODIES, ids=" ".join)
def test_a_body_of_another_charset_is_refused(route: Named) -> None:
    for charset in ("iso-8859-1", '"latin1"', "utf-16", "utf8mb4"):
        headers = {"content-type": f"application/json; charset={charset}"}
        named = charset.strip('"')
        error = f"Content-Type: charset must be utf-8, is {named}"
        refused(route, asked(route, None, BODIES[route], **headers), error, 415)


@pytest.mark.parametrize("route", WITH_BODIES, ids=" ".join)
@pytest.mark.parametrize("coding", ["gzip", "br", "zstd"])
def test_a_body_that_is_still_compressed_is_refused(route: Named, coding: str) -> None:
    error = f"Content-Encoding: a body in {coding} can't be taken apart; send it in gzip or deflate, or as it is"
    packed = gzip.compress(json.dumps(BODIES[route]).encode())
    if coding != "gzip":
        packed = b"\x28" + packed[1:]
    event = asked(route, None, packed.decode(errors="replace"), **{"Content-Encoding": coding})
    refused(route, event, error, 415)
    event |= {"body": base64.b64encode(packed).decode(), "isBase64Encoded": True}
    refused(route, event, error, 415)
    if coding == "gzip":
        event["headers"] = {}
        refused(route, event, error, 415)


CREATE = ("POST", "/api/createSegment")


@pytest.mark.parametrize(
    "headers",
    [
        {"content-type": "application/json; charset=UTF-8"},
        {"content-type": "application/json;charset=utf8"},
        {"content-type": 'text/plain; charset="us-ascii"'},
        {"content-type": "application/x-www-form-urlencoded"},
        {"content-encoding": "identity"},
        {"content-encoding": "gzip"},  # API Gateway has taken it apart and left the header
        {},
    ],
)
def test_a_body_is_json_whatever_its_type_says(headers: dict[str, str]) -> None:
    refused(CREATE, asked(CREATE, None, [1], **headers), "[0]: must be an object")


def test_head_is_answered_where_a_get_without_headers_is() -> None:
    open_gets = {"/", "/docs", "/openapi.json", "/health", "/unsubscribe/{token}"}
    assert {path for _, path in HEADS} == open_gets


@pytest.mark.parametrize("path", ["/docs", "/openapi.json", "/health", "/unsubscribe/{token}"])
@pytest.mark.usefixtures("tables")
def test_a_head_is_the_get_without_its_body(path: str) -> None:
    parameters = {"token": "none"} if "{token}" in path else {}
    get, head = (
        HANDLERS[method, path](event_of("T-1", (method, path), None, None, {}, **parameters), Context())
        for method in ("GET", "HEAD")
    )
    assert (get["statusCode"], headers_of(get)) == (head["statusCode"], headers_of(head))
    assert get["statusCode"] == (404 if parameters else 200)
    assert (head["body"], bool(get["body"])) == ("", True)
