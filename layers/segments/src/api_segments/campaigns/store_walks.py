"""Campaigns table: a campaign's steps (`stages` draws them), each one transaction with its log and its counts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from api_segments.aws import keys
from api_segments.aws.dynamodb import TRANSACTION_ACTIONS, ConditionFailedError, DynamoDB, Item
from api_segments.aws.transactions import TransactionAction, put_action, update_action
from api_segments.campaigns.model import Campaign, CampaignStatus, DeliveryStatus, Message, Outcome
from api_segments.campaigns.stages import Walk
from api_segments.campaigns.store_deliveries import count_results, delivery_key
from api_segments.core.clock import Deadline, rfc3339
from api_segments.core.limits import DELIVERY_LOG_DAYS

# A page of a walk is one transaction: besides its deliveries, the campaign and its results.
CAMPAIGN_PAGE = TRANSACTION_ACTIONS - 2

QUEUED = Outcome(DeliveryStatus.QUEUED)


class StepRefusedError(Exception):
    """Nothing was written: the campaign is no longer as it was read, or these messages are in its log already."""

    def __init__(self, *, campaign_moved: bool, logged: frozenset[str]) -> None:
        super().__init__("the campaign did not go on")
        self.campaign_moved = campaign_moved
        self.logged = logged


@dataclass(frozen=True, slots=True)
class LogEntry:
    """A message to put into the log: queued, or skipped at once."""

    message: Message
    outcome: Outcome
    at: datetime


class WalkStore:
    """Takes campaigns further."""

    def __init__(self, db: DynamoDB, table: str) -> None:
        self._db = db
        self._table = table

    def advance(
        self, campaign: Campaign, seen: Walk, to: Walk, entries: Sequence[LogEntry], deadline: Deadline
    ) -> None:
        """Take a campaign's walk (WALKING) from `seen` to `to`, with at most CAMPAIGN_PAGE entries of its log.

        Raises StepRefusedError, ThrottledError or UnavailableError.
        """
        values: Item = {
            ":seen": {"N": str(seen.version)},
            ":next": {"N": str(to.version)},
            ":seen_all": {"BOOL": to.seen_all},
            ":pending": {"L": [{"S": delivery_id} for delivery_id in to.pending]},
            ":queued": {"N": str(to.queued)},
            ":running": {"S": CampaignStatus.RUNNING},
        }
        sets = "SET version = :next, seen_all = :seen_all, pending = :pending, queued = :queued"
        if to.walked_at is not None:
            sets += ", walked_at = :walked_at"
            values[":walked_at"] = {"S": to.walked_at}
        if to.after is None:
            sets += " REMOVE after_profile"
        else:
            sets += ", after_profile = :after"
            values[":after"] = {"S": to.after}
        update = update_action(
            self._table,
            _key(campaign),
            sets,
            condition="version = :seen AND #status = :running",
            values=values,
            names={"#status": "status"},
        )
        self._step(campaign, update, entries, deadline)

    def admit(self, campaign: Campaign, entries: Sequence[LogEntry], deadline: Deadline) -> None:
        """Log messages of an online campaign (ACTING), at most CAMPAIGN_PAGE, as far as its limit of users allows.

        Raises StepRefusedError (then, too, if not all fit under the limit), ThrottledError or UnavailableError.
        """
        queued = sum(entry.outcome == QUEUED for entry in entries)
        condition = "#status = :running"
        values: Item = {":running": {"S": CampaignStatus.RUNNING}, ":queued": {"N": str(queued)}}
        if campaign.users_limit is not None:
            condition += " AND queued <= :room"
            values[":room"] = {"N": str(campaign.users_limit - queued)}
        update = update_action(
            self._table,
            _key(campaign),
            "ADD queued :queued",
            condition=condition,
            values=values,
            names={"#status": "status"},
        )
        self._step(campaign, update, entries, deadline)

    def note_full(self, campaign: Campaign, now: str, deadline: Deadline) -> None:
        """Note when an online campaign was found to be full (SETTLING), unless that is noted."""
        self._db.update(
            deadline,
            TableName=self._table,
            Key=_key(campaign),
            UpdateExpression="SET walked_at = :now",
            ConditionExpression="attribute_exists(account_id) AND attribute_not_exists(walked_at)",
            ExpressionAttributeValues={":now": {"S": now}},
        )

    def clear_pending(self, campaign: Campaign, seen: Walk, deadline: Deadline) -> None:
        """Note that the messages of the last page are in their queue, also when the campaign was stopped."""
        self._db.update(
            deadline,
            TableName=self._table,
            Key=_key(campaign),
            UpdateExpression="SET version = :next, pending = :none",
            ConditionExpression="version = :seen",
            ExpressionAttributeValues={
                ":seen": {"N": str(seen.version)},
                ":next": {"N": str(seen.version + 1)},
                ":none": {"L": []},
            },
        )

    def _step(
        self,
        campaign: Campaign,
        update: TransactionAction,
        entries: Sequence[LogEntry],
        deadline: Deadline,
    ) -> None:
        puts = [self._put(entry) for entry in entries]
        deltas = _deltas(entries)

        def actions() -> list[TransactionAction]:
            counters = [count_results(self._table, campaign.account_id, campaign.campaign_id, deltas)] if deltas else []
            return [update, *puts, *counters]

        try:
            self._db.transact(actions, deadline)
        except ConditionFailedError as exc:
            logged = {entries[index - 1].message.delivery_id for index in exc.failures if index > 0}
            raise StepRefusedError(campaign_moved=0 in exc.failures, logged=frozenset(logged)) from exc

    def _put(self, entry: LogEntry) -> TransactionAction:
        message, outcome = entry.message, entry.outcome
        item: Item = {
            **delivery_key(message.account_id, message.campaign_id, message.delivery_id),
            "delivery_id": {"S": message.delivery_id},
            "profile_id": {"S": message.profile_id},
            "status": {"S": outcome.status},
            "moved_at": {"S": rfc3339(entry.at)},
            "expires_at": {"N": str(int((entry.at + timedelta(days=DELIVERY_LOG_DAYS)).timestamp()))},
        }
        if outcome.reason is not None:
            item["reason"] = {"S": outcome.reason}
        return put_action(self._table, item, condition="attribute_not_exists(account_id)")


def _key(campaign: Campaign) -> Item:
    return keys.of_account(campaign.account_id, keys.campaign(campaign.campaign_id))


def _deltas(entries: Sequence[LogEntry]) -> Mapping[str, int]:
    deltas: dict[str, int] = {}
    for entry in entries:
        deltas[entry.outcome.counter] = deltas.get(entry.outcome.counter, 0) + 1
    return deltas
