"""Messages of campaigns, each to its channel."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from api_segments.campaigns import wiring
from api_segments.campaigns.sending.messages import partial_failure, read_messages
from api_segments.http.gateway import deadline_of
from api_segments.http.observability import count, logger, metrics


@metrics.log_metrics
@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Send a batch of messages; what has not come to its end is delivered again."""
    messages, unreadable = read_messages(event)
    with wiring.provider_connections().in_use():
        report = wiring.sending().send(messages, deadline_of(context))
    again = report.again | unreadable
    count(Messages=len(event["Records"]), MessagesWaiting=len(again))
    logger.info("sent", outcomes=dict(report.outcomes))
    return partial_failure(again)
