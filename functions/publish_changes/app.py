"""Stream of Memberships to events on the bus."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from api_segments.aws.wiring import failed_records_queue
from api_segments.http.gateway import deadline_of
from api_segments.http.observability import count, logger, metrics
from api_segments.http.streams import Unfinished, end_batch
from api_segments.memberships import wiring
from api_segments.memberships.records import read_changes


@metrics.log_metrics
@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Publish the changes of a batch; what could not be published is delivered again."""
    count(Records=len(event["Records"]))
    deadline = deadline_of(context)
    records, unreadable = read_changes(event)
    report = wiring.publishing().publish(records, deadline)
    count(EventsPublished=report.published)
    unfinished = Unfinished(report.failed, unreadable, report.met_damage)
    return end_batch(event, unfinished, failed_records_queue, context, deadline)
