"""The PartiQL that the stores write: one UPDATE of one item by its key."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tests.support.dynamodb.errors import InvalidError
from tests.support.dynamodb.expressions import Update
from tests.support.dynamodb.values import Item, Value, normal

_UPDATE = re.compile(
    r'\s*UPDATE\s+"(?P<table>[^"]+)"\s+(?P<clauses>(SET|REMOVE)\s.*?)\s+WHERE\s+(?P<where>.*?)'
    r"(\s+RETURNING\s+(?P<returning>(ALL|MODIFIED)\s+(OLD|NEW)\s+\*))?\s*",
    re.IGNORECASE | re.DOTALL,
)
_WORD = re.compile(r"\b(SET|REMOVE)\b", re.IGNORECASE)
_COMMA = re.compile(r",(?![^(]*\))")
_SET = re.compile(
    r"(?P<path>\w+)\s*=\s*(?:(?P<function>set_add|set_delete)\s*\(\s*(?P<of>\w+)\s*,\s*\?\s*\)|\?)", re.IGNORECASE
)
_KEY = re.compile(r"(\w+)\s*=\s*\?")
_MARK = re.compile(r"\?")


@dataclass(frozen=True)
class Statement:
    """An UPDATE: of which item, what it does, and what it returns ("", "ALL OLD *" or "ALL NEW *")."""

    table: str
    key: Item
    update: Update
    returning: str


def parse(text: str, parameters: Sequence[Value]) -> Statement:
    """Read a statement; raises InvalidError."""
    match = _UPDATE.fullmatch(text)
    if match is None:
        raise InvalidError("Statement wasn't well formed, can't be processed")
    if len(_MARK.findall(text)) != len(parameters):
        raise InvalidError("Number of parameters in request and statement don't match.")
    given = iter([normal(value) for value in parameters])
    update = _clauses(match["clauses"], given)
    key = {}
    for part in re.split(r"\s+AND\s+", match["where"], flags=re.IGNORECASE):
        equal = _KEY.fullmatch(part.strip())
        if equal is None:
            raise InvalidError("Where clause does not contain a mandatory equality on all key attributes")
        key[equal[1]] = next(given)
    update.refuse_overlaps()
    return Statement(match["table"], key, update, " ".join((match["returning"] or "").upper().split()))


def _clauses(text: str, given: Iterator[Value]) -> Update:
    update = Update()
    _, *parts = _WORD.split(text)
    for word, clauses in zip(parts[::2], parts[1::2], strict=True):
        for clause in _COMMA.split(clauses):
            if word.upper() == "SET":
                _set(clause.strip(), given, update)
            else:
                update.removes.append((clause.strip(),))
    return update


def _set(text: str, given: Iterator[Value], update: Update) -> None:
    clause = _SET.fullmatch(text)
    if clause is None:
        raise InvalidError("Statement wasn't well formed, can't be processed")
    path, value = (clause["path"],), next(given)
    function = (clause["function"] or "").lower()
    if not function:
        update.sets.append((path, lambda _: value))
        return
    if clause["of"] != clause["path"]:
        raise InvalidError("set_add and set_delete are read here only of the attribute that they set")
    if function == "set_delete":
        update.deletes.append((path, value))
    else:
        update.adds.append((path, value))
