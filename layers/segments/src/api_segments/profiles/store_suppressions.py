"""Suppressions table: the addresses of an account that get no messages, by key, whoever has them or will have them.

An address that was taken off the list stays in the table with the time of that, for each reason, so that what was told
before it and is told again does not put it back.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from api_segments.aws import keys
from api_segments.aws.dynamodb import DynamoDB, Get, Item
from api_segments.aws.items import Attributes, Readings, passing_over
from api_segments.core.clock import Deadline
from api_segments.profiles.model import AddressKey, AddressType


class SuppressionReason(StrEnum):
    """Why an address is on the list."""

    UNSUBSCRIBED = "unsubscribed"  # by the link
    COMPLAINED = "complained"
    BOUNCED = "bounced"  # for good
    ENTERED = "entered"  # by the account


@dataclass(frozen=True, slots=True)
class Suppression:
    """What is known of an address: since when it is on the list for each reason, and when it was last taken off.

    `changed_at` is when the entry last changed; `applied_at` when all profiles with the address had followed that, and
    `profiles` how many of them had by now.
    """

    address: AddressKey
    since: dict[SuppressionReason, str]
    lifted_at: str | None
    changed_at: str
    applied_at: str | None = None
    profiles: int = 0

    @property
    def is_active(self) -> bool:
        """Whether the address is on the list."""
        return bool(self.since)


class SuppressionStore:
    """Reads and writes the suppression lists of accounts."""

    def __init__(self, db: DynamoDB, table: str) -> None:
        self._db = db
        self._table = table

    def get(self, address: AddressKey, deadline: Deadline) -> Suppression | None:
        """Read what is known of an address, consistently."""
        return self.get_many([address], deadline).get(address)

    def get_many(self, addresses: Sequence[AddressKey], deadline: Deadline) -> Readings[AddressKey, Suppression]:
        """Read what is known of addresses, consistently."""
        found = self._db.batch_get([Get(self._table, _key(address)) for address in addresses], deadline)
        return Readings({addresses[index]: item for index, item in found.items()}, _from_item)

    def page(self, account_id: str, after: str | None, at_most: int, deadline: Deadline) -> list[Suppression]:
        """Return entries after the sort key `after`, those that were lifted too, consistently and in order.

        Damaged ones are left out.
        """
        query: Item = {"ExclusiveStartKey": keys.of_account(account_id, after)} if after is not None else {}
        return self._db.query(
            at_most,
            passing_over(_from_item),
            deadline,
            TableName=self._table,
            ConsistentRead=True,
            KeyConditionExpression="account_id = :account",
            ExpressionAttributeValues={":account": {"S": account_id}},
            **query,
        )

    def add(self, address: AddressKey, reason: SuppressionReason, at: str, now: str, deadline: Deadline) -> bool:
        """Put an address on the list for what happened at `at`; False if it is on it for that, or was taken off."""
        return self._db.update(
            deadline,
            TableName=self._table,
            Key=_key(address),
            UpdateExpression=f"SET {_since(reason)} = :at, changed_at = :now REMOVE applied_at, profiles",
            ConditionExpression=(
                f"(attribute_not_exists({_lifted(reason)}) OR {_lifted(reason)} < :at) AND "
                f"(attribute_not_exists({_since(reason)}) OR {_since(reason)} < :at)"
            ),
            ExpressionAttributeValues={":at": {"S": at}, ":now": {"S": now}},
        )

    def lift(self, address: AddressKey, reasons: Sequence[SuppressionReason], now: str, deadline: Deadline) -> None:
        """Take an address off the list for these reasons; for others it stays."""
        since, lifted = ", ".join(map(_since, reasons)), ", ".join(f"{_lifted(reason)} = :now" for reason in reasons)
        self._db.update(
            deadline,
            TableName=self._table,
            Key=_key(address),
            UpdateExpression=f"SET lifted_at = :now, changed_at = :now, {lifted} REMOVE applied_at, profiles, {since}",
            ExpressionAttributeValues={":now": {"S": now}},
        )

    def note_applied(self, entry: Suppression, profiles: int, now: str | None, deadline: Deadline) -> None:
        """Note how many profiles have followed an entry, and, if those are all, since when; not if it has changed."""
        self._db.update(
            deadline,
            TableName=self._table,
            Key=_key(entry.address),
            UpdateExpression="SET profiles = :profiles" + ("" if now is None else ", applied_at = :now"),
            ConditionExpression="changed_at = :seen",
            ExpressionAttributeValues={
                ":profiles": {"N": str(profiles)},
                ":seen": {"S": entry.changed_at},
                **({} if now is None else {":now": {"S": now}}),
            },
        )


def sort_key(entry: Suppression) -> str:
    """Return where an entry stands in its account's list."""
    return keys.suppression(entry.address.type, entry.address.key)


def _key(address: AddressKey) -> Item:
    return keys.of_account(address.account_id, keys.suppression(address.type, address.key))


def _since(reason: SuppressionReason) -> str:
    return f"{reason}_at"


def _lifted(reason: SuppressionReason) -> str:
    return f"{reason}_lifted_at"


def _from_item(item: Item) -> Suppression:
    entry = Attributes("suppressed address", item)
    address_type, _, key = entry.text("sk").partition("#")
    since = {reason: entry.moment(_since(reason)) for reason in SuppressionReason if entry.has(_since(reason))}
    lifted_at = entry.optional(entry.moment, "lifted_at")
    if not since and lifted_at is None:  # it was put on the list, and nobody took it off
        raise entry.damaged("lifted_at")
    return Suppression(
        address=AddressKey(entry.text("account_id"), AddressType[address_type], key),
        since=since,
        lifted_at=lifted_at,
        changed_at=entry.moment("changed_at"),
        applied_at=entry.optional(entry.moment, "applied_at"),
        profiles=entry.optional(entry.whole, "profiles") or 0,
    )
