"""What the API answers, as frozen dataclasses. Fields are called as in JSON; times are `datetime` in UTC.

Fields with a default may be missing: an older stack or CleverTap does not send them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


class Guid(str):
    """Names a user by the API's own id instead of by identity: `Guid("5f2d6c1e…")`."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Reachable:
    """How many members each channel reaches now."""

    email: int
    sms: int
    push: int
    whatsapp: int
    web_push: int


@dataclass(frozen=True, slots=True)
class ReachedBy:
    """Which channels reach a user now."""

    email: bool
    sms: bool
    push: bool
    whatsapp: bool
    web_push: bool


@dataclass(frozen=True, slots=True)
class SegmentName:
    """A segment as answers to creations and look-ups of users name it."""

    id: int
    segment_name: str
    customer_segment_id: str | None = None


@dataclass(frozen=True, slots=True)
class Segment:
    """A segment with its counts; `as_of` is when they last changed, `digest` one number of who its members are."""

    id: int
    segment_name: str
    customer_segment_id: str | None
    status: str
    members: int
    reachable: Reachable
    created_at: datetime
    as_of: datetime
    digest: str | None = None
    type: str = "API Segments"
    created_by: str | None = None
    deleted_at: datetime | None = None
    deleted_by: str | None = None
    updated_at: datetime | None = None
    description: str | None = None
    tags: tuple[str, ...] = ()
    campaigns: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class NewSegment:
    """A segment to be created."""

    segment_name: str
    customer_segment_id: str | None = None
    description: str | None = None
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Refused:
    """An entry of a batch that the API did not take: the record that was sent, the code and what it said."""

    record: Any
    code: int
    error: str


@dataclass(frozen=True, slots=True)
class Creation:
    """What became of several segments."""

    segments: tuple[SegmentName, ...]
    refused: tuple[Refused, ...]


@dataclass(frozen=True, slots=True)
class Day:
    """A day (UTC) of a segment; figures are None where nobody noted them."""

    date: str
    members: int | None
    reachable: Reachable | None
    joined: int | None
    left: int | None
    corrected: int | None = None
    begins: datetime | None = field(default=None, metadata={"name": "from"})
    ends: datetime | None = field(default=None, metadata={"name": "to"})


@dataclass(frozen=True, slots=True)
class OverlapSegment:
    """A segment of a comparison."""

    id: int
    segment_name: str
    customer_segment_id: str | None
    members: int


@dataclass(frozen=True, slots=True)
class Intersection:
    """Users in all of `segments`; `only`: and in none of the others. The margins are 0 where it is exact."""

    segments: tuple[int, ...]
    members: int
    only: int
    members_margin: int
    only_margin: int


@dataclass(frozen=True, slots=True)
class Overlap:
    """How many users segments have in common; `counted` is the part of all users that was counted."""

    segments: tuple[OverlapSegment, ...]
    intersections: tuple[Intersection, ...]
    exact: bool
    counted: float


@dataclass(frozen=True, slots=True)
class Verification:
    """A segment beside a list of users. `matches` is None while the segment's digest is not known."""

    segment: Segment
    expected_members: int
    expected_digest: str

    @property
    def matches(self) -> bool | None:
        """Whether the segment has exactly the users of the list."""
        if self.segment.members != self.expected_members:
            return False
        return None if self.segment.digest is None else self.segment.digest == self.expected_digest


@dataclass(frozen=True, slots=True)
class Member:
    """A member of a segment; `identity` is None for a user who has none."""

    identity: str | None
    guid: str
    added_at: datetime | None


@dataclass(frozen=True, slots=True)
class ProfileSegments:
    """The active segments that a user is in."""

    identity: str | None
    guid: str
    segments: tuple[SegmentName, ...]


@dataclass(frozen=True, slots=True)
class Token:
    """A device of a user."""

    id: str
    type: str


@dataclass(frozen=True, slots=True)
class Profile:
    """A user as `profile.json` shows it; what CleverTap tells beyond that is in `further`."""

    profile_data: Mapping[str, Any] = field(metadata={"name": "profileData"})
    identity: str | None = None
    guid: str | None = None
    tokens: tuple[Token, ...] = ()
    reachable: ReachedBy | None = None
    opted_out: tuple[str, ...] = ()
    further: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class FoundProfile:
    """A user who has an address."""

    identity: str | None
    guid: str
    reachable: ReachedBy


@dataclass(frozen=True, slots=True)
class Suppression:
    """What is known of an address on the suppression list; `id` is a keyed hash of it."""

    id: str
    type: str
    suppressed: bool
    unsubscribed_at: datetime | None
    complained_at: datetime | None
    bounced_at: datetime | None
    entered_at: datetime | None
    lifted_at: datetime | None
    applied_at: datetime | None
    profiles: int


@dataclass(frozen=True, slots=True)
class UpdateError:
    """A rejected entry of an update, as the error stream keeps it for 30 days."""

    ct_segment_id: int | None
    customer_segment_id: str | None
    identity: str | None
    guid: str | None
    action: str
    code: int
    error: str
    occurred_at: datetime
    request_id: str


@dataclass(frozen=True, slots=True)
class Usage:
    """Data points of a month (UTC)."""

    month: str
    data_points: int
    plan: str


@dataclass(frozen=True, slots=True)
class Freshness:
    """How far lists and counts are behind, in seconds; None when nothing changed within the hour."""

    behind_seconds: float | None
    measured_at: datetime | None
    worst_last_hour_seconds: float | None


@dataclass(frozen=True, slots=True)
class ImportUpload:
    """Where the file of an import goes."""

    url: str = field(repr=False)
    method: str
    headers: Mapping[str, str]
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class ImportPreview:
    """What a file would do: rows = rejected + duplicate + skipped + unchanged + to_add (of a removal: to_remove)."""

    rows: int
    rejected: int
    duplicate: int
    skipped: int
    unchanged: int
    to_add: int
    to_create: int
    to_remove: int


@dataclass(frozen=True, slots=True)
class ImportResult:
    """What an import changed, so far or in all: also one that failed or was cancelled while it was applied."""

    added: int
    removed: int
    created: int
    superseded: int


@dataclass(frozen=True, slots=True)
class ImportUndo:
    """What undoing an import turned round."""

    added: int
    removed: int
    left_alone: int


@dataclass(frozen=True, slots=True)
class Import:
    """An import with its figures; `rejected_rows` is a link, good for an hour.

    `status` is one of awaiting_upload, reading, previewed, refused, applying, done, failed, cancelling, cancelled,
    undoing, undone. While it is cancelling, steps that are at work still change members, and `result` grows.
    """

    import_id: str
    segment_id: int
    mode: str
    status: str
    created_at: datetime
    unknown_users: str = "create"
    guard: Mapping[str, int] | None = None
    apply: str = "auto"
    reason: str | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    preview: ImportPreview | None = None
    result: ImportResult | None = None
    undo: ImportUndo | None = None
    created_by: str | None = None
    file_name: str | None = None
    rejected_rows: str | None = field(default=None, repr=False)
    upload: ImportUpload | None = None


@dataclass(frozen=True, slots=True)
class Export:
    """A file of a segment's members; `file` is a link, good for an hour."""

    export_id: str
    segment_id: int
    status: str
    created_at: datetime
    reason: str | None = None
    ended_at: datetime | None = None
    members: int | None = None
    file: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Campaign:
    """A campaign of a list; CleverTap tells `id`, `name`, `status` and `scheduled_on` of it."""

    id: int
    name: str
    status: str
    scheduled_on: int | None = None
    target_mode: str | None = None
    starts_at: datetime | None = None
    time_zone: str | None = None
    created_at: datetime | None = None
    created_by: str | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    segments: Mapping[str, Any] | None = None
    when: Any = None
    when_time_zone: str | None = None
    users_limit_overall: int | None = None
    version: int | None = None
    result: Mapping[str, Any] | None = None
    content: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class CampaignResult:
    """What became of a campaign's messages; None is what the API does not tell. CleverTap's figures are `further`."""

    status: str | None = None
    stop_reason: str | None = None
    queued: int | None = None
    waiting: int | None = None
    sent: int | None = None
    skipped: Mapping[str, int] | None = None
    failed: Mapping[str, int] | None = None
    bounced: int | None = None
    complained: int | None = None
    unsubscribed: int | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    further: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CampaignMessage:
    """A message of a campaign's delivery log."""

    identity: str | None
    guid: str
    status: str
    reason: str | None
    at: datetime
    bounced_at: datetime | None = None
    complained_at: datetime | None = None
    unsubscribed_at: datetime | None = None
