"""Bodies of answers that belong to no room."""

from typing import Literal

from typing_extensions import TypedDict


class ErrorBody(TypedDict):
    """A whole request that failed."""

    status: Literal["fail"]
    error: str
    code: int


class UnprocessedBody(TypedDict):
    """An entry of a batch that failed; `record` can be sent again as it is."""

    status: Literal["fail"]
    code: int
    error: str
    record: object


class DoneBody(TypedDict):
    """Something was done that there is nothing to say of."""

    status: Literal["success"]


class HealthBody(TypedDict):
    """The API answers."""

    status: Literal["ok"]
