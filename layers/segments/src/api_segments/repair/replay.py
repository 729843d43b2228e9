"""Put records that were given up before their function again, in the shape in which Lambda does."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from api_segments.aws.clients import INVOKE_SECONDS
from api_segments.aws.failures import CALL_FAILED
from api_segments.aws.keys import is_segment
from api_segments.core.clock import Deadline
from api_segments.core.errors import UnavailableError
from api_segments.http.observability import logger
from api_segments.http.streams import HAS_UNREADABLE, IS_REPLAY
from api_segments.repair.store_failed_records import FailedRecords, GivenUp, PassedOver, Received, RecordsGoneError

if TYPE_CHECKING:
    from types_boto3_lambda import LambdaClient


class Outcome(StrEnum):
    """What became of a message of the queue.

    A batch that was REPLAYED has left it. So has one whose records are GONE from their stream, one with a record that
    is UNREADABLE, and a FOREIGN message, which Lambda did not write: they were set aside. A batch that FAILED again
    stays.
    """

    REPLAYED = "replayed"
    FAILED = "failed"
    GONE = "gone"
    UNREADABLE = "unreadable"
    FOREIGN = "foreign"


@dataclass(frozen=True, slots=True)
class ReplayReport:
    """How many messages came to which outcome; for about `remaining` there was no time, so they stay as well."""

    replayed: int
    failed: int
    gone: int
    unreadable: int
    foreign: int
    remaining: int


def replay(failed_records: FailedRecords, functions: "LambdaClient", deadline: Deadline) -> ReplayReport:
    """Replay each batch of the queue once, while there is time; set aside what can't be, and give back the rest."""
    outcomes: Counter[Outcome] = Counter()
    staying: dict[str, Received] = {}
    seen: set[str] = set()
    last_begin = Deadline(deadline.at - INVOKE_SECONDS, deadline.clock)
    try:
        while not last_begin.is_over():
            messages = [message for message in failed_records.receive() if message.message_id not in seen]
            if not messages:  # none, or others are being looked at by another run
                break
            staying.update({message.message_id: message for message in messages})
            seen.update(staying)
            for message in messages:
                if last_begin.is_over():
                    break
                outcome = _settle(message, failed_records, functions, last_begin)
                outcomes[outcome] += 1
                if outcome is not Outcome.FAILED:
                    del staying[message.message_id]
    finally:
        for message in staying.values():
            failed_records.give_back(message)
    # The count of the queue may be behind, so it is not believed to be less than what is known.
    remaining = max(failed_records.size(), len(staying)) - outcomes[Outcome.FAILED]
    return ReplayReport(**{outcome: outcomes[outcome] for outcome in Outcome}, remaining=remaining)


def _settle(message: Received, failed_records: FailedRecords, functions: "LambdaClient", until: Deadline) -> Outcome:
    """Replay a batch, and take its message out of the queue unless it failed."""
    outcome = _replay(message.batch, failed_records, functions, until)
    try:
        if outcome is Outcome.REPLAYED:
            failed_records.forget(message)
        elif outcome is not Outcome.FAILED:
            logger.error("a message was set aside", outcome=outcome, set_aside_as=failed_records.set_aside(message))
    except CALL_FAILED as exc:
        logger.warning("a message could not be taken out of the queue", outcome=outcome, error=str(exc))
        return Outcome.FAILED
    return outcome


def _replay(
    batch: GivenUp | PassedOver | None, failed_records: FailedRecords, functions: "LambdaClient", until: Deadline
) -> Outcome:
    if batch is None:
        return Outcome.FOREIGN
    try:
        records = failed_records.records(batch, until)
        answer = functions.invoke(FunctionName=batch.function_arn, Payload=json.dumps(to_event(records)))
        payload: object = json.loads(answer["Payload"].read())
    except RecordsGoneError:
        return Outcome.GONE
    except (UnavailableError, RecursionError, *CALL_FAILED) as exc:  # JSON may be read that is too deep to be written
        logger.warning("records could not be read or handed on", error=str(exc), first=batch.first, last=batch.last)
        return Outcome.FAILED
    # Another function than a reader of streams answers something else.
    if "FunctionError" in answer or not isinstance(payload, dict) or payload.get("batchItemFailures") != []:
        logger.warning("records failed again", function=batch.function_arn, first=batch.first, last=batch.last)
        return Outcome.FAILED
    return Outcome.UNREADABLE if payload.get(HAS_UNREADABLE) else Outcome.REPLAYED


def to_event(records: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Write records as Lambda hands them to a function (template.yaml: of Segments, those of segments alone)."""
    return {"Records": [_to_raw(record) for record in records if _is_wanted(record)], IS_REPLAY: True}


def _is_wanted(record: Mapping[str, Any]) -> bool:
    sk = record["dynamodb"]["Keys"].get("sk")
    return sk is None or (is_segment(sk["S"]) and record["eventName"] != "REMOVE")


def _to_raw(record: Mapping[str, Any]) -> dict[str, Any]:
    written: datetime | float = record["dynamodb"]["ApproximateCreationDateTime"]
    seconds = written.timestamp() if isinstance(written, datetime) else written
    change = {**record["dynamodb"], "ApproximateCreationDateTime": seconds}
    return {"eventID": record["eventID"], "eventName": record["eventName"], "dynamodb": change}
