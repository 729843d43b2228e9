"""DynamoDB's expressions and the PartiQL updates that the stores use, compiled once a text into Python functions.

An item, an operand and a value are DynamoDB's own JSON: `{"S": "x"}`. What is not understood raises, never passes.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from functools import cache
from typing import Any

Value = dict[str, Any]
Item = dict[str, Any]
Names = Mapping[str, str]
Values = Mapping[str, Value]
Operand = Callable[[Item, Names, Values], Value | None]
Condition = Callable[[Item, Names, Values], bool]
Change = Callable[[Item, Item, Names, Values], None]
"""Reads the item as it was (first), writes the item as it becomes (second)."""

_TOKEN = re.compile(
    r"""\s*(?:(?P<word>[\#:]?[A-Za-z_][A-Za-z0-9_]*|[\#:][0-9]\w*)|"(?P<quoted>[^"]+)"|(?P<sign><>|<=|>=|[=<>(),.+\-?*]))"""
)
_CLAUSES = ("SET", "REMOVE", "ADD", "DELETE")


class ExpressionError(ValueError):
    """An expression that DynamoDB, or this part of it, does not take."""


class _Tokens:
    """The words of an expression, read from left to right."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens: list[str] = []
        place = 0
        while text[place:].strip():
            found = _TOKEN.match(text, place)
            if not found:
                raise ExpressionError(f"can't read {text[place:]!r} of {text!r}")
            self._tokens.append(found["word"] or found["quoted"] or found["sign"])
            place = found.end()
        self._next = 0

    def peek(self, ahead: int = 0) -> str:
        place = self._next + ahead
        return self._tokens[place] if place < len(self._tokens) else ""

    def take(self, *wanted: str) -> str:
        """Return the next token; raise unless it is one of `wanted`, where those are given."""
        token = self.peek()
        if not token or (wanted and token.upper() not in wanted):
            raise ExpressionError(f"expected {wanted or 'more'}, found {token!r} in {self._text!r}")
        self._next += 1
        return token

    def skip(self, wanted: str) -> bool:
        """Take the next token if it is `wanted`."""
        if self.peek().upper() != wanted:
            return False
        self._next += 1
        return True

    def end(self) -> None:
        if self.peek():
            raise ExpressionError(f"{self.peek()!r} is too much in {self._text!r}")


@cache
def condition(text: str) -> Condition:
    """Compile a condition, filter or key condition expression."""
    tokens = _Tokens(text)
    compiled = _any_of(tokens)
    tokens.end()
    return compiled


@cache
def update(text: str) -> Sequence[Change]:
    """Compile an update expression."""
    tokens = _Tokens(text)
    changes: list[Change] = []
    while tokens.peek():
        clause = tokens.take(*_CLAUSES).upper()
        changes.append(_change(tokens, clause))
        while tokens.skip(","):
            changes.append(_change(tokens, clause))
    return changes


@cache
def partiql_update(text: str) -> tuple[str, Sequence[Change], Condition, int]:
    """Compile `UPDATE "table" SET … REMOVE … WHERE … RETURNING ALL OLD *`.

    Returns the table, the changes, the condition and how many parameters there are; `:0`, `:1` … stand for them.
    """
    parts = text.split("?")
    numbered = "".join(part + (f":{place}" if place < len(parts) - 1 else "") for place, part in enumerate(parts))
    tokens = _Tokens(numbered)
    tokens.take("UPDATE")
    table = tokens.take()
    changes: list[Change] = []
    while not tokens.skip("WHERE"):
        clause = tokens.take("SET", "REMOVE").upper()
        changes.append(_change(tokens, clause))
        while tokens.skip(","):
            changes.append(_change(tokens, clause))
    where = _any_of(tokens)
    for word in ("RETURNING", "ALL", "OLD", "*"):
        tokens.take(word)
    tokens.end()
    return table, changes, where, len(parts) - 1


def _any_of(tokens: _Tokens) -> Condition:
    parts = [_all_of(tokens)]
    while tokens.skip("OR"):
        parts.append(_all_of(tokens))
    return parts[0] if len(parts) == 1 else lambda item, names, values: any(part(item, names, values) for part in parts)


def _all_of(tokens: _Tokens) -> Condition:
    parts = [_one(tokens)]
    while tokens.skip("AND"):
        parts.append(_one(tokens))
    return parts[0] if len(parts) == 1 else lambda item, names, values: all(part(item, names, values) for part in parts)


def _one(tokens: _Tokens) -> Condition:
    if tokens.skip("NOT"):
        negated = _one(tokens)
        return lambda item, names, values: not negated(item, names, values)
    if tokens.skip("("):
        inner = _any_of(tokens)
        tokens.take(")")
        return inner
    name = tokens.peek().lower()
    if tokens.peek(1) == "(" and name in _FUNCTIONS:
        tokens.take()
        return _FUNCTIONS[name](*_arguments(tokens))
    left = _operand(tokens)
    if tokens.skip("BETWEEN"):
        low = _operand(tokens)
        tokens.take("AND")
        high = _operand(tokens)
        return lambda item, names, values: (
            _compare(left(item, names, values), ">=", low(item, names, values))
            and _compare(left(item, names, values), "<=", high(item, names, values))
        )
    if tokens.skip("IN"):
        choices = _arguments(tokens)
        return lambda item, names, values: any(
            _compare(left(item, names, values), "=", choice(item, names, values)) for choice in choices
        )
    sign = tokens.take("=", "<>", "<", "<=", ">", ">=")
    right = _operand(tokens)
    return lambda item, names, values: _compare(left(item, names, values), sign, right(item, names, values))


def _arguments(tokens: _Tokens) -> list[Operand]:
    tokens.take("(")
    found = [_operand(tokens)]
    while tokens.skip(","):
        found.append(_operand(tokens))
    tokens.take(")")
    return found


def _operand(tokens: _Tokens) -> Operand:
    if tokens.peek(1) == "(":
        name = tokens.take().lower()
        if name not in _VALUE_FUNCTIONS:
            raise ExpressionError(f"unknown function {name}")
        return _VALUE_FUNCTIONS[name](*_arguments(tokens))
    if tokens.peek().startswith(":"):
        token = tokens.take()
        return lambda _item, _names, values: values[token]
    path = _path(tokens)

    def read(item: Item, names: Names, _values: Values) -> Value | None:
        inner: Any = {"M": item}
        for step in path:
            inner = inner.get("M", {}).get(_name(step, names))
            if inner is None:
                return None
        return inner  # type: ignore[no-any-return]  # a value is JSON

    return read


def _path(tokens: _Tokens) -> list[str]:
    path = [tokens.take()]
    while tokens.skip("."):
        path.append(tokens.take())
    return path


def _name(step: str, names: Names) -> str:
    return names[step] if step.startswith("#") else step


def _change(tokens: _Tokens, clause: str) -> Change:
    """Compile one part of a clause."""
    path = _path(tokens)
    if clause == "REMOVE":
        return lambda _old, new, names, _values: _write(new, path, names, None)
    if clause == "SET":
        tokens.take("=")
        assigned = _sum(tokens)
        return lambda old, new, names, values: _write(new, path, names, assigned(old, names, values))
    operand = _operand(tokens)
    changed = _set_add if clause == "ADD" else _set_delete

    def change(old: Item, new: Item, names: Names, values: Values) -> None:
        before = old.get(_name(path[0], names))
        given = operand(old, names, values)
        after = _plus(before or {"N": "0"}, given, 1) if given and "N" in given else changed(before, given)
        _write(new, path, names, after)

    return change


def _sum(tokens: _Tokens) -> Operand:
    left = _operand(tokens)
    if tokens.peek() not in ("+", "-"):
        return left
    sign = 1 if tokens.take() == "+" else -1
    right = _operand(tokens)
    return lambda item, names, values: _plus(left(item, names, values), right(item, names, values), sign)


def _write(item: Item, path: Sequence[str], names: Names, value: Value | None) -> None:
    """Put a value at a path, or take what is there away; maps on the way are copied, as items share them."""
    holder = item
    for step in path[:-1]:
        name = _name(step, names)
        holder[name] = {"M": dict(holder[name]["M"])}
        holder = holder[name]["M"]
    if value is None:
        holder.pop(_name(path[-1], names), None)
    else:
        holder[_name(path[-1], names)] = value


def _plus(left: Value | None, right: Value | None, sign: int) -> Value:
    if left is None or right is None:
        raise ExpressionError("an operand is missing")
    return {"N": str(Decimal(left["N"]) + sign * Decimal(right["N"]))}


def _set_add(before: Value | None, given: Value | None) -> Value | None:
    if before is None or given is None:
        return before or given
    ((kind, members),) = given.items()
    known = before[kind]
    present = set(known)
    return {kind: known + [member for member in members if member not in present]}


def _set_delete(before: Value | None, given: Value | None) -> Value | None:
    if before is None or given is None:
        return before
    ((kind, members),) = given.items()
    gone = set(members)
    left = [member for member in before[kind] if member not in gone]
    return {kind: left} if left else None  # DynamoDB has no empty sets


def _compare(left: Value | None, sign: str, right: Value | None) -> bool:
    if left is None or right is None:
        return sign == "<>" and left is not right
    (kind, one), (other_kind, other) = *left.items(), *right.items()
    if kind != other_kind:
        return sign == "<>"
    if kind in ("SS", "NS", "BS"):
        one, other = frozenset(one), frozenset(other)
    elif kind == "N":
        one, other = Decimal(one), Decimal(other)
    return bool(_COMPARED[sign](one, other))


_COMPARED: Mapping[str, Callable[[Any, Any], bool]] = {
    "=": lambda one, other: one == other,
    "<>": lambda one, other: one != other,
    "<": lambda one, other: one < other,
    "<=": lambda one, other: one <= other,
    ">": lambda one, other: one > other,
    ">=": lambda one, other: one >= other,
}


def _begins(value: Value | None, prefix: Value | None) -> bool:
    return bool(value and prefix and value.get("S", "").startswith(prefix["S"]) and "S" in value)


def _contains(value: Value | None, part: Value | None) -> bool:
    if value is None or part is None:
        return False
    ((kind, inner),) = value.items()
    ((part_kind, wanted),) = part.items()
    return wanted in inner if kind in (part_kind, f"{part_kind}S") else False


def _size(value: Value | None) -> Value | None:
    if value is None:
        return None
    ((kind, inner),) = value.items()
    return {"N": str(len(inner.encode() if kind == "S" else inner))}


_FUNCTIONS: Mapping[str, Callable[..., Condition]] = {
    "attribute_exists": lambda path: lambda item, names, values: path(item, names, values) is not None,
    "attribute_not_exists": lambda path: lambda item, names, values: path(item, names, values) is None,
    "begins_with": lambda path, prefix: lambda *at: _begins(path(*at), prefix(*at)),
    "contains": lambda path, part: lambda *at: _contains(path(*at), part(*at)),
}
_VALUE_FUNCTIONS: Mapping[str, Callable[..., Operand]] = {
    "if_not_exists": lambda path, default: lambda *at: path(*at) or default(*at),
    "set_add": lambda path, given: lambda *at: _set_add(path(*at), given(*at)),
    "set_delete": lambda path, given: lambda *at: _set_delete(path(*at), given(*at)),
    "size": lambda path: lambda *at: _size(path(*at)),
}
