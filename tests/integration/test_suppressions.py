"""The suppression list: what is on it holds for whoever has the address now, or will have it."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from api_segments.core.clock import Deadline
from api_segments.profiles import suppressions
from api_segments.profiles import wiring as profiles_wiring
from api_segments.profiles.model import Address, AddressKey, AddressType
from api_segments.profiles.store_suppressions import SuppressionReason
from api_segments.repair.reconciliation import BEGINNING, Scope
from api_segments.repair.tasks import to_task
from tests.integration.conftest import Account, Relay
from tests.integration.reconciling import Tasks, tasks
from tests.integration.told import actions, users
from tests.support.clock import MovableClock
from tests.support.faults import FaultyClient, after, answer_lost, fine, refused
from tests.support.state import Tables
from tests.support.uploads import profile
from tests.support.written import Written

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

Json = Any
EMAIL, PHONE = "ada@example.com", "+12025550123"
CONTACT = {"Email": EMAIL, "Phone": PHONE, "MSG-whatsapp": True}

__all__ = ["tasks"]  # a fixture


def reached(account: Account, identity: str = "a") -> set[str]:
    status, answer = account.profile(identity=identity)
    assert status == 200, answer
    return {channel for channel, is_reached in answer["record"]["reachable"].items() if is_reached}


def put(account: Account, **address: str) -> Json:
    status, answer = account.suppressions("PUT", **address)
    assert status == 200, answer
    return answer["suppression"]


def lift(account: Account, **address: str) -> Json:
    status, answer = account.suppressions("DELETE", **address)
    assert status == 200, answer
    return answer


def known(account: Account, **query: str) -> list[Json]:
    status, answer = account.suppressions("GET", **query)
    assert (status, answer["cursor"]) == (200, None), answer
    rows: list[Json] = answer["suppressions"]
    return rows


def key_of(account: Account, address: str = EMAIL) -> AddressKey:
    kind = AddressType.PHONE if address.startswith("+") else AddressType.EMAIL
    return profiles_wiring.address_keys().of(account.account_id, Address(kind, address), deadline())


def deadline() -> Deadline:
    return Deadline.after(20)


@pytest.mark.parametrize(
    ("address", "closed"), [({"email": EMAIL}, {"email"}), ({"phone": PHONE}, {"sms", "whatsapp"})]
)
def test_an_address_on_the_list_reaches_nobody_who_has_it(  # noqa: PLR0913, PLR0917 - fixtures
    account: Account,
    new_account: Callable[[], Account],
    relay: Relay,
    tasks: Tasks,
    address: dict[str, str],
    closed: set[str],
) -> None:
    other = new_account()
    (gold,) = account.create("GOLD")
    account.update((users("a", "b", "c"), actions("ADD", gold)))
    account.upload(profile("a", **CONTACT), profile("b", **CONTACT), profile("c", Email="c@example.com"))
    other.upload(profile("a", **CONTACT))
    before = put(account, **address)
    assert (before["suppressed"], before["entered_at"] is not None, before["applied_at"]) == (True, True, None)
    tasks.work()
    for each in ("a", "b"):
        assert reached(account, each) == {"email", "sms", "whatsapp"} - closed
        assert set(account.profile(identity=each)[1]["record"]["opted_out"]) == closed
    assert reached(account, "c") == {"email"}
    assert reached(other) == {"email", "sms", "whatsapp"}
    relay.drain()
    counts = {"email": 3, "sms": 2, "whatsapp": 2}
    left = {channel: count - 2 if channel in closed else count for channel, count in counts.items()}
    assert account.reachable(gold) == {channel: count for channel, count in left.items() if count}
    (row,) = known(account, **address)
    assert (row["profiles"], row["applied_at"] is not None) == (2, True)


def test_it_holds_for_whoever_comes_with_the_address_later(account: Account, tasks: Tasks) -> None:
    put(account, email=EMAIL)
    tasks.work()
    account.upload(profile("a", **CONTACT), profile("b", None, Email="B@example.com"))
    account.upload(profile("b", Email="Ada@Example.com"))
    assert tasks.waiting == []
    assert (reached(account), reached(account, "b")) == ({"sms", "whatsapp"}, set())


@pytest.mark.parametrize("said", [True, None, {"$remove": True}])
def test_no_upload_undoes_it(account: Account, tasks: Tasks, said: Json) -> None:
    account.upload(profile("a", **CONTACT))
    put(account, email=EMAIL)
    tasks.work()
    for record in ({"MSG-email": said}, {**CONTACT, "MSG-email": said}, {"Email": EMAIL.upper(), "MSG-email": said}):
        account.upload(profile("a", **record))
        assert "email" not in reached(account)


def test_another_address_of_the_user_is_reached_and_the_one_before_never(account: Account, tasks: Tasks) -> None:
    account.upload(profile("a", Email=EMAIL))
    put(account, email=EMAIL)
    tasks.work()
    account.upload(profile("a", Email="new@example.com"))
    assert reached(account) == {"email"}
    account.upload(profile("a", Email=EMAIL))
    assert reached(account) == set()
    account.upload(profile("a", Email=None))
    account.upload(profile("a", Email=EMAIL))
    assert reached(account) == set()


def test_it_outlives_the_user(account: Account, tasks: Tasks, tables: Tables) -> None:
    account.upload(profile("a", **CONTACT))
    put(account, email=EMAIL)
    tasks.work()
    account.erase("a")
    account.upload(profile("a", **CONTACT))
    assert reached(account) == {"sms", "whatsapp"}
    assert EMAIL not in str(tables.of_account("SUPPRESSIONS_TABLE", account.account_id, "EMAIL#"))


def test_the_account_takes_an_address_off(account: Account, tasks: Tasks, written: Written) -> None:
    account.upload(profile("a", **CONTACT))
    put(account, email=EMAIL)
    tasks.work()
    answer = lift(account, email=EMAIL)
    assert (answer["lifted"], answer["suppression"]["suppressed"]) == (True, False)
    assert answer["suppression"]["entered_at"] is None
    tasks.work()
    assert "email" in reached(account)
    assert lift(account, email=EMAIL)["lifted"] is False
    assert known(account) == []
    (row,) = known(account, email=EMAIL)
    assert (row["suppressed"], row["lifted_at"] is not None) == (False, True)
    log = written.text()
    assert "suppression lifted" in log
    assert EMAIL not in log


def test_what_happened_before_an_address_was_lifted_does_not_put_it_back(account: Account) -> None:
    lists, address = profiles_wiring.suppression_store(), key_of(account)
    times = [f"2026-11-29T10:00:0{second}.000000Z" for second in range(6)]
    assert lists.add(address, SuppressionReason.BOUNCED, times[1], times[2], deadline())
    lists.lift(address, tuple(SuppressionReason), times[3], deadline())
    assert not lists.add(address, SuppressionReason.BOUNCED, times[1], times[4], deadline())
    assert not lists.add(address, SuppressionReason.COMPLAINED, times[3], times[4], deadline())
    entry = lists.get(address, deadline())
    assert entry is not None
    assert not entry.is_active
    assert lists.add(address, SuppressionReason.BOUNCED, times[4], times[5], deadline())


def test_the_list_is_walked_in_pages_without_what_was_lifted(account: Account, tasks: Tasks) -> None:
    assert tasks.waiting == []
    for number in range(12):
        put(account, email=f"u{number}@example.com")
    put(account, phone=PHONE)
    lift(account, email="u3@example.com")
    rows: list[Json] = []
    query = {"limit": "5"}
    while True:
        status, answer = account.suppressions("GET", **query)
        assert (status, len(answer["suppressions"]) <= 5) == (200, True)
        rows += answer["suppressions"]
        if answer["cursor"] is None:
            break
        query["cursor"] = answer["cursor"]
    assert len({row["id"] for row in rows}) == len(rows) == 12
    assert [row["type"] for row in rows].count("phone") == 1
    assert all(row["suppressed"] for row in rows)


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
@pytest.mark.parametrize("query", [{"email": "nobody"}, {"email": EMAIL, "phone": PHONE}, {"email": EMAIL, "all": "1"}])
def test_what_is_no_address_is_refused(account: Account, method: str, query: dict[str, str]) -> None:
    assert account.suppressions(method, **query)[0] == 400


def test_without_an_address_nothing_is_put_or_lifted(account: Account, tasks: Tasks) -> None:
    for method in ("PUT", "DELETE"):
        status, answer = account.suppressions(method)
        assert (status, answer["error"]) == (400, "email or phone is required, and not both")
    assert tasks.waiting == []


# ---------------------------------------------------------------- many profiles, races, lost tasks


def test_thousands_with_one_address_follow_from_task_to_task(
    account: Account, tasks: Tasks, faulty: FaultyClient, clock: MovableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(suppressions, "FOLLOWING_PAGE", 10)
    people = [f"u{index}" for index in range(45)]
    account.upload(*(profile(each, Email=EMAIL) for each in people))
    put(account, email=EMAIL)
    faulty.always("query", after(lambda: clock.move(seconds=25)))
    seen: list[int] = []
    tasks.before_each = lambda: seen.append(known(account, email=EMAIL)[0]["profiles"])
    assert tasks.work() > 4
    assert any(0 < each < 45 for each in seen)
    (row,) = known(account, email=EMAIL)
    assert (row["profiles"], row["applied_at"] is not None) == (45, True)
    assert all(reached(account, each) == set() for each in people)


def test_an_upload_that_had_looked_the_address_up_before_is_found_by_the_second_pass(
    account: Account, tasks: Tasks, faulty: FaultyClient
) -> None:
    def suppress() -> None:
        put(account, email=EMAIL)
        tasks.work_once()

    faulty.next("transact_write_items", after(suppress))
    account.upload(profile("a", Email=EMAIL))
    assert reached(account) == {"email"}  # nobody has told it yet
    assert len(tasks.put_off) == 1
    tasks.work()
    assert reached(account) == set()


@pytest.mark.parametrize("is_lifted", [False, True])
def test_the_daily_reconciliation_makes_up_for_lost_tasks(
    account: Account, tasks: Tasks, monkeypatch: pytest.MonkeyPatch, *, is_lifted: bool
) -> None:
    monkeypatch.setattr(suppressions, "SWEEP_PAGE", 2)
    account.upload(profile("a", Email=EMAIL), profile("b", Email=EMAIL))
    for number in range(5):
        put(account, email=f"u{number}@example.com")
    put(account, email=EMAIL)
    if is_lifted:
        tasks.work()
        lift(account, email=EMAIL)
    tasks.waiting = [to_task(Scope(account.account_id), BEGINNING)]
    tasks.put_off = []
    tasks.work()
    assert reached(account) == reached(account, "b") == ({"email"} if is_lifted else set())


def test_an_entry_whose_answer_was_lost_is_there_and_its_task_too(
    account: Account, tasks: Tasks, faulty: FaultyClient
) -> None:
    account.upload(profile("a", Email=EMAIL))
    faulty.next("update_item", answer_lost)
    put(account, email=EMAIL)
    tasks.work()
    assert reached(account) == set()


def test_without_the_list_nothing_is_uploaded(account: Account, faulty: FaultyClient) -> None:
    account.upload(profile("a", Name="Ada"))
    faulty.next("batch_get_item", fine, fine)
    faulty.always("batch_get_item", refused("AccessDeniedException"))
    status, answer = account.call("profiles", {"d": [profile("a", Email=EMAIL)]})
    assert (status, answer["unprocessed"][0]["code"]) == (503, 503)
    faulty.heal()
    assert account.profile(identity="a")[1]["record"]["profileData"] == {"Name": "Ada"}


def test_a_damaged_profile_holds_up_none_of_the_others_and_is_not_told_to_have_followed(
    account: Account, tasks: Tasks, dynamodb: "DynamoDBClient", environment: dict[str, str], tables: Tables
) -> None:
    people = [f"u{index}" for index in range(7)]
    account.upload(*(profile(each, Email=EMAIL) for each in people))
    damaged = min(tables.profiles(account.account_id).items())[1]
    dynamodb.update_item(
        TableName=environment["PROFILES_TABLE"],
        Key={"pk": {"S": damaged["pk"]}},
        UpdateExpression="SET attributes = :none",
        ExpressionAttributeValues={":none": {"S": "none"}},
    )
    put(account, email=EMAIL)
    tasks.work()
    (row,) = known(account, email=EMAIL)
    assert (row["suppressed"], row["profiles"], row["applied_at"]) == (True, 7, None)
    statuses = [account.profile(identity=each) for each in people]
    assert sorted(status for status, _ in statuses) == [200] * 6 + [503]
    assert not any(answer["record"]["reachable"]["email"] for status, answer in statuses if status == 200)


def test_an_entry_that_lost_its_reason_does_not_open_the_address(
    account: Account, tasks: Tasks, dynamodb: "DynamoDBClient", environment: dict[str, str], tables: Tables
) -> None:
    put(account, email=EMAIL)
    tasks.work()
    (item,) = tables.of_account("SUPPRESSIONS_TABLE", account.account_id, "EMAIL#")
    dynamodb.update_item(
        TableName=environment["SUPPRESSIONS_TABLE"],
        Key={name: {"S": item[name]} for name in ("account_id", "sk")},
        UpdateExpression="REMOVE entered_at",
    )
    assert account.call("profiles", {"d": [profile("a", Email=EMAIL)]})[0] == 503
    assert account.suppressions("GET", email=EMAIL)[0] == 503
    put(account, email=EMAIL)
    assert known(account, email=EMAIL)[0]["suppressed"] is True
