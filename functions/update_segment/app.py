"""POST /api/updateSegment."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from segments.edge import wiring
from segments.edge.batch_answers import update_answer
from segments.edge.http import Answer, Request, respond
from segments.edge.observability import count, logger, metrics
from segments.edge.requests import parse_update
from segments.errors import NotWrittenError


@metrics.log_metrics
@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Add users to segments and remove them."""
    count(Requests=1)
    return respond(event, context, _update)


def _update(request: Request) -> Answer:
    account_id = request.tenant.account_id
    updates = wiring.updates()
    result = updates.update(account_id, parse_update(request.body), request.deadline)
    count(
        Changes=result.added + result.removed,
        Unchanged=result.unchanged,
        Unprocessed=len(result.rejections),
        ProfilesCreated=result.profiles_created,
    )
    try:
        updates.keep_rejections(account_id, request.request_id, result.rejections, request.deadline)
    except NotWrittenError as error:  # the answer lists them all the same
        logger.warning("rejections are missing in the error stream", error=str(error))
        count(RejectionsNotKept=len(result.rejections))
    return update_answer(result)
