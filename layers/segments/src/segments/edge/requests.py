"""The bodies that clients send: their shapes, their limits, and what is said about wrong ones."""

import re
from typing import Annotated, Any, Literal, NotRequired, TypeVar
from unicodedata import category

from pydantic import BeforeValidator, ConfigDict, Field, TypeAdapter, ValidationError, with_config
from pydantic_core import ErrorDetails, PydanticCustomError
from typing_extensions import TypedDict  # pydantic needs this one before Python 3.12

from segments.edge import strict_json
from segments.errors import BodyTooLargeError, InvalidRequestError
from segments.limits import (
    MAX_BODY_BYTES,
    MAX_ID_CHARACTERS,
    MAX_SEGMENT_ID,
    MAX_SEGMENTS_PER_CREATE,
    MAX_USERS_PER_UPDATE,
)
from segments.model import Action, NewSegment, SegmentReference, UpdateGroup, UserReference

T = TypeVar("T")

# The last two are no characters; an SQS queue behind the bus would refuse the event.
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\ufffe\uffff]")
_DIGITS = re.compile(r"[0-9]{1,16}")
_STRICT = ConfigDict(extra="forbid", strict=True)


def _check_text(value: object) -> object:
    """Check what a plain string type does not: emptiness, control characters, lone surrogates, blankness."""
    if not isinstance(value, str):
        return value
    if not 1 <= len(value) <= MAX_ID_CHARACTERS:
        raise PydanticCustomError("length", "must have 1 to 255 characters, has {length}", {"length": len(value)})
    if _CONTROL.search(value):
        raise PydanticCustomError("control", "must have no control characters")
    if not value.isprintable() and any(category(character) == "Cs" for character in value):
        raise PydanticCustomError("surrogate", "must have no lone surrogates")
    if all(character.isspace() or category(character) == "Cf" for character in value):  # Cf: has no width
        raise PydanticCustomError("blank", "must not be only spaces")
    return value


def _check_segment_id(value: object) -> int | None:
    """Take a segment id as a number or as a string of digits (clients send both)."""
    if value is None:
        return None
    if isinstance(value, str) and _DIGITS.fullmatch(value):
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= MAX_SEGMENT_ID:
        raise PydanticCustomError("segment_id", "must be a whole number from 1 to 2^53 - 1, or a string of its digits")
    return value


Text = Annotated[str, BeforeValidator(_check_text)]
OptionalText = Annotated[str | None, BeforeValidator(_check_text)]  # null is as good as absent
SegmentId = Annotated[int | None, BeforeValidator(_check_segment_id)]


@with_config(_STRICT)
class NewSegmentBody(TypedDict):
    """An entry of POST /api/createSegment."""

    segment_name: Text
    customer_segment_id: NotRequired[OptionalText]


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


_CREATE = TypeAdapter(
    Annotated[list[NewSegmentBody], Field(min_length=1, max_length=MAX_SEGMENTS_PER_CREATE, fail_fast=True)]
)
_UPDATE = TypeAdapter(UpdateBody)
_TEXT = TypeAdapter(Text)
_SEGMENT_ID = TypeAdapter(SegmentId)

# What pydantic calls an error, and what we say. The fields in braces are of the error's context.
_SAID = {
    "missing": "is required",
    "extra_forbidden": "unknown field",
    "string_type": "must be a string",
    "string_unicode": "must have no lone surrogates",
    "bool_type": "must be true or false",
    "list_type": "must be a list",
    "dict_type": "must be an object",
    "literal_error": "must be {expected}",
    "enum": "must be {expected}",
    "model_attributes_type": "must be an object",
    "union_tag_not_found": "{discriminator} is required",
    "union_tag_invalid": "{discriminator} must be one of {expected_tags}",
    "too_short": "must not be empty",
    "too_long": "must have at most {max_length} entries, has {actual_length}",
}


def parse_create(body: bytes) -> list[NewSegment]:
    """Read the body of POST /api/createSegment; raises InvalidRequestError or BodyTooLargeError."""
    return [
        NewSegment(entry["segment_name"], entry.get("customer_segment_id"))
        for entry in validate(_CREATE, read_body(body))
    ]


def parse_update(body: bytes) -> list[UpdateGroup]:
    """Read the body of POST /api/updateSegment; raises InvalidRequestError or BodyTooLargeError."""
    groups = validate(_UPDATE, read_body(body))["bulk_profiles"]
    users = sum(len(group["user_profiles"]) for group in groups)
    if users > MAX_USERS_PER_UPDATE:
        raise InvalidRequestError(
            f"bulk_profiles: must have at most {MAX_USERS_PER_UPDATE} user_profiles over the whole request, has {users}"
        )
    return [
        UpdateGroup(
            users=[
                _user(user, f"bulk_profiles[{place}].user_profiles[{inner}]")
                for inner, user in enumerate(group["user_profiles"])
            ],
            actions=[
                (_segment(entry, f"bulk_profiles[{place}].segments[{inner}]"), Action(entry["action"]))
                for inner, entry in enumerate(group["segments"])
            ],
        )
        for place, group in enumerate(groups)
    ]


def parse_text(value: str, place: str) -> str:
    """Check an id that came in the path or the query; raises InvalidRequestError."""
    try:
        return _TEXT.validate_python(value)
    except ValidationError as exc:
        raise InvalidRequestError(f"{place}: {_say(exc.errors()[0])}") from exc


def parse_segment_id(value: str, place: str) -> int:
    """Check a segment id that came in the path or the query; raises InvalidRequestError."""
    try:
        return _SEGMENT_ID.validate_python(value) or 0
    except ValidationError as exc:
        raise InvalidRequestError(f"{place}: {_say(exc.errors()[0])}") from exc


def validate(adapter: TypeAdapter[T], value: object, *, is_tagged: bool = False, whole: str = "body") -> T:
    """Validate a value that was read from JSON; raises InvalidRequestError, which names the first wrong place.

    `is_tagged`: a field of the value tells which of several shapes it has; pydantic puts the name of the shape before
    the place, we do not. `whole` is what the value as a whole is called.
    """
    try:
        return adapter.validate_python(value)
    except ValidationError as exc:
        first = exc.errors(include_url=False, include_input=False)[0]
        tags = 1 if is_tagged and first["loc"] else 0
        raise InvalidRequestError(f"{strict_json.path(first['loc'][tags:], whole)}: {_say(first)}") from exc


def read_body(body: bytes) -> Any:  # noqa: ANN401 - any JSON value
    """Read a body as JSON; raises InvalidRequestError or BodyTooLargeError."""
    if len(body) > MAX_BODY_BYTES:
        raise BodyTooLargeError(f"body: must be at most 4 MiB, has {len(body)} bytes")
    if not body.strip():
        raise InvalidRequestError("body: is empty, must be JSON")
    return strict_json.parse(body)


def _say(error: ErrorDetails) -> str:
    said = _SAID.get(error["type"])
    return error["msg"] if said is None else said.format_map(error.get("ctx", {}))


def _user(user: UserBody, place: str) -> UserReference:
    identity, guid = user.get("identity"), user.get("guid")
    if identity is not None:
        return UserReference(identity=identity)
    if guid is None:
        raise InvalidRequestError(f"{place}: identity or guid is required")
    return UserReference(guid=guid)


def _segment(entry: SegmentActionBody, place: str) -> SegmentReference:
    segment_id, customer_segment_id = entry.get("ct_segment_id"), entry.get("customer_segment_id")
    if segment_id is None and customer_segment_id is None:
        raise InvalidRequestError(f"{place}: ct_segment_id or customer_segment_id is required")
    return SegmentReference(segment_id, customer_segment_id)
