"""What there is: accounts, segments, users and changes. Plain values, no AWS."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Generic, TypeVar

from segments.errors import SegmentsError

Row = TypeVar("Row")
Position = tuple[str | int, ...]
"""Where a list goes on, in the terms of that list."""


@dataclass(frozen=True, slots=True)
class Page(Generic[Row]):
    """A part of a list, and the position from which it goes on; None at its end."""

    rows: Sequence[Row]
    goes_on_at: Position | None


class Plan(StrEnum):
    """Plans of an account; API Segments need one of the last two."""

    ESSENTIALS = "Essentials"
    ADVANCED = "Advanced"
    CUTTING_EDGE = "Cutting Edge"


class Channel(StrEnum):
    """Ways to reach a profile."""

    EMAIL = "email"
    SMS = "sms"
    PUSH = "push"
    WHATSAPP = "whatsapp"
    WEB_PUSH = "web_push"


class TokenType(StrEnum):
    """Kinds of push tokens: Android, Apple, browser."""

    FCM = "fcm"
    APNS = "apns"
    CHROME = "chrome"


class Action(StrEnum):
    """What an update asks for a (user, segment) pair."""

    ADD = "ADD"
    REMOVE = "REMOVE"


class Status(StrEnum):
    """Life of a segment or an account."""

    ACTIVE = "active"
    DELETED = "deleted"
    DISABLED = "disabled"


class SegmentEventName(StrEnum):
    """Events in the life of a segment (their detail-type)."""

    CREATED = "Segment Created"
    RENAMED = "Segment Renamed"
    DELETED = "Segment Deleted"


@dataclass(frozen=True, slots=True)
class Tenant:
    """The account that a request acts for, as the authorizer found it."""

    account_id: str
    plan: Plan
    private_beta: bool

    @property
    def has_api_segments(self) -> bool:
        """Whether plan and beta flag allow API Segments (api.md, Plans)."""
        return self.plan in (Plan.ADVANCED, Plan.CUTTING_EDGE) and self.private_beta


@dataclass(frozen=True, slots=True)
class Passcode:
    """A stored passcode: its name, the hash that is kept, when it was made."""

    passcode_id: str
    digest: str
    created_at: str


@dataclass(frozen=True, slots=True)
class Account:
    """A tenant."""

    account_id: str
    name: str
    plan: Plan
    private_beta: bool
    status: Status
    created_at: str
    passcodes: tuple[Passcode, ...] = ()

    @property
    def tenant(self) -> Tenant:
        """The account as requests carry it."""
        return Tenant(self.account_id, self.plan, self.private_beta)


@dataclass(frozen=True, slots=True)
class Segment:
    """A named set of users. Once deleted, its purge notes whom it took away, and when it had ended."""

    account_id: str
    segment_id: int
    name: str
    customer_segment_id: str | None
    status: Status
    created_at: str
    deleted_at: str | None = None
    purged_at: str | None = None
    purged_members: int = 0


@dataclass(frozen=True, slots=True)
class SegmentCounts:
    """Members of a segment, all and by reachable channel; `as_of` is when they last changed, None if never."""

    members: int
    reachable: Mapping[Channel, int]
    as_of: str | None


NO_MEMBERS = SegmentCounts(0, dict.fromkeys(Channel, 0), None)
CountedSegment = tuple[Segment, SegmentCounts]


@dataclass(frozen=True, slots=True)
class SegmentFilter:
    """Which segments to list: of a status (None: of any), with a customer id or a beginning of it."""

    status: Status | None
    customer_segment_id: str | None = None
    customer_segment_id_prefix: str | None = None


@dataclass(frozen=True, slots=True)
class Member:
    """A profile in a segment; `added_at` is None for a moment after it was added."""

    profile_id: str
    identity: str | None
    added_at: str | None
    reach: frozenset[Channel] = frozenset()


@dataclass(frozen=True, slots=True)
class NewSegment:
    """One entry of a create request."""

    name: str
    customer_segment_id: str | None


@dataclass(frozen=True, slots=True)
class UserReference:
    """How a request names a user; `identity` wins when both are there."""

    identity: str | None = None
    guid: str | None = None


@dataclass(frozen=True, slots=True)
class SegmentReference:
    """How a request names a segment: by our id, the customer's, or both."""

    segment_id: int | None = None
    customer_segment_id: str | None = None


@dataclass(frozen=True, slots=True)
class UpdateGroup:
    """Users and what to do with each of them: every action for every user."""

    users: Sequence[UserReference]
    actions: Sequence[tuple[SegmentReference, Action]]


@dataclass(frozen=True, slots=True)
class Rejection:
    """A (user, segment) pair that an update could not bring about."""

    user: UserReference
    segment: SegmentReference
    action: Action
    error: SegmentsError


@dataclass(frozen=True, slots=True)
class KeptRejection:
    """A rejection as the error stream keeps it; `error_slug` is the error's `slug`."""

    occurred_at: str
    request_id: str
    user: UserReference
    segment: SegmentReference
    action: Action
    error_slug: str
    message: str


@dataclass
class UpdateResult:
    """What an update did, counted in (user, segment) pairs."""

    added: int = 0
    removed: int = 0
    unchanged: int = 0
    profiles_created: int = 0
    rejections: list[Rejection] = field(default_factory=list)

    @property
    def processed(self) -> int:
        """Pairs that now are as asked."""
        return self.added + self.removed + self.unchanged


@dataclass(frozen=True, slots=True)
class ProfileSegments:
    """A user and the active segments it is in."""

    identity: str
    profile_id: str
    segments: Sequence[Segment]


AttributeValue = str | int | float | bool

# The attributes that have a meaning of their own; all others are custom.
STANDARD_ATTRIBUTES = frozenset(
    {"Name", "Email", "Phone", "Gender", "DOB", "MSG-email", "MSG-sms", "MSG-push", "MSG-whatsapp"}
)


@dataclass(frozen=True, slots=True)
class Token:
    """A device's address for push messages."""

    type: TokenType
    token_id: str


@dataclass(frozen=True, slots=True)
class Profile:
    """What is known of a user. `version` grows by one with each write; 0 means that nothing has been written."""

    profile_id: str
    identity: str | None
    attributes: Mapping[str, AttributeValue] = field(default_factory=dict)
    tokens: frozenset[Token] = frozenset()
    version: int = 0


@dataclass(frozen=True, slots=True)
class ProfileUpdate:
    """One record of an upload: whom it is about, and what it sets and clears; `creates` whoever does not exist."""

    identity: str | None
    guid: str | None
    attributes: Mapping[str, AttributeValue] = field(default_factory=dict)
    removed_attributes: frozenset[str] = frozenset()
    added_tokens: frozenset[Token] = frozenset()
    removed_tokens: frozenset[Token] = frozenset()
    creates: bool = True

    def applied_to(self, profile: Profile) -> Profile:
        """Return the profile as this record makes it."""
        kept = {name: value for name, value in profile.attributes.items() if name not in self.removed_attributes}
        return replace(
            profile,
            identity=self.identity or profile.identity,
            attributes={**kept, **self.attributes},
            tokens=(profile.tokens | self.added_tokens) - self.removed_tokens,
        )


@dataclass(frozen=True, slots=True)
class Usage:
    """What an account used in a month (`YYYY-MM`, UTC)."""

    month: str
    data_points: int
    plan: Plan


@dataclass(frozen=True, slots=True)
class Purge:
    """One write of a deleted segment's clean-up; no two have the same `token`."""

    segment_id: int
    token: str


@dataclass(frozen=True, slots=True)
class MembershipImage:
    """A profile's Memberships item at one moment; `purge` is the purge that wrote it last, if one did."""

    identity: str | None
    segment_ids: frozenset[int]
    reach: frozenset[Channel]
    purge: Purge | None = None


NOBODY = MembershipImage(identity=None, segment_ids=frozenset(), reach=frozenset())


@dataclass(frozen=True, slots=True)
class MembershipRecord:
    """One write to a Memberships item, as its stream tells it.

    `event_id` and `sequence` are the stream record's own; `sequence` is zero-padded so that text sorts in order.
    """

    event_id: str
    sequence: str
    occurred_at: datetime
    account_id: str
    profile_id: str
    old: MembershipImage
    new: MembershipImage

    @property
    def joined(self) -> frozenset[int]:
        """Segments that the profile was not in before."""
        return self.new.segment_ids - self.old.segment_ids

    @property
    def left(self) -> frozenset[int]:
        """Segments that the profile is no longer in."""
        return self.old.segment_ids - self.new.segment_ids


@dataclass(frozen=True, slots=True)
class SegmentRecord:
    """One write to a segment, as the stream of Segments tells it; `new` is None where it moved away from."""

    event_id: str
    sequence: str
    occurred_at: datetime
    old: Segment | None
    new: Segment | None


@dataclass(frozen=True, slots=True)
class SegmentEvent:
    """A `Segment Created`, `Segment Renamed` or `Segment Deleted`, ready for the bus."""

    name: SegmentEventName
    segment: Segment
    previous_name: str | None
    event_id: str
    sequence: str
    occurred_at: datetime


@dataclass(frozen=True, slots=True)
class ChangeEvent:
    """A `Segment Membership Change`, ready for the bus."""

    action: Action
    segment: Segment
    identity: str | None
    profile_id: str
    event_id: str
    sequence: str
    occurred_at: datetime
