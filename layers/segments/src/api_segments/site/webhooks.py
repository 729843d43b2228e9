"""The events of all rooms, as OpenAPI describes what calls somebody else: a rule hands them on, to an address too."""

from collections.abc import Sequence

from api_segments.aws.events import EventKind, plain_name
from api_segments.campaigns.events import EVENTS as CAMPAIGNS
from api_segments.http.described import Json
from api_segments.http.openapi import TEMPLATE
from api_segments.imports.events import EVENTS as IMPORTS
from api_segments.memberships.events import EVENTS as MEMBERSHIPS
from api_segments.segments.events import EVENTS as SEGMENTS

EVENTS: Sequence[EventKind] = (*MEMBERSHIPS, *SEGMENTS, *IMPORTS, *CAMPAIGNS)
TAG = {"Events": "What the stack's bus carries; a rule of yours hands it on to an address, too."}


def event_schemas() -> dict[str, Json]:
    """Return the events' schemas by their names among the document's components, each object by a name of its own."""
    schemas: dict[str, Json] = {}
    for kind in EVENTS:
        event = {name: value for name, value in kind.schema().items() if name != "title"}
        event["description"] = f"{kind.description} As EventBridge hands it on."
        event["properties"] = event["properties"] | {
            "detail": _moved(event["properties"]["detail"], f"{kind.title}Detail", schemas)
        }
        schemas[f"{kind.title}Event"] = event
    return schemas


def _moved(shape: Json, name: str, schemas: dict[str, Json]) -> Json:
    """Put a shape, and the objects in it, among the schemas by its name; return the reference to it."""
    fields = {
        field: _moved(inner, f"{name}{plain_name(field)}", schemas) if "properties" in inner else inner
        for field, inner in shape["properties"].items()
    }
    schemas[name] = shape | {"properties": fields}
    return {"$ref": TEMPLATE.format(model=name), "description": shape["description"]}


def webhooks() -> dict[str, Json]:
    """Return what a rule of EventBridge hands on, by the names of the events."""
    return {kind.title: {"post": _operation(kind)} for kind in EVENTS}


def _operation(kind: EventKind) -> Json:
    schema = {"$ref": TEMPLATE.format(model=f"{kind.title}Event")}
    return {
        "operationId": f"on{kind.title}",
        "tags": list(TAG),
        "summary": kind.name,
        "description": f"{kind.description} EventBridge hands it on by a rule of yours, at least once.",
        "security": [],
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": schema, "example": kind.example()}},
        },
        "responses": {"2XX": {"description": "Taken; anything else is sent again."}},
    }
