"""The routes of segments, as the API's description has them."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus

from api_segments.core.channels import Channel
from api_segments.core.limits import DEFAULT_HISTORY_DAYS, HISTORY_DAYS, MAX_SEGMENTS_PER_CREATE, TREND_DAYS
from api_segments.http.described import MOMENT, SEGMENT_ID, Json
from api_segments.http.openapi import (
    BODY_ERRORS,
    IDEMPOTENCY_KEY,
    NEXT_PAGE,
    OF_ACTIVE_SEGMENT,
    OF_SEGMENT,
    PAGED,
    SEGMENTS,
    TEXT,
    Link,
    Route,
)
from api_segments.segments import answers
from api_segments.segments.requests import CHANGE, CREATE, STATUS_FILTERS

FILTERS: Mapping[str, Json] = {
    "status": {
        "in": "query",
        "description": "Which segments to list.",
        "schema": {"type": "string", "enum": list(STATUS_FILTERS), "default": STATUS_FILTERS[0]},
        "example": STATUS_FILTERS[0],
    },
    "customer_segment_id": {
        "in": "query",
        "description": "The one segment with this id of yours.",
        "schema": TEXT,
        "example": "SEG12345",
    },
    "customer_segment_id_prefix": {
        "in": "query",
        "description": "Segments whose id of yours begins so, in the order of those ids. A page may be short.",
        "schema": TEXT,
        "example": "SEG",
    },
    "tag": {
        "in": "query",
        "description": "Segments that have this tag. A page may be short.",
        "schema": TEXT,
        "example": "loyalty",
    },
}

_ASKED = {"segment_name": "Premium Users", "customer_segment_id": "SEG12345"}
CREATED = {"id": SEGMENT_ID, **_ASKED}
_SECOND = {"id": SEGMENT_ID + 1, "segment_name": "Lapsed Buyers", "customer_segment_id": None}
_SEGMENT = {
    **CREATED,
    "type": "API Segments",
    "status": "active",
    "created_at": MOMENT,
    "created_by": "nightly sync",
    "deleted_at": None,
    "deleted_by": None,
    "updated_at": MOMENT,
    "description": "Spent 750 or more",
    "tags": ["loyalty", "spring"],
    "campaigns": [],
    "members": 1,
    "reachable": {channel.value: int(channel in {Channel.EMAIL, Channel.SMS}) for channel in Channel},
    "as_of": MOMENT,
    "digest": "884080036042467504",
}

_DAY = {
    "date": "2026-11-23",
    "members": 1,
    "reachable": _SEGMENT["reachable"],
    "joined": 1,
    "left": 0,
    "corrected": 0,
    "from": MOMENT,
    "to": "2026-11-24T00:00:07.112233Z",
}
_WEEK = [f"2026-11-{day}" for day in range(17, 24)]
_DAYS: Mapping[str, Json] = {
    name: {"in": "query", "description": said, "schema": {"type": "string", "format": "date"}, "example": example}
    for name, said, example in (
        ("from", f"The first day; {DEFAULT_HISTORY_DAYS} days up to `to` if absent.", "2026-11-01"),
        ("to", "The last day; today if absent.", "2026-11-23"),
    )
}

_ID_OF_FIRST, _ID_OF_SECOND = "$response.body#/segments/0/id", "$response.body#/segments/1/id"
_ADD_USER = {
    "bulk_profiles": [
        {
            "user_profiles": [{"identity": "CT123456"}],
            "segments": [{"ct_segment_id": _ID_OF_FIRST, "action": "ADD"}],
        }
    ]
}
_IMPORT = {"segment": _ID_OF_FIRST, "mode": "replace", "apply": "manual"}
_SEND_SMS = {
    "name": "Spring sale",
    "target_mode": "sms",
    "segments": {"include": [_ID_OF_FIRST]},
    "when": "20261215 09:30",
    "content": {"body": "It is spring"},
}

ROUTES: Sequence[Route] = (
    Route(
        "createSegments",
        "post",
        "/api/createSegment",
        SEGMENTS,
        "Create segments",
        answers.CreateSegmentsResultBody,
        {"status": "success", "processed": 2, "segments": [CREATED, _SECOND], "unprocessed": []},
        description=f"1 to {MAX_SEGMENTS_PER_CREATE} segments; each stands or falls alone. Status 200, unless none "
        "could be written now.",
        parameters=IDEMPOTENCY_KEY,
        body=CREATE,
        body_example=[_ASKED, {"segment_name": _SECOND["segment_name"]}],
        errors=(*BODY_ERRORS, HTTPStatus.CONFLICT),
        is_batch=True,
        links=(
            Link("getSegment", "Shows a created segment.", {"segment_id": _ID_OF_FIRST}),
            Link("changeSegment", "Renames it, or changes its tags.", {"segment_id": _ID_OF_FIRST}),
            Link("deleteSegment", "Deletes it.", {"segment_id": _ID_OF_FIRST}),
            Link("listMembers", "Lists its members.", {"segment_id": _ID_OF_FIRST}),
            Link("updateMembers", "Adds a user to it.", body=_ADD_USER),
            Link("exportSegment", "Writes its members into a file.", {"segment_id": _ID_OF_FIRST}),
            Link("createImport", "Takes a file of users into it.", body=_IMPORT),
            Link("createCampaign", "Sends a message to its members.", body=_SEND_SMS),
            Link("compareSegments", "Compares the first two.", body={"segments": [_ID_OF_FIRST, _ID_OF_SECOND]}),
        ),
    ),
    Route(
        "listSegments",
        "get",
        "/api/segments",
        SEGMENTS,
        "List segments",
        answers.SegmentListBody,
        {"segments": [_SEGMENT], "cursor": None},
        description="The newest first; only one of the two customer ids may be given.",
        parameters={**FILTERS, **PAGED},
        links=(
            Link("listSegments", "Lists the next page.", NEXT_PAGE),
            Link("getSegment", "Shows the first of them again.", {"segment_id": _ID_OF_FIRST}),
            Link("listMembers", "Lists its members.", {"segment_id": _ID_OF_FIRST}),
        ),
    ),
    Route(
        "getSegment",
        "get",
        "/api/segments/{segment_id}",
        SEGMENTS,
        "Show a segment",
        answers.SegmentBody,
        _SEGMENT,
        description="A deleted one is shown too, without members.",
        errors=OF_SEGMENT,
        links=(
            Link("listMembers", "Lists its members.", {"segment_id": "$request.path.segment_id"}),
            Link("getSegmentHistory", "Shows its days.", {"segment_id": "$request.path.segment_id"}),
            Link("changeSegment", "Renames it, or changes its tags.", {"segment_id": "$request.path.segment_id"}),
            Link("deleteSegment", "Deletes it.", {"segment_id": "$request.path.segment_id"}),
        ),
    ),
    Route(
        "getSegmentHistory",
        "get",
        "/api/segments/{segment_id}/history",
        SEGMENTS,
        "Show the days of a segment",
        answers.SegmentHistoryBody,
        {"days": [_DAY]},
        description=f"Days are UTC; they are kept for {HISTORY_DAYS}. What nobody noted is null, and the next day then "
        "tells of both.",
        parameters=_DAYS,
        errors=OF_SEGMENT,
    ),
    Route(
        "listTrends",
        "get",
        "/api/segments/trends",
        SEGMENTS,
        "Show the last days of all segments",
        answers.TrendsBody,
        {"days": _WEEK, "segments": [{"id": SEGMENT_ID, "members": [None] * 6 + [1]}]},
        description=f"Members at the ends of the {TREND_DAYS} days before today (UTC), as they were noted.",
    ),
    Route(
        "changeSegment",
        "patch",
        "/api/segments/{segment_id}",
        SEGMENTS,
        "Change a segment's name, description or tags",
        answers.SegmentBody,
        _SEGMENT,
        description="At least one of them; its members and its ids stay. One event says that it was renamed.",
        body=CHANGE,
        body_example={"segment_name": "Premium Users", "tags": ["loyalty", "spring"]},
        errors=(*OF_ACTIVE_SEGMENT, *BODY_ERRORS),
    ),
    Route(
        "deleteSegment",
        "delete",
        "/api/segments/{segment_id}",
        SEGMENTS,
        "Delete a segment",
        answers.SegmentBody,
        {
            **_SEGMENT,
            "status": "deleted",
            "deleted_at": MOMENT,
            "deleted_by": "nightly sync",
            "members": 0,
            "digest": "0",
        },
        description="For good, and idempotent; updates get 410 from the next request on. Not while a scheduled or "
        "running campaign uses it.",
        errors=(*OF_SEGMENT, HTTPStatus.CONFLICT),
    ),
)
