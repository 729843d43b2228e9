"""POST /1/upload and GET /1/profile.json."""

from http import HTTPStatus
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from segments.edge import wiring
from segments.edge.answers import profile_body
from segments.edge.batch_answers import upload_answer
from segments.edge.http import Answer, Request, respond
from segments.edge.observability import count, logger, metrics
from segments.edge.parameters import query_text
from segments.edge.profile_records import parse_upload
from segments.errors import InvalidRequestError


@metrics.log_metrics
@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Route one request."""
    count(Requests=1)
    return respond(event, context, _upload if event["httpMethod"] == "POST" else _show)


def _upload(request: Request) -> Answer:
    records, updates, refused = parse_upload(request.body)
    failed = wiring.profiles().update(request.tenant.account_id, updates, request.deadline)
    count(RecordsUploaded=len(records) - len(refused | failed), Unprocessed=len(refused | failed))
    return upload_answer(records, refused | failed)


def _show(request: Request) -> Answer:
    who = query_text(request.query, "identity", "guid")
    if not who:
        raise InvalidRequestError("identity or guid is required")
    found = wiring.profiles().get(request.tenant.account_id, who.get("identity"), who.get("guid"), request.deadline)
    return Answer(HTTPStatus.OK, profile_body(found))
