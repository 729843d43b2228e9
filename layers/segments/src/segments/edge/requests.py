"""The bodies that clients send: their shapes, their limits, and what is said about wrong ones."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from pydantic_core import (
    CoreConfig,
    CoreSchema,
    ErrorDetails,
    SchemaValidator,
    ValidationError,
    core_schema,
)

from segments.edge import strict_json
from segments.edge.ids import check_segment_id, check_text
from segments.errors import BodyTooLargeError, InvalidRequestError
from segments.limits import (
    MAX_BODY_BYTES,
    MAX_SEGMENTS_PER_CREATE,
    MAX_USERS_PER_UPDATE,
)
from segments.model import Action, NewSegment, SegmentReference, UpdateGroup, UserReference

if TYPE_CHECKING:
    from segments.edge.bodies import GroupBody, NewSegmentBody, SegmentActionBody, UserBody

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class Validator(Protocol[T_co]):
    """What checks a value: pydantic's TypeAdapter, or pydantic_core's SchemaValidator."""

    def validate_python(self, value: object, /) -> T_co:
        """Return the value as its shape has it; raises pydantic_core.ValidationError."""


# The shapes of edge.bodies as pydantic_core takes them: building them from types takes as long as starting the SDK.
TEXT = core_schema.no_info_before_validator_function(check_text, core_schema.str_schema())
_OPTIONAL_TEXT = core_schema.no_info_before_validator_function(
    check_text, core_schema.nullable_schema(core_schema.str_schema())
)
SEGMENT_ID = core_schema.no_info_before_validator_function(
    check_segment_id, core_schema.nullable_schema(core_schema.int_schema())
)


def _object(
    required: Mapping[str, CoreSchema], optional: Mapping[str, CoreSchema] = MappingProxyType({})
) -> CoreSchema:
    """Return the shape of an object that has these fields and no others."""
    fields = {name: core_schema.typed_dict_field(schema, required=True) for name, schema in required.items()}
    fields |= {name: core_schema.typed_dict_field(schema, required=False) for name, schema in optional.items()}
    return core_schema.typed_dict_schema(
        fields, extra_behavior="forbid", config=CoreConfig(strict=True, extra_fields_behavior="forbid")
    )


def _list(of: CoreSchema, at_most: int | None = None) -> CoreSchema:
    return core_schema.list_schema(of, min_length=1, max_length=at_most, fail_fast=True)


_USER = _object({}, {"identity": _OPTIONAL_TEXT, "guid": _OPTIONAL_TEXT})
_SEGMENT_ACTION = _object(
    {"action": core_schema.literal_schema(["ADD", "REMOVE"])},
    {"ct_segment_id": SEGMENT_ID, "customer_segment_id": _OPTIONAL_TEXT},
)
_GROUP = _object({"user_profiles": _list(_USER, MAX_USERS_PER_UPDATE), "segments": _list(_SEGMENT_ACTION)})
CREATE = _list(_object({"segment_name": TEXT}, {"customer_segment_id": _OPTIONAL_TEXT}), MAX_SEGMENTS_PER_CREATE)
UPDATE = _object({"bulk_profiles": _list(_GROUP, MAX_USERS_PER_UPDATE)})
RENAME = _object({"segment_name": TEXT})

_CREATE, _UPDATE, _RENAME = SchemaValidator(CREATE), SchemaValidator(UPDATE), SchemaValidator(RENAME)
_TEXT, _SEGMENT_ID = SchemaValidator(TEXT), SchemaValidator(SEGMENT_ID)

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
    entries: list[NewSegmentBody] = validate(_CREATE, read_body(body))
    return [NewSegment(entry["segment_name"], entry.get("customer_segment_id")) for entry in entries]


def parse_rename(body: bytes) -> str:
    """Read the body of PATCH /api/segments/{id}; raises InvalidRequestError or BodyTooLargeError."""
    name: str = validate(_RENAME, read_body(body))["segment_name"]
    return name


def parse_update(body: bytes) -> list[UpdateGroup]:
    """Read the body of POST /api/updateSegment; raises InvalidRequestError or BodyTooLargeError."""
    groups: list[GroupBody] = validate(_UPDATE, read_body(body))["bulk_profiles"]
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
        text: str = _TEXT.validate_python(value)
    except ValidationError as exc:
        raise InvalidRequestError(f"{place}: {_say(exc.errors()[0])}") from exc
    return text


def parse_segment_id(value: str, place: str) -> int:
    """Check a segment id that came in the path or the query; raises InvalidRequestError."""
    try:
        return _SEGMENT_ID.validate_python(value) or 0
    except ValidationError as exc:
        raise InvalidRequestError(f"{place}: {_say(exc.errors()[0])}") from exc


def validate(adapter: Validator[T], value: object, *, is_tagged: bool = False, whole: str = "body") -> T:
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


def _user(user: "UserBody", place: str) -> UserReference:
    identity, guid = user.get("identity"), user.get("guid")
    if identity is not None:
        return UserReference(identity=identity)
    if guid is None:
        raise InvalidRequestError(f"{place}: identity or guid is required")
    return UserReference(guid=guid)


def _segment(entry: "SegmentActionBody", place: str) -> SegmentReference:
    segment_id, customer_segment_id = entry.get("ct_segment_id"), entry.get("customer_segment_id")
    if segment_id is None and customer_segment_id is None:
        raise InvalidRequestError(f"{place}: ct_segment_id or customer_segment_id is required")
    return SegmentReference(segment_id, customer_segment_id)
