"""Bodies of answers that belong to no room."""

from typing import Annotated, Literal

from typing_extensions import TypedDict

from api_segments.http.described import About, Done

_Failed = Annotated[Literal["fail"], About("It failed.", "fail")]
_Code = Annotated[int, About("The HTTP status that says why.", 404)]


class ErrorBody(TypedDict):
    """A whole request that failed."""

    status: _Failed
    error: Annotated[str, About("What is wrong, and where.", "bulk_profiles[3].segments[0].action: is required")]
    code: _Code


class UnprocessedEntryBody(TypedDict):
    """An entry of a batch that failed."""

    status: _Failed
    code: _Code
    error: Annotated[str, About("Why this entry failed.", "segment does not exist")]
    record: Annotated[
        object,
        About(
            "The entry, as it was sent: send it again as it is. If it is too long for an answer, where it stands.",
            {"customer_segment_id": "SEG99999"},
        ),
    ]


Unprocessed = Annotated[list[UnprocessedEntryBody], About("The entries that failed, in the order of the request.")]


class DoneBody(TypedDict):
    """Something was done that there is nothing to say of."""

    status: Done


class HealthBody(TypedDict):
    """The API answers."""

    status: Annotated[Literal["ok"], About("The API answers.", "ok")]
