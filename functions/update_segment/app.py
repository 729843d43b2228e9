"""POST /api/updateSegment."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from api_segments.core.clock import Deadline
from api_segments.core.errors import NotWrittenError
from api_segments.http.gateway import Answer, Request, respond
from api_segments.http.observability import count, logger, metrics
from api_segments.http.parameters import refuse_unknown
from api_segments.http.tenant import require_api_segments
from api_segments.memberships import wiring
from api_segments.memberships.answers import update_answer
from api_segments.memberships.requests import parse_update

# The answer lists the rejections too, so it does not wait long for the error stream.
ERROR_STREAM_SECONDS = 5.0


@metrics.log_metrics
@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Add users to segments and remove them."""
    count(Requests=1)
    return respond(event, context, _update)


def _update(request: Request) -> Answer:
    refuse_unknown(request.query)
    require_api_segments(request.tenant)
    account_id = request.tenant.account_id
    groups, refused = parse_update(request.body)
    result = wiring.updates().update(account_id, groups, request.deadline)
    result.rejections[:0] = refused
    count(
        Changes=result.added + result.removed,
        Unchanged=result.unchanged,
        Unprocessed=len(result.rejections),
        ProfilesCreated=result.profiles_created,
    )
    try:
        soon = Deadline.after(min(ERROR_STREAM_SECONDS, request.deadline.remaining()))
        wiring.error_stream().keep(account_id, request.request_id, result.rejections, soon)
    except NotWrittenError as error:  # the answer lists them all the same
        logger.warning("rejections are missing in the error stream", error=str(error))
        count(RejectionsNotKept=len(result.rejections))
    return update_answer(result)
