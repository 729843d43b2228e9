"""POST /1/upload, GET /1/profile.json, GET /api/profiles, and /api/suppressions."""

from http import HTTPStatus
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from api_segments.core.errors import InvalidRequestError
from api_segments.http.gateway import Answer, Request, respond
from api_segments.http.observability import count, logger, metrics
from api_segments.http.parameters import flag_in_query, query_text, refuse_unknown
from api_segments.profiles import wiring
from api_segments.profiles.address_endpoints import (
    find_profiles,
    lift_suppression,
    list_suppressions,
    put_suppression,
)
from api_segments.profiles.answers import profile_body, upload_answer
from api_segments.profiles.requests import parse_upload


@metrics.log_metrics
@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Route one request."""
    count(Requests=1)
    return respond(event, context, _ENDPOINTS[event["httpMethod"], event["resource"]])


def _upload(request: Request) -> Answer:
    refuse_unknown(request.query, "dryRun")
    dry_run = flag_in_query(request.query, "dryRun")
    records, updates, refused = parse_upload(request.body)
    failed = wiring.profiles().update(request.tenant.account_id, updates, request.deadline, dry_run=dry_run)
    if not dry_run:
        count(RecordsUploaded=len(records) - len(refused | failed), Unprocessed=len(refused | failed))
    return upload_answer(records, refused | failed)


def _show(request: Request) -> Answer:
    who = query_text(request.query, "identity", "guid")
    if not who:
        raise InvalidRequestError("identity or guid is required")
    found = wiring.profiles().get(request.tenant.account_id, who.get("identity"), who.get("guid"), request.deadline)
    return Answer(HTTPStatus.OK, profile_body(found))


_ENDPOINTS = {
    ("POST", "/1/upload"): _upload,
    ("GET", "/1/profile.json"): _show,
    ("GET", "/api/profiles"): find_profiles,
    ("GET", "/api/suppressions"): list_suppressions,
    ("PUT", "/api/suppressions"): put_suppression,
    ("DELETE", "/api/suppressions"): lift_suppression,
}
