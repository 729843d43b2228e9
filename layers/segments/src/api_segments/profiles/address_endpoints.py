"""The routes of addresses: each takes a request, makes one domain call and answers."""

from http import HTTPStatus

from api_segments.core.errors import UnavailableError
from api_segments.http.gateway import Answer, Request
from api_segments.http.observability import logger
from api_segments.http.parameters import Paging, refuse_unknown
from api_segments.http.wiring import cursors
from api_segments.profiles import wiring
from api_segments.profiles.answers import SuppressionBody, found_profiles_body, suppression_body, suppressions_body
from api_segments.profiles.model import AddressKey, AddressType
from api_segments.profiles.requests import address_in_query
from api_segments.profiles.store_suppressions import SuppressionReason


def find_profiles(request: Request) -> Answer:
    """List the users who have an address."""
    refuse_unknown(request.query, "email", "phone", "limit", "cursor")
    address = address_in_query(request.query)
    paging = Paging(request, cursors(), "/api/profiles", {address.type: address.text})
    page = wiring.profiles().having_address(
        request.tenant.account_id, address, paging.position, paging.limit, request.deadline
    )
    return Answer(HTTPStatus.OK, found_profiles_body(page.rows, paging.cursor_to(page.goes_on_at)))


def list_suppressions(request: Request) -> Answer:
    """List the addresses that get no messages, or show what is known of one."""
    refuse_unknown(request.query, "email", "phone", "limit", "cursor")
    account_id, deadline = request.tenant.account_id, request.deadline
    if any(address_type in request.query for address_type in AddressType):
        entry = wiring.suppressions().find(_address(request), deadline)
        return Answer(HTTPStatus.OK, suppressions_body([] if entry is None else [entry], None))
    paging = Paging(request, cursors(), "/api/suppressions")
    page = wiring.suppressions().page(account_id, paging.position, paging.limit, deadline)
    return Answer(HTTPStatus.OK, suppressions_body(page.rows, paging.cursor_to(page.goes_on_at)))


def put_suppression(request: Request) -> Answer:
    """Put an address on the list."""
    refuse_unknown(request.query, "email", "phone")
    address = _address(request)
    wiring.suppressions().add(address, SuppressionReason.ENTERED, None, request.deadline)
    logger.info("suppressed", address_type=address.type, address_key=address.key)
    return Answer(HTTPStatus.OK, {"status": "success", "suppression": _known(address, request)})


def lift_suppression(request: Request) -> Answer:
    """Take an address off the list, and back what its users have closed."""
    refuse_unknown(request.query, "email", "phone")
    address = _address(request)
    before = wiring.suppressions().lift(address, tuple(SuppressionReason), request.deadline)
    was_active = before is not None and before.is_active
    logger.info("suppression lifted", address_type=address.type, address_key=address.key, was_active=was_active)
    return Answer(HTTPStatus.OK, {"status": "success", "lifted": was_active, "suppression": _known(address, request)})


def _address(request: Request) -> AddressKey:
    return wiring.address_keys().of(request.tenant.account_id, address_in_query(request.query), request.deadline)


def _known(address: AddressKey, request: Request) -> SuppressionBody:
    entry = wiring.suppressions().find(address, request.deadline)
    if entry is None:
        raise UnavailableError("the suppression was written and is not there")
    return suppression_body(entry)
