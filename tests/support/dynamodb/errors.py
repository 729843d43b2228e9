"""Errors as boto3 raises them."""

from collections.abc import Sequence
from typing import Any

from botocore.exceptions import ClientError

Item = dict[str, Any]


def client_error(code: str, message: str, **further: object) -> ClientError:
    status = 500 if code == "InternalServerError" else 400
    response: Any = {
        "Error": {"Code": code, "Message": message},
        "ResponseMetadata": {"HTTPStatusCode": status},
        **further,
    }
    return ClientError(response, "Operation")


class InvalidError(Exception):
    """What DynamoDB calls a ValidationException, or a ValidationError of one action of a transaction."""

    def as_client_error(self) -> ClientError:
        return client_error("ValidationException", str(self))


class ConditionError(Exception):
    """A condition that does not hold; `item` is the one found, if it was asked for."""

    def __init__(self, item: Item | None) -> None:
        super().__init__("The conditional request failed")
        self.item = item

    def as_client_error(self) -> ClientError:
        further = {"Item": self.item} if self.item else {}
        return client_error("ConditionalCheckFailedException", str(self), **further)


def cancelled(reasons: Sequence[Item]) -> ClientError:
    codes = ", ".join(reason["Code"] for reason in reasons)
    message = f"Transaction cancelled, please refer cancellation reasons for specific reasons [{codes}]"
    return client_error("TransactionCanceledException", message, CancellationReasons=reasons)
