"""A shop with an item of every kind, its calls, and damage to one attribute of one item."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from copy import copy, deepcopy
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import pytest

from api_segments.aws import items
from api_segments.aws.delivery import Reply
from api_segments.campaigns.providers.webhooks import WebhookProvider
from api_segments.campaigns.store_deliveries import delivery_key
from api_segments.core.clock import rfc3339
from api_segments.core.errors import DamagedItemError
from tests.simulation.bus import Queue
from tests.simulation.world import NAMES, Outcome, World
from tests.support.dynamodb.tables import Table
from tests.support.events import Event, body_of
from tests.support.rights import arn
from tests.support.routes import HANDLERS, event_of
from tests.support.uploads import profile, token
from tests.support.wired import forget_services

Json = Any
Item = dict[str, Any]
FUNCTION_OF = {route: handler.__module__.split(".")[1] for route, handler in HANDLERS.items()}

ACCOUNT = "SHOP"
MEMBER, OPTED_OUT, LEFT, FRESH, ANONYMOUS = "member", "opted-out", "left", "fresh", "device-1"
EMAILS = {"subject": "Hi", "body": "<p>Hi</p>"}
TABLES = (
    "ACCOUNTS_TABLE",
    "SEGMENTS_TABLE",
    "PROFILES_TABLE",
    "MEMBERSHIPS_TABLE",
    "SEGMENT_MEMBERS_TABLE",
    "UPDATE_ERRORS_TABLE",
    "IDEMPOTENCY_TABLE",
    "CAMPAIGNS_TABLE",
)


@dataclass(frozen=True)
class Call:
    """One call of a function."""

    function: str
    event: Event


@dataclass
class Shop:
    """A world with one account in which there is something of everything."""

    world: World = field(default_factory=lambda: World("damage", mild=True))
    damaged: list[DamagedItemError] = field(default_factory=list)
    """What was told of damage."""

    def __post_init__(self) -> None:
        self.failed_records = Queue(lambda: self.world.scheduler.now, 60, 1000)
        self.world.queues[NAMES["FAILED_RECORDS_QUEUE_URL"]] = self.failed_records

    @contextmanager
    def open(self) -> Iterator["Shop"]:
        """Build it, and notice what is told of damage."""

        def told(*arguments: str) -> DamagedItemError:
            error = really(*arguments)
            self.damaged.append(error)
            return error

        really = items.damaged_item
        with pytest.MonkeyPatch.context() as patch, self.world.installed():
            patch.setattr(WebhookProvider, "send", lambda *_: Reply.ACCEPTED)
            self.world.run(self._build)
            self.reconcile()  # the first walk of an account notes that it has been
            patch.setattr(items, "damaged_item", told)
            self._kept, self._kept_now = self.tables(), self.world.scheduler.now
            yield self

    # ---------------------------------------------------------------- calls

    def call(self, call: Call) -> Outcome:
        """Make a call in a new process."""
        outcomes: list[Outcome] = []

        def invoke() -> None:
            forget_services()
            outcomes.append(self.world.invoke(call.function, deepcopy(call.event), call.function, 60.0))

        self.world.run(invoke)
        return outcomes[0]

    def api(self, route: tuple[str, str], query: Json = None, body: Json = None, /, **path: str) -> Call:
        """Return a call of the API."""
        return Call(FUNCTION_OF[route], event_of(ACCOUNT, route, query, body, **path))

    def target(self, name: str, body: Json, key: str | None = None) -> Call:
        """Return a call of the API of campaigns."""
        headers = {} if key is None else {"Idempotency-Key": key}
        return Call("campaigns", event_of(ACCOUNT, ("POST", f"/1/targets/{name}.json"), None, body, headers))

    def update(self, action: str, segment: int, *users: Json) -> Call:
        """Return an update of users in a segment, by its id."""
        group = {"user_profiles": list(users), "segments": [{"ct_segment_id": segment, "action": action}]}
        return self.api(("POST", "/api/updateSegment"), None, {"bulk_profiles": [group]})

    def upload(self, *records: Json) -> Call:
        """Return an upload."""
        return self.api(("POST", "/1/upload"), None, {"d": list(records)})

    def operation(self, name: str, /, **arguments: Json) -> Call:
        """Return an operation on the account."""
        return Call("accounts", {"operation": name, "account_id": ACCOUNT, **arguments})

    def create(self, key: str = "first", *names: str) -> Call:
        """Return a creation of segments, with its key."""
        entries = [{"segment_name": name, "customer_segment_id": name} for name in names or ("Gold", "Gone", "Spare")]
        return Call(
            "create_segment",
            event_of(ACCOUNT, ("POST", "/api/createSegment"), None, entries, {"Idempotency-Key": key}),
        )

    def _inner(self, function: str, event: Event) -> Json:
        forget_services()
        outcome = self.world.invoke(function, event, function, 60.0)
        assert outcome.error is None, outcome
        if "statusCode" in (outcome.answer or {}):
            assert outcome.answer is not None
            assert outcome.answer["statusCode"] == 200, outcome
            return body_of(outcome.answer)
        return outcome.answer

    def _do(self, call: Call) -> Json:
        return self._inner(call.function, call.event)

    # ---------------------------------------------------------------- the building

    def _build(self) -> None:
        made = self._do(
            Call(
                "accounts",
                {
                    "operation": "create_account",
                    "account_id": ACCOUNT,
                    "name": "Shop",
                    "plan": "Advanced",
                    "private_beta": True,
                },
            )
        )
        self.passcode = made["passcode"]["passcode"]
        self._do(self.operation("set_time_zone", time_zone="UTC"))
        self._do(self.operation("add_sender", email="news@example.com"))
        self._do(self.operation("add_webhook", name="crm", url="https://crm.example.com/"))
        self._do(self.operation("set_push_application", type="fcm", arn=arn("sns", "app/GCM/shop")))
        self._do(self.create("second", "Late"))
        self._forget_answer()
        self.gold, self.gone, self.spare = (each["id"] for each in self._do(self.create())["segments"])
        users = [{"identity": each} for each in (MEMBER, OPTED_OUT, LEFT)]
        self._do(self.update("ADD", self.gold, *users, {"guid": ANONYMOUS}))
        self._do(self.update("ADD", self.gone, {"identity": MEMBER}))
        self._do(self.update("REMOVE", self.gold, {"identity": LEFT}))
        nowhere = {
            "user_profiles": [{"identity": MEMBER}],
            "segments": [{"customer_segment_id": "nowhere", "action": "ADD"}],
        }
        self._do(self.api(("POST", "/api/updateSegment"), None, {"bulk_profiles": [nowhere]}))
        self._do(
            self.upload(
                profile(MEMBER, Name="Ada", Email="member@example.com", Phone="+12025550101"),
                token(MEMBER, "token-1"),
                profile(OPTED_OUT, **{"Email": "out@example.com", "MSG-email": False}),
            )
        )
        self.project()
        self.offline = self._do(
            self.target(
                "create",
                {
                    "name": "Mail",
                    "target_mode": "email",
                    "when": "now",
                    "segment": self.gold,
                    "content": EMAILS,
                    "users_limit_overall": 100,
                },
                "mail",
            )
        )["id"]
        self.work()
        self.walking = self._do(
            self.target(
                "create",
                {"name": "Again", "target_mode": "email", "when": "now", "segment": self.gold, "content": EMAILS},
            )
        )["id"]
        (task,) = self.received("campaigns")
        self._inner("run_campaign", {"Records": [{"body": task}]})
        self.received("campaigns")
        self.world.pause(5)
        online = {"type": "event", "segment": self.gold, "action": "ADD"}
        self.online = self._do(
            self.target("create", {"name": "Joined", "target_mode": "email", "when": online, "content": EMAILS})
        )["id"]
        self._do(self.upload(profile(FRESH, Email="fresh@example.com")))
        seen = len(self.world.bus.details["Segment Membership Change"])
        self._do(self.update("ADD", self.gold, {"identity": FRESH}))
        self.project()
        self.change = self.world.bus.details["Segment Membership Change"][-1]
        assert len(self.world.bus.details["Segment Membership Change"]) > seen
        self._inner("trigger_campaigns", changes_event(self.change))
        (self.message,) = self.received("messages")
        self._interrupt()
        self._do(self.api(("DELETE", "/api/segments/{segment_id}"), segment_id=str(self.gone)))
        self._do(
            Call("publish_segments", {"Records": [each for each in self.records("SEGMENTS_TABLE") if is_told(each)]})
        )
        self.world.pause(1)
        links = self.world.mail.links()
        self.link, self.token = links["member@example.com"], self.world.mail.feedback()["member@example.com"]
        tables = self.world.tables
        self.profile_ids = {each: tables.profile_of(ACCOUNT, each) or "" for each in (MEMBER, OPTED_OUT, LEFT, FRESH)}

    def _forget_answer(self) -> None:
        """Leave the last creation as a process that died before its answer was kept does."""
        table = self.world.environment["IDEMPOTENCY_TABLE"]
        answered = [
            item for item in self.tables()[table].items.values() if item["id"]["S"].startswith("createSegment#")
        ]
        self.world.db.delete_item(TableName=table, Key={"id": answered[-1]["id"]})

    def _interrupt(self) -> None:
        """Leave a message as a sender that died amid its call does."""
        self.interrupted = {**json.loads(self.message), "delivery_id": "interrupted"}
        (line,) = [
            item
            for item in self.tables()[self.world.environment["CAMPAIGNS_TABLE"]].items.values()
            if item["sk"]["S"].startswith("LOG#") and item["status"]["S"] == "queued"
        ]
        key = delivery_key(ACCOUNT, self.online, "interrupted")
        sending = {"delivery_id": {"S": "interrupted"}, "status": {"S": "sending"}}
        until = {"sending_until": {"S": rfc3339(datetime.fromtimestamp(self.world.scheduler.now + 150, UTC))}}
        self.put("CAMPAIGNS_TABLE", {**line, **key, **sending, **until, "claim": {"S": "1"}})

    def project(self) -> None:
        """Let both readers of Memberships have all there is."""
        records = self.records("MEMBERSHIPS_TABLE")
        for reader in ("publish_changes", "project_members"):
            assert self._inner(reader, {"Records": records}) == {"batchItemFailures": []}

    def work(self) -> None:
        """Work the queues of campaigns and messages off."""
        for _ in range(50):
            for task in self.received("campaigns"):
                self._inner("run_campaign", {"Records": [{"body": task}]})
            messages = self.received("messages")
            if messages:
                assert self._inner("send_messages", messages_event(*messages)) == {"batchItemFailures": []}
            if not any(self.world.queues[name].messages for name in ("campaigns", "messages")):
                return
            self.world.pause(1)
        raise AssertionError("a campaign goes on for ever")

    def reconcile(self) -> list[Outcome]:
        """Reconcile the account: the walk, and what is looked at again; return what each invocation came to."""
        task = {"scope": {"account_id": ACCOUNT, "segment_id": None}, "position": {"stage": "profiles"}}
        queue = self.world.queues["reconciliations"]
        queue.send_message(QueueUrl="reconciliations", MessageBody=json.dumps(task))
        outcomes = []
        while queue.messages:
            message = queue.receive()
            if message is None:
                self.world.scheduler.now += 60
                continue
            outcome = self.call(Call("reconcile", {"Records": [{"body": message.body}]}))
            outcomes.append(outcome)
            if outcome.error is None:
                queue.delete(message)
        return outcomes

    def received(self, name: str) -> list[str]:
        """Take from a queue what can be received now."""
        queue, bodies = self.world.queues[name], []
        while (message := queue.receive()) is not None:
            queue.delete(message)
            bodies.append(message.body)
        return bodies

    def records(self, table: str) -> list[Json]:
        """Return all records of a table's stream."""
        return list(self.world.db.stream_records(self.world.environment[table]))

    # ---------------------------------------------------------------- items

    def tables(self) -> dict[str, Table]:
        """Return the tables as they are; items are replaced, never changed."""
        return {name: _copied(table) for name, table in self.world.db._tables.items()}  # noqa: SLF001 - to put them back

    def restore(self) -> None:
        """Put everything back as it was built."""
        self.world.db._tables = {name: _copied(table) for name, table in self._kept.items()}  # noqa: SLF001 - see above
        self.world.scheduler.now = self._kept_now
        for queue in self.world.queues.values():
            queue.messages.clear()
            queue.dead.clear()
        self.damaged.clear()

    def items(self) -> Iterator[tuple[str, Item]]:
        """Return all items that are kept, with the variable that names their table."""
        for variable in TABLES:
            yield from ((variable, item) for item in self._kept[self.world.environment[variable]].items.values())

    def key_of(self, variable: str, item: Item) -> Item:
        """Return the key of an item."""
        return {name: item[name] for name in self._kept[self.world.environment[variable]].schema.values()}

    def get(self, variable: str, key: Item) -> Item | None:
        """Read an item as it is now."""
        table = self.world.environment[variable]
        found: Item | None = self.world.db.get_item(TableName=table, Key=key, ConsistentRead=True).get("Item")
        return found

    def put(self, variable: str, item: Item) -> None:
        """Write an item past the product."""
        self.world.db.put_item(TableName=self.world.environment[variable], Item=item)

    def delete(self, variable: str, key: Item) -> None:
        """Delete an item past the product."""
        self.world.db.delete_item(TableName=self.world.environment[variable], Key=key)


def _copied(table: Table) -> Table:
    orders = {name: replace(order, partitions=deepcopy(order.partitions)) for name, order in table.orders.items()}
    return replace(
        table, items=copy(table.items), orders=orders, records=copy(table.records), before=copy(table.before)
    )


def is_told(record: Json) -> bool:
    """Tell whether the template's filter hands a record of Segments on."""
    sk = record["dynamodb"]["Keys"]["sk"]["S"]
    return record["eventName"] in ("INSERT", "MODIFY") and sk.startswith(("SEGMENT#", "DELETED#"))


def changes_event(*changes: Json) -> Event:
    """Return a batch of the queue of triggers."""
    return {
        "Records": [
            {"messageId": str(index), "body": json.dumps({"detail": change})} for index, change in enumerate(changes)
        ]
    }


def messages_event(*bodies: str, received: int = 1) -> Event:
    """Return a batch of the queue of messages."""
    return {
        "Records": [
            {"messageId": str(index), "body": body, "attributes": {"ApproximateReceiveCount": str(received)}}
            for index, body in enumerate(bodies)
        ]
    }
