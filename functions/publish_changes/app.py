"""Stream of Memberships to events on the bus."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from segments.edge import wiring
from segments.edge.http import deadline_of
from segments.edge.observability import count, logger, metrics
from segments.edge.streams import partial_failure, read_membership_records


@metrics.log_metrics
@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Publish the changes of a batch; what could not be published is delivered again."""
    count(Records=len(event["Records"]))
    records, unreadable = read_membership_records(event)
    report = wiring.publishing().publish_changes(records, deadline_of(context))
    count(EventsPublished=report.published, FailedRecords=len(report.failed | unreadable))
    return partial_failure(event, report.failed | unreadable)
