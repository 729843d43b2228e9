"""What came of the demo: the API's answers and the events that left the bus, beside the demo's own books."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rich import box
from rich.table import Table

from local.audience import SEGMENTS, Shop
from local.uploads import CHANNELS

SHOWN = 5
TOTALS = ("uploaded", "added", "removed", "unchanged", "profiles_created", "unprocessed")
COUNTS = ("members", *CHANNELS)

Change = tuple[str, str, str]
Counts = Mapping[str, int]
"""Of one segment: members, and reachable by channel."""


class Seen:
    """The events that left the bus for one account, counted."""

    def __init__(self, account_id: str) -> None:
        self._account_id = account_id
        self._ids: set[str] = set()
        self.changes: Counter[Change] = Counter()
        self.duplicates = 0

    def __len__(self) -> int:
        return len(self._ids)

    def take(self, detail: Any) -> None:  # noqa: ANN401 - an event's detail is JSON
        """Count one `Segment Membership Change`."""
        if detail["Account ID"] != self._account_id:
            return
        if detail["Event ID"] in self._ids:
            self.duplicates += 1
            return
        self._ids.add(detail["Event ID"])
        self.changes[detail["Action"], detail["Customer_Segment_ID"], detail["Identity"]] += 1


@dataclass(frozen=True)
class Outcome:
    """What the API answered (sums over the answers, counts by segment, data points), the events, and the books."""

    answered: Counter[str]
    segments: Mapping[str, Counts]
    data_points: int
    seen: Seen
    shop: Shop

    def differences(self) -> list[str]:
        """Return a line for each thing that is not as it should be."""
        lines = [
            f"{name}: the API answered {self.answered[name]:,}, expected {self.shop.totals[name]:,}"
            for name in (*TOTALS, "processed")
            if self.answered[name] != self.shop.totals[name]
        ]
        missing, unexpected = self.shop.changes - self.seen.changes, self.seen.changes - self.shop.changes
        for what, changes in (("missing", missing), ("unexpected", unexpected)):
            if changes:
                some = ", ".join(" ".join(map(str, change)) for change in list(changes)[:SHOWN])
                lines.append(f"{changes.total():,} events {what}: {some}{' …' if len(changes) > SHOWN else ''}")
        for segment, counts in self.segments.items():
            expected = self.shop.counts(segment)
            lines += [
                f"segment {segment}: {counts[name]:,} {_words(name)}, expected {expected[name]:,}"
                for name in COUNTS
                if counts[name] != expected[name]
            ]
        if self.data_points != self.shop.changes.total():
            lines.append(f"{self.data_points:,} data points, expected {self.shop.changes.total():,}")
        return lines

    def totals_table(self) -> Table:
        """Return what the API answered beside what was expected and what left the bus."""
        table = Table(title="What the API answered, and what left the bus", title_justify="left")
        for heading in ("", "answered", "expected", "events"):
            table.add_column(heading, justify="left" if not heading else "right")
        actions: Counter[str] = Counter()
        for (action, _, _), count in self.seen.changes.items():
            actions[action] += count
        events = {"added": f"{actions['ADD']:,} ADD", "removed": f"{actions['REMOVE']:,} REMOVE"}
        for name in TOTALS:
            answered, expected = self.answered[name], self.shop.totals[name]
            table.add_row(_words(name), f"{answered:,}", f"{expected:,}", events.get(name, ""))
        table.add_row("delivered more than once", "", "", f"{self.seen.duplicates:,}")
        expected = self.shop.changes.total()
        table.add_row("data points", f"{self.data_points:,}", f"{expected:,}", f"{len(self.seen):,} in all")
        return table

    def segments_table(self) -> Table:
        """Return the counts of each segment as the API tells them, each above what was expected."""
        title = "Members of each segment, and how many of them each channel reaches"
        table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, show_edge=False, padding=0)
        table.add_column("segment", max_width=18)
        table.add_column("")
        for name in COUNTS:
            table.add_column(_words(name), justify="right", max_width=8)
        table.add_column("agree")
        names = {segment.customer_segment_id: segment.name for segment in SEGMENTS}
        for segment, counts in self.segments.items():
            expected = self.shop.counts(segment)
            table.add_row(
                names[segment],
                "answered\nexpected",
                *(f"{counts[name]:,}\n{expected[name]:,}" for name in COUNTS),
                "yes" if counts == expected else "[red]NO[/]",
            )
        return table


def _words(name: str) -> str:
    return name.replace("_", " ")
