"""DynamoDB's operations, those that the stores use, on tables in memory; each says what it costs."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.benchmarks.standin import expressions
from tests.benchmarks.standin.table import Item, Key, Table, scalar
from tests.benchmarks.standin.units import item_bytes, read_units, write_units

Request = Mapping[str, Any]
Reply = dict[str, Any]

BATCH_KEYS, BATCH_STATEMENTS, BATCH_WRITES, TRANSACTION_ACTIONS = 100, 25, 25, 100
PAGE_BYTES = 1024 * 1024


class Refused(Exception):  # noqa: N818 - it is an answer, not a fault
    """An answer that is an error, by DynamoDB's name for it."""

    def __init__(self, kind: str, message: str, **further: Any) -> None:
        super().__init__(message)
        self.body = {"__type": f"com.amazonaws.dynamodb.v20120810#{kind}", "message": message, **further}


def invalid(message: str) -> Refused:
    return Refused("ValidationException", message)


@dataclass
class Cost:
    """What an operation consumed."""

    read_units: float = 0.0
    write_units: float = 0.0


@dataclass
class Database:
    """Tables by name; `run` carries out one operation."""

    tables: dict[str, Table] = field(default_factory=dict)
    _tokens: set[str] = field(default_factory=set)

    def run(self, operation: str, request: Request, cost: Cost) -> Reply:
        """Carry out an operation by its API name and add what it consumes to `cost`; raises Refused."""
        do: Callable[[Request, Cost], Reply] | None = getattr(self, f"_{_snake(operation)}", None)
        if do is None:
            raise Refused("UnknownOperationException", f"{operation} is not among what the stores use")
        return do(request, cost)

    # ---------------------------------------------------------------- tables and streams

    def _create_table(self, request: Request, _cost: Cost) -> Reply:
        self.tables[request["TableName"]] = Table.create(request)
        return {"TableDescription": self._description(request["TableName"])}

    def _describe_table(self, request: Request, _cost: Cost) -> Reply:
        return {"Table": self._description(request["TableName"])}

    def _description(self, name: str) -> Reply:
        table = self._table(name)
        stream = {"LatestStreamArn": table.stream_arn} if table.has_stream else {}
        return {"TableName": name, "TableStatus": "ACTIVE", **stream}

    def _describe_stream(self, request: Request, _cost: Cost) -> Reply:
        arn = request["StreamArn"]
        return {"StreamDescription": {"StreamArn": arn, "StreamStatus": "ENABLED", "Shards": [{"ShardId": arn}]}}

    def _get_shard_iterator(self, request: Request, _cost: Cost) -> Reply:
        first = int(request.get("SequenceNumber", 0))  # a record's number is its place, from 1
        return {"ShardIterator": f"{request['StreamArn']}|{first}"}

    def _get_records(self, request: Request, _cost: Cost) -> Reply:
        arn, _, place = request["ShardIterator"].rpartition("|")
        (table,) = (table for table in self.tables.values() if table.stream_arn == arn)
        records = table.records[int(place) : int(place) + request.get("Limit", 1000)]
        return {"Records": records, "NextShardIterator": f"{arn}|{int(place) + len(records)}"}

    # ---------------------------------------------------------------- reads

    def _get_item(self, request: Request, cost: Cost) -> Reply:
        item = self._read(self._table(request["TableName"]), request["Key"], request, cost)
        return {} if item is None else {"Item": item}

    def _batch_get_item(self, request: Request, cost: Cost) -> Reply:
        wanted = request["RequestItems"]
        if not 1 <= sum(len(what["Keys"]) for what in wanted.values()) <= BATCH_KEYS:
            raise invalid("Too many items requested for the BatchGetItem call")
        responses = {}
        for name, what in wanted.items():
            table = self._table(name)
            _refuse_repeats([table.key_of(key) for key in what["Keys"]])
            found = [self._read(table, key, what, cost) for key in what["Keys"]]
            responses[name] = [item for item in found if item is not None]
        return {"Responses": responses, "UnprocessedKeys": {}}

    def _read(self, table: Table, key: Item, request: Request, cost: Cost) -> Item | None:
        item = table.items.get(_exact_key(table, key))
        cost.read_units += read_units(
            0 if item is None else item_bytes(item), consistent=request.get("ConsistentRead", False)
        )
        return item

    def _query(self, request: Request, cost: Cost) -> Reply:
        table = self._table(request["TableName"])
        index = table.indexes[request["IndexName"]] if "IndexName" in request else table.own
        where = expressions.condition(request["KeyConditionExpression"])
        names, values = _placeholders(request)
        start = request.get("ExclusiveStartKey")
        after = None if start is None else tuple(scalar(start[name]) for name in (*index.names, *index.tie))
        partition = _partition(request["KeyConditionExpression"], index.names[0], names, values)
        rows = table.walk(index, partition, after, forward=request.get("ScanIndexForward", True))
        matching = ((entry, item) for entry, item in rows if where(item, names, values))
        return self._page(request, matching, (*index.names, *index.tie), cost)

    def _scan(self, request: Request, cost: Cost) -> Reply:
        table = self._table(request["TableName"])
        start = request.get("ExclusiveStartKey")
        rows = sorted(table.items.items())
        after = None if start is None else table.key_of(start)
        return self._page(request, ((k, i) for k, i in rows if after is None or k > after), table.key_names, cost)

    @staticmethod
    def _page(request: Request, rows: Any, key_names: Sequence[str], cost: Cost) -> Reply:
        """Return what a Query or a Scan reads at once: up to its limit, or 1 MB; then the filter drops some."""
        names, values = _placeholders(request)
        keep = expressions.condition(request["FilterExpression"]) if "FilterExpression" in request else None
        size = scanned = 0
        found: list[Item] = []
        reply: Reply = {}
        for entry, item in rows:
            size += item_bytes(item)
            scanned += 1
            if keep is None or keep(item, names, values):
                found.append(item)
            if scanned == request.get("Limit") or size > PAGE_BYTES:
                reply["LastEvaluatedKey"] = {name: {"S": part} for name, part in zip(key_names, entry, strict=True)}
                break
        cost.read_units += read_units(size, consistent=request.get("ConsistentRead", False))
        return reply | {"Items": found, "Count": len(found), "ScannedCount": scanned}

    # ---------------------------------------------------------------- writes

    def _put_item(self, request: Request, cost: Cost) -> Reply:
        self._require(request, cost)
        self._apply("Put", request, cost)
        return {}

    def _update_item(self, request: Request, cost: Cost) -> Reply:
        old = self._require(request, cost)
        new = self._apply("Update", request, cost)
        wanted = {"ALL_OLD": old, "ALL_NEW": new}.get(request.get("ReturnValues", "NONE"))
        return {} if wanted is None else {"Attributes": wanted}

    def _delete_item(self, request: Request, cost: Cost) -> Reply:
        old = self._require(request, cost)
        self._apply("Delete", request, cost)
        return {"Attributes": old} if old and request.get("ReturnValues") == "ALL_OLD" else {}

    def _require(self, request: Request, cost: Cost) -> Item | None:
        """Return the item that a single write is for; raise if the write's condition does not hold for it."""
        table, key = self._target(request)
        old = table.items.get(key)
        if not _holds(request, old):
            cost.write_units += write_units(0 if old is None else item_bytes(old), 0)
            wants_old = request.get("ReturnValuesOnConditionCheckFailure") == "ALL_OLD"
            shown = {"Item": old} if old and wants_old else {}
            raise Refused("ConditionalCheckFailedException", "The conditional request failed", **shown)
        return old

    def _batch_write_item(self, request: Request, cost: Cost) -> Reply:
        wanted = [(name, *each.items()) for name, requests in request["RequestItems"].items() for each in requests]
        if not 1 <= len(wanted) <= BATCH_WRITES:
            raise invalid("Too many items requested for the BatchWriteItem call")
        writes = [(kind.removesuffix("Request"), {"TableName": name, **what}) for name, (kind, what) in wanted]
        _refuse_repeats([(write["TableName"], *self._target(write)[1]) for _, write in writes])
        for kind, write in writes:
            self._apply(kind, write, cost)
        return {"UnprocessedItems": {}}

    def _transact_write_items(self, request: Request, cost: Cost) -> Reply:
        token = request.get("ClientRequestToken")
        if token in self._tokens:
            return {}
        actions: list[tuple[str, Request]] = [next(iter(action.items())) for action in request["TransactItems"]]
        if not 1 <= len(actions) <= TRANSACTION_ACTIONS:
            raise invalid("Member must have length less than or equal to 100")
        targets = [self._target(what) for _, what in actions]
        _refuse_repeats([(table.name, *key) for table, key in targets])
        reasons: list[Reply] = []
        for (_, what), (table, key) in zip(actions, targets, strict=True):
            old = table.items.get(key)
            if _holds(what, old):
                reasons.append({"Code": "None"})
                continue
            wants_old = old is not None and what.get("ReturnValuesOnConditionCheckFailure") == "ALL_OLD"
            reason = {"Code": "ConditionalCheckFailed", "Message": "The conditional request failed"}
            reasons.append({**reason, **({"Item": old} if wants_old else {})})
        if any(reason["Code"] != "None" for reason in reasons):
            cost.write_units += sum(
                write_units(item_bytes(table.items.get(key, {})), 0, transaction=True) for table, key in targets
            )
            raise Refused("TransactionCanceledException", "Transaction cancelled", CancellationReasons=reasons)
        for kind, what in actions:
            if kind == "ConditionCheck":
                table, key = self._target(what)
                cost.read_units += 2 * read_units(item_bytes(table.items.get(key, {})), consistent=True)
            else:
                self._apply(kind, what, cost, transaction=True)
        if token:
            self._tokens.add(token)
        return {}

    def _batch_execute_statement(self, request: Request, cost: Cost) -> Reply:
        statements = request["Statements"]
        if not 1 <= len(statements) <= BATCH_STATEMENTS:
            raise invalid("Member must have length less than or equal to 25")
        ready = []
        for statement in statements:
            name, changes, where, count = expressions.partiql_update(statement["Statement"])
            table = self._table(name)
            values = {f":{place}": value for place, value in enumerate(statement["Parameters"])}
            if len(values) != count:
                raise invalid("Number of parameters in request and statement don't match")
            ready.append((table, changes, where, values, _partiql_key(table, statement["Statement"], values)))
        _refuse_repeats([(table.name, *key) for table, _, _, _, key in ready])
        responses: list[Reply] = []
        for table, changes, where, values, key in ready:
            old = table.items.get(key)
            if old is None or not where(old, {}, values):
                cost.write_units += write_units(0, 0)
                failed = {"Code": "ConditionalCheckFailed", "Message": "The conditional request failed"}
                responses.append({"Error": failed, "TableName": table.name})
                continue
            new = dict(old)
            for change in changes:
                change(old, new, {}, values)
            cost.write_units += table.write(key, new)
            responses.append({"TableName": table.name, "Item": old})
        return {"Responses": responses}

    def _apply(self, kind: str, what: Request, cost: Cost, *, transaction: bool = False) -> Item | None:
        """Carry out a Put, an Update or a Delete whose condition holds; return the item as it is then."""
        table, key = self._target(what)
        new: Item | None = None
        if kind == "Put":
            new = what["Item"]
        elif kind == "Update":
            old = table.items.get(key, {})
            new = {**what["Key"], **old}
            names, values = _placeholders(what)
            for change in expressions.update(what["UpdateExpression"]):
                change(old, new, names, values)
        cost.write_units += table.write(key, new, transaction=transaction)
        return new

    def _target(self, what: Request) -> tuple[Table, Key]:
        table = self._table(what["TableName"])
        return table, (table.key_of(what["Item"]) if "Item" in what else _exact_key(table, what["Key"]))

    def _table(self, name: str) -> Table:
        table = self.tables.get(name)
        if table is None:
            raise Refused("ResourceNotFoundException", f"Requested resource not found: Table: {name}")
        return table


def _snake(operation: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in operation).lstrip("_")


def _placeholders(request: Request) -> tuple[dict[str, str], dict[str, Item]]:
    return request.get("ExpressionAttributeNames", {}), request.get("ExpressionAttributeValues", {})


def _holds(what: Request, old: Item | None) -> bool:
    text = what.get("ConditionExpression")
    names, values = _placeholders(what)
    return text is None or expressions.condition(text)(old or {}, names, values)


def _exact_key(table: Table, key: Item) -> Key:
    if sorted(key) != sorted(table.key_names):
        raise invalid("The provided key element does not match the schema")
    return table.key_of(key)


def _partition(text: str, name: str, names: Mapping[str, str], values: Mapping[str, Item]) -> str:
    """Return the partition that a key condition names: `<name> = :value` comes first in all of ours."""
    path, sign, placeholder = text.split()[:3]
    if names.get(path, path) != name or sign != "=":
        raise invalid("Query condition missed key schema element")
    return scalar(values[placeholder])


def _partiql_key(table: Table, text: str, values: Mapping[str, Item]) -> Key:
    """Return the key that a statement's WHERE names; its parameters are the last ones."""
    (name,) = table.key_names  # the one table that statements are for has no sort key
    where = text.partition(" WHERE ")[2]
    if not where.startswith(f"{name} = ?"):
        raise invalid("Where clause does not contain a mandatory equality on all key attributes")
    return (scalar(values[f":{text[: text.index(' WHERE ')].count('?')}"]),)


def _refuse_repeats(keys: Sequence[tuple[str, ...]]) -> None:
    if len(set(keys)) != len(keys):
        raise invalid("Provided list of item keys contains duplicates")
