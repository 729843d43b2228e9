"""One table in memory: its items, the order within partitions, its indexes and its stream."""

import time
from bisect import bisect_left, insort
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.benchmarks.standin.units import item_bytes, write_units

Item = dict[str, Any]
Key = tuple[str, ...]


@dataclass
class Index:
    """What orders the items: the table's own key, or that of a secondary index, and what it holds of them."""

    names: tuple[str, ...]
    tie: tuple[str, ...] = ()
    projected: frozenset[str] | None = None
    """The attributes that are in it; None: all."""
    partitions: dict[str, list[Key]] = field(default_factory=dict)

    def entry(self, item: Item | None) -> Key | None:
        """Return an item's place in its partition, None if it is not in this index."""
        if item is None or any(name not in item for name in self.names):
            return None
        return tuple(scalar(item[name]) for name in (*self.names, *self.tie))

    def holds(self, item: Item | None) -> Item | None:
        """Return what is in this index of an item, None if it is not in it."""
        if item is None or self.entry(item) is None:
            return None
        if self.projected is None:
            return item
        return {name: value for name, value in item.items() if name in self.projected}

    def units(self, before: Item | None, after: Item | None) -> float:
        """Return what a write to the table costs here ("Provisioned throughput considerations for indexes").

        Nothing where the entry stays as it is; one write for an entry that comes, goes or changes; two if it moves.
        """
        old, new = self.holds(before), self.holds(after)
        if old == new:
            return 0.0
        if old is not None and new is not None and self.entry(before) != self.entry(after):
            return write_units(_size(old), 0) + write_units(0, _size(new))
        return write_units(_size(old), _size(new))

    def move(self, before: Key | None, after: Key | None) -> None:
        """Follow a write."""
        if before == after:
            return
        if before is not None:
            rows = self.partitions[before[0]]
            del rows[bisect_left(rows, before)]
        if after is not None:
            insort(self.partitions.setdefault(after[0], []), after)


@dataclass
class Table:
    """A table. Items in it are never changed, only replaced, so answers and stream records may share them."""

    name: str
    key_names: tuple[str, ...]
    indexes: dict[str, Index]
    has_stream: bool
    items: dict[Key, Item] = field(default_factory=dict)
    records: list[Item] = field(default_factory=list)
    own: Index = field(init=False)

    def __post_init__(self) -> None:
        self.own = Index(self.key_names)

    @classmethod
    def create(cls, request: Mapping[str, Any]) -> "Table":
        """Make a table as CreateTable asks for it."""
        key_names = _key_names(request["KeySchema"])
        indexes = {
            index["IndexName"]: _secondary(index, key_names) for index in request.get("GlobalSecondaryIndexes", ())
        }
        stream = request.get("StreamSpecification", {}).get("StreamEnabled", False)
        return cls(request["TableName"], key_names, indexes, stream)

    @property
    def stream_arn(self) -> str:
        return f"arn:aws:dynamodb:us-east-1:000000000000:table/{self.name}/stream/1"

    def key_of(self, item: Item) -> Key:
        return tuple(scalar(item[name]) for name in self.key_names)

    def write(self, key: Key, after: Item | None, *, transaction: bool = False) -> float:
        """Replace the item at `key` (None: delete it), with its indexes and stream; return the write units."""
        before = self.items.get(key)
        units = write_units(_size(before), _size(after), transaction=transaction)
        if before == after:
            return units
        for index in self.indexes.values():
            units += index.units(before, after)
            index.move(index.entry(before), index.entry(after))
        self.own.move(None if before is None else key, None if after is None else key)
        if after is None:
            del self.items[key]
        else:
            self.items[key] = after
        if self.has_stream:
            self._record(before, after)
        return units

    def load(self, items: Sequence[Item]) -> None:
        """Put items in without counting and without the stream, as if they had always been there."""
        for item in items:
            key = self.key_of(item)
            if key in self.items:
                self.items[key] = item
                continue
            self.items[key] = item
            self.own.partitions.setdefault(key[0], []).append(key)
            for index in self.indexes.values():
                entry = index.entry(item)
                if entry is not None:
                    index.partitions.setdefault(entry[0], []).append(entry)
        for index in (self.own, *self.indexes.values()):
            for rows in index.partitions.values():
                rows.sort()

    def walk(self, index: Index, partition: str, after: Key | None, *, forward: bool) -> Iterator[tuple[Key, Item]]:
        """Go through a partition in order, from the place after `after`."""
        rows = index.partitions.get(partition, [])
        if forward:
            start = 0 if after is None else bisect_left(rows, after) + (after in rows[bisect_left(rows, after) :][:1])
            chosen: Iterator[Key] = (rows[place] for place in range(start, len(rows)))
        else:
            end = len(rows) if after is None else bisect_left(rows, after)
            chosen = (rows[place] for place in range(end - 1, -1, -1))
        for entry in chosen:
            yield entry, index.holds(self.items[entry[-len(self.key_names) :]]) or {}

    def _record(self, before: Item | None, after: Item | None) -> None:
        known = after or before or {}
        number = len(self.records) + 1
        change: Item = {
            "ApproximateCreationDateTime": int(time.time()),
            "Keys": {name: known[name] for name in self.key_names},
            "SequenceNumber": f"{number:021d}",
            "SizeBytes": _size(before) + _size(after),
            "StreamViewType": "NEW_AND_OLD_IMAGES",
        }
        if before is not None:
            change["OldImage"] = before
        if after is not None:
            change["NewImage"] = after
        name = "INSERT" if before is None else "REMOVE" if after is None else "MODIFY"
        self.records.append({"eventID": f"{self.name}-{number:021d}", "eventName": name, "dynamodb": change})


def _secondary(definition: Mapping[str, Any], key_names: tuple[str, ...]) -> Index:
    """Make a secondary index as CreateTable asks for it."""
    names, projection = _key_names(definition["KeySchema"]), definition["Projection"]
    if projection["ProjectionType"] == "ALL":
        return Index(names, key_names)
    further = projection.get("NonKeyAttributes", ())
    return Index(names, key_names, frozenset({*names, *key_names, *further}))


def scalar(value: Mapping[str, Any]) -> str:
    """Return a key's value; all keys here are strings."""
    return str(value["S"])


def _size(item: Item | None) -> int:
    return 0 if item is None else item_bytes(item)


def _key_names(schema: Sequence[Mapping[str, str]]) -> tuple[str, ...]:
    return tuple(part["AttributeName"] for part in schema)
