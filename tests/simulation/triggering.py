"""One online campaign in a small world of its own: changes are told in any order, and any call may be the last.

The code that acts on changes, and the one that ends campaigns, run over tables in memory, like the walk in `walking`.
"""

from collections import Counter
from dataclasses import dataclass, replace
from random import Random
from typing import Any

from api_segments.accounts.model import AccountStatus
from api_segments.accounts.service import AccountService
from api_segments.accounts.store import AccountStore
from api_segments.aws import keys
from api_segments.aws.dynamodb import DynamoDB
from api_segments.aws.event_bus import EventBus
from api_segments.aws.task_queue import TaskQueue
from api_segments.campaigns.model import (
    Audience,
    Campaign,
    CampaignStatus,
    DeliveryStatus,
    Message,
    Outcome,
    SkipReason,
    TargetMode,
    Trigger,
)
from api_segments.campaigns.running.runs import CampaignRunService, CampaignStores, Pace
from api_segments.campaigns.running.triggers import CampaignTriggerService, Change
from api_segments.campaigns.sending_accounts import SendingAccounts
from api_segments.campaigns.store import CampaignStore
from api_segments.campaigns.store_deliveries import DeliveryStore, StoredDelivery
from api_segments.campaigns.store_pace import PaceStore
from api_segments.campaigns.store_walks import WalkStore
from api_segments.core.channels import Channel
from api_segments.core.clock import Deadline
from api_segments.core.errors import NotWrittenError
from api_segments.memberships.model import Action
from api_segments.memberships.store import MembershipStore
from api_segments.memberships.store_lists import MemberListStore
from api_segments.segments.store_uses import SegmentUseStore
from tests.simulation.walking import ACCOUNT, CAMPAIGN_ID, Crash, Outside, Shaky
from tests.support.accounts import put_account
from tests.support.clock import START, MovableClock
from tests.support.dynamodb import InMemoryDynamoDB
from tests.support.tables import create_tables

JOINED, MEANT, EXCLUDED = 1, 2, 3
MANY_ROUNDS = 2000


@dataclass
class User:
    """What is true of a user now; None of its segments when it is erased."""

    segment_ids: set[int] | None
    is_reachable: bool


class Triggering:
    """A campaign, the changes that it acts on, and all that may happen to them, from one seed."""

    def __init__(self, seed: int, *, trouble: float = 0.1) -> None:
        self.chance = chance = Random(seed)  # noqa: S311 - seeded on purpose
        self.clock = MovableClock()
        self.outside = Outside(chance)
        self.db = InMemoryDynamoDB(lambda: self.clock.now().timestamp())
        self.environment = create_tables(self.db)  # type: ignore[arg-type]  # has what the function calls
        self.trouble = trouble
        self.sent: Counter[str] = Counter()
        self.calm = self._stores(self.db)
        self.accounts = put_account(DynamoDB(self.db), self.environment["ACCOUNTS_TABLE"], ACCOUNT, self.clock)  # type: ignore[arg-type]  # acts like one
        self.stops = chance.random() < 0.25
        self.is_disabled = False
        self.disables = chance.random() < 0.25
        self.logged_meanwhile: dict[str, bool] = {}
        self.campaign = Campaign(
            account_id=ACCOUNT,
            campaign_id=CAMPAIGN_ID,
            name="Welcome",
            target_mode=TargetMode.EMAIL,
            audience=chance.choice([Audience(), Audience((MEANT,), (EXCLUDED,))]),
            trigger=Trigger(JOINED, Action.ADD),
            starts_at=None,
            content={"body": "Hello"},
            users_limit=chance.choice([None, 1, 7, 30]),
            status=CampaignStatus.RUNNING,
            created_at="2026-12-01T09:00:00.000000Z",
            started_at="2026-12-01T09:00:00.000000Z",
        )
        self.calm.campaigns.create(self.campaign, None, START, self.deadline())
        self.users = {f"u{number}": self._user() for number in range(20)}
        for profile_id in self.users:
            self._write(profile_id)
        self.changes = [self._change(number) for number in range(chance.choice([3, 40, 120]))]
        self.untold = list(self.changes)

    def _user(self) -> User:
        return User({each for each in (JOINED, MEANT) if self.chance.random() < 0.8}, self.chance.random() < 0.8)

    def _change(self, number: int) -> Change:
        profile_id, event_id = self.chance.choice(sorted(self.users)), f"event {number}"
        detail = {"Event ID": event_id}
        return Change(ACCOUNT, Trigger(JOINED, Action.ADD), profile_id, event_id, START, detail)

    def deadline(self) -> Deadline:
        return Deadline.after(60, self.clock)

    def _stores(self, client: Any) -> CampaignStores:
        db, table = DynamoDB(client), self.environment["CAMPAIGNS_TABLE"]
        uses = SegmentUseStore(db, self.environment["SEGMENTS_TABLE"])
        return CampaignStores(CampaignStore(db, table), WalkStore(db, table), DeliveryStore(db, table), uses)

    def _shaky(self, service: object) -> Any:
        return Shaky(service, self._meanwhile, self.chance, self.trouble)

    def _accounts(self, db: DynamoDB) -> SendingAccounts:
        accounts = AccountStore(db, self.environment["ACCOUNTS_TABLE"])
        return SendingAccounts(AccountService(accounts, self.clock), self.clock)

    def _memberships(self, db: DynamoDB) -> MembershipStore:
        return MembershipStore(db, self.environment["MEMBERSHIPS_TABLE"], self.environment["PROFILES_TABLE"])

    # ---------------------------------------------------------------- what happens

    def play(self) -> None:
        """Let all changes be told until they are taken in, then let the campaign come to rest."""
        for _ in range(MANY_ROUNDS):
            self._tell()
            for line in self.log():
                self.logged_meanwhile.setdefault(line.delivery_id, self.is_disabled)
            if self.disables and self.chance.random() < 0.2:
                self.is_disabled = not self.is_disabled
                status = AccountStatus.DISABLED if self.is_disabled else AccountStatus.ACTIVE
                self.accounts.set_status(ACCOUNT, status, self.deadline())
            for _ in range(self.chance.randint(0, 5)):
                self._change_a_user()
            if self.chance.random() < 0.3:
                self._run()
            if self.stops and self.chance.random() < 0.05:
                self._stop()
            if not self.untold:
                break
        for _ in range(MANY_ROUNDS):
            self._send_some(all_of_them=True)
            if not (self.outside.messages or self.outside.tasks):
                return
            self._run()
            self.clock.sleep(60)
        raise AssertionError("this goes on for ever")

    def _tell(self) -> None:
        """Deliver a batch; what is not taken in, and some of what is, comes again."""
        if not self.untold:
            return
        batch = self.chance.sample(self.untold, min(len(self.untold), self.chance.randint(1, 12)))
        db = DynamoDB(self._shaky(self.db))
        service = CampaignTriggerService(
            self._stores(self._shaky(self.db)),
            self._accounts(db),
            self._memberships(db),
            TaskQueue(self._shaky(self.outside), "messages"),
            TaskQueue(self._shaky(self.outside), "tasks"),
            self.clock,
        )
        try:
            failed = service.trigger(batch, self.deadline()).failed
        except Crash:
            return
        taken = [change for index, change in enumerate(batch) if index not in failed]
        self.untold = [each for each in self.untold if each not in taken or self.chance.random() < 0.1]

    def _run(self) -> None:
        """Work on a task; one that fails comes again."""
        if not self.outside.tasks:
            return
        task = self.outside.tasks.pop(0)
        db = DynamoDB(self._shaky(self.db))
        runner = CampaignRunService(
            self._stores(self._shaky(self.db)),
            self._accounts(db),
            MemberListStore(db, self.environment["SEGMENT_MEMBERS_TABLE"]),
            self._memberships(db),
            TaskQueue(self._shaky(self.outside), "messages"),
            EventBus(self._shaky(self.outside), "bus"),
            Pace(PaceStore(db, self.environment["CAMPAIGNS_TABLE"], 1000.0, self.clock), 0.0),
            self.clock,
        )
        try:
            goes_on_in = runner.run(ACCOUNT, CAMPAIGN_ID, self.deadline()).goes_on_in
        except (Crash, NotWrittenError):
            goes_on_in = 720.0
        if goes_on_in is not None:
            self.outside.tasks.append(task)

    def _meanwhile(self) -> None:
        if self.chance.random() < 0.05:
            self._change_a_user()
        if self.chance.random() < 0.05:
            self._send_some()

    def _change_a_user(self) -> None:
        profile_id = self.chance.choice(sorted(self.users))
        if self.users[profile_id].segment_ids is not None:
            self.users[profile_id] = self._user()
            if self.chance.random() < 0.05:
                self.users[profile_id].segment_ids = None
            self._write(profile_id)

    def _stop(self) -> None:
        state = self.calm.campaigns.get_state(ACCOUNT, CAMPAIGN_ID, self.deadline())
        assert state is not None
        if state[0].status.is_live:
            assert self.calm.campaigns.end(
                state[0], CampaignStatus.STOPPED, "2026-12-01T10:00:00.000000Z", self.deadline()
            )
            self.outside.tasks.append({"account_id": ACCOUNT, "campaign_id": CAMPAIGN_ID})

    def _send_some(self, *, all_of_them: bool = False) -> None:
        waiting = self.outside.messages
        for _ in range(len(waiting) if all_of_them else min(len(waiting), self.chance.randint(0, 10))):
            self._send(waiting.pop(self.chance.randrange(len(waiting))))

    def _send(self, message: Message) -> None:
        now = "2026-12-01T11:00:00.000000Z"
        segment_ids = self.users[message.profile_id].segment_ids
        if segment_ids is None or not self.campaign.audience.includes(frozenset(segment_ids)):
            skipped = Outcome(DeliveryStatus.SKIPPED, SkipReason.REMOVED)
            self.calm.deliveries.settle(message, DeliveryStatus.QUEUED, skipped, now, self.deadline())
        elif self.calm.deliveries.claim(message, now, now, self.deadline()):
            self.sent[message.delivery_id] += 1
            sent = Outcome(DeliveryStatus.SENT)
            assert self.calm.deliveries.settle(message, DeliveryStatus.SENDING, sent, now, self.deadline())

    # ---------------------------------------------------------------- tables

    def _write(self, profile_id: str) -> None:
        user, pk = self.users[profile_id], {"S": keys.membership(ACCOUNT, profile_id)}
        table = self.environment["MEMBERSHIPS_TABLE"]
        if user.segment_ids is None:
            self.db.delete_item(TableName=table, Key={"pk": pk})
            return
        reach = {"reach": {"SS": [Channel.EMAIL]}} if user.is_reachable else {}
        sets = {"segment_ids": {"NS": sorted(map(str, user.segment_ids))}} if user.segment_ids else {}
        item = {"pk": pk, "account_id": {"S": ACCOUNT}, "profile_id": {"S": profile_id}, **sets, **reach}
        self.db.put_item(TableName=table, Item=item)

    def log(self) -> list[StoredDelivery]:
        return self.calm.deliveries.page(ACCOUNT, CAMPAIGN_ID, None, 10_000, self.deadline())

    def ended(self) -> Campaign:
        state = self.calm.campaigns.get_state(ACCOUNT, CAMPAIGN_ID, self.deadline())
        assert state is not None
        return replace(state[0], content={})
