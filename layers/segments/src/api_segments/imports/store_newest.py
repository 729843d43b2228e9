"""Imports table: what is kept of an account under ids that sort by age, the newest first."""

from collections.abc import Callable
from typing import Any, TypeVar

from api_segments.aws.dynamodb import DynamoDB, Item
from api_segments.aws.items import passing_over
from api_segments.core.clock import Deadline

T = TypeVar("T")
_LOOKED_THROUGH = 1000
"""How many items a call looks through for those of one segment."""


def newest(  # noqa: PLR0913, PLR0917 - which ones, and how they are read
    db: DynamoDB,
    table: str,
    account_id: str,
    key_of: Callable[[str], str],
    read: Callable[[Item], T],
    segment_id: int | None,
    before: str | None,
    at_most: int,
    deadline: Deadline,
) -> list[T]:
    """Return items, of a segment or of all, those before the id `before`; `key_of` makes sort keys of ids.

    Damaged ones are left out.
    """
    values: Item = {}
    of_segment: dict[str, Any] = {}
    if segment_id is not None:
        values = {":segment": {"N": str(segment_id)}}
        of_segment = {"FilterExpression": "segment_id = :segment", "Limit": _LOOKED_THROUGH}
    last = key_of("~" if before is None else before)
    found = db.query(
        at_most + 1,
        passing_over(lambda item: (item["sk"]["S"], read(item))),
        deadline,
        TableName=table,
        ConsistentRead=True,
        ScanIndexForward=False,
        KeyConditionExpression="account_id = :account AND sk BETWEEN :first AND :last",
        ExpressionAttributeValues={
            ":account": {"S": account_id},
            ":first": {"S": key_of("")},
            ":last": {"S": last},
            **values,
        },
        **of_segment,
    )
    return [each for key, each in found if key != last][:at_most]
