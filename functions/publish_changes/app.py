"""Stream of Memberships to events on the bus."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from api_segments.http.gateway import deadline_of
from api_segments.http.observability import count, logger, metrics
from api_segments.http.streams import partial_failure
from api_segments.memberships import wiring
from api_segments.memberships.records import read_membership_records


@metrics.log_metrics
@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Publish the changes of a batch; what could not be published is delivered again."""
    count(Records=len(event["Records"]))
    records, unreadable = read_membership_records(event)
    report = wiring.publishing().publish(records, deadline_of(context))
    count(EventsPublished=report.published, FailedRecords=len(report.failed | unreadable))
    return partial_failure(event, report.failed | unreadable)
