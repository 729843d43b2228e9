"""Stream of Memberships to the members of each segment, counts and data points."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from api_segments.aws.wiring import failed_records_queue
from api_segments.http.gateway import deadline_of
from api_segments.http.observability import count, logger, measure_seconds, metrics
from api_segments.http.streams import Unfinished, end_batch
from api_segments.memberships import wiring
from api_segments.memberships.records import lag_seconds, read_membership_records


@metrics.log_metrics
@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Project the changes of a batch; what could not be projected is delivered again."""
    count(Records=len(event["Records"]))
    deadline = deadline_of(context)
    records, unreadable = read_membership_records(event)
    try:
        report = wiring.projection().project(records, deadline)
    finally:
        if records:
            wiring.lag_notes().note(lag_seconds(records), deadline)
    count(RowsProjected=report.written)
    measure_seconds("ProjectionLag", lag_seconds(records))
    unfinished = Unfinished(report.failed, unreadable, report.met_damage)
    return end_batch(event, unfinished, failed_records_queue, context, deadline)
