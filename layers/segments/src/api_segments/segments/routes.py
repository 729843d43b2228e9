"""The routes of segments, as the API's description has them."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus

from api_segments.core.limits import MAX_SEGMENTS_PER_CREATE
from api_segments.http.openapi import (
    BODY_ERRORS,
    IDEMPOTENCY_KEY,
    MOMENT,
    OF_ACTIVE_SEGMENT,
    OF_SEGMENT,
    PAGED,
    SEGMENT_ID,
    SEGMENTS,
    TEXT,
    Json,
    Route,
)
from api_segments.segments import answers
from api_segments.segments.requests import CREATE, RENAME, STATUS_FILTERS

FILTERS: Mapping[str, Json] = {
    "status": {
        "in": "query",
        "description": "Which segments to list.",
        "schema": {"type": "string", "enum": list(STATUS_FILTERS), "default": STATUS_FILTERS[0]},
    },
    "customer_segment_id": {
        "in": "query",
        "description": "The one segment with this id of yours.",
        "schema": TEXT,
    },
    "customer_segment_id_prefix": {
        "in": "query",
        "description": "Segments whose id of yours begins so, in the order of those ids. A page may be short.",
        "schema": TEXT,
    },
}

_ASKED = {"segment_name": "Premium Users", "customer_segment_id": "SEG12345"}
CREATED = {"id": SEGMENT_ID, **_ASKED}
_SEGMENT = {
    **CREATED,
    "type": "API Segments",
    "status": "active",
    "created_at": MOMENT,
    "deleted_at": None,
    "members": 1,
    "reachable": {"email": 1, "sms": 1, "push": 0, "whatsapp": 0, "web_push": 0},
    "as_of": MOMENT,
}

ROUTES: Sequence[Route] = (
    Route(
        "post",
        "/api/createSegment",
        SEGMENTS,
        "Create segments",
        answers.CreateResultBody,
        {"status": "success", "processed": 1, "segments": [CREATED], "unprocessed": []},
        description=f"1 to {MAX_SEGMENTS_PER_CREATE} segments; each stands or falls alone. Status 200, unless none "
        "could be written now.",
        parameters=IDEMPOTENCY_KEY,
        body=CREATE,
        body_example=[_ASKED],
        errors=(*BODY_ERRORS, HTTPStatus.CONFLICT),
        is_batch=True,
    ),
    Route(
        "get",
        "/api/segments",
        SEGMENTS,
        "List segments",
        answers.SegmentsBody,
        {"segments": [_SEGMENT], "cursor": None},
        description="The newest first; only one of the two customer ids may be given.",
        parameters={**FILTERS, **PAGED},
    ),
    Route(
        "get",
        "/api/segments/{segment_id}",
        SEGMENTS,
        "Show a segment",
        answers.SegmentBody,
        _SEGMENT,
        errors=OF_SEGMENT,
    ),
    Route(
        "patch",
        "/api/segments/{segment_id}",
        SEGMENTS,
        "Rename a segment",
        answers.SegmentBody,
        _SEGMENT,
        body=RENAME,
        body_example={"segment_name": "Premium Users"},
        errors=(*OF_ACTIVE_SEGMENT, *BODY_ERRORS),
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
        errors=(*OF_SEGMENT, HTTPStatus.CONFLICT),
    ),
)
