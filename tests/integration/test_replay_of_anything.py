"""Whatever lies in the queue of failed records holds no other up: what Lambda did not write, what was passed over."""

import io
import json
from collections.abc import Iterator
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api_segments.core.clock import Deadline
from api_segments.http.streams import to_message
from api_segments.repair.replay import replay as replay_all
from api_segments.repair.store_failed_records import FailedRecords
from functions.replay.app import handler as replay
from tests.integration.conftest import Account, Relay
from tests.integration.replaying import (
    HANDLERS,
    Functions,
    Queue,
    answer_of,
    functions,
    queue,
    record,
    stream_of,
)
from tests.integration.told import actions, numbered
from tests.support.events import Context, Event
from tests.support.state import Tables, assert_projected

__all__ = ["functions", "queue"]  # fixtures
Json = Any


GOOD = {
    "requestContext": {"functionArn": "arn:aws:lambda:us-east-1:000000000000:function:project:$LATEST"},
    "DDBStreamBatchInfo": {
        "streamArn": stream_of("table"),
        "shardId": "shard",
        "startSequenceNumber": f"{1:021d}",
        "endSequenceNumber": f"{2:021d}",
    },
}


WRONG: tuple[Json, ...] = (None, 7, True, 1.5, "", [], {}, ["x"], {"S": "x"})


CHANGE: Json = {"SequenceNumber": "1", "ApproximateCreationDateTime": 1.5, "Keys": {"pk": {"S": "x"}}}


RECORD: Json = {"eventID": "1", "eventName": "MODIFY", "dynamodb": CHANGE}


NO_PARTS: tuple[Json, ...] = (None, "x", [], {"sk": 1})


TEXTS = {"eventID", "eventName"}


FOREIGN = [
    *("text", "", "null", "[]", "1", '"text"', "{}", "NaN", "{" * 50_000, '{"a":' * 50_000, "\ufffe"),
    json.dumps({"DDBStreamBatchInfo": None}),
    json.dumps({"DDBStreamBatchInfo": {}}),
    *(json.dumps({**GOOD, part: wrong}) for part in GOOD for wrong in WRONG),
    *(json.dumps({**GOOD, "requestContext": {"functionArn": wrong}}) for wrong in WRONG if wrong != ""),
    *(
        json.dumps({**GOOD, "DDBStreamBatchInfo": {**GOOD["DDBStreamBatchInfo"], name: wrong}})
        for name in GOOD["DDBStreamBatchInfo"]
        for wrong in WRONG
        if not (wrong == "" and name in {"streamArn", "shardId"})
    ),
    json.dumps({**GOOD, "DDBStreamBatchInfo": {**GOOD["DDBStreamBatchInfo"], "endSequenceNumber": "last"}}),
    json.dumps({**GOOD, "DDBStreamBatchInfo": {**GOOD["DDBStreamBatchInfo"], "endSequenceNumber": "0"}}),
    json.dumps({**GOOD, "DDBStreamBatchInfo": {**GOOD["DDBStreamBatchInfo"], "endSequenceNumber": "9" * 5000}}),
    *(
        json.dumps({**GOOD, "records": records})
        for records in (
            *WRONG,
            [{"dynamodb": {"SequenceNumber": "1"}}],
            *([RECORD, wrong, RECORD] for wrong in WRONG),
            *([RECORD | {part: wrong}] for part in RECORD for wrong in WRONG if not (part in TEXTS and wrong == "")),
            *([{part: RECORD[part] for part in RECORD if part != lacking}] for lacking in RECORD),
            *([RECORD | {"dynamodb": CHANGE | {part: wrong}}] for part in CHANGE for wrong in NO_PARTS),
            *([RECORD | {"dynamodb": CHANGE | {"Keys": {"sk": wrong}}}] for wrong in (None, "x", {}, {"S": 7})),
        )
    ),
]


def test_what_lambda_did_not_write_leaves_the_queue_as_it_is_and_holds_no_other_up(
    queue: Queue, functions: Functions, monkeypatch: pytest.MonkeyPatch
) -> None:
    attributes = {"MessageAttributes": {"from": {"DataType": "String", "StringValue": "somebody"}}}
    for index, body in enumerate(FOREIGN):
        queue.messages[f"foreign {index}"] = body
        queue.attributes[f"foreign {index}"] = attributes if index % 2 else {}
    queue.put("project", stream_of("table"), "shard", [record(1)])
    monkeypatch.setattr(FailedRecords, "records", lambda *_: [])
    monkeypatch.setitem(HANDLERS, "project", lambda *_: {"batchItemFailures": []})

    assert replay({}, Context(60)) == answer_of(foreign=len(FOREIGN), replayed=1)

    assert (queue.messages, queue.hidden) == ({}, set())
    assert queue.set_aside == [(body, attributes if index % 2 else {}) for index, body in enumerate(FOREIGN)]
    assert functions.invoked == ["project"]


scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)


json_values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["S", "sk", "pk"]), inner, max_size=3),
    max_leaves=5,
)


changes = st.fixed_dictionaries({}, optional={part: st.just(CHANGE[part]) | json_values for part in CHANGE})


records = st.fixed_dictionaries(
    {}, optional={"dynamodb": changes} | {part: st.just("x") | json_values for part in TEXTS}
)


passed_over_records = st.lists(st.just(RECORD) | records | json_values, max_size=3)


answers = json_values | st.fixed_dictionaries({"batchItemFailures": json_values})


@given(passed_over_records, answers)
def test_whatever_comes_into_the_queue_holds_no_other_up(odd: Json, answered: Json) -> None:
    queue = Queue()
    queue.messages = {"odd": json.dumps({**GOOD, "records": odd}), "good": json.dumps({**GOOD, "records": [RECORD]})}

    class Answering:
        def invoke(self, Payload: str, **_: str) -> Json:  # noqa: N803 - boto3's own name
            is_good = json.loads(Payload)["Records"] == [RECORD]
            return {"Payload": io.BytesIO(json.dumps({"batchItemFailures": []} if is_good else answered).encode())}

    failed_records = FailedRecords(cast("Any", queue), "/failed-records", "/set-aside-records", cast("Any", None), [])
    report = replay_all(failed_records, cast("Any", Answering()), Deadline.after(60))
    assert report.replayed + report.failed + report.foreign == len(("odd", "good"))
    assert set(queue.messages) <= {"odd"}
    assert queue.hidden == set()


def test_a_function_that_is_no_reader_of_a_stream_has_not_taken_records_in(
    queue: Queue, functions: Functions, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: Iterator[Json] = iter([{}, {"status": "success"}, None, [], "text", {"batchItemFailures": None}])
    monkeypatch.setitem(HANDLERS, "project", lambda *_: next(told))
    for number in range(6):
        queue.messages[str(number)] = json.dumps({**GOOD, "records": [RECORD]})
    assert replay({}, Context(60)) == answer_of(failed=6)
    assert functions.invoked == ["project"] * 6
    assert len(queue.messages) == 6


def passed_over(record: Event, function: str) -> str:
    return json.dumps(to_message(record, f"arn:aws:lambda:us-east-1:000000000000:function:{function}"))


def test_a_record_that_was_passed_over_is_replayed_whole(
    account: Account, relay: Relay, queue: Queue, functions: Functions, tables: Tables
) -> None:
    """Though no stream is asked for it: after 24 hours, too."""
    (segment,) = account.create(None)
    relay.drain()
    account.update((numbered(1), actions("ADD", segment)))
    (record,) = relay.reader.read()
    for name in ("publish", "project"):
        queue.messages[name] = passed_over(record, name)
    assert replay({}, Context(60)) == answer_of(replayed=2)
    assert (queue.messages, sorted(functions.invoked)) == ({}, ["project", "publish"])
    assert_projected(tables, account.account_id)
    assert len(relay.bus.details(account.account_id)) == 1


def test_a_record_that_can_never_be_read_is_set_aside(
    account: Account, relay: Relay, queue: Queue, functions: Functions
) -> None:
    (segment,) = account.create(None)
    relay.drain()
    account.update((numbered(1), actions("ADD", segment)))
    (record,) = json.loads(json.dumps(relay.reader.read()))
    record["dynamodb"]["NewImage"]["segment_ids"] = {"L": []}
    queue.messages["project"] = passed_over(record, "project")
    assert replay({}, Context(60)) == answer_of(unreadable=1)
    assert (queue.messages, functions.invoked) == ({}, ["project"])
    assert [body for body, _ in queue.set_aside] == [passed_over(record, "project")]
