"""Reading and managing: /api/segments, /api/profiles, /health."""

from http import HTTPStatus
from typing import Any

from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response
from aws_lambda_powertools.utilities.typing import LambdaContext

from segments.edge import wiring
from segments.edge.http import Answer, Request, failure, read_request, render, require_api_segments
from segments.edge.observability import count, logger, metrics
from segments.edge.reads import (
    identity_in_path,
    month_in_query,
    profile_segments_body,
    segment_body,
    segment_id_in_path,
    usage_body,
)
from segments.errors import NotFoundError, SegmentsError

app = APIGatewayRestResolver()


@metrics.log_metrics
@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Route one request."""
    count(Requests=1)
    return app.resolve(event, context)


@app.get("/api/segments/<segment_id>")
def get_segment(segment_id: str) -> Response[str]:
    """Show a segment with its counts."""
    request = _request_for_segments()
    found = wiring.segments().get(request.tenant.account_id, segment_id_in_path(segment_id), request.deadline)
    return _response(Answer(HTTPStatus.OK, segment_body(*found)))


@app.get("/api/profiles/<identity>/segments")
def get_profile_segments(identity: str) -> Response[str]:
    """Show the segments that a user is in."""
    request = _request_for_segments()
    found = wiring.segments().of_profile(request.tenant.account_id, identity_in_path(identity), request.deadline)
    return _response(Answer(HTTPStatus.OK, profile_segments_body(found)))


@app.delete("/api/profiles/<identity>")
def erase_profile(identity: str) -> Response[str]:
    """Erase a user; any account may, whatever its plan."""
    request = _request()
    wiring.profiles().erase(request.tenant.account_id, identity_in_path(identity), request.deadline)
    return _response(Answer(HTTPStatus.OK, {"status": "success"}))


@app.get("/api/usage")
def get_usage() -> Response[str]:
    """Show the data points of a month."""
    request = _request()
    usage = wiring.accounts().usage(request.tenant, month_in_query(request.query), request.deadline)
    return _response(Answer(HTTPStatus.OK, usage_body(usage)))


@app.get("/health")
def get_health() -> Response[str]:
    """Say that the API answers; needs no account and looks at nothing."""
    return _response(Answer(HTTPStatus.OK, {"status": "ok"}))


@app.exception_handler(SegmentsError)  # type: ignore[untyped-decorator]  # Powertools leaves it untyped
def refuse(error: SegmentsError) -> Response[str]:
    """Answer a request that failed."""
    return _response(failure(error))


@app.not_found
def refuse_route(_: Exception) -> Response[str]:
    """Answer for a path that no route takes, such as one with an empty id."""
    return _response(failure(NotFoundError("no such route")))


def _request_for_segments() -> Request:
    request = _request()
    require_api_segments(request.tenant)
    return request


def _request() -> Request:
    return read_request(app.current_event.raw_event, app.lambda_context)


def _response(answer: Answer) -> Response[str]:
    rendered = render(answer, app.current_event.request_context.request_id or "")
    return Response(rendered["statusCode"], headers=rendered["headers"], body=rendered["body"])
