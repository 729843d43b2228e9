"""`Segment Deleted` to a segment without members. What is done again, and when it is given up: memberships.purging."""

import json
from dataclasses import asdict
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from api_segments.http.gateway import deadline_of
from api_segments.http.observability import count, logger, metrics
from api_segments.memberships import wiring
from api_segments.memberships.purging import PurgePass


@metrics.log_metrics
@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: LambdaContext) -> None:
    """Take a deleted segment's members away for as long as this invocation lasts, and see to it that it goes on."""
    for message in event["Records"]:  # one (template.yaml, BatchSize)
        task = json.loads(message["body"])
        began = task.get("pass")
        _purge(task["detail"], PurgePass(**began) if began else None, context)


def _purge(detail: dict[str, Any], pass_: PurgePass | None, context: LambdaContext) -> None:
    account_id, segment_id = detail["Account ID"], detail["Segment ID"]
    logger.append_keys(account_id=account_id, segment_id=segment_id)
    deadline = deadline_of(context)
    report = wiring.purging().purge(account_id, segment_id, pass_, deadline)
    count(MembersPurged=report.removed, PurgesFinished=int(report.has_ended))
    if report.has_ended:
        logger.info("purged", members=report.in_all)
    if report.goes_on_in is not None:
        # In the shape of the event that began it, as far as that is read here.
        task = {
            "detail": {"Account ID": account_id, "Segment ID": segment_id},
            "pass": asdict(report.goes_on_with) if report.goes_on_with else None,
        }
        wiring.purge_queue().put_off(task, report.goes_on_in, deadline)
