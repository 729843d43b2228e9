"""POST /api/createSegment."""

from dataclasses import replace
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from api_segments.core.clock import Deadline
from api_segments.http.gateway import Answer, Request, respond
from api_segments.http.observability import count, logger, metrics
from api_segments.http.parameters import idempotency_key, refuse_unknown
from api_segments.http.tenant import require_api_segments
from api_segments.segments import wiring
from api_segments.segments.answers import create_answer
from api_segments.segments.creation import Creation
from api_segments.segments.requests import parse_create


@metrics.log_metrics
@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Create up to 100 segments."""
    count(Requests=1)
    return respond(event, context, _create)


def _create(request: Request) -> Answer:
    refuse_unknown(request.query)
    require_api_segments(request.tenant)
    key = idempotency_key(request.headers)
    asked = parse_create(request.body)
    account_id = request.tenant.account_id

    def create(name: str | None, deadline: Deadline) -> Creation:
        result = wiring.segments().create(account_id, asked, request.tenant.passcode_name, deadline, name)
        count(SegmentsCreated=len(result.created), Unprocessed=len(result.refused))
        return result

    if key is None:
        return create_answer(asked.sent, create(None, request.deadline))
    result, is_replay = wiring.idempotency().create_once(account_id, key, asked, create, request.deadline)
    answer = create_answer(asked.sent, result)
    # A replay stays the same, so there is nothing to try again with this key.
    return replace(answer, headers={"Idempotent-Replayed": "true"}) if is_replay else answer
