"""The Python client against the deployed stack: a data team's day, on a good network and on a bad one."""

import csv
import itertools
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from threading import Lock
from urllib.parse import urlsplit

import httpx
import pytest

from api_segments_client import Client, ImportRefusedError, NotFoundError, Retry, SegmentsError
from client.tests.server import Reply, Request, serving
from local.campaigns import declare
from local.stack import Account, Stack
from tests.e2e.conftest import AccountFactory
from tests.support.waiting import PATIENCE_SECONDS, wait_until

USERS = [f"u{number}" for number in range(250)]
STAY, NEW = USERS[50:], [f"new{number}" for number in range(10)]
REFUSED = ("a\tb", "x" * 256)
ADDRESS = "ann@example.com"
FAULTS = ("", "reset", "", "lost", "half", "", "throttled", "unavailable")
"""Each request meets the next one, a try of it again too."""


@contextmanager
def bad_network(stack: Stack, faults: Sequence[str]) -> Iterator[str]:
    """Hand requests on to the API and answers back, less well than a network should; yield the address."""
    parts = urlsplit(stack.api_url)
    turns, lock = itertools.cycle(faults), Lock()
    with httpx.Client(base_url=f"{parts.scheme}://{parts.netloc}", timeout=PATIENCE_SECONDS, trust_env=False) as api:

        def respond(request: Request) -> Reply | None:
            with lock:
                fault = next(turns)
            if fault == "reset":
                return None
            if fault == "throttled":
                return Reply(429, {"status": "fail", "error": "too many requests", "code": 429}, {"Retry-After": "0"})
            kept = {
                name: value for name, value in request.headers.items() if name.lower() not in ("host", "connection")
            }
            answer = api.request(request.method, request.path, headers=kept, content=request.body)
            if fault == "lost":
                return None
            if fault == "unavailable":
                return Reply(503, {"status": "fail", "error": "no answer in time", "code": 503})
            told = {"Content-Type": answer.headers.get("Content-Type", "")}
            return Reply(answer.status_code, raw=answer.content, headers=told, missing=7 if fault == "half" else 0)

        with serving(respond) as url:
            yield f"{url}{parts.path}"


MakeClient = Callable[[Account], Client]


@pytest.fixture(params=[("",), FAULTS], ids=["good network", "bad network"])
def client_of(stack: Stack, request: pytest.FixtureRequest) -> Iterator[MakeClient]:
    with ExitStack() as ending:
        url = ending.enter_context(bad_network(stack, request.param))
        retry = Retry(patience=PATIENCE_SECONDS, first=0.01, most=1.0)
        yield lambda account: ending.enter_context(Client(url, account.account_id, account.passcode, retry=retry))


def push_with_refused_users(client: Client, tmp_path: Path) -> None:
    refused = tmp_path / "refused.jsonl"
    totals = client.members.push("LAPSED", add=[*USERS, *REFUSED], on_refused=refused)
    assert (totals.given, totals.processed, totals.refused, totals.not_sent) == (252, 250, 2, 0)
    assert totals.added + totals.unchanged == len(USERS)
    assert totals.added == len(USERS) or totals.resent
    assert totals.profiles_created == totals.added
    told = [json.loads(line) for line in refused.read_text(encoding="utf-8").splitlines()]
    assert [line["record"]["user_profiles"] for line in told] == [[{"identity": user}] for user in REFUSED]
    assert [line["code"] for line in told] == [400, 400]


def replace_guarded_previewed_undone(client: Client, tmp_path: Path) -> None:
    file, exported = tmp_path / "lapsed.csv", tmp_path / "members.csv"
    file.write_text("\n".join(["identity", *STAY, *NEW, ""]), encoding="utf-8")
    with pytest.raises(ImportRefusedError, match="max_removed_percent is 10, and 50 of 250") as stopped:
        client.imports.replace("LAPSED", file, guard={"max_removed_percent": 10})
    assert stopped.value.imported.status == "refused"
    previewed = client.imports.replace("LAPSED", file, guard={"max_removed_percent": 20}, preview=True)
    assert previewed.preview is not None
    assert (previewed.preview.to_add, previewed.preview.to_remove, previewed.preview.unchanged) == (10, 50, 200)
    done = client.imports.apply(previewed.import_id)
    assert done.result is not None
    assert (done.result.added, done.result.removed) == (10, 50)
    assert client.segments.verify("LAPSED", [*STAY, *NEW], settle=PATIENCE_SECONDS).matches
    assert not client.segments.verify("LAPSED", USERS, settle=0).matches
    assert client.exports.save("LAPSED", exported).members == len(STAY) + len(NEW)
    with exported.open(newline="", encoding="utf-8") as rows:
        assert {row["identity"] for row in csv.DictReader(rows)} == {*STAY, *NEW}
    undone = client.imports.undo(previewed.import_id)
    assert undone.undo is not None
    assert (undone.undo.added, undone.undo.removed) == (50, 10)
    assert client.segments.verify("LAPSED", USERS, settle=PATIENCE_SECONDS).matches


def find_and_erase(client: Client) -> None:
    records = [{"identity": who, "type": "profile", "profileData": {"Email": ADDRESS}} for who in ("ann", "double")]
    assert client.profiles.upload(records).processed == 2

    def found() -> set[str | None]:
        return {profile.identity for profile in client.profiles.find(email=ADDRESS)}

    wait_until(lambda: found() == {"ann", "double"}, "both who have the address")
    client.profiles.erase("double")
    with pytest.raises(NotFoundError):
        client.profiles.get("double")
    wait_until(lambda: found() == {"ann"}, "the one who was not erased")
    assert client.profiles.get("ann").profile_data["Email"] == ADDRESS


def begin_and_stop_a_campaign(client: Client) -> None:
    when = {"type": "event", "segment": {"customer_segment_id": "LAPSED"}, "action": "ADD"}
    campaign = {"name": "Come back", "target_mode": "sms", "when": when, "content": {"body": "We miss you"}}
    number = client.campaigns.create(campaign)
    assert [each.id for each in client.campaigns.list()] == [number]
    client.campaigns.stop(number)
    client.campaigns.stop(number)
    assert (client.campaigns.get(number).name, client.campaigns.result(number).status) == ("Come back", "stopped")


def test_a_data_teams_day(stack: Stack, account_factory: AccountFactory, client_of: MakeClient, tmp_path: Path) -> None:
    account = account_factory()
    declare(stack, account)
    client = client_of(account)
    segment = client.segments.create("Lapsed", "LAPSED")
    assert client.segments.get("LAPSED").id == segment.id
    push_with_refused_users(client, tmp_path)
    assert client.segments.verify("LAPSED", USERS, settle=PATIENCE_SECONDS).matches
    replace_guarded_previewed_undone(client, tmp_path)
    find_and_erase(client)
    begin_and_stop_a_campaign(client)
    # An update whose answer got lost is sent again, and refused again.
    wait_until(lambda: {error.code for error in client.errors()} == {400}, "what was refused in the error stream")
    changes = len(USERS) + 2 * (50 + len(NEW))
    wait_until(lambda: client.usage().data_points == changes, f"{changes} data points")
    wrong = client_of(Account(account.account_id, "wrong"))
    with pytest.raises(SegmentsError, match="401"):
        wrong.usage()
