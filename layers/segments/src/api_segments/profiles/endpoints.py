"""The route that erases a profile: it takes a request, makes one domain call and answers."""

from http import HTTPStatus

from api_segments.http.gateway import Answer, Request
from api_segments.http.parameters import user_in_path
from api_segments.profiles import wiring


def erase_profile(request: Request, identity: str) -> Answer:
    """Erase a user; any account may, whatever its plan."""
    who = user_in_path(identity, request.query)
    wiring.profiles().erase(request.tenant.account_id, who.get("identity"), request.deadline, who.get("guid"))
    return Answer(HTTPStatus.OK, {"status": "success"})
