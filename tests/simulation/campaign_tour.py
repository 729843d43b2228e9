"""What campaigns do, once, from what an account declares to its users' opting out."""

import json
from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from api_segments.aws.delivery import Reply
from api_segments.aws.keys import SIGNING_KEY, STACK, of_account, segment
from api_segments.aws.task_queue import TaskQueue
from api_segments.campaigns.providers.webhooks import WebhookProvider
from api_segments.core.errors import UnavailableError
from tests.simulation.world import World
from tests.support.events import Event, body_of, sample, with_body, without_body
from tests.support.rights import arn
from tests.support.uploads import profile, token

Json = Any
Invoke = Callable[[str, Event], Json]

CONTENTS: Mapping[str, Json] = {
    "email": {"subject": "Hi", "body": "<p>{{ profile.Name }}</p>", "sender_name": "Shop"},
    "sms": {"body": "Hi"},
    "push": {"title": "Hi", "body": "Hi"},
    "whatsapp": {"body": "Hi"},
    "webpush": {"title": "Hi", "body": "Hi"},
    "webhook": {"url": "crm"},
}
"""A content of every channel."""
TEST_RECIPIENTS = {"email": "tests@example.com", "phone": "+12025550199", "fcm": "test-1", "chrome": "test-2"}
TESTED_BY = {"email": "email", "sms": "phone", "whatsapp": "phone", "push": "fcm", "webpush": "chrome"}
USERS = ("everywhere", "dead", "leaves", "quiet", "bounces", "complains")
NOBODYS = "A" * 40
"""A token that nobody wrote."""


class CampaignTour:
    """The calls around campaigns, in an order in which each finds what it needs."""

    def __init__(self, world: World, account_id: str, invoke: Invoke) -> None:
        self._world = world
        self._account = account_id
        self._invoke = invoke
        self._changes: list[str] = []
        self._records_seen = len(self._records())

    def play(self) -> None:
        """Make them all; a webhook's receiver is none of AWS's."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(WebhookProvider, "send", lambda *_: Reply.ACCEPTED)
            self._declare()
            self._begin_without_a_key()
            audience, joined, limited = self._segments("AUDIENCE", "JOINED", "LIMITED")
            self._users(audience)
            self._estimate_and_preview(audience)
            self._offline(audience)
            self._scheduled(audience)
            self._not_prepared(audience)
            self._opt_out()
            self._online(joined, limited)
            self._deletions(audience, joined)
        results = self._api("list", {"limit": 100})["targets"]
        assert {target["status"] for target in results} == {"completed", "stopped"}
        assert {target["result"]["failed"] for target in results} <= {0, 1}, results

    # ---------------------------------------------------------------- requests

    def _api(self, name: str, body: Json, **headers: str) -> Json:
        event = with_body("campaigns", self._account, body)
        event["resource"] = event["path"] = f"/1/targets/{name}.json"
        event["headers"] = {**event["headers"], **headers}
        answer = self._invoke("campaigns", event)
        assert answer["statusCode"] == 200, answer
        return body_of(answer)

    def _create(self, mode: str, when: Json, /, *, key: str | None = None, **body: Json) -> int:
        headers = {} if key is None else {"Idempotency-Key": key}
        wanted = {"name": mode, "target_mode": mode, "when": when, "content": CONTENTS[mode], **body}
        campaign_id: int = self._api("create", wanted, **headers)["id"]
        return campaign_id

    def _account_operation(self, operation: str, **arguments: Json) -> None:
        event = {"operation": operation, "account_id": self._account, **arguments}
        answer = self._invoke("accounts", event)
        assert answer["status"] == "success", answer

    def _upload(self, *records: Json) -> None:
        answer = self._invoke("profiles", with_body("profiles", self._account, {"d": list(records)}))
        assert body_of(answer)["status"] == "success", answer

    def _add(self, segment_id: int, *identities: str) -> None:
        users = [{"identity": each} for each in identities]
        group = {"user_profiles": users, "segments": [{"ct_segment_id": segment_id, "action": "ADD"}]}
        self._invoke("update_segment", with_body("update_segment", self._account, {"bulk_profiles": [group]}))
        self._project()

    def _segments(self, *names: str) -> list[int]:
        entries = [{"segment_name": name} for name in names]
        answer = self._invoke("create_segment", with_body("create_segment", self._account, entries))
        return [segment["id"] for segment in body_of(answer)["segments"]]

    def _delete(self, segment_id: int) -> int:
        path = "/api/segments/{segment_id}"
        answer = self._invoke(
            "manage_segments", without_body(self._account, "DELETE", path, None, segment_id=str(segment_id))
        )
        return int(answer["statusCode"])

    # ---------------------------------------------------------------- what Lambda does between them

    def _project(self) -> None:
        """Let the readers of the stream have what is new."""
        records = self._records()
        fresh, self._records_seen = list(records[self._records_seen :]), len(records)
        for reader in ("publish_changes", "project_members"):
            assert self._invoke(reader, {"Records": fresh})["batchItemFailures"] == []

    def _records(self) -> Sequence[Json]:
        return self._world.db.stream_records(self._world.environment["MEMBERSHIPS_TABLE"])

    def _trigger(self, *, again: bool = False) -> None:
        """Hand on the changes that came since the last time; they come `again` next time."""
        self._changes += self._received("triggers")
        records = [{"messageId": str(index), "body": body} for index, body in enumerate(self._changes)]
        assert self._invoke("trigger_campaigns", {"Records": records})["batchItemFailures"] == []
        if not again:
            self._changes.clear()

    def _run(self) -> None:
        """Work both queues off."""
        for _ in range(100):
            tasks, messages = self._received("campaigns"), self._received("messages")
            for task in tasks:
                self._invoke("run_campaign", {"Records": [{"body": task}]})
            if messages:
                records = [
                    {"messageId": str(index), "body": body, "attributes": {"ApproximateReceiveCount": "1"}}
                    for index, body in enumerate(messages)
                ]
                assert self._invoke("send_messages", {"Records": records})["batchItemFailures"] == []
            if not any(self._world.queues[url].messages for url in ("campaigns", "messages")):
                return
            self._world.pause(1)
        raise AssertionError("a campaign goes on for ever")

    def _received(self, url: str) -> list[str]:
        queue, bodies = self._world.queues[url], []
        while (message := queue.receive()) is not None:
            queue.delete(message)
            bodies.append(message.body)
        return bodies

    def _forget_the_key(self) -> None:
        """Make the stack as new: who needs its key next draws it."""
        key = {"account_id": {"S": STACK}, "sk": {"S": SIGNING_KEY}}
        self._world.db.delete_item(TableName=self._world.environment["ACCOUNTS_TABLE"], Key=key)

    # ---------------------------------------------------------------- the stations

    def _declare(self) -> None:
        self._account_operation("set_time_zone", time_zone="UTC")
        for email in ("news@example.com", "old@example.com"):
            self._account_operation("add_sender", email=email)
        self._account_operation("remove_sender", email="old@example.com")
        for name in ("crm", "old"):
            self._account_operation("add_webhook", name=name, url=f"https://{name}.example.com/")
        self._account_operation("remove_webhook", name="old")
        for kind, platform in (("fcm", "GCM"), ("apns", "APNS")):
            self._account_operation("set_push_application", type=kind, arn=arn("sns", f"app/{platform}/shop"))
        self._account_operation("set_push_application", type="apns", arn=None)
        for kind, address in TEST_RECIPIENTS.items():
            self._account_operation("add_test_recipient", type=kind, address=address)
        assert self._api("settings", {})["settings"]["senders"] == [{"email": "news@example.com", "verified": True}]

    def _begin_without_a_key(self) -> None:
        """Come first on a new stack, with what nobody wrote."""
        self._forget_the_key()
        assert self._unsubscribe("GET", NOBODYS) == 404
        self._forget_the_key()
        self._feedback("Bounce", NOBODYS, "nobody@example.com")

    def _users(self, audience: int) -> None:
        for number, each in enumerate(USERS):
            contact = {"Name": each, "Email": f"{each}@example.com", "Phone": f"+1202555010{number}"}
            self._upload(profile(each, **contact, **{"MSG-whatsapp": True}))
        for token_id in ("dead-1", "live-1"):
            self._upload(token("everywhere", token_id))
        self._upload(token("everywhere", "web-1", "chrome"), token("dead", "dead-2"))
        self._add(audience, *USERS)

    def _estimate_and_preview(self, audience: int) -> None:
        for mode, content in CONTENTS.items():
            wanted = {"target_mode": mode, "segment": audience, "estimate_only": True}
            assert self._api("create", wanted)["estimates"][mode] > 0
            filled_in = {"target_mode": mode, "content": content, "identity": "everywhere"}
            self._api("preview", filled_in)
            to = {} if mode == "webhook" else {"to": TEST_RECIPIENTS[TESTED_BY[mode]]}
            assert self._api("test", {**filled_in, **to})["test"] == {"status": "sent", "reason": None}
        self._world.mail.sent.clear()

    def _offline(self, audience: int) -> None:
        """One campaign of each channel, the first asked for twice; all to their ends."""
        made = [self._create(mode, "now", segment=audience, key=mode) for mode in CONTENTS]
        assert self._create("email", "now", segment=audience, key="email") == made[0]
        self._reconcile()
        self._forget_the_key()
        cursor = self._api("list", {"limit": 1})["cursor"]
        self._api("list", {"limit": 1, "cursor": cursor})
        self._forget_the_key()
        self._run()
        for campaign_id in made:
            result = self._api("result", {"id": campaign_id})["result"]
            assert (result["status"], result["waiting"]) == ("completed", 0)
            assert result["sent"] > 0, result
            cursor = self._api("log", {"id": campaign_id, "limit": 1})["cursor"]
            self._api("log", {"id": campaign_id, "limit": 1, "cursor": cursor})
        assert len(self._world.mail.sent) == len(USERS)

    def _scheduled(self, audience: int) -> None:
        """Two campaigns of later: one is stopped before, one starts."""
        start = datetime.fromtimestamp(self._world.scheduler.now, UTC) + timedelta(minutes=5)
        stopped, _ = (self._create("sms", f"{start:%Y%m%d %H:%M}", segment=audience) for _ in range(2))
        self._api("stop", {"id": stopped})
        edited = self._api("duplicate", {"id": stopped, "when": f"{start:%Y%m%d %H:%M}"})["id"]
        later = start + timedelta(minutes=1)
        self._api("edit", {"id": edited, "when": f"{later:%Y%m%d %H:%M}", "content": {"body": "Another"}})
        self._api("list", {"name": "SMS", "status": "scheduled", "segment": audience})
        self._world.pause(400)
        for task in self._world.schedules.fire():
            self._world.queues["campaigns"].send_message(QueueUrl="campaigns", MessageBody=task)
        self._run()

    def _not_prepared(self, audience: int) -> None:
        """A creation that leaves nothing, since its task could not be queued."""

        def refuse(*_: object) -> None:
            raise UnavailableError("the queue took no message")

        body = {"name": "x", "target_mode": "sms", "when": "now", "content": CONTENTS["sms"], "segment": audience}
        event = with_body("campaigns", self._account, body)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(TaskQueue, "put_off", refuse)
            assert self._invoke("campaigns", event)["statusCode"] == 503

    def _opt_out(self) -> None:
        """By link, by bounce, by complaint; of each kind one of whom it changes whether emails reach them, and not."""
        links, feedback = self._world.mail.links(), self._world.mail.feedback()
        leaves, quiet = (links[f"{each}@example.com"] for each in ("leaves", "quiet"))
        assert self._unsubscribe("GET", leaves) == 200
        assert self._unsubscribe("POST", leaves) == 200
        self._upload(profile("quiet", Email=None))
        assert self._unsubscribe("POST", quiet) == 200
        self._feedback("Bounce", feedback["bounces@example.com"], "bounces@example.com")
        # Reach as another's opting out leaves it, read after attributes that do not know of that yet.
        profile_id = self._world.tables.profile_of(self._account, "complains")
        assert profile_id is not None
        self._world.tables.set_reach(self._account, profile_id, "sms", "whatsapp")
        self._feedback("Complaint", feedback["complains@example.com"], "complains@example.com")
        reached = {
            item["identity"]: item.get("reach", set())
            for item in self._world.tables.memberships(self._account).values()
            if "identity" in item
        }
        assert {each for each in USERS if "email" in reached[each]} == {"everywhere", "dead"}

    def _unsubscribe(self, method: str, link: str) -> int:
        event = {**sample("unsubscribe"), "httpMethod": method, "pathParameters": {"token": link}}
        return int(self._invoke("unsubscribe", event)["statusCode"])

    def _feedback(self, kind: str, written: str, address: str) -> None:
        recipients = [{"emailAddress": address}]
        told = {
            "eventType": kind,
            "bounce": {"bounceType": "Permanent", "bouncedRecipients": recipients},
            "complaint": {"complainedRecipients": recipients},
            "mail": {"headers": [{"name": "X-Api-Segments-Message", "value": written}]},
        }
        event = deepcopy(sample("mail_feedback"))
        event["Records"][0]["Sns"]["Message"] = json.dumps(told)
        self._invoke("mail_feedback", event)

    def _online(self, joined: int, limited: int) -> None:
        """One campaign of each channel that acts on joining, and one that its limit ends; changes are told twice."""
        self._changes_seen = len(self._world.bus.details["Segment Membership Change"])
        made = [self._create(mode, _joining(joined)) for mode in CONTENTS]
        full = self._create("sms", _joining(limited), users_limit_overall=1)
        self._upload(token("everywhere", "dead-3"))
        for segment_id in (joined, limited):
            self._add(segment_id, "everywhere", "leaves")
        self._trigger(again=True)
        self._trigger()
        self._run()
        self._lose_a_mark(joined)
        assert self._delete(joined) == 409
        assert self._api("result", {"id": full})["result"]["status"] == "completed"
        for campaign_id in made:
            result = self._api("result", {"id": campaign_id})["result"]
            assert (result["status"], result["waiting"]) == ("running", 0)
            assert result["sent"] > 0, result
            self._api("stop", {"id": campaign_id})

    def _lose_a_mark(self, segment_id: int) -> None:
        """Let a segment lose what says that campaigns use it, which a reconciliation puts back."""
        self._world.db.update_item(
            TableName=self._world.environment["SEGMENTS_TABLE"],
            Key=of_account(self._account, segment(segment_id)),
            UpdateExpression="REMOVE campaign_ids",
        )
        self._reconcile()

    def _reconcile(self) -> None:
        task = {"scope": {"account_id": self._account, "segment_id": None}, "position": {"stage": "profiles"}}
        self._invoke("reconcile", {"Records": [{"body": json.dumps(task)}]})

    def _deletions(self, audience: int, joined: int) -> None:
        """Marks of campaigns that have been stopped and not come to their ends are taken off by the deletion."""
        for segment_id in (joined, audience):
            assert self._delete(segment_id) == 200
        self._run()


def _joining(segment_id: int) -> Json:
    return {"type": "event", "segment": segment_id, "action": "ADD"}
