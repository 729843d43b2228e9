"""A small world around the sender of messages: tables in memory, a clock, providers, one campaign and one user."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, cast

from api_segments.aws.delivery import Reply
from api_segments.aws.dynamodb import DynamoDB
from api_segments.aws.events import full_detail
from api_segments.aws.keyed_hashes import KeyedHashes
from api_segments.aws.signed_tokens import SignedTokens
from api_segments.aws.signing_key import SigningKeyStore
from api_segments.aws.task_queue import TaskQueue
from api_segments.campaigns.model import (
    Audience,
    Campaign,
    CampaignSettings,
    CampaignStatus,
    DeliveryStatus,
    Message,
    Results,
    TargetMode,
    Webhook,
)
from api_segments.campaigns.sending.dispatch import Dispatch, Providers
from api_segments.campaigns.sending.opt_outs import MessageTokens, OptOutService
from api_segments.campaigns.sending.service import QueuedMessage, SendingService, SendingStores
from api_segments.campaigns.sending_accounts import SendingAccounts
from api_segments.campaigns.store import CampaignStore
from api_segments.campaigns.store_deliveries import DeliveryStore, delivery_key
from api_segments.campaigns.store_settings import CampaignSettingsStore
from api_segments.core.clock import Deadline, rfc3339
from api_segments.memberships.model import Action
from api_segments.memberships.store import MembershipStore, SetChange
from api_segments.profiles.addresses import AddressKeys
from api_segments.profiles.model import ProfileUpdate, Token, TokenType
from api_segments.profiles.service import ProfileService
from api_segments.profiles.store import ProfileStore
from api_segments.profiles.store_suppressions import SuppressionStore
from api_segments.profiles.suppressions import FollowTask, SuppressionService
from tests.support.accounts import put_account
from tests.support.clock import START, MovableClock
from tests.support.dynamodb import InMemoryDynamoDB
from tests.support.event_schemas import assert_described
from tests.support.tables import create_tables

ACCOUNT, GUID = "T-1", "5f2d"
CAMPAIGN_ID = 1763901234567892
MESSAGE = Message(ACCOUNT, CAMPAIGN_ID, GUID, GUID)
FCM = Token(TokenType.FCM, "fcm-1")
APNS = Token(TokenType.APNS, "apns-1")
CHROME = Token(TokenType.CHROME, "chrome-1")
APPLICATIONS = {TokenType.FCM: "arn:fcm", TokenType.APNS: "arn:apns"}
PUBLIC_URL = "https://api.example.com/live"
CONTENTS: dict[TargetMode, dict[str, str]] = {
    TargetMode.EMAIL: {"subject": "Hi {{ profile.Name }}", "body": "<p>{{ profile.Name }}</p>"},
    TargetMode.SMS: {"body": "Hi {{ profile.Name }}"},
    TargetMode.WHATSAPP: {"body": "Hi {{ profile.Name }}"},
    TargetMode.PUSH: {"title": "Hi", "body": "{{ profile.Name }}"},
    TargetMode.WEB_PUSH: {"title": "Hi", "body": "{{ profile.Name }}"},
    TargetMode.WEBHOOK: {"url": "crm"},
}


class Crash(BaseException):
    """The sender's process ends here."""


@dataclass
class Interrupted:
    """Passes calls on; the call at `dies_at` is the process's last, before or after it is done."""

    service: object
    world: "World"

    def __getattr__(self, operation: str) -> Callable[..., Any]:
        def call(*arguments: Any, **named: Any) -> Any:
            self.world.calls += 1
            if self.world.dies_at == (self.world.calls, "before"):
                raise Crash
            answer = getattr(self.service, operation)(*arguments, **named)
            if self.world.dies_at == (self.world.calls, "after"):
                raise Crash
            return answer

        return call


@dataclass
class Provider:
    """Takes messages and says what it is told to say: the next of `replies`, or yes."""

    replies: list[Reply] = field(default_factory=list)
    taken: list[tuple[Any, ...]] = field(default_factory=list)

    def send(self, *arguments: Any) -> Reply:
        self.taken.append(arguments[:-1])
        return self.replies.pop(0) if self.replies else Reply.ACCEPTED


@dataclass
class Bus:
    """Takes events; `is_full` is whether it refuses them."""

    events: list[Any] = field(default_factory=list)
    is_full: bool = False

    def put(self, events: list[Any], _: Deadline) -> set[int]:
        if self.is_full:
            return set(range(len(events)))
        for event in events:
            assert_described(event.name, json.loads(json.dumps(full_detail(event.detail))))
        self.events += events
        return set()


class World:
    """Tables in memory, a clock, providers, and one campaign's message for one user."""

    def __init__(self) -> None:
        self.clock = MovableClock()
        self.calls = 0
        self.dies_at: tuple[int, str] | None = None
        memory = InMemoryDynamoDB(now=lambda: self.clock.now().timestamp())
        tables = create_tables(cast("Any", memory))
        self.client = memory
        self.table = tables["CAMPAIGNS_TABLE"]
        self.tables = tables
        self.db = DynamoDB(cast("Any", Interrupted(memory, self)))
        self.campaigns = CampaignStore(self.db, self.table)
        self.deliveries = DeliveryStore(self.db, self.table)
        self.settings = CampaignSettingsStore(self.db, tables["ACCOUNTS_TABLE"])
        self.accounts = put_account(self.db, tables["ACCOUNTS_TABLE"], ACCOUNT, self.clock)
        profiles = ProfileStore(self.db, tables["PROFILES_TABLE"], tables["MEMBERSHIPS_TABLE"])
        key = SigningKeyStore(self.db, tables["ACCOUNTS_TABLE"])
        self.addresses = AddressKeys(KeyedHashes(key))
        self.suppressions = SuppressionStore(self.db, tables["SUPPRESSIONS_TABLE"])
        self.profiles = ProfileService(profiles, self.addresses, self.suppressions, self.clock)
        self.memberships = MembershipStore(self.db, tables["MEMBERSHIPS_TABLE"], tables["PROFILES_TABLE"])
        self.tokens = MessageTokens(SignedTokens(key))
        self.emails, self.sms, self.pushes, self.webhooks, self.bus = (
            Provider(),
            Provider(),
            Provider(),
            Provider(),
            Bus(),
        )
        parts = [Interrupted(each, self) for each in (self.emails, self.sms, self.pushes, self.webhooks, self.bus)]
        self.tasks: list[Any] = []
        queue = TaskQueue(cast("Any", self), "tasks")
        self.lists = SuppressionService(self.suppressions, self.profiles, profiles, queue, self.clock)
        self.opt_outs = OptOutService(
            self.tokens, self.profiles, self.lists, self.addresses, self.deliveries, self.clock
        )
        self.dispatch = Dispatch(
            Providers(*cast("Any", parts)), self.tokens, self.profiles, self.addresses, PUBLIC_URL, self.clock
        )
        sending = SendingAccounts(self.accounts, self.clock)
        self.stores = SendingStores(
            sending, self.campaigns, self.deliveries, self.settings, profiles, self.suppressions, self.addresses
        )
        self.sender = self.new_process()
        self.declare(
            CampaignSettings(
                senders=("news@example.com",),
                webhooks={"crm": Webhook("crm", "https://crm.example.com/", "secret")},
                push_applications=APPLICATIONS,
            )
        )
        self.upload(
            {"Name": "Zoë <b>", "Email": "zoe@example.com", "Phone": "+12025550123", "MSG-whatsapp": True},
            FCM,
            APNS,
            CHROME,
        )
        self.move({7})

    def send_message(self, *, MessageBody: str, **_: Any) -> None:  # noqa: N803 - boto3's own name
        """Take a task of those that let profiles follow the suppression list."""
        self.tasks.append(json.loads(MessageBody))

    def follow(self) -> None:
        """Let profiles follow the suppression list."""
        while self.tasks:
            assert self.lists.follow(FollowTask.from_json(self.tasks.pop(0)["suppression"]), self.deadline())

    def new_process(self) -> SendingService:
        stores = replace(self.stores, accounts=SendingAccounts(self.accounts, self.clock))
        self.sender = SendingService(stores, self.dispatch, self.clock)
        return self.sender

    def declare(self, settings: CampaignSettings) -> None:
        self.settings.change(ACCOUNT, lambda _: settings, self.deadline())

    def upload(self, attributes: Mapping[str, Any], *tokens: Token, without: frozenset[str] = frozenset()) -> None:
        update = ProfileUpdate("CT1", GUID, attributes, without, frozenset(tokens))
        assert self.profiles.update(ACCOUNT, {0: update}, self.deadline()) == {}

    def move(self, to: set[int], *, away_from: frozenset[int] = frozenset()) -> None:
        changes = [SetChange(GUID, Action.ADD, to)] if to else []
        changes += [SetChange(GUID, Action.REMOVE, away_from)] if away_from else []
        self.memberships.change(ACCOUNT, changes, self.deadline())

    def start(self, mode: TargetMode = TargetMode.EMAIL, **changes: Any) -> None:
        campaign = replace(
            Campaign(
                account_id=ACCOUNT,
                campaign_id=CAMPAIGN_ID,
                name="Spring",
                target_mode=mode,
                audience=Audience((7,), (8,)),
                trigger=None,
                starts_at=START,
                content=CONTENTS[mode],
                users_limit=None,
                status=CampaignStatus.RUNNING,
                created_at=rfc3339(START),
                started_at=rfc3339(START),
            ),
            **changes,
        )
        assert self.campaigns.reserve(campaign, self.deadline())
        self.campaigns.create(campaign, None, self.clock.now(), self.deadline())
        self.campaign = campaign
        self.queue()

    def queue(self, message: Message = MESSAGE) -> None:
        line = {
            **delivery_key(ACCOUNT, CAMPAIGN_ID, message.delivery_id),
            "delivery_id": {"S": message.delivery_id},
            "profile_id": {"S": message.profile_id},
            "status": {"S": DeliveryStatus.QUEUED},
            "moved_at": {"S": rfc3339(self.clock.now())},
        }
        self.client.put_item(TableName=self.table, Item=line)

    def deadline(self) -> Deadline:
        return Deadline.after(110, self.clock)

    def deliver(self, message: Message = MESSAGE, *, is_last: bool = False) -> bool:
        """Let a sender have the message; whether the queue need not deliver it again."""
        report = self.sender.send({"id": QueuedMessage(message, is_last=is_last)}, self.deadline())
        assert report.again <= {"id"}
        assert bool(report.again) != bool(report.outcomes)
        return not report.again

    def state(self, message: Message = MESSAGE) -> tuple[DeliveryStatus, str | None]:
        delivery = self.deliveries.get(message, self.deadline())
        assert delivery is not None
        return delivery.status, delivery.reason

    def results(self) -> Results:
        return self.deliveries.results(ACCOUNT, CAMPAIGN_ID, self.deadline())

    @property
    def taken(self) -> int:
        """How many messages all providers took."""
        providers = (self.emails, self.sms, self.pushes, self.webhooks)
        return sum(len(provider.taken) for provider in providers) + len(self.bus.events)


def ended(world: World, status: DeliveryStatus, reason: str | None = None) -> bool:
    """Whether the message has ended so, is counted once, and stays so however often it comes again."""
    taken = world.taken
    for _ in range(2):
        assert world.state() == (status, reason)
        results = world.results()
        assert results.settled == 1
        assert results.sent == (status is DeliveryStatus.SENT)
        assert results.skipped == ({reason: 1} if status is DeliveryStatus.SKIPPED else {})
        assert results.failed == ({reason: 1} if status is DeliveryStatus.FAILED else {})
        assert world.deliver()
    assert world.taken == taken
    return True
