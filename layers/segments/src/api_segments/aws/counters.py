"""Counters that many write at once: each has several items, its slots. A writer adds to one, a reader sums them all.

Two transactions that write one item conflict; with eight slots they meet one time in eight.
"""

import secrets
from collections.abc import Callable, Mapping
from typing import TypeVar

from api_segments.aws import keys
from api_segments.aws.dynamodb import DynamoDB, Item
from api_segments.aws.items import passing_over
from api_segments.aws.transactions import TransactionAction, update_action
from api_segments.core.clock import Deadline

T = TypeVar("T")


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


def slots_between(  # noqa: PLR0913, PLR0917 - the parts of one query
    db: DynamoDB, table: str, first: Item, last: Item, read: Callable[[Item], T], deadline: Deadline
) -> dict[int, list[T]]:
    """Read the slots of all counters of an account from the key `first` to `last`, consistently, in one walk over them.

    They come by the id of what they count (keys.id_in), without damaged ones. A counter that was never written is
    not in the answer.
    """
    read_or_pass_over = passing_over(read)

    def with_its_id(row: Item) -> tuple[int, T] | None:
        slot = read_or_pass_over(row)
        return None if slot is None else (keys.id_in(row["sk"]["S"]), slot)

    rows = db.query(
        None,
        with_its_id,
        deadline,
        TableName=table,
        ConsistentRead=True,
        KeyConditionExpression="account_id = :account AND sk BETWEEN :first AND :last",
        ExpressionAttributeValues={":account": first["account_id"], ":first": first["sk"], ":last": last["sk"]},
    )
    slots: dict[int, list[T]] = {}
    for counted_id, slot in rows:
        slots.setdefault(counted_id, []).append(slot)
    return slots
