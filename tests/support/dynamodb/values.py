"""Attribute values in DynamoDB's JSON: checked, brought into one form, measured and compared."""

import re
from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from tests.support.dynamodb.errors import InvalidError

Value = dict[str, Any]
Item = dict[str, Value]

MAX_ITEM_BYTES = 400 * 1024
MAX_DIGITS = 38
SETS = {"SS": "string", "NS": "number", "BS": "binary"}
_KINDS = {"S", "N", "B", "BOOL", "NULL", "M", "L", *SETS}
_SHORTEST = re.compile(rf"0|-?[1-9][0-9]{{0,{MAX_DIGITS - 1}}}")


def number(text: str) -> Decimal:
    try:
        value = Decimal(text)
    except InvalidOperation:
        raise InvalidError(f"The parameter cannot be converted to a numeric value: {text}") from None
    if not value.is_finite():
        raise InvalidError(f"The parameter cannot be converted to a numeric value: {text}")
    if len(value.normalize().as_tuple().digits) > MAX_DIGITS:
        raise InvalidError("Attempting to store more than 38 significant digits in a Number")
    return value


def number_text(value: Decimal) -> str:
    """Write a number the one way that DynamoDB does: no exponent, no zeros that say nothing."""
    text = f"{value.normalize():f}"
    return "0" if text == "-0" else text


def _checked_number(text: str) -> str:
    return text if _SHORTEST.fullmatch(text) else number_text(number(text))


def normal(value: Value) -> Value:
    """Check a value and return it in one form: numbers written alike, sets in order; raises InvalidError."""
    if len(value) != 1 or not value.keys() <= _KINDS:
        raise InvalidError("Supplied AttributeValue must contain exactly one of the supported datatypes")
    ((kind, content),) = value.items()
    if kind == "N":
        return {"N": _checked_number(content)}
    if kind in SETS:
        if not content:
            raise InvalidError(f"One or more parameter values were invalid: An {SETS[kind]} set  may not be empty")
        members = list(map(_checked_number, content)) if kind == "NS" else list(content)
        if len(set(members)) != len(members):
            raise InvalidError("One or more parameter values were invalid: Input collection contains duplicates.")
        return {kind: sorted(members, key=Decimal if kind == "NS" else None)}
    if kind == "M":
        return {"M": {name: normal(inner) for name, inner in content.items()}}
    if kind == "L":
        return {"L": [normal(inner) for inner in content]}
    return {kind: content}


def normal_item(item: Mapping[str, Value]) -> Item:
    return {name: normal(value) for name, value in item.items()}


def copied(item: Mapping[str, Value]) -> Item:
    """Return a copy that its owner may change."""
    return {name: _copied(value) for name, value in item.items()}


def _copied(value: Value) -> Value:
    ((kind, content),) = value.items()
    if kind == "M":
        return {"M": copied(content)}
    if kind == "L":
        return {"L": [_copied(inner) for inner in content]}
    return {kind: list(content) if kind in SETS else content}


def comparable(value: Value) -> Any:
    """Return what values of one kind are ordered by."""
    ((kind, content),) = value.items()
    if kind == "N":
        return Decimal(content)
    return content.encode("utf-8", "surrogatepass") if kind == "S" else content


def size_of(item: Mapping[str, Value]) -> int:
    return sum(len(name.encode()) + _size(value) for name, value in item.items())


def _size(value: Value) -> int:
    ((kind, content),) = value.items()
    measure = _MEASURES.get(kind)
    return 1 if measure is None else measure(content)


def _number_size(text: str) -> int:
    """Two digits a byte, one byte more, and one for a sign (developer guide, "Item sizes")."""
    digits = text.lstrip("-").replace(".", "").strip("0")
    return (len(digits) + 1) // 2 + 1 + text.startswith("-")


def _binary_size(content: bytes | str) -> int:
    """Measure bytes; what came over HTTP is in base64."""
    return len(content) * 3 // 4 if isinstance(content, str) else len(content)


_MEASURES: Mapping[str, Callable[[Any], int]] = {
    "S": lambda text: len(text.encode()),
    "N": _number_size,
    "B": _binary_size,
    "SS": lambda members: sum(len(member.encode()) for member in members),
    "NS": lambda members: sum(map(_number_size, members)),
    "BS": lambda members: sum(map(_binary_size, members)),
    "M": lambda inner: 3 + len(inner) + size_of(inner),
    "L": lambda inner: 3 + len(inner) + sum(map(_size, inner)),
}
