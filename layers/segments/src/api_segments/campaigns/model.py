"""Campaigns: segments put to use, at a time (offline) or on a change of membership (online). Plain values, no AWS."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from api_segments.core.channels import Channel
from api_segments.memberships.model import Action
from api_segments.profiles.model import TokenType


class TargetMode(StrEnum):
    """How a campaign reaches its users, in the words of the API."""

    EMAIL = "email"
    SMS = "sms"
    PUSH = "push"
    WHATSAPP = "whatsapp"
    WEB_PUSH = "webpush"
    WEBHOOK = "webhook"

    @property
    def channel(self) -> Channel | None:
        """The channel that a user must be reachable on; None for a webhook, which reaches everybody."""
        return None if self is TargetMode.WEBHOOK else Channel[self.name]

    @property
    def is_requested(self) -> bool:
        """Whether a provider of the account's own sends it, asked by a `Message Requested`."""
        return self in (TargetMode.WHATSAPP, TargetMode.WEB_PUSH)

    def reaches(self, reach: frozenset[Channel]) -> bool:
        """Whether a user with this reach gets the campaign's message."""
        return self.channel is None or self.channel in reach


class CampaignStatus(StrEnum):
    """Life of a campaign."""

    SCHEDULED = "scheduled"
    RUNNING = "running"
    COMPLETED = "completed"
    STOPPED = "stopped"

    @property
    def is_live(self) -> bool:
        """Whether it still uses its segments, and counts as one of the account's live campaigns."""
        return self in (CampaignStatus.SCHEDULED, CampaignStatus.RUNNING)


class DeliveryStatus(StrEnum):
    """Life of one message of a campaign."""

    QUEUED = "queued"
    SENDING = "sending"
    SENT = "sent"
    SKIPPED = "skipped"
    FAILED = "failed"


class AfterSending(StrEnum):
    """What may become known of an email after it was sent."""

    BOUNCED = "bounced"
    COMPLAINED = "complained"
    UNSUBSCRIBED = "unsubscribed"


class SkipReason(StrEnum):
    """Why a message was not sent, by right."""

    UNREACHABLE = "unreachable"
    REMOVED = "removed"  # left the audience since it was queued
    ERASED = "erased"
    STOPPED = "stopped"
    ACCOUNT_DISABLED = "account_disabled"
    NO_API_SEGMENTS = "no_api_segments"  # the account's plan or beta flag, since the campaign was created


class FailReason(StrEnum):
    """Why a message could not be sent."""

    REFUSED = "refused"  # the provider said no for good
    UNAVAILABLE = "unavailable"  # given up after retries
    TEMPLATE = "template"  # rendering failed
    OUTCOME_UNKNOWN = "outcome_unknown"  # interrupted amid the call; never sent again


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a message ended, and why if it was not sent."""

    status: DeliveryStatus
    reason: SkipReason | FailReason | None = None

    @property
    def counter(self) -> str:
        """The name under which results count it."""
        return str(self.status) if self.reason is None else f"{self.status}_{self.reason}"


class CampaignEventName(StrEnum):
    """Events in the life of a campaign (their detail-type)."""

    STARTED = "Campaign Started"
    COMPLETED = "Campaign Completed"


@dataclass(frozen=True, slots=True)
class Audience:
    """Who is meant: users in any included and in no excluded segment; all who are not excluded if none is included."""

    include: tuple[int, ...] = ()
    exclude: tuple[int, ...] = ()

    def includes(self, segment_ids: frozenset[int]) -> bool:
        """Whether a user who is in these segments is meant; exclusion wins."""
        return segment_ids.isdisjoint(self.exclude) and (not self.include or not segment_ids.isdisjoint(self.include))


@dataclass(frozen=True, slots=True)
class Trigger:
    """The change that an online campaign acts on."""

    segment_id: int
    action: Action


@dataclass(frozen=True, slots=True)
class Campaign:
    """A campaign. `when` is what the request said: `now`, a local time, or nothing for an online one.

    `when_time_zone` is the zone that a local time was written in: the account's, then. Campaigns of 0.1.0 lack it.

    `starts_at` is None for an online campaign. Lists leave `content` empty. `stop_reason` is why it was stopped, None
    if by a request. `version` counts its edits, and `start_version` is the one that its start was planned in. Segments
    that it was for before an edit, `former_segments`, bear its mark until it is over.
    """

    account_id: str
    campaign_id: int
    name: str
    target_mode: TargetMode
    audience: Audience
    trigger: Trigger | None
    starts_at: datetime | None
    content: Mapping[str, str]
    users_limit: int | None
    status: CampaignStatus
    created_at: str
    created_by: str | None = None
    when: str | None = None
    when_time_zone: str | None = None
    started_at: str | None = None
    ended_at: str | None = None
    version: int = 0
    start_version: int = 0
    former_segments: tuple[int, ...] = ()
    stop_reason: SkipReason | None = None

    @property
    def is_live(self) -> bool:
        """Whether it is scheduled or running."""
        return self.status.is_live

    @property
    def segment_ids(self) -> tuple[int, ...]:
        """All segments that the campaign uses, in order and each once."""
        triggering = () if self.trigger is None else (self.trigger.segment_id,)
        return tuple(sorted({*self.audience.include, *self.audience.exclude, *triggering}))


@dataclass(frozen=True, slots=True)
class CampaignTask:
    """What the queue of campaigns carries, as JSON: the campaign that is to go on."""

    account_id: str
    campaign_id: int

    def to_json(self) -> dict[str, object]:
        """Return the task as JSON has it."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Message:
    """What the queue of messages carries, as JSON. `event` is the change's detail, of an online campaign."""

    account_id: str
    campaign_id: int
    delivery_id: str
    profile_id: str
    event: Mapping[str, Any] | None = None

    @classmethod
    def from_json(cls, sent: Mapping[str, Any]) -> "Message":
        """Read a message of the queue; raises TypeError if it is none of ours."""
        message = cls(**sent)
        texts = (message.account_id, message.delivery_id, message.profile_id)
        are_right = [isinstance(message.event, dict | None), type(message.campaign_id) is int]
        if not all([*are_right, *(isinstance(text, str) for text in texts)]):
            raise TypeError("a field is of another type")
        return message

    def to_json(self) -> dict[str, Any]:
        """Return the message as its queue carries it."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Delivery:
    """A line of the delivery log; `identity` is None for an anonymous or erased user.

    `after_sending` is what became known of the message since it was sent, and when.
    """

    delivery_id: str
    profile_id: str
    identity: str | None
    status: DeliveryStatus
    reason: str | None
    at: str
    after_sending: Mapping[AfterSending, str]


@dataclass(frozen=True, slots=True)
class Results:
    """What became of a campaign's messages: `queued` counts all that ever were, `settled` those that have ended since.

    `skipped` and `failed` are by reason; skipped ones need not have been queued. `after_sending` tells of sent ones.
    """

    queued: int = 0
    settled: int = 0
    sent: int = 0
    skipped: Mapping[str, int] = field(default_factory=dict)
    failed: Mapping[str, int] = field(default_factory=dict)
    after_sending: Mapping[AfterSending, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Webhook:
    """An address that an account declared for its webhook campaigns, and the secret that signs the calls."""

    name: str
    url: str
    secret: str


class RecipientType(StrEnum):
    """What a recipient's address is: an email address, a phone number, or a token of one of the kinds."""

    EMAIL = "email"
    PHONE = "phone"
    FCM = "fcm"
    APNS = "apns"
    CHROME = "chrome"


@dataclass(frozen=True, slots=True)
class Recipient:
    """An address that an account declared for test messages."""

    type: RecipientType
    address: str


@dataclass(frozen=True, slots=True)
class CampaignSettings:
    """What an account declared for its campaigns.

    Its IANA time zone, senders, webhooks by name, push applications, and who gets test messages.
    """

    time_zone: str = "UTC"
    senders: tuple[str, ...] = ()
    webhooks: Mapping[str, Webhook] = field(default_factory=dict)
    push_applications: Mapping[TokenType, str] = field(default_factory=dict)
    test_recipients: tuple[Recipient, ...] = ()
