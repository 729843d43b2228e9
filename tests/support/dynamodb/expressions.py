"""The expressions of DynamoDB's API that the stores use: conditions, key conditions, filters and updates."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.support.dynamodb.errors import InvalidError
from tests.support.dynamodb.values import SETS, Item, Value, comparable, normal, normal_item, number, number_text

_TOKEN = re.compile(r"\s*(<>|<=|>=|[=<>(),.+\-\[\]]|[#:]?[A-Za-z0-9_]+)")
_COMPARE: Mapping[str, Callable[[Any, Any], bool]] = {
    "<": lambda one, other: one < other,
    "<=": lambda one, other: one <= other,
    ">": lambda one, other: one > other,
    ">=": lambda one, other: one >= other,
}
_CLAUSES = ("SET", "REMOVE", "ADD", "DELETE")

Path = tuple[str, ...]
Operand = Callable[[Item], Value | None]
Condition = Callable[[Item], bool]


@dataclass
class Names:
    """What stands behind #names and :values, and which of them were used; one for all expressions of an action."""

    names: Mapping[str, str]
    values: Item
    used: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, arguments: Mapping[str, Any]) -> "Names":
        names, values = arguments.get("ExpressionAttributeNames"), arguments.get("ExpressionAttributeValues")
        for what, given in (("ExpressionAttributeNames", names), ("ExpressionAttributeValues", values)):
            if given is not None and not given:
                raise InvalidError(f"{what} must not be empty")
        return cls(names or {}, normal_item(values or {}))

    def name(self, token: str) -> str:
        if not token.startswith("#"):
            return token
        if token not in self.names:
            raise InvalidError(f"An expression attribute name used in the document path is not defined: {token}")
        self.used.add(token)
        return self.names[token]

    def value(self, token: str) -> Value:
        if token not in self.values:
            raise InvalidError(f"An expression attribute value used in expression is not defined: {token}")
        self.used.add(token)
        return self.values[token]

    def refuse_unused(self) -> None:
        for what, given in (("Names", self.names), ("Values", self.values)):
            unused = sorted(set(given) - self.used)
            if unused:
                raise InvalidError(f"Value provided in ExpressionAttribute{what} unused in expressions: keys: {unused}")


class _Reader:
    def __init__(self, text: str, names: Names) -> None:
        self.names = names
        self._tokens: list[str] = []
        place = 0
        while text[place:].strip():
            match = _TOKEN.match(text, place)
            if match is None:
                raise InvalidError(f"Invalid expression: syntax error near {text[place:]!r}")
            self._tokens.append(match[1])
            place = match.end()
        self._place = 0

    def peek(self) -> str:
        return self._tokens[self._place] if self._place < len(self._tokens) else ""

    def take(self) -> str:
        token = self.peek()
        self._place += 1
        return token

    def takes(self, *wanted: str) -> str:
        """Take the next token if it is one of `wanted` (words in any case), and return it, else ""."""
        return self.take().upper() if self.peek().upper() in wanted else ""

    def expect(self, wanted: str) -> None:
        if not self.takes(wanted):
            raise InvalidError(f"Invalid expression: syntax error; token: {self.peek()!r}, expected {wanted!r}")

    def path(self) -> Path:
        if not re.fullmatch(r"#?[A-Za-z0-9_]+", self.peek()):
            raise InvalidError(f"Invalid expression: syntax error; token: {self.peek()!r}, expected a name")
        steps = [self.names.name(self.take())]
        while self.takes("."):
            steps.append(self.names.name(self.take()))
        return tuple(steps)

    def operand(self) -> Operand:
        token = self.peek()
        if token.startswith(":"):
            value = self.names.value(self.take())
            return lambda _: value
        if token == "size":
            self.take()
            self.expect("(")
            path = self.path()
            self.expect(")")
            return lambda item: _length(at(item, path))
        path = self.path()
        return lambda item: at(item, path)

    def end(self) -> None:
        if self.peek():
            raise InvalidError(f"Invalid expression: syntax error; token: {self.peek()!r}")


def at(item: Item, path: Path) -> Value | None:
    """Return the value at a path."""
    value = item.get(path[0])
    for step in path[1:]:
        value = None if value is None else value.get("M", {}).get(step)
    return value


def _length(value: Value | None) -> Value | None:
    if value is None:
        return None
    ((kind, content),) = value.items()
    return {"N": str(len(content.encode() if kind == "S" else content))}


def parse_condition(text: str, names: Names) -> Condition:
    """Read a condition; raises InvalidError."""
    reader = _Reader(text, names)
    condition = _any_of(reader)
    reader.end()
    return condition


def _any_of(reader: _Reader) -> Condition:
    choices = [_all_of(reader)]
    while reader.takes("OR"):
        choices.append(_all_of(reader))
    return lambda item: any(choice(item) for choice in choices)


def _all_of(reader: _Reader) -> Condition:
    parts = [_one(reader)]
    while reader.takes("AND"):
        parts.append(_one(reader))
    return lambda item: all(part(item) for part in parts)


def _one(reader: _Reader) -> Condition:
    if reader.takes("NOT"):
        negated = _one(reader)
        return lambda item: not negated(item)
    if reader.takes("("):
        inner = _any_of(reader)
        reader.expect(")")
        return inner
    function = reader.peek()
    if function in _FUNCTIONS:
        reader.take()
        return _FUNCTIONS[function](reader)
    return _comparison(reader)


def _comparison(reader: _Reader) -> Condition:
    left = reader.operand()
    if reader.takes("BETWEEN"):
        low = reader.operand()
        reader.expect("AND")
        high = reader.operand()
        return lambda item: _ordered(">=", left(item), low(item)) and _ordered("<=", left(item), high(item))
    if reader.takes("IN"):
        reader.expect("(")
        choices = [reader.operand()]
        while reader.takes(","):
            choices.append(reader.operand())
        reader.expect(")")
        return lambda item: (found := left(item)) is not None and any(found == choice(item) for choice in choices)
    operator = reader.take()
    right = reader.operand()
    if operator == "=":
        return lambda item: (found := left(item)) is not None and found == right(item)
    if operator == "<>":
        return lambda item: left(item) != right(item)
    if operator in _COMPARE:
        return lambda item: _ordered(operator, left(item), right(item))
    raise InvalidError(f"Invalid expression: syntax error; token: {operator!r}")


def _ordered(operator: str, one: Value | None, other: Value | None) -> bool:
    if one is None or other is None or set(one) != set(other):
        return False
    return _COMPARE[operator](comparable(one), comparable(other))


def _exists(reader: _Reader, *, wanted: bool) -> Condition:
    reader.expect("(")
    path = reader.path()
    reader.expect(")")
    return lambda item: (at(item, path) is not None) is wanted


def _two(reader: _Reader, holds: Callable[[Value, Value], bool]) -> Condition:
    reader.expect("(")
    left = reader.operand()
    reader.expect(",")
    right = reader.operand()
    reader.expect(")")

    def condition(item: Item) -> bool:
        one, other = left(item), right(item)
        return one is not None and other is not None and holds(one, other)

    return condition


def _begins(one: Value, other: Value) -> bool:
    return "S" in one and "S" in other and one["S"].startswith(other["S"])


def _contains(one: Value, other: Value) -> bool:
    ((kind, content),), ((sought, part),) = one.items(), other.items()
    if kind == "L":
        return other in content
    if kind in SETS:
        return kind == f"{sought}S" and part in content
    return kind == sought and part in content


_FUNCTIONS: Mapping[str, Callable[[_Reader], Condition]] = {
    "attribute_exists": lambda reader: _exists(reader, wanted=True),
    "attribute_not_exists": lambda reader: _exists(reader, wanted=False),
    "begins_with": lambda reader: _two(reader, _begins),
    "contains": lambda reader: _two(reader, _contains),
}


@dataclass
class Update:
    """An update expression: what it makes of an item, and which attributes it names."""

    sets: list[tuple[Path, Operand]] = field(default_factory=list)
    removes: list[Path] = field(default_factory=list)
    adds: list[tuple[Path, Value]] = field(default_factory=list)
    deletes: list[tuple[Path, Value]] = field(default_factory=list)

    def paths(self) -> list[Path]:
        return [*(path for path, _ in [*self.sets, *self.adds, *self.deletes]), *self.removes]

    def refuse_overlaps(self) -> None:
        paths = self.paths()
        for place, one in enumerate(paths):
            for other in paths[place + 1 :]:
                length = min(len(one), len(other))
                if one[:length] == other[:length]:
                    raise InvalidError(
                        "Invalid UpdateExpression: Two document paths overlap with each other; must remove or rewrite "
                        f"one of these paths; path one: {list(one)}, path two: {list(other)}"
                    )

    def applied_to(self, item: Item) -> Item:
        """Return the item as it is after the update; right-hand sides see it as it was before."""
        after: Item = {name: _copied(value) for name, value in item.items()}
        for path, operand in self.sets:
            value = operand(item)
            if value is None:
                raise InvalidError("The provided expression refers to an attribute that does not exist in the item")
            _put(after, path, value)
        for path in self.removes:
            _drop(after, path)
        for path, value in self.adds:
            _put(after, path, added(at(item, path), value))
        for path, value in self.deletes:
            left = taken_away(at(item, path), value)
            if left is None:
                _drop(after, path)
            else:
                _put(after, path, left)
        return after


def parse_update(text: str, names: Names) -> Update:
    """Read an update expression; raises InvalidError."""
    reader, update, seen = _Reader(text, names), Update(), set()
    while reader.peek():
        clause = reader.takes(*_CLAUSES)
        if not clause or clause in seen:
            raise InvalidError(f"Invalid UpdateExpression: syntax error; token: {reader.peek()!r}")
        seen.add(clause)
        while True:
            path = reader.path()
            if clause == "SET":
                reader.expect("=")
                update.sets.append((path, _right_side(reader)))
            elif clause == "REMOVE":
                update.removes.append(path)
            else:
                target = update.adds if clause == "ADD" else update.deletes
                target.append((path, names.value(reader.take())))
            if not reader.takes(","):
                break
    update.refuse_overlaps()
    return update


def _right_side(reader: _Reader) -> Operand:
    left = _term(reader)
    sign = reader.takes("+", "-")
    if not sign:
        return left
    right = _term(reader)

    def total(item: Item) -> Value:
        one, other = left(item), right(item)
        if one is None or other is None:
            raise InvalidError("The provided expression refers to an attribute that does not exist in the item")
        if "N" not in one or "N" not in other:
            raise InvalidError("An operand in the update expression has an incorrect data type")
        amount = number(other["N"])
        return {"N": number_text(number(one["N"]) + (amount if sign == "+" else -amount))}

    return total


def _term(reader: _Reader) -> Operand:
    if reader.peek() != "if_not_exists":
        return reader.operand()
    reader.take()
    reader.expect("(")
    path = reader.path()
    reader.expect(",")
    otherwise = reader.operand()
    reader.expect(")")
    return lambda item: found if (found := at(item, path)) is not None else otherwise(item)


def added(old: Value | None, more: Value) -> Value:
    """Add to a number or a set, as ADD and set_add do."""
    ((kind, content),) = more.items()
    if kind != "N" and kind not in SETS:
        raise InvalidError("Incorrect operand type for operator or function; operator: ADD")
    if old is None:
        return more
    if kind not in old:
        raise InvalidError("An operand in the update expression has an incorrect data type")
    if kind == "N":
        return {"N": number_text(number(old["N"]) + number(content))}
    return normal({kind: sorted({*old[kind], *content})})


def taken_away(old: Value | None, less: Value) -> Value | None:
    """Take from a set, as DELETE and set_delete do; None when nothing is left."""
    ((kind, content),) = less.items()
    if kind not in SETS:
        raise InvalidError("Incorrect operand type for operator or function; operator: DELETE")
    if old is None:
        return None
    if kind not in old:
        raise InvalidError("An operand in the update expression has an incorrect data type")
    left = [member for member in old[kind] if member not in content]
    return {kind: left} if left else None


def _copied(value: Value) -> Value:
    return {"M": {name: _copied(inner) for name, inner in value["M"].items()}} if "M" in value else value


def _holder(item: Item, path: Path) -> Item | None:
    holder = item
    for step in path[:-1]:
        if "M" not in holder.get(step, {}):
            return None
        holder = holder[step]["M"]
    return holder


def _put(item: Item, path: Path, value: Value) -> None:
    holder = _holder(item, path)
    if holder is None:
        raise InvalidError("The document path provided in the update expression is invalid for update")
    holder[path[-1]] = value


def _drop(item: Item, path: Path) -> None:
    holder = _holder(item, path)
    if holder is None:
        raise InvalidError("The document path provided in the update expression is invalid for update")
    holder.pop(path[-1], None)
