"""One profile by its identity or by its guid; a guid that gets an identity stays the same profile."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.integration.conftest import Account, RecordingBus, Relay
from tests.support.bodies import act, users
from tests.support.state import Row, Tables, assert_projected, assert_whole, live
from tests.support.uploads import profile, token

Json = Any


def record_of(account: Account, **who: str) -> Json:
    status, answer = account.profile(**who)
    assert status == 200, answer
    return answer["record"]


def refusal(answer: Json) -> tuple[int, str]:
    (entry,) = answer["unprocessed"]
    return entry["code"], entry["error"]


def test_a_profile_is_one_by_identity_and_by_guid(account: Account, tables: Tables) -> None:
    account.upload(profile("a", "g", x=1))
    account.upload(profile("a", y=2))
    account.upload(profile(None, "g", z=3))
    account.upload(token("a", "t"), token(None, "u", guid="g"))
    record = record_of(account, identity="a")
    assert record == record_of(account, guid="g") == record_of(account, identity="a", guid="other")
    assert (record["identity"], record["guid"], record["profileData"]) == ("a", "g", {"x": 1, "y": 2, "z": 3})
    assert [each["id"] for each in record["tokens"]] == ["t", "u"]
    assert tables.claims(account.account_id) == {"a": "g"}


def test_an_identity_alone_gets_a_guid_that_serves_as_objectid(account: Account, tables: Tables) -> None:
    account.upload(profile("a", x=1))
    guid = record_of(account, identity="a")["guid"]
    assert account.upload(profile(None, guid, y=2), profile("a", guid, z=3))["status"] == "success"
    assert record_of(account, identity="a")["profileData"] == {"x": 1, "y": 2, "z": 3}
    assert len(tables.memberships(account.account_id)) == 1


@pytest.mark.parametrize("apart", [True, False])
def test_linking_a_guid_keeps_memberships_and_shows_the_identity_from_then_on(
    account: Account, tables: Tables, relay: Relay, bus: RecordingBus, apart: bool
) -> None:
    gold, silver = account.create(None, None)
    account.upload(profile(None, "g", Email="a@example.com"))
    account.update(([{"guid": "g"}], [act("ADD", ct=gold)]))
    if apart:
        relay.drain()
    assert record_of(account, guid="g")["identity"] is None

    assert account.upload(profile("a", "g", Tier="Gold"))["status"] == "success"
    record = record_of(account, identity="a")
    assert (record["guid"], record["profileData"]) == ("g", {"Email": "a@example.com", "Tier": "Gold"})
    assert account.segments_of("a") == {gold}
    account.update((users("a"), [act("ADD", ct=silver)]))
    relay.drain()

    row = Row("a", frozenset({"email"}))
    assert live(tables.members(account.account_id)) == {(gold, "g"): row, (silver, "g"): row}
    assert [(event["Segment ID"], event["Identity"]) for event in bus.details(account.account_id)] == [
        (gold, None),
        (silver, "a"),
    ]
    assert {event["Profile ID"] for event in bus.details(account.account_id)} == {"g"}
    assert account.reachable(gold) == account.reachable(silver) == {"email": 1}
    assert_projected(tables, account.account_id)
    assert_whole(tables, account.account_id)


def test_a_guid_that_only_an_update_knows_can_be_linked(account: Account, tables: Tables) -> None:
    (gold,) = account.create(None)
    account.update(([{"guid": "g"}], [act("ADD", ct=gold)]))
    assert account.upload(token("a", "t", guid="g"))["status"] == "success"
    assert account.segments_of("a") == {gold}
    assert record_of(account, identity="a")["reachable"]["push"] is True
    assert_whole(tables, account.account_id)


def test_a_user_whom_an_update_created_gets_attributes_later(account: Account, tables: Tables, relay: Relay) -> None:
    (gold,) = account.create(None)
    account.update((users("a", "b"), [act("ADD", ct=gold)]))
    relay.drain()
    record = record_of(account, identity="a")
    assert (record["profileData"], record["tokens"], any(record["reachable"].values())) == ({}, [], False)
    account.upload(profile("a", Email="a@example.com"), profile("b", Tier="Gold"))
    relay.drain()
    assert record_of(account, identity="a")["guid"] == record["guid"]
    assert (account.members(gold), account.reachable(gold)) == (2, {"email": 1})
    assert account.segments_of("a") == {gold}
    assert_whole(tables, account.account_id)


def by_uploads(account: Account) -> None:
    account.upload(profile("a", "ga", x=1), profile("b", "gb", x=2), profile(None, "anonymous", x=3))


def by_updates(account: Account) -> None:
    (gold,) = account.create(None)
    account.update(([{"guid": "ga"}, {"guid": "gb"}, {"guid": "anonymous"}], [act("ADD", ct=gold)]))
    account.upload(profile("a", "ga"), profile("b", "gb"))


@pytest.mark.parametrize("made", [by_uploads, by_updates])
@pytest.mark.parametrize(
    ("record", "error"),
    [
        (profile("a", "gb", x=9), "identity a belongs to guid ga, not to gb"),
        (profile("a", "unknown", x=9), "identity a belongs to guid ga, not to unknown"),
        (profile("a", "anonymous", x=9), "identity a belongs to guid ga, not to anonymous"),
        (profile("new", "ga", x=9), "guid ga belongs to identity a, not to new"),
        (token("new", "t", guid="ga"), "guid ga belongs to identity a, not to new"),
        (token("b", "t", guid="ga"), "identity b belongs to guid gb, not to ga"),
        (token("b", "t", guid="ga", remove=True), "identity b belongs to guid gb, not to ga"),
    ],
)
def test_a_link_to_another_profile_is_a_conflict_that_names_both_and_changes_nothing(  # noqa: PLR0913, PLR0917 - fixtures and the case
    account: Account, tables: Tables, relay: Relay, made: Callable[[Account], None], record: Json, error: str
) -> None:
    made(account)
    relay.drain()
    before = tables.users(account.account_id)
    answer = account.upload(record)
    assert answer == {
        "status": "fail",
        "processed": 0,
        "unprocessed": [{"status": "fail", "code": 409, "error": error, "record": record}],
    }
    assert tables.users(account.account_id) == before
    assert relay.drain() == []


@pytest.mark.parametrize(
    ("first", "second", "error"),
    [
        (profile("a", "g"), profile("b", "g"), "guid g belongs to identity a, not to b"),
        (profile("a", "g"), profile("a", "h"), "identity a belongs to guid g, not to h"),
        (token("a", "t", guid="g"), profile("b", "g"), "guid g belongs to identity a, not to b"),
    ],
)
@pytest.mark.parametrize(
    "known", [[], [profile(None, "g")], [profile(None, "h")], [profile(None, "h"), profile(None, "g")]]
)
def test_of_two_links_in_one_request_the_first_counts(  # noqa: PLR0913, PLR0917 - fixtures and the case
    account: Account, tables: Tables, first: Json, second: Json, error: str, known: list[Json]
) -> None:
    for record in known:
        account.upload(record)
    noise = [profile(f"u{index}", n=1) for index in range(5)]
    answer = account.upload(*noise, first, second, profile("a", after=1))
    assert (answer["status"], answer["processed"]) == ("partial", 7)
    assert refusal(answer) == (409, error)
    assert answer["unprocessed"][0]["record"] == second
    assert record_of(account, identity="a")["guid"] == "g"
    assert record_of(account, identity="a")["profileData"] == {"after": 1}
    assert account.profile(identity="b")[0] == 404
    assert_whole(tables, account.account_id)


def test_an_identity_that_got_a_guid_of_its_own_in_the_same_request_can_not_be_linked(account: Account) -> None:
    answer = account.upload(profile("a", x=1), profile("a", "g", x=2))
    guid = record_of(account, identity="a")["guid"]
    assert refusal(answer) == (409, f"identity a belongs to guid {guid}, not to g")
    assert record_of(account, identity="a")["profileData"] == {"x": 1}
    assert account.profile(guid="g")[0] == 404


def test_records_of_one_user_by_all_its_names_are_applied_in_order(account: Account, tables: Tables) -> None:
    names: list[tuple[str | None, str | None]] = [(None, "g"), ("a", "g"), ("a", None), (None, "g"), ("a", "g")]
    account.upload(*(profile(*who, n=index, **{f"k{index}": index}) for index, who in enumerate(names)))
    assert record_of(account, identity="a")["profileData"] == {"n": 4, **{f"k{index}": index for index in range(5)}}
    account.upload(*(profile(*who, n=10 + index) for index, who in enumerate(reversed(names))))
    assert record_of(account, guid="g")["profileData"]["n"] == 14
    assert tables.claims(account.account_id) == {"a": "g"}


def test_many_profiles_linked_crosswise_in_one_request_are_each_what_their_first_record_made(
    account: Account, tables: Tables
) -> None:
    straight = [profile(f"u{index}", f"g{index}", x=index) for index in range(20)]
    crossed = [profile(f"u{index}", f"g{(index + 1) % 20}", x=-1) for index in range(20)]
    answer = account.upload(*straight, *crossed)
    assert answer["processed"] == 20
    assert [entry["record"] for entry in answer["unprocessed"]] == crossed
    assert {entry["code"] for entry in answer["unprocessed"]} == {409}
    assert tables.claims(account.account_id) == {f"u{index}": f"g{index}" for index in range(20)}
    assert_whole(tables, account.account_id)


def test_identity_and_guid_may_be_spelled_alike(account: Account, tables: Tables) -> None:
    assert account.upload(profile("same", "same", x=1))["status"] == "success"
    assert account.upload(profile("other", "g", x=2), profile("g", "other", x=3))["status"] == "success"
    assert tables.claims(account.account_id) == {"same": "same", "other": "g", "g": "other"}
    assert (
        record_of(account, identity="g")["profileData"] == record_of(account, guid="other")["profileData"] == {"x": 3}
    )
