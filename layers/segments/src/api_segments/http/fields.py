"""Types of the fields that many bodies have, as pydantic and OpenAPI take them."""

from typing import Annotated, Any

from pydantic import BeforeValidator, ConfigDict, TypeAdapter, WithJsonSchema

from api_segments.core.limits import MAX_ID_CHARACTERS, MAX_SEGMENT_ID
from api_segments.http.ids import check_segment_id, check_text

STRICT = ConfigDict(extra="forbid", strict=True)

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
TEXT = TypeAdapter(Text)
SEGMENT_ID = TypeAdapter(SegmentId)
