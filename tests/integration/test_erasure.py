"""Erase a user: claim, attributes and memberships go together or not at all; counts and events follow."""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from api_segments.aws import keys
from tests.integration.conftest import Account, RecordingBus, Relay
from tests.support.bodies import act, users
from tests.support.faults import FaultyClient, answer_lost, refused
from tests.support.state import Tables, assert_projected, assert_whole, live
from tests.support.threads import at_once
from tests.support.uploads import profile, token

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

Json = Any
NOBODY = (404, {"status": "fail", "error": "there is no profile with this identity", "code": 404})


def test_erasure_ends_memberships_with_events_and_a_later_upload_is_a_new_profile(
    account: Account, relay: Relay, bus: RecordingBus
) -> None:
    gold, silver = account.create("GOLD", None)
    account.upload(profile("a", Email="a@example.com"))
    account.update((users("a"), [act("ADD", ct=each) for each in (gold, silver)]))
    old = account.profile(identity="a")[1]["record"]["guid"]
    relay.drain()
    assert account.reachable(gold) == {"email": 1}
    assert account.erase("a") == (200, {"status": "success"})
    relay.drain()
    removed = [event for event in bus.details(account.account_id) if event["Action"] == "REMOVE"]
    assert sorted(event["Segment ID"] for event in removed) == [gold, silver]
    assert {event["Identity"] for event in removed} == {"a"}
    assert (account.members(gold), account.reachable(gold)) == (0, {})
    assert account.profile(identity="a")[0] == 404
    account.upload(profile("a", Email="a@example.com"))
    assert account.profile(identity="a")[1]["record"]["guid"] != old
    assert account.segments_of("a") == set()


def test_an_erased_user_leaves_nothing_and_the_others_everything(
    account: Account, tables: Tables, relay: Relay
) -> None:
    (gold,) = account.create(None)
    account.update((users("a", "b"), [act("ADD", ct=gold)]))
    account.upload(profile("a", "guid-of-none"), profile("b", Email="b@example.com"))
    account.upload(profile("a", Email="a@example.com"), token("a", "t"))
    guid = account.profile(identity="a")[1]["record"]["guid"]
    assert account.erase("a")[0] == 200
    relay.drain()
    claims, profiles, memberships = tables.users(account.account_id)
    assert set(claims) == {"b"}
    assert set(profiles) == set(memberships) == set(claims.values())
    assert {row.identity for row in live(tables.members(account.account_id)).values()} == {"b"}
    assert account.profile(identity="a")[0] == account.profile(guid=guid)[0] == 404
    assert account.get("/api/profiles/{identity}/segments", identity="a")[0] == 404
    assert account.erase("a") == NOBODY
    assert_projected(tables, account.account_id)
    assert tables.data_points(account.account_id).total() == 3


@pytest.mark.parametrize("identity", ["é/%2F #?", "🦊" * 255, "a" * 255, "{identity}", "..", "a+b"])
def test_any_identity_can_be_erased(account: Account, identity: str) -> None:
    assert account.erase(identity) == NOBODY
    account.upload(profile(identity))
    assert account.erase(identity) == (200, {"status": "success"})
    assert account.profile(identity=identity)[0] == 404


def test_a_user_whom_an_update_created_can_be_erased(account: Account, tables: Tables, relay: Relay) -> None:
    (gold,) = account.create(None)
    account.update((users("a"), [act("ADD", ct=gold)]))
    assert account.erase("a")[0] == 200
    relay.drain()
    assert tables.users(account.account_id) == ({}, {}, {})
    assert account.members(gold) == 0


def test_a_guid_that_is_used_again_is_a_new_user(account: Account, relay: Relay) -> None:
    (gold,) = account.create(None)
    account.upload(profile("a", "device", Email="a@example.com", Tier="Gold"))
    account.update((users("a"), [act("ADD", ct=gold)]))
    account.erase("a")
    account.upload(profile("b", "device", Phone="+12025550123"))
    account.update((users("b"), [act("ADD", ct=gold)]))
    relay.drain()
    record = account.profile(guid="device")[1]["record"]
    assert (record["identity"], record["profileData"]) == ("b", {"Phone": "+12025550123"})
    assert (account.members(gold), account.reachable(gold)) == (1, {"sms": 1})


@pytest.mark.parametrize("delivered", ["each at once", "all in the end", "all in the end, twice"])
def test_counts_end_right_whenever_the_erasure_is_delivered(
    account: Account, tables: Tables, relay: Relay, bus: RecordingBus, delivered: str
) -> None:
    gold, silver = account.create(None, None)
    records: list[Json] = []
    for step in (
        lambda: account.upload(profile("a", "g", Email="a@example.com")),
        lambda: account.update((users("a"), [act("ADD", ct=gold), act("ADD", ct=silver)])),
        lambda: account.erase("a"),
        lambda: account.update(([{"guid": "g"}], [act("ADD", ct=gold)])),
        lambda: account.upload(profile("b", "g", Phone="+12025550123")),
    ):
        step()
        if delivered == "each at once":
            records += relay.drain()
    records += relay.drain()
    if delivered == "all in the end, twice":
        relay.projector.deliver(records)
    assert_projected(tables, account.account_id)
    assert (account.members(gold), account.reachable(gold), account.members(silver)) == (1, {"sms": 1}, 0)
    assert len(bus.details(account.account_id)) == tables.data_points(account.account_id).total() == 5


def test_an_erasure_whose_answer_was_lost_is_a_success(account: Account, faulty: FaultyClient) -> None:
    account.upload(profile("a"))
    faulty.next("transact_write_items", answer_lost, answer_lost)
    assert account.erase("a") == (200, {"status": "success"})
    assert account.erase("a") == NOBODY


def test_an_erasure_that_fails_changes_nothing(account: Account, tables: Tables, faulty: FaultyClient) -> None:
    account.upload(profile("a", Email="a@example.com"))
    before = tables.users(account.account_id)
    faulty.next("transact_write_items", refused("AccessDeniedException"))
    assert account.erase("a")[0] == 503
    assert tables.users(account.account_id) == before


@pytest.mark.usefixtures("side_by_side")
def test_erasure_amid_uploads_and_updates_leaves_nothing_half_erased(
    account: Account, tables: Tables, relay: Relay, bus: RecordingBus
) -> None:
    gold, silver = account.create(None, None)

    def change(index: int) -> None:
        for turn in range(6):
            data = {f"k{index}": turn, **({"Email": "a@example.com"} if turn % 2 else {"Email": None})}
            assert account.upload(profile("a", **data))["status"] == "success"

    def join(segment: int) -> None:
        for turn in range(6):
            update = account.update((users("a"), [act("REMOVE" if turn % 3 == 2 else "ADD", ct=segment)]))
            assert update["status"] == "success"

    def erase() -> None:
        for _ in range(6):
            assert account.erase("a")[0] in (200, 404)

    for _ in range(2):
        callers: list[Callable[[], None]] = [partial(change, 1), partial(change, 2), erase, erase]
        callers += [partial(join, gold), partial(join, silver)]
        at_once(callers)
        assert_whole(tables, account.account_id)
    relay.drain()
    assert_projected(tables, account.account_id)
    assert tables.data_points(account.account_id).total() == len(bus.details(account.account_id))
    account.erase("a")
    relay.drain()
    assert tables.users(account.account_id) == ({}, {}, {})
    assert (account.members(gold), account.members(silver)) == (0, 0)


@pytest.mark.usefixtures("side_by_side")
def test_of_many_erasures_at_once_one_is_told_of_it(account: Account, tables: Tables) -> None:
    account.upload(profile("a", Email="a@example.com"))
    answers = at_once([partial(account.erase, "a") for _ in range(8)])
    assert sorted(status for status, _ in answers) == [200, *[404] * 7]
    assert tables.users(account.account_id) == ({}, {}, {})


@pytest.mark.usefixtures("side_by_side")
def test_erasure_amid_linking_leaves_whole_profiles(account: Account, tables: Tables) -> None:
    def link(identity: str) -> None:
        for _ in range(6):
            answer = account.upload(profile(identity, "device", Email="a@example.com"))
            assert answer["status"] == "success" or answer["unprocessed"][0]["code"] == 409

    def erase(identity: str) -> None:
        for _ in range(6):
            assert account.erase(identity)[0] in (200, 404)

    at_once([partial(link, "a"), partial(link, "b"), partial(erase, "a"), partial(erase, "b")])
    assert_whole(tables, account.account_id)
    assert len(tables.memberships(account.account_id)) <= 1


def by_guid(account: Account, method: str, resource: str, guid: str, **parameters: str) -> tuple[int, Json]:
    return account.manage(method, resource, {"by": "guid"}, identity=guid, **parameters)


SEGMENTS_OF, MEMBER = "/api/profiles/{identity}/segments", "/api/segments/{segment_id}/members/{identity}"
PROFILE = "/api/profiles/{identity}"


@pytest.mark.parametrize("identity", [None, "a"])
@pytest.mark.parametrize("guid", ["g", "é/%2F #?", "a", "🦊" * 255, ".."])
def test_a_user_is_read_and_erased_by_guid(
    account: Account, tables: Tables, relay: Relay, identity: str | None, guid: str
) -> None:
    (gold,) = account.create("GOLD")
    account.upload(profile(identity, guid, Email="a@example.com"), token(identity, "t", guid=guid))
    account.update(([{"guid": guid}], [act("ADD", ct=gold)]))
    relay.drain()
    status, answer = by_guid(account, "GET", SEGMENTS_OF, guid)
    assert (status, answer["identity"], answer["guid"]) == (200, identity, guid)
    assert [segment["id"] for segment in answer["segments"]] == [gold]
    status, answer = by_guid(account, "GET", MEMBER, guid, segment_id=str(gold))
    assert (status, answer["identity"], answer["guid"], answer["added_at"] is None) == (200, identity, guid, False)

    assert by_guid(account, "DELETE", PROFILE, guid) == (200, {"status": "success"})
    relay.drain()
    assert tables.users(account.account_id) == ({}, {}, {})
    assert (account.members(gold), account.reachable(gold)) == (0, {})
    removed = [event for event in relay.bus.details(account.account_id) if event["Action"] == "REMOVE"]
    assert [(event["Identity"], event["Profile ID"]) for event in removed] == [(identity, guid)]
    nobody = (404, {"status": "fail", "error": "there is no profile with this guid", "code": 404})
    assert by_guid(account, "DELETE", PROFILE, guid) == nobody
    assert by_guid(account, "GET", SEGMENTS_OF, guid) == nobody
    error = f"no profile with this guid is a member of segment {gold}"
    assert by_guid(account, "GET", MEMBER, guid, segment_id=str(gold))[1]["error"] == error


@pytest.mark.parametrize(("method", "resource"), [("GET", SEGMENTS_OF), ("GET", MEMBER), ("DELETE", PROFILE)])
def test_a_path_names_an_identity_unless_it_says_otherwise(account: Account, method: str, resource: str) -> None:
    (gold,) = account.create("GOLD")
    account.upload(profile("x", "y"), profile("y", "x"))
    account.update((users("x", "y"), [act("ADD", ct=gold)]))
    more = {"segment_id": str(gold)} if resource == MEMBER else {}
    for wrong in ("", "Guid", "objectId", "identity "):
        status, answer = account.manage(method, resource, {"by": wrong}, identity="x", **more)
        assert (status, answer["error"]) == (400, "by: must be identity or guid")
    assert account.manage(method, resource, {"by": "identity"}, identity="x", **more)[0] == 200
    assert account.profile(identity="y")[0] == 200
    assert by_guid(account, method, resource, "x", **more)[0] == 200
    assert account.profile(identity="y")[0] == (404 if method == "DELETE" else 200)


def test_of_erasures_by_identity_and_by_guid_at_once_one_is_told_so(
    account: Account, tables: Tables, side_by_side: None
) -> None:
    assert side_by_side is None
    for round_ in range(5):
        guid = f"g{round_}"
        account.upload(profile("a", guid, Email="a@example.com"))
        calls = [partial(account.erase, "a"), partial(by_guid, account, "DELETE", PROFILE, guid)] * 3
        answers = at_once(calls)
        assert sorted(status for status, _ in answers) == [200, 404, 404, 404, 404, 404]
        assert tables.users(account.account_id) == ({}, {}, {})


def test_a_user_whose_claim_is_missing_can_be_erased_by_guid(
    account: Account, tables: Tables, dynamodb: "DynamoDBClient", environment: dict[str, str]
) -> None:
    account.upload(profile("a", "g"))
    key = {"pk": {"S": keys.identity_claim(account.account_id, "a")}}
    dynamodb.delete_item(TableName=environment["PROFILES_TABLE"], Key=key)
    assert account.erase("a") == NOBODY
    assert by_guid(account, "DELETE", PROFILE, "g")[0] == 200
    assert tables.users(account.account_id) == ({}, {}, {})
