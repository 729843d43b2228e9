"""The days of a segment: what is told of them is so, and what nobody noted is not made up."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from api_segments.aws import keys
from functions.reconcile.app import handler as reconcile
from tests.integration.conftest import Account, Relay
from tests.integration.reconciling import Tasks, accounts, run, segment, tasks
from tests.integration.told import actions, numbered, users
from tests.support.clock import START, MovableClock
from tests.support.events import Context
from tests.support.state import Tables

Json = Any

__all__ = ["accounts", "segment", "tasks"]  # fixtures

HISTORY = "/api/segments/{segment_id}/history"
TODAY = START.date()


def history(account: Account, segment_id: int, **query: str) -> list[Json]:
    status, answer = account.manage("GET", HISTORY, query, segment_id=str(segment_id))
    assert status == 200, answer
    days: list[Json] = answer["days"]
    return days


def figures(days: list[Json]) -> list[tuple[str, int | None, int | None, int | None]]:
    return [(day["date"], day["members"], day["joined"], day["left"]) for day in days]


@pytest.fixture
def known(account: Account, accounts: Callable[..., Json]) -> None:
    """Let the account be one that the schedule knows."""
    accounts(operation="create_account", account_id=account.account_id, name="A shop", plan="Advanced")


@pytest.fixture
def midnight(account: Account, tasks: Tasks, clock: MovableClock, known: None) -> Callable[[], None]:
    """Let the time come to the next day's beginning, and note it, as the schedule does."""
    assert known is None

    def pass_it() -> None:
        now = clock.now()
        clock.move(seconds=(86400 - (now - now.replace(hour=0, minute=0, second=0, microsecond=0)).total_seconds()) + 5)
        reconcile({"operation": "reconcile_account", "account_id": account.account_id}, Context(60))
        tasks.waiting = [task for task in tasks.waiting if "history" in task]
        tasks.work()

    return pass_it


@pytest.fixture
def change(account: Account, relay: Relay) -> Callable[[int, int, str], None]:
    def change(segment_id: int, count: int, action: str) -> None:
        account.update((numbered(count), actions(action, segment_id)))
        relay.drain()

    return change


Change = Callable[[int, int, str], None]


def test_a_segment_of_an_hour_tells_of_today(account: Account, change: Change, clock: MovableClock) -> None:
    (gold,) = account.create("GOLD")
    created_at = account.get("/api/segments/{segment_id}", segment_id=str(gold))[1]["created_at"]
    change(gold, 3, "ADD")
    change(gold, 1, "REMOVE")
    clock.move(hours=1)
    (today,) = history(account, gold)
    assert figures([today]) == [(TODAY.isoformat(), 2, 3, 1)]
    assert (today["from"], today["corrected"], today["reachable"]["email"]) == (created_at, 0, 0)
    assert today["to"] > created_at


def test_days_are_the_differences_of_what_was_noted(
    account: Account, change: Change, midnight: Callable[[], None]
) -> None:
    (gold,) = account.create("GOLD")
    change(gold, 5, "ADD")
    midnight()
    change(gold, 2, "REMOVE")
    change(gold, 2, "ADD")
    change(gold, 1, "REMOVE")
    midnight()
    midnight()
    days = history(account, gold)
    assert figures(days) == [
        ("2026-12-01", 5, 5, 0),
        ("2026-12-02", 4, 2, 3),
        ("2026-12-03", 4, 0, 0),
        ("2026-12-04", 4, 0, 0),
    ]
    assert [day["corrected"] for day in days] == [0, 0, 0, 0]
    assert [day["to"] for day in days[:-1]] == [day["from"] for day in days[1:]]
    assert all(day["from"].startswith(f"{day['date']}T00:00:0") for day in days[1:])


def test_who_joins_and_leaves_within_a_batch_has_done_both(account: Account, relay: Relay) -> None:
    (gold,) = account.create("GOLD")
    account.update((users("A"), actions("ADD", gold)))
    account.update((users("A"), actions("REMOVE", gold)))
    account.update((users("A"), actions("ADD", gold)))
    batch = relay.reader.read()
    for _ in range(2):  # it may come again
        relay.projector.deliver(batch)
    assert figures(history(account, gold)) == [(TODAY.isoformat(), 1, 2, 1)]


def test_months_and_years_end(account: Account, change: Change, midnight: Callable[[], None]) -> None:
    (gold,) = account.create("GOLD")
    for _ in range(32):
        midnight()
    change(gold, 1, "ADD")
    days = history(account, gold, **{"from": "2026-12-30", "to": "2027-01-02"})
    assert figures(days) == [
        ("2026-12-30", 0, 0, 0),
        ("2026-12-31", 0, 0, 0),
        ("2027-01-01", 0, 0, 0),
        ("2027-01-02", 1, 1, 0),
    ]


def test_a_day_that_nobody_noted_is_not_known_and_the_next_tells_of_both(
    account: Account, change: Change, midnight: Callable[[], None], clock: MovableClock
) -> None:
    (gold,) = account.create("GOLD")
    midnight()
    change(gold, 5, "ADD")
    clock.move(days=1)  # the walk of the 3rd failed
    change(gold, 2, "REMOVE")
    midnight()
    first, second, third, _ = history(account, gold)
    assert figures([first]) == [("2026-12-01", 0, 0, 0)]
    assert second == {
        **dict.fromkeys(("members", "reachable", "joined", "left", "corrected", "from", "to")),
        "date": "2026-12-02",
    }
    assert figures([third]) == [("2026-12-03", 3, 5, 2)]
    assert third["from"].startswith("2026-12-02T00:00")
    assert history(account, gold, **{"from": "2026-12-03", "to": "2026-12-03"}) == [third]


def test_the_first_note_of_a_day_stands(
    account: Account, change: Change, midnight: Callable[[], None], tasks: Tasks, clock: MovableClock
) -> None:
    (gold,) = account.create("GOLD")
    midnight()
    clock.move(hours=15)
    change(gold, 5, "ADD")
    reconcile({"operation": "reconcile_account", "account_id": account.account_id}, Context(60))
    tasks.work()
    assert figures(history(account, gold)) == [("2026-12-01", 0, 0, 0), ("2026-12-02", 5, 5, 0)]


@pytest.mark.usefixtures("known")
def test_the_notes_wait_for_no_reconciliation(tasks: Tasks) -> None:
    reconcile({"operation": "reconcile_all"}, Context(60))
    kinds = ["history" if "history" in task else "walk" for task in tasks.waiting]
    assert kinds == sorted(kinds)
    assert kinds.count("history") == kinds.count("walk") > 0


def test_many_segments_are_noted_page_by_page(account: Account, tables: Tables, midnight: Callable[[], None]) -> None:
    segments = [each for _ in range(3) for each in account.create(*[None] * 67)]
    midnight()
    noted = tables.of_account("SEGMENTS_TABLE", account.account_id, "HISTORY#")
    assert sorted(keys.id_in(each["sk"]) for each in noted) == sorted(segments)
    now = (START + timedelta(days=1)).timestamp()
    assert all(399 * 86400 < int(each["expires_at"]) - now < 400 * 86400 for each in noted)


def test_a_segment_from_before_has_no_joins_until_the_first_note(
    account: Account, tables: Tables, change: Change, midnight: Callable[[], None]
) -> None:
    (gold,) = account.create("GOLD")
    change(gold, 5, "ADD")
    tables.client.update_item(
        TableName=tables.environment["SEGMENTS_TABLE"],
        Key=keys.of_account(account.account_id, keys.segment(gold)),
        UpdateExpression="REMOVE digest_since",
    )
    for slot in tables.of_account("SEGMENTS_TABLE", account.account_id, f"STATS#{gold:016d}"):
        tables.client.update_item(
            TableName=tables.environment["SEGMENTS_TABLE"],
            Key=keys.of_account(account.account_id, slot["sk"]),
            UpdateExpression="REMOVE joined_total, digest",
        )
    change(gold, 1, "REMOVE")
    assert figures(history(account, gold)) == [("2026-12-01", 4, None, None)]
    midnight()
    change(gold, 1, "ADD")
    assert figures(history(account, gold)) == [("2026-12-01", 4, None, None), ("2026-12-02", 5, 1, 0)]


def test_what_reconciliation_mended_is_told_beside_who_joined(
    account: Account,
    tables: Tables,
    segment: int,
    tasks: Tasks,
    capsys: pytest.CaptureFixture[str],
) -> None:
    slot = tables.of_account("SEGMENTS_TABLE", account.account_id, f"STATS#{segment:016d}")[0]
    tables.client.update_item(
        TableName=tables.environment["SEGMENTS_TABLE"],
        Key=keys.of_account(account.account_id, slot["sk"]),
        UpdateExpression="ADD members :less",
        ExpressionAttributeValues={":less": {"N": "-3"}},
    )
    (today,) = history(account, segment)
    assert (today["members"], today["joined"], today["left"], today["corrected"]) == (7, 10, 0, -3)
    assert run(account, tasks, capsys)["CountsMended"] == 1
    (today,) = history(account, segment)
    assert (today["members"], today["joined"], today["left"], today["corrected"]) == (10, 10, 0, 0)


def test_a_damaged_counter_is_not_taken_for_a_figure(account: Account, tables: Tables, segment: int) -> None:
    tables.client.put_item(
        TableName=tables.environment["SEGMENTS_TABLE"],
        Item={**keys.of_account(account.account_id, keys.segment_counts(segment)[0]), "members": {"S": "?"}},
    )
    assert figures(history(account, segment)) == [(TODAY.isoformat(), None, None, None)]


def test_a_deleted_segment_tells_of_its_days_up_to_then(
    account: Account, change: Change, midnight: Callable[[], None], clock: MovableClock
) -> None:
    (gold,) = account.create("GOLD")
    change(gold, 2, "ADD")
    midnight()
    account.delete(gold)
    clock.move(days=5)
    assert figures(history(account, gold)) == [("2026-12-01", 2, 2, 0), ("2026-12-02", None, None, None)]


def test_days_are_kept_for_400_days(account: Account, clock: MovableClock, midnight: Callable[[], None]) -> None:
    (gold,) = account.create("GOLD")
    clock.move(days=500)
    midnight()
    today = TODAY + timedelta(days=501)
    everything = history(account, gold, **{"from": "2020-01-01", "to": "2099-12-31"})
    assert [everything[0]["date"], everything[-1]["date"], len(everything)] == [
        (today - timedelta(days=399)).isoformat(),
        today.isoformat(),
        400,
    ]
    assert len(history(account, gold)) == 90
    assert history(account, gold, **{"from": "2020-01-01", "to": "2020-01-31"}) == []


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ({"from": "2026-12-02", "to": "2026-12-01"}, "from: must not be after to"),
        ({"from": "2026-2-1"}, "from: must be a day like 2026-11-28"),
        ({"to": "2026-02-29"}, "to: must be a day like 2026-11-28"),
        ({"to": "20261201"}, "to: must be a day like 2026-11-28"),
        ({"From": "2026-12-01"}, "From: unknown parameter; it is written from"),
        ({"limit": "3"}, "limit: unknown parameter"),
    ],
)
def test_days_that_are_none_are_refused(account: Account, query: dict[str, str], said: str) -> None:
    (gold,) = account.create("GOLD")
    status, answer = account.manage("GET", HISTORY, query, segment_id=str(gold))
    assert (status, answer["error"]) == (400, said)


def test_no_such_segment_has_no_days(account: Account, new_account: Callable[[], Account]) -> None:
    (gold,) = account.create("GOLD")
    for asking, segment_id in ((account, str(gold + 1)), (account, "x"), (new_account(), str(gold))):
        assert asking.get(HISTORY, segment_id=segment_id)[0] == 404


def trends(account: Account) -> Json:
    status, answer = account.get("/api/segments/trends")
    assert status == 200, answer
    return answer


def test_the_week_of_all_segments_is_told_at_once(
    account: Account, change: Change, midnight: Callable[[], None], clock: MovableClock
) -> None:
    assert trends(account)["segments"] == []
    (gold,) = account.create("GOLD")
    for count in range(1, 8):
        change(gold, 7, "REMOVE")
        change(gold, count, "ADD")
        midnight()
    clock.move(days=1)  # the walk of the 9th failed
    (silver,) = account.create("SILVER")
    midnight()
    change(gold, 7, "REMOVE")
    assert trends(account) == {
        "days": [f"2026-12-0{day}" for day in range(3, 10)],
        "segments": [
            {"id": silver, "members": [None] * 6 + [0]},
            {"id": gold, "members": [3, 4, 5, 6, 7, None, 7]},
        ],
    }


def test_the_week_has_all_of_many_segments_and_no_other_accounts(
    account: Account, new_account: Callable[[], Account], midnight: Callable[[], None], tables: Tables
) -> None:
    segments = [each for _ in range(3) for each in account.create(*[None] * 67)]
    midnight()
    told = trends(account)["segments"]
    assert [each["id"] for each in told] == sorted(segments, reverse=True)
    assert all(each["members"] == [None] * 6 + [0] for each in told)
    assert trends(new_account())["segments"] == []
    noted = tables.of_account("SEGMENTS_TABLE", account.account_id, "TREND#")
    assert len(noted) == 3
    now = (START + timedelta(days=1)).timestamp()
    assert all(7 * 86400 < int(each["expires_at"]) - now < 8 * 86400 for each in noted)


def test_a_damaged_note_leaves_the_others_of_the_week(
    account: Account, tables: Tables, midnight: Callable[[], None]
) -> None:
    account.create("GOLD")
    midnight()
    midnight()
    damaged, _ = tables.of_account("SEGMENTS_TABLE", account.account_id, "TREND#")
    key = keys.of_account(account.account_id, damaged["sk"])
    tables.client.put_item(TableName=tables.environment["SEGMENTS_TABLE"], Item={**key, "members": {"S": "?"}})
    (gold,) = trends(account)["segments"]
    assert gold["members"] == [None] * 6 + [0]


def test_the_week_takes_no_parameters(account: Account) -> None:
    status, answer = account.manage("GET", "/api/segments/trends", {"days": "30"})
    assert (status, answer["error"]) == (400, "days: unknown parameter")
