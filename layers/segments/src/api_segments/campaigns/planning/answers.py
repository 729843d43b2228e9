"""The bodies of answers about campaigns: their shapes, and how they are written."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Literal

from typing_extensions import TypeAliasType, TypedDict

from api_segments.campaigns.model import (
    AfterSending,
    Campaign,
    CampaignSettings,
    Delivery,
    DeliveryStatus,
    Outcome,
    Results,
    SkipReason,
    TargetMode,
)
from api_segments.campaigns.planning.bodies import TargetModeBody
from api_segments.campaigns.planning.times import LocalStart, as_number
from api_segments.core.clock import rfc3339
from api_segments.http.described import (
    CAMPAIGN_ID,
    SEGMENT_ID,
    About,
    ActionBody,
    Done,
    Guid,
    NextCursor,
    moment,
)
from api_segments.http.fields import TaggedBy
from api_segments.profiles.model import TokenType

CampaignStatusBody = TypeAliasType(
    "CampaignStatusBody",
    Annotated[Literal["scheduled", "running", "completed", "stopped"], About("How far a campaign is.", "completed")],
)
MessageStatusBody = TypeAliasType(
    "MessageStatusBody",
    Annotated[Literal["queued", "sending", "sent", "skipped", "failed"], About("How far a message is.", "sent")],
)
StopReasonBody = TypeAliasType(
    "StopReasonBody",
    Annotated[
        Literal["account_disabled", "no_api_segments"],
        About("What an account lacked to send when its campaign's turn came.", "account_disabled"),
    ],
)
CampaignId = Annotated[int, About("The campaign's id.", CAMPAIGN_ID)]
Status = Annotated[CampaignStatusBody, About("How far the campaign is.", "completed")]
StartedAt = Annotated[str | None, moment("When it started; null before.")]
EndedAt = Annotated[str | None, moment("When it ended or was stopped; null before.")]
Queued = Annotated[int, About("Messages that were ever queued.", 1630)]
Waiting = Annotated[int, About("Those of the queued that have not ended.", 0)]
Sent = Annotated[int, About("Messages that a provider took.", 1610)]
Bounced = Annotated[int, About("Emails of those sent that came back for good.", 8)]
Complained = Annotated[int, About("Emails of those sent that their users complained about.", 1)]
Unsubscribed = Annotated[int, About("Emails of those sent whose link was used to unsubscribe.", 4)]


EstimatesBody = TypeAliasType(
    "EstimatesBody", Annotated[dict[str, int], About("Numbers of users, by the target mode.", {"email": 1630})]
)
CountsByReasonBody = TypeAliasType(
    "CountsByReasonBody", Annotated[dict[str, int], About("Numbers of messages, by reason.", {"refused": 17})]
)
FilledInContentBody = TypeAliasType(
    "FilledInContentBody", Annotated[dict[str, str], About("Fields, filled in for one user.", {"body": "Hello Ada"})]
)


class CampaignCreatedBody(TypedDict):
    """A campaign that was created."""

    status: Done
    message: Annotated[str, About("What happens next.", "Added to queue for processing")]
    id: CampaignId


class CampaignEstimateBody(TypedDict):
    """How many users a campaign would reach."""

    status: Done
    estimates: Annotated[EstimatesBody, About("The number of users.")]


CreateCampaignResultBody = TypeAliasType(
    "CreateCampaignResultBody",
    Annotated[
        CampaignCreatedBody | CampaignEstimateBody, About("A new campaign, or with `estimate_only` an estimate.")
    ],
)


class CampaignSegmentsBody(TypedDict):
    """Whom a campaign is for, by the API's ids of segments."""

    include: Annotated[list[int], About("Segments whose users get it.", [SEGMENT_ID])]
    exclude: Annotated[list[int], About("Segments whose users don't.", [])]


class LocalStartBody(TypedDict):
    """What a local time means."""

    starts_at: Annotated[str, moment("The moment.")]
    time_zone: Annotated[str, About("The account's time zone.", "Europe/Berlin")]
    utc_offset: Annotated[str, About("How far local time is ahead of UTC then.", "+01:00")]
    comes_twice: Annotated[
        bool, About("Whether clocks go back over that time; the first of the two is meant.", example=False)
    ]


class GetCampaignStartResultBody(TypedDict):
    """What a local time of the account means."""

    status: Done
    start: Annotated[LocalStartBody, About("What it means.")]


class CampaignEventBody(TypedDict):
    """The change that an online campaign acts on."""

    type: Annotated[Literal["event"], About("The campaign is online: it acts on a change.", "event")]
    segment: Annotated[int, About("The segment that users join or leave.", SEGMENT_ID)]
    action: Annotated[ActionBody, About("Joining or leaving.", "ADD")]


class MessageCountsBody(TypedDict):
    """What became of a campaign's messages, in sums."""

    queued: Queued
    waiting: Waiting
    sent: Sent
    skipped: Annotated[int, About("Messages that were not sent, since they were not to be.", 415)]
    failed: Annotated[int, About("Messages that could not be sent.", 17)]
    bounced: Bounced
    complained: Complained
    unsubscribed: Unsubscribed


class CampaignBody(TypedDict):
    """A campaign."""

    id: CampaignId
    name: Annotated[str, About("What people call it.", "Spring sale")]
    target_mode: Annotated[TargetModeBody, About("How it sends.", "email")]
    status: Status
    scheduled_on: Annotated[
        int | None, About("When it sends, YYYYMMDDHHMM in `time_zone`; null for an online campaign.", 202612010930)
    ]
    starts_at: Annotated[str | None, moment("The same moment in UTC; null for an online campaign.")]
    time_zone: Annotated[str, About("The account's time zone now.", "Europe/Berlin")]
    created_at: Annotated[str, moment("When it was created.")]
    created_by: Annotated[
        str | None, About("The name of the passcode that created it; null before passcodes had names.", "nightly sync")
    ]
    started_at: StartedAt
    ended_at: EndedAt
    segments: Annotated[CampaignSegmentsBody, About("Whom it is for.")]
    when: Annotated[
        str | Annotated[CampaignEventBody, TaggedBy("type", "event")],
        About("When it sends, as it was asked for, or at which change.", "20261201 09:30"),
    ]
    when_time_zone: Annotated[
        str | None,
        About("The account's time zone when `when` was written; null unless that is a local time.", "Europe/Berlin"),
    ]
    users_limit_overall: Annotated[int | None, About("The most messages in all; null if there is none.", 10000)]
    version: Annotated[int, About("How often it was edited.", 0)]
    result: Annotated[MessageCountsBody, About("What became of its messages.")]


class CampaignListBody(TypedDict):
    """A page of campaigns."""

    status: Done
    targets: Annotated[list[CampaignBody], About("The campaigns of this page.")]
    cursor: NextCursor


class EditCampaignResultBody(TypedDict):
    """A campaign that was edited."""

    status: Done
    message: Annotated[str, About("What was done.", f"Target {CAMPAIGN_ID} edited")]
    version: Annotated[int, About("Its version now.", 1)]


class StopCampaignResultBody(TypedDict):
    """A campaign that is stopped."""

    status: Done
    message: Annotated[str, About("What was done.", f"Target {CAMPAIGN_ID} stopped")]


class CampaignResultBody(TypedDict):
    """What became of a campaign's messages, by reason."""

    status: Status
    stop_reason: Annotated[
        StopReasonBody | None, About("Why it was stopped without a request; null unless that is so.", None)
    ]
    queued: Queued
    waiting: Waiting
    sent: Sent
    skipped: Annotated[
        CountsByReasonBody,
        About("Messages that were not sent, since they were not to be.", {"unreachable": 412, "removed": 3}),
    ]
    failed: Annotated[CountsByReasonBody, About("Messages that could not be sent.")]
    bounced: Bounced
    complained: Complained
    unsubscribed: Unsubscribed
    started_at: StartedAt
    ended_at: EndedAt


class CampaignWithContentBody(CampaignBody):
    """A campaign with its content."""

    content: Annotated[dict[str, str], About("What its messages say, by the fields of the channel.")]


class GetCampaignResultBody(TypedDict):
    """A campaign, and what became of its messages."""

    status: Done
    result: Annotated[CampaignResultBody, About("What became of its messages.")]
    target: Annotated[CampaignWithContentBody, About("The campaign.")]


class CampaignMessageBody(TypedDict):
    """A message of a campaign."""

    identity: Annotated[str | None, About("Your id of the user; null for an anonymous or erased one.", "CT123456")]
    guid: Guid
    status: Annotated[MessageStatusBody, About("What became of the message.", "sent")]
    reason: Annotated[str | None, About("Why it was not sent; null if it was, or may still be.", "unreachable")]
    at: Annotated[str, moment("When it was last written down.")]
    bounced_at: Annotated[str | None, moment("When the email came back for good; null if it is not known to have.")]
    complained_at: Annotated[str | None, moment("When the user complained about the email.")]
    unsubscribed_at: Annotated[str | None, moment("When the user used the link in the email.")]


class CampaignMessageListBody(TypedDict):
    """A page of a campaign's messages."""

    status: Done
    log: Annotated[list[CampaignMessageBody], About("The messages of this page.")]
    cursor: NextCursor


class CampaignPreviewBody(TypedDict):
    """A content as one user would get it."""

    status: Done
    preview: Annotated[FilledInContentBody, About("What the user would get.")]


class SentTestBody(TypedDict):
    """What became of a test message."""

    status: Annotated[Literal["sent", "failed"], About("Whether the provider took it.", "sent")]
    reason: Annotated[str | None, About("Why it was not sent, as in a campaign's results.", None)]


class SendTestMessageResultBody(TypedDict):
    """What became of a test message."""

    status: Done
    test: Annotated[SentTestBody, About("What became of it.")]


class SenderBody(TypedDict):
    """An address that emails may come from."""

    email: Annotated[str, About("The address.", "news@example.com")]
    verified: Annotated[bool, About("Whether SES has verified it or its domain.", example=True)]


class WebhookBody(TypedDict):
    """An address that webhook campaigns may call."""

    name: Annotated[str, About("What contents call it.", "crm")]
    url: Annotated[str, About("Its address.", "https://crm.example.com/hook")]


class PushServicesBody(TypedDict):
    """Which push services have an application."""

    fcm: Annotated[bool, About("Whether pushes to Android have one.", example=True)]
    apns: Annotated[bool, About("Whether pushes to Apple's devices have one.", example=False)]


class TestRecipientBody(TypedDict):
    """Who may get test messages."""

    type: Annotated[
        Literal["email", "phone", "fcm", "apns", "chrome"],
        About("What the address is; the last three are tokens.", "email"),
    ]
    address: Annotated[str, About("The address.", "ada@example.com")]


class CampaignSettingsBody(TypedDict):
    """What the account declared for its campaigns; no secrets."""

    time_zone: Annotated[str, About("The time zone of `when` and of days.", "Europe/Berlin")]
    senders: Annotated[list[SenderBody], About("Addresses that emails may come from.")]
    webhooks: Annotated[list[WebhookBody], About("Addresses that webhook campaigns may call.")]
    push: Annotated[PushServicesBody, About("Which push services have an application.")]
    test_recipients: Annotated[list[TestRecipientBody], About("Who may get test messages.")]


class GetCampaignSettingsResultBody(TypedDict):
    """What the account declared for its campaigns."""

    status: Done
    settings: Annotated[CampaignSettingsBody, About("What was declared.")]


def created_body(campaign_id: int) -> CampaignCreatedBody:
    """Write that a campaign was created."""
    return {"status": "success", "message": "Added to queue for processing", "id": campaign_id}


def start_body(start: LocalStart) -> GetCampaignStartResultBody:
    """Write what a local time means."""
    return {
        "status": "success",
        "start": {
            "starts_at": rfc3339(start.moment),
            "time_zone": start.time_zone,
            "utc_offset": start.utc_offset,
            "comes_twice": start.comes_twice,
        },
    }


def estimates_body(mode: TargetMode, users: int) -> CampaignEstimateBody:
    """Write how many users a campaign would reach."""
    return {"status": "success", "estimates": {mode.value: users}}


def edited_body(campaign: Campaign) -> EditCampaignResultBody:
    """Write that a campaign was edited."""
    message = f"Target {campaign.campaign_id} edited"
    return {"status": "success", "message": message, "version": campaign.version}


def stopped_body(campaign_id: int) -> StopCampaignResultBody:
    """Write that a campaign is stopped."""
    return {"status": "success", "message": f"Target {campaign_id} stopped"}


def preview_body(rendered: Mapping[str, str]) -> CampaignPreviewBody:
    """Write a content as one user would get it."""
    return {"status": "success", "preview": dict(rendered)}


def sent_test_body(outcome: Outcome) -> SendTestMessageResultBody:
    """Write what became of a test message."""
    is_sent = outcome.status is DeliveryStatus.SENT
    return {"status": "success", "test": {"status": "sent" if is_sent else "failed", "reason": outcome.reason}}


def targets_body(rows: Sequence[tuple[Campaign, Results]], time_zone: str, cursor: str | None) -> CampaignListBody:
    """Write a part of the list of campaigns."""
    return {
        "status": "success",
        "targets": [_entry(campaign, results, time_zone) for campaign, results in rows],
        "cursor": cursor,
    }


def result_body(campaign: Campaign, results: Results, time_zone: str) -> GetCampaignResultBody:
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
            "bounced": results.after_sending.get(AfterSending.BOUNCED, 0),
            "complained": results.after_sending.get(AfterSending.COMPLAINED, 0),
            "unsubscribed": results.after_sending.get(AfterSending.UNSUBSCRIBED, 0),
            "started_at": campaign.started_at,
            "ended_at": campaign.ended_at,
        },
        "target": {**_entry(campaign, results, time_zone), "content": dict(campaign.content)},
    }


def deliveries_body(rows: Sequence[Delivery], cursor: str | None) -> CampaignMessageListBody:
    """Write a part of a campaign's log."""
    log: list[CampaignMessageBody] = [
        {
            "identity": row.identity,
            "guid": row.profile_id,
            "status": row.status.value,
            "reason": row.reason,
            "at": row.at,
            "bounced_at": row.after_sending.get(AfterSending.BOUNCED),
            "complained_at": row.after_sending.get(AfterSending.COMPLAINED),
            "unsubscribed_at": row.after_sending.get(AfterSending.UNSUBSCRIBED),
        }
        for row in rows
    ]
    return {"status": "success", "log": log, "cursor": cursor}


def settings_body(settings: CampaignSettings, verified: Mapping[str, bool]) -> GetCampaignSettingsResultBody:
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
            "test_recipients": [
                {"type": each.type.value, "address": each.address} for each in settings.test_recipients
            ],
        },
    }


def _entry(campaign: Campaign, results: Results, time_zone: str) -> CampaignBody:
    return {
        "id": campaign.campaign_id,
        "name": campaign.name,
        "target_mode": campaign.target_mode.value,
        "status": campaign.status.value,
        "scheduled_on": None if campaign.starts_at is None else as_number(campaign.starts_at, time_zone),
        "starts_at": None if campaign.starts_at is None else rfc3339(campaign.starts_at),
        "time_zone": time_zone,
        "created_at": campaign.created_at,
        "created_by": campaign.created_by,
        "started_at": campaign.started_at,
        "ended_at": campaign.ended_at,
        "segments": {"include": list(campaign.audience.include), "exclude": list(campaign.audience.exclude)},
        "when": _when(campaign),
        "when_time_zone": campaign.when_time_zone,
        "users_limit_overall": campaign.users_limit,
        "version": campaign.version,
        "result": {
            "queued": results.queued,
            "waiting": _waiting(results),
            "sent": results.sent,
            "skipped": sum(results.skipped.values()),
            "failed": sum(results.failed.values()),
            "bounced": results.after_sending.get(AfterSending.BOUNCED, 0),
            "complained": results.after_sending.get(AfterSending.COMPLAINED, 0),
            "unsubscribed": results.after_sending.get(AfterSending.UNSUBSCRIBED, 0),
        },
    }


def _when(campaign: Campaign) -> str | CampaignEventBody:
    if campaign.trigger is None:
        return campaign.when or ""
    return {"type": "event", "segment": campaign.trigger.segment_id, "action": campaign.trigger.action.value}


def _stop_reason(campaign: Campaign) -> Literal["account_disabled", "no_api_segments"] | None:
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
