"""All offline campaigns together go at the pace, and one alone, too, whatever the time that their calls take."""

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from random import Random
from typing import Any, cast

import pytest

from api_segments.accounts.service import AccountService
from api_segments.accounts.store import AccountStore
from api_segments.aws import keys
from api_segments.aws.dynamodb import DynamoDB
from api_segments.aws.event_bus import EventBus
from api_segments.aws.task_queue import TaskQueue
from api_segments.campaigns.model import Audience, Campaign, CampaignStatus, CampaignTask, Message, TargetMode
from api_segments.campaigns.running.runs import CampaignRunService, CampaignStores, Pace
from api_segments.campaigns.sending_accounts import SendingAccounts
from api_segments.campaigns.store import CampaignStore
from api_segments.campaigns.store_deliveries import DeliveryStore
from api_segments.campaigns.store_pace import PaceStore
from api_segments.campaigns.store_walks import CAMPAIGN_PAGE, WalkStore
from api_segments.core import parallel
from api_segments.core.clock import Deadline
from api_segments.core.errors import NotWrittenError
from api_segments.memberships.store import MembershipStore
from api_segments.memberships.store_lists import MemberListStore
from api_segments.segments.store_uses import SegmentUseStore
from tests.simulation.taking_turns import Turns
from tests.simulation.walking import ACCOUNT, CAMPAIGN_ID, Crash
from tests.simulation.world import InlinePool
from tests.support.accounts import put_account
from tests.support.clock import START
from tests.support.dynamodb import InMemoryDynamoDB
from tests.support.event_schemas import assert_entry_described
from tests.support.tables import create_tables

RUNNERS = 2  # template.yaml, MaximumConcurrency
CALL_SECONDS = 0.02
INVOCATION_SECONDS = 114.5
DEAD_SECONDS = 720.0  # until the queue delivers the task of a runner that died again
DAY_SECONDS = 24 * 3600.0
UNREACHABLE_BY_SMS = {"reach": {"SS": ["email"]}}


@dataclass
class Slow:
    """A client each of whose calls takes a while, and may be its process's last."""

    service: object
    clock: Turns
    chance: Random
    trouble: float

    def __getattr__(self, operation: str) -> Callable[..., Any]:
        def call(**arguments: Any) -> Any:
            self.clock.sleep(CALL_SECONDS)
            if self.chance.random() < self.trouble:
                raise Crash
            answer = getattr(self.service, operation)(**arguments)
            if self.chance.random() < self.trouble:
                raise Crash
            return answer

        return call


@dataclass
class Taken:
    """Takes messages and events, and notes when each message came for the first time."""

    clock: Turns
    at: dict[tuple[int, str], float] = field(default_factory=dict)

    def send_message_batch(self, QueueUrl: str, Entries: list[dict[str, str]]) -> Any:  # noqa: N803 - boto3's own names
        assert QueueUrl == "messages"
        for entry in Entries:
            message = Message(**json.loads(entry["MessageBody"]))
            self.at.setdefault((message.campaign_id, message.profile_id), self.clock.passed)
        return {}

    def put_events(self, Entries: list[dict[str, Any]]) -> Any:  # noqa: N803 - boto3's own name
        for entry in Entries:
            assert_entry_described(entry, json.loads(entry["Detail"]))
        return {"FailedEntryCount": 0, "Entries": [{}] * len(Entries)}


class Campaigns:
    """Campaigns that all begin at the same moment, each to a segment of its own, and two runners that work on them."""

    def __init__(self, sizes: list[int], pace: float, *, trouble: float = 0.0, reached: float = 1.0) -> None:
        self.clock = Turns()
        self.chance = Random(len(sizes))  # noqa: S311 - seeded on purpose
        self.taken = Taken(self.clock)
        self.pace, self.trouble, self.reached = pace, trouble, reached
        self.db = InMemoryDynamoDB(lambda: self.clock.now().timestamp())
        self.tables = create_tables(self.db)  # type: ignore[arg-type]  # has what the function calls
        put_account(DynamoDB(self.db), self.tables["ACCOUNTS_TABLE"], ACCOUNT, self.clock)  # type: ignore[arg-type]  # acts like one
        self.expected = 0
        self.due: list[tuple[float, CampaignTask]] = []
        for number, size in enumerate(sizes):
            self._create(CAMPAIGN_ID + number, number + 1, size)

    def _create(self, campaign_id: int, segment_id: int, size: int) -> None:
        campaign = Campaign(
            account_id=ACCOUNT,
            campaign_id=campaign_id,
            name="Spring sale",
            target_mode=TargetMode.SMS,
            audience=Audience((segment_id,)),
            trigger=None,
            starts_at=START,
            content={"body": "Hello"},
            users_limit=None,
            status=CampaignStatus.SCHEDULED,
            created_at="2026-12-01T09:00:00.000000Z",
            when="now",
        )
        self._stores(self.db).campaigns.create(campaign, None, START, Deadline.after(60, self.clock))
        self.due.append((0.0, CampaignTask(ACCOUNT, campaign_id)))
        for number in range(size):
            self._put_user(f"{segment_id}-{number}", segment_id)

    def _put_user(self, profile_id: str, segment_id: int) -> None:
        is_reached = self.chance.random() < self.reached
        self.expected += is_reached
        reach = {"reach": {"SS": ["sms"]}} if is_reached else UNREACHABLE_BY_SMS
        ids = {"account_id": {"S": ACCOUNT}, "profile_id": {"S": profile_id}}
        membership = {"pk": {"S": keys.membership(ACCOUNT, profile_id)}, "segment_ids": {"NS": [str(segment_id)]}}
        self.db.put_item(TableName=self.tables["MEMBERSHIPS_TABLE"], Item={**ids, **membership, **reach})
        row = {"pk": {"S": keys.member_bucket(ACCOUNT, segment_id, profile_id)}, "profile_id": {"S": profile_id}}
        since = {"added_at": {"S": "2026-12-01T09:00:00.000000Z"}}
        self.db.put_item(TableName=self.tables["SEGMENT_MEMBERS_TABLE"], Item={**row, **since, **reach})

    def _stores(self, client: Any) -> CampaignStores:
        db, table = DynamoDB(client), self.tables["CAMPAIGNS_TABLE"]
        uses = SegmentUseStore(db, self.tables["SEGMENTS_TABLE"])
        return CampaignStores(CampaignStore(db, table), WalkStore(db, table), DeliveryStore(db, table), uses)

    def _service(self) -> CampaignRunService:
        def slow(service: object) -> Any:
            return Slow(service, self.clock, self.chance, self.trouble)

        db = DynamoDB(slow(self.db))
        return CampaignRunService(
            self._stores(slow(self.db)),
            SendingAccounts(AccountService(AccountStore(db, self.tables["ACCOUNTS_TABLE"]), self.clock), self.clock),
            MemberListStore(db, self.tables["SEGMENT_MEMBERS_TABLE"]),
            MembershipStore(db, self.tables["MEMBERSHIPS_TABLE"], self.tables["PROFILES_TABLE"]),
            TaskQueue(slow(self.taken), "messages"),
            EventBus(slow(self.taken), "bus"),
            Pace(PaceStore(db, self.tables["CAMPAIGNS_TABLE"], self.pace, self.clock), 30.0),
            self.clock,
        )

    def play(self) -> "Campaigns":
        """Let the runners work until all messages were queued."""

        def work() -> None:
            service = self._service()
            while len(self.taken.at) < self.expected:
                assert self.clock.passed < DAY_SECONDS, "this goes on for ever"
                ready = [each for each in self.due if each[0] <= self.clock.passed]
                if not ready:
                    self.clock.sleep(max(1.0, min((at for at, _ in self.due), default=0.0) - self.clock.passed))
                    continue
                first = min(ready, key=lambda each: each[0])
                self.due.remove(first)
                _, task = first
                try:
                    deadline = Deadline.after(INVOCATION_SECONDS, self.clock)
                    goes_on_in = service.run(task.account_id, task.campaign_id, deadline).goes_on_in
                except (Crash, NotWrittenError):
                    service, goes_on_in = self._service(), DEAD_SECONDS
                if goes_on_in is not None:
                    self.due.append((self.clock.passed + goes_on_in, task))

        self.clock.play([work] * RUNNERS)
        return self

    def rate(self) -> float:
        """Return how many messages a second were queued from the first page to the last, which has no time after it."""
        times = sorted(self.taken.at.values())
        return sum(at < times[-1] - 0.2 for at in times) / (times[-1] - times[0])

    def most_in(self, seconds: float) -> int:
        """Return how many messages were queued at most within so many seconds."""
        times = sorted(self.taken.at.values())
        most = first = 0
        for last, at in enumerate(times):
            while times[first] < at - seconds:
                first += 1
            most = max(most, last - first + 1)
        return most


@pytest.fixture(autouse=True)
def one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parallel, "_POOL", InlinePool())


@pytest.mark.parametrize("pace", [14.0, 100.0])
def test_one_campaign_alone_has_all_of_the_pace(pace: float) -> None:
    world = Campaigns([3000], pace).play()
    assert world.rate() == pytest.approx(pace, rel=0.03)


@pytest.mark.parametrize("campaigns", [2, 3, 5])
def test_several_have_the_pace_together_and_like_shares(campaigns: int) -> None:
    pace, size = 28.0, 12 * CAMPAIGN_PAGE
    world = Campaigns([size] * campaigns, pace).play()
    assert world.rate() == pytest.approx(pace, rel=0.03)
    half_way = sorted(world.taken.at.items(), key=lambda each: each[1])[: 6 * CAMPAIGN_PAGE * campaigns]
    shares = Counter(campaign_id for (campaign_id, _), _ in half_way)
    if campaigns == RUNNERS:
        assert max(shares.values()) - min(shares.values()) <= 2 * CAMPAIGN_PAGE, shares


@pytest.mark.parametrize("pace", [1.0, 14.0])
def test_however_many_begin_at_once_no_more_goes_out_than_the_pace_allows(pace: float) -> None:
    world = Campaigns([CAMPAIGN_PAGE + 20] * 12, pace).play()
    for seconds in (60.0, 600.0):
        assert world.most_in(seconds) <= pace * seconds + 2 * CAMPAIGN_PAGE


def test_users_whom_the_channel_does_not_reach_take_no_time_of_others() -> None:
    world = Campaigns([3000], 14.0, reached=0.2).play()
    assert world.rate() == pytest.approx(14.0, rel=0.05)


def test_small_campaigns_take_no_more_than_their_messages() -> None:
    world = Campaigns([10] * 40, 14.0).play()
    assert world.rate() == pytest.approx(14.0, rel=0.2)


def test_runners_that_die_make_it_slower_and_never_faster() -> None:
    world = Campaigns([800, 800], 28.0, trouble=0.004).play()
    assert world.most_in(60.0) <= 28.0 * 60 + 2 * CAMPAIGN_PAGE
    assert len(world.taken.at) == 1600


def test_what_was_booked_at_a_much_slower_pace_holds_nobody_up() -> None:
    world = Campaigns([300], 14.0)
    too_slow = PaceStore(DynamoDB(world.db), world.tables["CAMPAIGNS_TABLE"], 0.001, world.clock)  # type: ignore[arg-type]  # acts like a client
    too_slow.book(CAMPAIGN_PAGE, 60.0, Deadline.after(60, world.clock))
    assert world.play().clock.passed < 60


def test_a_task_that_comes_twice_makes_nothing_faster() -> None:
    world = Campaigns([300], 14.0)
    world.due.append(world.due[0])  # the task came twice
    world.play()
    assert world.most_in(10.0) <= 14.0 * 10 + 2 * CAMPAIGN_PAGE
    assert world.clock.passed >= timedelta(seconds=(300 - CAMPAIGN_PAGE) / 14).total_seconds()


def test_a_campaign_alone_books_each_page_by_one_call() -> None:
    world = Campaigns([0], 14.0)
    calls = Counter[str]()

    class Counting:
        def __getattr__(self, operation: str) -> Any:
            calls[operation] += 1
            return getattr(world.db, operation)

    pace = PaceStore(DynamoDB(cast("Any", Counting())), world.tables["CAMPAIGNS_TABLE"], 14.0, world.clock)
    deadline = Deadline.after(1000, world.clock)
    assert [round(pace.book(CAMPAIGN_PAGE, 100, deadline)) for _ in range(5)] == [0, 7, 14, 21, 28]
    assert calls == {"update_item": 5}
    pace.give_back(CAMPAIGN_PAGE, deadline)
    assert round(pace.book(CAMPAIGN_PAGE, 100, deadline)) == 28
    assert calls == {"update_item": 7}
