"""What stands in for SQS, EventBridge Scheduler and SES around campaigns, and the calls that an account makes."""

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from api_segments.campaigns import wiring as campaigns_wiring
from api_segments.campaigns.model import DeliveryStatus, Message, Outcome
from api_segments.core.clock import SYSTEM_CLOCK, Deadline
from functions.campaigns.app import handler as campaigns
from functions.run_campaign.app import handler as run_campaign
from functions.trigger_campaigns.app import handler as trigger_campaigns
from tests.support.events import Context, Event, body_of, with_body
from tests.support.routes import held

if TYPE_CHECKING:
    from tests.integration.conftest import Account

Json = Any
SENT = Outcome(DeliveryStatus.SENT)
NOW = "2026-12-01T10:00:00.000000Z"


@dataclass
class Queues:
    """Stands in for SQS's client: tasks of campaigns with their delays, messages, and changes that may trigger some."""

    tasks: list[Json] = field(default_factory=list)
    delays: list[int] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)
    changes: list[Json] = field(default_factory=list)
    reconciliations: list[Json] = field(default_factory=list)
    refuse: Callable[[str], bool] = lambda _: False

    def send_message(self, QueueUrl: str, MessageBody: str, DelaySeconds: int) -> None:  # noqa: N803 - boto3's own names
        assert 0 <= DelaySeconds <= 900
        if self.refuse("SendMessage"):
            raise ClientError({"Error": {"Code": "ServiceUnavailable"}}, "SendMessage")
        if QueueUrl == os.environ["RECONCILIATION_QUEUE_URL"]:
            self.reconciliations.append(json.loads(MessageBody))
            return
        assert QueueUrl == os.environ["CAMPAIGN_QUEUE_URL"]
        self.tasks.append(json.loads(MessageBody))
        self.delays.append(DelaySeconds)

    def send_message_batch(self, QueueUrl: str, Entries: list[dict[str, str]]) -> Json:  # noqa: N803 - boto3's own names
        assert QueueUrl in (os.environ["MESSAGE_QUEUE_URL"], os.environ["TRIGGER_QUEUE_URL"])
        assert 1 <= len(Entries) <= 10
        assert sum(len(entry["MessageBody"].encode()) for entry in Entries) <= 256 * 1024
        assert len({entry["Id"] for entry in Entries}) == len(Entries)
        if self.refuse("SendMessageBatch"):
            return {"Failed": [{"Id": entry["Id"]} for entry in Entries]}
        bodies = [json.loads(entry["MessageBody"]) for entry in Entries]
        if QueueUrl == os.environ["TRIGGER_QUEUE_URL"]:
            self.changes += [body["detail"] for body in bodies]
        else:
            self.messages += [Message(**body) for body in bodies]
        return {}


@dataclass
class Schedules:
    """Stands in for EventBridge Scheduler's client."""

    made: dict[str, Json] = field(default_factory=dict)

    def create_schedule(self, **schedule: Any) -> None:
        assert schedule["Name"] not in self.made
        assert len(schedule["Name"]) <= 64
        self.made[schedule["Name"]] = schedule

    def delete_schedule(self, GroupName: str, Name: str) -> None:  # noqa: N803 - boto3's own names
        assert GroupName == os.environ["CAMPAIGN_SCHEDULE_GROUP"]
        if self.made.pop(Name, None) is None:
            raise ClientError({"Error": {"Code": "ResourceNotFoundException"}}, "DeleteSchedule")

    def times(self) -> list[str]:
        return [schedule["ScheduleExpression"] for schedule in self.made.values()]

    def due(self, now: datetime) -> list[Json]:
        """Return the tasks of the schedules whose time has come, which are over then."""
        come = [
            name for name, each in self.made.items() if each["ScheduleExpression"] <= f"at({now:%Y-%m-%dT%H:%M:%S})"
        ]
        return [json.loads(self.made.pop(name)["Target"]["Input"]) for name in come]

    def fire(self) -> list[Json]:
        """Return the tasks of all schedules, which are over then."""
        tasks = [json.loads(schedule["Target"]["Input"]) for schedule in self.made.values()]
        self.made.clear()
        return tasks


@dataclass
class Identities:
    """Stands in for SES's client: all addresses of these domains and these addresses are verified."""

    verified: set[str] = field(default_factory=lambda: {"news@example.com"})

    def get_email_identity(self, EmailIdentity: str) -> Json:  # noqa: N803 - boto3's own name
        if EmailIdentity not in self.verified:
            raise ClientError({"Error": {"Code": "NotFoundException"}}, "GetEmailIdentity")
        return {"VerifiedForSendingStatus": True}


@dataclass
class Campaigning:
    """An account, the stand-ins around it, and the calls that it makes."""

    account: "Account"
    queues: Queues
    schedules: Schedules
    identities: Identities

    def call(self, name: str, body: Json, *, headers: Mapping[str, str] | None = None) -> tuple[int, Json]:
        """Call /1/targets/<name>.json."""
        event = with_body("campaigns", self.account.account_id, body)
        event["resource"] = event["path"] = f"/1/targets/{name}.json"
        event["headers"] = {**event["headers"], **(headers or {})}
        answer = held(event, campaigns(event, Context()))
        return answer["statusCode"], body_of(answer)

    def ok(self, name: str, body: Json) -> Json:
        status, answer = self.call(name, body)
        assert (status, answer["status"]) == (200, "success"), answer
        return answer

    def refuses(self, body: Json, error: str, code: int = 400) -> None:
        """See that a creation is refused with an error that begins so, and that nothing is left of it."""
        before = (len(self.queues.tasks), len(self.schedules.made), self.listed())
        status, answer = self.call("create", body)
        assert (status, answer["code"], answer["status"]) == (code, code, "fail")
        assert answer["error"].startswith(error), answer
        assert (len(self.queues.tasks), len(self.schedules.made), self.listed()) == before

    def create(self, **body: Any) -> int:
        """Create a campaign, an SMS at once unless `body` says otherwise, and return its id."""
        campaign_id: int = self.ok("create", sms(**body))["id"]
        return campaign_id

    def tomorrow(self) -> str:
        """Return this time tomorrow as a request has it."""
        return f"{SYSTEM_CLOCK.now() + timedelta(days=1):%Y%m%d %H:%M}"

    def listed(self, **body: Any) -> list[Json]:
        targets: list[Json] = self.ok("list", body)["targets"]
        return targets

    def result(self, campaign_id: int) -> Json:
        return self.ok("result", {"id": campaign_id})["result"]

    def status(self, campaign_id: int) -> str:
        return str(self.result(campaign_id)["status"])

    def log(self, campaign_id: int) -> list[Json]:
        lines: list[Json] = self.ok("log", {"id": campaign_id, "limit": 1000})["log"]
        return lines

    def run(self, *tasks: Json, seconds: float = 120) -> None:
        """Let the runner work on these tasks, or on all that wait now."""
        waiting = list(tasks)
        if not tasks:
            waiting, self.queues.tasks = self.queues.tasks, []
        for task in waiting:
            run_campaign({"Records": [{"body": json.dumps(task)}]}, Context(seconds))

    def send_all(self) -> list[str]:
        """Send what is in the queue of messages; return to whom."""
        sent = []
        messages, self.queues.messages = self.queues.messages, []
        deadline = Deadline.after(20)
        for message in messages:
            deliveries = campaigns_wiring.delivery_store()
            if deliveries.claim(message, NOW, NOW, deadline):
                sent.append(message.profile_id)
                assert deliveries.settle(message, DeliveryStatus.SENDING, SENT, NOW, deadline)
        return sent

    def run_to_the_end(self) -> list[str]:
        """Run all campaigns until no task is left; return who got a message."""
        sent: list[str] = []
        for _ in range(50):
            if not self.queues.tasks:
                return sent
            self.run()
            sent += self.send_all()
        raise AssertionError("this goes on for ever")

    def tell(self, details: list[Json]) -> list[str]:
        """Let changes trigger campaigns, as their queue hands them on; return what is to come again."""
        records: list[Event] = [
            {"messageId": f"m{index}", "body": json.dumps({"detail": detail})} for index, detail in enumerate(details)
        ]
        answer = trigger_campaigns({"Records": records}, Context(60))
        return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]

    def users(self, segment_id: int, *identities: str, phone: bool = True) -> None:
        """Put users into a segment; they can be reached by SMS."""
        if phone:
            records = [
                {"type": "profile", "identity": each, "profileData": {"Phone": f"+1415555{index:04d}"}}
                for index, each in enumerate(identities)
            ]
            assert self.account.upload(*records)["status"] == "success"
        self.account.update(
            ([{"identity": each} for each in identities], [{"ct_segment_id": segment_id, "action": "ADD"}])
        )

    def remove(self, segment_id: int, *identities: str) -> None:
        self.account.update(
            ([{"identity": each} for each in identities], [{"ct_segment_id": segment_id, "action": "REMOVE"}])
        )


def sms(**body: Any) -> Json:
    """Return the body of a creation: an SMS at once, unless `body` says otherwise."""
    return {"name": "Spring sale", "target_mode": "sms", "when": "now", "content": {"body": "Hello"}, **body}
