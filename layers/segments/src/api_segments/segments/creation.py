"""Create and rename segments.

What comes of an entry of a create request, the first that holds:

    it can't be read, and counts for none of the others ─────────▶ refused
    its part is FOUND (store_creations), and it is in the note ──▶ created, by an earlier try
    it has the name or customer id of an entry before it ────────▶ refused
    its customer id is another segment's ────────────────────────▶ refused
    its part is FOUND ───────────────────────────────────────────▶ refused: the quota was used up then
    its part is NEW ─────insert──────────────────────────────────▶ created, or refused as the insert says

An insert that is refused for some entries is tried again without them. One that finds its part inserted meanwhile, by
another try of the same request, has the whole request looked at again.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta

from api_segments.core.clock import Clock, Deadline, rfc3339
from api_segments.core.errors import (
    ConflictError,
    InvalidRequestError,
    NotWrittenError,
    QuotaExceededError,
    SegmentsError,
)
from api_segments.core.limits import MAX_ACTIVE_SEGMENTS
from api_segments.core.parallel import chunks
from api_segments.segments.errors import no_such_segment, segment_deleted
from api_segments.segments.model import CreateRequest, NewSegment, Segment, SegmentChange, SegmentStatus
from api_segments.segments.store import SEGMENTS_PER_INSERT, AlreadyInsertedError, InsertRefusedError, SegmentStore
from api_segments.segments.store_creations import CreationStore, Part

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


@dataclass
class Creation:
    """What came of each entry of a create request, by its index: a segment, or why there is none."""

    created: dict[int, Segment]
    refused: dict[int, SegmentsError]


class SegmentService:
    """Segments of an account."""

    def __init__(self, segments: SegmentStore, creations: CreationStore, clock: Clock) -> None:
        self._segments = segments
        self._creations = creations
        self._clock = clock

    def create(
        self, account_id: str, request: CreateRequest, by: str, deadline: Deadline, name: str | None = None
    ) -> Creation:
        """Create segments; each entry stands or falls alone, and of two alike the first stands.

        `by` is the name of the passcode that asks.
        What an earlier try of a request of the same `name` has created is not created again, and counts as created.
        """
        while True:
            try:
                return self._create(account_id, request, by, name, deadline)
            except AlreadyInsertedError:  # by a try that is under way: the next turn finds what it created
                continue

    def _create(
        self, account_id: str, request: CreateRequest, by: str, name: str | None, deadline: Deadline
    ) -> Creation:
        entries = request.entries
        result = Creation({}, dict(request.refused))
        self._refuse_repeats(entries, result)
        wanted = [entry.customer_segment_id for index, entry in entries.items() if index not in result.refused]
        parts = [Part(name, tuple(indexes)) for indexes in chunks(list(entries), SEGMENTS_PER_INSERT)]
        try:
            # In this order: a claim that a try of this request has made just now is in what is found after it.
            claimed = self._segments.claimed(account_id, [wish for wish in wanted if wish is not None], deadline)
            found = self._creations.find(parts, deadline) if name is not None else {}
        except NotWrittenError as error:
            return Creation({}, {**dict.fromkeys(entries, error), **result.refused})
        for index, entry in entries.items():
            if index not in result.refused and entry.customer_segment_id in claimed:
                result.refused[index] = _taken()
        for part in parts:
            if part in found:
                self._take_found(account_id, entries, part, found[part], result)
            else:
                self._insert(account_id, by, entries, part, result, deadline)
        return result

    @staticmethod
    def _take_found(
        account_id: str, entries: Mapping[int, NewSegment], part: Part, created: Mapping[int, int], result: Creation
    ) -> None:
        """Take over what an earlier try has created; what it has not but could be now, the quota did not allow."""
        for index in part.indexes:
            if index in created:
                result.refused.pop(index, None)  # the claim is its own
                result.created[index] = created_segment(account_id, entries[index], created[index])
            elif index not in result.refused:
                result.refused[index] = _quota_used_up()

    @staticmethod
    def _refuse_repeats(entries: Mapping[int, NewSegment], result: Creation) -> None:
        names: dict[str, int] = {}
        customer_ids: set[str] = set()
        for index, entry in entries.items():
            first = names.setdefault(entry.segment_name, index)
            if first != index:
                result.refused[index] = InvalidRequestError(
                    f"segment_name: entry [{first}] of this request has the same"
                )
            elif entry.customer_segment_id in customer_ids:
                result.refused[index] = _taken()
            elif entry.customer_segment_id is not None:
                customer_ids.add(entry.customer_segment_id)

    def _insert(  # noqa: PLR0913, PLR0917 - what it is made of
        self,
        account_id: str,
        by: str,
        entries: Mapping[int, NewSegment],
        part: Part,
        result: Creation,
        deadline: Deadline,
    ) -> None:
        """Insert the entries of a part in one transaction, without those that it turns out can't be.

        Raises AlreadyInsertedError.
        """
        pending = [index for index in part.indexes if index not in result.refused]
        while pending:
            first_id = self._next_id()
            ids = {index: first_id + offset for offset, index in enumerate(pending)}
            segments = [
                created_segment(account_id, entries[index], segment_id, by) for index, segment_id in ids.items()
            ]
            note = None if part.request is None else self._creations.note(part, ids)
            try:
                self._segments.insert(account_id, segments, deadline, note)
            except InsertRefusedError as exc:
                for taken in exc.taken_customer_ids:
                    result.refused[pending[taken]] = _taken()
                pending = [index for index in pending if index not in result.refused]
                if exc.quota_left is not None:
                    for index in pending[exc.quota_left :]:
                        result.refused[index] = _quota_used_up()
                    pending = pending[: exc.quota_left]
            except NotWrittenError as exc:
                result.refused.update(dict.fromkeys(pending, exc))
                return
            else:
                result.created.update(zip(pending, segments, strict=True))
                return

    def _next_id(self) -> int:
        """Return microseconds since 1970; below 2^53 until the year 2255. Those of one request are one apart."""
        return (self._clock.now() - _EPOCH) // _MICROSECOND

    def change(self, account_id: str, segment_id: int, change: SegmentChange, deadline: Deadline) -> None:
        """Change an active segment's name, description or tags; raises NotFoundError or SegmentDeletedError."""
        changed_at = rfc3339(self._clock.now())
        if not self._segments.change(account_id, segment_id, change, changed_at, deadline):
            known = self._segments.get(account_id, segment_id, deadline)
            raise no_such_segment(segment_id) if known is None else segment_deleted(segment_id)


def created_segment(account_id: str, entry: NewSegment, segment_id: int, by: str | None = None) -> Segment:
    """Return the segment that an entry becomes, created `by` somebody; its id tells when it was created."""
    created_at = rfc3339(_EPOCH + segment_id * _MICROSECOND)
    return Segment(
        **asdict(entry),
        account_id=account_id,
        segment_id=segment_id,
        status=SegmentStatus.ACTIVE,
        created_at=created_at,
        digest_since=created_at,
        created_by=by,
    )


def _quota_used_up() -> QuotaExceededError:
    return QuotaExceededError(f"the account has {MAX_ACTIVE_SEGMENTS} active segments, the most there may be")


def _taken() -> ConflictError:
    return ConflictError("customer_segment_id: already in use")
