"""The bodies that clients send to /1/targets, as types: their shapes and their limits."""

import re
from typing import Annotated, Any, Literal, NotRequired

from pydantic import BeforeValidator, ConfigDict, Field, PlainValidator, TypeAdapter, WithJsonSchema, with_config
from pydantic_core import PydanticCustomError
from typing_extensions import TypedDict

from api_segments.core.limits import MAX_CAMPAIGN_SEGMENTS, MAX_PAGE, MAX_SEGMENT_ID, MAX_USERS_LIMIT
from api_segments.http.fields import OptionalText, Text
from api_segments.http.ids import check_segment_id, check_text
from api_segments.segments.model import SegmentReference

_STRICT = ConfigDict(extra="forbid", strict=True)
_DIGITS = re.compile(r"[0-9]{1,16}")


def _read_segment(value: object) -> SegmentReference:
    """Read how a body names a segment: our id, a number or its digits, or an object with the customer's."""
    if isinstance(value, dict):
        if set(value) != {"customer_segment_id"}:
            raise PydanticCustomError("segment", "must have customer_segment_id and no other field")
        text = check_text(value["customer_segment_id"])
        if not isinstance(text, str):
            raise PydanticCustomError("segment", "customer_segment_id must be a string")
        return SegmentReference(customer_segment_id=text)
    segment_id = check_segment_id(value)
    if segment_id is None:
        raise PydanticCustomError("segment", "must be a segment's id, or an object with its customer_segment_id")
    return SegmentReference(segment_id)


def _whole_number(most: int) -> Any:  # noqa: ANN401 - a type as pydantic takes it
    """Return the type of whole numbers from 1 to `most`, sent as a number or as a string of digits."""

    def check(value: object) -> object:
        number = int(value) if isinstance(value, str) and _DIGITS.fullmatch(value) else value
        if isinstance(number, bool) or not isinstance(number, int) or not 1 <= number <= most:
            raise PydanticCustomError("whole_number", "must be a whole number from 1 to {most}", {"most": most})
        return number

    one_of = [{"type": "integer", "minimum": 1, "maximum": most}, {"type": "string", "pattern": "^0*[1-9][0-9]*$"}]
    return Annotated[int, PlainValidator(check), WithJsonSchema({"anyOf": one_of})]


def _check_day(value: object) -> object:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


_OUR_ID_SCHEMA: dict[str, Any] = {
    "anyOf": [
        {"type": "integer", "minimum": 1, "maximum": MAX_SEGMENT_ID},
        {"type": "string", "pattern": "^[0-9]{1,16}$"},
    ]
}
_TEXT_SCHEMA: dict[str, Any] = {"type": "string", "minLength": 1, "maxLength": 255}
_SEGMENT_SCHEMA: dict[str, Any] = {
    "anyOf": [
        *_OUR_ID_SCHEMA["anyOf"],
        {
            "type": "object",
            "properties": {"customer_segment_id": _TEXT_SCHEMA},
            "required": ["customer_segment_id"],
            "additionalProperties": False,
        },
    ]
}
_EVENT_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "type": {"const": "event"},
        "segment": _SEGMENT_SCHEMA,
        "action": {"enum": ["ADD", "REMOVE"]},
    },
    "required": ["type", "segment", "action"],
    "additionalProperties": False,
}
_LOCAL_TIME = "^[0-9]{8} [0-9]{2}:[0-9]{2}$"
_WHEN_SCHEMA: dict[str, Any] = {"anyOf": [{"const": "now"}, {"type": "string", "pattern": _LOCAL_TIME}, _EVENT_SCHEMA]}
_DAY_SCHEMA: dict[str, Any] = {
    "anyOf": [
        {"type": "integer", "minimum": 10000101, "maximum": 99991231},
        {"type": "string", "pattern": "^[0-9]{8}$"},
    ]
}

NamedSegment = Annotated[Any, PlainValidator(_read_segment), WithJsonSchema(_SEGMENT_SCHEMA)]
TargetId: Any = _whole_number(MAX_SEGMENT_ID)
Day = Annotated[str, BeforeValidator(_check_day), WithJsonSchema(_DAY_SCHEMA)]
Limit: Any = _whole_number(MAX_PAGE)
UsersLimit: Any = _whole_number(MAX_USERS_LIMIT)
Mode = Literal["email", "sms", "push", "whatsapp", "webpush", "webhook"]
Content = dict[str, str]


@with_config(_STRICT)
class AudienceBody(TypedDict):
    """Whom a campaign is for: users in any included and in no excluded segment."""

    include: Annotated[list[NamedSegment], Field(min_length=1, max_length=MAX_CAMPAIGN_SEGMENTS)]
    exclude: NotRequired[Annotated[list[NamedSegment], Field(max_length=MAX_CAMPAIGN_SEGMENTS)]]


@with_config(_STRICT)
class EventBody(TypedDict):
    """The change that an online campaign acts on."""

    type: Literal["event"]
    segment: NamedSegment
    action: Literal["ADD", "REMOVE"]


class WhenBody(TypedDict):
    """What stands around the change, so that an error names its path."""

    when: EventBody


@with_config(_STRICT)
class CreateTargetBody(TypedDict):
    """The body of POST /1/targets/create.json."""

    target_mode: Mode
    name: NotRequired[Text]
    segment: NotRequired[NamedSegment]
    segments: NotRequired[AudienceBody]
    when: NotRequired[Annotated[Any, WithJsonSchema(_WHEN_SCHEMA)]]
    content: NotRequired[Content]
    users_limit_overall: NotRequired[UsersLimit]
    estimate_only: NotRequired[bool]


ListBody = TypedDict(
    "ListBody",
    {
        "from": NotRequired[Day],
        "to": NotRequired[Day],
        "limit": NotRequired[Limit],
        "cursor": NotRequired[Annotated[str, Field(min_length=1)]],
    },
)
ListBody.__doc__ = "The body of POST /1/targets/list.json; days are in the account's time zone."
ListBody.__pydantic_config__ = _STRICT  # type: ignore[attr-defined]  # the decorator can't stand before a call


@with_config(_STRICT)
class StartBody(TypedDict):
    """The body of POST /1/targets/when.json: a local time of the account."""

    when: Annotated[str, WithJsonSchema({"type": "string", "pattern": _LOCAL_TIME})]


@with_config(_STRICT)
class TargetBody(TypedDict):
    """The body of stop.json and result.json."""

    id: TargetId


@with_config(_STRICT)
class LogBody(TypedDict):
    """The body of POST /1/targets/log.json."""

    id: TargetId
    limit: NotRequired[Limit]
    cursor: NotRequired[Annotated[str, Field(min_length=1)]]


@with_config(_STRICT)
class PreviewBody(TypedDict):
    """The body of POST /1/targets/preview.json."""

    target_mode: Mode
    content: Content
    identity: NotRequired[OptionalText]
    event: NotRequired[dict[str, Any] | None]


@with_config(_STRICT)
class NoBody(TypedDict):
    """The body of POST /1/targets/settings.json: an empty object."""


CREATE = TypeAdapter(CreateTargetBody)
EVENT = TypeAdapter(WhenBody)
START = TypeAdapter(StartBody)
LIST = TypeAdapter(ListBody)
TARGET = TypeAdapter(TargetBody)
LOG = TypeAdapter(LogBody)
PREVIEW = TypeAdapter(PreviewBody)
NOTHING = TypeAdapter(NoBody)
