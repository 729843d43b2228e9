"""Look campaigns up, list them, and tell what became of their messages."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from api_segments.campaigns.errors import no_such_campaign
from api_segments.campaigns.model import Campaign, CampaignStatus, Delivery, Results, TargetMode
from api_segments.campaigns.planning.named_segments import NamedSegments, SegmentAt
from api_segments.campaigns.running.runs import CampaignStores
from api_segments.core.clock import Deadline
from api_segments.core.limits import MAX_SEGMENT_ID
from api_segments.core.paging import Page, Position
from api_segments.memberships.store import MembershipStore

# A page of a list that is narrowed by more than days reads about so many campaigns at most, of 1 KB each, and as many
# a call as LOOKED_AT says.
LOOKED_THROUGH = 1000
LOOKED_AT = 100


@dataclass(frozen=True, slots=True)
class CampaignFilter:
    """Which campaigns to list; None is any. `name` is a part of theirs, in any case.

    `segment` is one that they use, as a request names it, and `segment_id` the same, once it is found.
    """

    created: tuple[datetime | None, datetime | None] = (None, None)
    name: str | None = None
    status: CampaignStatus | None = None
    target_mode: TargetMode | None = None
    segment: SegmentAt | None = None
    segment_id: int | None = None

    def takes(self, campaign: Campaign) -> bool:
        """Whether a campaign is of those, whenever it was created."""
        return (
            (self.name is None or self.name.casefold() in campaign.name.casefold())
            and self.status in (None, campaign.status)
            and self.target_mode in (None, campaign.target_mode)
            and (self.segment_id is None or self.segment_id in campaign.segment_ids)
        )

    @property
    def is_open(self) -> bool:
        """Whether it takes all campaigns of its days."""
        return replace(self, created=(None, None)) == CampaignFilter()


class CampaignReads:
    """Reads campaigns of an account. Raises ThrottledError or UnavailableError."""

    def __init__(self, stores: CampaignStores, named: NamedSegments, memberships: MembershipStore) -> None:
        self._stores = stores
        self._named = named
        self._memberships = memberships

    def get(self, account_id: str, campaign_id: int, deadline: Deadline) -> tuple[Campaign, Results]:
        """Return a campaign with its content, and what became of its messages; raises NotFoundError."""
        campaign = self._stores.campaigns.get(account_id, campaign_id, deadline)
        if campaign is None:
            raise no_such_campaign(campaign_id)
        return campaign, self._stores.deliveries.results(account_id, campaign_id, deadline)

    def newest(
        self,
        account_id: str,
        wanted: CampaignFilter,
        after: Position | None,
        limit: int,
        deadline: Deadline,
    ) -> Page[tuple[Campaign, Results]]:
        """List campaigns with their results, the newest first, from after `after` on.

        At most LOOKED_THROUGH campaigns are read for a page, which may be short then, or empty, and not the last.
        """
        if wanted.segment is not None:
            (segment_id,) = self._named.ids(account_id, [wanted.segment], deadline, takes_deleted=True).values()
            wanted = replace(wanted, segment_id=segment_id)
        first, last = (None if moment is None else int(moment.timestamp()) * 1_000_000 for moment in wanted.created)
        last_id = MAX_SEGMENT_ID if last is None else min(last - 1, MAX_SEGMENT_ID)
        if after is not None:
            last_id = min(last_id, int(after[0]) - 1)
        rows, goes_on_at = self._looked_through(account_id, wanted, (max(first or 0, 0), last_id), limit, deadline)
        results: Mapping[int, Results] = {}
        if wanted.is_open and rows:
            results = self._stores.deliveries.results_between(
                account_id, rows[-1].campaign_id, rows[0].campaign_id, deadline
            )
        elif rows:
            results = self._stores.deliveries.results_of(account_id, [row.campaign_id for row in rows], deadline)
        return Page([(row, results.get(row.campaign_id, Results())) for row in rows], goes_on_at)

    def _looked_through(
        self, account_id: str, wanted: CampaignFilter, ids: tuple[int, int], limit: int, deadline: Deadline
    ) -> tuple[list[Campaign], Position | None]:
        """Return the newest campaigns with ids in these bounds that are wanted, and where the list goes on."""
        (first, last), rows = ids, list[Campaign]()
        at_once = limit if wanted.is_open else max(limit, LOOKED_AT)
        looked_at = 0
        while True:
            found = self._stores.campaigns.newest(account_id, first, last, at_once + 1, deadline)
            for campaign in found[:at_once]:
                last = campaign.campaign_id - 1
                looked_at += 1
                if wanted.takes(campaign):
                    rows.append(campaign)
                if len(rows) == limit:
                    break
            if not found or last < found[-1].campaign_id:
                return rows, None
            if len(rows) == limit or looked_at >= LOOKED_THROUGH:
                return rows, (last + 1,)

    def log(
        self, account_id: str, campaign_id: int, after: Position | None, limit: int, deadline: Deadline
    ) -> Page[Delivery]:
        """List a campaign's messages, in an order that never changes, from after `after` on; raises NotFoundError.

        Identities are those of this moment: an erased user has none.
        """
        if self._stores.campaigns.get_state(account_id, campaign_id, deadline) is None:
            raise no_such_campaign(campaign_id)
        since = None if after is None else str(after[0])
        found = self._stores.deliveries.page(account_id, campaign_id, since, limit + 1, deadline)
        rows = found[:limit]
        profile_ids = list(dict.fromkeys(row.profile_id for row in rows))
        images = self._memberships.get_many(account_id, profile_ids, deadline).without_damaged()
        identities = {profile_id: image.identity for profile_id, image in images.items()}
        deliveries = [
            Delivery(
                row.delivery_id,
                row.profile_id,
                identities.get(row.profile_id),
                row.status,
                row.reason,
                row.at,
                row.after_sending,
            )
            for row in rows
        ]
        return Page(deliveries, (rows[-1].delivery_id,) if len(found) > limit else None)
