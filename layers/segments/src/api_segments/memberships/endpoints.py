"""The routes of members and of the error stream: each takes a request, makes one domain call and answers."""

from http import HTTPStatus

from api_segments.http.gateway import Answer, Request
from api_segments.http.parameters import Paging, refuse_unknown, segment_id_in_path, user_in_path
from api_segments.http.tenant import require_api_segments
from api_segments.http.wiring import cursors
from api_segments.memberships import wiring
from api_segments.memberships.answers import (
    freshness_body,
    member_body,
    members_body,
    overlap_body,
    profile_segments_body,
    update_errors_body,
)
from api_segments.memberships.model import UserReference
from api_segments.memberships.requests import parse_overlap


def list_members(request: Request, segment_id: str) -> Answer:
    """List the members of a segment."""
    refuse_unknown(request.query, "limit", "cursor")
    require_api_segments(request.tenant)
    found = segment_id_in_path(segment_id)
    paging = Paging(request, cursors(), f"/api/segments/{found}/members")
    page = wiring.member_reads().members(
        request.tenant.account_id, found, paging.position, paging.limit, request.deadline
    )
    return Answer(HTTPStatus.OK, members_body(page.rows, paging.cursor_to(page.goes_on_at)))


def get_member(request: Request, segment_id: str, identity: str) -> Answer:
    """Show a member of a segment, or that the user is none."""
    who = UserReference(**user_in_path(identity, request.query))
    require_api_segments(request.tenant)
    found = segment_id_in_path(segment_id)
    member = wiring.member_reads().member(request.tenant.account_id, found, who, request.deadline)
    return Answer(HTTPStatus.OK, member_body(member))


def get_profile_segments(request: Request, identity: str) -> Answer:
    """Show the segments that a user is in."""
    who = UserReference(**user_in_path(identity, request.query))
    require_api_segments(request.tenant)
    found = wiring.member_reads().of_profile(request.tenant.account_id, who, request.deadline)
    return Answer(HTTPStatus.OK, profile_segments_body(found))


def compare_segments(request: Request) -> Answer:
    """Show how many users segments have in common."""
    refuse_unknown(request.query)
    require_api_segments(request.tenant)
    segment_ids = parse_overlap(request.body)
    found = wiring.overlaps().overlap(request.tenant.account_id, segment_ids, request.deadline)
    return Answer(HTTPStatus.OK, overlap_body(found))


def get_freshness(request: Request) -> Answer:
    """Show how far lists and counts are behind."""
    refuse_unknown(request.query)
    require_api_segments(request.tenant)
    return Answer(HTTPStatus.OK, freshness_body(wiring.freshness().tell(request.deadline)))


def list_errors(request: Request) -> Answer:
    """List what updates asked for and was rejected."""
    refuse_unknown(request.query, "limit", "cursor")
    require_api_segments(request.tenant)
    paging = Paging(request, cursors(), "/api/errors")
    page = wiring.error_stream().newest(request.tenant.account_id, paging.position, paging.limit, request.deadline)
    return Answer(HTTPStatus.OK, update_errors_body(page.rows, paging.cursor_to(page.goes_on_at)))
