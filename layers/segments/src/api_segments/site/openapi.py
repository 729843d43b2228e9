"""The API described in OpenAPI 3.1, from the same models that read requests and write answers."""

from collections.abc import Sequence

from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode
from pydantic_core import CoreSchema

from api_segments.accounts.routes import ROUTES as ACCOUNTS
from api_segments.campaigns.routes import ROUTES as CAMPAIGNS
from api_segments.http.answers import ErrorBody, HealthBody
from api_segments.http.openapi import OTHER, TAGS, TEMPLATE, Json, Route, operation
from api_segments.http.validation import TEXT
from api_segments.memberships.routes import ROUTES as MEMBERSHIPS
from api_segments.profiles.routes import ROUTES as PROFILES
from api_segments.segments.routes import ROUTES as SEGMENTS
from api_segments.site.webhooks import TAG, event_schemas, webhooks

ROUTES: Sequence[Route] = (
    *SEGMENTS,
    *MEMBERSHIPS,
    *PROFILES,
    *CAMPAIGNS,
    *ACCOUNTS,
    Route(
        "get",
        "/health",
        OTHER,
        "Say that the API answers",
        HealthBody,
        {"status": "ok"},
        errors=(),
        is_open=True,
    ),
)


def document() -> Json:
    """Return the OpenAPI document. Its server is where the document came from."""
    shapes: list[tuple[tuple[str, str], JsonSchemaMode, CoreSchema]] = [
        (("Text", ""), "validation", TEXT),
        (("ErrorBody", ""), "serialization", TypeAdapter(ErrorBody).core_schema),
    ]
    for route in ROUTES:
        shapes.append(((route.method, route.path), "serialization", TypeAdapter(route.answer).core_schema))
        if route.body is not None:
            shape = route.body.core_schema if isinstance(route.body, TypeAdapter) else route.body
            shapes.append(((route.method, f"{route.path} body"), "validation", shape))
    schemas, definitions = GenerateJsonSchema(ref_template=TEMPLATE).generate_definitions(shapes)
    by_key = {key: schema for (key, _), schema in schemas.items()}
    paths: dict[str, Json] = {}
    for route in ROUTES:
        paths.setdefault(route.path, {})[route.method] = operation(
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
        "tags": [{"name": tag} for tag in (*TAGS, TAG)],
        "security": [{"AccountId": [], "Passcode": []}],
        "paths": paths,
        "webhooks": webhooks(),
        "components": {
            "securitySchemes": {
                "AccountId": {"type": "apiKey", "in": "header", "name": "X-CleverTap-Account-Id"},
                "Passcode": {"type": "apiKey", "in": "header", "name": "X-CleverTap-Passcode"},
            },
            "schemas": {**definitions, **event_schemas(), "Text": by_key["Text", ""]},
        },
    }
