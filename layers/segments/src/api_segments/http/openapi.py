"""What each room's part of the API's description (OpenAPI 3.1) is made of: routes, errors by code, parameters."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from pydantic import TypeAdapter
from pydantic_core import CoreSchema

from api_segments.core.errors import WRONG_CREDENTIALS
from api_segments.core.limits import (
    BODY_LIMIT,
    CURSOR_HOURS,
    DEFAULT_PAGE,
    IDEMPOTENCY_HOURS,
    MAX_BODY_BYTES,
    MAX_IDEMPOTENCY_KEY_CHARACTERS,
    MAX_LIVE_CAMPAIGNS,
    MAX_PAGE,
    MAX_SEGMENT_ID,
)
from api_segments.http.described import SEGMENT_ID, Json
from api_segments.http.gateway import TRY_AGAIN
from api_segments.http.parameters import USER_NAMES

TEMPLATE = "#/components/schemas/{model}"
TEXT = {"$ref": TEMPLATE.format(model="Text")}

SEGMENTS, MEMBERS, IMPORTS, PROFILES, CAMPAIGNS, ACCOUNT, OTHER = (
    "Segments",
    "Members",
    "Imports",
    "Profiles",
    "Campaigns",
    "Account",
    "Other",
)
TAGS: Mapping[str, str] = {
    SEGMENTS: "Create segments, find them with their counts, rename and delete them.",
    MEMBERS: "Add users to segments and remove them, and see who is in one.",
    IMPORTS: "Files of users into segments: previewed, guarded, accounted, undone.",
    PROFILES: "What you tell of users: what makes them reachable, and what messages say.",
    CAMPAIGNS: "Personal messages to the users of segments, at a time or at each change of a membership.",
    ACCOUNT: "What was rejected, and what a month counted.",
    OTHER: "What needs no account.",
}
BODY_ERRORS = (HTTPStatus.BAD_REQUEST, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, HTTPStatus.UNSUPPORTED_MEDIA_TYPE)
OF_SEGMENT = (HTTPStatus.BAD_REQUEST, HTTPStatus.NOT_FOUND)
OF_ACTIVE_SEGMENT = (*OF_SEGMENT, HTTPStatus.GONE)


@dataclass(frozen=True)
class Link:
    """An operation that takes what an answer gave, in its parameters or its body, by OpenAPI's runtime expressions."""

    operation: str
    said: str
    parameters: Mapping[str, str] = field(default_factory=dict)
    body: object = None


@dataclass(frozen=True)
class Route:
    """One operation: what it takes, and what it answers with 200 and otherwise.

    `operation` is what generated clients call it. A batch, of which nothing could be written, may be answered in its
    own shape with 429 and 503 too.
    """

    operation: str
    method: str
    path: str
    tag: str
    summary: str
    answer: Any  # a type
    example: object
    description: str
    parameters: Mapping[str, Json] = field(default_factory=dict)
    body: TypeAdapter[Any] | CoreSchema | None = None
    body_example: object = None
    errors: Sequence[HTTPStatus] = (HTTPStatus.BAD_REQUEST,)
    takes_no_body_too: bool = False
    is_open: bool = False
    is_batch: bool = False
    links: Sequence[Link] = ()


# What an error of each code says, by example.
ERRORS: Mapping[HTTPStatus, tuple[str, str]] = {
    HTTPStatus.BAD_REQUEST: (
        "Malformed, wrong type, too many, too long; nothing was changed",
        "bulk_profiles[3].segments[0].action: must be 'ADD' or 'REMOVE'",
    ),
    HTTPStatus.UNAUTHORIZED: (
        "Unknown account or wrong passcode",
        WRONG_CREDENTIALS,
    ),
    HTTPStatus.FORBIDDEN: (
        "The account is disabled, or its plan lacks API Segments",
        "API Segments need the plan Advanced or Cutting Edge; this account is on Essentials",
    ),
    HTTPStatus.NOT_FOUND: (
        "No such segment, profile, import or route in this account",
        f"there is no segment {SEGMENT_ID}",
    ),
    HTTPStatus.CONFLICT: (
        "The idempotency key came with another body or its first request still runs, or the state does not allow it",
        "Idempotency-Key: was used with another body",
    ),
    HTTPStatus.GONE: ("The segment was deleted", f"segment {SEGMENT_ID} was deleted"),
    HTTPStatus.UNPROCESSABLE_ENTITY: (
        "The account has as many campaigns scheduled and running as there may be",
        f"the account has {MAX_LIVE_CAMPAIGNS} scheduled and running campaigns, the most there may be",
    ),
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: (
        "The body is not in UTF-8, or compressed in a way that can't be taken apart",
        "Content-Type: charset must be utf-8, is iso-8859-1",
    ),
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: (
        f"The body is over {BODY_LIMIT}",
        f"body: must be at most {BODY_LIMIT}, has {MAX_BODY_BYTES + 1} bytes",
    ),
    HTTPStatus.TOO_MANY_REQUESTS: ("Too many requests, or the database is throttling", "too many requests"),
    HTTPStatus.INTERNAL_SERVER_ERROR: ("Unforeseen; it is logged, and an alarm can tell", "internal error"),
    HTTPStatus.SERVICE_UNAVAILABLE: (
        "No answer in time. Sending it again is safe, a creation without customer ids only with an Idempotency-Key",
        "the database did not answer",
    ),
}
_ERROR = {"$ref": TEMPLATE.format(model="Error")}
_ALWAYS = (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.INTERNAL_SERVER_ERROR, HTTPStatus.SERVICE_UNAVAILABLE)
_WITH_ACCOUNT = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, *_ALWAYS)

PAGED: Mapping[str, Json] = {
    "limit": {
        "in": "query",
        "description": "How many entries a page has at most.",
        "schema": {"type": "integer", "minimum": 1, "format": "int64", "maximum": MAX_PAGE, "default": DEFAULT_PAGE},
        "example": DEFAULT_PAGE,
    },
    "cursor": {
        "in": "query",
        "description": f"The `cursor` of the answer before, for the same query; good for {CURSOR_HOURS} hours.",
        "schema": {"type": "string", "minLength": 1},
        "example": "eyJ2IjoxfQ",
    },
}
USER_IN_PATH: Mapping[str, Json] = {
    "by": {
        "in": "query",
        "description": "What the path names the user by: your id, or our `guid`, which every user has.",
        "schema": {"enum": list(USER_NAMES), "default": USER_NAMES[0]},
        "example": USER_NAMES[0],
    },
}
NEXT_PAGE: Mapping[str, str] = {"cursor": "$response.body#/cursor"}
"""What a link to a list's next page gives on; where `cursor` is null there is none."""
IDEMPOTENCY_KEY: Mapping[str, Json] = {
    "Idempotency-Key": {
        "in": "header",
        "description": f"The same key and body within {IDEMPOTENCY_HOURS} hours give the same answer, which then has "
        "the header `Idempotent-Replayed: true`, and create nothing again.",
        "schema": {"type": "string", "pattern": f"^[!-~]{{1,{MAX_IDEMPOTENCY_KEY_CHARACTERS}}}$"},
        "example": "import-2026-11-23-1",
    },
}
_PATH_PARAMETERS: Mapping[str, Json] = {
    "segment_id": {
        "description": "A segment's id.",
        "schema": {"type": "integer", "format": "int64", "minimum": 1, "maximum": MAX_SEGMENT_ID},
        "example": SEGMENT_ID,
    },
    "import_id": {
        "description": "An import's id.",
        "schema": {"type": "string", "pattern": "^[0-9a-f]{21}$"},
        "example": "65f1b2c3d4e5f0a1b2c3d",
    },
    "identity": {
        "description": "Your id of the user or, with `by=guid`, the guid; percent-encoded.",
        "schema": TEXT,
        "example": "CT123456",
    },
}


def operation(route: Route, answer: Json, body: Json | None) -> Json:
    """Return a route's part of the document, given the schemas of its answer and of its body."""
    described: Json = {
        "operationId": route.operation,
        "tags": [route.tag],
        "summary": route.summary,
        "description": route.description,
        "parameters": [
            {"name": name, "in": "path", "required": True, **_PATH_PARAMETERS[name]}
            for name in _PATH_PARAMETERS
            if f"{{{name}}}" in route.path
        ]
        + [{"name": name, "required": False, **parameter} for name, parameter in route.parameters.items()],
        "responses": {"200": _response("Done", answer, route.example)},
    }
    if body is not None:
        content = {"application/json": {"schema": body, "example": route.body_example}}
        described["requestBody"] = {"required": not route.takes_no_body_too, "content": content}
    if route.is_open:
        described["security"] = []
    if route.links:
        described["responses"]["200"]["links"] = {
            link.operation: {
                "operationId": link.operation,
                "description": link.said,
                **({"parameters": dict(link.parameters)} if link.parameters else {}),
                **({} if link.body is None else {"requestBody": link.body}),
            }
            for link in route.links
        }
    if "Idempotency-Key" in route.parameters:
        replayed = {"schema": {"const": "true"}, "description": "It is the answer that this key got before."}
        described["responses"]["200"]["headers"]["Idempotent-Replayed"] = replayed
    for code in sorted({*route.errors, *(_ALWAYS if route.is_open else _WITH_ACCOUNT)}):
        described["responses"][str(int(code))] = (
            _error(code, {"anyOf": [_ERROR, answer]})
            if code in TRY_AGAIN and route.is_batch
            else {"$ref": f"#/components/responses/{response_name(code)}"}
        )
    return described


def error_responses() -> Json:
    """Return the answers to whole requests that failed, by their names."""
    return {response_name(code): _error(code, _ERROR) for code in ERRORS}


def response_name(code: HTTPStatus) -> str:
    """Return the name of a code's answer, as `NotFound`."""
    return "".join(word.capitalize() for word in code.phrase.split())


def _error(code: HTTPStatus, schema: Json) -> Json:
    said, example = ERRORS[code]
    response = _response(said, schema, {"status": "fail", "error": example, "code": int(code)})
    if code in TRY_AGAIN:
        again = {"schema": {"type": "string"}, "description": "In so many seconds it is worth another try."}
        response["headers"]["Retry-After"] = again
    return response


def _response(description: str, schema: Json, example: object) -> Json:
    return {
        "description": description,
        "headers": {"X-Request-Id": {"schema": {"type": "string"}, "description": "Names the request in the logs."}},
        "content": {"application/json": {"schema": schema, "example": example}},
    }
