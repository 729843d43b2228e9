"""Membership changes to the messages of online campaigns."""

import json
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from api_segments.campaigns import wiring
from api_segments.campaigns.running.triggers import Change
from api_segments.http.gateway import deadline_of
from api_segments.http.observability import count, logger, metrics


@metrics.log_metrics
@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Queue the messages of the campaigns that act on these changes; what could not be read or written comes again."""
    count(Changes=len(event["Records"]))
    changes: dict[str, Change] = {}
    failed: set[str] = set()
    for record in event["Records"]:
        try:
            changes[record["messageId"]] = Change.from_detail(json.loads(record["body"])["detail"])
        except (LookupError, TypeError, ValueError) as error:  # its message may quote what was told
            logger.error("not a change of membership", error=type(error).__name__)
            failed.add(record["messageId"])
    message_ids = list(changes)
    report = wiring.campaign_triggers().trigger(list(changes.values()), deadline_of(context))
    failed.update(message_ids[index] for index in report.failed)
    count(MessagesQueued=report.queued, FailedChanges=len(failed))
    return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in sorted(failed)]}
