"""API Gateway request authorizer: two headers to an account."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from segments.edge import authorizer, wiring
from segments.edge.observability import logger, metrics


@metrics.log_metrics
@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Answer with a policy and the account; see segments.edge.authorizer."""
    return authorizer.authorize(event, context, wiring.accounts())
