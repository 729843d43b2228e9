"""A part of a list, and where the list goes on."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

Row = TypeVar("Row")
Position = tuple[str | int, ...]
"""Where a list goes on, in the terms of that list."""


@dataclass(frozen=True, slots=True)
class Page(Generic[Row]):
    """A part of a list, and the position from which it goes on; None at its end."""

    rows: Sequence[Row]
    goes_on_at: Position | None
