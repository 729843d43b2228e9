"""Campaigns table: what campaigns are and how far they have come, in the stages of `stages`.

The steps that queue their messages are in `store_walks`, the messages in `store_deliveries`.

A campaign's content, up to 200 KB, is an item of its own: once the campaign has begun it never changes, while the
campaign does with each page.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from api_segments.aws import keys
from api_segments.aws.dynamodb import ConditionFailedError, DynamoDB, Get, Item
from api_segments.aws.items import Attributes, Readings, passing_over
from api_segments.aws.transactions import TransactionAction, put_action, update_action
from api_segments.campaigns.model import (
    Audience,
    Campaign,
    CampaignEventName,
    CampaignStatus,
    Results,
    SkipReason,
    TargetMode,
    Trigger,
)
from api_segments.campaigns.stages import Walk
from api_segments.core.clock import Deadline, rfc3339
from api_segments.core.limits import MAX_LIVE_CAMPAIGNS
from api_segments.memberships.model import Action

_NOTED_AS = {CampaignEventName.STARTED: "start_told", CampaignEventName.COMPLETED: "end_told"}


class TooManyCampaignsError(Exception):
    """The account's live campaigns are used up; nothing was written."""


class RequestKnownError(Exception):
    """A creation with this Idempotency-Key was there first; nothing was written."""


@dataclass(frozen=True, slots=True)
class KnownRequest:
    """What an earlier creation with an Idempotency-Key was, by a digest of its body, and what it created."""

    key: str
    digest: str
    campaign_id: int
    expires_at: int


class CampaignStore:
    """Reads and writes campaigns."""

    def __init__(self, db: DynamoDB, table: str) -> None:
        self._db = db
        self._table = table

    def get(self, account_id: str, campaign_id: int, deadline: Deadline) -> Campaign | None:
        """Read a campaign with its content, consistently."""
        wanted = (keys.campaign(campaign_id), keys.campaign_content(campaign_id))
        found = self._db.batch_get([Get(self._table, keys.of_account(account_id, sk)) for sk in wanted], deadline)
        if 0 not in found:
            return None
        content = Attributes("campaign's content", found.get(1, {})).parsed("content", _read_content)
        return replace(_campaign(found[0]), content=content)

    def get_state(self, account_id: str, campaign_id: int, deadline: Deadline) -> tuple[Campaign, Walk] | None:
        """Read a campaign, without its content, and how far it has come, consistently."""
        item = self._db.get(self._table, keys.of_account(account_id, keys.campaign(campaign_id)), deadline)
        return None if item is None else (_campaign(item), _walk(item))

    def get_many(self, account_id: str, campaign_ids: Sequence[int], deadline: Deadline) -> Readings[int, Campaign]:
        """Read those of the campaigns that are there, without their content, consistently."""
        gets = [
            Get(self._table, keys.of_account(account_id, keys.campaign(campaign_id))) for campaign_id in campaign_ids
        ]
        found = self._db.batch_get(gets, deadline)
        return Readings({campaign_ids[index]: item for index, item in found.items()}, _campaign)

    def newest(self, account_id: str, first: int, last: int, at_most: int, deadline: Deadline) -> list[Campaign]:
        """Return campaigns with ids from `first` to `last`, without their content, the newest first, consistently.

        Damaged ones are left out.
        """
        if first > last:
            return []
        return self._db.query(
            at_most,
            passing_over(_campaign),
            deadline,
            TableName=self._table,
            ConsistentRead=True,
            ScanIndexForward=False,
            KeyConditionExpression="account_id = :account AND sk BETWEEN :first AND :last",
            ExpressionAttributeValues={
                ":account": {"S": account_id},
                ":first": {"S": keys.campaign(first)},
                ":last": {"S": keys.campaign(last)},
            },
        )

    def live(self, account_id: str, deadline: Deadline) -> list[Campaign]:
        """Return the account's scheduled and running campaigns, without their content, as of a moment ago.

        Damaged ones are left out.
        """
        return self._db.query(
            None,
            passing_over(_campaign),
            deadline,
            TableName=self._table,
            KeyConditionExpression="account_id = :account AND begins_with(sk, :campaigns)",
            # So that one whose status is damaged is not passed over unseen.
            FilterExpression="#status <> :completed AND #status <> :stopped",
            ExpressionAttributeNames={"#status": "status"},
            ExpressionAttributeValues={
                ":account": {"S": account_id},
                ":campaigns": {"S": keys.CAMPAIGNS},
                ":completed": {"S": CampaignStatus.COMPLETED},
                ":stopped": {"S": CampaignStatus.STOPPED},
            },
        )

    def acting_on(self, account_id: str, trigger: Trigger, deadline: Deadline) -> list[int]:
        """Return the ids of campaigns that act on a change, or did until they ended just now, consistently."""
        return self._db.query(
            None,
            lambda item: keys.id_of_trigger(item["sk"]["S"]),
            deadline,
            TableName=self._table,
            ConsistentRead=True,
            KeyConditionExpression="account_id = :account AND begins_with(sk, :trigger)",
            ExpressionAttributeValues={
                ":account": {"S": account_id},
                ":trigger": {"S": keys.triggers(trigger.segment_id, trigger.action)},
            },
        )

    def has_room(self, account_id: str, deadline: Deadline) -> bool:
        """Whether the account may have one more live campaign at this moment."""
        item = self._db.get(self._table, keys.of_account(account_id, keys.LIVE_CAMPAIGNS), deadline)
        return item is None or _live(item) < MAX_LIVE_CAMPAIGNS

    def known_request(self, account_id: str, key: str, now: datetime, deadline: Deadline) -> KnownRequest | None:
        """Return what an Idempotency-Key created, unless that is forgotten."""
        item = self._db.get(self._table, keys.of_account(account_id, keys.campaign_request(key)), deadline)
        if item is None:
            return None
        note = Attributes("campaign request's note", item)
        known = KnownRequest(key, note.text("digest"), note.whole("campaign_id"), note.whole("expires_at"))
        return None if known.expires_at < now.timestamp() else known

    def reserve(self, campaign: Campaign, deadline: Deadline) -> bool:
        """Write a campaign's content, which makes its id its own; False if another has the id."""
        return self._db.put_new(self._table, _content(campaign), "account_id", deadline)

    def give_up(self, campaign: Campaign, deadline: Deadline) -> None:
        """Take back what `reserve` wrote."""
        self._db.batch_delete(
            self._table, [keys.of_account(campaign.account_id, keys.campaign_content(campaign.campaign_id))], deadline
        )

    def create(self, campaign: Campaign, request: KnownRequest | None, now: datetime, deadline: Deadline) -> None:
        """Write a campaign whose id is reserved, count it, and let changes find it: all or nothing.

        Raises TooManyCampaignsError, RequestKnownError, ThrottledError or UnavailableError; only after the last two it
        may have been written all the same.
        """
        actions = [
            update_action(
                self._table,
                keys.of_account(campaign.account_id, keys.LIVE_CAMPAIGNS),
                "ADD live :one",
                condition="attribute_not_exists(account_id) OR live < :most",
                values={":one": {"N": "1"}, ":most": {"N": str(MAX_LIVE_CAMPAIGNS)}},
            ),
            put_action(self._table, self._to_item(campaign), condition="attribute_not_exists(account_id)"),
        ]
        if campaign.trigger is not None:
            item = {**self._trigger_key(campaign, campaign.trigger), "campaign_id": {"N": str(campaign.campaign_id)}}
            actions.append(put_action(self._table, item))
        if request is not None:
            actions.append(self._put_request(campaign, request, now))
        try:
            self._db.transact(lambda: actions, deadline)
        except ConditionFailedError as exc:
            if 0 in exc.failures:
                raise TooManyCampaignsError from exc
            raise RequestKnownError from exc

    def edit(self, before: Campaign, after: Campaign, deadline: Deadline) -> bool:
        """Write what was planned anew, all or nothing; False if it has begun, or was edited, since it was read."""
        planned = _planned(after)
        gone = sorted(set(_planned(before)) - set(planned))
        values = {f":{name}": value for name, value in planned.items()}
        update = update_action(
            self._table,
            keys.of_account(after.account_id, keys.campaign(after.campaign_id)),
            "SET "
            + ", ".join(f"{name} = :{name}" for name in planned)
            + (f" REMOVE {', '.join(gone)}" if gone else ""),
            condition="#status = :scheduled AND "
            + ("edits = :seen" if before.version else "attribute_not_exists(edits)"),
            values={
                **values,
                ":scheduled": {"S": CampaignStatus.SCHEDULED},
                **({":seen": {"N": str(before.version)}} if before.version else {}),
            },
            names={"#status": "status"},
        )
        contents = [] if after.content == before.content else [put_action(self._table, _content(after))]
        try:
            self._db.transact(lambda: [update, *contents], deadline)
        except ConditionFailedError:
            return False
        return True

    def start(self, campaign: Campaign, now: str, deadline: Deadline) -> bool:
        """Turn a scheduled campaign into a running one; False if it is no longer scheduled, or for another time."""
        return self._db.update(
            deadline,
            TableName=self._table,
            Key=keys.of_account(campaign.account_id, keys.campaign(campaign.campaign_id)),
            UpdateExpression="SET #status = :running, started_at = :now",
            ConditionExpression="#status = :scheduled AND starts_at = :starts_at",
            ExpressionAttributeNames={"#status": "status"},
            ExpressionAttributeValues={
                ":starts_at": _planned(campaign)["starts_at"],
                ":running": {"S": CampaignStatus.RUNNING},
                ":scheduled": {"S": CampaignStatus.SCHEDULED},
                ":now": {"S": now},
            },
        )

    def end(
        self,
        campaign: Campaign,
        status: CampaignStatus,
        now: str,
        deadline: Deadline,
        stop_reason: SkipReason | None = None,
    ) -> bool:
        """Turn a live campaign into a completed or stopped one, which then counts as live no more.

        False if it is no longer of the status that it has in `campaign`.
        """
        why: Item = {} if stop_reason is None else {":why": {"S": stop_reason}}
        actions = [
            update_action(
                self._table,
                keys.of_account(campaign.account_id, keys.campaign(campaign.campaign_id)),
                "SET #status = :ended, ended_at = :now" + (", stop_reason = :why" if why else ""),
                condition="#status = :live",
                values={":ended": {"S": status}, ":live": {"S": campaign.status}, ":now": {"S": now}, **why},
                names={"#status": "status"},
            ),
            update_action(
                self._table,
                keys.of_account(campaign.account_id, keys.LIVE_CAMPAIGNS),
                "ADD live :one_less",
                condition="attribute_not_exists(account_id) OR attribute_exists(live)",
                values={":one_less": {"N": "-1"}},
                tells_found=True,
            ),
        ]
        try:
            self._db.transact(lambda: actions, deadline)
        except ConditionFailedError as exc:
            if count := exc.failures.get(1):
                _live(count)
            return False
        return True

    def forget_trigger(self, campaign: Campaign, deadline: Deadline) -> None:
        """Let no change find an online campaign any more, when all its messages have ended."""
        if campaign.trigger is not None:
            self._db.batch_delete(self._table, [self._trigger_key(campaign, campaign.trigger)], deadline)

    def note_published(self, campaign: Campaign, event: CampaignEventName, deadline: Deadline) -> None:
        """Note that the event of the campaign's start or end was published."""
        name = _NOTED_AS[event]
        self._db.update(
            deadline,
            TableName=self._table,
            Key=keys.of_account(campaign.account_id, keys.campaign(campaign.campaign_id)),
            UpdateExpression=f"SET {name} = :true",
            ConditionExpression="attribute_exists(account_id)",
            ExpressionAttributeValues={":true": {"BOOL": True}},
        )

    def keep_end_results(self, campaign: Campaign, results: Results, deadline: Deadline) -> bool:
        """Keep what the event of the campaign's end says; False if that is kept."""
        told = {"queued": results.queued, "sent": results.sent, "skipped": results.skipped, "failed": results.failed}
        return self._db.update(
            deadline,
            TableName=self._table,
            Key=keys.of_account(campaign.account_id, keys.campaign(campaign.campaign_id)),
            UpdateExpression="SET end_results = :results",
            ConditionExpression="attribute_exists(account_id) AND attribute_not_exists(end_results)",
            ExpressionAttributeValues={":results": {"S": json.dumps(told)}},
        )

    def _put_request(self, campaign: Campaign, request: KnownRequest, now: datetime) -> TransactionAction:
        item = {
            **keys.of_account(campaign.account_id, keys.campaign_request(request.key)),
            "digest": {"S": request.digest},
            "campaign_id": {"N": str(campaign.campaign_id)},
            "expires_at": {"N": str(request.expires_at)},
        }
        return put_action(
            self._table,
            item,
            condition="attribute_not_exists(account_id) OR expires_at < :now",
            values={":now": {"N": str(int(now.timestamp()))}},
        )

    def _trigger_key(self, campaign: Campaign, trigger: Trigger) -> Item:
        return keys.of_account(
            campaign.account_id, keys.trigger(trigger.segment_id, trigger.action, campaign.campaign_id)
        )

    def _to_item(self, campaign: Campaign) -> Item:
        item: Item = {
            **keys.of_account(campaign.account_id, keys.campaign(campaign.campaign_id)),
            **_planned(campaign),
            "campaign_id": {"N": str(campaign.campaign_id)},
            "target_mode": {"S": campaign.target_mode},
            "status": {"S": campaign.status},
            "created_at": {"S": campaign.created_at},
            "version": {"N": "0"},
            "queued": {"N": "0"},
        }
        if campaign.created_by is not None:
            item["created_by"] = {"S": campaign.created_by}
        if campaign.trigger is not None:
            item["trigger_segment_id"] = {"N": str(campaign.trigger.segment_id)}
            item["trigger_action"] = {"S": campaign.trigger.action}
        return item if campaign.started_at is None else item | {"started_at": {"S": campaign.started_at}}


def _planned(campaign: Campaign) -> Item:
    """Return the attributes that an edit may change, those that the campaign has."""
    item: Item = {
        "campaign_name": {"S": campaign.name},
        "include": _numbers(campaign.audience.include),
        "exclude": _numbers(campaign.audience.exclude),
    }
    if campaign.users_limit is not None:
        item["users_limit"] = {"N": str(campaign.users_limit)}
    if campaign.version:
        item["edits"] = {"N": str(campaign.version)}
        item["start_edit"] = {"N": str(campaign.start_version)}
    if campaign.former_segments:
        item["former_segments"] = _numbers(campaign.former_segments)
    texts = {
        "asked_when": campaign.when,
        "when_time_zone": campaign.when_time_zone,
        "starts_at": None if campaign.starts_at is None else rfc3339(campaign.starts_at),
    }
    return item | {name: {"S": text} for name, text in texts.items() if text is not None}


def _content(campaign: Campaign) -> Item:
    return {
        **keys.of_account(campaign.account_id, keys.campaign_content(campaign.campaign_id)),
        "content": {"S": json.dumps(campaign.content, ensure_ascii=False)},
    }


def _numbers(values: Sequence[int]) -> Item:
    return {"L": [{"N": str(value)} for value in values]}


def _live(count: Item) -> int:
    return Attributes("count of campaigns", count).whole("live")


def _read_content(kept: object) -> Mapping[str, str]:
    if not isinstance(kept, dict) or not all(isinstance(value, str) for value in kept.values()):
        raise ValueError("no texts by name")
    return kept


def _number(value: Item) -> int:
    return int(value["N"])


def _campaign(item: Item) -> Campaign:
    campaign = Attributes(_KIND, item)
    campaign_id, trigger = campaign.whole("campaign_id"), None
    if campaign_id != keys.id_in(campaign.text("sk")):
        raise campaign.damaged("campaign_id")
    if campaign.has("trigger_action") or campaign.has("trigger_segment_id"):
        trigger = Trigger(campaign.whole("trigger_segment_id"), campaign.one_of("trigger_action", Action))
    starts_at = campaign.optional(campaign.moment, "starts_at")
    status = campaign.one_of("status", CampaignStatus)
    if (starts_at is None) is (trigger is None):  # offline ones have the one, online ones the other
        raise campaign.damaged("starts_at")
    if status in (CampaignStatus.RUNNING, CampaignStatus.COMPLETED) and not campaign.has("started_at"):
        raise campaign.damaged("started_at")
    if not status.is_live and not campaign.has("ended_at"):
        raise campaign.damaged("ended_at")
    return Campaign(
        account_id=campaign.text("account_id"),
        campaign_id=campaign_id,
        name=campaign.text("campaign_name"),
        target_mode=campaign.one_of("target_mode", TargetMode),
        audience=Audience(campaign.listed("include", _number), campaign.listed("exclude", _number)),
        trigger=trigger,
        starts_at=None if starts_at is None else datetime.fromisoformat(starts_at).astimezone(UTC),
        content={},
        users_limit=campaign.optional(campaign.whole, "users_limit"),
        status=status,
        created_at=campaign.moment("created_at"),
        created_by=campaign.optional(campaign.text, "created_by"),
        when=campaign.optional(campaign.text, "asked_when"),
        when_time_zone=campaign.optional(campaign.text, "when_time_zone"),
        started_at=campaign.optional(campaign.moment, "started_at"),
        ended_at=campaign.optional(campaign.moment, "ended_at"),
        version=campaign.optional(campaign.whole, "edits") or 0,
        start_version=campaign.optional(campaign.whole, "start_edit") or 0,
        former_segments=campaign.listed("former_segments", _number) if campaign.has("former_segments") else (),
        stop_reason=campaign.one_of("stop_reason", SkipReason) if campaign.has("stop_reason") else None,
    )


_KIND = "campaign"


def _walk(item: Item) -> Walk:
    walk = Attributes(_KIND, item)
    return Walk(
        version=walk.whole("version"),
        after=walk.optional(walk.text, "after_profile"),
        seen_all=walk.optional(walk.flag, "seen_all") or False,
        pending=walk.listed("pending", _text) if walk.has("pending") else (),
        queued=walk.whole("queued"),
        walked_at=walk.optional(walk.moment, "walked_at"),
        start_published=walk.optional(walk.flag, _NOTED_AS[CampaignEventName.STARTED]) or False,
        end_published=walk.optional(walk.flag, _NOTED_AS[CampaignEventName.COMPLETED]) or False,
        end_results=walk.parsed("end_results", _results) if walk.has("end_results") else None,
    )


def _results(kept: Mapping[str, Any]) -> Results:
    skipped, failed = ({reason: int(kept[name][reason]) for reason in kept[name]} for name in ("skipped", "failed"))
    return Results(queued=int(kept["queued"]), sent=int(kept["sent"]), skipped=skipped, failed=failed)


def _text(value: Item) -> str:
    return str(value["S"])
