"""Profiles over HTTP on the deployed stack: upload, look up, reachable counts, erasure, usage, plans."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from local.stack import Account, Stack
from tests.e2e.conftest import AccountFactory, SubscriberFactory, client_of
from tests.support.bodies import act, update, users
from tests.support.uploads import profile, token
from tests.support.waiting import wait_until

Json = Any
Fresh = tuple[Account, httpx.Client]


@pytest.fixture
def fresh(stack: Stack, account_factory: AccountFactory) -> Iterator[Fresh]:
    """An account of the test's own and a client that speaks for it."""
    account = account_factory()
    with client_of(stack, account) as client:
        yield account, client


def upload(api: httpx.Client, *records: Json) -> Json:
    answer = api.post("/1/upload", json={"d": list(records)})
    assert answer.status_code == 200, answer.text
    assert answer.headers["x-request-id"]
    return answer.json()


def create(api: httpx.Client, *names: str) -> list[int]:
    answer = api.post("/api/createSegment", json=[{"segment_name": name} for name in names])
    return [segment["id"] for segment in answer.json()["segments"]]


def join(api: httpx.Client, segment: int, *identities: str) -> None:
    answer = api.post("/api/updateSegment", json=update(users(*identities), [act("ADD", ct=segment)]))
    assert answer.json()["status"] == "success", answer.text


def wait_for_counts(api: httpx.Client, segment: int, members: int, **reachable: int) -> None:
    seen: list[Json] = []

    def arrived() -> bool:
        answer: Mapping[str, Any] = api.get(f"/api/segments/{segment}").json()
        seen[:] = [answer["members"], {name: figure for name, figure in answer["reachable"].items() if figure}]
        return seen == [members, reachable]

    wait_until(arrived, f"{members} members, of whom {reachable} can be reached")


def wait_for_usage(api: httpx.Client, data_points: int) -> None:
    month = f"{datetime.now(UTC):%Y-%m}"
    wanted = {"month": month, "data_points": data_points, "plan": "Advanced"}
    wait_until(lambda: api.get("/api/usage").json() == wanted, f"{data_points} data points")
    assert api.get("/api/usage", params={"month": month}).json() == wanted


def test_reachable_counts_follow_uploads_and_opt_outs_and_erasure_ends_them(
    fresh: Fresh, subscriber: SubscriberFactory
) -> None:
    account, api = fresh
    events = subscriber({"detail-type": ["Segment Membership Change"], "detail": {"Account ID": [account.account_id]}})
    gold, silver = create(api, "Gold", "Silver")
    join(api, gold, "a", "b", "c")
    join(api, silver, "a")
    answer = upload(
        api,
        profile("a", Email="a@example.com", Phone="+12025550123", **{"MSG-whatsapp": True}),
        profile("b", Email="b@example.com"),
        token("c", "t", "apns"),
        token("c", "u", "chrome"),
        profile("d", Email="nobody"),
    )
    assert (answer["status"], answer["processed"]) == ("partial", 4)
    (failed,) = answer["unprocessed"]
    assert (failed["code"], failed["error"]) == (400, "profileData.Email: must be an email address")
    wait_for_counts(api, gold, 3, email=2, sms=1, whatsapp=1, push=1, web_push=1)
    wait_for_counts(api, silver, 1, email=1, sms=1, whatsapp=1)

    upload(api, profile("b", **{"MSG-email": False}), token("c", "t", "apns", remove=True), profile("a", Phone=None))
    wait_for_counts(api, gold, 3, email=1, web_push=1)
    wait_for_counts(api, silver, 1, email=1)

    erased = api.delete("/api/profiles/a")
    assert (erased.status_code, erased.json()) == (200, {"status": "success"})
    assert api.get("/1/profile.json", params={"identity": "a"}).status_code == 404
    assert api.delete("/api/profiles/a").status_code == 404
    wait_for_counts(api, gold, 2, web_push=1)
    wait_for_counts(api, silver, 0)

    details: list[Mapping[str, Any]] = []

    def enough() -> bool:
        details.extend(each.detail for each in events.receive_many())
        return len(details) >= 6

    wait_until(enough, "six events")
    changes = [(each["Identity"], each["Segment ID"], each["Action"]) for each in details]
    assert sorted(changes) == sorted(
        [
            *((name, gold, "ADD") for name in "abc"),
            ("a", silver, "ADD"),
            ("a", gold, "REMOVE"),
            ("a", silver, "REMOVE"),
        ]
    )
    wait_for_usage(api, 6)


@pytest.mark.parametrize("identity", ["é/%2F #&?=+", "🦊 a@example.com", "100%", "a+b", "%41"])
def test_a_profile_is_found_by_any_identity_and_erased_by_it(fresh: Fresh, identity: str) -> None:
    _, api = fresh
    assert upload(api, profile(identity, Tier="Gold", **{"é🦊": "ü"}))["status"] == "success"
    queries = (f"identity={quote(identity, safe='')}", str(httpx.QueryParams({"identity": identity})))
    answers = [api.get(f"/1/profile.json?{query}") for query in queries]
    assert [answer.status_code for answer in answers] == [200, 200]
    record = answers[0].json()["record"]
    assert (record["identity"], record["profileData"]) == (identity, {"Tier": "Gold", "é🦊": "ü"})
    by_guid = api.get("/1/profile.json", params={"guid": record["guid"]})
    assert by_guid.json() == answers[0].json() == answers[1].json()
    assert api.delete(f"/api/profiles/{quote(identity, safe='')}").json() == {"status": "success"}
    assert api.get("/1/profile.json", params={"guid": record["guid"]}).status_code == 404


def test_a_linked_guid_keeps_its_segments(fresh: Fresh) -> None:
    _, api = fresh
    (gold,) = create(api, "Gold")
    api.post("/api/updateSegment", json=update([{"guid": "device-1"}], [act("ADD", ct=gold)]))
    assert upload(api, profile("a", "device-1", Email="a@example.com"))["status"] == "success"
    assert [each["id"] for each in api.get("/api/profiles/a/segments").json()["segments"]] == [gold]
    refused = upload(api, profile("b", "device-1"))["unprocessed"]
    assert [(each["code"], each["error"]) for each in refused] == [
        (409, "guid device-1 belongs to identity a, not to b")
    ]
    wait_for_counts(api, gold, 1, email=1)


@pytest.mark.parametrize(
    ("method", "path", "code"),
    [
        ("GET", "/1/profile.json", 400),
        ("GET", "/1/profile.json?identity=", 400),
        ("GET", "/1/profile.json?email=a", 400),
        ("GET", "/api/usage?month=2026-13", 400),
        ("POST", "/1/upload", 400),
        ("GET", "/1/profile.json?identity=nobody", 404),
        ("DELETE", "/api/profiles/nobody", 404),
    ],
)
def test_a_wrong_call_is_refused_in_the_apis_shape(api: httpx.Client, method: str, path: str, code: int) -> None:
    answer = api.request(method, path)
    assert (answer.status_code, answer.json()["status"], answer.json()["code"]) == (code, "fail", code)


@pytest.mark.parametrize(("plan", "beta"), [("Essentials", True), ("Cutting Edge", False)])
def test_an_account_without_the_feature_keeps_profiles_but_no_segments(
    stack: Stack, account_factory: AccountFactory, plan: str, beta: bool
) -> None:
    with client_of(stack, account_factory(plan, private_beta=beta)) as api:
        assert upload(api, profile("a", Email="a@example.com"))["status"] == "success"
        found = api.get("/1/profile.json", params={"identity": "a"})
        assert found.json()["record"]["reachable"]["email"] is True
        for answer in (
            api.post("/api/createSegment", json=[{"segment_name": "Gold"}]),
            api.post("/api/updateSegment", json=update(users("a"), [act("ADD", ct=1)])),
            api.get("/api/segments/1"),
            api.get("/api/profiles/a/segments"),
        ):
            assert (answer.status_code, answer.json()["code"]) == (403, 403), answer.text
        assert (api.get("/api/usage").json()["data_points"], api.get("/api/usage").json()["plan"]) == (0, plan)
        assert api.delete("/api/profiles/a").status_code == 200
