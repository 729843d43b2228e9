"""What an account used, and what its plan lets it do."""

from collections.abc import Callable
from datetime import UTC, datetime
from random import Random
from typing import Any

import pytest

from api_segments.core.clock import SYSTEM_CLOCK
from functions.create_segment.app import handler as create_segment
from functions.manage_segments.app import handler as manage_segments
from functions.profiles.app import handler as profiles
from functions.update_segment.app import handler as update_segment
from tests.integration.conftest import Account, PurgeQueue, RecordingBus, Relay
from tests.support.bodies import act, update, users
from tests.support.clock import MovableClock
from tests.support.events import Context, Event, body_of, with_body, without_body
from tests.support.state import Tables
from tests.support.uploads import profile

Json = Any

SEGMENTS = [{"segment_name": "Gold", "customer_segment_id": "GOLD"}]


def this_month() -> str:
    return f"{SYSTEM_CLOCK.now():%Y-%m}"


def test_usage_is_one_data_point_for_each_published_change(account: Account, relay: Relay, bus: RecordingBus) -> None:
    assert account.usage() == (200, {"month": this_month(), "data_points": 0, "plan": "Advanced"})
    gold, silver = account.create(None, None)
    everyone = users(*(f"u{index}" for index in range(5)))
    account.update((everyone, [act("ADD", ct=gold), act("ADD", ct=silver)]))
    account.update((everyone, [act("ADD", ct=gold)]))
    account.upload(*(profile(f"u{index}", Email="a@example.com") for index in range(9)))
    account.update((everyone[:2], [act("REMOVE", ct=gold)]))
    account.update((everyone[:3], [act("REMOVE", ct=gold)]))
    account.erase("u0")  # is in silver
    records = relay.drain()
    choice = Random(3)  # noqa: S311 - a seeded test
    for _ in range(6):
        start = choice.randrange(len(records))
        relay.projector.deliver(records[start : start + choice.randrange(1, 20)])
        relay.publisher.deliver(records[start:])
    published = {event["Event ID"] for event in bus.details(account.account_id)}
    assert len(published) == 10 + 2 + 1 + 1
    assert account.usage() == (200, {"month": this_month(), "data_points": len(published), "plan": "Advanced"})
    assert account.usage(month=this_month()) == account.usage()
    assert account.reachable(gold) == {"email": 2}


def test_what_a_deleted_segment_loses_is_no_data_point(
    account: Account, relay: Relay, purges: PurgeQueue, clock: MovableClock
) -> None:
    (gold,) = account.create(None)
    account.update((users("a", "b", "c"), [act("ADD", ct=gold)]))
    relay.drain()
    account.delete(gold)
    clock.move(seconds=60)
    account.erase("a")
    relay.drain()
    assert account.usage()[1]["data_points"] == 3
    purges.waiting += relay.deletions()
    purges.deliver()
    assert len(relay.drain()) == 2
    assert account.usage()[1]["data_points"] == 3


def test_any_month_can_be_asked_for(account: Account, relay: Relay) -> None:
    (gold,) = account.create(None)
    account.update((users("a"), [act("ADD", ct=gold)]))
    records = relay.reader.read()
    records[0]["dynamodb"]["ApproximateCreationDateTime"] = int(datetime(2025, 12, 31, 23, 59, tzinfo=UTC).timestamp())
    relay.projector.deliver(records)
    points = {
        month: account.usage(month=month)[1]["data_points"] for month in ("2025-11", "2025-12", "2026-01", "9999-12")
    }
    assert points == {"2025-11": 0, "2025-12": 1, "2026-01": 0, "9999-12": 0}
    assert account.usage()[1] == {"month": this_month(), "data_points": 0, "plan": "Advanced"}


def test_usage_is_the_accounts_own(account: Account, new_account: Callable[[], Account], relay: Relay) -> None:
    other = new_account()
    (gold,) = other.create(None)
    other.update((users("a", "b"), [act("ADD", ct=gold)]))
    relay.drain()
    assert (account.usage()[1]["data_points"], other.usage()[1]["data_points"]) == (0, 2)


@pytest.mark.parametrize(
    ("query", "error"),
    [
        *(
            ({"month": wrong}, "month: must be a year and a month like 2026-11")
            for wrong in [
                *(
                    "",
                    "2026",
                    "2026-1",
                    "2026-00",
                    "2026-13",
                    "2026-11-01",
                    " 2026-11",
                    "2026-11\n",
                    "26-11",
                    "2026/11",
                ),
                *("\u0662026-11", "2026-11#00", "-2026-11", "now", "0000-01", "0000-12"),
            ]
        ),
        ({"months": "2026-11"}, "months: unknown parameter"),
        ({"month": "2026-11", "account_id": "T-1"}, "account_id: unknown parameter"),
    ],
)
def test_a_bad_month_is_refused(account: Account, query: dict[str, str], error: str) -> None:
    assert account.usage(**query) == (400, {"status": "fail", "error": error, "code": 400})


def on_plan(event: Event, plan: str, beta: bool) -> Event:
    event["requestContext"]["authorizer"] |= {"plan": plan, "private_beta": "true" if beta else "false"}
    return event


NEEDS_PLAN = "API Segments need the plan Advanced or Cutting Edge; this account is on Essentials"
NEEDS_BETA = "API Segments are in private beta; this account does not have the beta flag"
WITHOUT = [
    ("Essentials", True, NEEDS_PLAN),
    ("Essentials", False, NEEDS_PLAN),
    ("Advanced", False, NEEDS_BETA),
    ("Cutting Edge", False, NEEDS_BETA),
]


@pytest.mark.parametrize(("plan", "beta", "error"), WITHOUT)
def test_an_account_without_the_feature_can_not_touch_segments(
    account: Account, tables: Tables, plan: str, beta: bool, error: str
) -> None:
    (gold,) = account.create("GOLD")
    account.upload(profile("a"))

    def kept() -> Json:
        return tables.users(account.account_id), tables.of_account("SEGMENTS_TABLE", account.account_id, "SEGMENT#")

    before = kept()
    calls: list[tuple[Callable[[Event, Any], Event], Event]] = [
        (create_segment, with_body("create_segment", account.account_id, SEGMENTS)),
        (create_segment, with_body("create_segment", account.account_id, "not JSON")),
        (
            update_segment,
            with_body("update_segment", account.account_id, update(users("a"), [act("ADD", customer="GOLD")])),
        ),
        (manage_segments, without_body(account.account_id, "GET", "/api/segments/{segment_id}", segment_id=str(gold))),
        (manage_segments, without_body(account.account_id, "GET", "/api/segments/{segment_id}", segment_id="1")),
        (manage_segments, without_body(account.account_id, "GET", "/api/profiles/{identity}/segments", identity="a")),
    ]
    for handler, event in calls:
        answer = handler(on_plan(event, plan, beta), Context())
        assert (answer["statusCode"], body_of(answer)) == (403, {"status": "fail", "error": error, "code": 403})
    assert kept() == before


@pytest.mark.parametrize(("plan", "beta", "_error"), WITHOUT)
def test_an_account_without_the_feature_may_keep_profiles(account: Account, plan: str, beta: bool, _error: str) -> None:
    def call(handler: Callable[[Event, Any], Event], event: Event) -> tuple[int, Json]:
        answer = handler(on_plan(event, plan, beta), Context())
        return answer["statusCode"], body_of(answer)

    name = account.account_id
    status, answer = call(profiles, with_body("profiles", name, {"d": [profile("a", Email="a@example.com")]}))
    assert (status, answer["status"]) == (200, "success")
    status, answer = call(profiles, without_body(name, "GET", "/1/profile.json", {"identity": "a"}))
    assert (status, answer["record"]["reachable"]["email"]) == (200, True)
    status, answer = call(manage_segments, without_body(name, "GET", "/api/usage"))
    assert (status, answer) == (200, {"month": this_month(), "data_points": 0, "plan": plan})
    erasure = without_body(name, "DELETE", "/api/profiles/{identity}", identity="a")
    assert call(manage_segments, erasure) == (200, {"status": "success"})


@pytest.mark.parametrize("plan", ["Advanced", "Cutting Edge"])
def test_an_account_with_the_feature_may_use_it(account: Account, plan: str) -> None:
    event = with_body("create_segment", account.account_id, SEGMENTS)
    assert create_segment(on_plan(event, plan, beta=True), Context())["statusCode"] == 200
