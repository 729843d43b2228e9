"""The bodies that clients send, as types: what the API's description is written from.

Requests are checked by the same shapes in `edge.requests`, which a function starts with much sooner; a test holds the
two together.
"""

from typing import Annotated, Any, Literal, NotRequired

from pydantic import BeforeValidator, ConfigDict, Field, TypeAdapter, WithJsonSchema, with_config
from typing_extensions import TypedDict  # pydantic needs this one before Python 3.12

from segments.edge.ids import check_segment_id, check_text
from segments.limits import MAX_ID_CHARACTERS, MAX_SEGMENT_ID, MAX_SEGMENTS_PER_CREATE, MAX_USERS_PER_UPDATE

_STRICT = ConfigDict(extra="forbid", strict=True)

_TEXT_SCHEMA: dict[str, Any] = {
    "type": "string",
    "minLength": 1,
    "maxLength": MAX_ID_CHARACTERS,
    "pattern": r"^(?=.*[^\s])[^\u0000-\u001f\u007f-\u009f\ufffe\uffff]*$",
}
_SEGMENT_ID_SCHEMA: dict[str, Any] = {
    "anyOf": [
        {"type": "integer", "minimum": 1, "maximum": MAX_SEGMENT_ID},
        {"type": "string", "pattern": "^[0-9]{1,16}$"},
        {"type": "null"},
    ]
}
Text = Annotated[str, BeforeValidator(check_text), WithJsonSchema(_TEXT_SCHEMA)]
OptionalText = Annotated[  # null is as good as absent
    str | None, BeforeValidator(check_text), WithJsonSchema({"anyOf": [_TEXT_SCHEMA, {"type": "null"}]})
]
SegmentId = Annotated[int | None, BeforeValidator(check_segment_id), WithJsonSchema(_SEGMENT_ID_SCHEMA)]


@with_config(_STRICT)
class NewSegmentBody(TypedDict):
    """An entry of POST /api/createSegment."""

    segment_name: Text
    customer_segment_id: NotRequired[OptionalText]


@with_config(_STRICT)
class RenameBody(TypedDict):
    """The body of PATCH /api/segments/{id}."""

    segment_name: Text


@with_config(_STRICT)
class UserBody(TypedDict):
    """A user of POST /api/updateSegment."""

    identity: NotRequired[OptionalText]
    guid: NotRequired[OptionalText]


@with_config(_STRICT)
class SegmentActionBody(TypedDict):
    """A segment and an action of POST /api/updateSegment."""

    ct_segment_id: NotRequired[SegmentId]
    customer_segment_id: NotRequired[OptionalText]
    action: Literal["ADD", "REMOVE"]


@with_config(_STRICT)
class GroupBody(TypedDict):
    """A group of POST /api/updateSegment."""

    user_profiles: Annotated[list[UserBody], Field(min_length=1, max_length=MAX_USERS_PER_UPDATE, fail_fast=True)]
    segments: Annotated[list[SegmentActionBody], Field(min_length=1, fail_fast=True)]


@with_config(_STRICT)
class UpdateBody(TypedDict):
    """The body of POST /api/updateSegment."""

    bulk_profiles: Annotated[list[GroupBody], Field(min_length=1, max_length=MAX_USERS_PER_UPDATE, fail_fast=True)]


CREATE = TypeAdapter(
    Annotated[list[NewSegmentBody], Field(min_length=1, max_length=MAX_SEGMENTS_PER_CREATE, fail_fast=True)]
)
UPDATE = TypeAdapter(UpdateBody)
RENAME = TypeAdapter(RenameBody)
TEXT = TypeAdapter(Text)
SEGMENT_ID = TypeAdapter(SegmentId)
