"""An account that runs campaigns on the deployed stack, and all that went out for it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal
from zoneinfo import ZoneInfo

import httpx

from local.aws import session
from local.campaigns import TIME_ZONE, WEBHOOK
from local.outbox import Message, Outbox
from local.stack import Account, Stack
from local.subscriber import Event, EventQueue
from tests.support.waiting import wait_until

MODES = ("email", "sms", "push", "whatsapp", "webpush", "webhook")
CONTENT: Mapping[str, Mapping[str, str]] = {
    "email": {
        "subject": "Hello {{ profile.Name }}",
        "body": "<p>{{ profile.Name }} of {{ profile['Favourite shop'] }}</p>",
        "sender_name": "Example Shop",
        "reply_to": "help@example.com",
    },
    "sms": {"body": "Hello {{ profile.Name | split: ' ' | first }}"},
    "push": {"title": "Hello", "body": "{{ profile.Name }}", "deep_link": "shop://{{ profile.identity }}"},
    "whatsapp": {"body": "Hello {{ profile.identity }}"},
    "webpush": {"title": "Hello", "body": "{{ profile.Name }}"},
    "webhook": {"url": WEBHOOK},
}
ADA = {"Name": "Ada <Example>", "Email": "ada@example.com", "Phone": "+12025550123", "MSG-whatsapp": True}
PROFILES: Mapping[str, Mapping[str, object]] = {
    "ada": {**ADA, "Favourite shop": "Leeds & York"},
    "excluded": {**ADA, "Email": "excluded@example.com", "Phone": "+12025550124"},
    "leaving": {"Name": "Leaving", "Email": "leaving@example.com"},
    "bouncing": {"Name": "Bouncing", "Email": "bouncing@example.com"},
}
TOKENS = {"fcm": "token-f", "apns": "token-a", "chrome": "token-c"}


@dataclass
class Shop:
    """An account of the tests' own: its API, and all that went out for it so far."""

    stack: Stack
    account: Account
    api: httpx.Client
    secret: str
    outbox: Outbox
    queue: EventQueue
    messages: list[Message] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)

    def post(self, path: str, body: object, status: int = 200) -> Any:
        answer = self.api.post(path, json=body)
        assert answer.status_code == status, answer.text
        return answer.json()

    def create(self, mode: str, **fields: object) -> int:
        request = {"name": f"By {mode}", "target_mode": mode, "content": CONTENT[mode], "when": "now", **fields}
        created: int = self.post("/1/targets/create.json", request)["id"]
        return created

    def campaigns(self) -> list[int]:
        """Return the ids alone: what else is told of a campaign changes by itself, at its time."""
        return [target["id"] for target in self.post("/1/targets/list.json", {})["targets"]]

    def result(self, campaign_id: int) -> Any:
        return self.post("/1/targets/result.json", {"id": campaign_id})["result"]

    def completed(self, campaign_id: int) -> Any:
        """Return the result of a campaign once it has ended."""
        ended = ("completed", "stopped")
        wait_until(lambda: self.result(campaign_id)["status"] in ended, f"{campaign_id} to end")
        return self.result(campaign_id)

    def segment(self, name: str, *identities: str) -> int:
        """Create a segment with these users and wait until they are listed."""
        created = self.post("/api/createSegment", [{"segment_name": name, "customer_segment_id": name}])
        segment_id: int = created["segments"][0]["id"]
        self.change(segment_id, "ADD", *identities)
        self.wait_for_members(segment_id, len(identities))
        return segment_id

    def wait_for_members(self, segment_id: int, count: int) -> None:
        def listed() -> bool:
            found: int = self.api.get(f"/api/segments/{segment_id}").json()["members"]
            return found == count

        wait_until(listed, f"{count} members")

    def change(self, segment_id: int, action: str, *identities: str) -> None:
        for start in range(0, len(identities), 100):
            users = [{"identity": identity} for identity in identities[start : start + 100]]
            group = {"user_profiles": users, "segments": [{"ct_segment_id": segment_id, "action": action}]}
            self.post("/api/updateSegment", {"bulk_profiles": [group]})

    def sent(self, matches: Callable[[Message], bool]) -> list[Message]:
        self.messages += self.outbox.new()
        return [message for message in self.messages if matches(message)]

    def published(self, detail_type: str) -> list[Mapping[str, Any]]:
        self.events += self.queue.receive_many()
        return [event.detail for event in self.events if event.detail_type == detail_type]

    def wait_for_queues(self) -> None:
        """Wait until all that was put on the bus has been acted on, and the messages that came of it are sent."""
        sqs = session().client("sqs", endpoint_url=self.stack.endpoint_url)
        counts: Sequence[Literal["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]] = (
            "ApproximateNumberOfMessages",
            "ApproximateNumberOfMessagesNotVisible",
        )
        for name in ("-TriggerQueue-", "-MessageQueue-"):  # in the order in which a change goes through them
            (url,) = (url for url in sqs.list_queues()["QueueUrls"] if name in url)

            def is_empty(url: str = url) -> bool:
                found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=counts)["Attributes"]
                return {found[count] for count in counts} == {"0"}

            wait_until(is_empty, f"{url} to be empty")

    def profile(self, identity: str) -> Any:
        return self.api.get("/1/profile.json", params={"identity": identity}).json()["record"]


@dataclass(frozen=True)
class Started:
    """What the module's campaigns are made of, all begun at once so that their waiting overlaps."""

    everybody: int
    excluded: int
    by_mode: Mapping[str, int]
    scheduled: int
    scheduled_at: datetime
    online: int
    joined: int


def start_campaigns(shop: Shop) -> Started:
    """Upload the users, create segments and campaigns."""
    records = [{"identity": i, "type": "profile", "profileData": data} for i, data in PROFILES.items()]
    records += [
        {"identity": "ada", "type": "token", "tokenData": {"id": token, "type": kind}} for kind, token in TOKENS.items()
    ]
    assert shop.post("/1/upload", {"d": records})["status"] == "success"
    everybody = shop.segment("Everybody", *PROFILES, "unreachable")
    excluded = shop.segment("Excluded", "excluded")
    joined = shop.segment("Joined too")
    # Far enough ahead for the Scheduler, which the nearest starts are not left to.
    at = (datetime.now(ZoneInfo(TIME_ZONE)) + timedelta(seconds=95)).replace(second=0, microsecond=0)
    later = {"name": "Later", "content": {"body": "Later, {{ profile.Name }}"}, "when": f"{at:%Y%m%d %H:%M}"}
    scheduled = shop.create("sms", segment=everybody, **later)
    audience = {"include": [everybody], "exclude": [{"customer_segment_id": "Excluded"}]}
    return Started(
        everybody,
        excluded,
        {mode: shop.create(mode, segments=audience) for mode in MODES},
        scheduled,
        at,
        shop.create(
            "sms",
            name="Welcome",
            when={"type": "event", "segment": joined, "action": "ADD"},
            segments={"include": [everybody], "exclude": [excluded]},
            content={"body": "{{ profile.identity }} joined {{ event['Segment Name'] }}"},
        ),
        joined,
    )
