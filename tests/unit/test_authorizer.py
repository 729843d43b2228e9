"""The request authorizer: who comes in, and that nobody learns from it which accounts there are."""

import hmac
import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest

from api_segments.accounts import wiring as accounts_wiring
from api_segments.accounts.authorizer import UnauthorizedByApiGateway
from api_segments.accounts.model import Account as StoredAccount
from api_segments.accounts.store import AccountStore
from api_segments.core.clock import Deadline
from api_segments.core.errors import UnavailableError
from functions.accounts.app import handler as accounts
from functions.authorizer.app import handler as authorizer
from tests.support.events import Context, Event, sample
from tests.support.headers import ACCOUNT, PASSCODE, authorizer_event, event_with
from tests.support.template import load

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

WRONG = "A" * 32


@dataclass
class Known:
    """An account with its passcode."""

    account_id: str
    passcode: str


def operate(operation: str, **fields: Any) -> Any:
    answer = accounts({"operation": operation, **fields}, Context())
    assert answer["status"] == "success", answer
    return answer


@pytest.fixture
def known(tables: "DynamoDBClient") -> Known:
    assert tables is not None
    answer = operate("create_account", name="Shop", plan="Advanced", private_beta=True)
    return Known(answer["account"]["account_id"], answer["passcode"]["passcode"])


def ask(event: Event) -> Event:
    answer: Event = authorizer(event, Context())
    return answer


def is_unauthorized(event: Event) -> bool:
    """Whether the authorizer raises the one text that makes API Gateway answer 401."""
    with pytest.raises(Exception, match=r"^Unauthorized$"):
        ask(event)
    return True


def effect(answer: Event) -> str:
    return str(answer["policyDocument"]["Statement"][0]["Effect"])


def test_the_right_headers_lead_to_the_account_and_its_plan(known: Known) -> None:
    answer = ask(authorizer_event(known.account_id, known.passcode))
    assert effect(answer) == "Allow"
    assert answer["principalId"] == known.account_id
    assert answer["context"] == {
        "account_id": known.account_id,
        "plan": "Advanced",
        "private_beta": "true",
        "passcode_name": "unnamed",
    }


def test_a_passcode_has_the_name_that_it_was_given(known: Known) -> None:
    answer = operate("add_passcode", account_id=known.account_id, name="nightly sync")
    second = answer["passcode"]
    assert [each["name"] for each in answer["account"]["passcodes"]] == ["unnamed", "nightly sync"]

    def named(passcode: str) -> str:
        return str(ask(authorizer_event(known.account_id, passcode))["context"]["passcode_name"])

    assert (named(known.passcode), named(second["passcode"])) == ("unnamed", "nightly sync")
    first_id = answer["account"]["passcodes"][0]["passcode_id"]
    operate("name_passcode", account_id=known.account_id, passcode_id=first_id, name="Ada's laptop 😀")
    assert (named(known.passcode), named(second["passcode"])) == ("Ada's laptop 😀", "nightly sync")


def test_a_passcode_of_before_is_unnamed(known: Known, tables: "DynamoDBClient") -> None:
    item = tables.get_item(
        TableName=os.environ["ACCOUNTS_TABLE"], Key={"account_id": {"S": known.account_id}, "sk": {"S": "ACCOUNT"}}
    )
    kept = item["Item"]
    for passcode in kept["passcodes"]["M"].values():
        del passcode["M"]["name"]
    tables.put_item(TableName=os.environ["ACCOUNTS_TABLE"], Item=kept)
    assert ask(authorizer_event(known.account_id, known.passcode))["context"]["passcode_name"] == "unnamed"


@pytest.mark.parametrize("name", ["", "   ", "a\nb", "x" * 101, 7, None, "\ufffd"])
def test_a_name_that_is_none_is_refused(known: Known, name: object) -> None:
    answer = accounts({"operation": "add_passcode", "account_id": known.account_id, "name": name}, Context())
    assert (answer["status"], answer["code"]) == ("fail", 400)
    assert answer["error"].startswith("name: ")


def test_a_passcode_that_is_not_there_gets_no_name(known: Known) -> None:
    asked = {"operation": "name_passcode", "account_id": known.account_id, "passcode_id": "nope", "name": "A"}
    assert accounts(asked, Context())["code"] == 404


def test_the_plan_is_that_of_the_moment(known: Known) -> None:
    operate("set_plan", account_id=known.account_id, plan="Essentials", private_beta=False)
    answer = ask(authorizer_event(known.account_id, known.passcode))
    assert (effect(answer), answer["context"]["plan"], answer["context"]["private_beta"]) == (
        "Allow",
        "Essentials",
        "false",
    )


WRONG_PASSCODES: dict[str, Callable[[str], str]] = {
    "well-formed": lambda _: WRONG,
    "empty": lambda _: "",
    "shorter": lambda right: right[:-1],
    "longer": lambda right: right + "A",
    "lower case": str.lower,
    "after a line feed": lambda right: f"\n{right}",
    "what an absent one is compared with": lambda _: "0" * 64,
    "not ASCII, nor UTF-8": lambda _: "\ud800é",
    "a million characters": lambda _: "x" * 1_000_000,
}


@pytest.mark.parametrize("passcode", WRONG_PASSCODES.values(), ids=WRONG_PASSCODES)
def test_a_wrong_passcode_is_unauthorized(known: Known, passcode: Callable[[str], str]) -> None:
    assert is_unauthorized(authorizer_event(known.account_id, passcode(known.passcode)))


def test_the_hash_that_is_kept_is_no_passcode(known: Known, tables: "DynamoDBClient") -> None:
    items = [item for name in tables.list_tables()["TableNames"] for item in tables.scan(TableName=name)["Items"]]
    ((_, kept),) = next(item for item in items if "passcodes" in item)["passcodes"]["M"].items()
    assert is_unauthorized(authorizer_event(known.account_id, kept["M"]["digest"]["S"]))


@pytest.mark.parametrize(
    "account_id",
    [
        *("NO-SUCH-ONE", "", "-", "ab", "x" * 65, "x" * 100_000, "a#b", "#", "abc*", "abc/../x", "abc\0", "é" * 5),
        *("\ud800abc", "ACCOUNT", "abc,def"),
    ],
)
def test_an_unknown_or_malformed_account_is_unauthorized(known: Known, account_id: str) -> None:
    assert is_unauthorized(authorizer_event(account_id, known.passcode))


@pytest.mark.parametrize(
    "change", [str.lower, lambda right: right + "#", lambda right: right[:-1]], ids=["lower case", "longer", "shorter"]
)
def test_an_account_id_that_is_nearly_right_is_unauthorized(known: Known, change: Callable[[str], str]) -> None:
    assert is_unauthorized(authorizer_event(change(known.account_id), known.passcode))


@pytest.mark.parametrize("header", [ACCOUNT, PASSCODE])
@pytest.mark.parametrize("times", [0, 2])
def test_a_missing_or_doubled_header_is_unauthorized(known: Known, header: str, times: int) -> None:
    headers = {ACCOUNT: [known.account_id], PASSCODE: [known.passcode]}
    assert is_unauthorized(event_with({**headers, header: headers[header] * times}))
    if not times:
        assert is_unauthorized(event_with({name: values for name, values in headers.items() if name != header}))


@pytest.mark.parametrize("header", [ACCOUNT, PASSCODE])
def test_a_header_sent_in_two_spellings_is_doubled(known: Known, header: str) -> None:
    headers = {ACCOUNT: [known.account_id], PASSCODE: [known.passcode]}
    assert is_unauthorized(event_with({**headers, header.lower(): headers[header]}))


def test_a_request_without_any_headers_is_unauthorized(known: Known) -> None:
    assert known is not None
    assert is_unauthorized({**sample("authorizer"), "headers": None, "multiValueHeaders": None})


@pytest.mark.parametrize("spell", [str.lower, str.upper, str.swapcase])
def test_header_names_may_be_of_any_case(known: Known, spell: Callable[[str], str]) -> None:
    answer = ask(event_with({spell(ACCOUNT): [known.account_id], spell(PASSCODE): [known.passcode]}))
    assert (effect(answer), answer["principalId"]) == ("Allow", known.account_id)


def test_padding_around_header_values_does_not_matter(known: Known) -> None:
    answer = ask(authorizer_event(f" \t{known.account_id}  ", f"  {known.passcode}\t"))
    assert (effect(answer), answer["principalId"]) == ("Allow", known.account_id)


def test_a_disabled_account_is_denied_and_nothing_is_said_of_it(known: Known) -> None:
    operate("disable_account", account_id=known.account_id)
    answer = ask(authorizer_event(known.account_id, known.passcode))
    assert (effect(answer), answer["context"]) == ("Deny", {})
    assert is_unauthorized(authorizer_event(known.account_id, WRONG))
    operate("enable_account", account_id=known.account_id)
    assert effect(ask(authorizer_event(known.account_id, known.passcode))) == "Allow"


def test_a_revoked_passcode_is_unauthorized_and_the_other_one_still_works(known: Known) -> None:
    second = operate("add_passcode", account_id=known.account_id)
    first_id = next(
        passcode["passcode_id"]
        for passcode in second["account"]["passcodes"]
        if passcode["passcode_id"] != second["passcode"]["passcode_id"]
    )
    operate("revoke_passcode", account_id=known.account_id, passcode_id=first_id)
    assert is_unauthorized(authorizer_event(known.account_id, known.passcode))
    assert effect(ask(authorizer_event(known.account_id, second["passcode"]["passcode"]))) == "Allow"


def routes() -> Iterator[tuple[str, str]]:
    for resource in load()["Resources"].values():
        for event in resource.get("Properties", {}).get("Events", {}).values():
            if event["Type"] == "Api":
                yield event["Properties"]["Method"], event["Properties"]["Path"].lstrip("/")


@pytest.mark.parametrize("disabled", [False, True])
def test_the_answer_is_the_same_for_every_route_and_covers_all_of_them(known: Known, disabled: bool) -> None:
    if disabled:
        operate("disable_account", account_id=known.account_id)
    stage = "arn:aws:execute-api:eu-west-2:123456789012:a1b2c3/live"
    answers = [
        ask({**authorizer_event(known.account_id, known.passcode), "methodArn": f"{stage}/{method}/{path}"})
        for method, path in routes()
    ]
    assert len(answers) >= 5
    assert all(one == other for one, other in pairwise(answers))
    (statement,) = answers[0]["policyDocument"]["Statement"]
    assert statement["Action"] == "execute-api:Invoke"
    assert statement["Resource"] == f"{stage}/*"


@dataclass
class Work:
    """What the authorizer did for one request."""

    reads: int = 0
    comparisons: int = 0


@pytest.fixture
def work(monkeypatch: pytest.MonkeyPatch) -> Work:
    done = Work()
    read, compare = AccountStore.get, hmac.compare_digest

    def counted_read(self: AccountStore, account_id: str, deadline: Deadline) -> StoredAccount | None:
        done.reads += 1
        return read(self, account_id, deadline)

    def counted_comparison(one: str, other: str) -> bool:
        done.comparisons += 1
        assert len(one) == len(other)
        return compare(one, other)

    monkeypatch.setattr(AccountStore, "get", counted_read)
    monkeypatch.setattr(hmac, "compare_digest", counted_comparison)
    return done


def test_unknown_accounts_cost_the_same_work_as_known_ones(known: Known, work: Work) -> None:
    def done_for(account_id: str, passcode: str) -> Work:
        work.reads = work.comparisons = 0
        with suppress(UnauthorizedByApiGateway):
            ask(authorizer_event(account_id, passcode))
        return Work(work.reads, work.comparisons)

    one = Work(reads=1, comparisons=2)
    assert done_for(known.account_id, known.passcode) == one
    assert done_for(known.account_id, WRONG) == one
    assert [done_for(account_id, WRONG) for account_id in ("NO-SUCH-ONE", "", "a#b", "x" * 1000)] == [one] * 4
    operate("add_passcode", account_id=known.account_id)
    assert done_for(known.account_id, known.passcode) == one
    operate("disable_account", account_id=known.account_id)
    assert done_for(known.account_id, known.passcode) == one


def test_a_database_that_fails_lets_nobody_in_and_is_not_told_as_a_wrong_passcode(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Failing:
        def authenticate(self, *_: object) -> None:
            raise UnavailableError("the database is not available")

    monkeypatch.setattr(accounts_wiring, "accounts", Failing)
    with pytest.raises(UnavailableError):
        ask(sample("authorizer"))
