"""Accounts, passcodes and plans; invoked directly by those whom IAM lets."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from segments.edge import wiring
from segments.edge.account_operations import run_operation
from segments.edge.http import deadline_of, failure
from segments.edge.observability import count, logger, metrics
from segments.errors import SegmentsError


@metrics.log_metrics
@logger.inject_lambda_context(clear_state=True)
def handler(event: object, context: LambdaContext) -> dict[str, Any]:
    """Carry out one operation (segments.edge.account_operations); an error has the shape of the API's."""
    try:
        answer = run_operation(event, wiring.accounts(), wiring.campaign_settings(), deadline_of(context))
    except SegmentsError as error:
        count(RefusedOperations=1)
        return dict(failure(error).body)
    count(AccountOperations=1)
    return answer
