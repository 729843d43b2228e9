"""Tables, their indexes and streams: items by key, and one record for each item that changed."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.support.dynamodb.errors import InvalidError
from tests.support.dynamodb.expressions import Update
from tests.support.dynamodb.values import MAX_ITEM_BYTES, Item, Value, comparable, normal_item, size_of

Key = tuple[tuple[str, str], ...]
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
class Table:
    """One table. `schema` and those of `indexes` map HASH and RANGE to attribute names; `kinds` has their types."""

    name: str
    schema: Mapping[str, str]
    kinds: Mapping[str, str]
    indexes: Mapping[str, Mapping[str, str]]
    projections: Mapping[str, Mapping[str, Any]]
    stream_view: str | None
    items: dict[Key, Item] = field(default_factory=dict)
    records: list[Record] = field(default_factory=list)
    before: dict[Key, tuple[float, Item | None]] = field(default_factory=dict)
    """What each item was before its last write, and when that was."""

    @classmethod
    def of(cls, definition: Mapping[str, Any]) -> "Table":
        """Make the table that CreateTable's arguments describe."""
        stream = definition.get("StreamSpecification", {})
        return cls(
            name=definition["TableName"],
            schema=_schema(definition["KeySchema"]),
            kinds={each["AttributeName"]: each["AttributeType"] for each in definition["AttributeDefinitions"]},
            indexes={
                index["IndexName"]: _schema(index["KeySchema"])
                for index in definition.get("GlobalSecondaryIndexes", ())
            },
            projections={
                index["IndexName"]: index["Projection"] for index in definition.get("GlobalSecondaryIndexes", ())
            },
            stream_view=stream.get("StreamViewType") if stream.get("StreamEnabled") else None,
        )

    def key_of(self, key: Mapping[str, Value]) -> Key:
        """Check a key that was given alone, and return it hashable; raises InvalidError."""
        if set(key) != set(self.schema.values()):
            raise InvalidError("The provided key element does not match the schema")
        return self.key_in(key)

    def key_in(self, item: Mapping[str, Value]) -> Key:
        """Check the key of an item, and return it hashable; raises InvalidError."""
        key = []
        for role, name in sorted(self.schema.items()):
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
            key.append((name, str(normal_item({name: value})[name][kind])))
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

    def updated(self, key: Key, given: Mapping[str, Value], update: Update) -> Item:
        """Return the item that an update makes of the one at `key`, or of none; raises InvalidError."""
        for path in update.paths():
            if path[0] in self.schema.values():
                raise InvalidError(
                    f"One or more parameter values were invalid: Cannot update attribute {path[0]}. "
                    "This attribute is part of the key"
                )
        after = update.applied_to(self.items.get(key) or normal_item(given))
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

    def write(self, key: Key, new: Item | None, at: float, sequence: int) -> Write | None:
        """Make `new` the item at `key` (None: delete it); None if that changes nothing."""
        old = self.items.get(key)
        if old == new:
            return None
        if new is None:
            del self.items[key]
        else:
            self.items[key] = new
        self.before[key] = (at, old)
        number = str(FIRST_SEQUENCE + sequence)
        if self.stream_view is not None:
            self.records.append(self._record(key, old, new, at, number))
        return Write(self.name, at, old, new, number)

    def _record(self, key: Key, old: Item | None, new: Item | None, at: float, number: str) -> Record:
        change: Record = {
            "ApproximateCreationDateTime": int(at),
            "Keys": {name: {self.kinds[name]: value} for name, value in key},
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

    def ordered(self, index: str | None = None) -> Sequence[Item]:
        """Return the items of the table or of an index, in the order of its keys, then of the table's."""
        if index is not None and index not in self.indexes:
            raise InvalidError(f"The table does not have the specified index: {index}")
        schema = self.schema if index is None else self.indexes[index]
        there = [item for item in self.items.values() if all(name in item for name in schema.values())]
        names = [*_names(schema), *(() if index is None else _names(self.schema))]
        return sorted(there, key=lambda item: [comparable(item[name]) for name in names])

    def position(self, item: Mapping[str, Value], index: str | None) -> list[Any]:
        """Return where an item, or the key that a page ended with, stands in `ordered(index)`."""
        names = [*(() if index is None else _names(self.indexes[index])), *_names(self.schema)]
        try:
            return [comparable(item[name]) for name in names]
        except KeyError as exc:
            raise InvalidError("The provided starting key is invalid") from exc

    def projected(self, item: Item, index: str | None) -> Item:
        """Return what an index holds of an item."""
        projection = {"ProjectionType": "ALL"} if index is None else self.projections[index]
        if projection["ProjectionType"] == "ALL":
            return item
        kept = {*self.page_key(item, index), *projection.get("NonKeyAttributes", ())}
        return {name: value for name, value in item.items() if name in kept}

    def page_key(self, item: Item, index: str | None) -> Item:
        """Return what LastEvaluatedKey says of a page's last item."""
        names = {*_names(self.schema), *(() if index is None else _names(self.indexes[index]))}
        return {name: item[name] for name in names}


def _names(schema: Mapping[str, str]) -> Iterator[str]:
    return (schema[role] for role in ("HASH", "RANGE") if role in schema)


def _schema(elements: Sequence[Mapping[str, str]]) -> dict[str, str]:
    return {element["KeyType"]: element["AttributeName"] for element in elements}
