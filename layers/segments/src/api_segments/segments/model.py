"""Segments and the events in their life. Plain values, no AWS."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
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


@dataclass(frozen=True, slots=True)
class CreateRequest:
    """A create request: its entries as they were sent and, by index, what they ask for or why they can't be read."""

    sent: Sequence[object]
    entries: Mapping[int, NewSegment]
    refused: Mapping[int, SegmentsError]


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment(NewSegment):
    """A named set of users. Once deleted, its purge notes when it had ended.

    `is_used` is whether campaigns that are scheduled or running use it, which keeps it from being deleted.
    `digest_since` is from when on its counters have had its digest: its creation, or, of one that is older than
    digests, when reconciliation had counted it; None before that.
    """

    account_id: str
    segment_id: int
    status: SegmentStatus
    created_at: str
    deleted_at: str | None = None
    purged_at: str | None = None
    digest_since: str | None = None
    is_used: bool = False


@dataclass(frozen=True, slots=True)
class SegmentCounts:
    """Members of a segment, all and by reachable channel; `as_of` is when they last changed, None if never.

    `digest` is what the counters say of who they are (`digests`), None if they are damaged or moved while being read.
    """

    members: int
    reachable: Mapping[Channel, int]
    as_of: str | None
    digest: int | None


NO_MEMBERS = SegmentCounts(0, dict.fromkeys(Channel, 0), None, 0)
CountedSegment = tuple[Segment, SegmentCounts]


@dataclass(frozen=True, slots=True)
class SegmentFilter:
    """Which segments to list: of a status (None: of any), with a customer id or a beginning of it."""

    status: SegmentStatus | None
    customer_segment_id: str | None = None
    customer_segment_id_prefix: str | None = None


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
