"""What became of many: figures that add up."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from typing import Any, TypeVar

from api_segments_client.models import Refused

KEPT = 1000
"""How many refused entries totals keep; all of them go to `on_refused`."""


Figures = TypeVar("Figures", bound="_Figures")


class _Figures:
    """Figures that can be summed, and the first of the refused."""

    __slots__ = ()

    first_refused: list[Refused]

    def take(self, other: Any) -> None:  # noqa: ANN401 - of the same class; Self needs Python 3.11
        """Add the figures of another."""
        for name in self._names():
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.first_refused.extend(other.first_refused[: KEPT - len(self.first_refused)])

    def plus(self: Figures, other: Figures) -> Figures:  # noqa: PYI019 - Self needs Python 3.11
        """Return the sum of both; neither is changed."""
        both = replace(self, first_refused=[*self.first_refused])  # type: ignore[type-var] # both are dataclasses
        both.take(other)
        return both

    def figures(self) -> dict[str, int]:
        """Return the figures by name."""
        return {name: getattr(self, name) for name in self._names()}

    def __str__(self) -> str:
        """Return the figures that are not zero, in one line."""
        told = (f"{figure:,} {name.replace('_', ' ')}" for name, figure in self.figures().items() if figure)
        return ", ".join(told) or "nothing given"

    def _names(self) -> list[str]:
        return [each.name for each in fields(self) if each.name != "first_refused"]  # type: ignore[arg-type] # both are dataclasses


@dataclass(slots=True)
class Totals(_Figures):
    """What became of the pairs of user and segment that a push was given.

    given = processed + repeated + refused + not_sent + unconfirmed, and processed = added + removed + unchanged +
    untold.
    """

    given: int = 0
    processed: int = 0
    added: int = 0
    removed: int = 0
    unchanged: int = 0
    """May count what a first try changed whose answer got lost, see `resent`."""
    untold: int = 0
    """Processed, without the API's saying whether anything changed, as CleverTap answers."""
    repeated: int = 0
    """The same user once more within one request; sent once."""
    refused: int = 0
    not_sent: int = 0
    """Taken from the iterable, and certainly not written when the push ended early."""
    unconfirmed: int = 0
    """Sent, but no answer said what became of them when the push ended early: they may have been written."""
    profiles_created: int = 0
    resent: int = 0
    """Sent again, as they might not be written: what a first try changed counts as `unchanged`. Events tell exactly."""
    requests: int = 0
    first_refused: list[Refused] = field(default_factory=list, repr=False)
    """The first KEPT of the refused."""


@dataclass(slots=True)
class UploadTotals(_Figures):
    """What became of the records that an upload was given: given = processed + refused + not_sent + unconfirmed.

    `not_sent` and `unconfirmed` are as for Totals.
    """

    given: int = 0
    processed: int = 0
    refused: int = 0
    not_sent: int = 0
    unconfirmed: int = 0
    requests: int = 0
    first_refused: list[Refused] = field(default_factory=list, repr=False)
    """The first KEPT of the refused."""
