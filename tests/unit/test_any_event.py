"""Whatever API Gateway hands on, each route answers in the API's shape, and never with a 5xx."""

import base64
import json
from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api_segments.accounts.authorizer import UnauthorizedByApiGateway
from api_segments.aws import clients
from api_segments.site.openapi import ROUTES
from functions.authorizer.app import handler as authorizer
from functions.dashboard import app as dashboard
from functions.dashboard.build_page import build
from tests.support.clock import MovableClock, system_time
from tests.support.events import Context, Event, body_of
from tests.support.headers import ACCOUNT, PASSCODE, event_with
from tests.support.routes import HANDLERS, HEADS, OF_THE_API, WITH_BODIES, Named, event_of, headers_of, send
from tests.support.served import Dropped
from tests.support.template import ROOT
from tests.support.uploads import profile

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

Json = Any

ACCOUNT_ID = "T-1"
UPDATE = ("POST", "/api/updateSegment")
KNOWN_GUID = "g1"
KNOWN_SEGMENT = "the id of the segment that is there"

characters = st.characters(exclude_categories=())
text = st.text(characters, max_size=40) | st.sampled_from(
    ["", "a", "GOLD", KNOWN_GUID, "1", "0", "-1", "1e3", "9" * 30]
)
ids = text | st.text(characters, min_size=250, max_size=260)
names = text | st.sampled_from(
    sorted({name for route in ROUTES for name, kind in route.parameters.items() if kind["in"] == "query"})
)
values = text | st.sampled_from(["active", "all", "2026-11", "0000-00", "1000", "1001", "GOLD", "a"])
queries = st.none() | st.dictionaries(names, values, max_size=3)
headers = st.dictionaries(
    text | st.sampled_from(["Idempotency-Key", "idempotency-key", "Content-Type", "If-None-Match", ACCOUNT]),
    text | st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=300),
    max_size=3,
)
scalars = st.none() | st.booleans() | st.integers() | st.floats() | text
fields = text | st.sampled_from(
    ["segment_name", "customer_segment_id", "d", "type", "profile", "token", "profileData", "tokenData", "identity"]
)
json_values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(fields, inner, max_size=3), max_leaves=10
)
creates = st.lists(
    st.fixed_dictionaries({"segment_name": scalars}, optional={"customer_segment_id": scalars}) | json_values,
    max_size=3,
)
uploads = st.fixed_dictionaries(
    {
        "d": st.lists(
            st.fixed_dictionaries(
                {},
                optional={
                    "identity": scalars,
                    "objectId": scalars,
                    "type": st.sampled_from(["profile", "token"]) | scalars,
                    "profileData": st.dictionaries(
                        st.sampled_from(["Email", "Phone", "MSG-email", "MSG-sms", "MSG-push"]) | text, scalars
                    )
                    | json_values,
                    "tokenData": st.fixed_dictionaries(
                        {},
                        optional={
                            "id": scalars,
                            "type": st.sampled_from(["fcm", "apns"]) | scalars,
                            "$remove": scalars,
                        },
                    )
                    | json_values,
                },
            ),
            max_size=3,
        )
    }
)
modes = st.sampled_from(["email", "sms", "webhook"]) | scalars
named = scalars | st.just({"customer_segment_id": "GOLD"}) | json_values
targets = st.fixed_dictionaries(
    {"target_mode": modes},
    optional={
        "segment": named,
        "segments": st.fixed_dictionaries({"include": st.lists(named, max_size=2)}, optional={"exclude": named})
        | scalars,
        "when": text | st.fixed_dictionaries({"type": st.just("event"), "segment": named, "action": st.just("ADD")}),
        "estimate_only": st.just(value=True),
        "content": st.dictionaries(st.sampled_from(["body", "subject"]) | text, text | scalars, max_size=2),
        "identity": scalars | st.just("a"),
    },
) | st.fixed_dictionaries(
    {}, optional={"id": scalars, "limit": scalars, "cursor": scalars, "from": scalars, "to": scalars}
)
bodies = st.one_of(
    st.none(),
    text,
    (json_values | creates | uploads | targets | st.fixed_dictionaries({"segment_name": scalars})).map(json.dumps),
    st.binary(max_size=100).map(lambda raw: base64.b64encode(raw).decode()),
)


# What is drawn for each example is made here, once: Hypothesis looks at every new strategy from the ground up.
known_parameters = {
    name: ids | st.just(known)
    for name, known in {
        "segment_id": KNOWN_SEGMENT,
        "import_id": "65f1b2c3d4e5f0a1b2c3d",
        "export_id": "65f1b2c3d4e5f0a1b2c3d",
        "identity": "a",
        "version": "v",
        "file": "docs.js",
        "token": "a",
    }.items()
}
no_bodies = st.none() | text
other_paths = st.none() | text


@st.composite
def requests(draw: st.DrawFn, route: Named, segment_id: str) -> Event:
    """Return a request for a route, any part of which may be anything."""
    _, resource = route
    parameters = {}
    for name, values_of in known_parameters.items():
        if f"{{{name}}}" in resource:
            value = draw(values_of)
            value = segment_id if value is KNOWN_SEGMENT else value
            encoded = quote(value, safe="", errors="surrogatepass")
            parameters[name] = encoded if draw(st.booleans()) else value  # the rest is what no client should send
    sent = draw(bodies if route in WITH_BODIES else no_bodies)
    event = event_of(ACCOUNT_ID, route, draw(queries), sent, draw(headers), **dict.fromkeys(parameters, ""))
    event["isBase64Encoded"] = draw(st.booleans())
    event["headers"] = event["headers"] if draw(st.booleans()) else None
    query = event["queryStringParameters"]
    if query and draw(st.booleans()):
        event["multiValueQueryStringParameters"] = {
            name: [value] * (2 if draw(st.booleans()) else 1) for name, value in query.items()
        }
    event["pathParameters"] = parameters or None
    event["path"] = resource.format(**parameters)
    other_path = draw(other_paths)
    event["requestContext"]["path"] = event["path"] if other_path is None else other_path
    return event


@pytest.fixture(autouse=True, scope="module")
def built_page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Let the function that serves the page find it, as `sam build` makes it."""
    site = tmp_path_factory.mktemp("dashboard") / "site"
    build(ROOT / "functions" / "dashboard" / "page", site)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dashboard, "SITE", site)
        dashboard._site.cache_clear()  # noqa: SLF001 - read once a process
        yield
    dashboard._site.cache_clear()  # noqa: SLF001 - as above


@pytest.fixture(autouse=True)
def clock() -> Iterator[MovableClock]:
    """The functions' clock: no segment is created at the moment of another, as each moment is one's id."""
    with system_time(MovableClock(tick=timedelta(milliseconds=1))) as movable:
        yield movable


@pytest.fixture
def known_segment(tables: "DynamoDBClient", monkeypatch: pytest.MonkeyPatch) -> str:
    """Leave a segment and a user for the examples to meet, and return the segment's id."""
    assert tables is not None
    create = ("POST", "/api/createSegment")
    body = [{"segment_name": "Gold", "customer_segment_id": "GOLD"}]
    _, created, _ = send(create, event_of(ACCOUNT_ID, create, None, body))
    upload = ("POST", "/1/upload")
    _, uploaded, _ = send(upload, event_of(ACCOUNT_ID, upload, None, {"d": [profile("a", KNOWN_GUID, Email="a@b.c")]}))
    assert (created["status"], uploaded["status"]) == ("success", "success")
    monkeypatch.setattr(clients, "stepfunctions_client", Dropped)
    return str(created["segments"][0]["id"])


@pytest.mark.parametrize("route", HANDLERS, ids=" ".join)
@given(data=st.data())
def test_any_request_is_answered(known_segment: str, route: Named, data: st.DataObject) -> None:
    event = data.draw(requests(route, known_segment))
    answer = HANDLERS[route](event, Context())
    assert 200 <= answer["statusCode"] < 500
    assert headers_of(answer)["X-Request-Id"] == event["requestContext"]["requestId"]
    assert answer["body"].encode() is not None
    if route in HEADS:
        assert answer["body"] == ""
    elif headers_of(answer).get("Content-Type", "").startswith("text/html"):
        assert answer["body"].startswith("<!doctype html>")
    elif answer["statusCode"] >= 400:
        body = body_of(answer)
        if "processed" not in body:  # of a batch, nothing of which could be done
            assert body == {"status": "fail", "error": body["error"], "code": answer["statusCode"]}
            assert body["error"]
            assert body["error"].isprintable()
    elif route in OF_THE_API:
        assert body_of(answer)


@given(
    sent=st.dictionaries(
        text | st.sampled_from([ACCOUNT, PASSCODE, ACCOUNT.lower(), PASSCODE.upper()]),
        st.lists(text | st.just(ACCOUNT_ID), max_size=2),
        max_size=4,
    )
)
def test_any_headers_are_answered_with_a_401_unless_they_are_right(tables: "DynamoDBClient", sent: Json) -> None:
    assert tables is not None
    with pytest.raises(UnauthorizedByApiGateway):
        authorizer(event_with(sent), Context())


def test_every_route_of_the_description_is_among_them() -> None:
    assert set(OF_THE_API) <= set(HANDLERS)
    assert UPDATE in WITH_BODIES
