"""What a segment tells of itself beside its members: what it is for, its tags, who made it, what uses it."""

from typing import Any

import pytest

from functions.create_segment.app import handler as create_segment
from functions.manage_segments.app import handler as manage_segments
from tests.integration.campaigning import Campaigning
from tests.integration.conftest import Account, Relay
from tests.integration.told import actions, users
from tests.support.clock import MovableClock
from tests.support.events import Context, body_of, with_body, without_body
from tests.support.written import Written

Json = Any
SEGMENT = "/api/segments/{segment_id}"


def made(account: Account, *entries: Json) -> list[int]:
    status, answer = account.call("create_segment", list(entries))
    assert (status, answer["unprocessed"]) == (200, [])
    return [segment["id"] for segment in answer["segments"]]


def shown(account: Account, segment_id: int) -> Json:
    return account.get(SEGMENT, segment_id=str(segment_id))[1]


def change(account: Account, segment_id: int, **what: Json) -> tuple[int, Json]:
    return account.manage("PATCH", SEGMENT, None, what, segment_id=str(segment_id))


def test_a_segment_tells_what_it_is_for(account: Account) -> None:
    longest = "ä\n" * 499 + "😀."
    (plain, full) = made(
        account,
        {"segment_name": "A"},
        {"segment_name": "B", "description": longest, "tags": ["spring", "loyalty", "spring"]},
    )
    assert (shown(account, plain)["description"], shown(account, plain)["tags"]) == (None, [])
    assert (shown(account, full)["description"], shown(account, full)["tags"]) == (longest, ["loyalty", "spring"])
    assert shown(account, full)["updated_at"] == shown(account, full)["created_at"]


def test_each_detail_is_changed_alone(account: Account, relay: Relay) -> None:
    (gold,) = made(account, {"segment_name": "Gold", "description": "old", "tags": ["a"]})
    relay.drain()
    before = shown(account, gold)
    assert change(account, gold, tags=["b", "c"])[1]["tags"] == ["b", "c"]
    assert change(account, gold, description="new")[1]["description"] == "new"
    status, after = change(account, gold, description=None)
    assert (status, after["description"], after["tags"], after["segment_name"]) == (200, None, ["b", "c"], "Gold")
    assert change(account, gold, tags=[])[1]["tags"] == []
    relay.drain()
    assert "Segment Renamed" not in [entry["DetailType"] for entry in relay.bus.entries]
    assert before["updated_at"] < after["updated_at"]
    assert shown(account, gold)["as_of"] == before["as_of"]


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ({}, "body: must have segment_name, description or tags"),
        ({"description": "x" * 1001}, "description: must have 1 to 1000 characters, has 1001"),
        ({"description": ""}, "description: must have 1 to 1000 characters, has 0"),
        ({"description": "a\tb"}, "description: must have no control characters"),
        ({"tags": [f"{n}" for n in range(21)]}, "tags: must have at most 20 entries, has 21"),
        ({"tags": ["a", "x" * 51]}, "tags[1]: must have 1 to 50 characters, has 51"),
        ({"tags": ["a\nb"]}, "tags[0]: must have no control characters"),
        ({"tags": None}, "tags: must be a list"),
        ({"tags": "a"}, "tags: must be a list"),
        ({"segment_name": None}, "segment_name: must be a string"),
        ({"Tags": ["a"]}, "Tags: unknown field; it is written tags"),
    ],
)
def test_details_that_are_none_are_refused(account: Account, what: Json, said: str) -> None:
    (gold,) = made(account, {"segment_name": "Gold"})
    status, answer = change(account, gold, **what)
    assert (status, answer["error"]) == (400, said)


def test_segments_are_found_by_tag(account: Account) -> None:
    ids = made(
        account,
        *[
            {"segment_name": f"S{n}", "customer_segment_id": f"C{n}", "tags": ["even" if n % 2 == 0 else "odd", "all"]}
            for n in range(10)
        ],
    )
    account.delete(ids[4])

    def found(**query: str) -> list[int]:
        segments: list[int] = []
        cursor: Json = ""
        while cursor is not None:
            answer = account.listed(**query, **({"cursor": cursor} if cursor else {}))
            segments += [segment["id"] for segment in answer["segments"]]
            cursor = answer["cursor"]
        return segments

    even = [ids[n] for n in (8, 6, 2, 0)]
    assert found(tag="even") == found(tag="even", limit="1") == found(tag="even", limit="3") == even
    assert found(tag="even", status="deleted") == [ids[4]]
    assert found(tag="even", status="all", limit="2") == sorted([*even, ids[4]], reverse=True)
    assert found(tag="none") == []
    assert found(tag="odd", customer_segment_id="C1") == [ids[1]]
    assert found(tag="even", customer_segment_id="C1") == []
    assert found(tag="odd", customer_segment_id_prefix="C") == [ids[n] for n in (1, 3, 5, 7, 9)]
    other = account.listed(tag="even", limit="1")["cursor"]
    assert account.manage("GET", "/api/segments", {"tag": "odd", "cursor": other})[0] == 400


def test_who_made_and_deleted_a_segment_is_told(account: Account, written: Written) -> None:
    create = with_body("create_segment", account.account_id, [{"segment_name": "Gold"}])
    create["requestContext"]["authorizer"]["passcode_name"] = "nightly sync"
    (gold,) = [each["id"] for each in body_of(create_segment(create, Context()))["segments"]]
    assert (shown(account, gold)["created_by"], shown(account, gold)["deleted_by"]) == ("nightly sync", None)
    assert "nightly sync" in {line.get("passcode_name") for line in written.lines()[1]}
    delete = without_body(account.account_id, "DELETE", SEGMENT, segment_id=str(gold))
    delete["requestContext"]["authorizer"]["passcode_name"] = "Ada's laptop"
    for _ in range(2):
        deleted = body_of(manage_segments(delete, Context()))
        assert (deleted["created_by"], deleted["deleted_by"]) == ("nightly sync", "Ada's laptop")
        delete["requestContext"]["authorizer"]["passcode_name"] = "somebody later"


def test_a_segment_tells_when_it_last_changed(account: Account, relay: Relay, clock: MovableClock) -> None:
    (gold,) = made(account, {"segment_name": "Gold"})
    clock.move(hours=1)
    account.update((users("A"), actions("ADD", gold)))
    relay.drain()
    moved = shown(account, gold)
    assert moved["updated_at"] == moved["as_of"] > moved["created_at"]
    clock.move(hours=1)
    renamed = change(account, gold, segment_name="Platinum")[1]
    assert renamed["updated_at"] > renamed["as_of"] == moved["as_of"]
    deleted = account.delete(gold)[1]
    assert deleted["updated_at"] == deleted["deleted_at"]


def test_a_segment_tells_the_campaigns_that_use_it(account: Account, campaigning: Campaigning) -> None:
    (gold, silver) = account.create("GOLD", "SILVER")
    campaign_id = campaigning.create(segments={"include": [gold]}, when=campaigning.tomorrow())
    assert (shown(account, gold)["campaigns"], shown(account, silver)["campaigns"]) == ([campaign_id], [])
    campaigning.ok("stop", {"id": campaign_id})
    assert shown(account, gold)["campaigns"] == [campaign_id]
    second = campaigning.create(segments={"include": [gold], "exclude": [silver]}, when=campaigning.tomorrow())
    assert (shown(account, gold)["campaigns"], shown(account, silver)["campaigns"]) == ([second, campaign_id], [second])
