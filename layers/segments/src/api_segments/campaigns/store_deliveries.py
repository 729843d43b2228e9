"""Campaigns table: the delivery log, one item a message, and the counters of its results, which are exact.

A message ends in one transaction: its item, on condition of what it was, and a counter. So however often a message is
delivered it ends once, and is counted once.
"""

import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from api_segments.aws import keys
from api_segments.aws.counters import add_to_slot, any_slot, slots_between
from api_segments.aws.dynamodb import ConditionFailedError, DynamoDB, Get, Item
from api_segments.aws.items import Attributes, Readings, passing_over
from api_segments.aws.transactions import TransactionAction, update_action
from api_segments.campaigns.model import AfterSending, DeliveryStatus, Message, Outcome, Results
from api_segments.core.clock import Backoff, Deadline
from api_segments.core.errors import UnavailableError

_SKIPPED, _FAILED = f"{DeliveryStatus.SKIPPED}_", f"{DeliveryStatus.FAILED}_"


@dataclass(frozen=True, slots=True)
class StoredDelivery:
    """A message as the log has it; while it is `sending`, somebody may be at it until `sending_until` (RFC 3339).

    `after_sending` is what became known of it since, and when.
    """

    delivery_id: str
    profile_id: str
    status: DeliveryStatus
    sending_until: str | None
    reason: str | None
    at: str
    after_sending: Mapping[AfterSending, str]


class DeliveryStore:
    """Reads and writes the log of each campaign's messages."""

    def __init__(self, db: DynamoDB, table: str) -> None:
        self._db = db
        self._table = table

    def get(self, message: Message, deadline: Deadline) -> StoredDelivery | None:
        """Read a message's line in the log, consistently."""
        item = self._db.get(self._table, _key_of(message), deadline)
        return None if item is None else _delivery(item)

    def get_many(
        self, account_id: str, campaign_id: int, delivery_ids: Sequence[str], deadline: Deadline
    ) -> Readings[str, StoredDelivery]:
        """Read those of the lines that are there, consistently."""
        gets = [Get(self._table, delivery_key(account_id, campaign_id, each)) for each in delivery_ids]
        found = self._db.batch_get(gets, deadline)
        return Readings({delivery_ids[index]: item for index, item in found.items()}, _delivery)

    def page(
        self, account_id: str, campaign_id: int, after: str | None, at_most: int, deadline: Deadline
    ) -> list[StoredDelivery]:
        """Return lines of a campaign's log after the delivery `after`, consistently, in an order that never changes.

        Damaged ones are left out.
        """
        query: Item = {}
        if after is not None:
            query["ExclusiveStartKey"] = delivery_key(account_id, campaign_id, after)
        return self._db.query(
            at_most,
            passing_over(_delivery),
            deadline,
            TableName=self._table,
            ConsistentRead=True,
            KeyConditionExpression="account_id = :account AND begins_with(sk, :log)",
            ExpressionAttributeValues={":account": {"S": account_id}, ":log": {"S": keys.deliveries(campaign_id)}},
            **query,
        )

    def results(self, account_id: str, campaign_id: int, deadline: Deadline) -> Results:
        """Read what became of a campaign's messages, consistently; raises DamagedItemError."""
        gets = [Get(self._table, keys.of_account(account_id, sk)) for sk in keys.campaign_results(campaign_id)]
        return _sum_of_slots(Readings(self._db.batch_get(gets, deadline), _slot).values())

    def results_of(self, account_id: str, campaign_ids: Sequence[int], deadline: Deadline) -> dict[int, Results]:
        """Read the results of these campaigns, consistently, as the sums over the slots that are not damaged."""
        slots = [(each, sk) for each in campaign_ids for sk in keys.campaign_results(each)]
        gets = [Get(self._table, keys.of_account(account_id, sk)) for _, sk in slots]
        found = Readings(self._db.batch_get(gets, deadline), _slot).without_damaged()
        figures: dict[int, list[Mapping[str, int]]] = {each: [] for each in campaign_ids}
        for index, slot in found.items():
            figures[slots[index][0]].append(slot)
        return {campaign_id: _sum_of_slots(of_it) for campaign_id, of_it in figures.items()}

    def results_between(self, account_id: str, first: int, last: int, deadline: Deadline) -> dict[int, Results]:
        """Read the results of all campaigns from id `first` to `last`, consistently, in one walk over their slots.

        They are the sums over the slots that are not damaged. A campaign that never had messages is not in the answer.
        """
        from_key = keys.of_account(account_id, keys.campaign_results(first)[0])
        to_key = keys.of_account(account_id, keys.campaign_results(last)[-1])
        slots = slots_between(self._db, self._table, from_key, to_key, _slot, deadline)
        return {campaign_id: _sum_of_slots(items) for campaign_id, items in slots.items()}

    def claim(self, message: Message, now: str, until: str, deadline: Deadline) -> bool:
        """Take a queued message for sending, until `until` (RFC 3339); False if it is not queued."""
        return self._db.update(
            deadline,
            TableName=self._table,
            Key=_key_of(message),
            UpdateExpression="SET #status = :sending, sending_until = :until, moved_at = :now, claim = :mine",
            # The token tells this call's own write, whose answer was lost, from another's.
            ConditionExpression="#status = :queued OR claim = :mine",
            ExpressionAttributeNames={"#status": "status"},
            ExpressionAttributeValues={
                ":queued": {"S": DeliveryStatus.QUEUED},
                ":sending": {"S": DeliveryStatus.SENDING},
                ":until": {"S": until},
                ":now": {"S": now},
                ":mine": {"S": secrets.token_hex(8)},
            },
        )

    def release(self, message: Message, deadline: Deadline) -> None:
        """Put a message that is being sent, and is known not to have been, back among the queued ones."""
        self._db.update(
            deadline,
            TableName=self._table,
            Key=_key_of(message),
            UpdateExpression="SET #status = :queued REMOVE sending_until, claim",
            ConditionExpression="#status = :sending",
            ExpressionAttributeNames={"#status": "status"},
            ExpressionAttributeValues={
                ":queued": {"S": DeliveryStatus.QUEUED},
                ":sending": {"S": DeliveryStatus.SENDING},
            },
        )

    def settle(
        self, message: Message, expected: DeliveryStatus, outcome: Outcome, now: str, deadline: Deadline
    ) -> bool:
        """End a message and count it, in one transaction; False if it is not of the status `expected`."""
        set_reason, reason = "", {}
        if outcome.reason is not None:
            set_reason, reason = ", reason = :reason", {":reason": {"S": outcome.reason}}
        update = update_action(
            self._table,
            _key_of(message),
            f"SET #status = :status, moved_at = :now{set_reason} REMOVE sending_until, claim",
            condition="#status = :expected",
            values={
                ":status": {"S": outcome.status},
                ":expected": {"S": expected},
                ":now": {"S": now},
                **reason,
            },
            names={"#status": "status"},
        )
        deltas = {outcome.counter: 1, "settled": 1}
        try:
            self._db.transact(
                lambda: [update, count_results(self._table, message.account_id, message.campaign_id, deltas)],
                deadline,
            )
        except ConditionFailedError:
            return False
        return True

    def note_after_sending(  # noqa: PLR0913, PLR0917 - a message, and what is known of it
        self, account_id: str, campaign_id: int, delivery_id: str, what: AfterSending, at: str, deadline: Deadline
    ) -> bool:
        """Note, and count, what became known of a message after it was sent; False if it is known, or not in the log.

        It shows that the message went out: one of which that was not known counts as sent from then on.
        """
        key, backoff = delivery_key(account_id, campaign_id, delivery_id), Backoff(deadline)
        while True:
            item = self._db.get(self._table, key, deadline)
            if item is None or _at(what) in item:
                return False
            delivery = _delivery(item)
            if delivery.status is DeliveryStatus.SKIPPED:
                return False
            update = update_action(
                self._table,
                key,
                f"SET {_at(what)} = :at, #status = :sent REMOVE sending_until, claim, reason",
                condition=f"#status = :seen AND attribute_not_exists({_at(what)})",
                values={":at": {"S": at}, ":sent": {"S": DeliveryStatus.SENT}, ":seen": {"S": delivery.status}},
                names={"#status": "status"},
            )
            deltas = {**_found_to_be_sent(delivery), what.value: 1}
            try:
                self._db.transact(
                    lambda: [update, count_results(self._table, account_id, campaign_id, deltas)],  # noqa: B023 - called before the next turn
                    deadline,
                )
            except ConditionFailedError:  # it has just moved, or another delivery of the same news was first
                if not backoff.wait():
                    raise UnavailableError("the message kept changing") from None
            else:
                return True


def _at(what: AfterSending) -> str:
    return f"{what}_at"


def _found_to_be_sent(delivery: StoredDelivery) -> dict[str, int]:
    """Return how the counts change when a message turns out to have been sent."""
    if delivery.status is DeliveryStatus.SENT:
        return {}
    if delivery.status is DeliveryStatus.FAILED:
        return {f"{_FAILED}{delivery.reason}": -1, "sent": 1}
    return {"sent": 1, "settled": 1}


def count_results(table: str, account_id: str, campaign_id: int, deltas: Mapping[str, int]) -> TransactionAction:
    """Return the action of a transaction that adds to a campaign's results, in any one of their slots."""
    slot = keys.campaign_results(campaign_id)[any_slot()]
    return add_to_slot(table, keys.of_account(account_id, slot), deltas)


def delivery_key(account_id: str, campaign_id: int, delivery_id: str) -> Item:
    """Return the key of a message's line in the log."""
    return keys.of_account(account_id, keys.delivery(campaign_id, delivery_id))


def _key_of(message: Message) -> Item:
    return delivery_key(message.account_id, message.campaign_id, message.delivery_id)


def _slot(item: Item) -> Mapping[str, int]:
    return Attributes("campaign's results", item).counts()


def _sum_of_slots(slots: Iterable[Mapping[str, int]]) -> Results:
    totals: dict[str, int] = {}
    for slot in slots:
        for name, figure in slot.items():
            totals[name] = totals.get(name, 0) + figure

    def by_reason(prefix: str) -> dict[str, int]:
        return {
            name.removeprefix(prefix): totals[name]
            for name in sorted(totals)
            if name.startswith(prefix) and totals[name]
        }

    return Results(
        queued=totals.get("queued", 0),
        settled=totals.get("settled", 0),
        sent=totals.get("sent", 0),
        after_sending={what: totals.get(what, 0) for what in AfterSending},
        skipped=by_reason(_SKIPPED),
        failed=by_reason(_FAILED),
    )


def _delivery(item: Item) -> StoredDelivery:
    delivery = Attributes("campaign's message", item)
    status = delivery.one_of("status", DeliveryStatus)
    return StoredDelivery(
        delivery_id=delivery.text("delivery_id"),
        profile_id=delivery.text("profile_id"),
        status=status,
        sending_until=delivery.moment("sending_until") if status is DeliveryStatus.SENDING else None,
        reason=delivery.optional(delivery.text, "reason"),
        at=delivery.moment("moved_at"),
        after_sending={what: delivery.moment(_at(what)) for what in AfterSending if delivery.has(_at(what))},
    )
