"""Inputs that only the database can judge: contradictions, repeats, other accounts' segments, deleted ones."""

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from api_segments.core.limits import MAX_SEGMENTS_PER_UPDATE
from tests.integration.conftest import Account, RecordingBus, Relay
from tests.support.bodies import act, group, users

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

Json = Any


def failures(answer: Json) -> list[tuple[int, str, Json]]:
    return [(entry["code"], entry["error"], entry["record"]) for entry in answer["unprocessed"]]


def kept_errors(client: "DynamoDBClient", table: str, account: Account) -> list[Json]:
    items = client.query(
        TableName=table,
        KeyConditionExpression="account_id = :account",
        ExpressionAttributeValues={":account": {"S": account.account_id}},
    )["Items"]
    return [entry for item in items for entry in json.loads(item["entries"]["S"])]


def test_both_ids_may_be_sent_when_they_agree(account: Account) -> None:
    (gold,) = account.create("GOLD")
    answer = account.update((users("a"), [act("ADD", ct=str(gold), customer="GOLD")]))
    assert (answer["status"], answer["summary"]["added"]) == ("success", 1)
    assert account.segments_of("a") == {gold}


def test_both_ids_that_disagree_are_refused_for_that_segment_alone(account: Account) -> None:
    gold, silver, plain = account.create("GOLD", "SILVER", None)
    wrong = [act("ADD", ct=gold, customer="SILVER"), act("ADD", ct=plain, customer="GOLD")]
    wrong += [act("ADD", ct=silver, customer="NO SUCH")]
    answer = account.update((users("a"), [*wrong, act("ADD", ct=silver)]))
    error = "ct_segment_id and customer_segment_id are of different segments"
    assert failures(answer) == [
        (400, error, group(users("a"), [{**entry, "ct_segment_id": str(entry["ct_segment_id"])}])) for entry in wrong
    ]
    assert (answer["status"], answer["processed"]) == ("partial", 1)
    assert account.segments_of("a") == {silver}


def test_where_both_ids_are_sent_the_one_that_does_not_exist_makes_it_unknown(account: Account) -> None:
    account.create("GOLD")
    answer = account.update((users("a"), [act("ADD", ct=1, customer="GOLD")]))
    assert [code for code, _, _ in failures(answer)] == [404]


def test_identity_wins_over_guid(account: Account) -> None:
    (gold,) = account.create("GOLD")
    account.update(([{"identity": "a", "guid": "b"}], [act("ADD", ct=gold)]))
    answer = account.update((users("a"), [act("ADD", ct=gold)]))
    assert answer["summary"] == {"added": 0, "removed": 0, "unchanged": 1, "profiles_created": 0}
    answer = account.update(([{"guid": "b"}], [act("ADD", ct=gold)]))
    assert answer["summary"] == {"added": 1, "removed": 0, "unchanged": 0, "profiles_created": 1}


def test_the_guid_that_we_gave_a_user_names_the_same_user_as_the_identity(account: Account) -> None:
    (gold,) = account.create("GOLD")
    account.update((users("a"), [act("ADD", ct=gold)]))
    guid = account.get("/api/profiles/{identity}/segments", identity="a")[1]["guid"]
    answer = account.update((users("a"), [act("ADD", ct=gold)]), ([{"guid": guid}], [act("REMOVE", ct=gold)]))
    assert answer["summary"] == {"added": 0, "removed": 1, "unchanged": 0, "profiles_created": 0}
    assert account.segments_of("a") == set()


@pytest.mark.parametrize("known", [False, True])
@pytest.mark.parametrize("actions", [("ADD", "REMOVE"), ("REMOVE", "ADD"), ("ADD", "ADD")])
@pytest.mark.parametrize("groups", [1, 2])
def test_of_one_pair_named_twice_the_last_one_counts(  # noqa: PLR0913 - three ways to vary
    account: Account,
    relay: Relay,
    bus: RecordingBus,
    *,
    known: bool,
    groups: int,
    actions: tuple[str, str],
) -> None:
    (first, last), (gold, other) = actions, account.create("GOLD", None)
    if known:
        account.update((users("a"), [act("ADD", ct=other)]))
    asked = [act(first, ct=gold), act(last, customer="GOLD")]  # by either id: still the same segment
    answer = account.update(*([(users("a"), asked)] if groups == 1 else [(users("a"), [one]) for one in asked]))
    assert (answer["status"], answer["processed"]) == ("success", 1)
    is_member = last == "ADD"
    assert answer["summary"]["added"] == is_member
    relay.drain()
    assert [event["Action"] for event in bus.details(account.account_id) if event["Segment ID"] == gold] == (
        ["ADD"] if is_member else []
    )
    if known or is_member:
        assert (gold in account.segments_of("a")) == is_member


def test_the_same_user_twice_in_a_request_is_counted_once(account: Account) -> None:
    (gold,) = account.create("GOLD")
    answer = account.update((users("a", "a"), [act("ADD", ct=gold)]), (users("a"), [act("ADD", ct=gold)]))
    assert answer["summary"] == {"added": 1, "removed": 0, "unchanged": 0, "profiles_created": 1}
    assert answer["processed"] == 1


def test_a_remove_of_an_unknown_user_creates_nobody(account: Account) -> None:
    (gold,) = account.create("GOLD")
    answer = account.update((users("a"), [act("REMOVE", ct=gold)]))
    assert answer["summary"] == {"added": 0, "removed": 0, "unchanged": 1, "profiles_created": 0}
    status, _ = account.get("/api/profiles/{identity}/segments", identity="a")
    assert status == 404


def test_another_accounts_segment_does_not_exist(
    new_account: Callable[[], Account], dynamodb: "DynamoDBClient", environment: dict[str, str]
) -> None:
    owner, stranger = new_account(), new_account()
    (theirs,) = owner.create("GOLD")
    wishes = [act("ADD", ct=theirs), act("ADD", customer="GOLD"), act("REMOVE", ct=theirs, customer="GOLD")]
    answer = stranger.update((users("a", "b"), wishes))
    assert {(code, error) for code, error, _ in failures(answer)} == {(404, "segment does not exist")}
    assert (answer["status"], answer["processed"], len(answer["unprocessed"])) == ("fail", 0, 6)
    assert stranger.get("/api/segments/{segment_id}", segment_id=str(theirs))[0] == 404
    assert stranger.get("/api/profiles/{identity}/segments", identity="a")[0] == 404
    assert owner.get("/api/profiles/{identity}/segments", identity="a")[0] == 404
    assert kept_errors(dynamodb, environment["UPDATE_ERRORS_TABLE"], owner) == []
    assert len(kept_errors(dynamodb, environment["UPDATE_ERRORS_TABLE"], stranger)) == 6


def test_two_accounts_may_use_the_same_ids(new_account: Callable[[], Account]) -> None:
    one, other = new_account(), new_account()
    (first,), (second,) = one.create("GOLD"), other.create("GOLD")
    for account in (one, other):
        answer = account.update((users("a"), [act("ADD", customer="GOLD")]))
        assert answer["summary"] == {"added": 1, "removed": 0, "unchanged": 0, "profiles_created": 1}
    assert (one.segments_of("a"), other.segments_of("a")) == ({first}, {second})


def test_a_deleted_segment_is_refused_for_each_user_and_the_rest_goes_through(
    account: Account, dynamodb: "DynamoDBClient", environment: dict[str, str]
) -> None:
    gone, gold = account.create("GONE", "GOLD")
    account.update((users("a"), [act("ADD", ct=gone)]))
    assert account.delete(gone)[0] == 200

    wishes = [act("ADD", ct=str(gone)), act("REMOVE", customer="GONE"), act("ADD", customer="NO SUCH")]
    wishes.append(act("ADD", ct=str(gone), customer="GONE"))
    answer = account.update((users("a", "b"), [*wishes, act("ADD", ct=gold)]))
    deleted, unknown = (410, "segment was deleted"), (404, "segment does not exist")
    codes = [deleted, deleted, unknown, deleted]
    assert failures(answer) == [
        (code, error, group(users(user), [wish]))
        for user in "ab"
        for (code, error), wish in zip(codes, wishes, strict=True)
    ]
    assert (answer["status"], answer["processed"]) == ("partial", 2)
    assert answer["summary"] == {"added": 2, "removed": 0, "unchanged": 0, "profiles_created": 1}
    assert account.segments_of("a") == account.segments_of("b") == {gold}

    kept = kept_errors(dynamodb, environment["UPDATE_ERRORS_TABLE"], account)
    assert [(e["identity"], e["ct_segment_id"], e["customer_segment_id"], e["action"], e["error"]) for e in kept] == [
        (user, ct, customer, action, error)
        for user in "ab"
        for ct, customer, action, error in (
            (gone, None, "ADD", "segment_deleted"),
            (None, "GONE", "REMOVE", "segment_deleted"),
            (None, "NO SUCH", "ADD", "not_found"),
            (gone, "GONE", "ADD", "segment_deleted"),
        )
    ]


def test_a_deleted_segments_customer_id_stays_in_use(account: Account) -> None:
    (gone,) = account.create("GONE")
    assert account.delete(gone)[0] == 200
    status, answer = account.call("create_segment", [{"segment_name": "again", "customer_segment_id": "GONE"}])
    assert (status, answer["status"], answer["processed"], answer["segments"]) == (200, "fail", 0, [])
    assert [(entry["code"], entry["error"]) for entry in answer["unprocessed"]] == [
        (409, "customer_segment_id: already in use")
    ]


def test_names_and_customer_ids_are_unique_within_a_create(account: Account) -> None:
    status, answer = account.call(
        "create_segment",
        [
            {"segment_name": "a", "customer_segment_id": "A"},
            {"segment_name": "a", "customer_segment_id": "B"},
            {"segment_name": "b", "customer_segment_id": "A"},
            {"segment_name": "b"},
        ],
    )
    assert (status, answer["status"], answer["processed"]) == (200, "partial", 1)
    assert [segment["segment_name"] for segment in answer["segments"]] == ["a"]
    assert [(entry["code"], entry["error"]) for entry in answer["unprocessed"]] == [
        (400, "segment_name: entry [0] of this request has the same"),
        (409, "customer_segment_id: already in use"),
        (400, "segment_name: entry [2] of this request has the same"),
    ]


def test_an_entry_that_cannot_be_read_counts_for_none_of_the_others(account: Account) -> None:
    bad: list[Json] = [
        {"segment_name": "a", "customer_segment_id": ""},
        {"segment_name": 1, "customer_segment_id": "B"},
        {"segment_name": "c", "customer_segment_id": "C", "color": "red"},
    ]
    good = [
        {"segment_name": "a", "customer_segment_id": "A"},
        {"segment_name": "b", "customer_segment_id": "B"},
        {"segment_name": "c", "customer_segment_id": "C"},
        {"segment_name": "a"},
    ]
    status, answer = account.call("create_segment", [*bad, *good])
    assert (status, answer["status"], answer["processed"]) == (200, "partial", 3)
    assert [segment["customer_segment_id"] for segment in answer["segments"]] == ["A", "B", "C"]
    assert [(entry["code"], entry["error"], entry["record"]) for entry in answer["unprocessed"]] == [
        (400, "customer_segment_id: must have 1 to 255 characters, has 0", bad[0]),
        (400, "segment_name: must be a string", bad[1]),
        (400, "color: unknown field", bad[2]),
        (400, "segment_name: entry [3] of this request has the same", good[3]),
    ]


def test_a_create_of_nothing_that_can_be_read_creates_nothing(account: Account) -> None:
    status, answer = account.call("create_segment", [{"segment_name": ""}] * 100)
    assert (status, answer["status"], answer["processed"], answer["segments"]) == (200, "fail", 0, [])
    assert {entry["code"] for entry in answer["unprocessed"]} == {400}
    assert len(answer["unprocessed"]) == 100
    assert account.get("/api/segments")[1]["segments"] == []


TOO_MANY = f"bulk_profiles: must name at most {MAX_SEGMENTS_PER_UPDATE} different segments over the whole request"


@pytest.mark.parametrize("by", ["ct", "customer"])
@pytest.mark.parametrize("groups", [1, 2])
def test_one_segment_more_than_the_limit_is_refused_whole(account: Account, by: str, groups: int) -> None:
    ids = account.create(*(f"C{index}" for index in range(MAX_SEGMENTS_PER_UPDATE)))
    named = [
        {"ct": ids[index]} if by == "ct" else {"customer": f"C{index}"} for index in range(MAX_SEGMENTS_PER_UPDATE)
    ]
    wishes = [act("ADD", **name) for name in [*named, {"ct": 1} if by == "ct" else {"customer": "NO SUCH"}]]
    parts = [wishes] if groups == 1 else [wishes[:60], wishes[60:]]
    body = {"bulk_profiles": [group(users("a"), part) for part in parts]}
    assert account.call("update_segment", body) == (400, {"status": "fail", "error": TOO_MANY, "code": 400})
    assert account.get("/api/profiles/{identity}/segments", identity="a")[0] == 404

    body = {"bulk_profiles": [group(users("a"), wishes[:-1])]}
    assert account.call("update_segment", body)[1]["summary"]["added"] == MAX_SEGMENTS_PER_UPDATE


def test_segments_named_by_each_of_their_ids_count_once(account: Account) -> None:
    ids = account.create(*(f"C{index}" for index in range(MAX_SEGMENTS_PER_UPDATE)))
    wishes = [act("ADD", ct=segment_id) for segment_id in ids]
    wishes += [act("ADD", customer=f"C{index}") for index in range(MAX_SEGMENTS_PER_UPDATE)]
    wishes += [act("ADD", ct=segment_id, customer=f"C{index}") for index, segment_id in enumerate(ids)]
    answer = account.update((users("a"), wishes))
    assert answer["status"] == "success"
    assert answer["processed"] == answer["summary"]["added"] == MAX_SEGMENTS_PER_UPDATE


def test_rejected_entries_of_an_update_can_be_sent_again_as_they_are(account: Account) -> None:
    answer = account.update(
        (users("a"), [act("ADD", customer="LATER")]), ([{"guid": "g"}], [act("ADD", customer="LATER")])
    )
    assert [code for code, _, _ in failures(answer)] == [404, 404]
    (later,) = account.create("LATER")
    again = {"bulk_profiles": [entry["record"] for entry in answer["unprocessed"]]}
    status, answer = account.call("update_segment", again)
    assert (status, answer["status"], answer["summary"]["added"]) == (200, "success", 2)
    assert account.segments_of("a") == {later}
