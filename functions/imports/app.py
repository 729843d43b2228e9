"""Imports: POST and GET under /api/imports."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from api_segments.http.gateway import Answer, Request, respond
from api_segments.http.observability import count, logger, metrics
from api_segments.http.tenant import require_api_segments
from api_segments.imports.endpoints import ENDPOINTS


@metrics.log_metrics
@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Route one request."""
    count(Requests=1)
    endpoint = ENDPOINTS[event["httpMethod"], event["resource"]]

    def serve(request: Request) -> Answer:
        require_api_segments(request.tenant)
        return endpoint(request, **(event.get("pathParameters") or {}))

    return respond(event, context, serve)
