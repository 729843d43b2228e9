"""Users found by email address and phone number, those whom an older version wrote too."""

import json
from typing import TYPE_CHECKING, Any

import pytest

from api_segments.aws import keys
from api_segments.core.clock import Deadline
from api_segments.core.errors import NotWrittenError
from api_segments.profiles import wiring
from api_segments.profiles.model import ProfileUpdate
from api_segments.repair import address_index
from functions.reconcile.app import handler as reconcile
from tests.integration.conftest import Account
from tests.integration.reconciling import Tasks, accounts, tasks
from tests.integration.told import actions, users
from tests.support.clock import MovableClock
from tests.support.events import Context
from tests.support.faults import FaultyClient, after, refused
from tests.support.state import Tables
from tests.support.uploads import profile

if TYPE_CHECKING:
    from collections.abc import Callable

    from types_boto3_dynamodb import DynamoDBClient

Json = Any
Environment = dict[str, str]
ADDRESS = {"email": "ada@example.com", "phone": "+12025550123"}

__all__ = ["accounts", "tasks"]  # fixtures


def found(account: Account, **query: str) -> set[str]:
    status, answer = account.find(**query)
    assert status == 200, answer
    assert answer["cursor"] is None
    return {each["identity"] for each in answer["profiles"]}


@pytest.mark.parametrize("by", ["email", "phone"])
def test_all_users_who_have_an_address_are_found_and_nobody_else(
    account: Account, new_account: "Callable[[], Account]", by: str
) -> None:
    data, other = {"Email": ADDRESS["email"], "Phone": ADDRESS["phone"]}, new_account()
    account.upload(
        profile("a", **data), profile("b", **data), profile("c", Email="c@example.com", Phone="+12025550199")
    )
    account.upload(profile("d", Name="Ada"), profile("e", Alias=ADDRESS["email"], Mobile=ADDRESS["phone"]))
    other.upload(profile("z", **data))
    assert found(account, **{by: ADDRESS[by]}) == {"a", "b"}
    assert found(other, **{by: ADDRESS[by]}) == {"z"}
    _, answer = account.find(**{by: ADDRESS[by]})
    guids = {each: account.profile(identity=each)[1]["record"] for each in ("a", "b")}
    assert {each["identity"]: each["guid"] for each in answer["profiles"]} == {
        each: record["guid"] for each, record in guids.items()
    }
    assert all(each["reachable"]["email"] for each in answer["profiles"])


def test_an_address_that_changes_goes_or_comes_back_leads_to_whom_it_belongs(account: Account) -> None:
    account.upload(profile("a", Email="one@example.com"))
    assert found(account, email="one@example.com") == {"a"}
    account.upload(profile("a", Email="two@example.com"))
    assert found(account, email="one@example.com") == set()
    assert found(account, email="two@example.com") == {"a"}
    account.upload(profile("a", Email=None))
    assert found(account, email="two@example.com") == set()
    account.upload(profile("b", Email="two@example.com"), profile("a", Email="two@example.com"))
    assert found(account, email="two@example.com") == {"a", "b"}
    assert account.erase("b") == (200, {"status": "success"})
    assert found(account, email="two@example.com") == {"a"}


@pytest.mark.parametrize(
    ("stored", "asked"),
    [
        ("Ada.Lovelace@Example.COM", "ada.lovelace@example.com"),
        ("ada@example.com", "ADA@EXAMPLE.COM"),
        ("ada@MÜNCHEN.example.com", "ada@xn--mnchen-3ya.example.com"),
        ("ada@xn--mnchen-3ya.example.com", "Ada@münchen.example.com"),
        ("jos\u00e9@example.com", "Jose\u0301@example.com"),
    ],
)
def test_spellings_of_one_address_are_one(account: Account, stored: str, asked: str) -> None:
    account.upload(profile("a", Email=stored))
    assert found(account, email=asked) == {"a"}
    assert account.profile(identity="a")[1]["record"]["profileData"] == {"Email": stored}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ada@example.com", "a.da@example.com"),
        ("ada@example.com", "ada+1@example.com"),
        ("ß@example.com", "ss@example.com"),
    ],
)
def test_other_addresses_are_others(account: Account, one: str, other: str) -> None:
    account.upload(profile("a", Email=one), profile("b", Email=other))
    assert found(account, email=one) == {"a"}


@pytest.mark.parametrize("change", [{"Name": "Ada"}, {"MSG-email": False}, {"Email": "ADA@example.com"}])
def test_what_leaves_the_address_as_it_is_writes_nothing_to_the_indexes(
    account: Account, tables: Tables, change: Json
) -> None:
    account.upload(profile("a", Email=ADDRESS["email"], Phone=ADDRESS["phone"]))
    ((_, before),) = tables.profiles(account.account_id).items()
    account.upload(profile("a", **change))
    ((_, after),) = tables.profiles(account.account_id).items()
    assert before["version"] != after["version"]
    keys_of = [{name: item[name] for name in ("email_key", "phone_key")} for item in (before, after)]
    assert keys_of[0] == keys_of[1]


def test_no_index_tells_an_address(account: Account, tables: Tables) -> None:
    account.upload(profile("a", Email=ADDRESS["email"], Phone=ADDRESS["phone"]))
    ((_, item),) = tables.profiles(account.account_id).items()
    assert {len(item["email_key"]), len(item["phone_key"])} == {32}
    assert not {ADDRESS["email"], ADDRESS["phone"]} & {item["email_key"], item["phone_key"]}


def test_a_list_is_walked_in_pages_each_user_once(account: Account) -> None:
    people = {f"u{index}" for index in range(23)}
    account.upload(*(profile(each, Email=ADDRESS["email"]) for each in people))
    listed: list[str] = []
    query = {"email": ADDRESS["email"], "limit": "5"}
    while True:
        status, answer = account.find(**query)
        assert (status, len(answer["profiles"]) <= 5) == (200, True)
        listed += [each["identity"] for each in answer["profiles"]]
        if answer["cursor"] is None:
            break
        query["cursor"] = answer["cursor"]
        status, answer = account.find(**{**query, "email": "other@example.com"})
        assert (status, answer["error"].split(":")[0]) == (400, "cursor")
    assert sorted(listed) == sorted(people)


@pytest.mark.parametrize(
    ("query", "error"),
    [
        ({}, "email or phone is required, and not both"),
        ({"email": "a@example.com", "phone": "+12025550123"}, "email or phone is required, and not both"),
        ({"email": "nobody"}, "email: must be an email address"),
        ({"email": ""}, "email: must be an email address"),
        ({"phone": " 12025550123"}, 'phone: must be a phone number in E.164, like "+14155551234"; in a URL + is %2B'),
        ({"email": "a@example.com", "identity": "a"}, "identity: unknown parameter"),
        ({"email": "a@example.com", "limit": "0"}, "limit: must be a whole number from 1 to 1000"),
    ],
)
def test_what_is_no_address_is_refused(account: Account, query: dict[str, str], error: str) -> None:
    assert account.find(**query) == (400, {"status": "fail", "error": error, "code": 400})


def test_a_database_that_does_not_answer_is_not_an_empty_one(account: Account, faulty: FaultyClient) -> None:
    account.upload(profile("a", Email=ADDRESS["email"]))
    faulty.always("query", refused("AccessDeniedException"))
    assert account.find(email=ADDRESS["email"])[0] == 503


# ---------------------------------------------------------------- profiles of older versions


def write_as_before(client: "DynamoDBClient", environment: Environment, tables: Tables, account: Account) -> None:
    """Make the account's profiles what the version before this one wrote."""
    for item in tables.profiles(account.account_id).values():
        client.update_item(
            TableName=environment["PROFILES_TABLE"],
            Key={"pk": {"S": item["pk"]}},
            UpdateExpression="REMOVE email_key, phone_key",
        )


def reconcile_account(account: Account, tasks: Tasks, seconds: float = 60) -> int:
    reconcile({"operation": "reconcile_account", "account_id": account.account_id}, Context())
    return tasks.work(seconds)


def indexed(capsys: pytest.CaptureFixture[str]) -> list[int]:
    """Return how many profiles each invocation says it has looked at, page by page."""
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines() if "ProfilesIndexed" in line]
    return [int(sum(line["ProfilesIndexed"])) for line in lines]


@pytest.fixture
def old(  # noqa: PLR0913, PLR0917 - fixtures
    account: Account,
    accounts: "Callable[..., Json]",
    dynamodb: "DynamoDBClient",
    environment: Environment,
    tables: Tables,
    monkeypatch: pytest.MonkeyPatch,
) -> list[str]:
    """Users whom an older version wrote, and of whom two have no address; pages are of three."""
    accounts(operation="create_account", account_id=account.account_id, name="Shop", plan="Advanced")
    people = [f"u{index}" for index in range(11)]
    account.upload(*(profile(each, Email=ADDRESS["email"]) for each in people), profile("named", Name="Ada"))
    (segment,) = account.create("SEG-1")
    account.update((users("only a member"), actions("ADD", segment)))
    write_as_before(dynamodb, environment, tables, account)
    monkeypatch.setattr(address_index, "INDEX_PAGE", 3)
    return people


def test_the_first_reconciliation_puts_profiles_of_older_versions_into_the_indexes(
    account: Account, tables: Tables, tasks: Tasks, old: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert found(account, email=ADDRESS["email"]) == set()
    before = tables.users(account.account_id)
    reconcile_account(account, tasks)
    assert found(account, email=ADDRESS["email"]) == set(old)
    assert indexed(capsys) == [len(old) + 2]
    claims, attributes, memberships = tables.users(account.account_id)
    assert (claims, memberships) == (before[0], before[2])
    assert {each: item["attributes"] for each, item in attributes.items()} == {
        each: item["attributes"] for each, item in before[1].items()
    }
    written = tables.users(account.account_id)
    reconcile_account(account, tasks)
    assert tables.users(account.account_id) == written


def test_it_goes_on_where_it_was_and_is_done_once(  # noqa: PLR0913, PLR0917 - fixtures
    account: Account,
    tasks: Tasks,
    old: list[str],
    faulty: FaultyClient,
    clock: MovableClock,
    capsys: pytest.CaptureFixture[str],
) -> None:
    faulty.always("transact_write_items", after(lambda: clock.move(seconds=20)))
    reconcile_account(account, tasks)
    steps = indexed(capsys)
    assert (len(steps) > 1, sum(steps)) == (True, len(old) + 2)
    assert found(account, email=ADDRESS["email"]) == set(old)
    reconcile_account(account, tasks)
    assert indexed(capsys) == []


def test_a_walk_that_fails_goes_on_and_is_not_taken_for_done(
    account: Account, tasks: Tasks, old: list[str], faulty: FaultyClient
) -> None:
    reconcile({"operation": "reconcile_account", "account_id": account.account_id}, Context())
    waiting = list(tasks.waiting)
    faulty.always("transact_write_items", refused("AccessDeniedException"))
    with pytest.raises(NotWrittenError):
        tasks.work()
    faulty.heal()
    tasks.waiting = waiting
    tasks.work()
    assert found(account, email=ADDRESS["email"]) == set(old)


@pytest.mark.parametrize("place", [0, -1], ids=["first", "last"])
def test_a_damaged_profile_is_found_after_the_first_reconciliation_since_it_was_mended(  # noqa: PLR0913, PLR0917 - fixtures
    account: Account,
    tasks: Tasks,
    tables: Tables,
    environment: Environment,
    dynamodb: "DynamoDBClient",
    old: list[str],
    clock: MovableClock,
    faulty: FaultyClient,
    *,
    place: int,
) -> None:
    """Also when the walk met it in an invocation before its last."""
    ids = {each: str(tables.profile_of(account.account_id, each)) for each in old}
    damaged = sorted(old, key=lambda each: (keys.bucket_of(ids[each]), ids[each]))[place]
    key = {"pk": {"S": tables.profiles(account.account_id)[ids[damaged]]["pk"]}}
    kept = dynamodb.get_item(TableName=environment["PROFILES_TABLE"], Key=key, ConsistentRead=True)["Item"]
    dynamodb.put_item(TableName=environment["PROFILES_TABLE"], Item={**kept, "attributes": {"N": "7"}})
    faulty.always("transact_write_items", after(lambda: clock.move(seconds=20)))
    assert reconcile_account(account, tasks) > 2
    assert found(account, email=ADDRESS["email"]) == {*old} - {damaged}
    dynamodb.put_item(TableName=environment["PROFILES_TABLE"], Item=kept)
    faulty.heal()
    reconcile_account(account, tasks)
    assert found(account, email=ADDRESS["email"]) == {*old}


def test_an_upload_of_nothing_new_puts_its_profile_into_the_indexes(
    account: Account, old: list[str], tables: Tables
) -> None:
    account.upload(profile(old[0]))
    assert found(account, email=ADDRESS["email"]) == {old[0]}
    before = tables.users(account.account_id)
    account.upload(profile(old[0]), profile("named"), profile("only a member"))
    assert tables.users(account.account_id) == before


def test_who_has_another_address_by_now_is_not_listed(account: Account, faulty: FaultyClient) -> None:
    account.upload(profile("a", Email=ADDRESS["email"]), profile("b", Email=ADDRESS["email"]))
    update = {0: ProfileUpdate("a", None, {"Email": "new@example.com"})}
    changes = wiring.profiles()
    faulty.next("batch_get_item", after(lambda: changes.update(account.account_id, update, Deadline.after(20))))
    assert found(account, email=ADDRESS["email"]) == {"b"}
