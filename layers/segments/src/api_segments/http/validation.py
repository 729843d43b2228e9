"""The bodies that clients send: their shapes, their limits, and what is said about wrong ones."""

from collections.abc import Iterable, Iterator, Mapping, Set
from typing import Any, Protocol, TypeVar

from pydantic_core import CoreConfig, CoreSchema, ErrorDetails, SchemaValidator, ValidationError, core_schema

from api_segments.core.errors import BodyTooLargeError, InvalidRequestError
from api_segments.core.limits import BODY_LIMIT, MAX_BODY_BYTES, MAX_ID_CHARACTERS, MAX_SEGMENT_ID
from api_segments.core.names import meant
from api_segments.http import strict_json
from api_segments.http.ids import check_segment_id, check_text

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class Validator(Protocol[T_co]):
    """What checks a value: pydantic's TypeAdapter, or a Shape."""

    core_schema: CoreSchema

    def validate_python(self, value: object, /) -> T_co:
        """Return the value as its shape has it; raises pydantic_core.ValidationError."""


class Shape:
    """Checks values against a shape that is written as pydantic_core takes it."""

    def __init__(self, schema: CoreSchema) -> None:
        self.core_schema = schema
        self._validator = SchemaValidator(schema)

    def validate_python(self, value: object, /) -> Any:  # noqa: ANN401 - whatever the shape says
        """Return the value as the shape has it; raises pydantic_core.ValidationError."""
        return self._validator.validate_python(value)


# Shapes as pydantic_core takes them: building them from types takes as long as starting the SDK. Each has besides what
# the API's description says of it: most of what `ids` checks, as JSON Schema can say it.
# The pattern looks nowhere ahead: not every language's expressions can.
_CONTROLS = r"\u0000-\u001f\u007f-\u009f\ufffd-\uffff"
_WITHOUT_CONTROLS = rf"^[^{_CONTROLS}]*[^\s{_CONTROLS}][^{_CONTROLS}]*$"
_DESCRIBED_TEXT = core_schema.str_schema(min_length=1, max_length=MAX_ID_CHARACTERS, pattern=_WITHOUT_CONTROLS)
_DESCRIBED_SEGMENT_ID = core_schema.union_schema(
    [core_schema.int_schema(ge=1, le=MAX_SEGMENT_ID), core_schema.str_schema(pattern="^[0-9]{1,16}$")]
)
TEXT = core_schema.no_info_before_validator_function(
    check_text, core_schema.str_schema(), json_schema_input_schema=_DESCRIBED_TEXT
)
OPTIONAL_TEXT = core_schema.no_info_before_validator_function(  # null is as good as absent
    check_text,
    core_schema.nullable_schema(core_schema.str_schema()),
    json_schema_input_schema=core_schema.nullable_schema(_DESCRIBED_TEXT),
)
SEGMENT_ID = core_schema.no_info_before_validator_function(
    check_segment_id,
    core_schema.nullable_schema(core_schema.int_schema()),
    json_schema_input_schema=core_schema.nullable_schema(_DESCRIBED_SEGMENT_ID),
)

REQUIRED_SEGMENT_ID = core_schema.no_info_before_validator_function(
    check_segment_id, core_schema.int_schema(), json_schema_input_schema=_DESCRIBED_SEGMENT_ID
)


def strict_object(
    name: str, about: str, fields: Mapping[str, CoreSchema], optional: Set[str] = frozenset()
) -> CoreSchema:
    """Return the shape of an object that has these fields and no others; those that it must have are checked first.

    The description has it by its `name`, with what is said `about` it and the fields in the order given.
    """

    def in_order(described: dict[str, Any]) -> None:
        described["properties"] = {field: described["properties"][field] for field in fields}

    return core_schema.typed_dict_schema(
        {
            field: core_schema.typed_dict_field(fields[field], required=field not in optional)
            for field in sorted(fields, key=optional.__contains__)
        },
        cls=type(name, (), {"__doc__": about, "__pydantic_config__": {"json_schema_extra": in_order}}),
        ref=name,
        extra_behavior="forbid",
        config=CoreConfig(strict=True, extra_fields_behavior="forbid"),
    )


def filled_list(of: CoreSchema, at_most: int | None = None) -> CoreSchema:
    """Return the shape of a list that has one entry at least."""
    return core_schema.list_schema(of, min_length=1, max_length=at_most, fail_fast=True)


def text_of(most: int, line_break: str = "") -> CoreSchema:
    """Return the shape of a text of at most so many characters, and of lines where `line_break` breaks them."""
    controls = _CONTROLS.replace(r"\u0000-\u001f", r"\u0000-\u0009\u000b-\u001f") if line_break else _CONTROLS
    pattern = rf"^[^{controls}]*[^\s{controls}][^{controls}]*$"
    return core_schema.no_info_before_validator_function(
        lambda value: check_text(value, most, line_break),
        core_schema.str_schema(),
        json_schema_input_schema=core_schema.str_schema(min_length=1, max_length=most, pattern=pattern),
    )


_TEXT, _SEGMENT_ID = SchemaValidator(TEXT), SchemaValidator(SEGMENT_ID)

# What uploads call objectId is the guid of all other calls.
_OTHER_NAMES = {"guid": "objectId", "objectId": "guid"}
# What pydantic calls an error, and what we say. The fields in braces are of the error's context.
_SAID = {
    "missing": "is required",
    "extra_forbidden": "unknown field",
    "string_type": "must be a string",
    "int_type": "must be a whole number",
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


def parse_text(value: str, path: str) -> str:
    """Check an id that came in the path or the query; raises InvalidRequestError."""
    try:
        text: str = _TEXT.validate_python(value)
    except ValidationError as exc:
        raise InvalidRequestError(f"{path}: {_say(exc.errors()[0])}") from exc
    return text


def parse_segment_id(value: str, path: str) -> int:
    """Check a segment id that came in the path or the query; raises InvalidRequestError."""
    try:
        return _SEGMENT_ID.validate_python(value) or 0
    except ValidationError as exc:
        raise InvalidRequestError(f"{path}: {_say(exc.errors()[0])}") from exc


def validate(adapter: Validator[T], value: object, *, is_tagged: bool = False, whole: str = "body", at: str = "") -> T:
    """Validate a value that was read from JSON; raises InvalidRequestError, which names the first wrong path.

    `is_tagged`: a field of the value tells which of several shapes it has; pydantic puts the name of the shape before
    the path, we do not. `whole` is what the value as a whole is called; or it is a part of a body, the one at the path
    `at`.
    """
    try:
        return adapter.validate_python(value)
    except ValidationError as exc:
        first = exc.errors(include_url=False, include_input=False)[0]
        tags = 1 if is_tagged and first["loc"] else 0
        steps = (*first["loc"][tags:], *first.get("ctx", {}).get("below", ()))
        said = _say(first)
        if first["type"] == "extra_forbidden":
            said += hint(str(steps[-1]), _fields_of(adapter.core_schema))
        path = strict_json.path(steps, whole, at)
        raise InvalidRequestError(f"{path}: {said}") from exc


def hint(name: str, known: Iterable[str]) -> str:
    """Say which of the names that we know an unknown one was probably meant to be; nothing if it is like none."""
    names = list(known)
    right = meant(name, names)
    if right is None and _OTHER_NAMES.get(name) in names:
        right = _OTHER_NAMES[name]
    return "" if right is None else f"; it is written {right}"


def read_body(body: bytes) -> Any:  # noqa: ANN401 - any JSON value
    """Read a body as JSON; raises InvalidRequestError or BodyTooLargeError."""
    if len(body) > MAX_BODY_BYTES:
        raise BodyTooLargeError(f"body: must be at most {BODY_LIMIT}, has {len(body)} bytes")
    if not body.strip():
        raise InvalidRequestError("body: is empty, must be JSON")
    return strict_json.parse(body)


def _fields_of(schema: object) -> Iterator[str]:
    """Return the names of all fields that a shape has, at any depth."""
    if isinstance(schema, list | tuple):
        for inner in schema:
            yield from _fields_of(inner)
    elif isinstance(schema, dict):
        if schema.get("type") == "typed-dict":
            yield from schema["fields"]
        for inner in schema.values():
            yield from _fields_of(inner)


def _say(error: ErrorDetails) -> str:
    said = _SAID.get(error["type"])
    return error["msg"] if said is None else said.format_map(error.get("ctx", {}))
