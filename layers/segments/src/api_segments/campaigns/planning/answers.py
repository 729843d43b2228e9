"""The bodies of answers about campaigns: their shapes, and how they are written."""

from collections.abc import Mapping, Sequence
from typing import Literal

from typing_extensions import TypedDict

from api_segments.campaigns.model import Campaign, CampaignSettings, Delivery, Results, SkipReason, TargetMode
from api_segments.campaigns.planning.times import as_number
from api_segments.profiles.model import TokenType

TargetStatus = Literal["scheduled", "running", "completed", "stopped"]
StopReason = Literal["account_disabled", "no_api_segments"]


class TargetCreatedBody(TypedDict):
    """A campaign that was created."""

    status: Literal["success"]
    message: str
    id: int


class EstimatesBody(TypedDict):
    """How many users a campaign would reach, by its target mode."""

    status: Literal["success"]
    estimates: dict[str, int]


class TargetSegmentsBody(TypedDict):
    """Whom a campaign is for, by our ids."""

    include: list[int]
    exclude: list[int]


class EventWhenBody(TypedDict):
    """The change that an online campaign acts on."""

    type: Literal["event"]
    segment: int
    action: Literal["ADD", "REMOVE"]


class SumsBody(TypedDict):
    """What became of a campaign's messages, in sums; `waiting` are those queued that have not ended."""

    queued: int
    waiting: int
    sent: int
    skipped: int
    failed: int


class TargetEntryBody(TypedDict):
    """A campaign in a list. `scheduled_on` is YYYYMMDDHHMM in the account's time zone, null for an online campaign."""

    id: int
    name: str
    target_mode: str
    status: TargetStatus
    scheduled_on: int | None
    created_at: str
    started_at: str | None
    ended_at: str | None
    segments: TargetSegmentsBody
    when: str | EventWhenBody
    users_limit_overall: int | None
    result: SumsBody


class TargetsBody(TypedDict):
    """A part of the list of campaigns."""

    status: Literal["success"]
    targets: list[TargetEntryBody]
    cursor: str | None


class DoneTargetBody(TypedDict):
    """What was done."""

    status: Literal["success"]
    message: str


class ResultBody(TypedDict):
    """What became of a campaign's messages, by reason.

    `stop_reason` is why a campaign was stopped that no request has stopped: its account might not send when it ran.
    """

    status: TargetStatus
    stop_reason: StopReason | None
    queued: int
    waiting: int
    sent: int
    skipped: dict[str, int]
    failed: dict[str, int]
    started_at: str | None
    ended_at: str | None


class FullTargetBody(TargetEntryBody):
    """A campaign with its content."""

    content: dict[str, str]


class TargetResultBody(TypedDict):
    """A campaign, and what became of its messages."""

    status: Literal["success"]
    result: ResultBody
    target: FullTargetBody


class DeliveryBody(TypedDict):
    """A message of a campaign; `identity` is null for an anonymous or erased user."""

    identity: str | None
    guid: str
    status: Literal["queued", "sending", "sent", "skipped", "failed"]
    reason: str | None
    at: str


class DeliveriesBody(TypedDict):
    """A part of a campaign's log."""

    status: Literal["success"]
    log: list[DeliveryBody]
    cursor: str | None


class PreviewResultBody(TypedDict):
    """A content as one user would get it."""

    status: Literal["success"]
    preview: dict[str, str]


class SenderBody(TypedDict):
    """An address that emails may come from."""

    email: str
    verified: bool


class WebhookBody(TypedDict):
    """An address that webhook campaigns may call."""

    name: str
    url: str


class PushBody(TypedDict):
    """Which push services have an application."""

    fcm: bool
    apns: bool


class CampaignSettingsBody(TypedDict):
    """What the account declared for its campaigns; no secrets."""

    time_zone: str
    senders: list[SenderBody]
    webhooks: list[WebhookBody]
    push: PushBody


class SettingsResultBody(TypedDict):
    """What the account declared for its campaigns."""

    status: Literal["success"]
    settings: CampaignSettingsBody


def created_body(campaign_id: int) -> TargetCreatedBody:
    """Write that a campaign was created."""
    return {"status": "success", "message": "Added to queue for processing", "id": campaign_id}


def estimates_body(mode: TargetMode, users: int) -> EstimatesBody:
    """Write how many users a campaign would reach."""
    return {"status": "success", "estimates": {mode.value: users}}


def stopped_body(campaign_id: int) -> DoneTargetBody:
    """Write that a campaign is stopped."""
    return {"status": "success", "message": f"Target {campaign_id} stopped"}


def preview_body(rendered: Mapping[str, str]) -> PreviewResultBody:
    """Write a content as one user would get it."""
    return {"status": "success", "preview": dict(rendered)}


def targets_body(rows: Sequence[tuple[Campaign, Results]], time_zone: str, cursor: str | None) -> TargetsBody:
    """Write a part of the list of campaigns."""
    return {
        "status": "success",
        "targets": [_entry(campaign, results, time_zone) for campaign, results in rows],
        "cursor": cursor,
    }


def result_body(campaign: Campaign, results: Results, time_zone: str) -> TargetResultBody:
    """Write a campaign and what became of its messages."""
    return {
        "status": "success",
        "result": {
            "status": campaign.status.value,
            "stop_reason": _stop_reason(campaign),
            "queued": results.queued,
            "waiting": _waiting(results),
            "sent": results.sent,
            "skipped": dict(results.skipped),
            "failed": dict(results.failed),
            "started_at": campaign.started_at,
            "ended_at": campaign.ended_at,
        },
        "target": {**_entry(campaign, results, time_zone), "content": dict(campaign.content)},
    }


def deliveries_body(rows: Sequence[Delivery], cursor: str | None) -> DeliveriesBody:
    """Write a part of a campaign's log."""
    log: list[DeliveryBody] = [
        {
            "identity": row.identity,
            "guid": row.profile_id,
            "status": row.status.value,
            "reason": row.reason,
            "at": row.at,
        }
        for row in rows
    ]
    return {"status": "success", "log": log, "cursor": cursor}


def settings_body(settings: CampaignSettings, verified: Mapping[str, bool]) -> SettingsResultBody:
    """Write what an account declared; `verified` tells of each sender."""
    return {
        "status": "success",
        "settings": {
            "time_zone": settings.time_zone,
            "senders": [{"email": each, "verified": verified[each]} for each in settings.senders],
            "webhooks": [{"name": each.name, "url": each.url} for each in settings.webhooks.values()],
            "push": {
                "fcm": TokenType.FCM in settings.push_applications,
                "apns": TokenType.APNS in settings.push_applications,
            },
        },
    }


def _entry(campaign: Campaign, results: Results, time_zone: str) -> TargetEntryBody:
    return {
        "id": campaign.campaign_id,
        "name": campaign.name,
        "target_mode": campaign.target_mode.value,
        "status": campaign.status.value,
        "scheduled_on": None if campaign.starts_at is None else as_number(campaign.starts_at, time_zone),
        "created_at": campaign.created_at,
        "started_at": campaign.started_at,
        "ended_at": campaign.ended_at,
        "segments": {"include": list(campaign.audience.include), "exclude": list(campaign.audience.exclude)},
        "when": _when(campaign),
        "users_limit_overall": campaign.users_limit,
        "result": {
            "queued": results.queued,
            "waiting": _waiting(results),
            "sent": results.sent,
            "skipped": sum(results.skipped.values()),
            "failed": sum(results.failed.values()),
        },
    }


def _when(campaign: Campaign) -> str | EventWhenBody:
    if campaign.trigger is None:
        return campaign.when or ""
    return {"type": "event", "segment": campaign.trigger.segment_id, "action": campaign.trigger.action.value}


def _stop_reason(campaign: Campaign) -> StopReason | None:
    match campaign.stop_reason:
        case SkipReason.ACCOUNT_DISABLED:
            return "account_disabled"
        case SkipReason.NO_API_SEGMENTS:
            return "no_api_segments"
        case _:
            return None


def _waiting(results: Results) -> int:
    """Return how many queued messages have not ended; the counters are not read at one moment."""
    return max(0, results.queued - results.settled)
