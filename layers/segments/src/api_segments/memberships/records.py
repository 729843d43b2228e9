"""Records of the stream of Memberships."""

from collections.abc import Mapping, Sequence
from typing import Any

from api_segments.core.clock import SYSTEM_CLOCK
from api_segments.http.streams import occurred_at, read_records, sequence_of
from api_segments.memberships.model import MembershipRecord
from api_segments.memberships.store import image_from_item


def read_membership_records(event: Mapping[str, Any]) -> tuple[list[MembershipRecord], set[str]]:
    """Read a batch of the stream of Memberships: the records, and the sequences of those that can't be read."""
    return read_records(event, _to_membership_record)


def lag_seconds(records: Sequence[MembershipRecord]) -> float:
    """Return how long ago the oldest record was written."""
    oldest = min((record.occurred_at for record in records), default=None)
    return 0.0 if oldest is None else max(0.0, (SYSTEM_CLOCK.now() - oldest).total_seconds())


def _to_membership_record(raw: Mapping[str, Any]) -> MembershipRecord:
    change = raw["dynamodb"]
    item = change.get("NewImage") or change["OldImage"]
    return MembershipRecord(
        event_id=raw["eventID"],
        sequence=sequence_of(raw),
        occurred_at=occurred_at(raw),
        account_id=item["account_id"]["S"],
        profile_id=item["profile_id"]["S"],
        old=image_from_item(change.get("OldImage")),
        new=image_from_item(change.get("NewImage")),
    )
