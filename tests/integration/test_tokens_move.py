"""A push token that comes with another user moves to that user, whatever happens at the same time."""

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from api_segments.aws import keys
from api_segments.core.clock import Deadline
from api_segments.profiles import wiring as profiles_wiring
from api_segments.profiles.model import ProfileUpdate, Token, TokenType
from tests.integration.conftest import Account, Relay
from tests.support.bodies import act, users
from tests.support.faults import FaultyClient, after, answer_lost, not_sent
from tests.support.state import Tables
from tests.support.threads import at_once
from tests.support.uploads import profile, token

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

Json = Any


def holders(tables: Tables, account: Account, *token_ids: str, kind: str = "fcm") -> list[set[str]]:
    """Return of each token which identities have it; and see that its claim says the same, if it has one."""
    profiles = tables.profiles(account.account_id)
    found = []
    for token_id in token_ids:
        having = {guid for guid, item in profiles.items() if f"{kind}#{token_id}" in item.get("tokens", ())}
        claimed_by = tables.token_claim(account.account_id, kind, token_id)
        assert claimed_by in having or not (having or claimed_by)
        found.append(having)
    names = {guid: identity for identity, guid in tables.claims(account.account_id).items()}
    return [{names.get(guid, guid) for guid in having} for having in found]


def tokens_of(account: Account, identity: str) -> set[str]:
    return {each["id"] for each in account.profile(identity=identity)[1]["record"]["tokens"]}


def test_a_token_moves_to_the_user_who_comes_with_it_and_reach_follows(account: Account, relay: Relay) -> None:
    (gold,) = account.create("GOLD")
    account.update((users("a", "b"), [act("ADD", ct=gold)]))
    account.upload(token("a", "t"), token("a", "web", "chrome"), profile("a", Name="Ada"))
    relay.drain()
    assert account.reachable(gold) == {"push": 1, "web_push": 1}
    assert account.upload(token("b", "t"))["status"] == "success"
    relay.drain()
    assert (tokens_of(account, "a"), tokens_of(account, "b")) == ({"web"}, {"t"})
    assert account.reachable(gold) == {"push": 1, "web_push": 1}
    reachable = account.profile(identity="a")[1]["record"]["reachable"]
    assert (reachable["push"], reachable["web_push"]) == (False, True)
    assert account.profile(identity="a")[1]["record"]["profileData"] == {"Name": "Ada"}


def test_a_token_moves_there_and_back_and_within_one_upload(account: Account, tables: Tables) -> None:
    answer = account.upload(token("a", "t"), token("b", "t"), token("a", "t"), token("c", "t"), token("c", "u"))
    assert answer["status"] == "success"
    assert holders(tables, account, "t", "u") == [{"c"}, {"c"}]
    account.upload(token("a", "t"))
    assert holders(tables, account, "t", "u") == [{"a"}, {"c"}]


def test_kinds_and_accounts_have_tokens_of_their_own(account: Account, new_account: Any, tables: Tables) -> None:
    other = new_account()
    account.upload(token("a", "t"), token("b", "t", "apns"))
    other.upload(token("c", "t"))
    assert (tokens_of(account, "a"), tokens_of(account, "b"), tokens_of(other, "c")) == ({"t"}, {"t"}, {"t"})
    assert holders(tables, account, "t", kind="apns") == [{"b"}]


def test_a_removed_token_is_free_and_a_removal_by_who_lost_it_takes_it_from_nobody(
    account: Account, tables: Tables
) -> None:
    account.upload(token("a", "t"))
    account.upload(token("b", "t"))
    assert account.upload(token("a", "t", remove=True))["status"] == "success"
    assert holders(tables, account, "t") == [{"b"}]
    account.upload(token("b", "t", remove=True))
    assert holders(tables, account, "t") == [set()]
    assert tables.token_claim(account.account_id, "fcm", "t") is None
    account.upload(token("a", "t"))
    assert holders(tables, account, "t") == [{"a"}]


def test_an_erasure_frees_tokens(account: Account, tables: Tables) -> None:
    account.upload(token("a", "t"), token("a", "u"), token("a", "v"))
    account.upload(token("b", "u"))
    assert account.erase("a")[0] == 200
    assert holders(tables, account, "t", "u", "v") == [set(), {"b"}, set()]
    assert tables.token_claim(account.account_id, "fcm", "t") is None
    account.upload(token("c", "t"))
    assert holders(tables, account, "t") == [{"c"}]


@pytest.mark.parametrize("exists", [True, False])
def test_a_claim_that_was_left_behind_is_taken_over(
    account: Account, tables: Tables, dynamodb: "DynamoDBClient", environment: dict[str, str], exists: bool
) -> None:
    if exists:
        account.upload(profile("old", "left"))
    claim(dynamodb, environment, account, "t", "left")
    assert account.upload(token("a", "t"))["status"] == "success"
    assert holders(tables, account, "t") == [{"a"}]
    claim(dynamodb, environment, account, "u", "left")
    assert account.upload(token("old", "u", guid="left"))["status"] == "success"
    assert holders(tables, account, "u") == [{"old"}]


def claim(
    client: "DynamoDBClient", environment: Mapping[str, str], account: Account, name: str, guid: str | None
) -> None:
    item: Json = {"pk": {"S": keys.token_claim(account.account_id, "fcm", name)}}
    item |= {} if guid is None else {"profile_id": {"S": guid}}
    client.put_item(TableName=environment["PROFILES_TABLE"], Item=item)


def test_a_damaged_claim_fails_its_record_alone(
    account: Account, tables: Tables, dynamodb: "DynamoDBClient", environment: dict[str, str]
) -> None:
    claim(dynamodb, environment, account, "t", None)
    answer = account.upload(token("a", "t"), token("b", "u"))
    assert [(failed["code"], failed["error"]) for failed in answer["unprocessed"]] == [
        (503, "what is stored of a token's claim is damaged; who runs the stack is told")
    ]
    assert holders(tables, account, "u") == [{"b"}]


def test_twenty_users_with_one_token_at_once_end_with_one_holder(
    account: Account, tables: Tables, relay: Relay, side_by_side: None
) -> None:
    assert side_by_side is None
    (gold,) = account.create("GOLD")
    who = [f"u{number}" for number in range(20)]
    account.update((users(*who), [act("ADD", ct=gold)]))
    for _ in range(2):
        answers = at_once([partial(account.upload, token(identity, "t")) for identity in who])
        assert {answer["status"] for answer in answers} == {"success"}
        (having,) = holders(tables, account, "t")
        assert len(having) == 1
        relay.drain()
        assert account.reachable(gold) == {"push": 1}


def test_races_of_moves_removals_and_erasures_leave_no_token_with_two_users(
    account: Account, tables: Tables, side_by_side: None
) -> None:
    assert side_by_side is None
    calls: list[Any] = []
    for number in range(8):
        identity = f"u{number % 4}"
        calls.append(partial(account.upload, token(identity, f"t{number % 3}"), profile(identity, Seen=number)))
        calls.append(partial(account.upload, token(identity, f"t{number % 2}", remove=True)))
        calls.append(partial(account.erase, identity))
    for _ in range(3):
        at_once(calls)
        assert all(len(having) <= 1 for having in holders(tables, account, "t0", "t1", "t2"))


@pytest.mark.parametrize("fault", [answer_lost, not_sent()])
def test_a_move_whose_answer_is_lost_is_one_move(
    account: Account, tables: Tables, faulty: FaultyClient, fault: Any
) -> None:
    account.upload(token("a", "t"))
    faulty.next("transact_write_items", fault)
    assert account.upload(token("b", "t"))["status"] == "success"
    assert holders(tables, account, "t") == [{"b"}]


def test_only_a_new_token_is_written(account: Account, faulty: FaultyClient) -> None:
    account.upload(token("a", "t"), profile("a", Name="Ada"))
    before = faulty.calls.copy()
    account.upload(token("a", "t"), profile("a", Name="Ada"))
    assert faulty.calls - before == {"batch_get_item": 3}  # the last one looks whose the token is
    before = faulty.calls.copy()
    account.upload(profile("a", Name="Eve"))
    assert faulty.calls - before == {"batch_get_item": 2, "transact_write_items": 1}
    before = faulty.calls.copy()
    account.upload(token("a", "u"))
    assert faulty.calls - before == {"batch_get_item": 3, "transact_write_items": 1}


def forget_claims(client: "DynamoDBClient", environment: dict[str, str], account: Account, *names: str) -> None:
    """Leave tokens as the version before left them."""
    for name in names:
        key: Json = {"pk": {"S": keys.token_claim(account.account_id, "fcm", name)}}
        client.delete_item(TableName=environment["PROFILES_TABLE"], Key=key)


def test_tokens_of_the_version_before_are_claimed_by_the_walk(
    account: Account, tables: Tables, dynamodb: "DynamoDBClient", environment: dict[str, str]
) -> None:
    account.upload(token("a", "t"), token("a", "u"), token("b", "v"))
    forget_claims(dynamodb, environment, account, "t", "u", "v")
    account.upload(token("c", "t"))  # what nobody claims can't be found yet
    assert tokens_of(account, "a") == {"t", "u"}
    guids = [account.profile(identity=identity)[1]["record"]["guid"] for identity in ("a", "b", "c")]
    updates = {
        index: ProfileUpdate(identity=None, guid=guid, creates=False, claims_tokens=True)
        for index, guid in enumerate(guids)
    }
    for _ in range(2):
        assert profiles_wiring.profiles().update(account.account_id, updates, Deadline.after(20)) == {}
        assert (tokens_of(account, "a"), tokens_of(account, "b"), tokens_of(account, "c")) == ({"u"}, {"v"}, {"t"})
        assert holders(tables, account, "t", "u", "v") == [{"c"}, {"a"}, {"b"}]


def test_a_token_of_the_version_before_is_its_users_who_comes_with_it_last(
    account: Account, tables: Tables, dynamodb: "DynamoDBClient", environment: dict[str, str]
) -> None:
    account.upload(token("a", "t"), token("a", "u"))
    forget_claims(dynamodb, environment, account, "t", "u")
    account.upload(token("b", "t"))
    account.upload(token("a", "t"), token("a", "u"))
    assert (tokens_of(account, "a"), tokens_of(account, "b")) == ({"t", "u"}, set())
    assert holders(tables, account, "t") == [{"a"}]
    account.upload(token("b", "u"))
    assert holders(tables, account, "t", "u") == [{"a"}, {"b"}]


def test_of_two_users_with_a_token_of_the_version_before_one_keeps_it(
    account: Account, tables: Tables, dynamodb: "DynamoDBClient", environment: dict[str, str]
) -> None:
    account.upload(token("a", "t"))
    forget_claims(dynamodb, environment, account, "t")
    account.upload(token("b", "t"))
    forget_claims(dynamodb, environment, account, "t")
    for identity in ("a", "b"):
        guid = account.profile(identity=identity)[1]["record"]["guid"]
        update = ProfileUpdate(identity=None, guid=guid, creates=False, claims_tokens=True)
        assert profiles_wiring.profiles().update(account.account_id, {0: update}, Deadline.after(20)) == {}
    assert holders(tables, account, "t") == [{"a"}]
    account.upload(token("b", "t"))
    assert holders(tables, account, "t") == [{"b"}]


def test_a_dry_run_of_tokens_that_move_writes_nothing(account: Account, tables: Tables) -> None:
    account.upload(*(token("a", f"t{number}") for number in range(10)))
    state = tables.users(account.account_id)
    answer = account.dry_run(token("a", "x"), token("b", "t0"), token("a", "x"), token("a", "t0"))
    assert [(failed["code"], failed["record"]) for failed in answer["unprocessed"]] == [
        (400, token("a", "x")),
        (400, token("a", "t0")),
    ]
    assert tables.users(account.account_id) == state
    assert account.upload(token("a", "x"), token("b", "t0"), token("a", "x"), token("a", "t0")) == answer
    assert len(tokens_of(account, "a")) == 10


def give(account: Account, identity: str) -> None:
    """Give a token to a user in the middle of another request."""
    update = ProfileUpdate(identity, None, added_tokens=frozenset({Token(TokenType.FCM, "t")}))
    assert profiles_wiring.profiles().update(account.account_id, {0: update}, Deadline.after(20)) == {}


@pytest.mark.parametrize("first", ["old", "a"])
def test_who_takes_a_left_over_claim_over_and_who_it_leads_to_never_both_have_the_token(
    account: Account, tables: Tables, faulty: FaultyClient, first: str
) -> None:
    account.upload(profile("old", "left"))
    claim(tables.client, tables.environment, account, "t", "left")
    second = "a" if first == "old" else "old"
    faulty.next("transact_write_items", after(lambda: give(account, second)))
    assert account.upload(token(first, "t"))["status"] == "success"
    assert holders(tables, account, "t") == [{first}]


def test_a_token_that_comes_while_its_user_is_erased_leaves_no_claim(
    account: Account, tables: Tables, faulty: FaultyClient
) -> None:
    account.upload(profile("a", Name="Ada"))
    faulty.next("transact_write_items", after(lambda: give(account, "a")))
    assert account.erase("a")[0] == 200
    assert tables.users(account.account_id) == ({}, {}, {})
    assert tables.token_claims(account.account_id) == {}
