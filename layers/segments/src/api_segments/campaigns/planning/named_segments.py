"""Segments as requests name them, which lead to the ids that a campaign has."""

from collections.abc import Sequence
from dataclasses import dataclass

from api_segments.campaigns.model import Audience, Campaign, Trigger
from api_segments.core.clock import Deadline
from api_segments.core.errors import NotFoundError, SegmentDeletedError
from api_segments.memberships.model import Action
from api_segments.memberships.store_references import ReferenceStore
from api_segments.segments.model import SegmentReference, SegmentStatus
from api_segments.segments.store_uses import SegmentUseStore


@dataclass(frozen=True, slots=True)
class SegmentAt:
    """A segment as a request names it, and the path in the request that does."""

    reference: SegmentReference
    path: str


@dataclass(frozen=True, slots=True)
class AskedAudience:
    """Whom a request means, and for an online campaign the change that it acts on."""

    include: Sequence[SegmentAt] = ()
    exclude: Sequence[SegmentAt] = ()
    trigger: tuple[SegmentAt, Action] | None = None


class NamedSegments:
    """Looks segments up. Raises NotFoundError, which names the path, ThrottledError or UnavailableError."""

    def __init__(self, references: ReferenceStore) -> None:
        self._references = references

    def audience(self, account_id: str, asked: AskedAudience, deadline: Deadline) -> tuple[Audience, Trigger | None]:
        """Return whom a request means, by ids; raises SegmentDeletedError, too."""
        triggering = () if asked.trigger is None else (asked.trigger[0],)
        ids = self.ids(account_id, (*asked.include, *asked.exclude, *triggering), deadline)
        audience = Audience(
            *(tuple(dict.fromkeys(ids[each.reference] for each in side)) for side in (asked.include, asked.exclude))
        )
        if asked.trigger is None:
            return audience, None
        return audience, Trigger(ids[asked.trigger[0].reference], asked.trigger[1])

    def ids(
        self, account_id: str, named: Sequence[SegmentAt], deadline: Deadline, *, takes_deleted: bool = False
    ) -> dict[SegmentReference, int]:
        """Return the ids of segments; raises SegmentDeletedError, unless it takes those that were deleted, too."""
        references = list(dict.fromkeys(each.reference for each in named))
        found = self._references.find(account_id, references, [], deadline).segments
        ids: dict[SegmentReference, int] = {}
        for each in named:
            segment = found.get(each.reference)
            if segment is None:
                raise NotFoundError(f"{each.path}: there is no segment {_show(each.reference)}")
            if segment.status is SegmentStatus.DELETED and not takes_deleted:
                raise SegmentDeletedError(f"{each.path}: segment {_show(each.reference)} was deleted")
            ids[each.reference] = segment.segment_id
        return ids


def mark_used(uses: SegmentUseStore, campaign: Campaign, segment_ids: Sequence[int], deadline: Deadline) -> None:
    """Mark segments as used by a campaign; raises SegmentDeletedError."""
    if not uses.mark(campaign.account_id, segment_ids, campaign.campaign_id, deadline):
        raise SegmentDeletedError("segments: one of them has just been deleted")


def _show(reference: SegmentReference) -> str:
    return str(reference.segment_id) if reference.segment_id is not None else "with this customer_segment_id"
