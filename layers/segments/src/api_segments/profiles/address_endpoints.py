"""The routes of addresses: each takes a request, makes one domain call and answers."""

from http import HTTPStatus

from api_segments.http.gateway import Answer, Request
from api_segments.http.parameters import Paging, refuse_unknown
from api_segments.http.wiring import cursors
from api_segments.profiles import wiring
from api_segments.profiles.answers import found_profiles_body
from api_segments.profiles.requests import address_in_query


def find_profiles(request: Request) -> Answer:
    """List the users who have an address."""
    refuse_unknown(request.query, "email", "phone", "limit", "cursor")
    address = address_in_query(request.query)
    paging = Paging(request, cursors(), "/api/profiles", "email", "phone")
    page = wiring.profiles().having_address(
        request.tenant.account_id, address, paging.position, paging.limit, request.deadline
    )
    return Answer(HTTPStatus.OK, found_profiles_body(page.rows, paging.cursor_to(page.goes_on_at)))
