"""Create, list and stop campaigns, and tell what became of their messages."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from api_segments.aws.task_queue import TaskQueue
from api_segments.campaigns.content.fields import check_content, sender_of
from api_segments.campaigns.model import (
    Audience,
    Campaign,
    CampaignSettings,
    CampaignStatus,
    CampaignTask,
    Delivery,
    Results,
    TargetMode,
    Trigger,
)
from api_segments.campaigns.planning.estimates import EstimateService
from api_segments.campaigns.planning.schedules import CampaignSchedules
from api_segments.campaigns.planning.times import LocalStart, read_start
from api_segments.campaigns.providers.email import EmailProvider
from api_segments.campaigns.running.runs import CampaignStores
from api_segments.campaigns.stages import Stage, stage_of
from api_segments.campaigns.store import KnownRequest, RequestKnownError, TooManyCampaignsError
from api_segments.campaigns.store_settings import CampaignSettingsStore
from api_segments.core.clock import Backoff, Clock, Deadline, rfc3339
from api_segments.core.errors import (
    ConflictError,
    InvalidRequestError,
    NotFoundError,
    NotWrittenError,
    QuotaExceededError,
    SegmentDeletedError,
    SegmentsError,
    UnavailableError,
)
from api_segments.core.limits import IDEMPOTENCY_HOURS, MAX_LIVE_CAMPAIGNS, MAX_SEGMENT_ID
from api_segments.core.paging import Page, Position
from api_segments.memberships.model import Action
from api_segments.memberships.store import MembershipStore
from api_segments.memberships.store_references import ReferenceStore
from api_segments.segments.model import SegmentReference, SegmentStatus

NOW = "now"
# A start that is nearer than this is not left to the scheduler: it would be past before the schedule is made.
SCHEDULE_SECONDS = 30


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
class RequestKey:
    """An Idempotency-Key, and a digest of the body that it came with."""

    key: str
    digest: str


@dataclass(frozen=True, slots=True)
class Declared:
    """Where it is kept what an account may send from: its settings, and what SES knows of its addresses."""

    settings: CampaignSettingsStore
    emails: EmailProvider


@dataclass(frozen=True, slots=True)
class CampaignStarts:
    """What makes campaigns start: a task in the queue of campaigns, or a schedule that puts it there."""

    tasks: TaskQueue
    schedules: CampaignSchedules


class CampaignService:
    """Campaigns of an account."""

    def __init__(  # noqa: PLR0913, PLR0917 - what a creation goes through
        self,
        stores: CampaignStores,
        references: ReferenceStore,
        memberships: MembershipStore,
        estimates: EstimateService,
        declared: Declared,
        starts: CampaignStarts,
        clock: Clock,
    ) -> None:
        self._stores = stores
        self._references = references
        self._memberships = memberships
        self._estimates = estimates
        self._declared = declared
        self._starts = starts
        self._clock = clock

    def settings(self, account_id: str, deadline: Deadline) -> CampaignSettings:
        """Return what the account declared for its campaigns."""
        return self._declared.settings.get(account_id, deadline)

    def time_zone(self, account_id: str, deadline: Deadline) -> str:
        """Return the account's time zone, whatever else of its settings is damaged."""
        return self._declared.settings.time_zone(account_id, deadline)

    def verified(self, settings: CampaignSettings, deadline: Deadline) -> dict[str, bool]:
        """Return of each of the account's senders whether emails may come from it; raises UnavailableError."""
        return {sender: self._declared.emails.is_verified(sender, deadline) for sender in settings.senders}

    def start_of(self, account_id: str, when: str, deadline: Deadline) -> LocalStart:
        """Return what a local time means for a creation at this moment; raises InvalidRequestError."""
        return read_start(when, self.settings(account_id, deadline).time_zone, self._clock.now(), "when")

    def estimate(self, account_id: str, wanted: NewCampaign, deadline: Deadline) -> int:
        """Return about how many users a campaign would reach; raises as `create` does for what is given of it."""
        audience, _ = self._resolve(account_id, wanted.audience, deadline)
        self._check(account_id, wanted, self._clock.now(), deadline)
        if not audience.include:
            raise InvalidRequestError("estimate_only: segment or segments is required")
        found = self._estimates.estimate(account_id, wanted.target_mode, audience, deadline)
        return found if wanted.users_limit is None else min(found, wanted.users_limit)

    def create(
        self, account_id: str, wanted: NewCampaign, request: RequestKey | None, deadline: Deadline
    ) -> tuple[int, bool]:
        """Create a campaign; return its id, and whether an earlier request with the same key created it.

        Everything that can be refused is refused before anything is written. Raises InvalidRequestError, NotFoundError,
        SegmentDeletedError, QuotaExceededError, ConflictError, ThrottledError or UnavailableError.
        """
        now = self._clock.now()
        known = self._known(account_id, request, now, deadline)
        if known is not None:
            return known, True
        audience, trigger = self._resolve(account_id, wanted.audience, deadline)
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
            when=wanted.when,
            when_time_zone=None if start is None else start.time_zone,
        )
        campaign = self._with_an_id(campaign, deadline)
        try:
            self._prepare(campaign, deadline)
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

    def _check(self, account_id: str, wanted: NewCampaign, now: datetime, deadline: Deadline) -> LocalStart | None:
        """Check time and content as far as they are given; return when to start, None for at once or at events."""
        if wanted.content is None and wanted.when in (None, NOW):
            return None
        settings = self.settings(account_id, deadline)
        start = _start(wanted.when, settings.time_zone, now)
        if wanted.content is not None:
            self._check_content(wanted.target_mode, wanted.content, settings, deadline)
        return start

    def _check_content(
        self, mode: TargetMode, content: Mapping[str, str], settings: CampaignSettings, deadline: Deadline
    ) -> None:
        check_content(mode, content, settings)
        if mode is not TargetMode.EMAIL:
            return
        sender = sender_of(content, settings)
        if sender is None or not self._declared.emails.is_verified(sender, deadline):
            raise InvalidRequestError(f"content.sender: {sender} is not verified with SES")

    def _known(self, account_id: str, request: RequestKey | None, now: datetime, deadline: Deadline) -> int | None:
        if request is None:
            return None
        known = self._stores.campaigns.known_request(account_id, request.key, now, deadline)
        if known is not None and known.digest != request.digest:
            raise ConflictError("Idempotency-Key: was used with another body")
        return None if known is None else known.campaign_id

    def _resolve(self, account_id: str, asked: AskedAudience, deadline: Deadline) -> tuple[Audience, Trigger | None]:
        triggering = () if asked.trigger is None else (asked.trigger[0],)
        named = (*asked.include, *asked.exclude, *triggering)
        references = list(dict.fromkeys(each.reference for each in named))
        found = self._references.find(account_id, references, [], deadline).segments
        ids: dict[SegmentReference, int] = {}
        for each in named:
            segment = found.get(each.reference)
            if segment is None:
                raise NotFoundError(f"{each.path}: there is no segment {_show(each.reference)}")
            if segment.status is SegmentStatus.DELETED:
                raise SegmentDeletedError(f"{each.path}: segment {_show(each.reference)} was deleted")
            ids[each.reference] = segment.segment_id
        audience = Audience(
            *(tuple(dict.fromkeys(ids[each.reference] for each in side)) for side in (asked.include, asked.exclude))
        )
        if asked.trigger is None:
            return audience, None
        return audience, Trigger(ids[asked.trigger[0].reference], asked.trigger[1])

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

    def _prepare(self, campaign: Campaign, deadline: Deadline) -> None:
        """Mark the segments as used and see to it that the campaign is run at its time, before it is there."""
        account_id, campaign_id = campaign.account_id, campaign.campaign_id
        if not self._stores.uses.mark(account_id, campaign.segment_ids, campaign_id, deadline):
            raise SegmentDeletedError("segments: one of them has just been deleted")
        ahead = 0.0
        if campaign.starts_at is not None:
            ahead = max(0.0, (campaign.starts_at - self._clock.now()).total_seconds())
        if ahead < SCHEDULE_SECONDS:
            self._starts.tasks.put_off(CampaignTask(account_id, campaign_id).to_json(), ahead, deadline)
        elif campaign.starts_at is not None:
            self._starts.schedules.create(account_id, campaign_id, campaign.starts_at, deadline)

    def _take_back(self, campaign: Campaign, deadline: Deadline) -> None:
        """Undo what came before a campaign that is not there; what can't be undone now harms nobody.

        A mark without a campaign is healed by the deletion of its segment, a task without one is dropped.
        """
        account_id, campaign_id = campaign.account_id, campaign.campaign_id
        with suppress(NotWrittenError):
            self._stores.uses.unmark(account_id, dict.fromkeys(campaign.segment_ids, (campaign_id,)), deadline)
            if campaign.when != NOW and campaign.starts_at is not None:
                self._starts.schedules.delete(account_id, campaign_id, deadline)
            self._stores.campaigns.give_up(campaign, deadline)

    def get(self, account_id: str, campaign_id: int, deadline: Deadline) -> tuple[Campaign, Results]:
        """Return a campaign with its content, and what became of its messages; raises NotFoundError."""
        campaign = self._stores.campaigns.get(account_id, campaign_id, deadline)
        if campaign is None:
            raise no_such_campaign(campaign_id)
        return campaign, self._stores.deliveries.results(account_id, campaign_id, deadline)

    def newest(
        self,
        account_id: str,
        created: tuple[datetime | None, datetime | None],
        after: Position | None,
        limit: int,
        deadline: Deadline,
    ) -> Page[tuple[Campaign, Results]]:
        """List campaigns with their results, the newest first, from after `after` on.

        `created` bounds when they were created: from the first moment on (None: any), until before the second.
        """
        first, last = (None if moment is None else int(moment.timestamp()) * 1_000_000 for moment in created)
        last_id = MAX_SEGMENT_ID if last is None else min(last - 1, MAX_SEGMENT_ID)
        if after is not None:
            last_id = min(last_id, int(after[0]) - 1)
        found = self._stores.campaigns.newest(account_id, max(first or 0, 0), last_id, limit + 1, deadline)
        rows = found[:limit]
        results: Mapping[int, Results] = {}
        if rows:
            results = self._stores.deliveries.results_between(
                account_id, rows[-1].campaign_id, rows[0].campaign_id, deadline
            )
        goes_on_at = (rows[-1].campaign_id,) if len(found) > limit else None
        return Page([(row, results.get(row.campaign_id, Results())) for row in rows], goes_on_at)

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
            Delivery(row.delivery_id, row.profile_id, identities.get(row.profile_id), row.status, row.reason, row.at)
            for row in rows
        ]
        return Page(deliveries, (rows[-1].delivery_id,) if len(found) > limit else None)

    def stop(self, account_id: str, campaign_id: int, deadline: Deadline) -> None:
        """Stop a campaign; one that has ended stays as it is. Raises NotFoundError.

        What was queued already is skipped by the sender; the end is published when all messages have ended.
        """
        backoff = Backoff(deadline)
        while True:
            state = self._stores.campaigns.get_state(account_id, campaign_id, deadline)
            if state is None:
                raise no_such_campaign(campaign_id)
            campaign, walk = state
            if not campaign.status.is_live:
                break
            now = rfc3339(self._clock.now())
            self._stores.campaigns.end(campaign, CampaignStatus.STOPPED, now, deadline)
            if not backoff.wait():
                raise UnavailableError("the campaign kept changing")
        if stage_of(campaign, walk) is Stage.OVER:
            return
        if campaign.started_at is None:
            self._starts.schedules.delete(account_id, campaign_id, deadline)
        # Also when another request has stopped it, which may not have come this far.
        self._starts.tasks.put_off(CampaignTask(account_id, campaign_id).to_json(), 0, deadline)


def no_such_campaign(campaign_id: int) -> NotFoundError:
    """Return the error for an id that the account has no campaign of."""
    return NotFoundError(f"there is no campaign {campaign_id}")


def _too_many() -> QuotaExceededError:
    return QuotaExceededError(
        f"the account has {MAX_LIVE_CAMPAIGNS} scheduled and running campaigns, the most there may be"
    )


def _start(when: str | None, time_zone: str, now: datetime) -> LocalStart | None:
    """Return the local time to start at, None for at once and for an online campaign."""
    return None if when in (None, NOW) else read_start(str(when), time_zone, now, "when")


def _known_request(request: RequestKey, campaign: Campaign, now: datetime) -> KnownRequest:
    expires_at = now + timedelta(hours=IDEMPOTENCY_HOURS)
    return KnownRequest(request.key, request.digest, campaign.campaign_id, int(expires_at.timestamp()))


def _show(reference: SegmentReference) -> str:
    return str(reference.segment_id) if reference.segment_id is not None else "with this customer_segment_id"
