"""API Gateway request authorizer: two headers to an account."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from api_segments.accounts import authorizer, wiring
from api_segments.http.observability import logger, metrics


@metrics.log_metrics
@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Answer with a policy and the account; see api_segments.accounts.authorizer."""
    return authorizer.authorize(event, context, wiring.accounts())
