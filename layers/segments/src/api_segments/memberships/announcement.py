"""Which membership changes the world is told of; events and data points follow the same rule.

The rule looks at a record and at when its segment was deleted, neither of which ever changes. So both readers of the
stream decide alike, whenever they look and however often a record is delivered.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import TypeGuard

from api_segments.aws.items import Readings
from api_segments.core.clock import Deadline
from api_segments.memberships.model import MembershipRecord
from api_segments.segments.model import Segment
from api_segments.segments.store import SegmentStore

# A request that found a segment active may write for as long as Lambda lets it run (template.yaml: 28 s).
REQUEST_SECONDS = 30


def segments_of(
    records: Iterable[MembershipRecord], store: SegmentStore, deadline: Deadline
) -> Readings[tuple[str, int], Segment]:
    """Read the segments that changed members; each time anew, so that a deletion is seen at once."""
    wanted: Sequence[tuple[str, int]] = sorted(
        {(record.account_id, segment_id) for record in records for segment_id in record.changed}
    )
    return store.get_many(wanted, deadline)


def is_announced(segment: Segment | None, record: MembershipRecord) -> TypeGuard[Segment]:
    """Whether the record's change of this segment is published and counted.

    A change is, also while the segment is being deleted: its request may have begun before. What the clean-up of a
    deleted segment removes is not, nor what an erasure removes from it later.
    """
    if segment is None:
        return False
    if segment.segment_id in record.purged:
        return False
    if segment.deleted_at is None:
        return True
    return record.occurred_at <= datetime.fromisoformat(segment.deleted_at) + timedelta(seconds=REQUEST_SECONDS)
