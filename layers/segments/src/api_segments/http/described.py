"""What the API's description says of a field beside its type; hot functions import it, so it imports no pydantic.

A type whose name ends in `Body` is in the description without that ending.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from typing_extensions import TypeAliasType, TypedDict

Json = dict[str, Any]

SEGMENT_ID = 1763901234567890
CAMPAIGN_ID = 1763901234567892
GUID = "5f2d6c1e9b7a4c38a1e0d4f6b8c2937a"
MOMENT = "2026-11-23T14:13:54.567890Z"
_NONE: Any = object()


@dataclass(frozen=True, slots=True)
class About:
    """A sentence about a field, and an example of it; an object's example is made from those of its fields."""

    said: str
    example: Any = _NONE
    format: str | None = None

    def __get_pydantic_json_schema__(self, schema: Any, handler: Callable[[Any], Json]) -> Json:  # noqa: ANN401 - pydantic's own
        """Add it to what pydantic says of the field's type."""
        described = {**handler(schema), "description": self.said}
        if self.example is not _NONE:
            described["examples"] = [self.example]
        if self.format is not None:
            described["format"] = self.format
        return described


@dataclass(frozen=True, slots=True)
class DescribedAs:
    """Describes a field that is checked later, or by hand, by the type that it then has to have."""

    shape: Any

    def __get_pydantic_json_schema__(self, _schema: Any, handler: Callable[[Any], Json]) -> Json:  # noqa: ANN401 - pydantic's own
        """Return what pydantic says of that type; the handler would pass its name over if it stood alone."""
        from pydantic import TypeAdapter  # noqa: PLC0415 - hot functions never come here
        from pydantic_core import core_schema  # noqa: PLC0415 - as above

        return handler(core_schema.definitions_schema(TypeAdapter(self.shape).core_schema, []))


def described(schema: Mapping[str, Any], *notes: About | DescribedAs) -> Any:  # noqa: ANN401 - any of pydantic_core's schemas
    """Return a shape of pydantic_core's with what Annotated would add to a type."""
    functions = [note.__get_pydantic_json_schema__ for note in notes]
    return {**schema, "metadata": {**schema.get("metadata", {}), "pydantic_js_annotation_functions": functions}}


def object_of(name: str, said: str, fields: Mapping[str, Any]) -> Any:  # noqa: ANN401 - a type
    """Return a TypedDict whose fields, by name with their types, come from a table."""
    make: Any = TypedDict  # mypy wants to read the fields here
    made = make(name, dict(fields))
    made.__doc__ = said
    return made


def moment(said: str) -> About:
    """Describe a time of an answer."""
    return About(said, MOMENT, "date-time")


SegmentId = Annotated[int, About("The segment's id, given by the API.", SEGMENT_ID)]
SegmentName = Annotated[str, About("What people call the segment.", "Premium Users")]
CustomerSegmentId = Annotated[str | None, About("Your id of the segment; null where it has none.", "SEG12345")]
Identity = Annotated[str, About("Your id of the user.", "CT123456")]
NullableIdentity = Annotated[str | None, About("Your id of the user; null where it has none.", "CT123456")]
Guid = Annotated[str, About("The user's id as the API gave it, or the `objectId` that you uploaded.", GUID)]
NextCursor = Annotated[
    str | None, About("Send it as `cursor` to get the next page; null where the list has ended.", "eyJ2IjoxfQ")
]
Done = Annotated[Literal["success"], About("It is done.", "success")]
BatchStatusBody = TypeAliasType(
    "BatchStatusBody",
    Annotated[Literal["success", "partial", "fail"], About("How a batch ended.", "success")],
)
BatchStatus = Annotated[BatchStatusBody, About("Whether all entries, some or none were processed.", "success")]
ActionBody = TypeAliasType(
    "ActionBody", Annotated[Literal["ADD", "REMOVE"], About("A user joins a segment, or leaves it.", "ADD")]
)
TokenTypeBody = TypeAliasType(
    "TokenTypeBody",
    Annotated[Literal["fcm", "apns", "chrome"], About("The service of a token: Android, Apple, browser.", "fcm")],
)
