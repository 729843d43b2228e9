"""The expressions of DynamoDB's API that the stores use: conditions, key conditions, filters and updates.

Each text is read once and kept, with the names that stand behind its #names; the :values come with each request.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
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
_EQUAL = re.compile(r"(#?\w+)\s*=\s*(:\w+)")
_CLAUSES = ("SET", "REMOVE", "ADD", "DELETE")
_KEPT_TEXTS = 2_000

Path = tuple[str, ...]
Values = Mapping[str, Value]
Operand = Callable[[Item, Values], Value | None]
Condition = Callable[[Item, Values], bool]


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

    def condition(self, text: str) -> Callable[[Item], bool]:
        """Read a condition; raises InvalidError."""
        holds, used = _read_condition(text, tuple(self.names.items()))
        self._note(used)
        return lambda item: holds(item, self.values)

    def key_condition(self, text: str, hash_name: str) -> tuple[Value, Callable[[Item], bool]]:
        """Read a key condition; return the partition that it names, and what holds in it; raises InvalidError."""
        holds = self.condition(text)
        for name, token in _EQUAL.findall(text):
            if _named(name, self.names) == hash_name:
                return self.values[token], holds
        raise InvalidError(f"Query condition missed key schema element: {hash_name}")

    def update(self, text: str) -> "Update":
        """Read an update expression; raises InvalidError."""
        update, used = _read_update(text, tuple(self.names.items()))
        self._note(used)
        return update

    def projection(self, text: str) -> Sequence[str]:
        """Read a projection expression of attributes; raises InvalidError."""
        names = [_named(name.strip(), self.names) for name in text.split(",")]
        self._note(frozenset(name.strip() for name in text.split(",") if name.strip().startswith("#")))
        return names

    def _note(self, used: frozenset[str]) -> None:
        for token in used:
            if token.startswith(":") and token not in self.values:
                raise InvalidError(f"An expression attribute value used in expression is not defined: {token}")
        self.used |= used

    def refuse_unused(self) -> None:
        for what, given in (("Names", self.names), ("Values", self.values)):
            unused = sorted(set(given) - self.used)
            if unused:
                raise InvalidError(f"Value provided in ExpressionAttribute{what} unused in expressions: keys: {unused}")


def _named(token: str, names: Mapping[str, str]) -> str:
    if not token.startswith("#"):
        return token
    if token not in names:
        raise InvalidError(f"An expression attribute name used in the document path is not defined: {token}")
    return names[token]


class _Reader:
    def __init__(self, text: str, names: Mapping[str, str]) -> None:
        self.used: set[str] = set()
        self._names = names
        self._tokens: list[str] = []
        position = 0
        while text[position:].strip():
            match = _TOKEN.match(text, position)
            if match is None:
                raise InvalidError(f"Invalid expression: syntax error near {text[position:]!r}")
            self._tokens.append(match[1])
            position = match.end()
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
        steps = [self._step()]
        while self.takes("."):
            steps.append(self._step())
        return tuple(steps)

    def _step(self) -> str:
        token = self.take()
        name = _named(token, self._names)
        if token.startswith("#"):
            self.used.add(token)
        return name

    def value(self) -> str:
        """Take a :value and return its token."""
        token = self.take()
        if not token.startswith(":"):
            raise InvalidError(f"Invalid expression: syntax error; token: {token!r}, expected a value")
        self.used.add(token)
        return token

    def operand(self) -> Operand:
        token = self.peek()
        if token.startswith(":"):
            self.value()
            return lambda _, values: values[token]
        if token == "size":
            self.take()
            self.expect("(")
            path = self.path()
            self.expect(")")
            return lambda item, _: _length(at(item, path))
        path = self.path()
        return lambda item, _: at(item, path)

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


@lru_cache(_KEPT_TEXTS)
def _read_condition(text: str, names: tuple[tuple[str, str], ...]) -> tuple[Condition, frozenset[str]]:
    """Return a condition, and the #names and :values in it."""
    reader = _Reader(text, dict(names))
    condition = _any_of(reader)
    reader.end()
    return condition, frozenset(reader.used)


def read_condition(text: str) -> Condition:
    """Return a condition that has no #names."""
    return _read_condition(text, ())[0]


def _any_of(reader: _Reader) -> Condition:
    choices = [_all_of(reader)]
    while reader.takes("OR"):
        choices.append(_all_of(reader))
    return choices[0] if len(choices) == 1 else lambda *given: any(choice(*given) for choice in choices)


def _all_of(reader: _Reader) -> Condition:
    parts = [_one(reader)]
    while reader.takes("AND"):
        parts.append(_one(reader))
    return parts[0] if len(parts) == 1 else lambda *given: all(part(*given) for part in parts)


def _one(reader: _Reader) -> Condition:
    if reader.takes("NOT"):
        negated = _one(reader)
        return lambda *given: not negated(*given)
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
        return lambda *given: _ordered(">=", left(*given), low(*given)) and _ordered("<=", left(*given), high(*given))
    if reader.takes("IN"):
        reader.expect("(")
        choices = [reader.operand()]
        while reader.takes(","):
            choices.append(reader.operand())
        reader.expect(")")
        return lambda *given: (found := left(*given)) is not None and any(found == each(*given) for each in choices)
    operator = reader.take()
    right = reader.operand()
    if operator == "=":
        return lambda *given: (found := left(*given)) is not None and found == right(*given)
    if operator == "<>":
        return lambda *given: left(*given) != right(*given)
    if operator in _COMPARE:
        return lambda *given: _ordered(operator, left(*given), right(*given))
    raise InvalidError(f"Invalid expression: syntax error; token: {operator!r}")


def _ordered(operator: str, one: Value | None, other: Value | None) -> bool:
    if one is None or other is None or set(one) != set(other):
        return False
    return _COMPARE[operator](comparable(one), comparable(other))


def _exists(reader: _Reader, *, wanted: bool) -> Condition:
    reader.expect("(")
    path = reader.path()
    reader.expect(")")
    return lambda item, _: (at(item, path) is not None) is wanted


def _two(reader: _Reader, holds: Callable[[Value, Value], bool]) -> Condition:
    reader.expect("(")
    left = reader.operand()
    reader.expect(",")
    right = reader.operand()
    reader.expect(")")

    def condition(item: Item, values: Values) -> bool:
        one, other = left(item, values), right(item, values)
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
    "attribute_type": lambda reader: _two(reader, lambda value, kind: kind["S"] in value),
    "begins_with": lambda reader: _two(reader, _begins),
    "contains": lambda reader: _two(reader, _contains),
}


@dataclass
class Update:
    """An update expression: what it makes of an item, and which attributes it names."""

    sets: list[tuple[Path, Operand]] = field(default_factory=list)
    removes: list[Path] = field(default_factory=list)
    adds: list[tuple[Path, str]] = field(default_factory=list)
    deletes: list[tuple[Path, str]] = field(default_factory=list)

    def paths(self) -> list[Path]:
        return [*(path for path, _ in [*self.sets, *self.adds, *self.deletes]), *self.removes]

    def refuse_overlaps(self) -> None:
        paths = self.paths()
        for index, one in enumerate(paths):
            for other in paths[index + 1 :]:
                length = min(len(one), len(other))
                if one[:length] == other[:length]:
                    raise InvalidError(
                        "Invalid UpdateExpression: Two document paths overlap with each other; must remove or rewrite "
                        f"one of these paths; path one: {list(one)}, path two: {list(other)}"
                    )

    def applied_to(self, item: Item, values: Values) -> Item:
        """Return the item as it is after the update; right-hand sides see it as it was before."""
        after: Item = {name: _copied(value) for name, value in item.items()}
        for path, operand in self.sets:
            value = operand(item, values)
            if value is None:
                raise InvalidError("The provided expression refers to an attribute that does not exist in the item")
            _put(after, path, value)
        for path in self.removes:
            _drop(after, path)
        for path, token in self.adds:
            _put(after, path, added(at(item, path), values[token]))
        for path, token in self.deletes:
            left = taken_away(at(item, path), values[token])
            if left is None:
                _drop(after, path)
            else:
                _put(after, path, left)
        return after


@lru_cache(_KEPT_TEXTS)
def _read_update(text: str, names: tuple[tuple[str, str], ...]) -> tuple[Update, frozenset[str]]:
    """Return an update, and the #names and :values in it."""
    reader, update, seen = _Reader(text, dict(names)), Update(), set()
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
                target.append((path, reader.value()))
            if not reader.takes(","):
                break
    update.refuse_overlaps()
    return update, frozenset(reader.used)


def _right_side(reader: _Reader) -> Operand:
    left = _term(reader)
    sign = reader.takes("+", "-")
    if not sign:
        return left
    right = _term(reader)

    def total(item: Item, values: Values) -> Value:
        one, other = left(item, values), right(item, values)
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
    return lambda item, values: found if (found := at(item, path)) is not None else otherwise(item, values)


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
