"""What tests of reconciliation share: a queue that feeds the function, a segment to damage, and what it told."""

import json
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

from api_segments.aws import clients, keys
from api_segments.profiles.suppressions import SECOND_PASS_SECONDS
from api_segments.repair.tasks import LOOK_AGAIN_SECONDS
from functions.accounts.app import handler as accounts_handler
from functions.reconcile.app import handler as reconcile
from tests.integration.conftest import Account, Relay
from tests.integration.told import actions, numbered, users
from tests.support.clock import MovableClock
from tests.support.events import Context
from tests.support.state import Tables, counted, digested, live, turned_round
from tests.support.wired import forget_services

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

Json = Any
Environment = dict[str, str]


class Tasks:
    """Stands in for SQS's client: keeps the tasks of the function and gives them back to it."""

    def __init__(self, clock: MovableClock) -> None:
        self.clock = clock
        self.waiting: list[Json] = []
        self.put_off: list[Json] = []
        self.purges: list[Json] = []
        self.before_each: Callable[[], object] = lambda: None

    def send_message(self, QueueUrl: str, MessageBody: str, DelaySeconds: int) -> None:  # noqa: N803 - boto3's own names
        assert len(MessageBody) < 256 * 1024
        task = json.loads(MessageBody)
        if QueueUrl.endswith("/purges"):
            self.purges.append(task)
        else:
            assert QueueUrl.endswith("/reconciliations")
            assert DelaySeconds in (0, SECOND_PASS_SECONDS, LOOK_AGAIN_SECONDS)
            (self.put_off if DelaySeconds else self.waiting).append(task)

    def work(self, seconds: float = 60) -> int:
        """Let the function do all that waits, then what was put off; return how many invocations it took."""
        invocations = 0
        while self.waiting or self.put_off:
            if not self.waiting:
                self.clock.sleep(LOOK_AGAIN_SECONDS)
                self.waiting, self.put_off = self.put_off, []
            self.work_once(seconds)
            invocations += 1
        return invocations

    def work_once(self, seconds: float = 60) -> None:
        """Let the function do the first that waits."""
        self.before_each()
        task = self.waiting.pop(0)
        reconcile({"Records": [{"body": json.dumps(task)}]}, Context(seconds))


@pytest.fixture
def tasks(monkeypatch: pytest.MonkeyPatch, clock: MovableClock) -> Iterator[Tasks]:
    made = Tasks(clock)
    monkeypatch.setattr(clients, "sqs_client", lambda: made)
    forget_services()
    yield made
    forget_services()


@pytest.fixture
def accounts(environment: Environment) -> Callable[..., Json]:
    assert environment

    def call(**request: object) -> Json:
        answer = accounts_handler(request, Context())
        assert answer["status"] == "success", answer
        return answer

    return call


@pytest.fixture
def segment(account: Account, relay: Relay) -> int:
    """A segment with ten members, of whom one can be reached, all of it projected."""
    (made, other) = account.create("SEG-1", "SEG-2")
    account.update((numbered(10), actions("ADD", made)), (users("U0"), actions("ADD", other)))
    account.upload({"identity": "U0", "type": "profile", "profileData": {"Email": "ada@example.com"}})
    relay.drain()
    return made


def run(account: Account, tasks: Tasks, capsys: pytest.CaptureFixture[str], seconds: float = 60) -> dict[str, int]:
    """Reconcile the account; return what the metrics lines say was found."""
    tasks.waiting.append(
        {"scope": {"account_id": account.account_id, "segment_id": None}, "position": {"stage": "profiles"}}
    )
    capsys.readouterr()
    tasks.work(seconds)
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines() if "Differences" in line]
    found = {name: int(sum(line[name][0] for line in lines if name in line)) for name in (*NOTHING, "Differences")}
    parts = ("RowsMended", "CountsMended", "ClaimsMended", "ClaimsTaken")
    assert found.pop("Differences") == sum(found[name] for name in parts)
    return found


def agrees(account: Account, tables: Tables) -> bool:
    """Tell whether rows are the truth turned round, and counts and digests those of the rows."""
    rows = live(tables.members(account.account_id))
    is_counted = tables.counts(account.account_id) == counted(rows)
    is_digested = tables.digests(account.account_id) == digested(rows)
    return rows == turned_round(tables.memberships(account.account_id)) and is_counted and is_digested


NOTHING = {
    "RowsMended": 0,
    "CountsMended": 0,
    "ClaimsMended": 0,
    "ClaimsTaken": 0,
    "SegmentsBusy": 0,
    "MembersTakenOut": 0,
    "PurgesBegun": 0,
    "ReconciliationsFinished": 1,
}


def row_key(account: Account, segment: int, profile_id: str) -> Json:
    return {
        "pk": {"S": keys.member_bucket(account.account_id, segment, profile_id)},
        "profile_id": {"S": profile_id},
    }


def delete_row(client: "DynamoDBClient", environment: Environment, key: Json) -> None:
    client.delete_item(TableName=environment["SEGMENT_MEMBERS_TABLE"], Key=key)
