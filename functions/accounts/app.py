"""Accounts, passcodes and plans, and what accounts declare for campaigns; invoked directly by those whom IAM lets."""

from typing import Annotated, Any

from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic import Field, TypeAdapter

from api_segments.accounts import wiring
from api_segments.accounts.operations import AccountOperation
from api_segments.campaigns import wiring as campaigns
from api_segments.campaigns.planning.operations import Declaration
from api_segments.core.errors import SegmentsError
from api_segments.http.gateway import deadline_of, failure
from api_segments.http.observability import count, logger, metrics
from api_segments.http.validation import validate

_OPERATION: TypeAdapter[AccountOperation | Declaration] = TypeAdapter(
    Annotated[AccountOperation | Declaration, Field(discriminator="operation")]
)


@metrics.log_metrics
@logger.inject_lambda_context(clear_state=True)
def handler(event: object, context: LambdaContext) -> dict[str, Any]:
    """Carry out one operation (docs/operations.md); an error has the shape of the API's."""
    deadline = deadline_of(context)
    try:
        operation = validate(_OPERATION, event, is_tagged=True)
        if isinstance(operation, Declaration):
            answer = operation.run(campaigns.campaign_settings(), deadline)
        else:
            answer = operation.run(wiring.accounts(), deadline)
    except SegmentsError as error:
        count(RefusedOperations=1)
        return dict(failure(error).body)
    count(AccountOperations=1)
    return answer
