"""Take a campaign from stage to stage (stages has the picture), across invocations and whatever interrupts them.

A walk goes over the members of all included segments at once, in the one order that they share, and asks each user's
own memberships, the truth, whether it is meant and reachable. So a user who moves from one of these segments to another
is not overlooked, and one who is in several is looked at once.

A page is one transaction: its messages in the log, the counts, and how far the walk has come, with the messages that
are to be queued next. So whoever goes on, after a crash or beside another, queues those again, which the sender takes
once, and no page is written twice.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from api_segments.aws import keys
from api_segments.aws.event_bus import EventBus
from api_segments.aws.task_queue import TaskQueue
from api_segments.campaigns.events import life_event
from api_segments.campaigns.model import (
    Campaign,
    CampaignEventName,
    CampaignStatus,
    DeliveryStatus,
    Message,
    Outcome,
    Results,
    SkipReason,
)
from api_segments.campaigns.sending_accounts import SendingAccounts
from api_segments.campaigns.stages import Stage, Walk, stage_of
from api_segments.campaigns.store import CampaignStore
from api_segments.campaigns.store_deliveries import DeliveryStore
from api_segments.campaigns.store_pace import PaceStore
from api_segments.campaigns.store_walks import CAMPAIGN_PAGE, QUEUED, LogEntry, StepRefusedError, WalkStore
from api_segments.core.clock import Clock, Deadline, rfc3339
from api_segments.core.parallel import in_parallel
from api_segments.memberships.store import MembershipStore
from api_segments.memberships.store_lists import MemberListStore
from api_segments.segments.deletion import CAMPAIGN_CREATION_SECONDS
from api_segments.segments.store_uses import SegmentUseStore

# Messages that have not ended a day after the last was queued will not: their tasks are in the queue of failed ones.
CAMPAIGN_PATIENCE_SECONDS = 24 * 3600

# What a page may take; with less time left the next invocation does it.
PAGE_SECONDS = 5.0
# When to look again for a campaign that is being created, and for one that another runner is at.
NOT_CREATED_YET_SECONDS = 10.0
BUSY_RETRY_SECONDS = 60.0
# How long, at least and at most, until the next look at whether all messages have ended.
NEXT_LOOK_SECONDS, LAST_LOOK_SECONDS = 5.0, 300.0

UNREACHABLE = Outcome(DeliveryStatus.SKIPPED, SkipReason.UNREACHABLE)


@dataclass(frozen=True, slots=True)
class CampaignStores:
    """What a campaign is kept in: itself, its steps, its log, and its marks on segments."""

    campaigns: CampaignStore
    walks: WalkStore
    deliveries: DeliveryStore
    uses: SegmentUseStore


@dataclass(frozen=True, slots=True)
class RunReport:
    """How many messages were queued now; in how many seconds to go on, None when nothing is left to do."""

    queued: int
    goes_on_in: float | None
    is_finished: bool = False


@dataclass(frozen=True, slots=True)
class Pace:
    """When walks may go on: as their pages are booked, and how long after its start a campaign looks at its users.

    By then the lists of members have what was acknowledged before the start.
    """

    bookings: PaceStore
    delay_seconds: float


class CampaignRunService:
    """Runs campaigns."""

    def __init__(  # noqa: PLR0913, PLR0917 - the stores that a walk goes through
        self,
        stores: CampaignStores,
        accounts: SendingAccounts,
        members: MemberListStore,
        memberships: MembershipStore,
        messages: TaskQueue,
        bus: EventBus,
        pace: Pace,
        clock: Clock,
    ) -> None:
        self._stores = stores
        self._accounts = accounts
        self._members = members
        self._memberships = memberships
        self._messages = messages
        self._bus = bus
        self._pace = pace
        self._clock = clock

    def look_after(self, account_id: str, deadline: Deadline) -> list[int]:
        """Put lost marks on segments back; return the campaigns that must have a task, which may be lost, too.

        One more task does no harm. An online campaign has one only when it is full.
        """
        now = self._clock.now()
        live = self._stores.campaigns.live(account_id, deadline)
        self._mark_again(account_id, live, deadline)
        return [
            campaign.campaign_id
            for campaign in live
            if (campaign.users_limit is not None if campaign.starts_at is None else campaign.starts_at <= now)
        ]

    def _mark_again(self, account_id: str, live: Sequence[Campaign], deadline: Deadline) -> None:
        """Mark the segments of campaigns that lack their mark. One that has ended meanwhile took its marks off before.

        A segment whose marks are damaged is in use all the same.
        """
        segment_ids = sorted({segment_id for campaign in live for segment_id in campaign.segment_ids})
        users = self._stores.uses.users_of(account_id, segment_ids, deadline).without_damaged()
        for campaign in live:
            campaign_id = campaign.campaign_id
            lost = [each for each in campaign.segment_ids if each in users and campaign_id not in users[each]]
            for segment_id in lost:  # one by one, as one may be deleted meanwhile
                self._stores.uses.mark(account_id, [segment_id], campaign_id, deadline)
            if lost:
                state = self._stores.campaigns.get_state(account_id, campaign_id, deadline)
                if state is None or not state[0].is_live:
                    self._stores.uses.unmark(account_id, dict.fromkeys(lost, (campaign_id,)), deadline)

    def run(self, account_id: str, campaign_id: int, deadline: Deadline) -> RunReport:
        """Go on with a campaign until it is through or the time is up; raises ThrottledError or UnavailableError."""
        state = self._stores.campaigns.get_state(account_id, campaign_id, deadline)
        if state is None:
            age = self._clock.now().timestamp() - campaign_id / 1_000_000
            return RunReport(0, NOT_CREATED_YET_SECONDS if age < CAMPAIGN_CREATION_SECONDS else None)
        campaign, walk = state
        refusal = self._refusal(campaign, walk, deadline)
        if refusal is not None:
            now = rfc3339(self._clock.now())
            self._stores.campaigns.end(campaign, CampaignStatus.STOPPED, now, deadline, refusal)
            return self.run(account_id, campaign_id, deadline)
        return self._go_on(campaign, walk, deadline)

    def _refusal(self, campaign: Campaign, walk: Walk, deadline: Deadline) -> SkipReason | None:
        """Return why the campaign may not go on to its users now; it is stopped for good then."""
        stage = stage_of(campaign, walk)
        is_due = campaign.starts_at is not None and campaign.starts_at <= self._clock.now()
        if stage is Stage.WALKING or (stage is Stage.WAITING and is_due):
            return self._accounts.refusal(campaign.account_id, deadline)
        return None

    def _go_on(self, campaign: Campaign, walk: Walk, deadline: Deadline) -> RunReport:
        stage = stage_of(campaign, walk)
        if stage is Stage.WAITING:
            return self._start(campaign, deadline)
        if campaign.started_at is not None and not walk.start_published:
            self._publish(CampaignEventName.STARTED, campaign, campaign.started_at, None, deadline)
        if walk.pending:
            self._queue(campaign, walk.pending, deadline)
        if stage is Stage.WALKING:
            return self._walk(campaign, walk, deadline)
        if walk.pending:
            self._stores.walks.clear_pending(campaign, walk, deadline)
        if stage is Stage.ACTING:
            return RunReport(0, None)
        return self._settle(campaign, walk, deadline)

    def _start(self, campaign: Campaign, deadline: Deadline) -> RunReport:
        now = self._clock.now()
        if campaign.starts_at is not None and campaign.starts_at > now:
            return RunReport(0, (campaign.starts_at - now).total_seconds())
        self._stores.campaigns.start(campaign, rfc3339(now), deadline)
        return self.run(campaign.account_id, campaign.campaign_id, deadline)

    def _walk(self, campaign: Campaign, walk: Walk, deadline: Deadline) -> RunReport:
        queued_before = walk.queued
        if campaign.started_at is not None:
            age = self._clock.now() - datetime.fromisoformat(campaign.started_at)
            early = self._pace.delay_seconds - age.total_seconds()
            if early > 0:
                return RunReport(0, early)
        while walk.walked_at is None:
            queued = walk.queued - queued_before
            within = deadline.remaining() - PAGE_SECONDS
            if within < 0:
                return RunReport(queued, 0)
            booked = _most_of_a_page(campaign, walk)
            ahead = self._pace.bookings.book(booked, within, deadline) if booked else 0.0
            if ahead > within:
                return RunReport(queued, ahead)
            if ahead > 0:
                self._clock.sleep(ahead)
            further = self._step(campaign, walk, deadline)
            pending = () if further is None else further.pending
            self._queue(campaign, pending, deadline)
            if len(pending) < booked:
                self._pace.bookings.give_back(booked - len(pending), deadline)
            if further is None:
                return RunReport(queued, self._seconds_until_it_may_go_on(campaign, deadline))
            walk = further
        return RunReport(walk.queued - queued_before, NEXT_LOOK_SECONDS)

    def _seconds_until_it_may_go_on(self, campaign: Campaign, deadline: Deadline) -> float:
        state = self._stores.campaigns.get_state(campaign.account_id, campaign.campaign_id, deadline)
        is_running = state is not None and state[0].status is CampaignStatus.RUNNING
        return BUSY_RETRY_SECONDS if is_running else 0

    def _step(self, campaign: Campaign, walk: Walk, deadline: Deadline) -> Walk | None:
        """Write one page, or that there are no more; None if somebody else has moved the campaign meanwhile."""
        to, entries = self._page(campaign, walk, deadline)
        logged: frozenset[str] = frozenset()
        while True:
            fresh = [entry for entry in entries if entry.message.delivery_id not in logged]
            if campaign.users_limit is not None:
                fresh = within_room(fresh, campaign.users_limit - walk.queued)
            pending = tuple(entry.message.delivery_id for entry in fresh if entry.outcome == QUEUED)
            to = replace(to, pending=pending, queued=walk.queued + len(pending))
            if to.queued == campaign.users_limit:
                to = replace(to, seen_all=True)
            try:
                self._stores.walks.advance(campaign, walk, to, fresh, deadline)
            except StepRefusedError as exc:
                if exc.campaign_moved:
                    return None
                logged |= exc.logged
            else:
                return to

    def _page(self, campaign: Campaign, walk: Walk, deadline: Deadline) -> tuple[Walk, list[LogEntry]]:
        """Return where the walk is after the next page, and that page's messages: nobody may be logged yet."""
        account_id, now = campaign.account_id, self._clock.now()
        to = replace(walk, version=walk.version + 1)
        if walk.seen_all:
            return replace(to, walked_at=rfc3339(now)), []
        profile_ids, last = self._candidates(campaign, walk.after, deadline)
        to = replace(to, after=last, seen_all=last is None)
        # A user whose memberships are damaged gets no message: nobody knows whether one is wanted.
        images = self._memberships.get_many(account_id, profile_ids, deadline).without_damaged()
        return to, [
            LogEntry(
                Message(account_id, campaign.campaign_id, profile_id, profile_id),
                QUEUED if campaign.target_mode.reaches(images[profile_id].reach) else UNREACHABLE,
                now,
            )
            for profile_id in profile_ids
            if profile_id in images and campaign.audience.includes(images[profile_id].segment_ids)
        ]

    def _candidates(self, campaign: Campaign, after: str | None, deadline: Deadline) -> tuple[list[str], str | None]:
        """Return the next members of the included segments, each once, and whom to go on after, None at the end."""
        pages: list[tuple[list[str], str | None]] = []
        in_parallel(
            lambda segment_id: pages.append(
                self._members.ids(campaign.account_id, segment_id, after, CAMPAIGN_PAGE, deadline)
            ),
            campaign.audience.include,
        )
        # Beyond where the shortest of these pages ends, that segment may have members that were not read.
        ends = [last for _, last in pages if last is not None]
        end = min(ends, key=keys.member_order, default=None)
        ids = sorted({profile_id for members, _ in pages for profile_id in members}, key=keys.member_order)
        if end is not None:
            ids = [each for each in ids if keys.member_order(each) <= keys.member_order(end)]
        if len(ids) > CAMPAIGN_PAGE:
            return ids[:CAMPAIGN_PAGE], ids[CAMPAIGN_PAGE - 1]
        return ids, end

    def _queue(self, campaign: Campaign, profile_ids: Sequence[str], deadline: Deadline) -> None:
        messages = [Message(campaign.account_id, campaign.campaign_id, each, each) for each in profile_ids]
        self._messages.put_all([message.to_json() for message in messages], deadline)

    def _settle(self, campaign: Campaign, walk: Walk, deadline: Deadline) -> RunReport:
        """End the campaign when all its messages have ended, take off what leads to it, and publish its end once.

        For one that is over, whose task came twice, all of this is done again but the event. What the event says of the
        messages is kept before it is published, so that it says the same if it has to be published again.
        """
        now = self._clock.now()
        if campaign.status is CampaignStatus.RUNNING and walk.walked_at is None:  # an online one that is full
            walk = replace(walk, walked_at=rfc3339(now))
            self._stores.walks.note_full(campaign, rfc3339(now), deadline)
        results = walk.end_results
        if results is None:
            results = self._stores.deliveries.results(campaign.account_id, campaign.campaign_id, deadline)
            since = campaign.ended_at or walk.walked_at
            waited = 0.0 if since is None else (now - datetime.fromisoformat(since)).total_seconds()
            if results.settled < results.queued and waited < CAMPAIGN_PATIENCE_SECONDS:
                return RunReport(0, min(max(waited / 4, NEXT_LOOK_SECONDS), LAST_LOOK_SECONDS))
        if campaign.status.is_live:
            ended_at = rfc3339(now)
            if not self._stores.campaigns.end(campaign, CampaignStatus.COMPLETED, ended_at, deadline):
                return RunReport(0, 0)
            campaign = replace(campaign, status=CampaignStatus.COMPLETED, ended_at=ended_at)
        uses = dict.fromkeys((*campaign.segment_ids, *campaign.former_segments), (campaign.campaign_id,))
        self._stores.uses.unmark(campaign.account_id, uses, deadline)
        self._stores.campaigns.forget_trigger(campaign, deadline)
        if stage_of(campaign, walk) is Stage.OVER:
            return RunReport(0, None)
        if walk.end_results is None and not self._stores.campaigns.keep_end_results(campaign, results, deadline):
            return RunReport(0, 0)  # another runner has kept others
        self._publish(CampaignEventName.COMPLETED, campaign, campaign.ended_at or rfc3339(now), results, deadline)
        return RunReport(0, None, is_finished=True)

    def _publish(
        self, name: CampaignEventName, campaign: Campaign, at: str, results: Results | None, deadline: Deadline
    ) -> None:
        self._bus.put_one(life_event(name, campaign, at, results), deadline)
        self._stores.campaigns.note_published(campaign, name, deadline)


def _most_of_a_page(campaign: Campaign, walk: Walk) -> int:
    """Return how many messages the walk's next page may have."""
    if walk.seen_all:
        return 0
    return CAMPAIGN_PAGE if campaign.users_limit is None else min(CAMPAIGN_PAGE, campaign.users_limit - walk.queued)


def within_room(entries: Sequence[LogEntry], room: int) -> list[LogEntry]:
    """Return the first entries of which at most `room` are queued; none comes after the last that fits."""
    within: list[LogEntry] = []
    for entry in entries:
        if room <= 0:
            break
        within.append(entry)
        room -= entry.outcome == QUEUED
    return within
