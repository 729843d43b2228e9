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
# A page of a list that is narrowed by more than days reads about so many campaigns at most, of 1 KB each, and as many
# a call as LOOKED_AT says.
LOOKED_THROUGH = 1000
LOOKED_AT = 100


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
class Duplicate:
    """A campaign that is to be created like another: when, or at which change, and under which name, None: the same."""

    campaign_id: int
    name: str | None
    when: str | None
    trigger: tuple[SegmentAt, Action] | None


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

    def duplicate(
        self,
        account_id: str,
        wanted: "Duplicate",
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
        return self.create(account_id, new, request, deadline)

    def edit(self, account_id: str, wanted: "Edit", deadline: Deadline) -> Campaign:
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

    def _edited(self, before: Campaign, wanted: "Edit", deadline: Deadline) -> Campaign:
        """Return the campaign as it is to be; raises what is to be refused."""
        settings = self.settings(before.account_id, deadline)
        after = replace(before, version=before.version + 1)
        if wanted.audience is not None:
            after = replace(after, audience=self._resolve(before.account_id, wanted.audience, deadline)[0])
            former = {*before.former_segments, *before.segment_ids} - {*after.segment_ids}
            after = replace(after, former_segments=tuple(sorted(former)))
        if wanted.when is not None:
            now = self._clock.now()
            start = _start(wanted.when, settings.time_zone, now)
            after = replace(
                after,
                when=wanted.when,
                when_time_zone=None if start is None else start.time_zone,
                starts_at=now if start is None else start.moment,
                start_version=after.version,
            )
        if wanted.content is not None:
            self._check_content(before.target_mode, wanted.content, settings, deadline)
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
        self._mark(after, sorted({*after.segment_ids} - {*before.segment_ids}), deadline)
        if is_moved and after.starts_at is not None:
            self._plan_start(after, after.starts_at, deadline)
        if not self._stores.campaigns.edit(before, after, deadline):
            return False
        if is_moved and after.starts_at is not None:
            ahead = (after.starts_at - self._clock.now()).total_seconds()
            if ahead < SCHEDULE_SECONDS:
                self._begin(after, max(0.0, ahead), deadline)
            self._starts.schedules.delete(before, deadline)
        return True

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
        self._mark(campaign, campaign.segment_ids, deadline)
        if campaign.starts_at is None:
            self._begin(campaign, 0.0, deadline)
        else:
            self._plan_start(campaign, campaign.starts_at, deadline)

    def _mark(self, campaign: Campaign, segment_ids: Sequence[int], deadline: Deadline) -> None:
        if not self._stores.uses.mark(campaign.account_id, segment_ids, campaign.campaign_id, deadline):
            raise SegmentDeletedError("segments: one of them has just been deleted")

    def _plan_start(self, campaign: Campaign, starts_at: datetime, deadline: Deadline) -> None:
        ahead = max(0.0, (starts_at - self._clock.now()).total_seconds())
        if ahead < SCHEDULE_SECONDS:
            self._begin(campaign, ahead, deadline)
        else:
            self._starts.schedules.create(campaign, starts_at, deadline)

    def _begin(self, campaign: Campaign, ahead: float, deadline: Deadline) -> None:
        self._starts.tasks.put_off(CampaignTask(campaign.account_id, campaign.campaign_id).to_json(), ahead, deadline)

    def _take_back(self, campaign: Campaign, deadline: Deadline) -> None:
        """Undo what came before a campaign that is not there; what can't be undone now harms nobody.

        A mark without a campaign is healed by the deletion of its segment, a task without one is dropped.
        """
        account_id, campaign_id = campaign.account_id, campaign.campaign_id
        with suppress(NotWrittenError):
            self._stores.uses.unmark(account_id, dict.fromkeys(campaign.segment_ids, (campaign_id,)), deadline)
            if campaign.when != NOW and campaign.starts_at is not None:
                self._starts.schedules.delete(campaign, deadline)
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
        wanted: CampaignFilter,
        after: Position | None,
        limit: int,
        deadline: Deadline,
    ) -> Page[tuple[Campaign, Results]]:
        """List campaigns with their results, the newest first, from after `after` on.

        At most LOOKED_THROUGH campaigns are read for a page, which may be short then, or empty, and not the last.
        """
        if wanted.segment is not None:
            (segment_id,) = self._resolve(account_id, AskedAudience([wanted.segment]), deadline)[0].include
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
            self._starts.schedules.delete(campaign, deadline)
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
