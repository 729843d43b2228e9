"""The body of an update, as types: what the API's description is written from.

Requests are checked by the same shapes in `requests`, which a function starts with much sooner; a test holds the two
together.
"""

from typing import Annotated, Literal, NotRequired

from pydantic import Field, TypeAdapter, with_config
from typing_extensions import TypedDict

from api_segments.core.limits import MAX_USERS_PER_UPDATE
from api_segments.http.fields import STRICT, OptionalText, SegmentId


@with_config(STRICT)
class UserBody(TypedDict):
    """A user of POST /api/updateSegment."""

    identity: NotRequired[OptionalText]
    guid: NotRequired[OptionalText]


@with_config(STRICT)
class SegmentActionBody(TypedDict):
    """A segment and an action of POST /api/updateSegment."""

    ct_segment_id: NotRequired[SegmentId]
    customer_segment_id: NotRequired[OptionalText]
    action: Literal["ADD", "REMOVE"]


@with_config(STRICT)
class GroupBody(TypedDict):
    """A group of POST /api/updateSegment."""

    user_profiles: Annotated[list[UserBody], Field(min_length=1, max_length=MAX_USERS_PER_UPDATE, fail_fast=True)]
    segments: Annotated[list[SegmentActionBody], Field(min_length=1, fail_fast=True)]


@with_config(STRICT)
class UpdateBody(TypedDict):
    """The body of POST /api/updateSegment."""

    bulk_profiles: Annotated[list[GroupBody], Field(min_length=1, max_length=MAX_USERS_PER_UPDATE, fail_fast=True)]


UPDATE = TypeAdapter(UpdateBody)
