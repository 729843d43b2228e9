"""Every state that the tables went through, so that an answer can be held against the moments that it may speak of."""

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.support.dynamodb.tables import Write

Item = dict[str, Any]
Place = tuple[str, str]
"""A table's variable and an item's whole key as text."""


@dataclass(frozen=True)
class Moments:
    """What is between two points of the history, both included."""

    first: int
    last: int


@dataclass
class History:
    """Versions of items; `now` is how many writes there have been. `names` maps tables to their variables."""

    names: dict[str, str]
    now: int = 0
    writers: list[tuple[str, Write]] = field(default_factory=list)
    _versions: dict[Place, list[tuple[int, Item | None]]] = field(default_factory=dict)

    def add(self, write: Write, writer: str) -> None:
        """Note a write, and which process it came from."""
        self.now += 1
        item = write.new or write.old or {}
        known_item = (self.names[write.table], key_text(item))
        self._versions.setdefault(known_item, []).append((self.now, write.new))
        self.writers.append((writer, write))

    def versions(self, table: str, key: str, during: Moments) -> Iterator[tuple[int, Item | None]]:
        """Return each version of an item that there was in these moments, and since when."""
        known = self._versions.get((table, key), [])
        index = bisect_right(known, during.first, key=lambda version: version[0])
        yield (during.first, None) if index == 0 else (during.first, known[index - 1][1])
        for since, item in known[index:]:
            if since > during.last:
                return
            yield since, item

    def at(self, table: str, key: str, moment: int) -> Item | None:
        """Return an item as it was."""
        return next(self.versions(table, key, Moments(moment, moment)))[1]

    def by(self, writer: str, table: str) -> list[Write]:
        """Return what a process has written to a table."""
        return [write for name, write in self.writers if name == writer and self.names[write.table] == table]

    def of(self, table: str) -> list[Write]:
        """Return all writes to a table."""
        return [write for _, write in self.writers if self.names[write.table] == table]


def key_text(item: Item) -> str:
    """Write an item's key: its "pk" or "id" alone, "account_id" and "sk", or "pk" and "profile_id"."""
    if "sk" in item:
        return f"{item['account_id']['S']}|{item['sk']['S']}"
    if "account_id" not in item and "profile_id" in item and "sequence" in item:
        return f"{item['pk']['S']}|{item['profile_id']['S']}"
    return str(item["pk" if "pk" in item else "id"]["S"])


def segment_ids(item: Item | None) -> frozenset[int]:
    return frozenset(map(int, (item or {}).get("segment_ids", {}).get("NS", ())))


def changes(writes: Sequence[Write]) -> Counter[str]:
    """Count the memberships that writes to Memberships made and ended."""
    counted: Counter[str] = Counter()
    for write in writes:
        before, after = segment_ids(write.old), segment_ids(write.new)
        counted["added"] += len(after - before)
        counted["removed"] += len(before - after)
        counted["profiles_created"] += write.old is None
    return counted
