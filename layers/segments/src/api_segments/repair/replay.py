"""Put records that were given up before their function again, in the shape in which Lambda does."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from api_segments.aws.keys import is_segment
from api_segments.core.clock import Deadline
from api_segments.core.errors import UnavailableError
from api_segments.http.observability import logger
from api_segments.repair.store_failed_records import FailedRecords, GivenUp, RecordsGoneError

if TYPE_CHECKING:
    from types_boto3_lambda import LambdaClient


@dataclass(slots=True)
class ReplayReport:
    """Batches that were taken in, that failed again, and that the stream no longer holds; the last two stay queued."""

    replayed: int = 0
    failed: int = 0
    gone: int = 0


def replay(failed_records: FailedRecords, functions: "LambdaClient", deadline: Deadline) -> ReplayReport:
    """Replay each batch of the queue once, for as long as there is time; give back those that stay in it."""
    report = ReplayReport()
    staying: dict[str, GivenUp] = {}
    seen: set[str] = set()
    try:
        while not deadline.is_over():
            batches = [batch for batch in failed_records.receive() if batch.message_id not in seen]
            if not batches:
                break
            staying.update({batch.message_id: batch for batch in batches})
            seen.update(staying)
            for batch in batches:
                if not deadline.is_over() and _replay(batch, failed_records, functions, report, deadline):
                    del staying[batch.message_id]
    finally:
        for batch in staying.values():
            failed_records.give_back(batch)
    return report


def _replay(
    batch: GivenUp, failed_records: FailedRecords, functions: "LambdaClient", report: ReplayReport, deadline: Deadline
) -> bool:
    """Replay a batch and take it out of the queue; False if it stays there."""
    try:
        records = failed_records.records(batch, deadline)
    except RecordsGoneError:
        logger.error("the stream no longer holds records that were given up", first=batch.first, last=batch.last)
        report.gone += 1
        return False
    except UnavailableError as exc:
        logger.warning("records could not be read", error=str(exc), first=batch.first, last=batch.last)
        report.failed += 1
        return False
    answer = functions.invoke(FunctionName=batch.function_arn, Payload=json.dumps(to_event(records)))
    payload = json.loads(answer["Payload"].read())
    if "FunctionError" in answer or payload["batchItemFailures"]:
        logger.warning("records failed again", function=batch.function_arn, first=batch.first, last=batch.last)
        report.failed += 1
        return False
    failed_records.forget(batch)
    report.replayed += 1
    return True


def to_event(records: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Write records as Lambda hands them to a function (template.yaml: of Segments, those of segments alone)."""
    return {"Records": [_to_raw(record) for record in records if _is_wanted(record)]}


def _is_wanted(record: Mapping[str, Any]) -> bool:
    sk = record["dynamodb"]["Keys"].get("sk")
    return sk is None or (is_segment(sk["S"]) and record["eventName"] != "REMOVE")


def _to_raw(record: Mapping[str, Any]) -> dict[str, Any]:
    written: datetime = record["dynamodb"]["ApproximateCreationDateTime"]
    change = {**record["dynamodb"], "ApproximateCreationDateTime": written.timestamp()}
    return {"eventID": record["eventID"], "eventName": record["eventName"], "dynamodb": change}
