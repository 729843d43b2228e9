"""Segments and the events in their life. Plain values, no AWS."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from api_segments.core.channels import Channel
from api_segments.core.errors import SegmentsError


class SegmentStatus(StrEnum):
    """Life of a segment."""

    ACTIVE = "active"
    DELETED = "deleted"


class SegmentEventName(StrEnum):
    """Events in the life of a segment (their detail-type)."""

    CREATED = "Segment Created"
    RENAMED = "Segment Renamed"
    DELETED = "Segment Deleted"


@dataclass(frozen=True, slots=True)
class NewSegment:
    """What a client says of a segment that it creates: an entry of a create request, its fields named as there."""

    segment_name: str
    customer_segment_id: str | None = None
    description: str | None = None
    tags: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class SegmentChange:
    """What a client changes of a segment: None is left as it is, an empty text or no tags take away what is there."""

    segment_name: str | None = None
    description: str | None = None
    tags: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class CreateRequest:
    """A create request: its entries as they were sent and, by index, what they ask for or why they can't be read."""

    sent: Sequence[object]
    entries: Mapping[int, NewSegment]
    refused: Mapping[int, SegmentsError]


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment(NewSegment):
    """A named set of users. Once deleted, its purge notes when it had ended.

    `campaign_ids` are the campaigns that use it, which keeps it from being deleted, and some that did and have ended.
    `changed_at` is when its name, description or tags changed last, None if never. Who created and deleted it is told
    by the name of a passcode, None before passcodes had names. `digest_since` is from when on its counters have had its
    digest: its creation, or, of one that is older than digests, when reconciliation had counted it; None before that.
    """

    account_id: str
    segment_id: int
    status: SegmentStatus
    created_at: str
    deleted_at: str | None = None
    purged_at: str | None = None
    digest_since: str | None = None
    changed_at: str | None = None
    created_by: str | None = None
    deleted_by: str | None = None
    campaign_ids: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class SegmentCounts:
    """Members of a segment, all and by reachable channel; `as_of` is when they last changed, None if never.

    `digest` is what the counters say of who they are (`digests`), None if it is not known. `joined` and `left` are how
    often users did so in all, since the segment was created or its counters had them. The counts are not whole if a
    counter is damaged, or moved while being read.
    """

    members: int
    reachable: Mapping[Channel, int]
    as_of: str | None
    digest: int | None
    joined: int = 0
    left: int = 0
    is_whole: bool = True


NO_MEMBERS = SegmentCounts(0, dict.fromkeys(Channel, 0), None, 0)
CountedSegment = tuple[Segment, SegmentCounts]


@dataclass(frozen=True, slots=True)
class DayNote:
    """What was noted of a segment when a day (UTC) began, or a moment later: at `noted_at`."""

    day: date
    noted_at: str
    counts: SegmentCounts


@dataclass(frozen=True, slots=True)
class Day:
    """A day (UTC) of a segment.

    `counts` are as of the end of it, `ended_at`, or of today so far; None if nobody noted them. `joined` and `left` are
    since `began_at`, as a rule the beginning of the day: earlier after a day on whose end nobody noted anything. They
    are None if they are not known. `corrected` is by how much reconciliation mended the number of members meanwhile.
    """

    day: date
    began_at: str | None = None
    ended_at: str | None = None
    counts: SegmentCounts | None = None
    joined: int | None = None
    left: int | None = None
    corrected: int | None = None


@dataclass(frozen=True, slots=True)
class Trend:
    """The members of a segment at the ends of some days, None where nobody noted them."""

    segment_id: int
    members: Sequence[int | None]


@dataclass(frozen=True, slots=True)
class SegmentFilter:
    """Which segments to list: of a status (None: of any), with a customer id or a beginning of it, with a tag."""

    status: SegmentStatus | None
    customer_segment_id: str | None = None
    customer_segment_id_prefix: str | None = None
    tag: str | None = None


@dataclass(frozen=True, slots=True)
class SegmentReference:
    """How a request names a segment: by our id, the customer's, or both."""

    segment_id: int | None = None
    customer_segment_id: str | None = None


@dataclass(frozen=True, slots=True)
class SegmentEvent:
    """A `Segment Created`, `Segment Renamed` or `Segment Deleted`, ready for the bus."""

    name: SegmentEventName
    segment: Segment
    previous_name: str | None
    event_id: str
    sequence: str
    occurred_at: datetime
