"""What DynamoDB charges, by its developer guide ("DynamoDB item sizes and formats", "read and write operations")."""

from math import ceil
from typing import Any

KIBIBYTE = 1024
READ_BYTES = 4 * KIBIBYTE


def item_bytes(item: dict[str, Any]) -> int:
    """Return the size of an item: its attributes' names in UTF-8 and their values."""
    return sum(len(name.encode()) + _value_bytes(value) for name, value in item.items())


def _value_bytes(value: dict[str, Any]) -> int:  # noqa: PLR0911 - one a type
    ((kind, inner),) = value.items()
    if kind == "S":
        return len(inner.encode())
    if kind == "N":
        return _number_bytes(inner)
    if kind == "B":
        return len(inner) * 3 // 4
    if kind in ("BOOL", "NULL"):
        return 1
    if kind == "NS":
        return sum(map(_number_bytes, inner))
    if kind == "SS":
        return sum(len(member.encode()) for member in inner)
    if kind == "BS":
        return sum(len(member) * 3 // 4 for member in inner)
    if kind == "L":
        return 3 + sum(1 + _value_bytes(member) for member in inner)
    return 3 + sum(1 + len(name.encode()) + _value_bytes(member) for name, member in inner.items())


def _number_bytes(number: str) -> int:
    """Return about a byte for two significant digits, and one more."""
    digits = number.lstrip("-").replace(".", "").strip("0")
    return ceil(len(digits) / 2) + 1


def read_units(size: int, *, consistent: bool) -> float:
    """Return the units of reading `size` bytes; what is not there costs as the smallest item does."""
    return max(1, ceil(size / READ_BYTES)) * (1.0 if consistent else 0.5)


def write_units(before: int, after: int, *, transaction: bool = False) -> float:
    """Return the units of a write: by the larger of the item before and after, twice in a transaction."""
    return max(1, ceil(max(before, after) / KIBIBYTE)) * (2.0 if transaction else 1.0)
