"""What a fault must not do to others, a database that hangs, and all faults at once."""

import socket
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from random import Random
from threading import Event as Signal
from typing import TYPE_CHECKING, Any

import pytest
from botocore.config import Config
from botocore.exceptions import ReadTimeoutError

from api_segments.aws import clients
from api_segments.aws.clients import (
    CONFIG,
    dynamodb_client,  # as it is, while a test has put another in its place
)
from api_segments.core.parallel import in_parallel
from tests.integration.conftest import Account, Relay
from tests.support.clock import MovableClock
from tests.support.faults import (
    Fault,
    FaultyClient,
    answer_lost,
    cancelled,
    fine,
    keys_unprocessed,
    not_sent,
    refused,
    statements_fail,
)
from tests.support.state import Tables, assert_projected
from tests.support.threads import at_once
from tests.support.waiting import PATIENCE_SECONDS

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient
from tests.integration.told import (
    A_MOMENT,
    Json,
    actions,
    memberships,
    numbered,
    pairs_in,
    pairs_not_written,
    pairs_of,
    summary,
    update,
    users,
)

READ_SECONDS: float = CONFIG.read_timeout  # type: ignore[attr-defined]  # it has what it was made with

# What a fault must not do to others


def test_an_item_that_cannot_be_read_in_full_denies_nobody_his_answer(
    account: Account, tables: Tables, dynamodb: "DynamoDBClient"
) -> None:
    gold, silver = account.create(None, None)
    update(account, (numbered(3), actions("ADD", gold)))
    dynamodb.update_item(
        TableName=tables.environment["MEMBERSHIPS_TABLE"],
        Key={"pk": {"S": f"{account.account_id}#{tables.profile_of(account.account_id, 'U1')}"}},
        UpdateExpression="SET reach = :reach",
        ExpressionAttributeValues={":reach": {"SS": ["telepathy"]}},
    )
    _, answer, _ = update(account, (numbered(3), actions("ADD", silver)))
    assert answer["summary"] == summary(added=3)


def test_parallel_work_ends_before_its_failure_is_told() -> None:
    told, ended = Signal(), Signal()

    def work(name: str) -> None:
        if name == "fails":
            raise ValueError(name)
        told.wait(0.3)  # as long as the failure has not been told
        ended.set()

    with pytest.raises(ValueError, match="fails"):
        in_parallel(work, ["fails", "goes on"])
    had_ended = ended.is_set()
    told.set()
    assert had_ended


@contextmanager
def silent_endpoint() -> Iterator[str]:
    """Take connections and never answer, as a database does that is cut off."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(64)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


def hang(clock: MovableClock, call: Callable[..., Json], _: object, arguments: Json) -> Json:
    """Call what never answers, and let as much time pass as the product waits for it."""
    try:
        return call(**arguments)
    except ReadTimeoutError:
        clock.move(seconds=READ_SECONDS)
        raise


@pytest.mark.parametrize(
    "hanging",
    [
        ("batch_get_item",),
        ("batch_execute_statement", "transact_write_items", "batch_write_item"),  # one phase after the other
    ],
)
def test_a_database_that_hangs_does_not_outlast_the_invocation(
    account: Account, faulty: FaultyClient, clock: MovableClock, hanging: tuple[str, ...]
) -> None:
    (gold,) = account.create(None)
    update(account, (users("known"), actions("ADD", gold)))
    seconds = 9.0
    asked = users("known", "new"), [*actions("REMOVE", gold), *actions("ADD", 1)]
    both = users("known", "new"), actions("ADD", gold)
    with silent_endpoint() as endpoint, pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL_DYNAMODB", endpoint)
        patch.setattr(clients, "CONFIG", CONFIG.merge(Config(connect_timeout=PATIENCE_SECONDS, read_timeout=0.1)))
        silent: Any = dynamodb_client.__wrapped__()
        for operation in hanging:
            faulty.always(operation, partial(hang, clock, getattr(silent, operation)))
        began = clock.monotonic()
        status, answer, _ = update(account, asked, both, seconds=seconds)
        took = clock.monotonic() - began
        silent.close()
    assert answer["status"] == "fail"
    assert status == (503 if hanging == ("batch_get_item",) else 200)  # 200: an unknown segment is the request's fault
    assert READ_SECONDS < took < seconds, "Lambda would have ended the function without an answer"


# All of it at once

FAULTS: dict[str, list[Callable[[Random], Fault]]] = {
    "batch_get_item": [lambda _: keys_unprocessed, lambda _: not_sent(), lambda _: refused("ThrottlingException")],
    "batch_execute_statement": [
        lambda _: answer_lost,
        lambda _: not_sent(),
        lambda _: refused("ThrottlingException"),
        lambda choice: statements_fail("ThrottlingError", choice.sample(range(25), 12)),
        lambda choice: statements_fail("TransactionConflict", choice.sample(range(25), 12)),
        lambda choice: statements_fail("ValidationError", choice.sample(range(25), 2)),
    ],
    "transact_write_items": [
        lambda _: answer_lost,
        lambda _: not_sent(),
        lambda _: cancelled("TransactionConflict"),
        lambda _: cancelled("ThrottlingError"),
    ],
}


@pytest.mark.parametrize("seed", range(5))
def test_whatever_goes_wrong_each_pair_is_told_once_and_what_is_told_is_true(
    account: Account, tables: Tables, faulty: FaultyClient, relay: Relay, seed: int
) -> None:
    choice = Random(seed)  # noqa: S311 - a seeded test
    segments = account.create(None, None, None)
    before = memberships(tables, account)
    created_before = 0
    for _ in range(12):
        who = choice.sample(numbered(12), choice.randint(1, 12))
        what = [{"ct_segment_id": segment, "action": choice.choice(["ADD", "REMOVE"])} for segment in segments]
        lost = _break_some(faulty, choice)

        _, answer, _ = update(account, (who, what), seconds=choice.choice([A_MOMENT - 0.3, A_MOMENT, 5, 28]))

        faulty.heal()
        items = tables.memberships(account.account_id)
        after, created = pairs_in(items), len(items)
        asked = set(pairs_of({"user_profiles": who, "segments": what}))
        listed = set(pairs_not_written(answer)) if "processed" in answer else asked
        wish = {segment["ct_segment_id"]: segment["action"] for segment in what}
        processed = asked - listed
        assert all((pair in after) == (wish[pair[1]] == "ADD") for pair in processed), "told as done, and is not"
        changed = {pair for pair in processed if (pair in before) != (pair in after)}
        really = Counter("added" if pair in after else "removed" for pair in changed)
        told = Counter(answer.get("summary", {}))
        for name in ("added", "removed"):
            assert told[name] <= really[name]
            assert lost or told[name] == really[name]
        assert told["profiles_created"] <= created - created_before
        assert before ^ after <= asked, "changed, and not asked for"
        before, created_before = after, created

    relay.drain()
    assert_projected(tables, account.account_id)


def _break_some(faulty: FaultyClient, choice: Random) -> bool:
    """Make some of the next calls go wrong; return whether an update's answer may be lost among them."""
    lost = False
    for operation, faults in FAULTS.items():
        made = [choice.choice(faults)(choice) if choice.random() < 0.4 else fine for _ in range(3)]
        lost = lost or (operation == "batch_execute_statement" and answer_lost in made)
        faulty.next(operation, *made)
    return lost


@pytest.mark.usefixtures("side_by_side")
def test_racing_creations_of_one_user_with_lost_answers_count_it_once(
    account: Account, tables: Tables, faulty: FaultyClient
) -> None:
    segments = account.create(*[None] * 6)
    faulty.next("transact_write_items", answer_lost, fine, not_sent(), answer_lost, cancelled("TransactionConflict"))

    answers = at_once([partial(update, account, (users("new"), actions("ADD", segment))) for segment in segments])

    assert len(tables.memberships(account.account_id)) == 1
    assert memberships(tables, account) == {("new", segment) for segment in segments}
    total: Counter[str] = Counter()
    for _, answer, _ in answers:
        total.update(answer["summary"])
    assert total == {"added": 6, "removed": 0, "unchanged": 0, "profiles_created": 1}
