"""Records of DynamoDB's streams in, partial batch failures out.

A record that can't be read, or that meets a damaged item, would hold up all that follow it in its shard. It is passed
over: put, whole, into the queue of failed records, from where it can be replayed when the item is mended.
"""

from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, TypeVar

from aws_lambda_powertools.utilities.typing import LambdaContext

from api_segments.aws.task_queue import TaskQueue
from api_segments.core.clock import Deadline
from api_segments.core.errors import DamagedItemError, UnavailableError
from api_segments.http.observability import count, logger

T = TypeVar("T")

IS_REPLAY = "isReplay"
"""What an event has if it is no delivery of a stream, but a replay by hand."""
HAS_UNREADABLE = "hasUnreadable"
"""What the answer to a replay has: whether it has a record that can't be read, however often it is tried."""

# DynamoDB Streams API reference, StreamRecord: a sequence number has at most 40 digits.
_SEQUENCE_DIGITS = 40


@dataclass(frozen=True, slots=True)
class Unfinished:
    """The sequences of records that failed and come again, and of those that are passed over.

    The latter can't be read themselves, or met an item that is damaged now.
    """

    failed: Set[str]
    unreadable: Set[str]
    met_damage: Set[str] = frozenset()


def read_records(event: Mapping[str, Any], to_record: Callable[[Mapping[str, Any]], T]) -> tuple[list[T], set[str]]:
    """Read a batch: its records, and the sequences of those that `to_record` can't read."""
    records: list[T] = []
    unreadable: set[str] = set()
    for raw in event["Records"]:
        try:
            records.append(to_record(raw))
        except (KeyError, TypeError, ValueError, DamagedItemError):
            logger.exception("a stream record can't be read", sequence=raw["dynamodb"]["SequenceNumber"])
            unreadable.add(sequence_of(raw))
    return records, unreadable


def end_batch(
    event: Mapping[str, Any],
    unfinished: Unfinished,
    queue: Callable[[], TaskQueue],
    context: LambdaContext,
    deadline: Deadline,
) -> dict[str, Any]:
    """Pass records over, and answer with the first failed one (ReportBatchItemFailures).

    Lambda delivers again from that one on, so only what comes before it is passed over. What is replayed has been
    passed over before: it fails, and a record that can't be read is told as such.
    """
    if event.get(IS_REPLAY):
        answer = partial_failure(event, unfinished.failed | unfinished.met_damage)
        return {**answer, HAS_UNREADABLE: bool(unfinished.unreadable)}
    failed = set(unfinished.failed)
    skipped = unfinished.unreadable | unfinished.met_damage
    passed_over: list[Mapping[str, Any]] = []
    for raw in event["Records"] if skipped else ():
        if sequence_of(raw) in failed:
            break
        if sequence_of(raw) in skipped:
            passed_over.append(raw)
    if passed_over:
        try:
            queue().put_all([to_message(raw, context.invoked_function_arn) for raw in passed_over], deadline)
        except UnavailableError:
            failed.update(map(sequence_of, passed_over))
            passed_over = []
    count(FailedRecords=len(failed), RecordsPassedOver=len(passed_over))
    return partial_failure(event, failed)


def to_message(raw: Mapping[str, Any], function_arn: str) -> dict[str, object]:
    """Write a message of a record that is passed over; it names the function as Lambda does in those that it writes."""
    return {"requestContext": {"functionArn": function_arn}, "records": [raw]}


def partial_failure(event: Mapping[str, Any], failed: Set[str]) -> dict[str, Any]:
    """Answer with the first failed record; Lambda delivers again from there (ReportBatchItemFailures)."""
    for raw in event["Records"] if failed else ():
        if sequence_of(raw) in failed:
            return {"batchItemFailures": [{"itemIdentifier": raw["dynamodb"]["SequenceNumber"]}]}
    return {"batchItemFailures": []}


def sequence_of(raw: Mapping[str, Any]) -> str:
    """Return a record's sequence number, zero-padded so that text sorts in order."""
    return str(raw["dynamodb"]["SequenceNumber"]).zfill(_SEQUENCE_DIGITS)


def occurred_at(raw: Mapping[str, Any]) -> datetime:
    """Return when a record was written."""
    return _moment(raw["dynamodb"]["ApproximateCreationDateTime"])


@lru_cache
def _moment(seconds: float) -> datetime:
    """Return the time that so many seconds are; records of a batch share a few, as the stream knows whole seconds."""
    return datetime.fromtimestamp(float(seconds), UTC)
