"""POST /api/createSegment."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from segments.edge import wiring
from segments.edge.batch_answers import create_answer
from segments.edge.http import Answer, Request, require_api_segments, respond
from segments.edge.observability import count, logger, metrics
from segments.edge.requests import parse_create


@metrics.log_metrics
@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Create up to 100 segments."""
    count(Requests=1)
    return respond(event, context, _create)


def _create(request: Request) -> Answer:
    require_api_segments(request.tenant)
    entries = parse_create(request.body)
    result = wiring.segments().create(request.tenant.account_id, entries, request.deadline)
    count(SegmentsCreated=len(result.created), Unprocessed=len(result.refused))
    return create_answer(entries, result)
