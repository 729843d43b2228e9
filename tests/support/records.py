"""Builds records of the Memberships stream, as Lambda hands them over."""

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

from tests.support.events import Event


@dataclass(frozen=True)
class Profile:
    """A Memberships item at one moment."""

    account_id: str
    profile_id: str
    identity: str | None = None
    segment_ids: frozenset[int] = frozenset()
    reach: frozenset[str] = frozenset()

    def image(self) -> dict[str, Any]:
        image: dict[str, Any] = {
            "pk": {"S": f"{self.account_id}#{self.profile_id}"},
            "account_id": {"S": self.account_id},
            "profile_id": {"S": self.profile_id},
        }
        if self.identity is not None:
            image["identity"] = {"S": self.identity}
        if self.segment_ids:
            image["segment_ids"] = {"NS": [str(segment_id) for segment_id in sorted(self.segment_ids)]}
        if self.reach:
            image["reach"] = {"SS": sorted(self.reach)}
        return image


@dataclass
class Stream:
    """One shard that grows; sequence numbers have different lengths, as DynamoDB's may."""

    records: list[Event] = field(default_factory=list)
    first_sequence: int = 98

    def append(self, old: Profile | None, new: Profile | None, at: int) -> None:
        """Write the record of a change from `old` to `new` (None: no item) at a second since 1970."""
        known = new or old
        assert known is not None
        sequence = str(self.first_sequence + len(self.records))
        change: Event = {
            "ApproximateCreationDateTime": at,
            "Keys": {"pk": {"S": f"{known.account_id}#{known.profile_id}"}},
            "SequenceNumber": sequence,
            "StreamViewType": "NEW_AND_OLD_IMAGES",
        }
        if old is not None:
            change["OldImage"] = old.image()
        if new is not None:
            change["NewImage"] = new.image()
        name = "INSERT" if old is None else "REMOVE" if new is None else "MODIFY"
        self.records.append({"eventID": f"event-{sequence}", "eventName": name, "dynamodb": change})


def sequences(records: Collection[Event]) -> list[str]:
    return [record["dynamodb"]["SequenceNumber"] for record in records]
