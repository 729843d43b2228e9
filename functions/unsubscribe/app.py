"""The link in emails that opts out: a page with a button, and what the button, or a mail program, posts."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from api_segments.campaigns import wiring
from api_segments.campaigns.sending.opt_outs import OptedOut, SubscribedAgain
from api_segments.campaigns.sending.unsubscribe import asking, done, done_again, failed, wants_again
from api_segments.core.clock import Deadline
from api_segments.core.errors import SegmentsError
from api_segments.http.gateway import deadline_of, serve_head
from api_segments.http.observability import count, logger, metrics


@metrics.log_metrics
@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Opt out by POST (RFC 8058), or in again; a GET or HEAD, as mail scanners make too, changes nothing."""
    return serve_head(event, lambda served: _serve(served, context))


def _serve(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    token, request_id = event["pathParameters"]["token"], event["requestContext"]["requestId"]
    logger.append_keys(request_id=request_id)
    count(Requests=1)
    try:
        return _answer(event, token, request_id, deadline_of(context))
    except SegmentsError as error:
        logger.info("refused", error=error.slug)
        return failed(error, request_id)


def _answer(event: dict[str, Any], token: str, request_id: str, deadline: Deadline) -> dict[str, Any]:
    if event["httpMethod"] != "POST":
        wiring.opt_outs().check(token, deadline)
        return asking(request_id)
    if wants_again(event.get("body"), is_base64=bool(event.get("isBase64Encoded"))):
        subscribed = wiring.opt_outs().subscribe_again(token, deadline)
        count(OptIns=int(subscribed is SubscribedAgain.OPEN))
        return done_again(subscribed, request_id)
    opted_out = wiring.opt_outs().unsubscribe(token, deadline)
    count(OptOuts=int(opted_out is not OptedOut.NOBODY))
    return done(opted_out, request_id)
