"""How bodies name a segment: by our id, or by the customer's."""

from typing import Annotated, Any

from pydantic import ConfigDict, Field, PlainValidator, with_config
from pydantic_core import PydanticCustomError
from typing_extensions import TypeAliasType, TypedDict

from api_segments.core.limits import MAX_SEGMENT_ID
from api_segments.http.described import SEGMENT_ID, About, DescribedAs
from api_segments.http.fields import Text
from api_segments.http.ids import check_segment_id, check_text
from api_segments.http.validation import hint
from api_segments.segments.model import SegmentReference

_STRICT = ConfigDict(extra="forbid", strict=True)
_CUSTOMER_SEGMENT_ID = "customer_segment_id"


def _read_segment(value: object) -> SegmentReference:
    """Read how a body names a segment: our id, a number or its digits, or an object with the customer's."""
    if isinstance(value, dict):
        if _CUSTOMER_SEGMENT_ID not in value:
            raise _wrong_below(_CUSTOMER_SEGMENT_ID, "is required")
        for name in value:
            if name != _CUSTOMER_SEGMENT_ID:
                raise _wrong_below(name, f"unknown field{hint(name, [_CUSTOMER_SEGMENT_ID])}")
        try:
            text = check_text(value[_CUSTOMER_SEGMENT_ID])
        except PydanticCustomError as exc:
            raise _wrong_below(_CUSTOMER_SEGMENT_ID, exc.message()) from exc
        if not isinstance(text, str):
            raise _wrong_below(_CUSTOMER_SEGMENT_ID, "must be a string")
        return SegmentReference(customer_segment_id=text)
    segment_id = check_segment_id(value)
    if segment_id is None:
        raise PydanticCustomError("segment", "must be a segment's id, or an object with its customer_segment_id")
    return SegmentReference(segment_id)


def _wrong_below(name: str, said: str) -> PydanticCustomError:
    """Return the error for a field of a value that is read whole; `validate` adds it to the path."""
    return PydanticCustomError("below", "{said}", {"said": said, "below": (name,)})


@with_config(_STRICT)
class CustomerSegment(TypedDict):
    """A segment, by your id."""

    customer_segment_id: Annotated[Text, About("Your id of the segment.", "SEG12345")]


SegmentSelector = TypeAliasType(
    "SegmentSelector",
    Annotated[
        Annotated[int, Field(ge=1, le=MAX_SEGMENT_ID)]
        | Annotated[str, Field(pattern="^[0-9]{1,16}$")]
        | CustomerSegment,
        About("A segment: its id as the API gave it, a number or its digits, or your own id of it.", SEGMENT_ID),
    ],
)
NamedSegment = Annotated[Any, PlainValidator(_read_segment), DescribedAs(SegmentSelector)]
