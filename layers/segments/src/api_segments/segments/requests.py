"""What requests about segments ask for: bodies to create and rename them, filters of lists."""

import re
from collections.abc import Mapping
from contextlib import suppress
from datetime import date
from typing import Any

from pydantic_core import core_schema

from api_segments.core.errors import InvalidRequestError, SegmentsError
from api_segments.core.limits import MAX_DESCRIPTION_CHARACTERS, MAX_SEGMENTS_PER_CREATE, MAX_TAG_CHARACTERS, MAX_TAGS
from api_segments.http.described import About, described
from api_segments.http.validation import (
    OPTIONAL_TEXT,
    TEXT,
    Shape,
    filled_list,
    parse_text,
    read_body,
    strict_object,
    text_of,
    validate,
)
from api_segments.segments.model import CreateRequest, NewSegment, SegmentChange, SegmentFilter, SegmentStatus

DAYS = ("from", "to")
ANY_STATUS = "all"
CUSTOMER_SEGMENT_ID_FILTERS = ("customer_segment_id", "customer_segment_id_prefix")
SEGMENT_FILTERS = ("status", *CUSTOMER_SEGMENT_ID_FILTERS, "tag")
STATUS_FILTERS = (SegmentStatus.ACTIVE.value, SegmentStatus.DELETED.value, ANY_STATUS)


def segment_filter(query: Mapping[str, str]) -> SegmentFilter:
    """Read which segments to list: the active ones if no `status` is given; raises InvalidRequestError."""
    status = query.get("status", SegmentStatus.ACTIVE)
    if status not in STATUS_FILTERS:
        raise InvalidRequestError(f"status: must be {', '.join(STATUS_FILTERS[:-1])} or {STATUS_FILTERS[-1]}")
    ids = {name: parse_text(query[name], name) for name in CUSTOMER_SEGMENT_ID_FILTERS if name in query}
    if len(ids) > 1:
        raise InvalidRequestError(f"{' and '.join(ids)}: only one of them may be given")
    tag = parse_text(query["tag"], "tag") if "tag" in query else None
    return SegmentFilter(None if status == ANY_STATUS else SegmentStatus(status), **ids, tag=tag)


def days_in_query(query: Mapping[str, str]) -> tuple[date | None, date | None]:
    """Read the first and the last day that are asked for, None where one is not given; raises InvalidRequestError."""
    first, last = (_day(query[name], name) if name in query else None for name in DAYS)
    if first is not None and last is not None and first > last:
        raise InvalidRequestError("from: must not be after to")
    return first, last


def _day(value: str, name: str) -> date:
    with suppress(ValueError):
        if re.fullmatch("[0-9]{4}-[0-9]{2}-[0-9]{2}", value):
            return date.fromisoformat(value)
    raise InvalidRequestError(f"{name}: must be a day like 2026-11-28")


def list_filters(query: Mapping[str, str]) -> Mapping[str, str]:
    """Return the filters of a list without one that says what is meant without it."""
    given = {name: query[name] for name in SEGMENT_FILTERS if name in query}
    return {name: value for name, value in given.items() if (name, value) != ("status", SegmentStatus.ACTIVE)}


_SEGMENT_NAME = described(TEXT, About("What people call the segment.", "Premium Users"))
_ABOUT_DESCRIPTION = About("What the segment is for; lines may be broken.", "Spent 750 or more")
_DESCRIPTION = text_of(MAX_DESCRIPTION_CHARACTERS, line_break="\n")
_TAGS = described(
    core_schema.list_schema(text_of(MAX_TAG_CHARACTERS), max_length=MAX_TAGS, fail_fast=True),
    About("What the segment is found by; one that is given twice counts once.", ["loyalty", "spring"]),
)
_NEW_SEGMENT = strict_object(
    "NewSegment",
    "A segment to create.",
    {
        "segment_name": _SEGMENT_NAME,
        "customer_segment_id": described(
            OPTIONAL_TEXT, About("Your own id of the segment, unique in the account for ever.", "SEG12345")
        ),
        "description": described(core_schema.nullable_schema(_DESCRIPTION), _ABOUT_DESCRIPTION),
        "tags": core_schema.nullable_schema(_TAGS),
    },
    optional={"customer_segment_id", "description", "tags"},
)
CREATE = described(
    filled_list(_NEW_SEGMENT, MAX_SEGMENTS_PER_CREATE), About("The segments to create; each stands or falls alone.")
)
CHANGE = strict_object(
    "ChangeSegmentRequest",
    "What is to change of a segment; at least one of the fields.",
    {
        "segment_name": _SEGMENT_NAME,
        "description": described(
            core_schema.nullable_schema(_DESCRIPTION),
            About(f"{_ABOUT_DESCRIPTION.said} Null takes it away.", "For the sale"),
        ),
        "tags": _TAGS,
    },
    optional={"segment_name", "description", "tags"},
)
# Entries are read one by one, since each stands or falls alone.
_CREATE, _ENTRY = Shape(filled_list(core_schema.dict_schema(), MAX_SEGMENTS_PER_CREATE)), Shape(_NEW_SEGMENT)
_CHANGE = Shape(CHANGE)


def parse_create(body: bytes) -> CreateRequest:
    """Read the body of POST /api/createSegment.

    Raises InvalidRequestError or BodyTooLargeError when the body as a whole can't be read.
    """
    sent = validate(_CREATE, read_body(body))
    entries: dict[int, NewSegment] = {}
    refused: dict[int, SegmentsError] = {}
    for index, entry in enumerate(sent):
        try:
            entries[index] = NewSegment(**_with_tags(validate(_ENTRY, entry, whole="entry")))
        except InvalidRequestError as error:
            refused[index] = error
    return CreateRequest(sent, entries, refused)


def parse_change(body: bytes) -> SegmentChange:
    """Read the body of PATCH /api/segments/{id}; raises InvalidRequestError or BodyTooLargeError."""
    wanted = validate(_CHANGE, read_body(body))
    if not wanted:
        raise InvalidRequestError("body: must have segment_name, description or tags")
    if "description" in wanted:
        wanted["description"] = wanted["description"] or ""
    return SegmentChange(**_with_tags(wanted))


def _with_tags(fields: dict[str, Any]) -> dict[str, Any]:
    """Return what was read with each tag once, in order."""
    return {**fields, "tags": tuple(sorted(set(fields["tags"])))} if fields.get("tags") is not None else fields
