"""Reading and managing: /api/segments, /api/profiles, /api/errors, /api/usage, /health."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response
from aws_lambda_powertools.utilities.typing import LambdaContext

from api_segments.accounts import wiring as accounts_wiring
from api_segments.accounts.answers import usage_body
from api_segments.accounts.requests import month_in_query
from api_segments.campaigns import wiring as campaigns_wiring
from api_segments.core.errors import NotFoundError, SegmentsError
from api_segments.http import wiring as http_wiring
from api_segments.http.gateway import Answer, Request, failure, read_request, render
from api_segments.http.observability import count, logger, metrics
from api_segments.http.parameters import Paging, identity_in_path, refuse_unknown, segment_id_in_path
from api_segments.http.tenant import require_api_segments
from api_segments.memberships import wiring as memberships_wiring
from api_segments.memberships.answers import member_body, members_body, profile_segments_body, update_errors_body
from api_segments.profiles import wiring as profiles_wiring
from api_segments.segments import wiring as segments_wiring
from api_segments.segments.answers import SegmentBody, segment_body, segments_body
from api_segments.segments.model import NO_MEMBERS
from api_segments.segments.requests import SEGMENT_FILTERS, parse_rename, segment_filter

app = APIGatewayRestResolver()


@metrics.log_metrics
@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Route one request."""
    count(Requests=1)
    return app.resolve(event, context)


@app.get("/api/segments")
def list_segments() -> Response[str]:
    """List segments with their counts."""
    request = _request_for_segments("limit", "cursor", *SEGMENT_FILTERS)
    paging = Paging(request, http_wiring.cursors(), "/api/segments", *SEGMENT_FILTERS)
    wanted = segment_filter(request.query)
    page = segments_wiring.segment_reads().search(
        request.tenant.account_id, wanted, paging.position, paging.limit, request.deadline
    )
    return _ok(segments_body(page.rows, paging.cursor_to(page.goes_on_at)))


@app.get("/api/segments/<segment_id>")
def get_segment(segment_id: str) -> Response[str]:
    """Show a segment with its counts."""
    request = _request_for_segments()
    return _ok(_segment(request, segment_id_in_path(segment_id)))


@app.patch("/api/segments/<segment_id>")
def rename_segment(segment_id: str) -> Response[str]:
    """Give a segment another name."""
    request = _request_for_segments()
    found = segment_id_in_path(segment_id)
    segments_wiring.segments().rename(request.tenant.account_id, found, parse_rename(request.body), request.deadline)
    return _ok(_segment(request, found))


@app.delete("/api/segments/<segment_id>")
def delete_segment(segment_id: str) -> Response[str]:
    """Delete a segment, for good."""
    request = _request_for_segments()
    found = segment_id_in_path(segment_id)
    deleted = campaigns_wiring.segment_deletion().delete(request.tenant.account_id, found, request.deadline)
    return _ok(segment_body((deleted, NO_MEMBERS)))


@app.get("/api/segments/<segment_id>/members")
def list_members(segment_id: str) -> Response[str]:
    """List the members of a segment."""
    request = _request_for_segments("limit", "cursor")
    found = segment_id_in_path(segment_id)
    paging = Paging(request, http_wiring.cursors(), f"/api/segments/{found}/members")
    page = segments_wiring.segment_reads().members(
        request.tenant.account_id, found, paging.position, paging.limit, request.deadline
    )
    return _ok(members_body(page.rows, paging.cursor_to(page.goes_on_at)))


@app.get("/api/segments/<segment_id>/members/<identity>")
def get_member(segment_id: str, identity: str) -> Response[str]:
    """Show a member of a segment, or that the user is none."""
    request = _request_for_segments()
    who = identity_in_path(identity)
    found = segment_id_in_path(segment_id)
    member = segments_wiring.segment_reads().member(request.tenant.account_id, found, who, request.deadline)
    return _ok(member_body(member))


@app.get("/api/profiles/<identity>/segments")
def get_profile_segments(identity: str) -> Response[str]:
    """Show the segments that a user is in."""
    request = _request_for_segments()
    who = identity_in_path(identity)
    return _ok(
        profile_segments_body(
            segments_wiring.segment_reads().of_profile(request.tenant.account_id, who, request.deadline)
        )
    )


@app.get("/api/errors")
def list_errors() -> Response[str]:
    """List what updates asked for and was rejected."""
    request = _request_for_segments("limit", "cursor")
    paging = Paging(request, http_wiring.cursors(), "/api/errors")
    page = memberships_wiring.error_stream().newest(
        request.tenant.account_id, paging.position, paging.limit, request.deadline
    )
    return _ok(update_errors_body(page.rows, paging.cursor_to(page.goes_on_at)))


@app.delete("/api/profiles/<identity>")
def erase_profile(identity: str) -> Response[str]:
    """Erase a user; any account may, whatever its plan."""
    request = _request()
    profiles_wiring.profiles().erase(request.tenant.account_id, identity_in_path(identity), request.deadline)
    return _ok({"status": "success"})


@app.get("/api/usage")
def get_usage() -> Response[str]:
    """Show the data points of a month."""
    request = _request("month")
    usage = accounts_wiring.accounts().usage(request.tenant, month_in_query(request.query), request.deadline)
    return _ok(usage_body(usage))


@app.get("/health")
def get_health() -> Response[str]:
    """Say that the API answers; needs no account and looks at nothing."""
    return _ok({"status": "ok"})


@app.exception_handler(SegmentsError)  # type: ignore[untyped-decorator]  # Powertools leaves it untyped
def refuse(error: SegmentsError) -> Response[str]:
    """Answer a request that failed."""
    return _response(failure(error))


@app.not_found
def refuse_route(_: Exception) -> Response[str]:
    """Answer for a path that no route takes, such as one with an empty id."""
    return _response(failure(NotFoundError("no such route")))


def _request_for_segments(*parameters: str) -> Request:
    request = _request(*parameters)
    require_api_segments(request.tenant)
    return request


def _request(*parameters: str) -> Request:
    request = read_request(app.current_event.raw_event, app.lambda_context)
    refuse_unknown(request.query, *parameters)
    return request


def _segment(request: Request, segment_id: int) -> SegmentBody:
    return segment_body(segments_wiring.segment_reads().get(request.tenant.account_id, segment_id, request.deadline))


def _ok(body: Mapping[str, object]) -> Response[str]:
    return _response(Answer(HTTPStatus.OK, body))


def _response(answer: Answer) -> Response[str]:
    rendered = render(answer, app.current_event.request_context.request_id or "")
    return Response(rendered["statusCode"], headers=rendered["headers"], body=rendered["body"])
