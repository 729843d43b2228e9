"""Records of the stream of Memberships."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from api_segments.aws.dynamodb import Item
from api_segments.aws.items import Attributes
from api_segments.core.clock import SYSTEM_CLOCK
from api_segments.http.streams import occurred_at, read_records, sequence_of
from api_segments.memberships.model import MembershipImage, MembershipRecord
from api_segments.memberships.store import changes_from_item, image_from_item


def read_membership_records(event: Mapping[str, Any]) -> tuple[list[MembershipRecord], set[str]]:
    """Read a batch of the stream of Memberships: the records, and the sequences of those that can't be read."""
    return read_records(event, lambda raw: _to_record(raw, image_from_item))


def read_changes(event: Mapping[str, Any]) -> tuple[list[MembershipRecord], set[str]]:
    """Read a batch as `read_membership_records` does, but without the reach."""
    return read_records(event, lambda raw: _to_record(raw, changes_from_item))


def lag_seconds(records: Sequence[MembershipRecord]) -> float:
    """Return how long ago the oldest record was written."""
    oldest = min((record.occurred_at for record in records), default=None)
    return 0.0 if oldest is None else max(0.0, (SYSTEM_CLOCK.now() - oldest).total_seconds())


def _to_record(raw: Mapping[str, Any], image: Callable[[Item | None], MembershipImage]) -> MembershipRecord:
    change = raw["dynamodb"]
    item = Attributes("user's memberships", change.get("NewImage") or change["OldImage"])
    return MembershipRecord(
        event_id=raw["eventID"],
        sequence=sequence_of(raw),
        occurred_at=occurred_at(raw),
        account_id=item.text("account_id"),
        profile_id=item.text("profile_id"),
        old=image(change.get("OldImage")),
        new=image(change.get("NewImage")),
    )
