"""The events of campaigns: what they say (docs/events.md), and how they are written."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from api_segments.aws.events import (
    ACCOUNT_ID,
    IDENTITY,
    PROFILE_ID,
    BusEvent,
    EventKind,
    Json,
    identifier,
    moment,
    text,
)
from api_segments.campaigns.model import Campaign, CampaignEventName, CampaignStatus, Results, TargetMode
from api_segments.profiles.model import Profile, TokenType

MESSAGE_REQUESTED = "Message Requested"

_COUNT: Json = {"type": "integer", "format": "int64", "minimum": 0}
_COUNTS: Json = {"type": "object", "additionalProperties": _COUNT}
_ABOUT_CAMPAIGN: Mapping[str, Json] = {
    "Campaign ID": identifier("The campaign's id.", 1763901234567892),
    "Campaign Name": text("The campaign's name.", "Spring sale"),
    "Account ID": ACCOUNT_ID,
}
_LIFE: Mapping[str, Json] = {
    **_ABOUT_CAMPAIGN,
    "Target Mode": text("How it sends.", TargetMode.EMAIL, enum=list(TargetMode)),
    "Event ID": text("The same whenever this event is sent.", "SHP-7KD-42QX-1763901234567892-started"),
    "Occurred At": moment("When it started.", "2026-12-01T09:30:00.123456Z"),
}
_ENDED: Mapping[str, Json] = {
    "Event ID": text("The same whenever this event is sent.", "SHP-7KD-42QX-1763901234567892-completed"),
    "Occurred At": moment("When it ended.", "2026-12-01T09:32:31.123456Z"),
    "Status": text(
        "Whether it came to its end or was stopped.",
        CampaignStatus.COMPLETED,
        enum=[CampaignStatus.COMPLETED, CampaignStatus.STOPPED],
    ),
    "Results": {
        "type": "object",
        "description": "What had become of its messages when it ended, skipped and failed ones by reason.",
        "required": ["queued", "sent", "skipped", "failed"],
        "properties": {
            "queued": {**_COUNT, "description": "Messages that were ever queued.", "examples": [1630]},
            "sent": {**_COUNT, "description": "Messages that a provider took.", "examples": [1610]},
            "skipped": {
                **_COUNTS,
                "description": "Messages that were not sent, since they were not to be, by reason.",
                "examples": [{"removed": 3, "unreachable": 412}],
            },
            "failed": {
                **_COUNTS,
                "description": "Messages that could not be sent, by reason.",
                "examples": [{"refused": 17}],
            },
        },
        "examples": [
            {"queued": 1630, "sent": 1610, "skipped": {"removed": 3, "unreachable": 412}, "failed": {"refused": 17}}
        ],
    },
}
EVENTS: Sequence[EventKind] = (
    EventKind(CampaignEventName.STARTED, "A campaign started; an online one does when it is created.", _LIFE),
    EventKind(
        CampaignEventName.COMPLETED,
        "The last message of a campaign has ended, also of one that was stopped.",
        {**_LIFE, **_ENDED},
    ),
    EventKind(
        MESSAGE_REQUESTED,
        "A message of a campaign is to be sent by a provider of your own.",
        {
            **_ABOUT_CAMPAIGN,
            "Channel": text(
                "How it is to be sent.", TargetMode.WHATSAPP, enum=[mode for mode in TargetMode if mode.is_requested]
            ),
            "Identity": IDENTITY,
            "Profile ID": PROFILE_ID,
            "Phone": text("The user's phone number, in E.164; of `whatsapp` alone.", "+12025550123"),
            "Tokens": {
                "type": "array",
                "items": {"type": "string"},
                "description": "The user's `chrome` tokens; of `webpush` alone.",
                "examples": [["demo-token-1"]],
            },
            "Content": {
                "type": "object",
                "additionalProperties": {"type": "string"},
                "description": "The campaign's content, filled in for this user.",
                "examples": [{"body": "Hello Ada"}],
            },
            "Event ID": text(
                "The same whenever this message is requested.", "1763901234567892-5f2d6c1e9b7a4c38a1e0d4f6b8c2937a"
            ),
        },
        optional=frozenset({"Phone", "Tokens"}),
    ),
)


def life_event(name: CampaignEventName, campaign: Campaign, at: str, results: Results | None) -> BusEvent:
    """Write a `Campaign Started`, or with results a `Campaign Completed`; its Event ID is the same for ever."""
    detail: dict[str, object] = {
        **_about(campaign),
        "Target Mode": campaign.target_mode,
        "Event ID": f"{campaign.account_id}-{campaign.campaign_id}-{name.split()[-1].lower()}",
        "Occurred At": at,
    }
    if results is not None:
        told = {"queued": results.queued, "sent": results.sent, "skipped": results.skipped, "failed": results.failed}
        detail |= {"Status": campaign.status, "Results": told}
    return BusEvent(name, detail, datetime.fromisoformat(at))


def message_requested(
    campaign: Campaign, profile: Profile, content: Mapping[str, str], event_id: str, now: datetime
) -> BusEvent:
    """Write a `Message Requested`; those who take it know a repeated one by its Event ID."""
    to: dict[str, object] = {"Phone": profile.attributes.get("Phone")}
    if campaign.target_mode is TargetMode.WEB_PUSH:
        to = {"Tokens": sorted(token.token_id for token in profile.tokens if token.type is TokenType.CHROME)}
    detail = {
        **_about(campaign),
        "Channel": campaign.target_mode,
        "Identity": profile.identity,
        "Profile ID": profile.profile_id,
        **to,
        "Content": content,
        "Event ID": event_id,
    }
    return BusEvent(MESSAGE_REQUESTED, detail, now)


def _about(campaign: Campaign) -> dict[str, object]:
    return {
        "Campaign ID": campaign.campaign_id,
        "Campaign Name": campaign.name,
        "Account ID": campaign.account_id,
    }
