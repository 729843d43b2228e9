"""What the demo does to whom: its segments, its rounds of updates, and what should come of them and of its uploads."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from api_segments_client import Change
from local.customers import TODAY, Customer
from local.uploads import CHANNELS, Reach, Record, records_of, second_thoughts

TIER_UP = {"Bronze": "Silver", "Silver": "Gold", "Gold": "Platinum"}
READERS = "NEWS-DE"


@dataclass(frozen=True)
class Segment:
    """A segment of the demo: its name, its id in the shop, and which customers belong to it at first."""

    name: str
    customer_segment_id: str
    takes: Callable[[Customer], bool]


SEGMENTS = (
    *(
        Segment(f"{tier} tier", f"TIER-{tier.upper()}", lambda customer, tier=tier: customer.tier == tier)  # type: ignore[misc] # a default argument binds the tier
        for tier in ("Bronze", "Silver", "Gold", "Platinum")
    ),
    Segment("Lapsed buyers", "LAPSED-180", lambda customer: TODAY - customer.last_order > timedelta(days=180)),
    Segment("Big spenders", "SPENT-750", lambda customer: customer.lifetime_value >= 750),  # noqa: PLR2004 - the segment's own limit
    Segment(
        "Newsletter readers in Germany", READERS, lambda customer: customer.newsletter and customer.country == "DE"
    ),
)


@dataclass
class Shop:
    """What the API should hold, by the demo's own bookkeeping."""

    segments_of: dict[str, set[str]] = field(default_factory=dict)
    reach_of: dict[str, Reach] = field(default_factory=dict)
    totals: Counter[str] = field(default_factory=Counter)
    changes: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    """How often each (action, customer_segment_id, identity) should have become an event."""

    def apply(self, updates: Iterable[Change]) -> None:
        """Do to the books what the API is asked to do."""
        for update in updates:
            if update.user not in self.segments_of and update.user not in self.reach_of:
                self.totals["profiles_created"] += 1
            now = self.segments_of.setdefault(update.user, set())
            added, removed = set(map(str, update.add)) - now, now.intersection(map(str, update.remove))
            now |= added
            now -= removed
            self.changes.update(("ADD", segment, update.user) for segment in added)
            self.changes.update(("REMOVE", segment, update.user) for segment in removed)
            self.totals["added"] += len(added)
            self.totals["removed"] += len(removed)
            self.totals["unchanged"] += update.pairs - len(added) - len(removed)
            self.totals["processed"] += update.pairs

    def upload(self, records: Iterable[Record]) -> None:
        """Do to the books what the API is asked to do by POST /1/upload."""
        for record in records:
            self.reach_of.setdefault(record["identity"], Reach()).take(record)
            self.totals["uploaded"] += 1

    def counts(self, segment: str) -> dict[str, int]:
        """Return how many users should be in the segment now, and how many of them each channel should reach."""
        members = [identity for identity, segments in self.segments_of.items() if segment in segments]
        reaches = [self.reach_of[identity] for identity in members if identity in self.reach_of]
        return {"members": len(members), **{channel: sum(r.by(channel) for r in reaches) for channel in CHANNELS}}


def joining(customers: Iterable[Customer]) -> list[Change]:
    """Return the first round: everyone into the segments that take them."""
    updates = (
        Change(customer.customer_id, frozenset(s.customer_segment_id for s in SEGMENTS if s.takes(customer)))
        for customer in customers
    )
    return [update for update in updates if update.add]


def moving(customers: Sequence[Customer]) -> list[Change]:
    """Return the second round: every tenth customer goes up a tier, every fourth German reader unsubscribes."""
    updates = []
    for number, customer in enumerate(customers):
        adds, removes = set(), set()
        if number % 10 == 0 and customer.tier in TIER_UP:
            removes.add(f"TIER-{customer.tier.upper()}")
            adds.add(f"TIER-{TIER_UP[customer.tier].upper()}")
        if number % 4 == 0 and customer.newsletter and customer.country == "DE":
            removes.add(READERS)
        if adds or removes:
            updates.append(Change(customer.customer_id, frozenset(adds), frozenset(removes)))
    return updates


def played(customers: Sequence[Customer]) -> Shop:
    """Return the books as they stand after the main job, whatever the order of its rounds."""
    shop = Shop()
    shop.upload(records_of(customers))
    shop.apply(joining(customers))
    shop.apply(moving(customers))
    shop.upload(second_thoughts(customers))
    return shop
