"""A step of the state machine of imports that changes members, or ends the import; and executions that ended badly."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from api_segments.http.gateway import deadline_of
from api_segments.http.observability import count, logger, metrics
from api_segments.imports import wiring
from api_segments.imports.tasks import apply, fail


@metrics.log_metrics
@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Take one step; what it raises goes to the state machine, which tries again or ends the import."""
    count(Steps=1)
    if event.get("step") in (None, "fail"):  # what Step Functions tells of an execution has none
        count(ImportsFailed=int(fail(wiring.steps(), wiring.exporting(), event, deadline_of(context))))
        return {}
    logger.append_keys(account_id=event["account_id"], import_id=event["import_id"])
    return apply(wiring.applying(), event, deadline_of(context))
