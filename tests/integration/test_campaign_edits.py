"""Campaigns that are edited before they begin, duplicated, and found again by name, state, channel and segment."""

from datetime import timedelta

import pytest

from api_segments.campaigns import wiring as campaigns_wiring
from api_segments.core.clock import SYSTEM_CLOCK, Deadline
from tests.integration.campaigning import Campaigning
from tests.integration.conftest import Json, Relay
from tests.support.clock import MovableClock
from tests.support.wired import forget_services

pytestmark = pytest.mark.usefixtures("side_by_side")


def in_days(days: int) -> str:
    return f"{SYSTEM_CLOCK.now() + timedelta(days=days):%Y%m%d %H:%M}"


def target(campaigning: Campaigning, campaign_id: int) -> Json:
    return campaigning.ok("result", {"id": campaign_id})["target"]


def test_what_is_edited_is_other_and_all_else_stays(campaigning: Campaigning, relay: Relay) -> None:
    gold, silver, banned = campaigning.account.create("GOLD", "SILVER", "BANNED")
    campaigning.users(gold, "a")
    campaigning.users(silver, "b")
    relay.drain()
    campaign_id = campaigning.create(segment=gold, when=in_days(3), users_limit_overall=5)
    before = target(campaigning, campaign_id)
    moved = in_days(2)

    steps: list[tuple[Json, Json]] = [
        ({"name": "Summer"}, {"name": "Summer"}),
        ({"when": moved}, {"when": moved, "scheduled_on": int(moved.replace(" ", "").replace(":", ""))}),
        (
            {"segments": {"include": [silver], "exclude": [banned]}},
            {"segments": {"include": [silver], "exclude": [banned]}},
        ),
        ({"content": {"body": "Another"}}, {"content": {"body": "Another"}}),
        ({"users_limit_overall": 7}, {"users_limit_overall": 7}),
        ({"users_limit_overall": None}, {"users_limit_overall": None}),
    ]
    for version, (asked, told) in enumerate(steps, start=1):
        answer = campaigning.ok("edit", {"id": campaign_id, "version": version - 1, **asked})
        assert answer == {"status": "success", "message": f"Target {campaign_id} edited", "version": version}
        after = target(campaigning, campaign_id)
        expected = {**before, **told, "version": version}
        if "when" in asked:
            expected["starts_at"] = after["starts_at"]
        assert after == expected
        before = after

    assert len(campaigning.schedules.made) == 1
    assert campaigning.schedules.times() == [f"at({before['starts_at'][:19]})"]
    forget_services()
    SYSTEM_CLOCK.sleep(2 * 24 * 3600)
    campaigning.queues.tasks += campaigning.schedules.fire()
    assert campaigning.run_to_the_end() != []
    assert [line["identity"] for line in campaigning.log(campaign_id)] == ["b"]


def test_an_edit_to_now_begins_it_whatever_its_first_task_met(campaigning: Campaigning, relay: Relay) -> None:
    (gold,) = campaigning.account.create("GOLD")
    campaigning.users(gold, "a")
    relay.drain()
    campaign_id = campaigning.create(segment=gold, when=in_days(3))
    campaigning.queues.tasks.clear()
    campaigning.ok("edit", {"id": campaign_id, "when": "now"})
    assert len(campaigning.queues.tasks) == 2, (
        "one before it is written, in case of a crash, and one that can't be early"
    )
    assert campaigning.schedules.made == {}
    assert len(campaigning.run_to_the_end()) == 1
    assert campaigning.status(campaign_id) == "completed"


@pytest.mark.parametrize(
    ("asked", "code", "error"),
    [
        ({}, 400, "what is to be changed is required"),
        ({"when": "20200101 10:00"}, 400, "when: is past"),
        ({"when": {"type": "event", "segment": 1, "action": "ADD"}}, 400, "when: "),
        ({"target_mode": "email"}, 400, "target_mode: "),
        ({"content": {}}, 400, "content.body: "),
        ({"content": {"body": "{{ profile.Name "}}, 400, "content.body: "),
        ({"segment": 5}, 404, "segment: there is no segment 5"),
        ({"segment": 5, "segments": {"include": [5]}}, 400, "segment and segments: "),
        ({"users_limit_overall": 0}, 400, "users_limit_overall: "),
        ({"version": 1, "name": "x"}, 409, "version: the campaign was edited meanwhile, it has version 0"),
        ({"name": ""}, 400, "name: "),
    ],
)
def test_an_edit_that_is_refused_changes_nothing(campaigning: Campaigning, asked: Json, code: int, error: str) -> None:
    (gold,) = campaigning.account.create("GOLD")
    campaign_id = campaigning.create(segment=gold, when=in_days(3))
    before = (target(campaigning, campaign_id), dict(campaigning.schedules.made), list(campaigning.queues.tasks))
    status, answer = campaigning.call("edit", {"id": campaign_id, **asked})
    assert (status, answer["error"][: len(error)]) == (code, error)
    assert (target(campaigning, campaign_id), campaigning.schedules.made, campaigning.queues.tasks) == before


def test_only_a_scheduled_campaign_is_edited(campaigning: Campaigning) -> None:
    (gold,) = campaigning.account.create("GOLD")
    running = campaigning.create(when={"type": "event", "segment": gold, "action": "ADD"})
    stopped = campaigning.create(segment=gold, when=in_days(3))
    campaigning.ok("stop", {"id": stopped})
    for campaign_id, state in ((running, "running"), (stopped, "stopped")):
        assert campaigning.call("edit", {"id": campaign_id, "name": "x"}) == (
            409,
            {
                "status": "fail",
                "error": f"campaign {campaign_id} is {state}; only a scheduled one can be edited",
                "code": 409,
            },
        )
    assert campaigning.call("edit", {"id": 5, "name": "x"})[0] == 404


def test_segments_of_before_an_edit_are_kept_until_the_campaign_is_over(campaigning: Campaigning) -> None:
    """Their marks can't be taken off at once: another edit may be about to need them."""
    gold, silver = campaigning.account.create("GOLD", "SILVER")
    campaign_id = campaigning.create(segment=gold, when=in_days(3))
    campaigning.ok("edit", {"id": campaign_id, "segment": silver})
    assert campaigning.account.delete(gold)[0] == 409
    assert campaigning.account.delete(silver)[0] == 409
    campaigning.ok("stop", {"id": campaign_id})
    campaigning.run_to_the_end()
    marks = campaigns_wiring.campaign_stores().uses

    for segment_id in (gold, silver):
        assert not marks.users_of(campaigning.account.account_id, [segment_id], Deadline.after(20))[segment_id]
        assert campaigning.account.delete(segment_id)[0] == 200


def test_a_duplicate_is_like_the_other_whatever_became_of_that(campaigning: Campaigning) -> None:
    gold, banned = campaigning.account.create("GOLD", "BANNED")
    first = campaigning.create(
        segments={"include": [gold], "exclude": [banned]}, when=in_days(3), users_limit_overall=9, name="Spring"
    )
    campaigning.ok("stop", {"id": first})
    wanted = {"id": first, "when": in_days(4)}
    second = campaigning.ok("duplicate", wanted)["id"]
    third = campaigning.ok("duplicate", {**wanted, "name": "Again", "when": "now"})["id"]
    before = target(campaigning, first)
    for campaign_id, name in ((second, "Spring"), (third, "Again")):
        told = target(campaigning, campaign_id)
        assert told["name"] == name
        for field in ("target_mode", "segments", "content", "users_limit_overall"):
            assert told[field] == before[field]
    assert target(campaigning, second)["when"] == in_days(4)
    assert campaigning.call("duplicate", {"id": 5, "when": "now"})[0] == 404
    assert campaigning.call("duplicate", {"id": first})[0] == 400


def test_a_duplicate_with_the_same_key_is_made_once(campaigning: Campaigning) -> None:
    (gold,) = campaigning.account.create("GOLD")
    first = campaigning.create(segment=gold, when=in_days(3))
    key = {"Idempotency-Key": "k"}
    answers = [campaigning.call("duplicate", {"id": first, "when": "now"}, headers=key) for _ in range(2)]
    assert answers[0] == answers[1]
    assert len(campaigning.listed()) == 2
    assert campaigning.call("duplicate", {"id": first, "when": in_days(1)}, headers=key)[0] == 409


def test_an_online_campaign_is_duplicated_for_a_change(campaigning: Campaigning) -> None:
    gold, vip = campaigning.account.create("GOLD", "VIP")
    online = campaigning.create(when={"type": "event", "segment": gold, "action": "ADD"})
    leaving = {"type": "event", "segment": {"customer_segment_id": "VIP"}, "action": "REMOVE"}
    copy = campaigning.ok("duplicate", {"id": online, "when": leaving})["id"]
    assert target(campaigning, copy)["when"] == {"type": "event", "segment": vip, "action": "REMOVE"}
    status, answer = campaigning.call("duplicate", {"id": online, "when": "now"})
    assert (status, answer["error"]) == (400, "when: must be an event, as the campaign has no segments")


def test_campaigns_are_found_by_name_state_channel_and_segment(campaigning: Campaigning, clock: MovableClock) -> None:
    gold, silver = campaigning.account.create("GOLD", "SILVER")
    clock.tick = timedelta(milliseconds=1)
    spring = campaigning.create(segment=gold, name="Spring Sale", when=in_days(1))
    summer = campaigning.create(segments={"include": [silver], "exclude": [gold]}, name="Summer", when=in_days(1))
    hook = campaigning.create(
        segment=silver, name="SALE of hooks", target_mode="whatsapp", content={"body": "x"}, when=in_days(1)
    )
    joining = campaigning.create(when={"type": "event", "segment": silver, "action": "ADD"}, name="Welcome")
    campaigning.ok("stop", {"id": summer})
    for asked, found in (
        ({"name": "sale"}, [hook, spring]),
        ({"name": "SPRING s"}, [spring]),
        ({"status": "scheduled"}, [hook, spring]),
        ({"status": "running"}, [joining]),
        ({"status": "stopped", "name": "summer"}, [summer]),
        ({"target_mode": "whatsapp"}, [hook]),
        ({"segment": gold}, [summer, spring]),
        ({"segment": {"customer_segment_id": "SILVER"}}, [joining, hook, summer]),
        ({"segment": silver, "target_mode": "sms", "status": "running"}, [joining]),
        ({"name": "nothing like it"}, []),
    ):
        assert [each["id"] for each in campaigning.listed(**asked)] == found, asked
    assert campaigning.call("list", {"segment": 5})[0] == 404
    campaigning.ok("stop", {"id": spring})
    campaigning.account.delete(gold)
    for each in (gold, {"customer_segment_id": "GOLD"}):
        assert [row["id"] for row in campaigning.listed(segment=each)] == [summer, spring]
    assert campaigning.call("list", {"status": "done"})[0] == 400


@pytest.mark.parametrize("limit", [1, 2, 7])
def test_a_narrowed_list_is_whole_page_by_page(
    campaigning: Campaigning, clock: MovableClock, monkeypatch: pytest.MonkeyPatch, limit: int
) -> None:
    monkeypatch.setattr("api_segments.campaigns.planning.reads.LOOKED_THROUGH", 4)
    monkeypatch.setattr("api_segments.campaigns.planning.reads.LOOKED_AT", 2)
    (gold,) = campaigning.account.create("GOLD")
    clock.tick = timedelta(milliseconds=1)
    made = [campaigning.create(segment=gold, name=f"{'odd' if n % 3 else 'third'} {n}") for n in range(13)]
    wanted = [each for n, each in enumerate(made) if n % 3 == 0][::-1]
    found: list[int] = []
    cursor: Json = {}
    for _ in range(30):
        page = campaigning.ok("list", {"name": "third", "limit": limit, **cursor})
        assert len(page["targets"]) <= limit
        found += [each["id"] for each in page["targets"]]
        if page["cursor"] is None:
            break
        cursor = {"cursor": page["cursor"]}
        assert campaigning.call("list", {"name": "odd", "limit": limit, **cursor})[0] == 400
    assert found == wanted
    assert cursor or limit == 7


def test_a_campaign_of_a_list_has_its_own_results(campaigning: Campaigning, relay: Relay) -> None:
    (gold,) = campaigning.account.create("GOLD")
    campaigning.users(gold, "a", "b")
    relay.drain()
    campaigning.create(segment=gold, name="One", users_limit_overall=1)
    campaigning.create(segment=gold, name="Two")
    campaigning.run_to_the_end()
    assert [each["result"]["sent"] for each in campaigning.listed(name="two")] == [2]
    assert [each["result"]["sent"] for each in campaigning.listed(status="completed")] == [2, 1]
