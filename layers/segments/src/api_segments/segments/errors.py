"""The errors for segments that are not there."""

from api_segments.core.errors import NotFoundError, SegmentDeletedError


def no_such_segment(segment_id: int) -> NotFoundError:
    """Return the error for an id that the account has no segment of."""
    return NotFoundError(f"there is no segment {segment_id}")


def segment_deleted(segment_id: int) -> SegmentDeletedError:
    """Return the error for a segment that was deleted."""
    return SegmentDeletedError(f"segment {segment_id} was deleted")
