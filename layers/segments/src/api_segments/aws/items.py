"""Items read by their attributes: what is missing, or is not as it was written, makes an item damaged.

Each kind of item is read in one place, its store, through `Attributes`. Whoever decides or writes gets a
DamagedItemError, which is answered with 503 or brings the task again. A list goes on without the item, and says so:
`passing_over`, `Readings.without_damaged`. Each time is one line in the log; template.yaml counts them (DamagedItems).
"""

import json
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import datetime
from enum import StrEnum
from typing import Any, TypeVar

from api_segments.aws.dynamodb import Item
from api_segments.aws.keys import shown_key
from api_segments.core.errors import DamagedItemError

_LOG = logging.getLogger(__name__)

DAMAGED = "an item is damaged"
"""What the log says of each; template.yaml has a metric of it."""

K = TypeVar("K")
S = TypeVar("S")
T = TypeVar("T")
E = TypeVar("E", bound=StrEnum)


def damaged_item(kind: str, attribute: str, key: str) -> DamagedItemError:
    """Tell the log that an attribute of an item is damaged, and return the error to raise."""
    _LOG.error(DAMAGED, extra={"kind": kind, "attribute": attribute, "key": key})
    return DamagedItemError(f"what is stored of a {kind} is damaged; who runs the stack is told")


class Attributes:
    """The attributes of an item, each read as what it must be; raises DamagedItemError if it is not."""

    def __init__(self, kind: str, item: Item) -> None:
        self._kind = kind
        self._item = item

    def damaged(self, name: str) -> DamagedItemError:
        """Tell the log that an attribute is damaged, and return the error to raise."""
        error = damaged_item(self._kind, name, shown_key(self._item))
        error.item = self._item
        return error

    def _value(self, name: str, kind: str) -> Any:  # noqa: ANN401 - what DynamoDB holds
        value = self._item.get(name)
        if value is None or kind not in value:
            raise self.damaged(name)
        return value[kind]

    def has(self, name: str) -> bool:
        """Whether the attribute is there, whatever it is."""
        return name in self._item

    def optional(self, read: Callable[[str], T], name: str) -> T | None:
        """Read an attribute that the item may lack."""
        return read(name) if name in self._item else None

    def text(self, name: str) -> str:
        """Read a text."""
        text: str = self._value(name, "S")
        return text

    def whole(self, name: str) -> int:
        """Read a whole number."""
        try:
            return int(self._value(name, "N"))
        except ValueError:
            raise self.damaged(name) from None

    def number(self, name: str) -> float:
        """Read a number that need not be whole."""
        try:
            return float(self._value(name, "N"))
        except ValueError:
            raise self.damaged(name) from None

    def flag(self, name: str) -> bool:
        """Read a truth value."""
        flag: bool = self._value(name, "BOOL")
        return flag

    def octets(self, name: str) -> bytes:
        """Read bytes."""
        return bytes(self._value(name, "B"))

    def moment(self, name: str) -> str:
        """Read a time, as the text that it is stored as."""
        text = self.text(name)
        with suppress(ValueError):
            if datetime.fromisoformat(text).tzinfo is not None:
                return text
        raise self.damaged(name)

    def one_of(self, name: str, values: type[E]) -> E:
        """Read a text that is one of `values`."""
        try:
            return values(self.text(name))
        except ValueError:
            raise self.damaged(name) from None

    def numbers(self, name: str) -> frozenset[int]:
        """Read a set of whole numbers, which does not exist when it is empty."""
        if name not in self._item:
            return frozenset()
        try:
            return frozenset(map(int, self._value(name, "NS")))
        except ValueError:
            raise self.damaged(name) from None

    def texts(self, name: str) -> frozenset[str]:
        """Read a set of texts, which does not exist when it is empty."""
        return frozenset(self._value(name, "SS")) if name in self._item else frozenset()

    def some_of(self, name: str, values: type[E]) -> frozenset[E]:
        """Read a set of texts, each one of `values`."""
        try:
            return frozenset(map(values, self.texts(name)))
        except ValueError:
            raise self.damaged(name) from None

    def listed(self, name: str, read: Callable[[Item], T]) -> tuple[T, ...]:
        """Read a list; `read` takes one of its values, and raises LookupError, TypeError or ValueError if it can't."""
        try:
            return tuple(map(read, self._value(name, "L")))
        except (LookupError, TypeError, ValueError):
            raise self.damaged(name) from None

    def mapped(self, name: str, read: Callable[[str, Item], T]) -> list[T]:
        """Read what a map holds, as `listed` does a list."""
        try:
            return [read(key, value) for key, value in self._value(name, "M").items()]
        except (LookupError, TypeError, ValueError):
            raise self.damaged(name) from None

    def parsed(self, name: str, read: Callable[[Any], T]) -> T:
        """Read JSON; `read` takes what it says, as `listed` does a value."""
        try:
            return read(json.loads(self.text(name)))
        except (LookupError, TypeError, ValueError):
            raise self.damaged(name) from None

    def counts(self, *others: str) -> dict[str, int]:
        """Read a slot of counters: all attributes but the key and `others` are whole numbers."""
        return {name: self.whole(name) for name in self._item if name not in {"account_id", "sk", *others}}


def as_read(item: Mapping[str, Any], known: Iterable[str]) -> tuple[str, dict[str, Any], dict[str, str]]:
    """Return the condition that an item is as it was read, also in which of `known` it lacks; its values and names."""
    names = {f"#was_{index}": name for index, name in enumerate(dict.fromkeys([*item, *known]))}
    values = {f":{short[1:]}": item[name] for short, name in names.items() if name in item}
    parts = [
        f"{short} = :{short[1:]}" if name in item else f"attribute_not_exists({short})" for short, name in names.items()
    ]
    return " AND ".join(parts), values, names


class Readings(Mapping[K, T]):
    """What was read under some keys. Whoever looks a damaged item up, or goes over all, gets its DamagedItemError."""

    def __init__(self, items: Mapping[K, S], read: Callable[[S], T]) -> None:
        self._read: dict[K, T] = {}
        self.damaged: dict[K, DamagedItemError] = {}
        for key, item in items.items():
            try:
                self._read[key] = read(item)
            except DamagedItemError as error:
                self.damaged[key] = error

    def __getitem__(self, key: K) -> T:
        if key in self.damaged:
            raise self.damaged[key]
        return self._read[key]

    def __iter__(self) -> Iterator[K]:
        for error in self.damaged.values():
            raise error
        return iter(self._read)

    def __len__(self) -> int:
        return len(self._read) + len(self.damaged)

    def without_damaged(self) -> dict[K, T]:
        """Return what could be read: for lists."""
        return self._read


def passing_over(read: Callable[[Item], T]) -> Callable[[Item], T | None]:
    """Return how a list reads items: None for one that is damaged."""

    def read_or_pass_over(item: Item) -> T | None:
        try:
            return read(item)
        except DamagedItemError:
            return None

    return read_or_pass_over
