"""Counters that many write at once: each has several items, its slots. A writer adds to one, a reader sums them all.

Two transactions that write one item conflict; with eight slots they meet one time in eight.
"""

import secrets
from collections.abc import Mapping

from api_segments.aws import keys
from api_segments.aws.dynamodb import DynamoDB, Item
from api_segments.aws.transactions import TransactionAction, update_action
from api_segments.core.clock import Deadline


def any_slot() -> int:
    """Return which slot to add to, by chance."""
    return secrets.randbelow(keys.COUNTER_SLOTS)


def add_to_slot(table: str, key: Item, deltas: Mapping[str, int], as_of: str | None = None) -> TransactionAction:
    """Return the action of a transaction that adds to the slot at `key`, and notes when (RFC 3339) if it is given."""
    added = f"ADD {', '.join(f'{name} :{name}' for name in deltas)}" if deltas else ""
    noted = "" if as_of is None else "SET as_of = :as_of"
    return update_action(
        table,
        key,
        " ".join(part for part in (noted, added) if part),
        values={
            **({} if as_of is None else {":as_of": {"S": as_of}}),
            **{f":{name}": {"N": str(delta)} for name, delta in deltas.items()},
        },
    )


def slots_between(db: DynamoDB, table: str, first: Item, last: Item, deadline: Deadline) -> dict[int, list[Item]]:
    """Read the slots of all counters of an account from the key `first` to `last`, consistently, in one walk over them.

    They come by the id of what they count (keys.counted_id). A counter that was never written is not in the answer.
    """
    rows = db.query(
        None,
        deadline,
        TableName=table,
        ConsistentRead=True,
        KeyConditionExpression="account_id = :account AND sk BETWEEN :first AND :last",
        ExpressionAttributeValues={":account": first["account_id"], ":first": first["sk"], ":last": last["sk"]},
    )
    slots: dict[int, list[Item]] = {}
    for row in rows:
        slots.setdefault(keys.counted_id(row["sk"]["S"]), []).append(row)
    return slots
