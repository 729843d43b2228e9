"""Which membership changes the world is told of; events and data points follow the same rule."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TypeGuard

from segments.clock import Deadline
from segments.model import MembershipRecord, Segment, Status
from segments.stores.segments import SegmentStore


def segments_of(
    records: Iterable[MembershipRecord], store: SegmentStore, deadline: Deadline
) -> Mapping[tuple[str, int], Segment]:
    """Read the segments that changed members; each time anew, so that a deletion is seen at once."""
    wanted: Sequence[tuple[str, int]] = sorted(
        {(record.account_id, segment_id) for record in records for segment_id in record.joined | record.left}
    )
    return store.get_many(wanted, deadline) if wanted else {}


def is_announced(segment: Segment | None) -> TypeGuard[Segment]:
    """Whether a change of this segment is published and counted: a deleted one's clean-up is not."""
    return segment is not None and segment.status is Status.ACTIVE
