"""The routes of accounts: each takes a request, makes one domain call and answers."""

from http import HTTPStatus

from api_segments.accounts import wiring
from api_segments.accounts.answers import usage_body
from api_segments.accounts.requests import month_in_query
from api_segments.http.gateway import Answer, Request
from api_segments.http.parameters import refuse_unknown


def get_usage(request: Request) -> Answer:
    """Show the data points of a month."""
    refuse_unknown(request.query, "month")
    usage = wiring.accounts().usage(request.tenant, month_in_query(request.query), request.deadline)
    return Answer(HTTPStatus.OK, usage_body(usage))
