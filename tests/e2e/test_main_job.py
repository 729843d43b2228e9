"""The deployed template, over HTTP: create segments, push members, receive the events, read it back."""

import json
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from local.aws import session
from local.samples import ACCOUNT_ID, SEGMENTS
from local.stack import Account, Stack, invoke
from local.subscriber import CHANGE, EventQueue
from tests.e2e.conftest import AccountFactory, SubscriberFactory, client_of
from tests.support.events import sample
from tests.support.samples import FUNCTIONS, assert_answer_to_sample
from tests.support.template import ROOT, load
from tests.support.waiting import PATIENCE_SECONDS, wait_until


@pytest.fixture
def fresh(stack: Stack, account_factory: AccountFactory) -> Iterable[tuple[Account, httpx.Client]]:
    """An account of the test's own and a client that speaks for it."""
    account = account_factory()
    with client_of(stack, account) as client:
        yield account, client


def collect(queue: EventQueue, expected: int) -> list[Mapping[str, Any]]:
    """Receive until `expected` events are there, and what comes within a second more, so that one too many shows."""
    details: list[Mapping[str, Any]] = []

    def enough() -> bool:
        details.extend(event.detail for event in queue.receive_many())
        return len(details) >= expected

    wait_until(enough, f"{expected} events")
    details.extend(event.detail for event in queue.receive_many())
    return details


def test_the_main_job(fresh: tuple[Account, httpx.Client], subscriber: SubscriberFactory) -> None:
    account, api = fresh
    events = subscriber(
        {"source": ["api-segments"], "detail-type": [CHANGE], "detail": {"Account ID": [account.account_id]}}
    )

    created = api.post(
        "/api/createSegment",
        json=[{"segment_name": "Premium Users", "customer_segment_id": "SEG12345"}, {"segment_name": "Ünïcødé 🦊"}],
    )
    assert created.status_code == 200, created.text
    premium, fox = (segment["id"] for segment in created.json()["segments"])

    people = [{"identity": f"user {n}/é%2F#"} for n in range(100)]
    both = [{"customer_segment_id": "SEG12345", "action": "ADD"}, {"ct_segment_id": str(fox), "action": "ADD"}]
    first = api.post("/api/updateSegment", json={"bulk_profiles": [{"user_profiles": people, "segments": both}]})
    assert first.json()["summary"] == {"added": 200, "removed": 0, "unchanged": 0, "profiles_created": 100}
    again = api.post("/api/updateSegment", json={"bulk_profiles": [{"user_profiles": people, "segments": both}]})
    assert again.json()["summary"] == {"added": 0, "removed": 0, "unchanged": 200, "profiles_created": 0}
    leave = [{"ct_segment_id": premium, "action": "REMOVE"}]
    removed = api.post(
        "/api/updateSegment", json={"bulk_profiles": [{"user_profiles": people[:10], "segments": leave}]}
    )
    assert removed.json()["summary"] == {"added": 0, "removed": 10, "unchanged": 0, "profiles_created": 0}

    of_user = api.get(f"/api/profiles/{quote('user 0/é%2F#', safe='')}/segments")
    assert of_user.status_code == 200, of_user.text
    assert of_user.json()["identity"] == "user 0/é%2F#"
    assert of_user.json()["segments"] == [{"id": fox, "segment_name": "Ünïcødé 🦊", "customer_segment_id": None}]

    details = collect(events, 210)
    assert len({detail["Event ID"] for detail in details}) == len(details) == 210
    changes = [(detail["Identity"], detail["Segment ID"], detail["Action"]) for detail in details]
    assert sorted(changes) == sorted(
        [(person["identity"], segment, "ADD") for person in people for segment in (premium, fox)]
        + [(person["identity"], premium, "REMOVE") for person in people[:10]]
    )

    def counted() -> bool:
        return (members(api, premium), members(api, fox)) == (90, 100)

    wait_until(counted, "the counts to be 90 and 100")


def members(api: httpx.Client, segment_id: int) -> int:
    found: int = api.get(f"/api/segments/{segment_id}").json()["members"]
    return found


def test_requests_side_by_side_lose_nothing(fresh: tuple[Account, httpx.Client], subscriber: SubscriberFactory) -> None:
    account, api = fresh
    events = subscriber({"detail-type": [CHANGE], "detail": {"Account ID": [account.account_id]}})
    segment = api.post("/api/createSegment", json=[{"segment_name": "Everyone"}]).json()["segments"][0]["id"]

    def push(start: int) -> int:
        people = [{"identity": f"u{n}"} for n in range(start, start + 60)]  # each overlaps the next by 10
        group = {"user_profiles": people, "segments": [{"ct_segment_id": segment, "action": "ADD"}]}
        added: int = api.post("/api/updateSegment", json={"bulk_profiles": [group]}).json()["summary"]["added"]
        return added

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(push, range(0, 400, 50))) == 410
    details = collect(events, 410)
    assert {detail["Identity"] for detail in details} == {f"u{n}" for n in range(410)}
    assert len(details) == 410
    wait_until(lambda: members(api, segment) == 410, "the count to be 410")


def test_tenants_do_not_see_each_other(
    stack: Stack, fresh: tuple[Account, httpx.Client], account_factory: AccountFactory
) -> None:
    _, mine = fresh
    segment = mine.post("/api/createSegment", json=[{"segment_name": "Mine", "customer_segment_id": "SAME"}]).json()
    segment_id = segment["segments"][0]["id"]
    with client_of(stack, account_factory()) as theirs:
        assert theirs.get(f"/api/segments/{segment_id}").status_code == 404
        group = {
            "user_profiles": [{"identity": "u"}],
            "segments": [
                {"ct_segment_id": segment_id, "action": "ADD"},
                {"customer_segment_id": "SAME", "action": "ADD"},
            ],
        }
        answer = theirs.post("/api/updateSegment", json={"bulk_profiles": [group]}).json()
        assert answer["status"] == "fail"
        assert [entry["code"] for entry in answer["unprocessed"]] == [404, 404]
        assert theirs.post("/api/createSegment", json=segment_like("SAME")).json()["status"] == "success"


def segment_like(customer_segment_id: str) -> list[dict[str, str]]:
    return [{"segment_name": "Theirs", "customer_segment_id": customer_segment_id}]


@pytest.mark.parametrize(
    ("plan", "beta", "needed"),
    [("Essentials", True, "Advanced or Cutting Edge"), ("Advanced", False, "beta flag")],
)
def test_an_account_without_the_feature_is_told_what_it_needs(
    stack: Stack,
    account_factory: AccountFactory,
    plan: str,
    beta: bool,
    needed: str,
) -> None:
    with client_of(stack, account_factory(plan, private_beta=beta)) as api:
        refused = api.post("/api/createSegment", json=[{"segment_name": "x"}])
        assert refused.status_code == 403
        assert refused.json()["code"] == 403
        assert needed in refused.json()["error"]


def test_a_body_near_the_platforms_limit_is_refused_in_our_shape(api: httpx.Client) -> None:
    refused = api.post("/api/updateSegment", content=b'{"bulk_profiles":[' + b" " * 5_900_000 + b"]}")
    assert (refused.status_code, refused.json()["code"]) == (413, 413)


def test_health_needs_no_account(stack: Stack) -> None:
    answer = httpx.get(f"{stack.api_url}/health", timeout=PATIENCE_SECONDS, trust_env=False)
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_deployed_function_takes_its_sample_event(stack: Stack, function: str) -> None:
    client = session().client("lambda", endpoint_url=stack.endpoint_url)
    answer = client.invoke(FunctionName=stack.functions[function], Payload=json.dumps(sample(function)).encode())
    payload = json.loads(answer["Payload"].read())
    assert "FunctionError" not in answer, payload
    assert_answer_to_sample(function, payload)


def test_the_sample_of_publish_changes_publishes(stack: Stack, subscriber: SubscriberFactory) -> None:
    queue = subscriber({"detail-type": [CHANGE], "detail": {"Account ID": [ACCOUNT_ID]}})
    invoke(stack.endpoint_url, stack.functions["publish_changes"], sample("publish_changes"))
    published: set[tuple[str, int]] = set()

    def all_three() -> bool:
        published.update((event.detail["Action"], event.detail["Segment ID"]) for event in queue.receive_many())
        return len(published) == 3

    (first, *_), (second, *_) = SEGMENTS
    wait_until(all_three, "the sample's three changes")
    assert published == {("ADD", first), ("ADD", second), ("REMOVE", first)}


def test_the_documented_subscriber_gets_what_it_asks_for_and_nothing_else(
    fresh: tuple[Account, httpx.Client], subscriber: SubscriberFactory
) -> None:
    account, api = fresh
    pattern = load(ROOT / "docs" / "subscriber.yaml")["Resources"]["JoinedRule"]["Properties"]["EventPattern"]
    events = subscriber({**pattern, "detail": {**pattern["detail"], "Account ID": [account.account_id]}})

    wanted = pattern["detail"]["Customer_Segment_ID"][0]
    api.post("/api/createSegment", json=[*segment_like(wanted), {"segment_name": "x", "customer_segment_id": "OTHER"}])

    def update(customer_segment_id: str, action: str, identity: str) -> None:
        group = {
            "user_profiles": [{"identity": identity}],
            "segments": [{"customer_segment_id": customer_segment_id, "action": action}],
        }
        assert api.post("/api/updateSegment", json={"bulk_profiles": [group]}).json()["status"] == "success"

    update("OTHER", "ADD", "a")
    update(wanted, "ADD", "a")
    update(wanted, "REMOVE", "a")
    update(wanted, "ADD", "last")
    details = collect(events, 2)
    assert [(detail["Identity"], detail["Action"]) for detail in details] == [("a", "ADD"), ("last", "ADD")]


@pytest.mark.parametrize(
    ("spelling", "status"),
    [
        (lambda account: [(name.lower(), value) for name, value in account.headers.items()], 404),
        (lambda account: [(name.upper(), value) for name, value in account.headers.items()], 404),
        (lambda account: [(name, f"  {value} ") for name, value in account.headers.items()], 404),
        (lambda account: 2 * list(account.headers.items()), 401),
        (lambda account: list(account.headers.items())[:1], 401),
        (lambda account: list(account.headers.items())[1:], 401),
        (lambda account: [(name, value.lower()) for name, value in account.headers.items()], 401),
        (lambda _: [], 401),
    ],
    ids=["lower case", "upper case", "padded", "doubled", "no passcode", "no account", "values of other case", "none"],
)
def test_headers_are_taken_as_http_has_them(
    stack: Stack, spelling: Callable[[Account], list[tuple[str, str]]], status: int
) -> None:
    url = httpx.URL(f"{stack.api_url}/api/segments/1")
    connection = HTTPConnection(
        url.host, url.port, timeout=PATIENCE_SECONDS
    )  # sends headers as they are; httpx refuses some
    connection.putrequest("GET", url.path)
    for name, value in spelling(stack.account):
        connection.putheader(name, value)
    connection.endheaders()
    answer = connection.getresponse()
    assert (answer.status, json.loads(answer.read())["code"]) == (status, status)
    assert answer.headers["X-Request-Id"]
    connection.close()
