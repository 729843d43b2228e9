"""The deployed template, over HTTP: lists, renaming, deletion with its events and purge, the error stream."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from local.aws import session
from local.stack import Account, Stack
from tests.e2e.conftest import AccountFactory, SubscriberFactory, client_of
from tests.support.waiting import wait_until

Json = Any


@pytest.fixture
def account(account_factory: AccountFactory) -> Account:
    return account_factory()


@pytest.fixture
def api(stack: Stack, account: Account) -> Iterator[httpx.Client]:
    """Speaks as an account of the test's own."""
    with client_of(stack, account) as client:
        yield client


def create(api: httpx.Client, *customer_ids: str) -> list[int]:
    body = [{"segment_name": f"Segment {wish}", "customer_segment_id": wish} for wish in customer_ids]
    return [segment["id"] for segment in api.post("/api/createSegment", json=body).json()["segments"]]


def push(api: httpx.Client, count: int, action: str, *segment_ids: int) -> Json:
    people = [{"identity": f"user {n}"} for n in range(count)]
    segments = [{"ct_segment_id": segment_id, "action": action} for segment_id in segment_ids]
    body = {"bulk_profiles": [{"user_profiles": people, "segments": segments}]}
    return api.post("/api/updateSegment", json=body).json()


def pages(api: httpx.Client, path: str, name: str, limit: int, **query: str) -> list[Json]:
    """Return all rows of a list, page by page."""
    rows: list[Json] = []
    cursor: str | None = None
    while True:
        page = api.get(path, params={**query, "limit": str(limit), **({"cursor": cursor} if cursor else {})})
        assert page.status_code == 200, page.text
        assert len(page.json()[name]) <= limit
        rows += page.json()[name]
        cursor = page.json()["cursor"]
        if cursor is None:
            return rows


def test_the_life_of_a_segment_and_its_events(
    stack: Stack, account: Account, api: httpx.Client, subscriber: SubscriberFactory
) -> None:
    events = subscriber({"source": ["api-segments"], "detail": {"Account ID": [account.account_id]}})
    kept, deleted = create(api, "KEPT", "DELETED")
    assert push(api, 60, "ADD", kept, deleted)["summary"]["added"] == 120
    wait_until(lambda: api.get(f"/api/segments/{deleted}").json()["members"] == 60, "the count to be 60")

    renamed = api.patch(f"/api/segments/{deleted}", json={"segment_name": "Renamed"})
    assert (renamed.status_code, renamed.json()["segment_name"], renamed.json()["members"]) == (200, "Renamed", 60)
    gone = api.delete(f"/api/segments/{deleted}")
    assert (gone.status_code, gone.json()["status"]) == (200, "deleted")
    assert push(api, 1, "REMOVE", deleted)["unprocessed"][0]["code"] == 410
    assert [row["id"] for row in api.get("/api/segments").json()["segments"]] == [kept]

    client = session().client("dynamodb", endpoint_url=stack.endpoint_url)

    def purged() -> bool:
        rows = client.scan(TableName=stack.tables["memberships"], ConsistentRead=True)["Items"]
        sets = [row["segment_ids"]["NS"] for row in rows if row["account_id"]["S"] == account.account_id]
        return sets == [[str(kept)]] * 60

    wait_until(purged, "the deleted segment to be out of every set")
    told: Counter[str] = Counter()

    def all_told() -> bool:
        told.update(event.detail_type for event in events.receive_many())
        return told.total() >= 124

    wait_until(all_told, "the events")
    told.update(event.detail_type for event in events.receive_many())
    assert told == {"Segment Membership Change": 120, "Segment Created": 2, "Segment Renamed": 1, "Segment Deleted": 1}
    assert api.get(f"/api/segments/{kept}").json()["members"] == 60


def test_lists_go_on_from_page_to_page(api: httpx.Client) -> None:
    (segment, *_) = created = create(api, *[f"SEG-{n}" for n in range(5)])
    push(api, 25, "ADD", segment)
    wait_until(lambda: api.get(f"/api/segments/{segment}").json()["members"] == 25, "the count to be 25")
    assert [row["id"] for row in pages(api, "/api/segments", "segments", 2)] == created[::-1]
    prefixed = pages(api, "/api/segments", "segments", 2, customer_segment_id_prefix="SEG-")
    assert [row["id"] for row in prefixed] == created
    members = pages(api, f"/api/segments/{segment}/members", "members", 7)
    assert sorted(row["identity"] for row in members) == sorted(f"user {n}" for n in range(25))
    for member in members[:3]:
        assert api.get(f"/api/segments/{segment}/members/{member['identity']}").json() == member
    assert api.get(f"/api/segments/{segment}/members/nobody").status_code == 404


def test_rejected_entries_are_in_the_error_stream(api: httpx.Client) -> None:
    answer = api.post(
        "/api/updateSegment",
        json={
            "bulk_profiles": [
                {
                    "user_profiles": [{"identity": "A"}, {"guid": "b"}],
                    "segments": [{"customer_segment_id": "NONE", "action": "ADD"}],
                }
            ]
        },
    )
    rows = pages(api, "/api/errors", "errors", 1)
    assert {(row["identity"], row["guid"]) for row in rows} == {("A", None), (None, "b")}
    for row in rows:
        assert (row["customer_segment_id"], row["ct_segment_id"], row["action"]) == ("NONE", None, "ADD")
        assert (row["code"], row["error"]) == (404, "segment does not exist")
        assert row["request_id"] == answer.headers["X-Request-Id"]


def test_an_idempotency_key_makes_a_repeat_harmless(api: httpx.Client) -> None:
    body = [{"segment_name": "Once"}]
    first, again = (api.post("/api/createSegment", json=body, headers={"Idempotency-Key": "k-1"}) for _ in range(2))
    assert first.json() == again.json()
    assert ("Idempotent-Replayed" in first.headers, again.headers["Idempotent-Replayed"]) == (False, "true")
    other = api.post("/api/createSegment", json=[{"segment_name": "Other"}], headers={"Idempotency-Key": "k-1"})
    assert (other.status_code, other.json()["code"]) == (409, 409)
    assert len(pages(api, "/api/segments", "segments", 10)) == 1


def test_a_cursor_is_good_for_its_account_and_query_alone(
    stack: Stack, api: httpx.Client, account_factory: AccountFactory
) -> None:
    create(api, "A", "B", "C")
    cursor = api.get("/api/segments?limit=1").json()["cursor"]
    assert api.get("/api/segments", params={"limit": "1", "cursor": cursor}).status_code == 200
    wrong = [{"cursor": cursor[:-1] + ("A" if cursor[-1] != "A" else "B")}, {"cursor": cursor, "status": "all"}]
    assert [api.get("/api/segments", params=query).status_code for query in wrong] == [400, 400]
    with client_of(stack, account_factory()) as foreign:
        assert foreign.get("/api/segments", params={"cursor": cursor}).status_code == 400
