"""One offline campaign in a small world of its own: users change between any two calls, and any call may be the last.

The walk's own code runs over tables in memory. Before each of its calls chance may change users, let the sender take
messages, let a second runner work to its end, or stop the campaign; and the call itself may fail, be lost, or crash the
runner before or after it. The truth is kept beside it, in plain dictionaries.
"""

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from random import Random
from typing import Any

from botocore.exceptions import ClientError, ReadTimeoutError

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
)
from api_segments.campaigns.running.runs import CampaignRunService, CampaignStores, Pace
from api_segments.campaigns.sending_accounts import SendingAccounts
from api_segments.campaigns.store import CampaignStore
from api_segments.campaigns.store_deliveries import DeliveryStore
from api_segments.campaigns.store_pace import PaceStore
from api_segments.campaigns.store_walks import WalkStore
from api_segments.core.channels import Channel
from api_segments.core.clock import Deadline
from api_segments.core.errors import NotWrittenError
from api_segments.memberships.store import MembershipStore
from api_segments.memberships.store_lists import MemberListStore
from api_segments.segments.store_uses import SegmentUseStore
from tests.support.accounts import put_account
from tests.support.clock import START, MovableClock
from tests.support.dynamodb import InMemoryDynamoDB
from tests.support.event_schemas import assert_entry_described
from tests.support.tables import create_tables

ACCOUNT = "W-1"
CAMPAIGN_ID = int(START.timestamp()) * 1_000_000
MODES = (TargetMode.EMAIL, TargetMode.PUSH, TargetMode.WEBHOOK)
MANY_INVOCATIONS = 500
LAG_SECONDS = 30.0
"""So far, at most, are the lists of members behind memberships."""


class Crash(BaseException):
    """The runner's process ends here."""


@dataclass
class User:
    """What is true of a user now, and what ever was while the campaign ran."""

    segment_ids: set[int]
    reach: set[Channel]
    always_in: set[int] = field(default_factory=set)
    ever_excluded: bool = False
    ever_meant: bool = False
    always_reachable: bool = True
    ever_reachable: bool = False


@dataclass
class Shaky:
    """A client whose calls go wrong: `before` is run before each; `chance` decides on the rest."""

    service: object
    before: Callable[[], None]
    chance: Random
    trouble: float

    def __getattr__(self, operation: str) -> Callable[..., Any]:
        run = getattr(self.service, operation)

        def call(**arguments: Any) -> Any:
            self.before()
            fate = self.chance.random() / self.trouble if self.trouble else 1.0
            if fate < 0.25:
                raise Crash
            if fate < 0.4:
                raise ClientError({"Error": {"Code": "ThrottlingException"}}, operation)
            answer = run(**arguments)
            if fate < 0.55:
                raise ReadTimeoutError(endpoint_url="https://simulated")
            if fate < 0.8:
                raise Crash
            return answer

        return call


@dataclass
class Outside:
    """Takes messages and events, some messages only at the second try."""

    chance: Random
    messages: list[Message] = field(default_factory=list)
    tasks: list[Any] = field(default_factory=list)
    events: list[dict[str, Any]] = field(default_factory=list)

    def send_message(self, QueueUrl: str, MessageBody: str, DelaySeconds: int) -> None:  # noqa: N803 - boto3's own names
        assert (QueueUrl, DelaySeconds) == ("tasks", 0)
        self.tasks.append(json.loads(MessageBody))

    def send_message_batch(self, QueueUrl: str, Entries: list[dict[str, str]]) -> Any:  # noqa: N803 - boto3's own names
        assert QueueUrl == "messages"
        assert 1 <= len(Entries) <= 10
        failed = [entry for entry in Entries if self.chance.random() < 0.02]
        self.messages += [Message(**json.loads(entry["MessageBody"])) for entry in Entries if entry not in failed]
        return {"Failed": [{"Id": entry["Id"]} for entry in failed]}

    def put_events(self, Entries: list[dict[str, Any]]) -> Any:  # noqa: N803 - boto3's own names
        for entry in Entries:
            detail = json.loads(entry["Detail"])
            assert_entry_described(entry, detail)
            self.events.append({"name": entry["DetailType"], **detail})
        return {"FailedEntryCount": 0, "Entries": [{}] * len(Entries)}


class Walking:
    """A campaign, its users and all that may happen to them, from one seed."""

    def __init__(self, seed: int, *, trouble: float = 0.03, churn: float = 0.3, stops: bool | None = None) -> None:
        self.chance = chance = Random(seed)  # noqa: S311 - seeded on purpose
        self.clock = MovableClock()
        self.outside = Outside(chance)
        self.db = InMemoryDynamoDB(lambda: self.clock.now().timestamp())
        self.environment = create_tables(self.db)  # type: ignore[arg-type]  # has what the function calls
        self.trouble, self.churn = trouble, churn
        self.stops = chance.random() < 0.25 if stops is None else stops
        self.stopped_with: set[str] | None = None
        self.is_disabled = False
        self.disabled_with: set[str] | None = None
        self.nested = False
        self.behind: list[tuple[datetime, str]] = []
        self.sent: Counter[str] = Counter()
        segments = list(range(1, chance.randint(2, 6)))
        include = tuple(chance.sample(segments, chance.randint(1, len(segments))))
        exclude = tuple(chance.sample(segments, chance.randint(0, 2 if len(segments) > 1 else 1)))
        self.segments = segments
        self.users = {f"u{number}": self._user() for number in range(chance.choice([0, 3, 40, 250]))}
        self.campaign = Campaign(
            account_id=ACCOUNT,
            campaign_id=CAMPAIGN_ID,
            name="Spring sale",
            target_mode=chance.choice(MODES),
            audience=Audience(include, exclude),
            trigger=None,
            starts_at=START + timedelta(minutes=chance.choice([0, 30])),
            content={"body": "Hello"},
            users_limit=chance.choice([None, None, 1, 7, 120]),
            status=CampaignStatus.SCHEDULED,
            created_at="2026-12-01T09:00:00.000000Z",
            when="now",
        )
        self.calm = self.stores(self.db)
        self.accounts = put_account(DynamoDB(self.db), self.environment["ACCOUNTS_TABLE"], ACCOUNT, self.clock)  # type: ignore[arg-type]  # acts like one
        self._write_all()
        self.calm.campaigns.create(self.campaign, None, START, self.deadline())
        self.disables = churn > 0 and chance.random() < 0.25
        for user in self.users.values():
            user.always_in = set(include)
            self._look(user)

    def _user(self) -> User:
        segment_ids = {each for each in self.segments if self.chance.random() < 0.5}
        reach = {each for each in (Channel.EMAIL, Channel.PUSH) if self.chance.random() < 0.8}
        return User(segment_ids, reach)

    def deadline(self, seconds: float = 114.5) -> Deadline:
        return Deadline.after(seconds, self.clock)

    def stores(self, client: object) -> CampaignStores:
        db, table = DynamoDB(client), self.environment["CAMPAIGNS_TABLE"]  # type: ignore[arg-type]  # acts like one
        uses = SegmentUseStore(db, self.environment["SEGMENTS_TABLE"])
        return CampaignStores(CampaignStore(db, table), WalkStore(db, table), DeliveryStore(db, table), uses)

    def runner(self) -> CampaignRunService:
        """Return a runner whose every call may be its last."""

        def shaky(service: object) -> Any:
            return Shaky(service, self.meanwhile, self.chance, self.trouble)

        db = DynamoDB(shaky(self.db))
        return CampaignRunService(
            self.stores(shaky(self.db)),
            SendingAccounts(
                AccountService(AccountStore(db, self.environment["ACCOUNTS_TABLE"]), self.clock), self.clock
            ),
            MemberListStore(db, self.environment["SEGMENT_MEMBERS_TABLE"]),
            MembershipStore(db, self.environment["MEMBERSHIPS_TABLE"], self.environment["PROFILES_TABLE"]),
            TaskQueue(shaky(self.outside), "messages"),
            EventBus(shaky(self.outside), "bus"),
            Pace(PaceStore(db, self.environment["CAMPAIGNS_TABLE"], 1000.0, self.clock), LAG_SECONDS),
            self.clock,
        )

    # ---------------------------------------------------------------- what happens

    def meanwhile(self) -> None:
        """Let something happen between two calls of a runner."""
        self._project()
        if self.nested:
            return
        self.nested = True
        try:
            if self.chance.random() < self.churn:
                self._change_a_user()
            if self.chance.random() < 0.1:
                self._send_some()
            if self.chance.random() < 0.01:
                self.run_once()
            if self.stops and self.chance.random() < 0.01:
                self._stop()
            if self.disables and self.chance.random() < 0.01:
                self._disable()
        finally:
            self.nested = False

    def run_once(self) -> float | None:
        """Run one invocation; return in how many seconds the campaign goes on, None if it is through."""
        if self.is_disabled and not self.nested and self.disabled_with is None:  # nobody remembers it otherwise
            self.disabled_with = {each.profile_id for each in self.log()}
        try:
            report = self.runner().run(ACCOUNT, CAMPAIGN_ID, self.deadline())
        except (Crash, NotWrittenError):
            return 720.0
        return report.goes_on_in

    def run_to_the_end(self) -> None:
        for _ in range(MANY_INVOCATIONS):
            goes_on_in = self.run_once()
            self._send_some(all_of_them=self.chance.random() < 0.5)
            if goes_on_in is None:
                return
            self.clock.sleep(goes_on_in)
        raise AssertionError("this goes on for ever")

    def _stop(self) -> None:
        state = self.calm.campaigns.get_state(ACCOUNT, CAMPAIGN_ID, self.deadline())
        assert state is not None
        if state[0].status.is_live:
            now = "2026-12-01T10:00:00.000000Z"
            assert self.calm.campaigns.end(state[0], CampaignStatus.STOPPED, now, self.deadline())
            self.stopped_with = {each.profile_id for each in self.log()}

    def _disable(self) -> None:
        self.accounts.set_status(ACCOUNT, AccountStatus.DISABLED, self.deadline())
        self.is_disabled = True

    def _change_a_user(self) -> None:
        if not self.users:
            return
        profile_id = self.chance.choice(sorted(self.users))
        user = self.users[profile_id]
        changed = self._user()
        if self.chance.random() < 0.5:
            user.segment_ids = changed.segment_ids
        else:
            user.reach = changed.reach
        self._write(profile_id, user)
        self._look(user)

    def _look(self, user: User) -> None:
        """Note what is true of a user at this moment of the campaign."""
        is_excluded = bool(user.segment_ids & set(self.campaign.audience.exclude))
        is_meant = bool(user.segment_ids & set(self.campaign.audience.include)) and not is_excluded
        channel = self.campaign.target_mode.channel
        is_reachable = channel is None or channel in user.reach
        user.always_in &= user.segment_ids
        user.ever_excluded |= is_excluded
        user.ever_meant |= is_meant
        user.always_reachable &= is_reachable
        user.ever_reachable |= is_reachable

    def _send_some(self, *, all_of_them: bool = False) -> None:
        """Let the sender take messages, in any order, some of them twice."""
        waiting = self.outside.messages
        for _ in range(len(waiting) if all_of_them else min(len(waiting), self.chance.randint(0, 30))):
            message = waiting.pop(self.chance.randrange(len(waiting)))
            if self.chance.random() < 0.05:
                waiting.append(message)
                all_of_them = False
            self._send(message)

    def _send(self, message: Message) -> None:
        state = self.calm.campaigns.get_state(ACCOUNT, CAMPAIGN_ID, self.deadline())
        assert state is not None
        now = "2026-12-01T11:00:00.000000Z"
        if state[0].status is CampaignStatus.STOPPED:
            skipped = Outcome(DeliveryStatus.SKIPPED, SkipReason.STOPPED)
            self.calm.deliveries.settle(message, DeliveryStatus.QUEUED, skipped, now, self.deadline())
        elif self.calm.deliveries.claim(message, now, now, self.deadline()):
            self.sent[message.profile_id] += 1
            sent = Outcome(DeliveryStatus.SENT)
            assert self.calm.deliveries.settle(message, DeliveryStatus.SENDING, sent, now, self.deadline())

    # ---------------------------------------------------------------- tables

    def log(self) -> list[Any]:
        return self.calm.deliveries.page(ACCOUNT, CAMPAIGN_ID, None, 10_000, self.deadline())

    def _write_all(self) -> None:
        for segment_id in self.campaign.segment_ids:
            item = {
                "account_id": {"S": ACCOUNT},
                "sk": {"S": keys.segment(segment_id)},
                "campaign_ids": {"NS": [str(CAMPAIGN_ID)]},
            }
            self.db.put_item(TableName=self.environment["SEGMENTS_TABLE"], Item=item)
        for profile_id, user in self.users.items():
            self._write(profile_id, user)

    def _write(self, profile_id: str, user: User) -> None:
        """Write a user's memberships; the lists of members follow."""
        reach = {"reach": {"SS": sorted(user.reach)}} if user.reach else {}
        sets = {"segment_ids": {"NS": sorted(map(str, user.segment_ids))}} if user.segment_ids else {}
        pk = {"S": keys.membership(ACCOUNT, profile_id)}
        item = {"pk": pk, "account_id": {"S": ACCOUNT}, "profile_id": {"S": profile_id}, **sets, **reach}
        self.db.put_item(TableName=self.environment["MEMBERSHIPS_TABLE"], Item=item)
        self.behind.append((self.clock.now() + timedelta(seconds=self.chance.uniform(0, LAG_SECONDS)), profile_id))

    def _project(self) -> None:
        """Bring the lists of members as far as they are by now."""
        due = [each for each in self.behind if each[0] <= self.clock.now()]
        self.behind = [each for each in self.behind if each[0] > self.clock.now()]
        for _, profile_id in due:
            self._write_rows(profile_id, self.users[profile_id])

    def _write_rows(self, profile_id: str, user: User) -> None:
        reach = {"reach": {"SS": sorted(user.reach)}} if user.reach else {}
        for segment_id in self.segments:
            row = {
                "pk": {"S": keys.member_bucket(ACCOUNT, segment_id, profile_id)},
                "profile_id": {"S": profile_id},
                "added_at": {"S": "2026-11-01T00:00:00.000000Z"},
                **reach,
            }
            if segment_id in user.segment_ids:
                self.db.put_item(TableName=self.environment["SEGMENT_MEMBERS_TABLE"], Item=row)
            elif segment_id % 2:  # the rows of former members stay for a while in some of the segments
                row["expires_at"] = {"N": "9999999999"}
                self.db.put_item(TableName=self.environment["SEGMENT_MEMBERS_TABLE"], Item=row)
            else:
                key = {name: row[name] for name in ("pk", "profile_id")}
                self.db.delete_item(TableName=self.environment["SEGMENT_MEMBERS_TABLE"], Key=key)

    def marks(self) -> list[int]:
        return [
            each
            for segment_id in self.segments
            for each in self.calm.uses.users_of(ACCOUNT, [segment_id], self.deadline()).get(segment_id, ())
        ]

    def live(self) -> int:
        key = {"account_id": {"S": ACCOUNT}, "sk": {"S": keys.LIVE_CAMPAIGNS}}
        item = self.db.get_item(TableName=self.environment["CAMPAIGNS_TABLE"], Key=key)["Item"]
        return int(item["live"]["N"])

    def ended(self) -> Campaign:
        state = self.calm.campaigns.get_state(ACCOUNT, CAMPAIGN_ID, self.deadline())
        assert state is not None
        return replace(state[0], content={})
