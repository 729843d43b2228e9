"""Records of the Memberships stream in, partial batch failures out."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from segments.edge.observability import logger
from segments.model import MembershipRecord
from segments.stores.memberships import image_from_item

# DynamoDB Streams API reference, StreamRecord: a sequence number has at most 40 digits.
_SEQUENCE_DIGITS = 40


def read_records(event: Mapping[str, Any]) -> tuple[list[MembershipRecord], set[str]]:
    """Read a batch: the records, and the sequences of those that can't be read."""
    records: list[MembershipRecord] = []
    unreadable: set[str] = set()
    for raw in event["Records"]:
        try:
            records.append(_to_record(raw))
        except (KeyError, TypeError, ValueError):
            logger.exception("a stream record can't be read", sequence=raw["dynamodb"]["SequenceNumber"])
            unreadable.add(_sequence(raw))
    return records, unreadable


def partial_failure(event: Mapping[str, Any], failed: set[str] | frozenset[str]) -> dict[str, Any]:
    """Answer with the first failed record; Lambda delivers again from there (ReportBatchItemFailures)."""
    for raw in event["Records"]:
        if _sequence(raw) in failed:
            return {"batchItemFailures": [{"itemIdentifier": raw["dynamodb"]["SequenceNumber"]}]}
    return {"batchItemFailures": []}


def lag_seconds(records: Sequence[MembershipRecord]) -> float:
    """Return how long ago the oldest record was written."""
    oldest = min((record.occurred_at for record in records), default=None)
    return 0.0 if oldest is None else max(0.0, (datetime.now(UTC) - oldest).total_seconds())


def _sequence(raw: Mapping[str, Any]) -> str:
    return str(raw["dynamodb"]["SequenceNumber"]).zfill(_SEQUENCE_DIGITS)


def _to_record(raw: Mapping[str, Any]) -> MembershipRecord:
    change = raw["dynamodb"]
    item = change.get("NewImage") or change["OldImage"]
    return MembershipRecord(
        event_id=raw["eventID"],
        sequence=_sequence(raw),
        occurred_at=datetime.fromtimestamp(float(change["ApproximateCreationDateTime"]), UTC),
        account_id=item["account_id"]["S"],
        profile_id=item["profile_id"]["S"],
        old=image_from_item(change.get("OldImage")),
        new=image_from_item(change.get("NewImage")),
    )
