"""CleverTap's own API: its hosts, its limits, and answers in the shapes that are known of it.

One of them was read in a page of CleverTap's documentation: the answer with the link of a custom list
(https://developer.clevertap.com/docs/custom-list-endpoints). What is said once the file is there is what public clients
send. All others are what docs/api.md says of the calls that both have, and what clients of CleverTap expect; they have
not been compared with the pages of those calls, and none was recorded from CleverTap's servers.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from client.tests.conftest import MakeClient
from client.tests.server import Reply, Request
from client.tests.test_answers import Script

from api_segments_client import Change, Client, Guid, NoAnswerError, clevertap_url
from api_segments_client.errors import SettingsError
from api_segments_client.transport import Transport

CREATED = {
    "status": "success",
    "processed": 1,
    "segments": [{"id": 1741253563, "segment_name": "Premium Users", "customer_segment_id": "SEG12345"}],
    "unprocessed": [],
}
PROFILE = {
    "status": "success",
    "record": {
        "email": "jack@example.com",
        "profileData": {"Last Score": 308, "Favorite Color": "blue"},
        "events": {"App Launched": {"count": 10, "first_seen": 1457271567, "last_seen": 1457271567}},
        "platformInfo": [{"platform": "iOS", "os_version": "9.2", "objectId": "-123456789"}],
    },
}
TARGETS = {
    "status": "success",
    "targets": [{"id": 1457432766, "name": "My API campaign", "scheduled_on": 201603081556, "status": "pending"}],
}
RESULT = {"status": "success", "result": {"sent": 100, "clicked": 8, "status": "completed"}}


@pytest.fixture(autouse=True)
def as_clevertap(monkeypatch: pytest.MonkeyPatch) -> None:
    before = Transport.__init__

    def init(self: Transport, *given: Any) -> None:
        before(self, *given)
        self.is_clevertap = True

    monkeypatch.setattr(Transport, "__init__", init)


def test_each_region_has_its_host() -> None:
    assert clevertap_url("in1") == "https://in1.api.clevertap.com"
    with pytest.raises(SettingsError, match="there is no region mars; there are eu1, in1"):
        clevertap_url("mars")


@pytest.mark.parametrize(
    ("url", "is_theirs"),
    [
        ("https://eu1.api.clevertap.com", True),
        ("https://api.clevertap.com", True),
        ("https://api.clevertap.com.example.com", False),
        ("https://evilapi.clevertap.com", False),
    ],
)
def test_clevertap_is_known_by_its_hosts(monkeypatch: pytest.MonkeyPatch, url: str, is_theirs: bool) -> None:
    monkeypatch.undo()
    with Client(url, "A", "P") as client:
        assert client._transport.is_clevertap is is_theirs  # noqa: SLF001 - what all else follows from


def test_a_creation_has_no_key_and_is_not_repeated_when_its_answer_is_lost(client_of: MakeClient) -> None:
    script = Script(Reply(429, {"status": "fail", "error": "Too many concurrent requests"}), None, Reply(body=CREATED))
    client = client_of(script)
    with pytest.raises(NoAnswerError) as raised:
        client.segments.create("Premium Users", "SEG12345")
    assert raised.value.may_be_done
    assert client.segments.create("Premium Users", "SEG12345").id == 1741253563
    assert "Idempotency-Key" not in script.requests[0].headers


def test_an_update_without_a_summary_counts_what_was_processed(client_of: MakeClient) -> None:
    unknown = {"status": "fail", "code": 513, "error": "Segment not found", "record": {"identity": "c"}}
    answers = [Reply(429, {"error": "Too many concurrent requests"})]
    answers += [Reply(body={"status": "partial", "processed": 2, "unprocessed": [unknown]})]
    totals = client_of(Script(*answers)).members.push("SEG12345", add=["a", "b", "c"])
    assert (totals.given, totals.processed, totals.untold, totals.refused) == (3, 2, 2, 1)
    assert totals.first_refused[0].error == "Segment not found"


def test_an_update_of_several_segments_counts_pairs(client_of: MakeClient) -> None:
    script = Script(Reply(body={"status": "success", "processed": 1, "unprocessed": []}))
    totals = client_of(script).members.update([Change("a", frozenset({"S", "T"}))])
    assert (totals.given, totals.untold) == (2, 2)


def test_a_profile_shows_what_clevertap_tells(client_of: MakeClient) -> None:
    asked: list[str] = []

    def respond(request: Request) -> Reply:
        asked.append(request.path)
        return Reply(body=PROFILE)

    client = client_of(respond)
    found = client.profiles.get("jack")
    client.profiles.get(Guid("-123456789"))
    assert found.profile_data["Last Score"] == 308
    assert found.further["platformInfo"][0]["platform"] == "iOS"
    assert asked == ["/1/profile.json?identity=jack", "/1/profile.json?objectId=-123456789"]


def test_uploads_are_sent_and_counted(client_of: MakeClient) -> None:
    script = Script(Reply(body={"status": "success", "processed": 1, "unprocessed": []}))
    record = {"identity": "a", "type": "profile", "profileData": {"Name": "Ada"}}
    assert client_of(script).profiles.upload([record]).processed == 1
    assert script.requests[0].json == {"d": [record]}


def test_campaigns_are_created_once_listed_and_looked_at(client_of: MakeClient) -> None:
    created = Reply(body={"status": "success", "message": "Added to queue for processing", "id": 1457432766})
    client = client_of(Script(created, Reply(body=TARGETS), Reply(body=RESULT), None))
    assert client.campaigns.create({"name": "My API campaign"}) == 1457432766
    (campaign,) = client.campaigns.list(**{"from": 20160301, "to": 20160331})
    assert (campaign.scheduled_on, campaign.target_mode) == (201603081556, None)
    result = client.campaigns.result(campaign.id)
    assert (result.sent, result.status, result.further) == (100, "completed", {"clicked": 8})
    with pytest.raises(NoAnswerError):
        client.campaigns.create({"name": "My API campaign"})


@pytest.mark.parametrize(("user", "named"), [("client-19827239", "identity"), (Guid("ctid123"), "guid")])
def test_a_user_is_erased_by_their_call(client_of: MakeClient, user: str, named: str) -> None:
    script = Script(Reply(429, {"error": "Too many concurrent requests"}), None, Reply(body={"status": "success"}))
    client_of(script).profiles.erase(user)
    request = script.requests[-1]
    assert (request.method, request.path, request.json) == ("POST", "/1/delete/profiles.json", {named: user})


def test_a_campaign_is_stopped_also_once_more(client_of: MakeClient) -> None:
    script = Script(None, Reply(body={"status": "success"}))
    client_of(script).campaigns.stop(1457432766)
    assert [(each.path, each.json) for each in script.requests] == [("/1/targets/stop.json", {"id": 1457432766})] * 2


class Lists:
    """Gives links to itself, takes files at them, and answers the word that one is there by `ends`."""

    def __init__(self, *ends: Reply | None) -> None:
        self.ends = [*ends]
        self.url = ""
        self.failed = 1
        self.files: dict[str, bytes] = {}
        self.told: list[Any] = []

    def __call__(self, request: Request) -> Reply | None:
        if request.path == "/get_custom_list_segment_url":
            assert request.body == b""
            link = f"{self.url}/link-{len(self.files)}?Signature=s"
            return Reply(body={"status": "success", "presignedS3URL": link, "expiry": "7 May, 01:29 PM"})
        if request.method == "PUT":
            assert "X-CleverTap-Passcode" not in request.headers
            self.files[request.path] = request.body
            self.failed -= 1
            return Reply(503 if self.failed >= 0 else 200, {})
        self.told.append(request.json)
        return self.ends.pop(0)


@pytest.fixture
def list_file(tmp_path: Path) -> Path:
    path = tmp_path / "lapsed.csv"
    path.write_text("identity\nann\n", encoding="utf-8")
    return path


def test_a_custom_list_goes_where_a_link_says_and_its_last_link_is_told(client_of: MakeClient, list_file: Path) -> None:
    lists = Lists(Reply(body={"status": "success", "Segment ID": 1589345623}))
    client = client_of(lists)
    lists.url = str(client._transport._http.base_url).rstrip("/")  # noqa: SLF001 - where the test's server is
    found = client.imports.custom_list("Lapsed", list_file, replace=True, email="ops@example.com", creator="Ops")
    assert found == 1589345623
    assert lists.files == {f"/link-{number}?Signature=s": list_file.read_bytes() for number in (0, 1)}
    (told,) = lists.told
    assert told.pop("url").endswith("/link-1?Signature=s")
    assert told == {
        "name": "Lapsed",
        "email": "ops@example.com",
        "filename": "lapsed.csv",
        "creator": "Ops",
        "replace": True,
    }


def test_a_custom_list_is_not_told_twice_when_the_answer_is_lost(client_of: MakeClient, list_file: Path) -> None:
    lists = Lists(None)
    client = client_of(lists)
    lists.url = str(client._transport._http.base_url).rstrip("/")  # noqa: SLF001 - as above
    with pytest.raises(NoAnswerError) as raised:
        client.imports.custom_list("Lapsed", list_file)
    assert (raised.value.may_be_done, len(lists.told)) == (True, 1)
