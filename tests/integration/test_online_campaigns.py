"""Online campaigns: one message for each change, however often it is told, none beyond the limit or after the stop."""

from functools import partial

import pytest

from api_segments.campaigns.store_deliveries import delivery_key
from tests.integration.campaigning import Campaigning
from tests.integration.conftest import Json, Relay
from tests.support.clock import MovableClock
from tests.support.state import Tables
from tests.support.threads import at_once

pytestmark = pytest.mark.usefixtures("side_by_side")


def changes(campaigning: Campaigning, relay: Relay) -> list[Json]:
    """Return the changes of memberships that came into the queue of triggers since the last time."""
    relay.drain()
    told, campaigning.queues.changes = campaigning.queues.changes, []
    return told


def on_joining(segment_id: int) -> Json:
    return {"type": "event", "segment": segment_id, "action": "ADD"}


def test_a_change_sends_one_message_however_often_it_is_told(campaigning: Campaigning, relay: Relay) -> None:
    (vip,) = campaigning.account.create("VIP")
    campaign_id = campaigning.create(when=on_joining(vip))
    assert campaigning.status(campaign_id) == "running"
    campaigning.users(vip, "a", "b")
    told = changes(campaigning, relay)

    assert campaigning.tell(told + told[:1]) == []
    assert len(campaigning.queues.messages) == 2
    assert campaigning.queues.messages[0].event == told[0]
    assert len(campaigning.send_all()) == 2
    assert campaigning.tell(told) == []

    assert campaigning.queues.messages == []
    assert [line["status"] for line in campaigning.log(campaign_id)] == ["sent", "sent"]
    result = campaigning.result(campaign_id)
    assert (result["status"], result["queued"], result["sent"]) == ("running", 2, 2)


def test_only_the_change_that_is_meant_triggers(campaigning: Campaigning, relay: Relay) -> None:
    vip, other = campaigning.account.create("VIP", "OTHER")
    campaigning.users(vip, "early")
    assert changes(campaigning, relay) == []
    early = relay.bus.details(campaigning.account.account_id)
    early = [{**each, "Occurred At": "2020-01-01T00:00:00.000000Z"} for each in early]
    joined = campaigning.create(when=on_joining(vip))
    left = campaigning.create(when={"type": "event", "segment": {"customer_segment_id": "VIP"}, "action": "REMOVE"})
    campaigning.users(other, "a")
    campaigning.remove(vip, "early")

    campaigning.tell(early + changes(campaigning, relay))

    assert campaigning.log(joined) == []
    assert [line["identity"] for line in campaigning.log(left)] == ["early"]


def test_only_changes_of_segments_that_campaigns_use_come_to_the_triggers(
    campaigning: Campaigning, relay: Relay
) -> None:
    vip, other = campaigning.account.create("VIP", "OTHER")
    campaigning.users(vip, "before")
    relay.drain()
    campaign_id = campaigning.create(when=on_joining(vip))
    campaigning.users(vip, "a")
    campaigning.users(other, "b")
    told = changes(campaigning, relay)
    assert [each["Identity"] for each in told] == ["a"]
    assert told[0] in relay.bus.details(campaigning.account.account_id)
    campaigning.ok("stop", {"id": campaign_id})
    campaigning.run_to_the_end()
    campaigning.users(vip, "after")
    assert changes(campaigning, relay) == []


def test_a_change_before_whose_publishing_the_campaign_was_created_is_not_missed(
    campaigning: Campaigning, relay: Relay
) -> None:
    """However late the reader of the stream is: it reads the mark when it publishes."""
    (vip,) = campaigning.account.create("VIP")
    relay.drain()
    campaign_id = campaigning.create(when=on_joining(vip))
    campaigning.users(vip, "a")
    campaigning.create(when=on_joining(vip))
    assert campaigning.tell(changes(campaigning, relay)) == []
    assert [line["identity"] for line in campaigning.log(campaign_id)] == ["a"]


def test_a_change_that_the_triggers_did_not_take_is_delivered_again(campaigning: Campaigning, relay: Relay) -> None:
    (vip,) = campaigning.account.create("VIP")
    campaigning.create(when=on_joining(vip))
    campaigning.users(vip, "a")
    refusals = iter(range(150))  # more than one delivery can try
    campaigning.queues.refuse = lambda _: next(refusals, None) is not None
    relay.drain()
    assert next(refusals, None) is None
    assert [each["Identity"] for each in campaigning.queues.changes] == ["a"]
    published = relay.bus.details(campaigning.account.account_id)
    assert {each["Event ID"] for each in published} == {campaigning.queues.changes[-1]["Event ID"]}


def test_segments_narrow_whom_a_change_messages(campaigning: Campaigning, relay: Relay) -> None:
    vip, gold, banned = campaigning.account.create("VIP", "GOLD", "BANNED")
    campaign_id = campaigning.create(when=on_joining(vip), segments={"include": [gold], "exclude": [banned]})
    campaigning.users(gold, "a", "b")
    campaigning.users(banned, "b")
    campaigning.users(vip, "a", "b", "c")
    campaigning.users(vip, "mute", phone=False)
    campaigning.users(gold, "mute", phone=False)

    campaigning.tell(changes(campaigning, relay))

    lines = {(line["identity"], line["status"], line["reason"]) for line in campaigning.log(campaign_id)}
    assert lines == {("a", "queued", None), ("mute", "skipped", "unreachable")}


def test_what_was_logged_and_did_not_reach_the_queue_is_queued_when_the_change_is_told_again(
    campaigning: Campaigning, relay: Relay, monkeypatch: pytest.MonkeyPatch
) -> None:
    (vip,) = campaigning.account.create("VIP")
    campaign_id = campaigning.create(when=on_joining(vip))
    campaigning.users(vip, "a", "b")
    told = changes(campaigning, relay)
    campaigning.queues.refuse = lambda call: call == "SendMessageBatch"
    with monkeypatch.context() as impatient:
        impatient.setattr("api_segments.core.clock.Backoff.wait", lambda _: False)
        assert campaigning.tell(told) == ["m0", "m1"]
    assert len(campaigning.log(campaign_id)) == 2

    campaigning.queues.refuse = lambda _: False
    assert campaigning.tell(told) == []
    assert len(campaigning.send_all()) == 2


@pytest.mark.parametrize("has_left", [False, True])
def test_a_damaged_line_of_the_log_holds_up_its_own_change_alone(
    campaigning: Campaigning, relay: Relay, tables: Tables, *, has_left: bool
) -> None:
    (vip,) = campaigning.account.create("VIP")
    campaign_id = campaigning.create(when=on_joining(vip), segment=vip)
    campaigning.users(vip, "a", "b")
    told = changes(campaigning, relay)
    assert campaigning.tell(told[:1]) == []
    key = delivery_key(campaigning.account.account_id, campaign_id, told[0]["Event ID"])
    line = tables.client.get_item(TableName=tables.environment["CAMPAIGNS_TABLE"], Key=key)["Item"]
    damaged = {**line, "status": {"S": "?"}}
    tables.client.put_item(TableName=tables.environment["CAMPAIGNS_TABLE"], Item=damaged)
    if has_left:
        campaigning.remove(vip, told[0]["Identity"])
    assert campaigning.tell(told) == ["m0"]
    assert [message.event for message in campaigning.queues.messages] == told
    assert tables.client.get_item(TableName=tables.environment["CAMPAIGNS_TABLE"], Key=key)["Item"] == damaged
    tables.client.put_item(TableName=tables.environment["CAMPAIGNS_TABLE"], Item=line)
    assert campaigning.tell(told) == []


def test_a_stop_ends_an_online_campaign_and_what_waits_is_told_again_for_its_end(
    campaigning: Campaigning, relay: Relay
) -> None:
    (vip,) = campaigning.account.create("VIP")
    campaign_id = campaigning.create(when=on_joining(vip))
    campaigning.users(vip, "a")
    told = changes(campaigning, relay)
    campaigning.tell(told)
    campaigning.ok("stop", {"id": campaign_id})
    campaigning.queues.messages.clear()  # as if the runner had crashed between log and queue
    assert campaigning.tell(told) == []
    campaigning.users(vip, "late")
    assert campaigning.tell(changes(campaigning, relay)) == []
    assert [line["identity"] for line in campaigning.log(campaign_id)] == ["a"]
    campaigning.run_to_the_end()
    assert campaigning.account.delete(vip)[0] == 200


def test_the_limit_of_an_online_campaign_is_exact_and_completes_it(campaigning: Campaigning, relay: Relay) -> None:
    (vip,) = campaigning.account.create("VIP")
    campaign_id = campaigning.create(when=on_joining(vip), users_limit_overall=3)
    campaigning.users(vip, *(f"u{number}" for number in range(10)))
    told = changes(campaigning, relay)
    for start in range(0, 10, 4):
        assert campaigning.tell(told[start : start + 4]) == []
    assert campaigning.tell(told) == []

    assert len(campaigning.run_to_the_end()) == 3
    result = campaigning.result(campaign_id)
    assert (result["status"], result["queued"], result["sent"]) == ("completed", 3, 3)


def test_the_limit_is_exact_when_many_are_told_side_by_side(campaigning: Campaigning, relay: Relay) -> None:
    (vip,) = campaigning.account.create("VIP")
    campaign_id = campaigning.create(when=on_joining(vip), users_limit_overall=7)
    campaigning.users(vip, *(f"u{number}" for number in range(20)))
    told = changes(campaigning, relay)
    failed = at_once([partial(campaigning.tell, [*told[index::5], *told[:3]]) for index in range(5)])
    assert failed == [[]] * 5
    assert len({message.delivery_id for message in campaigning.queues.messages}) == 7
    assert campaigning.result(campaign_id)["queued"] == 7
    assert len(campaigning.send_all()) == 7


def test_what_is_no_change_comes_again_alone(campaigning: Campaigning, relay: Relay) -> None:
    (vip,) = campaigning.account.create("VIP")
    campaign_id = campaigning.create(when=on_joining(vip))
    campaigning.users(vip, "a")
    assert campaigning.tell([{"Action": "ADD"}, *changes(campaigning, relay)]) == ["m0"]
    assert len(campaigning.log(campaign_id)) == 1


def test_more_changes_than_one_transaction_takes_are_all_acted_on(campaigning: Campaigning, relay: Relay) -> None:
    (vip,) = campaigning.account.create("VIP")
    campaign_id = campaigning.create(when=on_joining(vip))
    campaigning.users(vip, *(f"u{number}" for number in range(100)))
    assert campaigning.tell(changes(campaigning, relay)) == []
    assert campaigning.result(campaign_id)["queued"] == 100
    assert len(campaigning.queues.messages) == 100


def test_what_was_logged_is_queued_again_also_when_its_user_has_left_since(
    campaigning: Campaigning, relay: Relay, monkeypatch: pytest.MonkeyPatch
) -> None:
    vip, gold = campaigning.account.create("VIP", "GOLD")
    campaign_id = campaigning.create(when=on_joining(vip), segments={"include": [gold]})
    for segment_id in (gold, vip):
        campaigning.users(segment_id, "a", "b", "c")
    told = changes(campaigning, relay)
    campaigning.queues.refuse = lambda call: call == "SendMessageBatch"
    with monkeypatch.context() as impatient:
        impatient.setattr("api_segments.core.clock.Backoff.wait", lambda _: False)
        assert campaigning.tell(told) == [f"m{index}" for index, each in enumerate(told) if each["Segment ID"] == vip]
    campaigning.queues.refuse = lambda _: False
    campaigning.remove(gold, "a")
    assert campaigning.account.erase("b")[0] == 200

    assert campaigning.tell(told) == []

    assert len({message.delivery_id for message in campaigning.queues.messages}) == 3
    assert campaigning.tell(changes(campaigning, relay)) == [], "who left, with nothing in the log, is left out"
    assert len(campaigning.log(campaign_id)) == 3


def test_a_full_campaign_completes_though_its_last_invocation_died_before_it_said_so(
    campaigning: Campaigning, relay: Relay, monkeypatch: pytest.MonkeyPatch
) -> None:
    (vip,) = campaigning.account.create("VIP")
    campaign_id = campaigning.create(when=on_joining(vip), users_limit_overall=1)
    campaigning.run_to_the_end()
    campaigning.users(vip, "a")
    told = changes(campaigning, relay)
    campaigning.queues.refuse = lambda call: call == "SendMessage"
    with monkeypatch.context() as impatient:
        impatient.setattr("api_segments.core.clock.Backoff.wait", lambda _: False)
        assert campaigning.tell(told) == ["m0"]
    campaigning.queues.refuse = lambda _: False
    campaigning.send_all()

    assert campaigning.tell(told) == []

    campaigning.run_to_the_end()
    result = campaigning.result(campaign_id)
    assert (result["status"], result["queued"], result["sent"]) == ("completed", 1, 1)
    assert campaigning.account.delete(vip)[0] == 200


def test_a_full_campaign_waits_a_day_for_a_message_that_never_ends(
    campaigning: Campaigning, relay: Relay, clock: MovableClock
) -> None:
    (vip,) = campaigning.account.create("VIP")
    campaign_id = campaigning.create(when=on_joining(vip), users_limit_overall=1)
    campaigning.run()
    campaigning.users(vip, "a")
    campaigning.tell(changes(campaigning, relay))
    campaigning.queues.messages.clear()  # among the failed tasks
    campaigning.run()
    campaigning.users(vip, "b")
    campaigning.tell(changes(campaigning, relay))
    assert len(campaigning.queues.tasks) == 1, "its end is on its way"
    clock.move(seconds=23 * 3600)
    campaigning.run()
    assert campaigning.status(campaign_id) == "running"
    clock.move(seconds=3600)
    campaigning.run_to_the_end()
    assert campaigning.status(campaign_id) == "completed"
