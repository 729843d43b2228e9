"""The bodies that create and rename segments, as types: what the API's description is written from.

Requests are checked by the same shapes in `requests`, which a function starts with much sooner; a test holds the two
together.
"""

from typing import Annotated, NotRequired

from pydantic import Field, TypeAdapter, with_config
from typing_extensions import TypedDict

from api_segments.core.limits import MAX_SEGMENTS_PER_CREATE
from api_segments.http.fields import STRICT, OptionalText, Text


@with_config(STRICT)
class NewSegmentBody(TypedDict):
    """An entry of POST /api/createSegment."""

    segment_name: Text
    customer_segment_id: NotRequired[OptionalText]


@with_config(STRICT)
class RenameBody(TypedDict):
    """The body of PATCH /api/segments/{id}."""

    segment_name: Text


CREATE = TypeAdapter(
    Annotated[list[NewSegmentBody], Field(min_length=1, max_length=MAX_SEGMENTS_PER_CREATE, fail_fast=True)]
)
RENAME = TypeAdapter(RenameBody)
