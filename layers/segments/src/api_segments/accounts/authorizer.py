"""The request authorizer's event in, its policy out.

The answer is cached by API Gateway under both headers and used for any route, so it must not name the one it was asked
for (API Gateway developer guide, "Output from an API Gateway Lambda authorizer").
"""

from collections.abc import Mapping
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from api_segments.accounts.service import AccountService
from api_segments.core.errors import ForbiddenError, UnauthorizedError
from api_segments.http.gateway import deadline_of
from api_segments.http.observability import count, logger

ACCOUNT_HEADER = "x-clevertap-account-id"
PASSCODE_HEADER = "x-clevertap-passcode"


class UnauthorizedByApiGateway(Exception):  # noqa: N818 - its text is what API Gateway knows it by
    """Makes API Gateway answer 401: it looks for this very text, and for nothing else."""

    def __init__(self) -> None:
        super().__init__("Unauthorized")


def authorize(event: Mapping[str, Any], context: LambdaContext, accounts: AccountService) -> dict[str, Any]:
    """Return an Allow with the account in its context, or a Deny for a disabled one; raises for the 401."""
    count(Requests=1)
    account_id, passcode = _header(event, ACCOUNT_HEADER), _header(event, PASSCODE_HEADER)
    try:
        tenant = accounts.authenticate(account_id, passcode, deadline_of(context))
    except UnauthorizedError:
        count(Unauthorized=1)
        logger.info("unauthorized")
        raise UnauthorizedByApiGateway from None
    except ForbiddenError as error:
        count(Forbidden=1)
        logger.info("forbidden", account_id=account_id, error=str(error))
        return _policy(event, account_id, "Deny", {})
    count(Authorized=1)
    who = {
        "account_id": tenant.account_id,
        "plan": tenant.plan.value,
        "private_beta": "true" if tenant.private_beta else "false",
        "passcode_name": tenant.passcode_name,
    }
    return _policy(event, account_id, "Allow", who)


def _header(event: Mapping[str, Any], name: str) -> str:
    """Return a header's one value without padding, "" when it is missing or sent more than once."""
    values = [
        value
        for sent, found in (event.get("multiValueHeaders") or {}).items()
        if sent.lower() == name
        for value in found
    ]
    return values[0].strip(" \t") if len(values) == 1 else ""


def _policy(event: Mapping[str, Any], principal: str, effect: str, context: Mapping[str, str]) -> dict[str, Any]:
    api_and_stage = "/".join(event["methodArn"].split("/")[:2])
    return {
        "principalId": principal,
        "policyDocument": {
            "Version": "2012-10-17",
            "Statement": [{"Action": "execute-api:Invoke", "Effect": effect, "Resource": f"{api_and_stage}/*"}],
        },
        "context": context,
    }
