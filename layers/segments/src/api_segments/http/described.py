"""What the API's description says of a field beside its type; hot functions import it, so it imports no pydantic.

A type whose name ends in `Body` is in the description without that ending.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from typing_extensions import TypeAliasType

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

    def keywords(self) -> Json:
        """Return it as JSON Schema has it."""
        described: Json = {"description": self.said}
        if self.example is not _NONE:
            described["examples"] = [self.example]
        if self.format is not None:
            described["format"] = self.format
        return described

    def __get_pydantic_json_schema__(self, schema: Any, handler: Callable[[Any], Json]) -> Json:  # noqa: ANN401 - pydantic's own
        """Add it to what pydantic says of the field's type."""
        return {**handler(schema), **self.keywords()}


def described(schema: Mapping[str, Any], said: str, example: object = _NONE) -> Any:  # noqa: ANN401 - any of pydantic_core's schemas
    """Return a shape of pydantic_core's with what is said about it."""
    keywords = About(said, example).keywords()
    return {**schema, "metadata": {**schema.get("metadata", {}), "pydantic_js_updates": keywords}}


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
