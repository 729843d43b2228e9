"""Tables, their indexes and streams: items by key and in order, and one record for each item that changed."""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.support.dynamodb.errors import InvalidError
from tests.support.dynamodb.expressions import Update, Values
from tests.support.dynamodb.units import write_units
from tests.support.dynamodb.values import MAX_ITEM_BYTES, Item, Value, comparable, normal_item, size_of

Key = tuple[Any, ...]
"""The values of an item's key, its partition's first, in the form that orders them."""
Record = dict[str, Any]

_MAX_KEY_BYTES = {"HASH": 2048, "RANGE": 1024}
FIRST_SEQUENCE = 10**20


@dataclass(frozen=True)
class Write:
    """One item that changed: what it was and what it is, None where there is none, and when that was."""

    table: str
    at: float
    old: Item | None
    new: Item | None
    sequence: str


@dataclass
class Order:
    """Items by partition and in order: of a table by its key, of an index by its own key, then by the table's."""

    names: tuple[str, ...]
    own: int
    """How many of `names` are the index's own; an item that lacks one of these is not in it."""
    projected: frozenset[str] | None = None
    """The attributes that are in it; None: all."""
    partitions: dict[Any, list[Key]] = field(default_factory=dict)

    def position(self, item: Mapping[str, Value] | None) -> Key | None:
        """Return where an item stands, None if it is not in here."""
        if item is None or any(name not in item for name in self.names[: self.own]):
            return None
        return tuple(comparable(item[name]) for name in self.names)

    def move(self, before: Key | None, after: Key | None) -> None:
        """Follow a write."""
        if before == after:
            return
        if before is not None:
            rows = self.partitions[before[0]]
            del rows[bisect_left(rows, before)]
            if not rows:
                del self.partitions[before[0]]
        if after is not None:
            insort(self.partitions.setdefault(after[0], []), after)

    def holds(self, item: Item | None) -> Item | None:
        """Return what is in here of an item, None if it is not in here."""
        return None if item is None or self.position(item) is None else self.shown(item)

    def shown(self, item: Item) -> Item:
        """Return what is in here of an item that is."""
        if self.projected is None:
            return item
        return {name: value for name, value in item.items() if name in self.projected}

    def units(self, before: Item | None, after: Item | None) -> float:
        """Return what a write to the table costs in an index ("Provisioned throughput considerations for indexes").

        Nothing where the entry stays as it is; one write for an entry that comes, goes or changes; two if it moves.
        """
        old, new = self.holds(before), self.holds(after)
        if old == new:
            return 0.0
        if old is not None and new is not None and self.position(old) != self.position(new):
            return write_units(size_of(old), 0) + write_units(0, size_of(new))
        return write_units(size_of(old or {}), size_of(new or {}))


@dataclass
class Table:
    """One table. `schema` and those of `indexes` map HASH and RANGE to attribute names; `kinds` has their types."""

    name: str
    schema: Mapping[str, str]
    kinds: Mapping[str, str]
    indexes: Mapping[str, Mapping[str, str]]
    orders: Mapping[str | None, Order]
    """Of the table itself (None), and of its indexes."""
    stream_view: str | None
    items: dict[Key, Item] = field(default_factory=dict)
    """Never changed, only replaced: answers, records and indexes may share them."""
    records: list[Record] = field(default_factory=list)
    before: dict[Key, tuple[float, Item | None]] = field(default_factory=dict)
    """What each item was before its last write, and when that was."""

    @classmethod
    def of(cls, definition: Mapping[str, Any]) -> "Table":
        """Make the table that CreateTable's arguments describe."""
        stream = definition.get("StreamSpecification", {})
        indexes = definition.get("GlobalSecondaryIndexes", ())
        schema = _schema(definition["KeySchema"])
        keys = tuple(_names(schema))
        orders: dict[str | None, Order] = {None: Order(keys, len(keys))}
        for index in indexes:
            own = tuple(_names(_schema(index["KeySchema"])))
            orders[index["IndexName"]] = Order((*own, *keys), len(own), _projected(index["Projection"], (*own, *keys)))
        return cls(
            name=definition["TableName"],
            schema=schema,
            kinds={each["AttributeName"]: each["AttributeType"] for each in definition["AttributeDefinitions"]},
            indexes={index["IndexName"]: _schema(index["KeySchema"]) for index in indexes},
            orders=orders,
            stream_view=stream.get("StreamViewType") if stream.get("StreamEnabled") else None,
        )

    @property
    def stream_arn(self) -> str:
        return f"arn:aws:dynamodb:us-east-1:000000000000:table/{self.name}/stream/1"

    def key_of(self, key: Mapping[str, Value]) -> Key:
        """Check a key that was given alone, and return it hashable; raises InvalidError."""
        if set(key) != set(self.schema.values()):
            raise InvalidError("The provided key element does not match the schema")
        return self.key_in(key)

    def key_in(self, item: Mapping[str, Value]) -> Key:
        """Check the key of an item, and return it hashable; raises InvalidError."""
        key = []
        for role, name in sorted(self.schema.items()):  # HASH comes before RANGE
            value = item.get(name)
            if value is None:
                raise InvalidError(f"One or more parameter values were invalid: Missing the key {name} in the item")
            kind = self.kinds[name]
            if kind not in value:
                raise InvalidError(
                    f"One or more parameter values were invalid: Type mismatch for key {name} expected: {kind}"
                )
            length = len(value[kind].encode()) if kind == "S" else 1
            if not length:
                raise InvalidError(
                    "One or more parameter values are not valid. The AttributeValue for a key attribute cannot "
                    f"contain an empty string value. Key: {name}"
                )
            if length > _MAX_KEY_BYTES[role]:
                raise InvalidError(
                    f"One or more parameter values were invalid: Size of {role.lower()} key is too large"
                )
            key.append(comparable(value))
        return tuple(key)

    def refuse_wrong_index_keys(self, item: Mapping[str, Value]) -> None:
        """An item may lack an index's key, but not have another kind of value there; raises InvalidError."""
        for index, schema in self.indexes.items():
            for name in schema.values():
                value = item.get(name)
                if value is None:
                    continue
                kind = self.kinds[name]
                if kind not in value:
                    raise InvalidError(
                        "One or more parameter values were invalid: Type mismatch for Index Key "
                        f"{name} Expected: {kind} IndexName: {index}"
                    )
                if value[kind] == "":
                    raise InvalidError(
                        "One or more parameter values are not valid. A value specified for a secondary index key is "
                        f"not supported: the key {name} of {index} is an empty string"
                    )

    def updated(self, key: Key, given: Mapping[str, Value], update: Update, values: Values) -> Item:
        """Return the item that an update makes of the one at `key`, or of none; raises InvalidError."""
        for path in update.paths():
            if path[0] in self.schema.values():
                raise InvalidError(
                    f"One or more parameter values were invalid: Cannot update attribute {path[0]}. "
                    "This attribute is part of the key"
                )
        after = update.applied_to(self.items.get(key) or normal_item(given), values)
        self.refuse_wrong_index_keys(after)
        if size_of(after) > MAX_ITEM_BYTES:
            raise InvalidError("Item size to update has exceeded the maximum allowed size")
        return after

    def checked(self, item: Mapping[str, Value]) -> tuple[Key, Item]:
        """Return the key of an item to put and its one form; raises InvalidError."""
        after = normal_item(item)
        key = self.key_in(after)
        self.refuse_wrong_index_keys(after)
        if size_of(after) > MAX_ITEM_BYTES:
            raise InvalidError("Item size has exceeded the maximum allowed size")
        return key, after

    def units(self, before: Item | None, after: Item | None, *, transaction: bool = False) -> float:
        """Return the units of a write, with what it costs in the indexes."""
        own = write_units(size_of(before or {}), size_of(after or {}), transaction=transaction)
        return own + sum(order.units(before, after) for index, order in self.orders.items() if index is not None)

    def write(self, key: Key, new: Item | None, at: float, sequence: int) -> Write | None:
        """Make `new` the item at `key` (None: delete it); None if that changes nothing."""
        old = self.items.get(key)
        if old == new:
            return None
        self._place(key, new)
        self.before[key] = (at, old)
        number = str(FIRST_SEQUENCE + sequence)
        if self.stream_view is not None:
            self.records.append(self._record(old, new, at, number))
        return Write(self.name, at, old, new, number)

    def load(self, items: Sequence[Item]) -> None:
        """Put items in without the stream, as if they had always been there."""
        for item in items:
            key, after = self.checked(item)
            self._place(key, after)

    def _place(self, key: Key, new: Item | None) -> None:
        old = self.items.get(key)
        for order in self.orders.values():
            order.move(order.position(old), order.position(new))
        if new is None:
            del self.items[key]
        else:
            self.items[key] = new

    def _record(self, old: Item | None, new: Item | None, at: float, number: str) -> Record:
        known = new or old or {}
        change: Record = {
            "ApproximateCreationDateTime": int(at),
            "Keys": {name: known[name] for name in self.schema.values()},
            "SequenceNumber": number,
            "SizeBytes": size_of(old or {}) + size_of(new or {}),
            "StreamViewType": self.stream_view,
        }
        if old is not None:
            change["OldImage"] = old
        if new is not None:
            change["NewImage"] = new
        name = "INSERT" if old is None else "REMOVE" if new is None else "MODIFY"
        return {"eventID": f"{self.name}-{number}", "eventName": name, "dynamodb": change}

    def order(self, index: str | None) -> Order:
        """Return the order of the table or of an index; raises InvalidError."""
        if index not in self.orders:
            raise InvalidError(f"The table does not have the specified index: {index}")
        return self.orders[index]

    def partition(
        self, index: str | None, partition: Value, after: Key | None = None, *, forward: bool = True
    ) -> Iterator[Item]:
        """Go through a partition in order, from the position after `after`; of an index, through what it holds."""
        order = self.order(index)
        rows = order.partitions.get(comparable(partition), [])
        if forward:
            positions = range(0 if after is None else bisect_right(rows, after), len(rows))
        else:
            positions = range((len(rows) if after is None else bisect_left(rows, after)) - 1, -1, -1)
        for position in positions:
            yield order.shown(self.items[rows[position][-len(self.schema) :]])

    def everything(self, after: Key | None = None) -> Iterator[Item]:
        """Go through all items in the order of their keys, from the position after `after`."""
        keys = sorted(self.items)
        return (self.items[key] for key in keys[0 if after is None else bisect_right(keys, after) :])

    def position(self, item: Mapping[str, Value], index: str | None) -> Key:
        """Return where the key that a page ended with stands; raises InvalidError."""
        order = self.order(index)
        if set(item) != set(order.names):
            raise InvalidError("The provided starting key is invalid")
        return tuple(comparable(item[name]) for name in order.names)

    def page_key(self, item: Item, index: str | None) -> Item:
        """Return what LastEvaluatedKey says of a page's last item."""
        return {name: item[name] for name in self.order(index).names}


def _names(schema: Mapping[str, str]) -> Iterator[str]:
    return (schema[role] for role in ("HASH", "RANGE") if role in schema)


def _projected(projection: Mapping[str, Any], keys: Sequence[str]) -> frozenset[str] | None:
    if projection["ProjectionType"] == "ALL":
        return None
    return frozenset({*keys, *projection.get("NonKeyAttributes", ())})


def _schema(elements: Sequence[Mapping[str, str]]) -> dict[str, str]:
    return {element["KeyType"]: element["AttributeName"] for element in elements}
