"""A campaign that is to start, or to go on, to its messages."""

import json
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from api_segments.campaigns import wiring
from api_segments.http.gateway import deadline_of
from api_segments.http.observability import count, logger, metrics


@metrics.log_metrics
@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: LambdaContext) -> None:
    """Take a campaign further for as long as this invocation lasts, and see to it that it goes on."""
    for message in event["Records"]:  # one (template.yaml, BatchSize)
        task = json.loads(message["body"])
        account_id, campaign_id = task["account_id"], task["campaign_id"]
        logger.append_keys(account_id=account_id, campaign_id=campaign_id)
        deadline = deadline_of(context)
        report = wiring.campaign_runs().run(account_id, campaign_id, deadline)
        count(MessagesQueued=report.queued, CampaignsFinished=int(report.is_finished))
        if report.goes_on_in is not None:
            wiring.campaign_queue().put_off(task, report.goes_on_in, deadline)
