"""Records of the streams of Memberships and of Segments in, partial batch failures out."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar

from segments.edge.observability import logger
from segments.model import MembershipRecord, SegmentRecord
from segments.stores.memberships import image_from_item
from segments.stores.segments import from_item as segment_from_item

T = TypeVar("T")

# DynamoDB Streams API reference, StreamRecord: a sequence number has at most 40 digits.
_SEQUENCE_DIGITS = 40


def read_membership_records(event: Mapping[str, Any]) -> tuple[list[MembershipRecord], set[str]]:
    """Read a batch of the stream of Memberships: the records, and the sequences of those that can't be read."""
    return _read(event, _to_membership_record)


def read_segment_records(event: Mapping[str, Any]) -> tuple[list[SegmentRecord], set[str]]:
    """Read a batch of the stream of Segments, as `read_membership_records` does."""
    return _read(event, _to_segment_record)


def _read(event: Mapping[str, Any], to_record: Callable[[Mapping[str, Any]], T]) -> tuple[list[T], set[str]]:
    records: list[T] = []
    unreadable: set[str] = set()
    for raw in event["Records"]:
        try:
            records.append(to_record(raw))
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


def _occurred_at(raw: Mapping[str, Any]) -> datetime:
    return datetime.fromtimestamp(float(raw["dynamodb"]["ApproximateCreationDateTime"]), UTC)


def _to_membership_record(raw: Mapping[str, Any]) -> MembershipRecord:
    change = raw["dynamodb"]
    item = change.get("NewImage") or change["OldImage"]
    return MembershipRecord(
        event_id=raw["eventID"],
        sequence=_sequence(raw),
        occurred_at=_occurred_at(raw),
        account_id=item["account_id"]["S"],
        profile_id=item["profile_id"]["S"],
        old=image_from_item(change.get("OldImage")),
        new=image_from_item(change.get("NewImage")),
    )


def _to_segment_record(raw: Mapping[str, Any]) -> SegmentRecord:
    old, new = raw["dynamodb"].get("OldImage"), raw["dynamodb"].get("NewImage")
    return SegmentRecord(
        event_id=raw["eventID"],
        sequence=_sequence(raw),
        occurred_at=_occurred_at(raw),
        old=segment_from_item(old) if old else None,
        new=segment_from_item(new) if new else None,
    )
