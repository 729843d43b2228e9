"""Stream of Segments to events on the bus: created, renamed, deleted."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from api_segments.aws.wiring import failed_records_queue
from api_segments.http.gateway import deadline_of
from api_segments.http.observability import count, logger, metrics
from api_segments.http.streams import Unfinished, end_batch
from api_segments.segments import wiring
from api_segments.segments.records import read_segment_events


@metrics.log_metrics
@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Publish what happened to segments; what could not be published is delivered again."""
    count(Records=len(event["Records"]))
    deadline = deadline_of(context)
    told, unreadable = read_segment_events(event)
    report = wiring.publishing().publish(told, deadline)
    count(SegmentEventsPublished=report.published)
    return end_batch(event, Unfinished(report.failed, unreadable), failed_records_queue, context, deadline)
