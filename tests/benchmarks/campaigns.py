"""Campaigns by email, to more and more users: what their walk and their messages cost, how fast they are, and in how
much memory.

`python -m tests.benchmarks.campaigns URL` is started by the benchmark, which sets the environment; it prints one line
of JSON.
"""

import gc
import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import asdict, dataclass, field
from typing import Any
from uuid import uuid4

from api_segments.aws import keys
from tests.benchmarks.measure import LATENCY_SECONDS, Figures, peak_mebibytes, reset_peak
from tests.benchmarks.worker import Client, Product, answers, new_users
from tests.support.dynamodb.control import Control
from tests.support.events import Context, Event, body_of, sample, with_body

AUDIENCES = (10_000, 100_000)
SENT = 3_000
"""Messages that are sent of each campaign: one costs what another costs."""
LOADED_AT_ONCE = 5_000
MESSAGES_A_BATCH = 10
TIMED_MESSAGES = 500
"""Sent with the stand-in's latency, for the rate; all others without it, for the counts and the CPU."""
SENDER = "news@example.com"
PROFILE = {"Name": "Ada Example", "Email": "ada@example.com", "Phone": "+12025550123", "Favourite shop": "Leeds"}
CONTENT = {
    "subject": "{{ profile.Name | split: ' ' | first }}, thank you",
    "body": "<p>Hello {{ profile.Name }},</p><p>see you in {{ profile['Favourite shop'] }}.</p>",
}

Item = dict[str, Any]


@dataclass
class CampaignFigures:
    """What a campaign took: its walk as a whole, its first messages, and messages a second of one function.

    Memory is what was used at most beyond what the process had before, in MiB.
    """

    audience: int
    walk: Figures = field(default_factory=Figures)
    send: Figures = field(default_factory=Figures)
    messages_a_second: float = 0.0
    walk_memory: float = 0.0
    send_memory: float = 0.0

    @classmethod
    def read(cls, found: Any) -> "CampaignFigures":
        """Return what a process of its own wrote as JSON."""
        walk, send = Figures(**found.pop("walk")), Figures(**found.pop("send"))
        return cls(walk=walk, send=send, **found)

    @property
    def counted(self) -> int:
        """How many of the messages were counted when they were sent."""
        return SENT - TIMED_MESSAGES


class PeakMemory:
    """What this process uses at most while something is done, as Linux accounts for it."""

    def __init__(self) -> None:
        self.most = 0.0

    def during(self, act: Callable[[], object]) -> None:
        """Do something, and note what it took beyond what there was."""
        gc.collect()
        reset_peak()
        before = peak_mebibytes()
        act()
        self.most = max(self.most, peak_mebibytes() - before)


class Campaigning:
    """An account with a segment of many members who can be reached by email."""

    def __init__(self, control: Control) -> None:
        from functions.accounts.app import handler as accounts  # noqa: PLC0415 - the environment comes first
        from functions.campaigns.app import handler as campaigns  # noqa: PLC0415 - as above
        from functions.profiles.app import handler as profiles  # noqa: PLC0415 - as above
        from functions.run_campaign.app import handler as run  # noqa: PLC0415 - as above
        from functions.send_messages.app import handler as send  # noqa: PLC0415 - as above

        self._accounts, self._campaigns, self._profiles = accounts, campaigns, profiles
        self._run, self._send = run, send
        self._control = control
        self._product = Product(control)
        self._client = Client(self._product)

    @property
    def account_id(self) -> str:
        return self._client.account_id

    def fill(self, size: int) -> int:
        """Return a segment of so many members, each with an item in every table like those of one real member."""
        account = {"operation": "create_account", "name": "B", "plan": "Advanced", "private_beta": True}
        for operation in (account, {"operation": "add_sender", "email": SENDER}):
            answer = self._accounts({**operation, "account_id": self.account_id}, Context())
            assert answer["status"] == "success", answer
        (identity,) = new_users(1)
        record = {"identity": identity, "type": "profile", "profileData": PROFILE}
        assert self._profiles(with_body("profiles", self.account_id, {"d": [record]}), Context())["statusCode"] == 200
        (segment_id,) = self._client.new_segments(1)
        self._client.joining([identity], [segment_id])()
        for feed in self._product.readers().values():
            feed()
        originals = {
            variable: self._control.find(os.environ[variable], prefix)[0]
            for variable, prefix in {
                "MEMBERSHIPS_TABLE": keys.membership(self.account_id, ""),
                "SEGMENT_MEMBERS_TABLE": f"{self.account_id}#{segment_id:016d}#",
            }.items()
        }
        known = originals["MEMBERSHIPS_TABLE"]["profile_id"]["S"]
        self._real = (known, identity)
        for start in range(1, size, LOADED_AT_ONCE):
            new = [uuid4().hex for _ in range(min(LOADED_AT_ONCE, size - start))]
            for variable, original in originals.items():
                items = [self._like(original, segment_id, known, profile_id, identity) for profile_id in new]
                self._control.load(os.environ[variable], items)
        return segment_id

    def fill_profiles(self, messages: Sequence[str]) -> None:
        """Give the users of these messages the profile of the one real member."""
        known, identity = self._real
        profile = self._control.find(os.environ["PROFILES_TABLE"], keys.profile(self.account_id, ""))[0]
        ids = {json.loads(body)["profile_id"] for body in messages} - {known}
        items = [self._like(profile, 0, known, profile_id, identity) for profile_id in sorted(ids)]
        self._control.load(os.environ["PROFILES_TABLE"], items)

    def _like(self, original: Item, segment_id: int, known: str, profile_id: str, identity: str) -> Item:
        text = json.dumps(original).replace(known, profile_id).replace(identity, f"user-{profile_id[:12]}")
        item: Item = json.loads(text)
        if "account_bucket" in item:
            item["account_bucket"] = {"S": keys.account_bucket(self.account_id, profile_id)}
        if item["pk"]["S"].startswith(f"{self.account_id}#{segment_id:016d}#"):
            item["pk"] = {"S": keys.member_bucket(self.account_id, segment_id, profile_id)}
        return item

    def create(self, segment_id: int) -> int:
        """Create the campaign; return its id."""
        body = {"name": "B", "target_mode": "email", "segment": segment_id, "when": "now", "content": CONTENT}
        created: int = self._called("create", body)["id"]
        return created

    def walk(self, size: int, memory: PeakMemory) -> list[str]:
        """Carry out the walk, step by step; return the first messages as they were queued."""
        messages: list[str] = []
        queued = 0
        while queued < size:
            (task,) = self._control.take(os.environ["CAMPAIGN_QUEUE_URL"])
            memory.during(lambda: self._run(_records("run_campaign", [task]), Context(120)))  # noqa: B023 - at once
            taken = self._control.take(os.environ["MESSAGE_QUEUE_URL"])
            queued += len(taken)
            messages += taken[: SENT - len(messages)]
        self._control.take(os.environ["CAMPAIGN_QUEUE_URL"])
        return messages

    def send(self, messages: Sequence[str]) -> None:
        """Send messages as Lambda would hand them over, one batch after the other."""
        for start in range(0, len(messages), MESSAGES_A_BATCH):
            answer = self._send(_records("send_messages", messages[start : start + MESSAGES_A_BATCH]), Context(60))
            assert answer == {"batchItemFailures": []}, answer

    def sent(self, campaign_id: int) -> int:
        """Return how many messages the campaign says it sent."""
        found: int = self._called("result", {"id": campaign_id})["result"]["sent"]
        return found

    def _called(self, call: str, body: Item) -> Any:
        event = with_body("campaigns", self.account_id, body)
        event["resource"] = event["path"] = f"/1/targets/{call}.json"
        answer = self._campaigns(event, Context())
        assert answer["statusCode"] == 200, answer
        return body_of(answer)


def _records(function: str, bodies: Sequence[str]) -> Event:
    event = sample(function)
    (like,) = event["Records"][:1]
    event["Records"] = []
    for index, body in enumerate(bodies):
        event["Records"].append({**deepcopy(like), "messageId": str(index), "body": body})
    return event


def measure(control: Control, size: int) -> CampaignFigures:
    """Measure one campaign, of an account of its own."""
    control.answer_after(0)
    campaigning = Campaigning(control)
    segment_id = campaigning.fill(size)
    campaign_id = campaigning.create(segment_id)
    found, memory = CampaignFigures(size), PeakMemory()
    messages: list[str] = []
    found.walk.count(lambda: found.walk.time(lambda: messages.extend(campaigning.walk(size, memory))), control)
    found.walk_memory = memory.most
    campaigning.fill_profiles(messages)
    timed, rest = messages[:TIMED_MESSAGES], messages[TIMED_MESSAGES:]
    memory = PeakMemory()
    found.send.count(lambda: found.send.time(lambda: memory.during(lambda: campaigning.send(rest))), control)
    found.send_memory = memory.most
    control.answer_after(LATENCY_SECONDS)
    started = time.perf_counter()
    campaigning.send(timed)
    found.messages_a_second = len(timed) / (time.perf_counter() - started)
    control.answer_after(0)
    assert campaigning.sent(campaign_id) == len(messages)
    return found


def main(url: str, sizes: Sequence[int] = AUDIENCES) -> list[CampaignFigures]:
    """Measure a campaign of each size, after a small one, so that what is made once is made."""
    control = Control(url)
    measure(control, SENT)
    return [measure(control, size) for size in sizes]


if __name__ == "__main__":
    with answers() as answer:
        found = main(sys.argv[1], [int(size) for size in sys.argv[2:]] or AUDIENCES)
        json.dump([asdict(each) for each in found], answer)
