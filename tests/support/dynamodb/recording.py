"""Writes down each distinct request that DynamoDB was sent, so that Amazon's own parser can judge it later.

Two requests are alike if they differ in values alone: each text and number of an item or a key stands for all of its
kind, and actions of one call that are alike for one. Expressions, names, tables and options stay as they are, and so
does what makes a difference to a parser: what is empty, what a set has twice, a key that is there twice. So does what
came of it. Beside those, each request is written that has more of something than all before it: actions, bytes of all,
of a key, of an item, of an expression.
"""

import json
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from local.environment import STATE
from tests.support.dynamodb import partiql
from tests.support.dynamodb.client import InMemoryDynamoDB
from tests.support.dynamodb.errors import InvalidError
from tests.support.dynamodb.values import SETS, Item, Value, size_of

Json = dict[str, Any]
Found = list[tuple[str, Item, Item | None]]
"""Items that a request names: table, key, and the item that was there."""

RECORDING = STATE / "integration" / "requests.jsonl"
"""What the integration tier sent the last time."""

_SINGLE = ("GetItem", "PutItem", "UpdateItem", "DeleteItem", "Query", "Scan")
_MANY = ("BatchGetItem", "BatchWriteItem", "BatchExecuteStatement", "TransactWriteItems")
_RUN = re.compile(r"\b([A-Z]\w*Table)-[0-9a-f]{8}\b")
"""The name that tests/support/tables.py gives a table: the template's own, and that of the run."""


@dataclass(frozen=True)
class Recorded:
    """A request as it was written down, with the template's names for its tables, and what came of its actions."""

    operation: str
    request: Json
    found: Found
    outcome: list[str]

    @classmethod
    def all_of(cls, file: Path) -> "list[Recorded]":
        """Return what a file holds, in order."""
        return [cls(**json.loads(line)) for line in file.read_text().splitlines()]


class Recorder:
    """Writes distinct requests into a file, a line each."""

    def __init__(self, database: InMemoryDynamoDB, file: Path) -> None:
        self._database = database
        self._file = file.open("w")
        self._seen: set[str] = set()
        self._most: defaultdict[tuple[str, str], int] = defaultdict(int)

    def found(self, operation: str, request: Json) -> Found:
        """Return the items that a request is about to read or write."""
        return [each for action in actions(operation, request) for each in self._named(action)]

    def note(self, operation: str, request: Json, found: Found, reply: Json) -> None:
        """Write a request down, unless one like it was."""
        if not (acts := actions(operation, request)):
            return
        came = outcome(reply)
        keys = [json.dumps([table, key], sort_keys=True) for table, key, _ in found]
        likeness = [operation, sorted({_likeness(act) for act in acts}), sorted(set(came)), len({*keys}) < len(keys)]
        has_more = self._has_more(operation, acts, found)
        if has_more or str(likeness) not in self._seen:
            self._seen.add(str(likeness))
            line = json.dumps({"operation": operation, "request": request, "found": found, "outcome": came})
            self._file.write(_RUN.sub(r"\1", line) + "\n")
            self._file.flush()

    def _named(self, action: Json) -> Iterator[tuple[str, Item, Item | None]]:
        """Return the item that an action names; none if it can't be told, which the answer will say."""
        try:
            if "Statement" in action:
                statement = partiql.parse(action["Statement"])
                values = statement.values(action.get("Parameters", ()))
                name, given = statement.table, {name: values[at] for name, at in statement.where.items()}
            else:
                name, given = action["TableName"], action.get("Item") or action.get("Key") or {}
            table = self._database.table(name)
            key = {name: given[name] for name in table.schema.values()}
            yield name, key, table.items.get(table.key_in(key))
        except (InvalidError, ClientError, KeyError):
            return

    def _has_more(self, operation: str, acts: Sequence[Json], found: Found) -> bool:
        """Tell whether a request has more of something than all before it."""
        amounts = {
            "actions": len(acts),
            "bytes": len(json.dumps(acts)),
            "bytes of a key": max((size_of(key) for _, key, _ in found), default=0),
            "bytes of an item": max((size_of(act["Item"]) for act in acts if "Item" in act), default=0),
            "bytes of an expression": max(
                len(str(text)) for act in acts for text in act.values() if isinstance(text, str)
            ),
        }
        more = {(operation, what): amount for what, amount in amounts.items() if amount > self._most[operation, what]}
        self._most |= more
        return bool(more)


def actions(operation: str, request: Json) -> list[Json]:
    """Return what a request asks for, one by one; nothing if it is not for items."""
    if operation in _SINGLE:
        return [request]
    if operation == "BatchGetItem":
        wanted: Mapping[str, Json] = request["RequestItems"]
        return [
            {**what, "TableName": table, "Keys": None, "Key": key}
            for table, what in wanted.items()
            for key in what["Keys"]
        ]
    if operation == "BatchWriteItem":
        return [
            {"TableName": table, "kind": kind, **what}
            for table, requests in request["RequestItems"].items()
            for each in requests
            for kind, what in each.items()
        ]
    if operation == "TransactWriteItems":
        return [{"kind": kind, **what} for action in request["TransactItems"] for kind, what in action.items()]
    return list(request["Statements"]) if operation == "BatchExecuteStatement" else []


def outcome(reply: Json) -> list[str]:
    """Return what an answer says of each action, or of all of them: the code of an error, or OK."""
    if "CancellationReasons" in reply:
        return [reason["Code"] for reason in reply["CancellationReasons"]]
    if "__type" in reply:
        return [reply["__type"].rpartition("#")[2]]
    if isinstance(reply.get("Responses"), list):
        return [each.get("Error", {}).get("Code", "OK") for each in reply["Responses"]]
    return ["OK"]


def _likeness(action: Json) -> str:
    """Return what an action has in common with all that differ in values alone."""
    return json.dumps({name: _part(name, what) for name, what in action.items()}, sort_keys=True)


def _part(name: str, what: Any) -> Any:
    if name in ("Item", "Key", "ExclusiveStartKey", "ExpressionAttributeValues"):
        return {each: _kind(value) for each, value in what.items()}
    if name == "Parameters":
        return [_kind(value) for value in what]
    if isinstance(what, str):
        return _RUN.sub(r"\1", what)
    return "a number" if type(what) is int else what


def _kind(value: Value) -> Any:
    """Return what a value stands for."""
    ((kind, content),) = value.items()
    if kind == "M":
        return {name: _kind(inner) for name, inner in content.items()}
    if kind == "L":
        return sorted({json.dumps(_kind(inner), sort_keys=True) for inner in content})
    if kind in SETS:
        return [kind, len(content) > 0, len({*content}) < len(content)]
    return [kind, content != ""]
