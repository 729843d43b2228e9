"""What a reader of a stream gave up is replayed from the stream: taken in, once, and told when it can't be."""

from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.exceptions import ClientError

from api_segments.aws import clients
from api_segments.repair.store_failed_records import FailedRecords
from functions.replay.app import handler as replay
from tests.integration.conftest import Account, Relay
from tests.integration.replaying import (
    HANDLERS,
    Functions,
    Queue,
    Shard,
    answer_of,
    functions,
    queue,
    record,
    stream_of,
)
from tests.integration.told import actions, numbered
from tests.support.events import Context
from tests.support.faults import FaultyClient, refused
from tests.support.state import Tables, assert_projected

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

__all__ = ["functions", "queue"]  # fixtures
Json = Any


def hand_over(relay: Relay, queue: Queue, dynamodb: "DynamoDBClient", environment: dict[str, str]) -> int:
    """Put what both readers gave up into the queue, as Lambda does; return how many batches."""
    arn = dynamodb.describe_table(TableName=environment["MEMBERSHIPS_TABLE"])["Table"]["LatestStreamArn"]
    shards = boto3.client("dynamodbstreams").describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]
    for name, reader in (("publish", relay.publisher), ("project", relay.projector)):
        for batch in reader.on_failure:
            queue.put(name, arn, shards[-1]["ShardId"], batch)
        reader.on_failure.clear()
    return len(queue.messages)


def test_what_was_given_up_is_taken_in_once_the_cause_is_mended(  # noqa: PLR0913, PLR0917 - fixtures
    account: Account,
    relay: Relay,
    queue: Queue,
    functions: Functions,
    faulty: FaultyClient,
    tables: Tables,
    dynamodb: "DynamoDBClient",
    environment: dict[str, str],
) -> None:
    (segment,) = account.create(None)
    relay.drain()
    account.update((numbered(30), actions("ADD", segment)))
    faulty.always("transact_write_items", refused("AccessDeniedException"))
    records = relay.reader.read()
    relay.projector.deliver(records)
    relay.publisher.on_failure.append(records)
    faulty.heal()
    assert (account.members(segment), relay.bus.details(account.account_id)) == (0, [])
    given_up = hand_over(relay, queue, dynamodb, environment)
    twice = dict(queue.messages)

    assert replay({}, Context(60)) == answer_of(replayed=given_up)

    assert queue.messages == {}
    assert set(functions.invoked) == {"publish", "project"}
    assert_projected(tables, account.account_id)
    assert account.members(segment) == 30
    assert account.usage()[1]["data_points"] == 30
    told = relay.bus.details(account.account_id)
    assert {event["Event ID"] for event in told} == {f"{record['eventID']}-{segment}" for record in records}

    queue.messages = twice  # delivered again
    queue.hidden.clear()
    replay({}, Context(60))
    assert_projected(tables, account.account_id)
    assert account.usage()[1]["data_points"] == 30
    assert {event["Event ID"] for event in relay.bus.details(account.account_id)} == {e["Event ID"] for e in told}


def test_what_fails_again_stays_in_the_queue(  # noqa: PLR0913, PLR0917 - fixtures
    account: Account,
    relay: Relay,
    queue: Queue,
    functions: Functions,
    faulty: FaultyClient,
    dynamodb: "DynamoDBClient",
    environment: dict[str, str],
) -> None:
    (segment,) = account.create(None)
    relay.drain()
    account.update((numbered(3), actions("ADD", segment)))
    faulty.always("transact_write_items", refused("AccessDeniedException"))
    relay.projector.deliver(relay.reader.read())
    given_up = hand_over(relay, queue, dynamodb, environment)
    assert given_up
    assert replay({}, Context(60)) == answer_of(failed=given_up)
    assert len(queue.messages) == given_up
    assert len(functions.invoked) == given_up
    assert queue.hidden == set(), "a second run may try them at once"
    faulty.heal()
    assert replay({}, Context(60)) == answer_of(replayed=given_up)


@pytest.mark.parametrize(
    "stream",
    [
        "arn:aws:dynamodb:us-east-1:000000000000:table/none/stream/2026-11-23T00:00:00.000",
        "arn:aws:dynamodb:us-east-1:000000000000:table/{MEMBERSHIPS_TABLE}/stream/2020-11-23T00:00:00.000",
        "none at all",
        "",
    ],
)
def test_what_no_stream_holds_is_told_and_leaves_the_queue_for_one_that_keeps_it(
    queue: Queue, functions: Functions, environment: dict[str, str], stream: str
) -> None:
    batch = [{"dynamodb": {"SequenceNumber": f"{1:021d}"}}]
    queue.put("project", stream.format(**environment), f"shardId-{1:020d}-abcdef01", batch)
    (held,) = queue.messages.values()
    assert replay({}, Context(60)) == answer_of(gone=1)
    assert (queue.messages, queue.hidden, queue.set_aside) == ({}, set(), [(held, {})])
    assert functions.invoked == []
    assert replay({}, Context(60)) == answer_of()


@pytest.mark.parametrize("code", ["TrimmedDataAccessException", "ResourceNotFoundException", "ValidationException"])
@pytest.mark.parametrize("operation", ["get_shard_iterator", "get_records"])
def test_a_stream_that_says_that_the_records_are_gone_is_believed(  # noqa: PLR0913 - all that takes part
    queue: Queue,
    functions: Functions,
    environment: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
    *,
    code: str,
    operation: str,
) -> None:
    shard = Shard([1])

    def refuse(**_: Json) -> Json:
        raise ClientError({"Error": {"Code": code, "Message": "no"}}, operation)

    setattr(shard, operation, refuse)
    monkeypatch.setattr(clients, "streams_client", lambda: shard)
    queue.put("project", stream_of(environment["MEMBERSHIPS_TABLE"]), "shard", [record(1)])
    assert replay({}, Context(60)) == answer_of(gone=1)
    assert (queue.messages, len(queue.set_aside), functions.invoked) == ({}, 1, [])


@pytest.mark.parametrize("code", ["AccessDeniedException", "ThrottlingException", "InternalServerError"])
def test_a_stream_that_says_anything_else_is_asked_again_later(
    queue: Queue, functions: Functions, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    shard = Shard([1])

    def refuse(**_: Json) -> Json:
        raise ClientError({"Error": {"Code": code, "Message": "no"}}, "GetRecords")

    monkeypatch.setattr(shard, "get_records", refuse)
    monkeypatch.setattr(clients, "streams_client", lambda: shard)
    queue.put("project", stream_of(environment["MEMBERSHIPS_TABLE"]), "shard", [record(1)])
    answer = replay({}, Context(60))
    assert (answer["failed"], len(queue.messages), queue.set_aside) == (1, 1, [])
    assert functions.invoked == []


def test_what_can_not_be_set_aside_stays(queue: Queue, functions: Functions, monkeypatch: pytest.MonkeyPatch) -> None:
    queue.messages["foreign"] = "text"
    queue.put("project", "stream", "shard", [record(1)])
    monkeypatch.setattr(FailedRecords, "records", lambda *_: [])
    monkeypatch.setitem(HANDLERS, "project", lambda *_: {"batchItemFailures": []})

    def refuse(**_: Json) -> Json:
        raise ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "SendMessage")

    monkeypatch.setattr(queue, "send_message", refuse)
    answer = replay({}, Context(60))
    assert (answer["replayed"], answer["failed"], answer["foreign"]) == (1, 1, 0)
    assert (queue.messages, queue.hidden, functions.invoked) == ({"foreign": "text"}, set(), ["project"])


def test_what_could_not_be_deleted_after_it_was_set_aside_is_kept_in_both_queues(
    queue: Queue, functions: Functions, monkeypatch: pytest.MonkeyPatch
) -> None:
    queue.messages["foreign"] = "text"

    def refuse(**_: Json) -> Json:
        raise ClientError({"Error": {"Code": "InternalError", "Message": "no"}}, "DeleteMessage")

    with monkeypatch.context() as patch:
        patch.setattr(queue, "delete_message", refuse)
        assert replay({}, Context(60))["failed"] == 1
    assert queue.messages == {"foreign": "text"}
    assert replay({}, Context(60)) == answer_of(foreign=1)
    assert (queue.messages, [body for body, _ in queue.set_aside]) == ({}, ["text", "text"])
    assert functions.invoked == []


def test_what_another_run_holds_is_not_told_as_done(queue: Queue, functions: Functions) -> None:
    queue.put("project", "stream", "shard", [{"dynamodb": {"SequenceNumber": f"{1:021d}"}}])
    queue.hidden.update(queue.messages)
    assert replay({}, Context(60)) == answer_of(remaining=1)
    assert functions.invoked == []


def test_an_empty_queue_is_no_failure(queue: Queue, functions: Functions) -> None:
    assert queue.messages == {}
    assert replay({}, Context(60)) == answer_of()
    assert functions.invoked == []
