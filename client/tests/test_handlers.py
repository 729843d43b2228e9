"""The client and the stack's own handlers: what they answer is what it reads."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timezone

import pytest
from tests.support.served import served_api, serving

from api_segments_client import (
    Change,
    Client,
    ConflictError,
    GoneError,
    Guid,
    NewSegment,
    NotFoundError,
    PushStoppedError,
)


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    with served_api() as api, serving(api) as url, Client(url, api.account_id, api.passcode, timeout=60) as made:
        yield made


def test_the_main_job(client: Client) -> None:
    segment = client.segments.create("Premium Users", "SEG12345", description="Spent 750", tags=["loyalty"])
    users = [f"CT{number}" for number in range(250)]
    totals = client.members.push("SEG12345", add=users, remove=iter(users[200:]))
    assert (totals.added, totals.removed, totals.profiles_created, totals.given) == (250, 50, 250, 300)
    again = client.members.push(segment.id, add=users[:10])
    assert (again.unchanged, again.given) == (10, 10)
    shown = client.segments.get("SEG12345")
    assert (shown.id, shown.members, shown.tags, shown.type) == (segment.id, 200, ("loyalty",), "API Segments")
    assert shown.created_at.tzinfo == timezone.utc
    assert {member.identity for member in client.members.list("SEG12345", page_size=33)} == set(users[:200])
    found = client.members.get(segment.id, "CT7")
    assert client.members.get(segment.id, Guid(found.guid)).identity == "CT7"
    assert [each.id for each in client.members.segments_of("CT7").segments] == [segment.id]
    with pytest.raises(NotFoundError):
        client.members.get(segment.id, "CT249")

    verified = client.segments.verify("SEG12345", users[:200], settle=0)
    assert (verified.matches, verified.expected_members) == (True, 200)
    assert client.segments.verify("SEG12345", users[1:201], settle=0).matches is False
    assert client.segments.verify("SEG12345", users, settle=0).matches is False


def test_segments_are_created_changed_compared_and_deleted(client: Client) -> None:
    created = client.segments.create_many([NewSegment("A", "A-1"), NewSegment("B", "B-1"), NewSegment("C", "A-1")])
    assert [each.segment_name for each in created.segments] == ["A", "B"]
    assert [each.code for each in created.refused] == [409]
    with pytest.raises(ConflictError):
        client.segments.create("D", "A-1")
    client.members.update([Change("x", frozenset({"A-1", "B-1"})), Change("y", frozenset({"A-1"}))])
    overlap = client.segments.overlap(["A-1", "B-1"])
    assert (overlap.exact, [each.members for each in overlap.intersections]) == (True, [2, 1, 1])
    changed = client.segments.change("A-1", segment_name="A2", tags=["t"])
    assert (changed.segment_name, changed.tags) == ("A2", ("t",))
    assert [each.id for each in client.segments.list(tag="t", page_size=1)] == [changed.id]
    assert client.segments.history("A-1")[-1].joined == 2
    assert client.segments.delete("A-1").status == "deleted"
    assert client.segments.get("A-1").status == "deleted"
    with pytest.raises(GoneError):
        client.segments.change(changed.id, segment_name="A3")
    gone = client.members.push("A-1", add=["z"])
    assert [each.code for each in gone.first_refused] == [410]
    assert next(iter(client.errors())).code == 410


def test_users_are_uploaded_found_suppressed_and_erased(client: Client) -> None:
    records = [
        {"identity": "ada", "type": "profile", "profileData": {"Email": "ada@example.com", "Visits": 3}},
        {"identity": "ada", "type": "token", "tokenData": {"id": "t-1", "type": "fcm"}},
        {"identity": "bob", "type": "profile", "profileData": {"Phone": "0151 1234"}},
    ]
    totals = client.profiles.upload(records)
    assert (totals.processed, totals.refused, totals.first_refused[0].record) == (2, 1, records[2])
    profile = client.profiles.get("ada")
    assert (profile.profile_data["Visits"], profile.tokens[0].type) == (3, "fcm")
    assert profile.reachable is not None
    assert profile.reachable.email
    assert [each.identity for each in client.profiles.find(email="ada@example.com")] == ["ada"]
    assert client.profiles.suppress(email="ada@example.com").suppressed
    assert not client.profiles.lift(email="ada@example.com").suppressed
    client.profiles.erase("ada")
    with pytest.raises(NotFoundError):
        client.profiles.get("ada")


def test_a_campaign_is_estimated_created_once_and_looked_at(client: Client) -> None:
    client.segments.create("Readers", "READERS")
    wanted = {
        "name": "Spring",
        "target_mode": "sms",
        "segment": {"customer_segment_id": "READERS"},
        "when": "now",
        "content": {"body": "Hello"},
    }
    assert client.campaigns.estimate(wanted) == {"sms": 0}
    campaign = client.campaigns.create(wanted, key="once")
    assert client.campaigns.create(wanted, key="once") == campaign
    assert [each.id for each in client.campaigns.list(name="spring")] == [campaign]
    assert client.campaigns.get(campaign).content == {"body": "Hello"}
    assert client.campaigns.result(campaign).queued == 0
    assert client.campaigns.preview("sms", {"body": "Hello"}) == {"body": "Hello"}
    assert list(client.campaigns.log(campaign)) == []
    client.campaigns.stop(campaign)
    assert "time_zone" in client.campaigns.settings()


def test_an_update_that_the_api_refuses_whole_is_told(client: Client) -> None:
    with pytest.raises(PushStoppedError, match="customer_segment_id"):
        client.members.push("", add=["a"])
    assert client.usage().data_points > 0
    assert client.freshness() is not None
