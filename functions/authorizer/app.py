"""API Gateway request authorizer: two headers to an account."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from api_segments.accounts import authorizer
from api_segments.accounts import wiring as accounts_wiring
from api_segments.http.observability import logger, metrics


@metrics.log_metrics
@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Answer with a policy and the account; see segments.edge.authorizer."""
    return authorizer.authorize(event, context, accounts_wiring.accounts())
