"""The API described in OpenAPI 3.1, from the same models that read requests and write answers."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, Literal

from pydantic import TypeAdapter

from segments.edge import answers, bodies, profile_records
from segments.edge.openapi_route import BODY_ERRORS, GUID, MOMENT, SEGMENT_ID, Adapter, Route
from segments.edge.openapi_targets import CAMPAIGNS, TARGET_ROUTES
from segments.edge.parameters import STATUS_FILTERS
from segments.limits import (
    DEFAULT_PAGE,
    IDEMPOTENCY_HOURS,
    MAX_IDEMPOTENCY_KEY_CHARACTERS,
    MAX_PAGE,
)

Json = dict[str, Any]
Mode = Literal["validation", "serialization"]

TEMPLATE = "#/components/schemas/{model}"

SEGMENTS, MEMBERS, PROFILES, ACCOUNT, OTHER = "Segments", "Members", "Profiles", "Account", "Other"

# What an error of each code says, by example.
ERRORS: Mapping[HTTPStatus, tuple[str, str]] = {
    HTTPStatus.BAD_REQUEST: (
        "Malformed, wrong type, too many, too long; nothing was changed",
        "bulk_profiles[3].segments[0].action: must be 'ADD' or 'REMOVE'",
    ),
    HTTPStatus.UNAUTHORIZED: (
        "Unknown account or wrong passcode",
        "X-CleverTap-Account-Id or X-CleverTap-Passcode is missing or wrong",
    ),
    HTTPStatus.FORBIDDEN: (
        "The account is disabled, or its plan lacks API Segments",
        "API Segments need the plan Advanced or Cutting Edge; this account is on Essentials",
    ),
    HTTPStatus.NOT_FOUND: ("No such segment, profile or route in this account", f"there is no segment {SEGMENT_ID}"),
    HTTPStatus.CONFLICT: (
        "The idempotency key came with another body, or its first request still runs; or campaigns use the segment",
        "Idempotency-Key: was used with another body",
    ),
    HTTPStatus.GONE: ("The segment was deleted", f"segment {SEGMENT_ID} was deleted"),
    HTTPStatus.UNPROCESSABLE_ENTITY: (
        "The account has as many campaigns scheduled and running as there may be",
        "the account has 1000 scheduled and running campaigns, the most there may be",
    ),
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: ("Not JSON by its Content-Type", "Content-Type: must be application/json"),
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: ("The body is over 4 MiB", "body: must be at most 4 MiB, has 4194305 bytes"),
    HTTPStatus.TOO_MANY_REQUESTS: ("Too many requests, or the database is throttling", "too many requests"),
    HTTPStatus.INTERNAL_SERVER_ERROR: ("Unforeseen; it is logged, and an alarm can tell", "internal error"),
    HTTPStatus.SERVICE_UNAVAILABLE: (
        "No answer in time. Sending it again is safe, a creation without customer ids only with an Idempotency-Key",
        "the database did not answer",
    ),
}
_ALWAYS = (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.INTERNAL_SERVER_ERROR, HTTPStatus.SERVICE_UNAVAILABLE)
_WITH_ACCOUNT = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, *_ALWAYS)
_TRY_AGAIN = (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE)


PARAMETERS: Mapping[str, Json] = {
    "limit": {
        "in": "query",
        "description": "How many entries a page has at most.",
        "schema": {"type": "integer", "minimum": 1, "maximum": MAX_PAGE, "default": DEFAULT_PAGE},
    },
    "cursor": {
        "in": "query",
        "description": "The `cursor` of the answer before, for the same query; good for 24 hours.",
        "schema": {"type": "string", "minLength": 1},
    },
    "status": {
        "in": "query",
        "description": "Which segments to list.",
        "schema": {"type": "string", "enum": list(STATUS_FILTERS), "default": STATUS_FILTERS[0]},
    },
    "customer_segment_id": {
        "in": "query",
        "description": "The one segment with this id of yours.",
        "schema": {"$ref": TEMPLATE.format(model="Text")},
    },
    "customer_segment_id_prefix": {
        "in": "query",
        "description": "Segments whose id of yours begins so, in the order of those ids. A page may be short.",
        "schema": {"$ref": TEMPLATE.format(model="Text")},
    },
    "month": {
        "in": "query",
        "description": "A month, UTC; this one if absent.",
        "schema": {"type": "string", "pattern": "^[0-9]{4}-(0[1-9]|1[0-2])$"},
        "example": "2026-11",
    },
    "identity": {
        "in": "query",
        "description": "Your id of the user; wins over `guid`.",
        "schema": {"$ref": TEMPLATE.format(model="Text")},
        "example": "CT123456",
    },
    "guid": {
        "in": "query",
        "description": "Our id of the user.",
        "schema": {"$ref": TEMPLATE.format(model="Text")},
    },
    "Idempotency-Key": {
        "in": "header",
        "description": f"The same key and body within {IDEMPOTENCY_HOURS} hours give the same answer, which then has "
        "the header `Idempotent-Replayed: true`, and create nothing again.",
        "schema": {"type": "string", "pattern": f"^[!-~]{{1,{MAX_IDEMPOTENCY_KEY_CHARACTERS}}}$"},
    },
}
PATH_PARAMETERS: Mapping[str, Json] = {
    "segment_id": {
        "description": "A segment's id.",
        "schema": {"type": "integer", "minimum": 1, "maximum": 2**53 - 1},
        "example": SEGMENT_ID,
    },
    "identity": {
        "description": "Your id of the user, percent-encoded.",
        "schema": {"$ref": TEMPLATE.format(model="Text")},
        "example": "CT123456",
    },
}

_SEGMENT = {
    "id": SEGMENT_ID,
    "segment_name": "Premium Users",
    "customer_segment_id": "SEG12345",
    "type": "API Segments",
    "status": "active",
    "created_at": MOMENT,
    "deleted_at": None,
    "members": 1,
    "reachable": {"email": 1, "sms": 1, "push": 0, "whatsapp": 0, "web_push": 0},
    "as_of": MOMENT,
}
_CREATED = {"id": SEGMENT_ID, "segment_name": "Premium Users", "customer_segment_id": "SEG12345"}
_MEMBER = {"identity": "CT123456", "guid": GUID, "added_at": MOMENT}
_PAGED = ("limit", "cursor")
_OF_SEGMENT = (HTTPStatus.BAD_REQUEST, HTTPStatus.NOT_FOUND)
_OF_ACTIVE_SEGMENT = (*_OF_SEGMENT, HTTPStatus.GONE)

ROUTES: Sequence[Route] = (
    Route(
        "post",
        "/api/createSegment",
        SEGMENTS,
        "Create segments",
        answers.CreateResultBody,
        {"status": "success", "processed": 1, "segments": [_CREATED], "unprocessed": []},
        description="1 to 100 segments; each stands or falls alone. Status 200, unless none could be written now.",
        parameters=("Idempotency-Key",),
        body=bodies.CREATE,
        body_example=[{"segment_name": "Premium Users", "customer_segment_id": "SEG12345"}],
        errors=(*BODY_ERRORS, HTTPStatus.CONFLICT),
    ),
    Route(
        "post",
        "/api/updateSegment",
        MEMBERS,
        "Add users to segments and remove them",
        answers.UpdateResultBody,
        {
            "status": "success",
            "processed": 1,
            "summary": {"added": 1, "removed": 0, "unchanged": 0, "profiles_created": 1},
            "unprocessed": [],
        },
        description="Every action of a group for every user of it; at most 100 users and 100 segments in all.",
        body=bodies.UPDATE,
        body_example={
            "bulk_profiles": [
                {
                    "user_profiles": [{"identity": "CT123456"}],
                    "segments": [{"customer_segment_id": "SEG12345", "action": "ADD"}],
                }
            ]
        },
        errors=BODY_ERRORS,
    ),
    Route(
        "get",
        "/api/segments",
        SEGMENTS,
        "List segments",
        answers.SegmentsBody,
        {"segments": [_SEGMENT], "cursor": None},
        description="The newest first; only one of the two customer ids may be given.",
        parameters=("status", "customer_segment_id", "customer_segment_id_prefix", *_PAGED),
    ),
    Route(
        "get",
        "/api/segments/{segment_id}",
        SEGMENTS,
        "Show a segment",
        answers.SegmentBody,
        _SEGMENT,
        errors=_OF_SEGMENT,
    ),
    Route(
        "patch",
        "/api/segments/{segment_id}",
        SEGMENTS,
        "Rename a segment",
        answers.SegmentBody,
        _SEGMENT,
        body=bodies.RENAME,
        body_example={"segment_name": "Premium Users"},
        errors=(*_OF_ACTIVE_SEGMENT, *BODY_ERRORS),
    ),
    Route(
        "delete",
        "/api/segments/{segment_id}",
        SEGMENTS,
        "Delete a segment",
        answers.SegmentBody,
        {**_SEGMENT, "status": "deleted", "deleted_at": MOMENT, "members": 0},
        description="For good, and idempotent; updates get 410 from the next request on. Not while a scheduled or "
        "running campaign uses it.",
        errors=(*_OF_SEGMENT, HTTPStatus.CONFLICT),
    ),
    Route(
        "get",
        "/api/segments/{segment_id}/members",
        MEMBERS,
        "List a segment's members",
        answers.MembersBody,
        {"members": [_MEMBER], "cursor": None},
        description="In an order that never changes: who is a member the whole time is listed once.",
        parameters=_PAGED,
        errors=_OF_ACTIVE_SEGMENT,
    ),
    Route(
        "get",
        "/api/segments/{segment_id}/members/{identity}",
        MEMBERS,
        "Show a member, or that the user is none",
        answers.MemberBody,
        _MEMBER,
        errors=_OF_ACTIVE_SEGMENT,
    ),
    Route(
        "get",
        "/api/profiles/{identity}/segments",
        PROFILES,
        "List the segments that a user is in",
        answers.ProfileSegmentsBody,
        {"identity": "CT123456", "guid": GUID, "segments": [_CREATED]},
        errors=_OF_SEGMENT,
    ),
    Route(
        "delete",
        "/api/profiles/{identity}",
        PROFILES,
        "Erase a user",
        answers.DoneBody,
        {"status": "success"},
        errors=_OF_SEGMENT,
    ),
    Route(
        "post",
        "/1/upload",
        PROFILES,
        "Upload profiles and tokens",
        answers.UploadResultBody,
        {"status": "success", "processed": 1, "unprocessed": []},
        description="1 to 1,000 records; each stands or falls alone.",
        body=profile_records.BODY,
        body_example={
            "d": [{"identity": "CT123456", "type": "profile", "profileData": {"Email": "ada@example.com"}}],
        },
        errors=BODY_ERRORS,
    ),
    Route(
        "get",
        "/1/profile.json",
        PROFILES,
        "Show a user",
        answers.ProfileBody,
        {
            "status": "success",
            "record": {
                "identity": "CT123456",
                "guid": GUID,
                "profileData": {"Email": "ada@example.com"},
                "tokens": [{"id": "demo-token-1", "type": "fcm"}],
                "reachable": {"email": True, "sms": False, "push": True, "whatsapp": False, "web_push": False},
            },
        },
        description="`identity` or `guid` is required.",
        parameters=("identity", "guid"),
        errors=_OF_SEGMENT,
    ),
    *TARGET_ROUTES,
    Route(
        "get",
        "/api/errors",
        ACCOUNT,
        "List rejected entries of updates",
        answers.UpdateErrorsBody,
        {
            "errors": [
                {
                    "ct_segment_id": None,
                    "customer_segment_id": "SEG99999",
                    "identity": "CT123456",
                    "guid": None,
                    "action": "ADD",
                    "code": 404,
                    "error": "segment does not exist",
                    "occurred_at": MOMENT,
                    "request_id": "6f4f4a0c-5d0b-4c3f-9d8f-2f5d0f8c3b11",
                }
            ],
            "cursor": None,
        },
        description="Those of the last 30 days, the newest first.",
        parameters=_PAGED,
    ),
    Route(
        "get",
        "/api/usage",
        ACCOUNT,
        "Show a month's data points",
        answers.UsageBody,
        {"month": "2026-11", "data_points": 2, "plan": "Advanced"},
        parameters=("month",),
    ),
    Route(
        "get",
        "/health",
        OTHER,
        "Say that the API answers",
        answers.HealthBody,
        {"status": "ok"},
        errors=(),
        is_open=True,
    ),
)


def document() -> Json:
    """Return the OpenAPI document. Its server is where the document came from."""
    adapters: dict[tuple[str, str], tuple[Adapter, Mode]] = {("Text", ""): (bodies.TEXT, "validation")}
    adapters["ErrorBody", ""] = (TypeAdapter(answers.ErrorBody), "serialization")
    for route in ROUTES:
        adapters[route.method, route.path] = (TypeAdapter(route.answer), "serialization")
        if route.body is not None:
            adapters[route.method, f"{route.path} body"] = (route.body, "validation")
    schemas, definitions = TypeAdapter.json_schemas(
        [(key, mode, adapter) for key, (adapter, mode) in adapters.items()], ref_template=TEMPLATE
    )
    by_key = {key: schema for (key, _), schema in schemas.items()}
    paths: dict[str, Json] = {}
    for route in ROUTES:
        paths.setdefault(route.path, {})[route.method] = _operation(
            route, by_key[route.method, route.path], by_key.get((route.method, f"{route.path} body"))
        )
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "API Segments",
            "version": "1",
            "description": "Create segments, push their members, read them. Each real change of a membership becomes "
            "one `Segment Membership Change` event on EventBridge.",
        },
        "servers": [{"url": "."}],
        "tags": [{"name": tag} for tag in (SEGMENTS, MEMBERS, PROFILES, CAMPAIGNS, ACCOUNT, OTHER)],
        "security": [{"AccountId": [], "Passcode": []}],
        "paths": paths,
        "components": {
            "securitySchemes": {
                "AccountId": {"type": "apiKey", "in": "header", "name": "X-CleverTap-Account-Id"},
                "Passcode": {"type": "apiKey", "in": "header", "name": "X-CleverTap-Passcode"},
            },
            "schemas": {**definitions["$defs"], "Text": by_key["Text", ""]},
        },
    }


def _operation(route: Route, answer: Json, body: Json | None) -> Json:
    operation: Json = {
        "operationId": f"{route.method}_{route.path.strip('/').replace('/', '_').replace('{', '').replace('}', '')}",
        "tags": [route.tag],
        "summary": route.summary,
        "parameters": [
            {"name": name, "in": "path", "required": True, **PATH_PARAMETERS[name]}
            for name in PATH_PARAMETERS
            if f"{{{name}}}" in route.path
        ]
        + [{"name": name, "required": False, **PARAMETERS[name]} for name in route.parameters],
        "responses": {"200": _response("Done", answer, route.example)},
    }
    if route.description:
        operation["description"] = route.description
    if body is not None:
        content = {"application/json": {"schema": body, "example": route.body_example}}
        operation["requestBody"] = {"required": True, "content": content}
    if route.is_open:
        operation["security"] = []
    if "Idempotency-Key" in route.parameters:
        replayed = {"schema": {"const": "true"}, "description": "It is the answer that this key got before."}
        operation["responses"]["200"]["headers"]["Idempotent-Replayed"] = replayed
    for code in sorted({*route.errors, *(_ALWAYS if route.is_open else _WITH_ACCOUNT)}):
        said, example = ERRORS[code]
        schema: Json = {"$ref": TEMPLATE.format(model="ErrorBody")}
        if code in _TRY_AGAIN and route.answer in answers.OF_BATCHES:  # of a batch of which nothing could be written
            schema = {"anyOf": [schema, answer]}
        response = _response(said, schema, {"status": "fail", "error": example, "code": int(code)})
        if code in _TRY_AGAIN:
            again = {"schema": {"type": "string"}, "description": "In so many seconds it is worth another try."}
            response["headers"]["Retry-After"] = again
        operation["responses"][str(int(code))] = response
    return operation


def _response(description: str, schema: Json, example: object) -> Json:
    return {
        "description": description,
        "headers": {"X-Request-Id": {"schema": {"type": "string"}, "description": "Names the request in the logs."}},
        "content": {"application/json": {"schema": schema, "example": example}},
    }
