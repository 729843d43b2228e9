"""Campaigns when things happen at once, twice, or not to the end."""

import json
from contextlib import suppress
from datetime import timedelta
from functools import partial

import pytest
from botocore.exceptions import ReadTimeoutError

from api_segments.campaigns.running.runs import CAMPAIGN_PATIENCE_SECONDS
from api_segments.campaigns.store import CampaignStore
from tests.integration.campaigning import Campaigning, sms
from tests.integration.conftest import RecordingBus, Relay
from tests.support.clock import MovableClock
from tests.support.faults import Arguments, Fault, FaultyClient, Reply, Send
from tests.support.threads import at_once

pytestmark = pytest.mark.usefixtures("side_by_side")


class CrashError(Exception):
    """The process ends here."""


def lost(send: Send, arguments: Arguments) -> Reply:
    send(**arguments)
    raise ReadTimeoutError(endpoint_url="https://dynamodb")


def test_a_segment_is_either_deleted_or_used_never_both(campaigning: Campaigning) -> None:
    for segment_id in campaigning.account.create(*(f"S{number}" for number in range(12))):
        create = partial(campaigning.call, "create", sms(segment=segment_id, when=campaigning.tomorrow()))
        delete = partial(campaigning.account.delete, segment_id)
        created, *deleted = (status for status, _ in at_once([create, delete, delete]))
        assert (created == 200) != (200 in deleted)
        assert created in (200, 404, 410)
        assert set(deleted) <= {200, 409}


def test_one_idempotency_key_creates_one_campaign_also_side_by_side(campaigning: Campaigning) -> None:
    (gold,) = campaigning.account.create("GOLD")
    body, key = sms(segment=gold), {"Idempotency-Key": "k1"}
    answers = at_once([partial(campaigning.call, "create", body, headers=key)] * 4)
    assert {status for status, _ in answers} == {200}
    assert len({answer["id"] for _, answer in answers}) == 1
    assert len(campaigning.listed()) == 1


def test_campaigns_created_at_once_have_ids_of_their_own(campaigning: Campaigning, clock: MovableClock) -> None:
    (gold,) = campaigning.account.create("GOLD")
    clock.tick = timedelta()
    ids = {campaigning.create(segment=gold) for _ in range(4)}
    assert len(ids) == 4
    assert len(campaigning.listed()) == 4
    assert clock.slept, "they met in a moment"


@pytest.mark.parametrize("operation", ["put_item", "transact_write_items"])
def test_a_lost_answer_creates_one_campaign(campaigning: Campaigning, faulty: FaultyClient, operation: str) -> None:
    (gold,) = campaigning.account.create("GOLD")
    faulty.next(operation, lost)
    campaign_id = campaigning.create(segment=gold)
    assert [each["id"] for each in campaigning.listed()] == [campaign_id]


def test_what_may_have_been_created_is_not_taken_back(
    campaigning: Campaigning, faulty: FaultyClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    (gold,) = campaigning.account.create("GOLD")
    key = {"Idempotency-Key": "k1"}
    monkeypatch.setattr("api_segments.core.clock.Backoff.wait", lambda _: False)
    faulty.next("transact_write_items", lambda send, arguments: send(**arguments), lost)
    assert campaigning.call("create", sms(segment=gold), headers=key)[0] == 503
    (entry,) = campaigning.listed()
    assert campaigning.call("create", sms(segment=gold), headers=key)[1]["id"] == entry["id"]
    assert campaigning.account.delete(gold)[0] == 409


def test_a_creation_that_the_queue_refuses_leaves_nothing_that_runs_or_blocks(
    campaigning: Campaigning, monkeypatch: pytest.MonkeyPatch
) -> None:
    (gold,) = campaigning.account.create("GOLD")
    campaigning.queues.refuse = lambda _: True
    with monkeypatch.context() as impatient:
        impatient.setattr("api_segments.core.clock.Backoff.wait", lambda _: False)
        assert campaigning.call("create", sms(segment=gold))[0] == 503
    assert campaigning.listed() == []
    assert campaigning.account.delete(gold)[0] == 200


def crash(*_: object) -> Reply:
    raise CrashError


def crash_after(send: Send, arguments: Arguments) -> Reply:
    send(**arguments)
    raise CrashError


def fine(send: Send, arguments: Arguments) -> Reply:
    return send(**arguments)


@pytest.fixture
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api_segments.campaigns.running.runs.CAMPAIGN_PAGE", 4)


@pytest.mark.usefixtures("small_pages")
@pytest.mark.parametrize(
    ("operation", "faults"),
    [
        pytest.param(operation, [fine] * calls + [fault], id=f"{fault.__name__}-{operation}-{calls}")
        for fault in (crash, crash_after)
        for operation in ("transact_write_items", "update_item")
        for calls in range(5)
    ],
)
def test_a_walk_that_crashes_at_any_write_goes_on_and_reaches_everybody_once(
    campaigning: Campaigning, relay: Relay, faulty: FaultyClient, operation: str, faults: list[Fault]
) -> None:
    gold, silver = campaigning.account.create("GOLD", "SILVER")
    campaigning.users(gold, *(f"u{number}" for number in range(6)))
    campaigning.users(silver, *(f"u{number}" for number in range(3, 9)))
    relay.drain()
    campaign_id = campaigning.create(segments={"include": [gold, silver]})
    (task,) = campaigning.queues.tasks
    faulty.next(operation, *faults)
    for _ in range(4):
        with suppress(CrashError):
            campaigning.run(task)
    faulty.heal()
    sent = campaigning.send_all() + campaigning.run_to_the_end()

    assert len(sent) == len(set(sent)) == 9
    result = campaigning.result(campaign_id)
    assert (result["status"], result["queued"], result["sent"]) == ("completed", 9, 9)
    assert campaigning.account.delete(gold)[0] == 200


def test_two_runners_at_once_reach_everybody_once(
    campaigning: Campaigning, relay: Relay, bus: RecordingBus, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api_segments.campaigns.running.runs.CAMPAIGN_PAGE", 3)
    (gold,) = campaigning.account.create("GOLD")
    campaigning.users(gold, *(f"u{number}" for number in range(20)))
    relay.drain()
    campaign_id = campaigning.create(segment=gold)
    (task,) = campaigning.queues.tasks
    at_once([partial(campaigning.run, task)] * 3)
    sent = campaigning.send_all() + campaigning.run_to_the_end()
    assert len(sent) == len(set(sent)) == 20
    assert campaigning.result(campaign_id)["queued"] == 20
    ids = {json.loads(each["Detail"])["Event ID"] for each in bus.entries if each["DetailType"] == "Campaign Completed"}
    assert len(ids) == 1


@pytest.mark.parametrize("is_stopped", [False, True])
def test_an_end_that_is_published_again_says_the_same_though_a_message_ended_since(  # noqa: PLR0913 - fixtures
    campaigning: Campaigning,
    relay: Relay,
    bus: RecordingBus,
    clock: MovableClock,
    monkeypatch: pytest.MonkeyPatch,
    *,
    is_stopped: bool,
) -> None:
    (gold,) = campaigning.account.create("GOLD")
    campaigning.users(gold, "a", "b")
    relay.drain()
    campaign_id = campaigning.create(segment=gold)
    (task,) = campaigning.queues.tasks
    campaigning.run()
    *first, late = campaigning.queues.messages
    campaigning.queues.messages = first
    campaigning.send_all()
    if is_stopped:
        campaigning.ok("stop", {"id": campaign_id})
    clock.move(seconds=CAMPAIGN_PATIENCE_SECONDS)
    with monkeypatch.context() as dying:
        dying.setattr(CampaignStore, "note_published", crash)
        with pytest.raises(CrashError):
            campaigning.run(task)
    campaigning.queues.messages = [late]
    campaigning.send_all()
    campaigning.run(task)

    published, again = [each["Detail"] for each in bus.entries if each["DetailType"] == "Campaign Completed"]
    assert published == again
    assert json.loads(again)["Results"] == {"queued": 2, "sent": 1, "skipped": {}, "failed": {}}
    assert campaigning.result(campaign_id)["sent"] == 2
