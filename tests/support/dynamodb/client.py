"""The operations of boto3's clients of DynamoDB and its streams, over tables in memory."""

import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from threading import RLock
from typing import Any

from tests.support.dynamodb import partiql
from tests.support.dynamodb.errors import ConditionError, InvalidError, cancelled, client_error
from tests.support.dynamodb.expressions import Names
from tests.support.dynamodb.tables import Key, Record, Table, Write
from tests.support.dynamodb.units import Units, read_units, write_units
from tests.support.dynamodb.values import Item, copied, size_of

Arguments = dict[str, Any]
Reply = dict[str, Any]

MAX_BATCH_GET, MAX_BATCH_WRITE, MAX_STATEMENTS, MAX_ACTIONS = 100, 25, 25, 100
MAX_TRANSACTION_BYTES = 4 * 1024 * 1024
MAX_PAGE_BYTES = 1024 * 1024
MAX_RECORDS = 1000
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

    `is_stale` decides whether a read that is not consistent, or of an index, misses a write of the last second. With
    `shares`, answers hold the items that are stored themselves, for a caller that only reads them. `units` adds up what
    AWS would charge.
    """

    def __init__(
        self,
        now: Callable[[], float] = time.time,
        on_write: Callable[[Write], None] = lambda _: None,
        is_stale: Callable[[], bool] = lambda: False,
        *,
        shares: bool = False,
    ) -> None:
        self.units = Units()
        self._now = now
        self._is_stale = is_stale
        self._on_write = on_write
        self._shown: Callable[[Item], Item] = _as_it_is if shares else copied
        self._tables: dict[str, Table] = {}
        self._written = 0
        self._tokens: dict[str, tuple[float, str]] = {}
        self._call = _Call()

    # ---------------------------------------------------------------- tables and streams

    def create_table(self, **definition: Any) -> Reply:
        self._tables[definition["TableName"]] = Table.of(definition)
        return {"TableDescription": self._description(definition["TableName"])}

    def list_tables(self) -> Reply:
        return {"TableNames": list(self._tables)}

    def describe_table(self, **arguments: Any) -> Reply:
        return {"Table": self._description(arguments["TableName"])}

    def delete_table(self, **arguments: Any) -> Reply:
        description = self._description(arguments["TableName"])
        del self._tables[arguments["TableName"]]
        return {"TableDescription": {**description, "TableStatus": "DELETING"}}

    def _description(self, name: str) -> Reply:
        table = self.table(name)
        stream = {"LatestStreamArn": table.stream_arn} if table.stream_view else {}
        return {"TableName": name, "TableStatus": "ACTIVE", **stream}

    def get_waiter(self, _name: str) -> "_NoWaiter":
        return _NoWaiter()

    def describe_stream(self, **arguments: Any) -> Reply:
        arn = arguments["StreamArn"]
        return {"StreamDescription": {"StreamArn": arn, "StreamStatus": "ENABLED", "Shards": [{"ShardId": arn}]}}

    def get_shard_iterator(self, **arguments: Any) -> Reply:
        arn, kind = arguments["StreamArn"], arguments["ShardIteratorType"]
        numbers = [record["dynamodb"]["SequenceNumber"] for record in self._streamed(arn).records]
        position = len(numbers) if kind == "LATEST" else 0
        if "SequenceNumber" in arguments:
            position = numbers.index(arguments["SequenceNumber"]) + (kind == "AFTER_SEQUENCE_NUMBER")
        return {"ShardIterator": f"{arn}|{position}"}

    def get_records(self, **arguments: Any) -> Reply:
        arn, _, position = arguments["ShardIterator"].rpartition("|")
        records = self._streamed(arn).records[int(position) : int(position) + arguments.get("Limit", MAX_RECORDS)]
        return {"Records": records, "NextShardIterator": f"{arn}|{int(position) + len(records)}"}

    def _streamed(self, arn: str) -> Table:
        for table in self._tables.values():
            if table.stream_arn == arn:
                return table
        raise client_error("ResourceNotFoundException", "Requested resource not found")

    def stream_records(self, table: str) -> Sequence[Record]:
        """Return all records of a table's stream, as Lambda hands them over, in order."""
        return self._tables[table].records

    def expire(self, table: str, attribute: str) -> None:
        """Delete what time to live would: items whose `attribute` is a time in the past."""
        found = self.table(table)
        for key, item in list(found.items.items()):
            if float(item.get(attribute, {}).get("N", "inf")) < self._now():
                self._write(_Change(found, key, item, None))

    # ---------------------------------------------------------------- single items

    def get_item(self, **arguments: Any) -> Reply:
        with self._call:
            table = self.table(arguments["TableName"])
            item = self._read(table, table.key_of(arguments["Key"]), arguments)
            return {} if item is None else {"Item": self._shown(item)}

    def put_item(self, **arguments: Any) -> Reply:
        return self._single("Put", arguments)

    def update_item(self, **arguments: Any) -> Reply:
        return self._single("Update", arguments)

    def delete_item(self, **arguments: Any) -> Reply:
        return self._single("Delete", arguments)

    def _single(self, kind: str, arguments: Arguments) -> Reply:
        with self._call:
            change = self._prepare(kind, arguments)
            self._commit([change])
            shown = {"ALL_OLD": change.old, "ALL_NEW": change.new}.get(arguments.get("ReturnValues", "NONE"))
            return {"Attributes": self._shown(shown)} if shown else {}

    # ---------------------------------------------------------------- batches

    def batch_get_item(self, **arguments: Any) -> Reply:
        with self._call:
            wanted: Mapping[str, Any] = arguments["RequestItems"]
            if not wanted or not all(what["Keys"] for what in wanted.values()):
                raise InvalidError("The requestItems parameter is required for BatchGetItem")
            if sum(len(what["Keys"]) for what in wanted.values()) > MAX_BATCH_GET:
                raise InvalidError("Too many items requested for the BatchGetItem call")
            replies: dict[str, list[Item]] = {}
            for name, what in wanted.items():
                table = self.table(name)
                keys = [table.key_of(key) for key in what["Keys"]]
                if len(set(keys)) != len(keys):
                    raise InvalidError("Provided list of item keys contains duplicates")
                found = [self._read(table, key, what) for key in keys]
                replies[name] = [self._shown(item) for item in found if item is not None]
            return {"Responses": replies, "UnprocessedKeys": {}}

    def batch_write_item(self, **arguments: Any) -> Reply:
        with self._call:
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
        with self._call:
            wanted: Sequence[Mapping[str, Any]] = arguments["Statements"]
            if not 1 <= len(wanted) <= MAX_STATEMENTS:
                raise InvalidError("Member must have length less than or equal to 25")
            targets: list[tuple[str, Key]] = []
            for what in wanted:
                try:
                    _, table, key, _ = self._statement(what)
                except InvalidError:
                    continue  # the statement's own answer says so
                targets.append((table.name, key))
            if len(set(targets)) != len(targets):
                raise InvalidError("Provided list of item keys contains duplicates")
            return {"Responses": [self._execute(what) for what in wanted]}

    def _execute(self, what: Mapping[str, Any]) -> Reply:
        try:
            statement, table, key, values = self._statement(what)
            old = table.items.get(key)
            if old is None or not all(holds(old, values) for holds in statement.conditions):
                self.units.write += write_units(0, 0)
                missing = {"Code": "ConditionalCheckFailed", "Message": "The conditional request failed"}
                return {"TableName": table.name, "Error": missing}
            change = _Change(table, key, old, table.updated(key, {}, statement.update, values))
        except InvalidError as error:
            return {"Error": {"Code": "ValidationError", "Message": str(error)}}
        self._commit([change])
        shown = {"ALL OLD *": change.old, "ALL NEW *": change.new}.get(statement.returning)
        return {"TableName": table.name, **({"Item": self._shown(shown)} if shown is not None else {})}

    def _statement(self, what: Mapping[str, Any]) -> tuple[partiql.Statement, Table, Key, Item]:
        """Read a statement; return with it the table, the key and the values by their tokens; raises InvalidError."""
        statement = partiql.parse(what["Statement"])
        values = statement.values(what.get("Parameters", ()))
        table = self.table(statement.table)
        return statement, table, table.key_of({name: values[at] for name, at in statement.where.items()}), values

    # ---------------------------------------------------------------- transactions

    def transact_write_items(self, **arguments: Any) -> Reply:
        with self._call:
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
            changes = self._prepare_all(actions, targets)
            if sum(size_of(change.new or {}) for change in changes) > MAX_TRANSACTION_BYTES:
                raise InvalidError("Collection size limit exceeded: 4 MB")
            self._commit(changes, transaction=True)
            if token is not None:
                self._tokens[token] = (self._now(), told)
            return {}

    def has_committed(self, token: str) -> bool:
        """Whether a transaction with this token was committed in the last ten minutes."""
        at, _ = self._tokens.get(token, (float("-inf"), ""))
        return self._now() - at < TOKEN_SECONDS

    def _target(self, action: Mapping[str, Any]) -> tuple[str, Key]:
        ((kind, what),) = action.items()
        table = self.table(what["TableName"])
        return table.name, table.key_in(what["Item"]) if kind == "Put" else table.key_of(what["Key"])

    def _prepare_all(self, actions: Sequence[Mapping[str, Any]], targets: Sequence[tuple[str, Key]]) -> list[_Change]:
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
            found = [size_of(self.table(name).items.get(key, {})) for name, key in targets]
            self.units.write += sum(write_units(size, 0, transaction=True) for size in found)
            raise cancelled(reasons)
        return changes

    # ---------------------------------------------------------------- reading many

    def query(self, **arguments: Any) -> Reply:
        with self._call:
            table, index = self.table(arguments["TableName"]), arguments.get("IndexName")
            if index is not None and arguments.get("ConsistentRead"):
                raise InvalidError("Consistent reads are not supported on global secondary indexes")
            names = Names.of(arguments)
            partition, matches = names.key_condition(arguments["KeyConditionExpression"], table.order(index).names[0])
            after, forward = self._start(table, index, arguments), arguments.get("ScanIndexForward", True)
            there = table.partition(index, partition, after, forward=forward)
            if index is not None:
                there = (item for item in there if not self._is_behind(table, index, item))
            return self._page(table, index, filter(matches, there), names, arguments)

    def _is_behind(self, table: Table, index: str, item: Item) -> bool:
        """Whether an index does not have this item's entry yet: it follows the table within moments."""
        at, before = table.before.get(table.key_in(item), (float("-inf"), None))
        is_new = table.order(index).position(before) != table.order(index).position(item)
        return is_new and self._now() - at < STALE_SECONDS and self._is_stale()

    def scan(self, **arguments: Any) -> Reply:
        with self._call:
            table = self.table(arguments["TableName"])
            there = table.everything(self._start(table, None, arguments))
            return self._page(table, None, there, Names.of(arguments), arguments)

    def _start(self, table: Table, index: str | None, arguments: Arguments) -> Key | None:
        start = arguments.get("ExclusiveStartKey")
        return None if start is None else table.position(start, index)

    def _page(
        self, table: Table, index: str | None, items: Iterable[Item], names: Names, arguments: Arguments
    ) -> Reply:
        keep = names.condition(arguments["FilterExpression"]) if "FilterExpression" in arguments else None
        wanted = names.projection(arguments["ProjectionExpression"]) if "ProjectionExpression" in arguments else None
        names.refuse_unused()
        page: list[Item] = []
        size, goes_on = 0, False
        for item in items:
            if size >= MAX_PAGE_BYTES:
                goes_on = True
                break
            page.append(item)
            size += size_of(item)
            if len(page) == arguments.get("Limit"):
                goes_on = True
                break
        self.units.read += read_units(size, consistent=arguments.get("ConsistentRead", False))
        kept = [item for item in page if keep is None or keep(item)]
        reply: Reply = {"Count": len(kept), "ScannedCount": len(page)}
        if arguments.get("Select") != "COUNT":
            reply["Items"] = [
                self._shown(item if wanted is None else {name: value for name, value in item.items() if name in wanted})
                for item in kept
            ]
        if goes_on:
            reply["LastEvaluatedKey"] = table.page_key(page[-1], index)
        return reply

    def get_paginator(self, operation: str) -> "_Paginator":
        return _Paginator(getattr(self, operation))

    # ---------------------------------------------------------------- what all writes share

    def table(self, name: str) -> Table:
        if name not in self._tables:
            raise client_error("ResourceNotFoundException", "Requested resource not found")
        return self._tables[name]

    def _read(self, table: Table, key: Key, how: Mapping[str, Any]) -> Item | None:
        """Return an item; for a read that is not consistent, perhaps as it was a moment ago."""
        item, is_consistent = table.items.get(key), how.get("ConsistentRead", False)
        at, before = table.before.get(key, (float("-inf"), None))
        if not is_consistent and self._now() - at < STALE_SECONDS and self._is_stale():
            item = before
        self.units.read += read_units(size_of(item or {}), consistent=is_consistent)
        return item

    def _prepare(self, kind: str, what: Arguments, *, in_transaction: bool = False) -> _Change:
        """Check an action and work out what it will do; raises InvalidError or ConditionError."""
        table = self.table(what["TableName"])
        names = Names.of(what)
        condition = what.get("ConditionExpression")
        holds = None if condition is None else names.condition(condition)
        update = names.update(what.get("UpdateExpression", "")) if kind == "Update" else None
        names.refuse_unused()
        key, new = table.checked(what["Item"]) if kind == "Put" else (table.key_of(what["Key"]), None)
        old = table.items.get(key)
        if holds is not None and not holds(old or {}):
            if not in_transaction:
                self.units.write += write_units(size_of(old or {}), 0)
            wanted = old is not None and what.get("ReturnValuesOnConditionCheckFailure") == "ALL_OLD"
            raise ConditionError(self._shown(old) if old is not None and wanted else None)
        if update is not None:
            new = table.updated(key, what["Key"], update, names.values)
        if kind == "ConditionCheck":
            if not in_transaction or holds is None:
                raise InvalidError("a ConditionCheck needs a transaction and a condition")
            new = old
        return _Change(table, key, old, new, writes=kind != "ConditionCheck")

    def _commit(self, changes: Sequence[_Change], *, transaction: bool = False) -> None:
        for change in changes:
            if change.writes:
                self.units.write += change.table.units(change.old, change.new, transaction=transaction)
                self._write(change)
            else:
                self.units.read += 2 * read_units(size_of(change.old or {}), consistent=True)

    def _write(self, change: _Change) -> None:
        write = change.table.write(change.key, change.new, self._now(), self._written)
        if write is not None:
            self._written += 1
            self._on_write(write)


def _as_it_is(item: Item) -> Item:
    return item


class _Call:
    """One call at a time, whoever makes it; the errors of this package become boto3's."""

    def __init__(self) -> None:
        self._lock = RLock()

    def __enter__(self) -> None:
        self._lock.acquire()

    def __exit__(self, _kind: object, error: object, _trace: object) -> None:
        self._lock.release()
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
