"""Plan a scheduled campaign anew."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from api_segments.campaigns.errors import no_such_campaign
from api_segments.campaigns.model import Campaign, CampaignStatus
from api_segments.campaigns.planning.declared import DeclaredService
from api_segments.campaigns.planning.named_segments import AskedAudience, NamedSegments, mark_used
from api_segments.campaigns.planning.starts import CampaignStarts
from api_segments.campaigns.planning.times import start_at
from api_segments.campaigns.running.runs import CampaignStores
from api_segments.core.clock import Backoff, Clock, Deadline
from api_segments.core.errors import ConflictError, UnavailableError


@dataclass(frozen=True, slots=True)
class Edit:
    """What is to be other of a scheduled campaign; None is as it was, the limit unless `changes_limit`.

    With a `version` it is changed only if it still has that.
    """

    campaign_id: int
    version: int | None = None
    name: str | None = None
    audience: AskedAudience | None = None
    when: str | None = None
    content: Mapping[str, str] | None = None
    users_limit: int | None = None
    changes_limit: bool = False


class CampaignEditService:
    """Edits campaigns of an account that are scheduled."""

    def __init__(
        self,
        stores: CampaignStores,
        named: NamedSegments,
        declared: DeclaredService,
        starts: CampaignStarts,
        clock: Clock,
    ) -> None:
        self._stores = stores
        self._named = named
        self._declared = declared
        self._starts = starts
        self._clock = clock

    def edit(self, account_id: str, wanted: Edit, deadline: Deadline) -> Campaign:
        """Plan a scheduled campaign anew, and return it; what `wanted` leaves open stays.

        What is refused changes nothing. Raises NotFoundError, ConflictError if it is not scheduled any more or not of
        the version that was asked for, and what a creation raises.
        """
        backoff = Backoff(deadline)
        while True:
            before = self._stores.campaigns.get(account_id, wanted.campaign_id, deadline)
            if before is None:
                raise no_such_campaign(wanted.campaign_id)
            if before.status is not CampaignStatus.SCHEDULED:
                raise ConflictError(
                    f"campaign {wanted.campaign_id} is {before.status}; only a scheduled one can be edited"
                )
            if wanted.version not in (None, before.version):
                raise ConflictError(f"version: the campaign was edited meanwhile, it has version {before.version}")
            after = self._edited(before, wanted, deadline)
            if self._write(before, after, deadline):
                return after
            if not backoff.wait():
                raise UnavailableError("the campaign kept changing")

    def _edited(self, before: Campaign, wanted: Edit, deadline: Deadline) -> Campaign:
        """Return the campaign as it is to be; raises what is to be refused."""
        settings = self._declared.settings(before.account_id, deadline)
        after = replace(before, version=before.version + 1)
        if wanted.audience is not None:
            after = replace(after, audience=self._named.audience(before.account_id, wanted.audience, deadline)[0])
            former = {*before.former_segments, *before.segment_ids} - {*after.segment_ids}
            after = replace(after, former_segments=tuple(sorted(former)))
        if wanted.when is not None:
            now = self._clock.now()
            start = start_at(wanted.when, settings.time_zone, now)
            after = replace(
                after,
                when=wanted.when,
                when_time_zone=None if start is None else start.time_zone,
                starts_at=now if start is None else start.moment,
                start_version=after.version,
            )
        if wanted.content is not None:
            self._declared.check_content(before.target_mode, wanted.content, settings, deadline)
            after = replace(after, content=wanted.content)
        return replace(
            after,
            name=before.name if wanted.name is None else wanted.name,
            users_limit=wanted.users_limit if wanted.changes_limit else before.users_limit,
        )

    def _write(self, before: Campaign, after: Campaign, deadline: Deadline) -> bool:
        """Write an edit; False if the campaign has begun, or was edited, since it was read.

        What leads to the new start is there before the campaign has it, and what led to the old one goes after that. A
        task that is too early puts itself off, and may meet the campaign before it is written, so one comes after, too.
        Marks of an edit that is not written stay: another edit may need them by now, and a segment's deletion takes off
        those of campaigns that are over.
        """
        is_moved = after.start_version != before.start_version
        mark_used(self._stores.uses, after, sorted({*after.segment_ids} - {*before.segment_ids}), deadline)
        if is_moved:
            self._starts.plan(after, deadline)
        if not self._stores.campaigns.edit(before, after, deadline):
            return False
        if is_moved:
            self._starts.plan_near(after, deadline)
            self._starts.unplan(before, deadline)
        return True
