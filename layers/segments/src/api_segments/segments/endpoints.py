"""The routes of segments: each takes a request, makes one domain call and answers."""

from http import HTTPStatus

from api_segments.http.gateway import Answer, Request
from api_segments.http.parameters import Paging, refuse_unknown, segment_id_in_path
from api_segments.http.tenant import require_api_segments
from api_segments.http.wiring import cursors
from api_segments.segments import wiring
from api_segments.segments.answers import history_body, segment_body, segments_body, trends_body
from api_segments.segments.deletion import SegmentDeletionService
from api_segments.segments.model import NO_MEMBERS
from api_segments.segments.requests import (
    DAYS,
    SEGMENT_FILTERS,
    days_in_query,
    list_filters,
    parse_change,
    segment_filter,
)


def list_segments(request: Request) -> Answer:
    """List segments with their counts."""
    refuse_unknown(request.query, "limit", "cursor", *SEGMENT_FILTERS)
    require_api_segments(request.tenant)
    wanted = segment_filter(request.query)
    paging = Paging(request, cursors(), "/api/segments", list_filters(request.query))
    page = wiring.segment_reads().search(
        request.tenant.account_id, wanted, paging.position, paging.limit, request.deadline
    )
    return Answer(HTTPStatus.OK, segments_body(page.rows, paging.cursor_to(page.goes_on_at)))


def get_segment(request: Request, segment_id: str) -> Answer:
    """Show a segment with its counts."""
    refuse_unknown(request.query)
    require_api_segments(request.tenant)
    return _shown(request, segment_id_in_path(segment_id))


def get_segment_history(request: Request, segment_id: str) -> Answer:
    """Show the days of a segment."""
    refuse_unknown(request.query, *DAYS)
    require_api_segments(request.tenant)
    found = segment_id_in_path(segment_id)
    first, last = days_in_query(request.query)
    days = wiring.segment_history().days(request.tenant.account_id, found, first, last, request.deadline)
    return Answer(HTTPStatus.OK, history_body(days))


def list_trends(request: Request) -> Answer:
    """Show the last days of all segments."""
    refuse_unknown(request.query)
    require_api_segments(request.tenant)
    days, trends = wiring.segment_trends().last_days(request.tenant.account_id, request.deadline)
    return Answer(HTTPStatus.OK, trends_body(days, trends))


def change_segment(request: Request, segment_id: str) -> Answer:
    """Change a segment's name, description or tags."""
    refuse_unknown(request.query)
    require_api_segments(request.tenant)
    found = segment_id_in_path(segment_id)
    wiring.segments().change(request.tenant.account_id, found, parse_change(request.body), request.deadline)
    return _shown(request, found)


def delete_segment(request: Request, segment_id: str, deletion: SegmentDeletionService) -> Answer:
    """Delete a segment, for good."""
    refuse_unknown(request.query)
    require_api_segments(request.tenant)
    found = segment_id_in_path(segment_id)
    deleted = deletion.delete(request.tenant.account_id, found, request.tenant.passcode_name, request.deadline)
    return Answer(HTTPStatus.OK, segment_body((deleted, NO_MEMBERS)))


def _shown(request: Request, segment_id: int) -> Answer:
    found = wiring.segment_reads().get(request.tenant.account_id, segment_id, request.deadline)
    return Answer(HTTPStatus.OK, segment_body(found))
