"""The link in emails that opts out: a page with a button, and what the button, or a mail program, posts."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from api_segments.campaigns import wiring
from api_segments.campaigns.sending.unsubscribe import asking, done, failed
from api_segments.core.errors import SegmentsError
from api_segments.http.gateway import deadline_of, serve_head
from api_segments.http.observability import count, logger, metrics


@metrics.log_metrics
@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Opt out by POST (RFC 8058); a GET or HEAD, which mail scanners make too, changes nothing."""
    return serve_head(event, lambda served: _serve(served, context))


def _serve(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    token, request_id = event["pathParameters"]["token"], event["requestContext"]["requestId"]
    logger.append_keys(request_id=request_id)
    deadline = deadline_of(context)
    is_post = event["httpMethod"] == "POST"
    count(Requests=1)
    try:
        if is_post:
            wiring.opt_outs().unsubscribe(token, deadline)
        else:
            wiring.opt_outs().check(token, deadline)
    except SegmentsError as error:
        logger.info("refused", error=error.slug)
        return failed(error, request_id)
    count(OptOuts=int(is_post))
    return done(request_id) if is_post else asking(request_id)
