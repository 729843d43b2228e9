"""Accounts, passcodes and plans through the `accounts` function."""

import base64
import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from api_segments.accounts.authorizer import UnauthorizedByApiGateway
from functions.accounts.app import handler as accounts
from functions.authorizer.app import handler as authorizer
from tests.support.events import Context, sample
from tests.support.headers import authorizer_event

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

Json = Any
Call = Callable[..., Json]


@pytest.fixture
def call(tables: "DynamoDBClient") -> Call:
    assert tables is not None
    return lambda operation, **fields: accounts({"operation": operation, **fields}, Context())


@pytest.fixture
def create(call: Call) -> Call:
    def create(**fields: Any) -> Json:
        answer = call("create_account", **{"name": "Shop", "plan": "Advanced", "private_beta": True, **fields})
        assert answer["status"] == "success", answer
        return answer

    return create


def may_enter(account_id: str, passcode: str) -> bool:
    try:
        answer = authorizer(authorizer_event(account_id, passcode), Context())
    except UnauthorizedByApiGateway:
        return False
    return bool(answer["policyDocument"]["Statement"][0]["Effect"] == "Allow")


def refused(answer: Json, code: int, error: str) -> bool:
    assert answer == {"status": "fail", "error": error, "code": code}
    return True


def test_a_new_account_is_shown_with_its_one_passcode(create: Call, call: Call) -> None:
    answer = create(name="Shop of Zoë", plan="Cutting Edge")
    account = answer["account"]
    assert {name: account[name] for name in ("name", "plan", "private_beta", "status")} == {
        "name": "Shop of Zoë",
        "plan": "Cutting Edge",
        "private_beta": True,
        "status": "active",
    }
    assert [known["passcode_id"] for known in account["passcodes"]] == [answer["passcode"]["passcode_id"]]
    assert call("get_account", account_id=account["account_id"]) == {"status": "success", "account": account}


def test_the_sample_event_creates_an_account(tables: "DynamoDBClient") -> None:
    assert tables is not None
    answer = accounts(sample("accounts"), Context())
    assert (answer["status"], answer["account"]["plan"]) == ("success", "Advanced")
    json.dumps(answer)


def test_the_beta_flag_is_off_unless_given(create: Call, call: Call) -> None:
    assert create()["account"]["private_beta"] is True
    answer = call("create_account", name="Shop", plan="Advanced")
    assert answer["account"]["private_beta"] is False


def test_an_account_id_may_be_chosen_once(create: Call, call: Call) -> None:
    first = create(account_id="MY-SHOP-1", name="first")
    answer = call("create_account", account_id="MY-SHOP-1", name="second", plan="Essentials")
    assert refused(answer, 409, "account_id: MY-SHOP-1 is taken")
    assert call("get_account", account_id="MY-SHOP-1")["account"] == first["account"]


def test_made_up_account_ids_differ(create: Call) -> None:
    ids = {create()["account"]["account_id"] for _ in range(20)}
    assert len(ids) == 20
    assert all([len(part) for part in account_id.split("-")] == [3, 3, 4] for account_id in ids)


@pytest.mark.parametrize("account_id", ["", "ab", "a" * 65, "-abc", "a#b", "a b", "abc\n", "abcé", "a/b/c", "abc*"])
def test_a_malformed_account_id_is_refused(call: Call, account_id: str) -> None:
    answer = call("create_account", name="Shop", plan="Advanced", account_id=account_id)
    error = "account_id: must be 3 to 64 letters, digits or hyphens, and not begin with a hyphen"
    assert refused(answer, 400, error)


def test_a_passcode_is_160_random_bits(create: Call) -> None:
    passcodes = [create()["passcode"]["passcode"] for _ in range(5)]
    assert [len(base64.b32decode(passcode)) * 8 for passcode in passcodes] == [160] * 5
    assert {len(passcode) for passcode in passcodes} == {32}
    assert len(set(passcodes)) == 5


def test_a_passcode_is_neither_stored_nor_logged(
    create: Call,
    call: Call,
    tables: "DynamoDBClient",
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("DEBUG")
    first = create()
    account_id = first["account"]["account_id"]
    second = call("add_passcode", account_id=account_id)
    passcodes = [first["passcode"]["passcode"], second["passcode"]["passcode"]]
    assert [may_enter(account_id, passcode) for passcode in [*passcodes, "wrong-one"]] == [True, True, False]
    call("disable_account", account_id=account_id)
    assert not may_enter(account_id, passcodes[0])
    stored = [tables.scan(TableName=name)["Items"] for name in tables.list_tables()["TableNames"]]
    shown = call("get_account", account_id=account_id)
    out, err = capfd.readouterr()
    written = "\n".join([str(stored), str(shown), out, err, caplog.text, *(str(vars(r)) for r in caplog.records)])
    assert account_id in written
    for passcode in [*passcodes, "wrong-one"]:
        assert passcode not in written
        assert base64.b64encode(passcode.encode()).decode() not in written
        assert str(base64.b32decode(passcode) if len(passcode) == 32 else passcode.encode()) not in written


def test_a_second_passcode_works_beside_the_first_and_there_is_no_third(create: Call, call: Call) -> None:
    first = create()
    account_id = first["account"]["account_id"]
    second = call("add_passcode", account_id=account_id)
    assert second["passcode"]["passcode_id"] == second["account"]["passcodes"][1]["passcode_id"]
    assert all(may_enter(account_id, answer["passcode"]["passcode"]) for answer in (first, second))
    answer = call("add_passcode", account_id=account_id)
    assert refused(answer, 409, f"account {account_id} has 2 passcodes; revoke one first")
    assert len(call("get_account", account_id=account_id)["account"]["passcodes"]) == 2


def test_a_revoked_passcode_no_longer_works_and_makes_room(create: Call, call: Call) -> None:
    first = create()
    account_id, passcode_id = first["account"]["account_id"], first["passcode"]["passcode_id"]
    second = call("add_passcode", account_id=account_id)
    revoked = call("revoke_passcode", account_id=account_id, passcode_id=passcode_id)
    assert [known["passcode_id"] for known in revoked["account"]["passcodes"]] == [second["passcode"]["passcode_id"]]
    assert not may_enter(account_id, first["passcode"]["passcode"])
    assert may_enter(account_id, second["passcode"]["passcode"])
    again = call("revoke_passcode", account_id=account_id, passcode_id=passcode_id)
    assert refused(again, 404, f"passcode_id: account {account_id} has no passcode {passcode_id}")
    third = call("add_passcode", account_id=account_id)
    assert may_enter(account_id, third["passcode"]["passcode"])


def test_an_account_with_no_passcode_left_lets_nobody_in_and_can_get_a_new_one(create: Call, call: Call) -> None:
    first = create()
    account_id = first["account"]["account_id"]
    call("revoke_passcode", account_id=account_id, passcode_id=first["passcode"]["passcode_id"])
    assert not may_enter(account_id, first["passcode"]["passcode"])
    assert not may_enter(account_id, "")
    assert may_enter(account_id, call("add_passcode", account_id=account_id)["passcode"]["passcode"])


def test_setting_the_plan_leaves_the_beta_flag_unless_it_is_given(create: Call, call: Call) -> None:
    account_id = create()["account"]["account_id"]

    def set_plan(**fields: Any) -> tuple[str, bool]:
        account = call("set_plan", account_id=account_id, **fields)["account"]
        assert account == call("get_account", account_id=account_id)["account"]
        return account["plan"], account["private_beta"]

    assert set_plan(plan="Essentials") == ("Essentials", True)
    assert set_plan(plan="Cutting Edge", private_beta=False) == ("Cutting Edge", False)
    assert set_plan(plan="Advanced") == ("Advanced", False)


def test_a_disabled_account_can_be_enabled_again(create: Call, call: Call) -> None:
    created = create()
    account_id, passcode = created["account"]["account_id"], created["passcode"]["passcode"]
    assert call("disable_account", account_id=account_id)["account"]["status"] == "disabled"
    assert not may_enter(account_id, passcode)
    assert call("enable_account", account_id=account_id)["account"]["status"] == "active"
    assert may_enter(account_id, passcode)


def test_accounts_do_not_touch_each_other(create: Call, call: Call) -> None:
    one, other = create(), create()
    for operation in ("disable_account", "add_passcode"):
        call(operation, account_id=one["account"]["account_id"])
    assert call("get_account", account_id=other["account"]["account_id"])["account"] == other["account"]
    assert may_enter(other["account"]["account_id"], other["passcode"]["passcode"])
    assert not may_enter(other["account"]["account_id"], one["passcode"]["passcode"])


OPERATIONS = {
    "get_account": {},
    "add_passcode": {},
    "revoke_passcode": {"passcode_id": "0123abcd"},
    "set_plan": {"plan": "Advanced"},
    "disable_account": {},
    "enable_account": {},
}


@pytest.mark.parametrize("operation", OPERATIONS)
def test_an_account_that_does_not_exist_is_not_found_and_not_made(
    call: Call, tables: "DynamoDBClient", operation: str
) -> None:
    answer = call(operation, account_id="NO-SUCH-ONE", **OPERATIONS[operation])
    assert refused(answer, 404, "account_id: there is no account NO-SUCH-ONE")
    assert sum(tables.scan(TableName=name)["Count"] for name in tables.list_tables()["TableNames"]) == 0


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("account_id", ["", "a#b", "x" * 3000, "\ud800"])
def test_an_id_that_no_account_can_have_is_the_callers_mistake(call: Call, operation: str, account_id: str) -> None:
    answer = call(operation, account_id=account_id, **OPERATIONS[operation])
    assert (answer["status"], answer["code"] in {400, 404}) == ("fail", True)
    assert json.dumps(answer, ensure_ascii=False).encode()


@pytest.mark.parametrize("passcode_id", ["", "x" * 70_000])
def test_a_passcode_id_that_none_can_have_is_the_callers_mistake(create: Call, call: Call, passcode_id: str) -> None:
    answer = call("revoke_passcode", account_id=create()["account"]["account_id"], passcode_id=passcode_id)
    assert (answer["status"], answer["code"] in {400, 404}) == ("fail", True)


@pytest.mark.parametrize(
    ("event", "error"),
    [
        ({"operation": "create_account", "plan": "Advanced"}, "name: is required"),
        (
            {"operation": "create_account", "name": "", "plan": "Advanced"},
            "name: must have 1 to 255 characters, has 0",
        ),
        (
            {"operation": "set_plan", "account_id": "abc", "plan": "advanced"},
            "plan: must be 'Essentials', 'Advanced' or 'Cutting Edge'",
        ),
        ({"operation": "get_account", "account_id": 5}, "account_id: must be a string"),
        ({"operation": "get_account", "account_id": "abc", "force": True}, "force: unknown field"),
        ({"operation": "revoke_passcode", "account_id": "abc"}, "passcode_id: is required"),
    ],
)
def test_a_wrong_payload_is_refused_by_its_path(event: Json, error: str) -> None:
    assert refused(accounts(event, Context()), 400, error)


@pytest.mark.parametrize(
    "event", [None, [], "create_account", {}, {"operation": None}, {"operation": "delete_account"}]
)
def test_a_payload_without_a_known_operation_is_refused(event: Json) -> None:
    answer = accounts(event, Context())
    assert (answer["status"], answer["code"]) == ("fail", 400)
