"""Put records that were given up before their function again, in the shape in which Lambda does."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from api_segments.aws.clients import INVOKE_SECONDS
from api_segments.aws.failures import CALL_FAILED
from api_segments.aws.keys import is_segment
from api_segments.core.clock import Deadline
from api_segments.core.errors import UnavailableError
from api_segments.http.observability import logger
from api_segments.http.streams import IS_REPLAY
from api_segments.repair.store_failed_records import FailedRecords, Received, RecordsGoneError

if TYPE_CHECKING:
    from types_boto3_lambda import LambdaClient


@dataclass(slots=True)
class ReplayReport:
    """Batches that were taken in, that failed again, and that the stream no longer holds; the last two stay queued.

    So do those that `remaining` counts, about: there was no time for them.
    """

    replayed: int = 0
    failed: int = 0
    gone: int = 0
    remaining: int = 0


def replay(failed_records: FailedRecords, functions: "LambdaClient", deadline: Deadline) -> ReplayReport:
    """Replay each batch of the queue once, for as long as there is time; give back those that stay in it."""
    report = ReplayReport()
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
                if _replay(message, failed_records, functions, report, last_begin):
                    del staying[message.message_id]
    finally:
        for message in staying.values():
            failed_records.give_back(message)
    # The count of the queue may be behind, so it is not believed to be less than what is known.
    tried_in_vain = report.failed + report.gone
    report.remaining = max(failed_records.size(), len(staying)) - tried_in_vain
    return report


def _replay(
    message: Received, failed_records: FailedRecords, functions: "LambdaClient", report: ReplayReport, until: Deadline
) -> bool:
    """Replay a batch and take it out of the queue; False if it stays there."""
    batch = message.batch
    if batch is None:
        logger.error("a message tells of no batch", message_id=message.message_id)
        report.failed += 1
        return False
    try:
        records = failed_records.records(batch, until)
        answer = functions.invoke(FunctionName=batch.function_arn, Payload=json.dumps(to_event(records)))
        payload = json.loads(answer["Payload"].read())
    except RecordsGoneError:
        logger.error("the stream no longer holds records that were given up", first=batch.first, last=batch.last)
        report.gone += 1
        return False
    except (UnavailableError, *CALL_FAILED) as exc:
        logger.warning("records could not be read or handed on", error=str(exc), first=batch.first, last=batch.last)
        report.failed += 1
        return False
    if "FunctionError" in answer or payload["batchItemFailures"]:
        logger.warning("records failed again", function=batch.function_arn, first=batch.first, last=batch.last)
        report.failed += 1
        return False
    failed_records.forget(message)
    report.replayed += 1
    return True


def to_event(records: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Write records as Lambda hands them to a function (template.yaml: of Segments, those of segments alone)."""
    return {"Records": [_to_raw(record) for record in records if _is_wanted(record)], IS_REPLAY: True}


def _is_wanted(record: Mapping[str, Any]) -> bool:
    sk = record["dynamodb"]["Keys"].get("sk")
    return sk is None or (is_segment(sk["S"]) and record["eventName"] != "REMOVE")


def _to_raw(record: Mapping[str, Any]) -> dict[str, Any]:
    written: datetime = record["dynamodb"]["ApproximateCreationDateTime"]
    change = {**record["dynamodb"], "ApproximateCreationDateTime": written.timestamp()}
    return {"eventID": record["eventID"], "eventName": record["eventName"], "dynamodb": change}
