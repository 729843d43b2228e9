"""The events of all rooms, as OpenAPI describes what calls somebody else: a rule hands them on, to an address too."""

from collections.abc import Sequence

from api_segments.aws.events import EventKind
from api_segments.campaigns.events import EVENTS as CAMPAIGNS
from api_segments.http.openapi import TEMPLATE, Json
from api_segments.memberships.events import EVENTS as MEMBERSHIPS
from api_segments.segments.events import EVENTS as SEGMENTS

EVENTS: Sequence[EventKind] = (*MEMBERSHIPS, *SEGMENTS, *CAMPAIGNS)
TAG = "Events"


def event_schemas() -> dict[str, Json]:
    """Return the events' schemas by their names among the document's components."""
    return {f"{kind.title}Event": kind.schema() for kind in EVENTS}


def webhooks() -> dict[str, Json]:
    """Return what a rule of EventBridge hands on, by the names of the events."""
    return {kind.title: {"post": _operation(kind)} for kind in EVENTS}


def _operation(kind: EventKind) -> Json:
    schema = {"$ref": TEMPLATE.format(model=f"{kind.title}Event")}
    return {
        "operationId": f"on{kind.title}",
        "tags": [TAG],
        "summary": kind.name,
        "description": f"{kind.description} EventBridge hands it on by a rule of yours, at least once.",
        "security": [],
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": schema, "example": kind.example()}},
        },
        "responses": {"2XX": {"description": "Taken; anything else is sent again."}},
    }
