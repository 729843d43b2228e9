"""Create a campaign, also one like another, or tell whom it would reach."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from api_segments.campaigns.errors import no_such_campaign
from api_segments.campaigns.model import Campaign, CampaignStatus, TargetMode
from api_segments.campaigns.planning.declared import DeclaredService
from api_segments.campaigns.planning.estimates import EstimateService
from api_segments.campaigns.planning.named_segments import AskedAudience, NamedSegments, SegmentAt, mark_used
from api_segments.campaigns.planning.starts import CampaignStarts
from api_segments.campaigns.planning.times import NOW, LocalStart, start_at
from api_segments.campaigns.running.runs import CampaignStores
from api_segments.campaigns.store import KnownRequest, RequestKnownError, TooManyCampaignsError
from api_segments.core.clock import Backoff, Clock, Deadline, rfc3339
from api_segments.core.errors import (
    ConflictError,
    InvalidRequestError,
    NotWrittenError,
    QuotaExceededError,
    SegmentsError,
    UnavailableError,
)
from api_segments.core.limits import IDEMPOTENCY_HOURS, MAX_LIVE_CAMPAIGNS
from api_segments.memberships.model import Action
from api_segments.segments.model import SegmentReference


@dataclass(frozen=True, slots=True)
class NewCampaign:
    """A campaign as a request asks for it; `when` is `now` or a local time, None for an online campaign.

    To be estimated it needs neither time nor content; to be created it has both.
    """

    name: str
    target_mode: TargetMode
    audience: AskedAudience
    when: str | None
    content: Mapping[str, str] | None = None
    users_limit: int | None = None


@dataclass(frozen=True, slots=True)
class Duplicate:
    """A campaign that is to be created like another: when, or at which change, and under which name, None: the same."""

    campaign_id: int
    name: str | None
    when: str | None
    trigger: tuple[SegmentAt, Action] | None


@dataclass(frozen=True, slots=True)
class RequestKey:
    """An Idempotency-Key, and a digest of the body that it came with."""

    key: str
    digest: str


class CampaignCreationService:
    """Creates campaigns of an account."""

    def __init__(  # noqa: PLR0913, PLR0917 - what a creation goes through
        self,
        stores: CampaignStores,
        named: NamedSegments,
        estimates: EstimateService,
        declared: DeclaredService,
        starts: CampaignStarts,
        clock: Clock,
    ) -> None:
        self._stores = stores
        self._named = named
        self._estimates = estimates
        self._declared = declared
        self._starts = starts
        self._clock = clock

    def estimate(self, account_id: str, wanted: NewCampaign, deadline: Deadline) -> int:
        """Return about how many users a campaign would reach; raises as `create` does for what is given of it."""
        audience, _ = self._named.audience(account_id, wanted.audience, deadline)
        self._check(account_id, wanted, self._clock.now(), deadline)
        if not audience.include:
            raise InvalidRequestError("estimate_only: segment or segments is required")
        found = self._estimates.estimate(account_id, wanted.target_mode, audience, deadline)
        return found if wanted.users_limit is None else min(found, wanted.users_limit)

    def create(
        self, account_id: str, wanted: NewCampaign, by: str, request: RequestKey | None, deadline: Deadline
    ) -> tuple[int, bool]:
        """Create a campaign; return its id, and whether an earlier request with the same key created it.

        `by` is the name of the passcode that asks.
        Everything that can be refused is refused before anything is written. Raises InvalidRequestError, NotFoundError,
        SegmentDeletedError, QuotaExceededError, ConflictError, ThrottledError or UnavailableError.
        """
        now = self._clock.now()
        known = self._known(account_id, request, now, deadline)
        if known is not None:
            return known, True
        audience, trigger = self._named.audience(account_id, wanted.audience, deadline)
        start = self._check(account_id, wanted, now, deadline)
        if not self._stores.campaigns.has_room(account_id, deadline):
            raise _too_many()
        campaign = Campaign(
            account_id=account_id,
            campaign_id=0,
            name=wanted.name,
            target_mode=wanted.target_mode,
            audience=audience,
            trigger=trigger,
            starts_at=None if start is None else start.moment,
            content=wanted.content or {},
            users_limit=wanted.users_limit,
            status=CampaignStatus.SCHEDULED if trigger is None else CampaignStatus.RUNNING,
            created_at="",
            created_by=by,
            when=wanted.when,
            when_time_zone=None if start is None else start.time_zone,
        )
        campaign = self._with_an_id(campaign, deadline)
        try:
            mark_used(self._stores.uses, campaign, campaign.segment_ids, deadline)
            self._starts.plan(campaign, deadline)
        except SegmentsError:
            self._take_back(campaign, deadline)
            raise
        try:
            known_request = None if request is None else _known_request(request, campaign, now)
            self._stores.campaigns.create(campaign, known_request, now, deadline)
        except TooManyCampaignsError as exc:
            self._take_back(campaign, deadline)
            raise _too_many() from exc
        except RequestKnownError as exc:
            self._take_back(campaign, deadline)
            first = self._known(account_id, request, now, deadline)
            if first is None:
                raise UnavailableError("the campaign was not created") from exc
            return first, True
        return campaign.campaign_id, False

    def duplicate(
        self,
        account_id: str,
        wanted: Duplicate,
        by: str,
        request: RequestKey | None,
        deadline: Deadline,
    ) -> tuple[int, bool]:
        """Create a campaign like another, at another time; raises as `create` does, NotFoundError if there is none."""
        like = self._stores.campaigns.get(account_id, wanted.campaign_id, deadline)
        if like is None:
            raise no_such_campaign(wanted.campaign_id)
        include, exclude = (
            [SegmentAt(SegmentReference(each), f"segments.{side}[{index}]") for index, each in enumerate(segment_ids)]
            for side, segment_ids in (("include", like.audience.include), ("exclude", like.audience.exclude))
        )
        if wanted.trigger is None and not like.audience.include:
            raise InvalidRequestError("when: must be an event, as the campaign has no segments")
        new = NewCampaign(
            name=like.name if wanted.name is None else wanted.name,
            target_mode=like.target_mode,
            audience=AskedAudience(include, exclude, wanted.trigger),
            when=wanted.when,
            content=like.content,
            users_limit=like.users_limit,
        )
        return self.create(account_id, new, by, request, deadline)

    def _check(self, account_id: str, wanted: NewCampaign, now: datetime, deadline: Deadline) -> LocalStart | None:
        """Check time and content as far as they are given; return when to start, None for at once or at events."""
        if wanted.content is None and wanted.when in (None, NOW):
            return None
        settings = self._declared.settings(account_id, deadline)
        start = start_at(wanted.when, settings.time_zone, now)
        if wanted.content is not None:
            self._declared.check_content(wanted.target_mode, wanted.content, settings, deadline)
        return start

    def _known(self, account_id: str, request: RequestKey | None, now: datetime, deadline: Deadline) -> int | None:
        if request is None:
            return None
        known = self._stores.campaigns.known_request(account_id, request.key, now, deadline)
        if known is not None and known.digest != request.digest:
            raise ConflictError("Idempotency-Key: was used with another body")
        return None if known is None else known.campaign_id

    def _with_an_id(self, campaign: Campaign, deadline: Deadline) -> Campaign:
        """Give the campaign an id of its own: microseconds since 1970, as segments have."""
        backoff = Backoff(deadline)
        while True:
            now = self._clock.now()
            campaign_id = int(now.timestamp()) * 1_000_000 + now.microsecond
            is_online = campaign.trigger is not None
            campaign = replace(
                campaign,
                campaign_id=campaign_id,
                created_at=rfc3339(now),
                starts_at=None if is_online else campaign.starts_at or now,
                started_at=rfc3339(now) if is_online else None,
            )
            if self._stores.campaigns.reserve(campaign, deadline):
                return campaign
            if not backoff.wait():
                raise UnavailableError("the campaign was not created")

    def _take_back(self, campaign: Campaign, deadline: Deadline) -> None:
        """Undo what came before a campaign that is not there; what can't be undone now harms nobody.

        A mark without a campaign is healed by the deletion of its segment, a task without one is dropped.
        """
        account_id, campaign_id = campaign.account_id, campaign.campaign_id
        with suppress(NotWrittenError):
            self._stores.uses.unmark(account_id, dict.fromkeys(campaign.segment_ids, (campaign_id,)), deadline)
            if campaign.when != NOW and campaign.starts_at is not None:
                self._starts.unplan(campaign, deadline)
            self._stores.campaigns.give_up(campaign, deadline)


def _too_many() -> QuotaExceededError:
    return QuotaExceededError(
        f"the account has {MAX_LIVE_CAMPAIGNS} scheduled and running campaigns, the most there may be"
    )


def _known_request(request: RequestKey, campaign: Campaign, now: datetime) -> KnownRequest:
    expires_at = now + timedelta(hours=IDEMPOTENCY_HOURS)
    return KnownRequest(request.key, request.digest, campaign.campaign_id, int(expires_at.timestamp()))
