"""One operation of the API, as its description has it, and what examples have in common."""

from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from pydantic import TypeAdapter

Adapter = TypeAdapter[Any]

SEGMENT_ID = 1763901234567890
GUID = "5f2d6c1e9b7a4c38a1e0d4f6b8c2937a"
MOMENT = "2026-11-23T14:13:54.567890Z"
BODY_ERRORS = (HTTPStatus.BAD_REQUEST, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, HTTPStatus.UNSUPPORTED_MEDIA_TYPE)


@dataclass(frozen=True)
class Route:
    """One operation: what it takes, and what it answers with 200 and otherwise."""

    method: str
    path: str
    tag: str
    summary: str
    answer: Any  # a type
    example: object
    description: str = ""
    parameters: Sequence[str] = ()
    body: Adapter | None = None
    body_example: object = None
    errors: Sequence[HTTPStatus] = (HTTPStatus.BAD_REQUEST,)
    is_open: bool = False
