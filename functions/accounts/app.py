"""Accounts, passcodes and plans; invoked directly by those whom IAM lets."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from api_segments.accounts import wiring as accounts_wiring
from api_segments.accounts.operations import run_operation
from api_segments.campaigns import wiring as campaigns_wiring
from api_segments.core.errors import SegmentsError
from api_segments.http.gateway import deadline_of, failure
from api_segments.http.observability import count, logger, metrics


@metrics.log_metrics
@logger.inject_lambda_context(clear_state=True)
def handler(event: object, context: LambdaContext) -> dict[str, Any]:
    """Carry out one operation (segments.edge.account_operations); an error has the shape of the API's."""
    try:
        answer = run_operation(
            event, accounts_wiring.accounts(), campaigns_wiring.campaign_settings(), deadline_of(context)
        )
    except SegmentsError as error:
        count(RefusedOperations=1)
        return dict(failure(error).body)
    count(AccountOperations=1)
    return answer
