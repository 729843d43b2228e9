"""The actions of a transaction, as TransactWriteItems takes them."""

from collections.abc import Mapping
from typing import Any, TypedDict, Unpack

TransactionAction = dict[str, dict[str, Any]]


class Conditions(TypedDict, total=False):
    """What must hold, and the values and names that it and the expression of an update use.

    `tells_found`: if it does not hold, ConditionFailedError has the item that was found.
    """

    condition: str
    values: Mapping[str, Any]
    names: Mapping[str, str]
    tells_found: bool


def put_action(table: str, item: Mapping[str, Any], **on: Unpack[Conditions]) -> TransactionAction:
    """Write an item."""
    return _action("Put", {"TableName": table, "Item": item}, on)


def update_action(table: str, key: Mapping[str, Any], expression: str, **on: Unpack[Conditions]) -> TransactionAction:
    """Change an item."""
    return _action("Update", {"TableName": table, "Key": key, "UpdateExpression": expression}, on)


def delete_action(table: str, key: Mapping[str, Any], **on: Unpack[Conditions]) -> TransactionAction:
    """Delete an item."""
    return _action("Delete", {"TableName": table, "Key": key}, on)


def check_action(table: str, key: Mapping[str, Any], **on: Unpack[Conditions]) -> TransactionAction:
    """Check an item that stays as it is."""
    return _action("ConditionCheck", {"TableName": table, "Key": key}, on)


def _action(kind: str, what: dict[str, Any], on: Conditions) -> TransactionAction:
    if "condition" in on:
        what["ConditionExpression"] = on["condition"]
    if names := on.get("names"):  # DynamoDB refuses empty ones
        what["ExpressionAttributeNames"] = names
    if values := on.get("values"):
        what["ExpressionAttributeValues"] = values
    if on.get("tells_found"):
        what["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"
    return {kind: what}
