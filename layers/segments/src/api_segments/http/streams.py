"""Records of DynamoDB's streams in, partial batch failures out."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, TypeVar

from api_segments.http.observability import logger

T = TypeVar("T")

# DynamoDB Streams API reference, StreamRecord: a sequence number has at most 40 digits.
_SEQUENCE_DIGITS = 40


def read_records(event: Mapping[str, Any], to_record: Callable[[Mapping[str, Any]], T]) -> tuple[list[T], set[str]]:
    """Read a batch: its records, and the sequences of those that `to_record` can't read."""
    records: list[T] = []
    unreadable: set[str] = set()
    for raw in event["Records"]:
        try:
            records.append(to_record(raw))
        except (KeyError, TypeError, ValueError):
            logger.exception("a stream record can't be read", sequence=raw["dynamodb"]["SequenceNumber"])
            unreadable.add(sequence_of(raw))
    return records, unreadable


def partial_failure(event: Mapping[str, Any], failed: set[str] | frozenset[str]) -> dict[str, Any]:
    """Answer with the first failed record; Lambda delivers again from there (ReportBatchItemFailures)."""
    for raw in event["Records"]:
        if sequence_of(raw) in failed:
            return {"batchItemFailures": [{"itemIdentifier": raw["dynamodb"]["SequenceNumber"]}]}
    return {"batchItemFailures": []}


def sequence_of(raw: Mapping[str, Any]) -> str:
    """Return a record's sequence number, zero-padded so that text sorts in order."""
    return str(raw["dynamodb"]["SequenceNumber"]).zfill(_SEQUENCE_DIGITS)


def occurred_at(raw: Mapping[str, Any]) -> datetime:
    """Return when a record was written."""
    return datetime.fromtimestamp(float(raw["dynamodb"]["ApproximateCreationDateTime"]), UTC)
