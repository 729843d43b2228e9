"""The PartiQL that the stores write: one UPDATE of one item by its key, on further conditions or none."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import count

from tests.support.dynamodb.errors import InvalidError
from tests.support.dynamodb.expressions import Condition, Update, read_condition
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


_KEPT_TEXTS = 2_000


@dataclass(frozen=True)
class Statement:
    """An UPDATE: of which item, what it does, and what it returns ("", "ALL OLD *" or "ALL NEW *").

    Its parameters are `:0`, `:1` and so on; `where` says which of them is which attribute of the key, and `conditions`
    what else must hold.
    """

    table: str
    where: Mapping[str, str]
    update: Update
    returning: str
    parameters: int
    conditions: Sequence[Condition] = ()

    def values(self, parameters: Sequence[Value]) -> Item:
        """Return the parameters by their tokens; raises InvalidError."""
        if len(parameters) != self.parameters:
            raise InvalidError("Number of parameters in request and statement don't match.")
        return {f":{index}": normal(value) for index, value in enumerate(parameters)}


@lru_cache(_KEPT_TEXTS)
def parse(text: str) -> Statement:
    """Read a statement; raises InvalidError."""
    match = _UPDATE.fullmatch(text)
    if match is None:
        raise InvalidError("Statement wasn't well formed, can't be processed")
    tokens = (f":{index}" for index in count())
    update = _clauses(match["clauses"], tokens)
    where = {}
    conditions = []
    for part in re.split(r"\s+AND\s+", match["where"], flags=re.IGNORECASE):
        equal = _KEY.fullmatch(part.strip())
        if equal is None:
            conditions.append(read_condition(_MARK.sub(lambda _: next(tokens), part)))
        else:
            where[equal[1]] = next(tokens)
    if not where:
        raise InvalidError("Where clause does not contain a mandatory equality on all key attributes")
    update.refuse_overlaps()
    returning = " ".join((match["returning"] or "").upper().split())
    return Statement(match["table"], where, update, returning, len(_MARK.findall(text)), conditions)


def _clauses(text: str, tokens: Iterator[str]) -> Update:
    update = Update()
    _, *parts = _WORD.split(text)
    for word, clauses in zip(parts[::2], parts[1::2], strict=True):
        for clause in _COMMA.split(clauses):
            if word.upper() == "SET":
                _set(clause.strip(), tokens, update)
            else:
                update.removes.append((clause.strip(),))
    return update


def _set(text: str, tokens: Iterator[str], update: Update) -> None:
    clause = _SET.fullmatch(text)
    if clause is None:
        raise InvalidError("Statement wasn't well formed, can't be processed")
    path, token = (clause["path"],), next(tokens)
    function = (clause["function"] or "").lower()
    if not function:
        update.sets.append((path, lambda _, values: values[token]))
        return
    if clause["of"] != clause["path"]:
        raise InvalidError("set_add and set_delete are read here only of the attribute that they set")
    if function == "set_delete":
        update.deletes.append((path, token))
    else:
        update.adds.append((path, token))
