"""Lists that go on by a cursor, as one iterator."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TypeVar

from api_segments_client.decoding import decode
from api_segments_client.errors import UnexpectedAnswerError
from api_segments_client.transport import Transport

T = TypeVar("T")


def pages(  # noqa: PLR0913, PLR0917 - what is read, as what, by which request
    transport: Transport,
    path: str,
    name: str,
    kind: type[T],
    page_size: int | None,
    given: Mapping[str, object] | None = None,
    *,
    method: str = "GET",
) -> Iterator[T]:
    """Give the entries of all pages; each page is asked for when the one before is used up.

    `given` are further parameters: of the query, or with POST of the body.
    """
    cursor: str | None = None
    while True:
        wanted = {"limit": page_size, "cursor": cursor, **(given or {})}
        wanted = {key: value for key, value in wanted.items() if value is not None}
        if method == "GET":
            body = transport.call("GET", path, query=wanted).body  # type: ignore[arg-type] # parameters of a query are texts and numbers
        else:
            body = transport.call(method, path, wanted).body
        if not isinstance(body, dict) or not isinstance(body.get(name), list):
            raise UnexpectedAnswerError(f"the answer to {path} has no list {name}")
        for index, each in enumerate(body[name]):
            yield decode(kind, each, f"{name}[{index}]")
        cursor = body.get("cursor")
        if cursor is None:
            return
