"""A batch that was given up is read from its stream whole, or not at all; a replay ends within its time."""

from typing import Any

import pytest
from botocore.exceptions import ReadTimeoutError

from api_segments.aws.clients import INVOKE_SECONDS
from api_segments.core.errors import UnavailableError
from api_segments.http.streams import IS_REPLAY
from api_segments.repair.store_failed_records import FailedRecords, RecordsGoneError
from functions.replay.app import handler as replay
from tests.integration.replaying import (
    HANDLERS,
    Functions,
    Queue,
    Shard,
    answer_of,
    functions,
    queue,
)
from tests.support.clock import MovableClock
from tests.support.events import Context, Event
from tests.support.template import resources

__all__ = ["functions", "queue"]  # fixtures
Json = Any


@pytest.mark.parametrize("is_open", [False, True])
@pytest.mark.parametrize(
    "pages",
    [
        [[1, 2, 3, 4, 5]],
        [[1, 2], [3, 4], [5]],
        [[], [1, 2, 3, 4, 5]],
        [[], [], [1], [2, 3], [4]],
        [[1, 2], [], [3, 4]],
        [[1, 2], [], [], [3], [], [4]],
    ],
)
def test_a_batch_is_read_to_its_last_record_through_empty_pages(pages: list[list[int]], *, is_open: bool) -> None:
    assert Shard(*pages, is_open=is_open).records(1, 4) == [1, 2, 3, 4]


@pytest.mark.parametrize("pages", [[[]], [[1, 2]], [[1, 2], [5]], [[5]], [[], [1], []]])
def test_a_batch_without_its_last_record_is_never_taken_for_whole(pages: list[list[int]]) -> None:
    with pytest.raises(RecordsGoneError):
        Shard(*pages).records(1, 4)


def test_a_batch_whose_last_record_does_not_come_in_time_is_not_taken_for_whole() -> None:
    with pytest.raises(UnavailableError):
        Shard([1, 2], is_open=True).records(1, 4, seconds=0.2)


def test_nothing_is_begun_when_the_time_is_up_and_what_was_received_is_given_back(
    queue: Queue, functions: Functions, clock: MovableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(3):
        queue.put("project", "stream", "shard", [{"dynamodb": {"SequenceNumber": f"{1:021d}"}}])

    def takes_long(*_: object) -> list[Json]:
        clock.move(seconds=100)
        raise RecordsGoneError

    monkeypatch.setattr(FailedRecords, "records", takes_long)
    assert replay({}, Context(60)) == answer_of(gone=1, remaining=2)
    assert (len(queue.messages), queue.hidden, functions.invoked) == (2, set(), [])


def test_a_replay_ends_within_its_time_and_tells_how_many_are_left(
    queue: Queue, functions: Functions, clock: MovableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    timeout = resources("AWS::Serverless::Function")["ReplayFunction"]["Timeout"]
    for _ in range(25):
        queue.put("project", "stream", "shard", [{"dynamodb": {"SequenceNumber": f"{1:021d}"}}])
    monkeypatch.setattr(FailedRecords, "records", lambda *_: [])

    def takes_long(event: Event, context: object) -> Json:
        assert (event, bool(context)) == ({"Records": [], IS_REPLAY: True}, True)
        clock.move(seconds=3)
        return {"batchItemFailures": []}

    monkeypatch.setitem(HANDLERS, "project", takes_long)
    left = 25
    while left:
        began = clock.monotonic()
        answer = replay({}, Context(timeout))
        assert clock.monotonic() - began < timeout - INVOKE_SECONDS
        assert 0 < answer["replayed"] <= left
        left -= answer["replayed"]
        assert answer == answer_of(replayed=answer["replayed"], remaining=left)
    assert (queue.messages, queue.hidden) == ({}, set())
    assert len(functions.invoked) == 25


def test_a_function_that_does_not_answer_in_time_has_failed_and_the_rest_is_replayed(
    queue: Queue, functions: Functions, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("silent", "project"):
        queue.put(name, "stream", "shard", [{"dynamodb": {"SequenceNumber": f"{1:021d}"}}])
    monkeypatch.setattr(FailedRecords, "records", lambda *_: [])
    monkeypatch.setitem(HANDLERS, "project", lambda *_: {"batchItemFailures": []})
    invoke = functions.invoke

    def silent_or_not(FunctionName: str, Payload: str) -> Json:  # noqa: N803 - boto3's own names
        if FunctionName.endswith("silent"):
            raise ReadTimeoutError(endpoint_url="https://lambda")
        return invoke(FunctionName, Payload)

    monkeypatch.setattr(functions, "invoke", silent_or_not)
    assert replay({}, Context(60)) == answer_of(replayed=1, failed=1)
    assert (len(queue.messages), queue.hidden) == (1, set())
