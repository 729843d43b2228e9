"""A campaign of an account that was disabled or downgraded meanwhile sends nothing, and its result says why."""

import json
import os
from typing import TYPE_CHECKING, Any

import pytest

from api_segments.aws import keys
from api_segments.campaigns import wiring
from api_segments.campaigns.running.runs import PAGE_SECONDS
from api_segments.core.clock import Deadline
from api_segments.core.errors import UnavailableError
from api_segments.http.gateway import RESERVE_SECONDS
from functions.accounts.app import handler as accounts
from tests.integration.campaigning import Campaigning
from tests.integration.conftest import RecordingBus, Relay
from tests.support.clock import MovableClock
from tests.support.events import Context

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

Json = Any

A_MINUTE = 61
A_PAGE = RESERVE_SECONDS + PAGE_SECONDS + 0.05
DISABLED = ("account_disabled", {"operation": "disable_account"}, {"operation": "enable_account"})
DOWNGRADED = (
    "no_api_segments",
    {"operation": "set_plan", "plan": "Essentials"},
    {"operation": "set_plan", "plan": "Cutting Edge"},
)
OUT_OF_BETA = (
    "no_api_segments",
    {"operation": "set_plan", "plan": "Advanced", "private_beta": False},
    {"operation": "set_plan", "plan": "Advanced", "private_beta": True},
)

each_way = pytest.mark.parametrize(("reason", "away", "back"), [DISABLED, DOWNGRADED, OUT_OF_BETA])


def operate(campaigning: Campaigning, operation: Json) -> None:
    answer = accounts({**operation, "account_id": campaigning.account.account_id}, Context())
    assert answer["status"] == "success", answer


def changes(campaigning: Campaigning, relay: Relay) -> list[Json]:
    """Return the changes that have left since the last time."""
    relay.bus.entries.clear()
    relay.drain()
    return relay.bus.details(campaigning.account.account_id)


@each_way
def test_a_campaign_whose_time_comes_meanwhile_is_stopped_and_stays_so(  # noqa: PLR0913, PLR0917 - a way has three parts
    campaigning: Campaigning, bus: RecordingBus, relay: Relay, reason: str, away: Json, back: Json
) -> None:
    (gold,) = campaigning.account.create("GOLD")
    campaigning.users(gold, "a", "b")
    relay.drain()
    campaign_id = campaigning.create(segments={"include": [gold]})
    operate(campaigning, away)

    assert campaigning.run_to_the_end() == []

    result = campaigning.result(campaign_id)
    assert (result["status"], result["stop_reason"], result["queued"]) == ("stopped", reason, 0)
    assert (result["started_at"], campaigning.log(campaign_id)) == (None, [])
    (ended,) = [entry for entry in bus.entries if entry["DetailType"].startswith("Campaign ")]
    assert json.loads(ended["Detail"])["Status"] == "stopped"
    operate(campaigning, back)
    campaigning.run({"account_id": campaigning.account.account_id, "campaign_id": campaign_id})
    assert campaigning.run_to_the_end() == []
    assert campaigning.result(campaign_id) == result
    assert campaigning.account.delete(gold)[0] == 200  # no campaign uses it


def test_a_campaign_runs_whose_account_is_back_before_its_time(
    campaigning: Campaigning, relay: Relay, clock: MovableClock
) -> None:
    (gold,) = campaigning.account.create("GOLD")
    campaigning.users(gold, "a")
    relay.drain()
    campaign_id = campaigning.create(segments={"include": [gold]}, when=campaigning.tomorrow())
    (task,) = campaigning.schedules.fire()
    operate(campaigning, DISABLED[1])
    campaigning.run(task)  # too early: somebody asks
    assert campaigning.status(campaign_id) == "scheduled"
    operate(campaigning, DISABLED[2])
    clock.move(days=1, seconds=A_MINUTE)
    campaigning.queues.tasks = [task]
    assert len(campaigning.run_to_the_end()) == 1
    assert campaigning.result(campaign_id)["stop_reason"] is None


@each_way
def test_a_campaign_stops_half_way(  # noqa: PLR0913, PLR0917 - a way has three parts
    campaigning: Campaigning,
    relay: Relay,
    clock: MovableClock,
    dynamodb: "DynamoDBClient",
    reason: str,
    away: Json,
    back: Json,
) -> None:
    forget_the_pace(dynamodb)  # which other tests have booked by clocks of their own
    (gold,) = campaigning.account.create("GOLD")
    names = [f"u{number}" for number in range(150)]
    for start in range(0, 150, 50):
        campaigning.users(gold, *names[start : start + 50])
    relay.drain()
    campaign_id = campaigning.create(segments={"include": [gold]})
    campaigning.run(seconds=A_PAGE)
    assert campaigning.result(campaign_id)["queued"] == 98
    operate(campaigning, away)
    clock.move(seconds=A_MINUTE)

    campaigning.run()

    result = campaigning.result(campaign_id)
    assert (result["status"], result["stop_reason"], result["queued"]) == ("stopped", reason, 98)
    operate(campaigning, back)
    clock.move(seconds=A_MINUTE)
    campaigning.run()
    assert campaigning.result(campaign_id)["queued"] == 98


def forget_the_pace(dynamodb: "DynamoDBClient") -> None:
    key = keys.of_account(keys.STACK, keys.PACE)
    dynamodb.delete_item(TableName=os.environ["CAMPAIGNS_TABLE"], Key=key)


@each_way
def test_an_online_campaign_passes_over_what_happens_meanwhile_and_goes_on_after_it(  # noqa: PLR0913, PLR0917 - as above
    campaigning: Campaigning, relay: Relay, clock: MovableClock, reason: str, away: Json, back: Json
) -> None:
    (vip,) = campaigning.account.create("VIP")
    when = {"type": "event", "segment": vip, "action": "ADD"}
    campaign_id = campaigning.create(when=when)
    campaigning.users(vip, "before")
    assert campaigning.tell(changes(campaigning, relay)) == []
    assert len(campaigning.send_all()) == 1
    operate(campaigning, away)
    clock.move(seconds=A_MINUTE)
    campaigning.users(vip, "meanwhile")
    meanwhile = changes(campaigning, relay)
    assert campaigning.tell(meanwhile) == []
    assert campaigning.queues.messages == []
    operate(campaigning, back)
    clock.move(seconds=A_MINUTE)
    assert campaigning.tell(meanwhile) == []
    campaigning.users(vip, "after")
    assert campaigning.tell(changes(campaigning, relay)) == []
    assert len(campaigning.send_all()) == 1

    told = {(line["identity"], line["status"], line["reason"]) for line in campaigning.log(campaign_id)}
    assert told == {("before", "sent", None), ("meanwhile", "skipped", reason), ("after", "sent", None)}
    result = campaigning.result(campaign_id)
    assert (result["status"], result["skipped"], result["sent"]) == ("running", {reason: 1}, 2)


def damage(campaigning: Campaigning, dynamodb: "DynamoDBClient", attribute: str) -> None:
    dynamodb.update_item(
        TableName=os.environ["ACCOUNTS_TABLE"],
        Key={"account_id": {"S": campaigning.account.account_id}, "sk": {"S": "ACCOUNT"}},
        UpdateExpression="SET #it = :odd",
        ExpressionAttributeNames={"#it": attribute},
        ExpressionAttributeValues={":odd": {"S": "?"}},
    )


@pytest.mark.parametrize("attribute", ["plan", "status", "private_beta", "passcodes"])
def test_of_an_account_that_can_not_be_read_nothing_is_sent_and_nothing_given_up(
    campaigning: Campaigning, relay: Relay, dynamodb: "DynamoDBClient", attribute: str
) -> None:
    gold, vip = campaigning.account.create("GOLD", "VIP")
    campaigning.users(gold, "a")
    relay.drain()
    offline = campaigning.create(segments={"include": [gold]})
    online = campaigning.create(when={"type": "event", "segment": vip, "action": "ADD"})
    campaigning.users(vip, "a")
    told = changes(campaigning, relay)
    damage(campaigning, dynamodb, attribute)

    with pytest.raises(UnavailableError):
        wiring.campaign_runs().run(campaigning.account.account_id, offline, Deadline.after(60))
    assert campaigning.tell(told) == [f"m{index}" for index, each in enumerate(told) if each["Segment ID"] == vip]

    assert campaigning.queues.messages == []
    assert (campaigning.status(offline), campaigning.status(online)) == ("scheduled", "running")
    assert campaigning.log(offline) == campaigning.log(online) == []
