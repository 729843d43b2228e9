"""Create and rename segments."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from segments.clock import Clock, Deadline, rfc3339
from segments.errors import (
    ConflictError,
    InvalidRequestError,
    NotFoundError,
    NotWrittenError,
    QuotaExceededError,
    SegmentDeletedError,
    SegmentsError,
)
from segments.limits import MAX_ACTIVE_SEGMENTS
from segments.model import NewSegment, Segment, Status
from segments.stores.dynamodb import chunks
from segments.stores.segments import SEGMENTS_PER_INSERT, InsertRefusedError, SegmentStore


@dataclass
class CreateResult:
    """What came of each entry of a create request, by its place: a segment, or why there is none."""

    created: dict[int, Segment]
    refused: dict[int, SegmentsError]


class SegmentService:
    """Segments of an account."""

    def __init__(self, segments: SegmentStore, clock: Clock) -> None:
        self._segments = segments
        self._clock = clock

    def create(self, account_id: str, entries: Sequence[NewSegment], deadline: Deadline) -> CreateResult:
        """Create segments; each entry stands or falls alone, and of two alike the first stands."""
        result = CreateResult({}, {})
        self._refuse_repeats(entries, result)
        wanted = [entry.customer_segment_id for place, entry in enumerate(entries) if place not in result.refused]
        try:
            claimed = self._segments.claimed(account_id, [wish for wish in wanted if wish is not None], deadline)
        except NotWrittenError as error:
            return CreateResult({}, {**dict.fromkeys(range(len(entries)), error), **result.refused})
        for place, entry in enumerate(entries):
            if place not in result.refused and entry.customer_segment_id in claimed:
                result.refused[place] = _taken()
        open_places = [place for place in range(len(entries)) if place not in result.refused]
        for places in chunks(open_places, SEGMENTS_PER_INSERT):
            self._insert(account_id, entries, places, result, deadline)
        return result

    @staticmethod
    def _refuse_repeats(entries: Sequence[NewSegment], result: CreateResult) -> None:
        names: dict[str, int] = {}
        customer_ids: set[str] = set()
        for place, entry in enumerate(entries):
            first = names.setdefault(entry.name, place)
            if first != place:
                result.refused[place] = InvalidRequestError(
                    f"segment_name: entry [{first}] of this request has the same"
                )
            elif entry.customer_segment_id in customer_ids:
                result.refused[place] = _taken()
            elif entry.customer_segment_id is not None:
                customer_ids.add(entry.customer_segment_id)

    def _insert(
        self,
        account_id: str,
        entries: Sequence[NewSegment],
        places: Sequence[int],
        result: CreateResult,
        deadline: Deadline,
    ) -> None:
        """Insert the entries at `places` in one transaction, without those that it turns out can't be."""
        pending = list(places)
        while pending:
            segments = self._new_segments(account_id, [entries[place] for place in pending])
            try:
                self._segments.insert(account_id, segments, deadline)
            except InsertRefusedError as exc:
                for taken in exc.taken_customer_ids:
                    result.refused[pending[taken]] = _taken()
                pending = [place for place in pending if place not in result.refused]
                if exc.free_places is not None:
                    for place in pending[exc.free_places :]:
                        result.refused[place] = QuotaExceededError(
                            f"the account has {MAX_ACTIVE_SEGMENTS} active segments, the most there may be"
                        )
                    pending = pending[: exc.free_places]
            except NotWrittenError as exc:
                result.refused.update(dict.fromkeys(pending, exc))
                return
            else:
                result.created.update(zip(pending, segments, strict=True))
                return

    def _new_segments(self, account_id: str, entries: Sequence[NewSegment]) -> list[Segment]:
        """Give ids: microseconds since 1970, one apart within a request; below 2^53 until the year 2255."""
        now = self._clock.now()
        first_id = int(now.timestamp()) * 1_000_000 + now.microsecond
        return [
            Segment(
                account_id=account_id,
                segment_id=first_id + offset,
                name=entry.name,
                customer_segment_id=entry.customer_segment_id,
                status=Status.ACTIVE,
                created_at=rfc3339(now + timedelta(microseconds=offset)),
            )
            for offset, entry in enumerate(entries)
        ]

    def rename(self, account_id: str, segment_id: int, name: str, deadline: Deadline) -> None:
        """Give an active segment another name; raises NotFoundError or SegmentDeletedError."""
        if not self._segments.rename(account_id, segment_id, name, deadline):
            known = self._segments.get(account_id, segment_id, deadline)
            raise no_such_segment(segment_id) if known is None else segment_deleted(segment_id)


def no_such_segment(segment_id: int) -> NotFoundError:
    """Return the error for an id that the account has no segment of."""
    return NotFoundError(f"there is no segment {segment_id}")


def segment_deleted(segment_id: int) -> SegmentDeletedError:
    """Return the error for a segment that was deleted."""
    return SegmentDeletedError(f"segment {segment_id} was deleted")


def _taken() -> ConflictError:
    return ConflictError("customer_segment_id: already in use")
