"""The documented patterns and input transformers, as rules on the bus of the deployed stack, by what it sends."""

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from local.aws import session
from local.stack import Account, Stack, create_account
from local.subscriber import subscribe
from tests.e2e.campaigning import Shop, Started
from tests.e2e.conftest import client_of
from tests.support.event_patterns import documented, patterns, picks
from tests.support.event_schemas import KINDS, assert_described
from tests.support.waiting import wait_until

Json = Any

IDS = ("SEG12345", "VIP-DE", "VIP-GOLD-DE", "vip-at", "TEST-1", "TEST-3", None)


@dataclass
class Rules:
    """Rules with a queue each, and what has come into these."""

    stack: Stack
    queues: dict[str, str] = field(default_factory=dict)
    came: dict[str, list[Json]] = field(default_factory=dict)

    def add(self, name: str, pattern: Json, transformer: Json | None = None) -> None:
        events = session().client("events", endpoint_url=self.stack.endpoint_url)
        rule = f"{name}-{uuid.uuid4().hex}"
        self.queues[name] = subscribe(self.stack.endpoint_url, self.stack.bus_name, rule, pattern)
        if transformer is not None:
            bus = self.stack.bus_name
            (target,) = events.list_targets_by_rule(Rule=rule, EventBusName=bus)["Targets"]
            events.put_targets(Rule=rule, EventBusName=bus, Targets=[{**target, "InputTransformer": transformer}])

    def read(self, name: str) -> list[Json]:
        """Return all that has come into a queue so far."""
        sqs = session().client("sqs", endpoint_url=self.stack.endpoint_url)
        kept = self.came.setdefault(name, [])
        while messages := sqs.receive_message(QueueUrl=self.queues[name], MaxNumberOfMessages=10).get("Messages"):
            kept += [json.loads(message["Body"]) for message in messages]
            for message in messages:
                sqs.delete_message(QueueUrl=self.queues[name], ReceiptHandle=message["ReceiptHandle"])
        return kept


@dataclass(frozen=True)
class Happened:
    """What an account's changes brought into the queues, and all events that it was."""

    rules: Rules
    account: Account
    segment_id: int
    events: list[Json]


@pytest.fixture(scope="module")
def account(stack: Stack) -> Account:
    return create_account(stack.endpoint_url, stack.functions["accounts"], "Patterns")


@pytest.fixture(scope="module")
def happened(stack: Stack, account: Account) -> Happened:
    rules = Rules(stack)
    own = {"Account_ID": [account.account_id]}
    rules.add("all", {"detail": own})
    with client_of(stack, account) as api:
        segment_id = create(api, [("Premium Users", "SEG12345"), *((f"about {each}", each) for each in IDS[1:])])
        wanted = patterns({"1763901234567890": str(segment_id), "SHP-7KD-42QX": account.account_id})
        for name, pattern in wanted.items():
            rules.add(name, {**pattern, "detail": {**pattern.get("detail", {}), **own}})
        for name in "ABC":
            transformer = documented()[name]
            rules.add(name, {**wanted["3"], "detail": {**wanted["3"]["detail"], **own}}, transformer)
        wait_until(lambda: len(rules.read("all")) == len(IDS), "the creations")  # before the rules were made
        rules.came.clear()
        change(api, "ADD", [{"identity": "CT123456"}, {"guid": "anonymous"}])
        change(api, "REMOVE", [{"identity": "CT123456"}])
        api.patch(f"/api/segments/{segment_id}", json={"segment_name": "PREMIUM users"}).raise_for_status()
        create(api, [("again", None)])
        listed = api.get("/api/segments").json()["segments"]
        api.delete(f"/api/segments/{listed[0]['id']}").raise_for_status()
        last = create(api, [("the last", "LAST")])
        update(api, "ADD", [{"identity": "CT123456"}], [last])
    changes = 3 * len(IDS) + 1
    lives = 4  # renamed, created, deleted, created
    wait_until(lambda: len(rules.read("all")) == changes + lives, "all events")
    return Happened(rules, account, segment_id, rules.read("all"))


def create(api: httpx.Client, segments: list[tuple[str, str | None]]) -> int:
    """Create segments and return the id of the first."""
    wanted = [{"segment_name": name, **({"customer_segment_id": own} if own else {})} for name, own in segments]
    first: int = api.post("/api/createSegment", json=wanted).json()["segments"][0]["id"]
    return first


def change(api: httpx.Client, action: str, users: list[Mapping[str, str]]) -> None:
    """Let users join or leave all segments that there are."""
    update(api, action, users, [segment["id"] for segment in api.get("/api/segments").json()["segments"]])


def update(api: httpx.Client, action: str, users: list[Mapping[str, str]], segment_ids: list[int]) -> None:
    actions = [{"ct_segment_id": segment_id, "action": action} for segment_id in segment_ids]
    answer = api.post("/api/updateSegment", json={"bulk_profiles": [{"user_profiles": users, "segments": actions}]})
    assert answer.json()["status"] == "success"


@pytest.mark.parametrize("name", picks(0, ""))
def test_a_rule_hands_on_what_its_pattern_is_for(happened: Happened, name: str) -> None:
    is_for = picks(happened.segment_id, happened.account.account_id)[name]
    wanted = sorted(event["detail"]["Event_ID"] for event in happened.events if is_for(event))
    wait_until(lambda: len(happened.rules.read(name)) >= len(wanted), f"what pattern {name} picks")
    assert sorted(event["detail"]["Event_ID"] for event in happened.rules.read(name)) == wanted
    assert wanted or name in ("16", "17")  # those of campaigns, below


def test_all_that_was_sent_is_as_described(happened: Happened) -> None:
    for event in happened.events:
        assert_described(event["detail-type"], event["detail"])


def test_patterns_of_campaigns_pick_what_campaigns_send(stack: Stack, shop: Shop, started: Started) -> None:
    for campaign in started.by_mode.values():
        shop.completed(campaign)
    wait_until(lambda: len(shop.published("Message Requested")) >= 2, "both requests")
    wait_until(lambda: len(shop.published("Campaign Completed")) >= len(started.by_mode), "the ends")
    client = session().client("events", endpoint_url=stack.endpoint_url)
    picked: dict[str, set[bool]] = {}
    for event in shop.events:
        whole = {**KINDS[event.detail_type].example(), "time": event.time, "detail": event.detail}
        for name, pattern in patterns({}).items():
            found = client.test_event_pattern(EventPattern=json.dumps(pattern), Event=json.dumps(whole))["Result"]
            assert found == picks(1763901234567890, "SHP-7KD-42QX")[name](whole), name
            picked.setdefault(name, set()).add(found)
    assert picked["17"] == {True, False}


def test_input_transformers_write_what_their_targets_want(happened: Happened) -> None:
    is_for = picks(happened.segment_id, happened.account.account_id)["3"]
    details = {e["detail"]["Event_ID"]: e["detail"] for e in happened.events if is_for(e) and e["detail"]["Identity"]}
    for name in "ABC":
        wait_until(lambda name=name: len(happened.rules.read(name)) >= 4, name)  # type: ignore[misc] # bound
    sentences = set(happened.rules.read("A"))
    bodies = {body["idempotency_key"]: body for body in happened.rules.read("B")}
    wholes = {whole["event"]["detail"]["Event_ID"]: whole for whole in happened.rules.read("C")}
    assert len(details) == 2
    for event_id, detail in details.items():
        assert f"ADD: user {detail['Profile ID']}, segment {detail['Segment Name']}" in sentences
        assert bodies[event_id] == {
            "user": "CT123456",
            "list": detail["Customer_Segment_ID"],
            "segment_id": str(detail["Segment ID"]),
            "idempotency_key": event_id,
        }
        assert wholes[event_id]["event"]["detail"] == detail
        assert wholes[event_id]["rule"].startswith("C-")
