"""Offline campaigns: created, walked, stopped; what is refused, and what nobody else sees."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from api_segments.campaigns import wiring as campaigns_wiring
from api_segments.campaigns.store import CampaignStore
from api_segments.core.clock import Deadline
from api_segments.segments import wiring as segments_wiring
from api_segments.segments.store import segment_key
from functions.campaigns.app import handler as campaigns
from functions.reconcile.app import handler as reconcile
from tests.integration.campaigning import Campaigning, sms
from tests.integration.conftest import Account, RecordingBus, Relay
from tests.support.clock import MovableClock
from tests.support.events import Context, body_of, with_body
from tests.support.state import Tables
from tests.support.wired import forget_services


def test_a_campaign_reaches_who_is_included_not_excluded_and_reachable_each_once(
    campaigning: Campaigning, relay: Relay
) -> None:
    gold, silver, banned = campaigning.account.create("GOLD", "SILVER", "BANNED")
    campaigning.users(gold, "a", "b", "c", "x")
    campaigning.users(silver, "b", "d")
    campaigning.users(silver, "mute", phone=False)
    campaigning.users(banned, "c", "d")
    relay.drain()

    campaign_id = campaigning.create(
        segments={"include": [gold, {"customer_segment_id": "SILVER"}], "exclude": [banned]}
    )
    assert campaigning.status(campaign_id) == "scheduled"
    sent = campaigning.run_to_the_end()

    assert len(sent) == 3
    log = campaigning.log(campaign_id)
    assert {(line["identity"], line["status"], line["reason"]) for line in log} == {
        ("a", "sent", None),
        ("b", "sent", None),
        ("x", "sent", None),
        ("mute", "skipped", "unreachable"),
    }
    result = campaigning.result(campaign_id)
    assert (result["status"], result["queued"], result["sent"], result["waiting"]) == ("completed", 3, 3, 0)
    assert result["skipped"] == {"unreachable": 1}
    assert result["failed"] == {}
    (entry,) = campaigning.listed()
    sums = {"queued": 3, "waiting": 0, "sent": 3, "skipped": 1, "failed": 0}
    assert entry["result"] == {**sums, "bounced": 0, "complained": 0, "unsubscribed": 0}
    assert entry["segments"] == {"include": [gold, silver], "exclude": [banned]}


def test_start_and_end_are_told_once_each(campaigning: Campaigning, bus: RecordingBus, relay: Relay) -> None:
    (gold,) = campaigning.account.create("GOLD")
    campaigning.users(gold, "a")
    relay.drain()
    campaign_id = campaigning.create(segment=str(gold))
    task = campaigning.queues.tasks[0]
    campaigning.run_to_the_end()
    campaigning.run(task)

    told = [
        (each["DetailType"], json.loads(each["Detail"])) for each in bus.entries if "Campaign" in each["DetailType"]
    ]
    assert [name for name, _ in told] == ["Campaign Started", "Campaign Completed"]
    assert told[1][1]["Campaign ID"] == campaign_id
    assert told[1][1]["Status"] == "completed"
    assert told[1][1]["Results"] == {"queued": 1, "sent": 1, "skipped": {}, "failed": {}}
    assert told[0][1]["Event ID"] != told[1][1]["Event ID"]


def test_who_was_removed_or_excluded_a_moment_ago_gets_nothing(campaigning: Campaigning, relay: Relay) -> None:
    gold, banned = campaigning.account.create("GOLD", "BANNED")
    campaigning.users(gold, "a", "b", "c")
    relay.drain()
    campaigning.remove(gold, "a")
    campaigning.users(banned, "b")
    assert campaigning.account.erase("c")[0] == 200

    campaign_id = campaigning.create(segments={"include": [gold], "exclude": [banned]})

    assert campaigning.run_to_the_end() == []
    assert campaigning.log(campaign_id) == []
    assert campaigning.status(campaign_id) == "completed"


def test_who_was_added_right_before_the_start_is_reached_though_lists_of_members_follow_later(
    campaigning: Campaigning, relay: Relay, clock: MovableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CAMPAIGN_DELAY_SECONDS", "30")
    forget_services()
    (gold,) = campaigning.account.create("GOLD")
    campaigning.users(gold, "a", "b")
    campaign_id = campaigning.create(segment=gold)
    campaigning.run()
    assert campaigning.status(campaign_id) == "running"
    clock.move(seconds=29)
    relay.drain()
    campaigning.run()
    assert campaigning.log(campaign_id) == []
    clock.move(seconds=1)
    assert len(campaigning.run_to_the_end()) == 2
    assert campaigning.status(campaign_id) == "completed"


def begin_reconciliation(campaigning: Campaigning) -> None:
    scope = {"account_id": campaigning.account.account_id, "segment_id": None}
    reconcile({"Records": [{"body": json.dumps({"scope": scope, "position": {"stage": "profiles"}})}]}, Context(60))


def test_the_daily_reconciliation_takes_up_campaigns_whose_task_is_lost(
    campaigning: Campaigning, relay: Relay, clock: MovableClock
) -> None:
    gold, vip = campaigning.account.create("GOLD", "VIP")
    campaigning.users(gold, "a")
    relay.drain()
    scheduled, running = campaigning.create(segment=gold, when=campaigning.tomorrow()), campaigning.create(segment=gold)
    joining = {"type": "event", "segment": vip, "action": "ADD"}
    limited = campaigning.create(when=joining, users_limit_overall=5)
    campaigning.create(when=joining)
    campaigning.run(campaigning.queues.tasks[0])
    campaigning.create(segment=gold, when=f"{clock.now() + timedelta(days=9):%Y%m%d %H:%M}")
    campaigning.queues.tasks.clear()
    campaigning.queues.messages.clear()
    campaigning.schedules.made.clear()
    clock.move(seconds=24 * 3600)

    begin_reconciliation(campaigning)

    assert {task["campaign_id"] for task in campaigning.queues.tasks} == {scheduled, running, limited}
    campaigning.run_to_the_end()
    assert [campaigning.status(each) for each in (scheduled, running, limited)] == ["completed", "completed", "running"]


def lose_marks(campaigning: Campaigning, tables: Tables, segment_id: int) -> None:
    tables.client.update_item(
        TableName=tables.environment["SEGMENTS_TABLE"],
        Key=segment_key(campaigning.account.account_id, segment_id),
        UpdateExpression="REMOVE campaign_ids",
    )


def test_the_daily_reconciliation_puts_lost_marks_of_live_campaigns_back(
    campaigning: Campaigning, relay: Relay, tables: Tables
) -> None:
    gold, vip, deleted = campaigning.account.create("GOLD", "VIP", "DELETED")
    when = campaigning.tomorrow()
    scheduled = campaigning.create(name="Later", segments={"include": [deleted, gold]}, when=when)
    online = campaigning.create(name="Welcome", when={"type": "event", "segment": vip, "action": "ADD"})
    for segment_id in (gold, vip, deleted):
        lose_marks(campaigning, tables, segment_id)
    assert campaigning.account.delete(deleted)[0] == 200

    begin_reconciliation(campaigning)

    for segment_id, used_by in ((gold, f"{scheduled} (Later)"), (vip, f"{online} (Welcome)")):
        status, answer = campaigning.account.delete(segment_id)
        assert (status, answer.get("error")) == (409, f"used by campaigns {used_by}")
    campaigning.users(vip, "a")
    relay.drain()
    assert [each["Identity"] for each in campaigning.queues.changes] == ["a"]


def test_the_daily_reconciliation_leaves_no_mark_of_a_campaign_that_ends_at_the_same_time(
    campaigning: Campaigning, monkeypatch: pytest.MonkeyPatch
) -> None:
    gold, vip = campaigning.account.create("GOLD", "VIP")
    campaigning.create(segments={"include": [gold, vip]}, when=campaigning.tomorrow())
    deadline = Deadline.after(20)
    seen_live = campaigns_wiring.campaign_store().live(campaigning.account.account_id, deadline)
    assert len(seen_live) == 1
    campaigning.ok("stop", {"id": seen_live[0].campaign_id})
    campaigning.run_to_the_end()
    monkeypatch.setattr(CampaignStore, "live", lambda *_: seen_live)

    begin_reconciliation(campaigning)

    marks = segments_wiring.segment_uses().users_of(campaigning.account.account_id, [gold, vip], deadline)
    assert dict(marks) == {gold: frozenset(), vip: frozenset()}


def test_the_limit_of_users_is_exact(campaigning: Campaigning, relay: Relay) -> None:
    (gold,) = campaigning.account.create("GOLD")
    campaigning.users(gold, *(f"u{number}" for number in range(30)))
    relay.drain()

    campaign_id = campaigning.create(segment=gold, users_limit_overall=7)

    assert len(campaigning.run_to_the_end()) == 7
    assert campaigning.result(campaign_id)["queued"] == 7


def test_a_stop_midway_skips_nothing_that_was_sent_and_queues_nothing_more(
    campaigning: Campaigning, relay: Relay, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api_segments.campaigns.running.runs.CAMPAIGN_PAGE", 5)
    (gold,) = campaigning.account.create("GOLD")
    campaigning.users(gold, *(f"u{number}" for number in range(20)))
    relay.drain()
    campaign_id = campaigning.create(segment=gold)
    runs = campaigns_wiring.campaign_runs()
    queue = runs._queue  # noqa: SLF001 - the walk is interrupted between two pages

    def stop_after(*arguments: object) -> None:
        queue(*arguments)  # type: ignore[arg-type]  # as they came
        assert campaigning.ok("stop", {"id": campaign_id})["message"] == f"Target {campaign_id} stopped"

    monkeypatch.setattr(runs, "_queue", stop_after)
    campaigning.run()
    assert len(campaigning.log(campaign_id)) == 5
    campaigning.run_to_the_end()

    result = campaigning.result(campaign_id)
    assert (result["status"], result["queued"]) == ("stopped", 5)
    assert campaigning.ok("stop", {"id": campaign_id})
    assert campaigning.queues.tasks == []


def test_a_campaign_starts_at_its_time_by_a_schedule_and_not_before(
    campaigning: Campaigning, clock: MovableClock, relay: Relay
) -> None:
    (gold,) = campaigning.account.create("GOLD")
    campaigning.users(gold, "a")
    relay.drain()
    tomorrow = clock.now().replace(hour=12, minute=0)
    clock.move(seconds=(tomorrow - clock.now()).total_seconds())
    wanted = clock.now().replace(hour=15, minute=30)

    campaign_id = campaigning.create(segment=gold, when=f"{wanted:%Y%m%d} 15:30")

    assert campaigning.schedules.times() == [f"at({wanted:%Y-%m-%d}T15:30:00)"]
    (entry,) = campaigning.listed()
    assert entry["scheduled_on"] == int(f"{wanted:%Y%m%d}1530")
    (task,) = campaigning.schedules.fire()
    campaigning.run(task)
    assert campaigning.status(campaign_id) == "scheduled"
    assert campaigning.queues.delays == [900]
    clock.move(seconds=4 * 3600)
    assert len(campaigning.run_to_the_end()) == 1
    assert campaigning.status(campaign_id) == "completed"


def test_a_scheduled_campaign_that_is_stopped_never_starts(campaigning: Campaigning, bus: RecordingBus) -> None:
    (gold,) = campaigning.account.create("GOLD")
    campaign_id = campaigning.create(segment=gold, when=campaigning.tomorrow())
    tasks = [json.loads(each["Target"]["Input"]) for each in campaigning.schedules.made.values()]

    campaigning.ok("stop", {"id": campaign_id})

    assert campaigning.schedules.made == {}
    campaigning.run(*tasks)
    campaigning.run_to_the_end()
    assert campaigning.status(campaign_id) == "stopped"
    names = [each["DetailType"] for each in bus.entries if "Campaign" in each["DetailType"]]
    assert names == ["Campaign Completed"]
    assert campaigning.account.delete(gold)[0] == 200


def test_a_task_without_a_campaign_is_tried_for_a_minute_and_dropped(
    campaigning: Campaigning, clock: MovableClock
) -> None:
    now = clock.now()
    task = {"account_id": campaigning.account.account_id, "campaign_id": int(now.timestamp() * 1_000_000)}
    campaigning.run(task)
    assert campaigning.queues.tasks == [task]
    clock.move(seconds=61)
    campaigning.run()
    assert campaigning.queues.tasks == []


def test_what_cannot_be_is_refused_and_leaves_nothing(campaigning: Campaigning) -> None:
    gold, gone = campaigning.account.create("GOLD", "GONE")
    campaigning.account.delete(gone)
    where = {"segments": {"include": [gold, 5]}}
    campaigning.refuses(sms(**where), "segments.include[1]: there is no segment 5", 404)
    campaigning.refuses(sms(segment=gone), f"segment: segment {gone} was deleted", 410)
    unknown = {"include": [gold], "exclude": [{"customer_segment_id": "NO"}]}
    campaigning.refuses(
        sms(segments=unknown), "segments.exclude[0]: there is no segment with this customer_segment_id", 404
    )
    campaigning.refuses(sms(segment=gold, when="20200101 10:00"), "when: is past, it is ")
    campaigning.refuses(sms(segment=gold, when="soon"), 'when: must be "now" or a time like "20261224 09:30"')
    campaigning.refuses(sms(segment=gold, when="99991231 10:00"), "when: must be at most 365 days ahead")
    campaigning.refuses(sms(), "segment or segments is required")
    campaigning.refuses(
        sms(segment=gold, segments={"include": [gold]}), "segment and segments: only one of them may be given"
    )
    campaigning.refuses(sms(segment=gold, sender="x"), "sender: unknown field")
    campaigning.refuses(sms(segment=gold, content={"body": "{% if %}"}), "content.body: ")
    campaigning.refuses(sms(segment=gold, target_mode="fax"), "target_mode: must be 'email', ")
    email = {"target_mode": "email", "content": {"subject": "Hi", "body": "Hi"}}
    campaigning.refuses(
        sms(segment=gold, **email), "content.sender: the account has declared no sender; add one with add_sender"
    )
    assert campaigning.account.delete(gold)[0] == 200, "no mark is left"


def test_a_segment_that_a_campaign_uses_cannot_be_deleted(campaigning: Campaigning, relay: Relay) -> None:
    gold, vip, banned, other = campaigning.account.create("GOLD", "VIP", "BANNED", "OTHER")
    offline = campaigning.create(
        name="Spring", segments={"include": [gold], "exclude": [banned]}, when=campaigning.tomorrow()
    )
    online = campaigning.create(name="Welcome", when={"type": "event", "segment": vip, "action": "ADD"})
    for segment_id, campaign_id, name in (
        (gold, offline, "Spring"),
        (banned, offline, "Spring"),
        (vip, online, "Welcome"),
    ):
        status, answer = campaigning.account.delete(segment_id)
        assert status == 409
        assert answer["error"] == f"used by campaigns {campaign_id} ({name})"
    assert campaigning.account.delete(other)[0] == 200
    relay.drain()
    assert "Segment Renamed" not in {each["DetailType"] for each in relay.bus.entries}
    for campaign_id in (offline, online):
        campaigning.ok("stop", {"id": campaign_id})
    for segment_id in (gold, banned, vip):
        assert campaigning.account.delete(segment_id)[0] == 200


def test_a_mark_of_a_campaign_that_never_came_to_be_blocks_for_a_minute(
    campaigning: Campaigning, clock: MovableClock
) -> None:
    (gold,) = campaigning.account.create("GOLD")
    lost = int(clock.now().timestamp() * 1_000_000)
    deadline = Deadline.after(20)
    assert segments_wiring.segment_uses().mark(campaigning.account.account_id, [gold], lost, deadline)
    status, answer = campaigning.account.delete(gold)
    assert (status, answer["error"]) == (409, f"used by campaigns {lost} (being created)")
    clock.move(seconds=61)
    assert campaigning.account.delete(gold)[0] == 200


def test_the_same_idempotency_key_creates_one_campaign(campaigning: Campaigning) -> None:
    (gold,) = campaigning.account.create("GOLD")
    key = {"Idempotency-Key": "k1"}
    first = campaigning.call("create", sms(segment=gold), headers=key)
    assert campaigning.call("create", sms(segment=gold), headers=key) == first
    assert len(campaigning.listed()) == 1
    status, answer = campaigning.call("create", sms(segment=gold, name="Other"), headers=key)
    assert (status, answer["error"]) == (409, "Idempotency-Key: was used with another body")


def test_an_account_has_so_many_live_campaigns_at_most(
    campaigning: Campaigning, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api_segments.campaigns.store.MAX_LIVE_CAMPAIGNS", 2)
    (gold,) = campaigning.account.create("GOLD")
    first, _ = (campaigning.create(segment=gold, when=campaigning.tomorrow()) for _ in range(2))
    campaigning.refuses(
        sms(segment=gold), "the account has 1000 scheduled and running campaigns, the most there may be", 422
    )
    campaigning.ok("stop", {"id": first})
    campaigning.ok("stop", {"id": first})
    campaigning.create(segment=gold)
    campaigning.refuses(
        sms(segment=gold), "the account has 1000 scheduled and running campaigns, the most there may be", 422
    )


def test_an_estimate_counts_and_creates_nothing(campaigning: Campaigning, relay: Relay) -> None:
    gold, banned = campaigning.account.create("GOLD", "BANNED")
    campaigning.users(gold, *(f"u{number}" for number in range(12)))
    campaigning.users(gold, "mute", phone=False)
    campaigning.users(banned, "u1", "u2", "stranger")
    relay.drain()
    asked = {"target_mode": "sms", "segments": {"include": [gold], "exclude": [banned]}, "estimate_only": True}
    assert campaigning.ok("create", asked) == {"status": "success", "estimates": {"sms": 10}}
    assert campaigning.ok("create", {**asked, "target_mode": "webhook"})["estimates"] == {"webhook": 11}
    assert campaigning.ok("create", {**asked, "users_limit_overall": 4})["estimates"] == {"sms": 4}
    whole = {**asked, "name": "Spring", "when": campaigning.tomorrow(), "content": {"body": "Hello"}}
    assert campaigning.ok("create", whole)["estimates"] == {"sms": 10}
    assert campaigning.listed() == []


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        ({"when": "tomorrow"}, 'when: must be "now" or a time like "20261224 09:30"'),
        ({"when": "20200101 09:30"}, "when: is past"),
        ({"content": {"body": "{{ profile.Name"}}, "content.body: "),
        ({"content": {}}, "content.body: is required"),
        ({"content": {"body": "Hello", "mutable-content": "1"}}, "content.mutable-content: unknown field"),
        ({"target_mode": "email", "content": {"subject": "a", "body": "b"}}, "content.sender: "),
        ({"target_mode": "webhook", "content": {"url": "crm"}}, "content.url: is not one of the account's webhooks"),
        ({"target_mode": "push", "content": {"title": "a", "body": "b"}}, "target_mode: the account has no push"),
        ({"name": ""}, "name: must have 1 to 255 characters"),
    ],
)
def test_an_estimate_refuses_what_a_creation_would(
    campaigning: Campaigning, wrong: dict[str, object], error: str
) -> None:
    (gold,) = campaigning.account.create("GOLD")
    asked = {**sms(segment=gold), **wrong}
    refused = campaigning.call("create", {**asked, "estimate_only": True})
    assert refused == campaigning.call("create", asked)
    assert (refused[0], refused[1]["error"][: len(error)]) == (400, error)


def test_an_estimate_of_many_reads_whole_buckets(
    campaigning: Campaigning, relay: Relay, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api_segments.campaigns.planning.estimates.ESTIMATED_MEMBERS", 20)
    (gold,) = campaigning.account.create("GOLD")
    campaigning.users(gold, *(f"u{number}" for number in range(80)))
    relay.drain()
    asked = {"target_mode": "sms", "segment": gold, "estimate_only": True}
    estimate = campaigning.ok("create", asked)["estimates"]["sms"]
    assert estimate % 4 == 0
    assert 0 < estimate <= 320


def test_lists_are_by_day_of_creation_in_pages_newest_first(campaigning: Campaigning, clock: MovableClock) -> None:
    (gold,) = campaigning.account.create("GOLD")
    made = []
    for _ in range(3):
        made.append(campaigning.create(segment=gold))
        clock.move(seconds=24 * 3600)
    assert [each["id"] for each in campaigning.listed()] == made[::-1]
    first = campaigning.ok("list", {"limit": 2})
    second = campaigning.ok("list", {"limit": "2", "cursor": first["cursor"]})
    assert [each["id"] for each in first["targets"] + second["targets"]] == made[::-1]
    assert second["cursor"] is None
    day = int(campaigning.listed()[1]["created_at"][:10].replace("-", ""))
    assert [each["id"] for each in campaigning.listed(**{"from": day, "to": str(day)})] == [made[1]]
    assert campaigning.call("list", {"from": day + 1, "to": day})[0] == 400
    assert campaigning.call("list", {"from": 20261345})[0] == 400
    assert campaigning.call("list", {"limit": 2, "cursor": first["cursor"], "to": day})[0] == 400


def test_a_list_of_some_campaigns_tells_their_results_as_a_list_of_all(campaigning: Campaigning, relay: Relay) -> None:
    (gold,) = campaigning.account.create("GOLD")
    campaigning.users(gold, "a", "b", "c")
    relay.drain()
    mail, text = campaigning.create(segment=gold, name="Mail"), campaigning.create(segment=gold, name="Text")
    campaigning.run_to_the_end()
    everything = {each["id"]: each for each in campaigning.listed()}
    assert {each: told["result"]["sent"] for each, told in everything.items()} == {mail: 3, text: 3}
    assert campaigning.listed(name="mail") == [everything[mail]]
    assert {each["id"]: each for each in campaigning.listed(status="completed")} == everything


@pytest.mark.parametrize(
    ("text", "starts_at", "comes_twice"),
    [
        ("20271031 01:59", "2027-10-30T23:59:00.000000Z", False),
        ("20271031 02:30", "2027-10-31T00:30:00.000000Z", True),
        ("20271031 03:00", "2027-10-31T02:00:00.000000Z", False),
    ],
)
def test_a_local_time_is_told_as_a_creation_reads_it(
    campaigning: Campaigning, clock: MovableClock, text: str, starts_at: str, *, comes_twice: bool
) -> None:
    clock.move(days=300)
    in_zone(campaigning, "Europe/Berlin")
    start = campaigning.ok("when", {"when": text})["start"]
    assert (start["starts_at"], start["comes_twice"], start["time_zone"]) == (starts_at, comes_twice, "Europe/Berlin")
    (gold,) = campaigning.account.create("GOLD")
    campaigning.create(segment=gold, when=text)
    assert campaigning.schedules.times() == [f"at({starts_at[:19]})"]
    assert campaigning.listed()[0]["starts_at"] == starts_at


@pytest.mark.parametrize("text", ["20280326 02:30", "20271301 10:00", "20261101 09:00", "tomorrow"])
def test_a_time_that_no_campaign_can_start_at_is_refused_alike(
    campaigning: Campaigning, clock: MovableClock, text: str
) -> None:
    clock.move(days=300)
    in_zone(campaigning, "Europe/Berlin")
    (gold,) = campaigning.account.create("GOLD")
    status, answer = campaigning.call("when", {"when": text})
    assert status == 400
    campaigning.refuses(sms(segment=gold, when=text), answer["error"])


def test_only_a_local_time_is_told(campaigning: Campaigning) -> None:
    for when in ("now", {"type": "event", "segment": 1, "action": "ADD"}, 202612010930, None):
        assert campaigning.call("when", {"when": when})[0] == 400
    assert campaigning.call("when", {})[0] == 400


def test_a_change_of_the_time_zone_moves_no_campaign_and_leaves_what_was_written(campaigning: Campaigning) -> None:
    in_zone(campaigning, "Europe/Berlin")
    (gold,) = campaigning.account.create("GOLD")
    campaign_id = campaigning.create(segment=gold, when="20261224 18:00")
    before = campaigning.listed()[0]
    in_zone(campaigning, "America/New_York")
    after = campaigning.ok("result", {"id": campaign_id})["target"]
    assert (before["starts_at"], before["scheduled_on"], before["time_zone"]) == (
        *("2026-12-24T17:00:00.000000Z", 202612241800),
        "Europe/Berlin",
    )
    assert (after["starts_at"], after["scheduled_on"], after["time_zone"]) == (
        *("2026-12-24T17:00:00.000000Z", 202612241200),
        "America/New_York",
    )
    for told in (before, after):
        assert (told["when"], told["when_time_zone"]) == ("20261224 18:00", "Europe/Berlin")
    campaigning.create(segment=gold, when="now")
    assert campaigning.listed()[0]["when_time_zone"] is None


def test_other_accounts_see_nothing_of_a_campaign(campaigning: Campaigning, new_account: Callable[[], Account]) -> None:
    (gold,) = campaigning.account.create("GOLD")
    campaign_id = campaigning.create(segment=gold, when=campaigning.tomorrow())
    stranger = Campaigning(new_account(), campaigning.queues, campaigning.schedules, campaigning.identities)
    for name in ("stop", "result", "log"):
        assert stranger.call(name, {"id": campaign_id}) == (
            404,
            {"status": "fail", "error": f"there is no campaign {campaign_id}", "code": 404},
        )
    assert stranger.listed() == []
    stranger.refuses(sms(segment=gold), f"segment: there is no segment {gold}", 404)
    assert campaigning.status(campaign_id) == "scheduled"


def test_campaigns_need_api_segments(campaigning: Campaigning) -> None:
    event = with_body("campaigns", campaigning.account.account_id, {}, plan="Essentials")
    for name in ("create", "duplicate", "edit", "when", "list", "stop", "result", "log", "preview", "settings"):
        event["resource"] = f"/1/targets/{name}.json"
        answer = campaigns(event, Context())
        assert (answer["statusCode"], body_of(answer)["code"]) == (403, 403)


def test_a_preview_is_filled_in_with_the_users_attributes(campaigning: Campaigning) -> None:
    campaigning.account.upload({"type": "profile", "identity": "a", "profileData": {"Name": "Ada"}})
    body = {"target_mode": "sms", "identity": "a", "content": {"body": "Hello {{ profile.Name }}"}}
    assert campaigning.ok("preview", body)["preview"] == {"body": "Hello Ada"}
    assert campaigning.call("preview", {**body, "identity": "nobody"})[0] == 404
    status, answer = campaigning.call("preview", {**body, "content": {"body": "{{ profile.Name "}})
    assert status == 400
    assert answer["error"].startswith("content.body: ")


def test_settings_tell_no_secrets(campaigning: Campaigning) -> None:
    assert campaigning.ok("settings", {})["settings"] == {
        "time_zone": "UTC",
        "senders": [],
        "webhooks": [],
        "push": {"fcm": False, "apns": False},
        "test_recipients": [],
    }


def in_zone(campaigning: Campaigning, time_zone: str) -> None:
    """Set the account's time zone."""
    campaigns_wiring.settings_store().change(
        campaigning.account.account_id, lambda settings: replace(settings, time_zone=time_zone), Deadline.after(20)
    )
