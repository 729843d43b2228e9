"""The operations of boto3's DynamoDB client, over tables in memory."""

import copy
import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.support.dynamodb import partiql
from tests.support.dynamodb.errors import ConditionError, InvalidError, cancelled, client_error
from tests.support.dynamodb.expressions import Condition, Names, parse_condition, parse_update
from tests.support.dynamodb.tables import Key, Record, Table, Write
from tests.support.dynamodb.values import Item, size_of

Arguments = dict[str, Any]
Reply = dict[str, Any]

MAX_BATCH_GET, MAX_BATCH_WRITE, MAX_STATEMENTS, MAX_ACTIONS = 100, 25, 25, 100
MAX_TRANSACTION_BYTES = 4 * 1024 * 1024
MAX_PAGE_BYTES = 1024 * 1024
TOKEN_SECONDS = 600
STALE_SECONDS = 1.0


@dataclass
class _Change:
    """What one action will do, once nothing stands in the way. `new` is None for a delete; a check writes nothing."""

    table: Table
    key: Key
    old: Item | None
    new: Item | None
    writes: bool = True


class InMemoryDynamoDB:
    """See the package. `now` gives the seconds since 1970; `on_write` is told of every item that changes.

    `is_stale` decides whether a read that is not consistent misses a write of the last second.
    """

    def __init__(
        self,
        now: Callable[[], float] = time.time,
        on_write: Callable[[Write], None] = lambda _: None,
        is_stale: Callable[[], bool] = lambda: False,
    ) -> None:
        self._now = now
        self._is_stale = is_stale
        self._on_write = on_write
        self._tables: dict[str, Table] = {}
        self._written = 0
        self._tokens: dict[str, tuple[float, str]] = {}

    # ---------------------------------------------------------------- tables and streams

    def create_table(self, **definition: Any) -> Reply:
        self._tables[definition["TableName"]] = Table.of(definition)
        return {"TableDescription": {"TableName": definition["TableName"], "TableStatus": "ACTIVE"}}

    def get_waiter(self, _name: str) -> "_NoWaiter":
        return _NoWaiter()

    def stream_records(self, table: str) -> Sequence[Record]:
        """Return all records of a table's stream, as Lambda hands them over, in order."""
        return self._tables[table].records

    def expire(self, table: str, attribute: str) -> None:
        """Delete what time to live would: items whose `attribute` is a time in the past."""
        found = self._table(table)
        for key, item in list(found.items.items()):
            if float(item.get(attribute, {}).get("N", "inf")) < self._now():
                self._commit([_Change(found, key, item, None)])

    # ---------------------------------------------------------------- single items

    def get_item(self, **arguments: Any) -> Reply:
        with _Answers():
            table = self._table(arguments["TableName"])
            item = self._read(table, table.key_of(arguments["Key"]), arguments)
            return {} if item is None else {"Item": copy.deepcopy(item)}

    def put_item(self, **arguments: Any) -> Reply:
        return self._single("Put", arguments)

    def update_item(self, **arguments: Any) -> Reply:
        return self._single("Update", arguments)

    def delete_item(self, **arguments: Any) -> Reply:
        return self._single("Delete", arguments)

    def _single(self, kind: str, arguments: Arguments) -> Reply:
        with _Answers():
            change = self._prepare(kind, arguments)
            self._commit([change])
            shown = {"ALL_OLD": change.old, "ALL_NEW": change.new}.get(arguments.get("ReturnValues", "NONE"))
            return {"Attributes": copy.deepcopy(shown)} if shown else {}

    # ---------------------------------------------------------------- batches

    def batch_get_item(self, **arguments: Any) -> Reply:
        with _Answers():
            wanted: Mapping[str, Any] = arguments["RequestItems"]
            if not wanted or not all(what["Keys"] for what in wanted.values()):
                raise InvalidError("The requestItems parameter is required for BatchGetItem")
            if sum(len(what["Keys"]) for what in wanted.values()) > MAX_BATCH_GET:
                raise InvalidError("Too many items requested for the BatchGetItem call")
            replies: dict[str, list[Item]] = {}
            for name, what in wanted.items():
                table = self._table(name)
                keys = [table.key_of(key) for key in what["Keys"]]
                if len(set(keys)) != len(keys):
                    raise InvalidError("Provided list of item keys contains duplicates")
                found = [self._read(table, key, what) for key in keys]
                replies[name] = [copy.deepcopy(item) for item in found if item is not None]
            return {"Responses": replies, "UnprocessedKeys": {}}

    def batch_write_item(self, **arguments: Any) -> Reply:
        with _Answers():
            wanted: Mapping[str, Sequence[Mapping[str, Any]]] = arguments["RequestItems"]
            if not 1 <= sum(map(len, wanted.values())) <= MAX_BATCH_WRITE:
                raise InvalidError("Too many items requested for the BatchWriteItem call")
            changes = []
            for name, requests in wanted.items():
                for request in requests:
                    ((kind, what),) = request.items()
                    changes.append(self._prepare(kind.removesuffix("Request"), {"TableName": name, **what}))
            if len({(change.table.name, change.key) for change in changes}) != len(changes):
                raise InvalidError("Provided list of item keys contains duplicates")
            self._commit(changes)
            return {"UnprocessedItems": {}}

    def batch_execute_statement(self, **arguments: Any) -> Reply:
        with _Answers():
            wanted: Sequence[Mapping[str, Any]] = arguments["Statements"]
            if not 1 <= len(wanted) <= MAX_STATEMENTS:
                raise InvalidError("Member must have length less than or equal to 25")
            targets: list[tuple[str, Key]] = []
            for what in wanted:
                try:
                    statement = partiql.parse(what["Statement"], what.get("Parameters", ()))
                    targets.append((statement.table, self._table(statement.table).key_of(statement.key)))
                except InvalidError:
                    continue  # the statement's own answer says so
            if len(set(targets)) != len(targets):
                raise InvalidError("Provided list of item keys contains duplicates")
            return {"Responses": [self._execute(what) for what in wanted]}

    def _execute(self, what: Mapping[str, Any]) -> Reply:
        try:
            statement = partiql.parse(what["Statement"], what.get("Parameters", ()))
            table = self._table(statement.table)
            key = table.key_of(statement.key)
            old = table.items.get(key)
            if old is None:
                missing = {"Code": "ConditionalCheckFailed", "Message": "The conditional request failed"}
                return {"TableName": table.name, "Error": missing}
            change = _Change(table, key, old, table.updated(key, statement.key, statement.update))
        except InvalidError as error:
            return {"Error": {"Code": "ValidationError", "Message": str(error)}}
        self._commit([change])
        shown = {"ALL OLD *": change.old, "ALL NEW *": change.new}.get(statement.returning)
        return {"TableName": table.name, **({"Item": copy.deepcopy(shown)} if shown is not None else {})}

    # ---------------------------------------------------------------- transactions

    def transact_write_items(self, **arguments: Any) -> Reply:
        with _Answers():
            actions: Sequence[Mapping[str, Any]] = arguments["TransactItems"]
            if not 1 <= len(actions) <= MAX_ACTIONS:
                raise InvalidError("Member must have length less than or equal to 100")
            token, told = arguments.get("ClientRequestToken"), json.dumps(actions, sort_keys=True)
            if token is not None and self.has_committed(token):
                if self._tokens[token][1] != told:
                    raise client_error("IdempotentParameterMismatchException", "the token came with other parameters")
                return {}
            targets = [self._target(action) for action in actions]
            if len(set(targets)) != len(targets):
                raise InvalidError("Transaction request cannot include multiple operations on one item")
            changes = self._prepare_all(actions)
            if sum(size_of(change.new or {}) for change in changes) > MAX_TRANSACTION_BYTES:
                raise InvalidError("Collection size limit exceeded: 4 MB")
            self._commit(changes)
            if token is not None:
                self._tokens[token] = (self._now(), told)
            return {}

    def has_committed(self, token: str) -> bool:
        """Whether a transaction with this token was committed in the last ten minutes."""
        at, _ = self._tokens.get(token, (float("-inf"), ""))
        return self._now() - at < TOKEN_SECONDS

    def _target(self, action: Mapping[str, Any]) -> tuple[str, Key]:
        ((kind, what),) = action.items()
        table = self._table(what["TableName"])
        return table.name, table.key_in(what["Item"]) if kind == "Put" else table.key_of(what["Key"])

    def _prepare_all(self, actions: Sequence[Mapping[str, Any]]) -> list[_Change]:
        changes: list[_Change] = []
        reasons: list[Reply] = []
        for action in actions:
            ((kind, what),) = action.items()
            try:
                changes.append(self._prepare(kind, what, in_transaction=True))
                reasons.append({"Code": "None"})
            except ConditionError as error:
                item = {"Item": error.item} if error.item else {}
                reasons.append({"Code": "ConditionalCheckFailed", "Message": str(error), **item})
        if len(changes) < len(actions):
            raise cancelled(reasons)
        return changes

    # ---------------------------------------------------------------- reading many

    def query(self, **arguments: Any) -> Reply:
        with _Answers():
            table, index = self._table(arguments["TableName"]), arguments.get("IndexName")
            if index is not None and arguments.get("ConsistentRead"):
                raise InvalidError("Consistent reads are not supported on global secondary indexes")
            names = Names.of(arguments)
            matches = parse_condition(arguments["KeyConditionExpression"], names)
            there = [table.projected(item, index) for item in table.ordered(index) if matches(item)]
            return self._page(table, index, there, names, arguments)

    def scan(self, **arguments: Any) -> Reply:
        with _Answers():
            table = self._table(arguments["TableName"])
            return self._page(table, None, table.ordered(), Names.of(arguments), arguments)

    def _page(
        self, table: Table, index: str | None, items: Sequence[Item], names: Names, arguments: Arguments
    ) -> Reply:
        keep: Condition = lambda _: True  # noqa: E731 - one of two
        if "FilterExpression" in arguments:
            keep = parse_condition(arguments["FilterExpression"], names)
        shown = [names.name(name.strip()) for name in arguments.get("ProjectionExpression", "").split(",") if name]
        names.refuse_unused()
        if not arguments.get("ScanIndexForward", True):
            items = items[::-1]
        if "ExclusiveStartKey" in arguments:
            start, forward = arguments["ExclusiveStartKey"], arguments.get("ScanIndexForward", True)
            place = table.position(start, index)
            items = [
                item
                for item in items
                if (table.position(item, index) > place) is forward and table.position(item, index) != place
            ]
        page: list[Item] = []
        room, limit = MAX_PAGE_BYTES, arguments.get("Limit", len(items) + 1)
        for item in items:
            if len(page) == limit or room <= 0:
                break
            page.append(item)
            room -= size_of(item)
        kept = [copy.deepcopy(item) for item in page if keep(item)]
        if shown:
            kept = [{name: item[name] for name in shown if name in item} for item in kept]
        reply: Reply = {"Count": len(kept), "ScannedCount": len(page)}
        if arguments.get("Select") != "COUNT":
            reply["Items"] = kept
        if page and (len(page) < len(items) or len(page) == limit):
            reply["LastEvaluatedKey"] = table.page_key(page[-1], index)
        return reply

    def get_paginator(self, operation: str) -> "_Paginator":
        return _Paginator(getattr(self, operation))

    # ---------------------------------------------------------------- what all writes share

    def _table(self, name: str) -> Table:
        if name not in self._tables:
            raise client_error("ResourceNotFoundException", "Requested resource not found")
        return self._tables[name]

    def _read(self, table: Table, key: Key, how: Mapping[str, Any]) -> Item | None:
        """Return an item; for a read that is not consistent, perhaps as it was a moment ago."""
        at, before = table.before.get(key, (float("-inf"), None))
        if not how.get("ConsistentRead") and self._now() - at < STALE_SECONDS and self._is_stale():
            return before
        return table.items.get(key)

    def _prepare(self, kind: str, what: Arguments, *, in_transaction: bool = False) -> _Change:
        """Check an action and work out what it will do; raises InvalidError or ConditionError."""
        table = self._table(what["TableName"])
        names = Names.of(what)
        condition = what.get("ConditionExpression")
        holds = None if condition is None else parse_condition(condition, names)
        update = parse_update(what.get("UpdateExpression", ""), names) if kind == "Update" else None
        names.refuse_unused()
        key, new = table.checked(what["Item"]) if kind == "Put" else (table.key_of(what["Key"]), None)
        old = table.items.get(key)
        if holds is not None and not holds(old or {}):
            wanted = what.get("ReturnValuesOnConditionCheckFailure") == "ALL_OLD"
            raise ConditionError(copy.deepcopy(old) if wanted else None)
        if update is not None:
            new = table.updated(key, what["Key"], update)
        if kind == "ConditionCheck":
            if not in_transaction or holds is None:
                raise InvalidError("a ConditionCheck needs a transaction and a condition")
            new = old
        return _Change(table, key, old, new, writes=kind != "ConditionCheck")

    def _commit(self, changes: Sequence[_Change]) -> None:
        for change in changes:
            if not change.writes:
                continue
            write = change.table.write(change.key, change.new, self._now(), self._written)
            if write is not None:
                self._written += 1
                self._on_write(write)


class _Answers:
    """Turns the errors of this package into boto3's."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, _kind: object, error: object, _trace: object) -> None:
        if isinstance(error, InvalidError | ConditionError):
            raise error.as_client_error() from None


class _NoWaiter:
    def wait(self, **_arguments: Any) -> None:
        """Return: a table is there at once."""


@dataclass(frozen=True)
class _Paginator:
    operation: Callable[..., Reply]
    pages: list[Reply] = field(default_factory=list)

    def paginate(self, **arguments: Any) -> Iterator[Reply]:
        while True:
            page = self.operation(**arguments)
            yield page
            if "LastEvaluatedKey" not in page:
                return
            arguments["ExclusiveStartKey"] = page["LastEvaluatedKey"]
