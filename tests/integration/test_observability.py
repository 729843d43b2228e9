"""What is written of a request: enough to find it again, nothing of whom it was about."""

import json
from copy import deepcopy
from typing import Any

from api_segments.core.errors import InvalidRequestError
from tests.integration.conftest import Account, Relay
from tests.support.events import Context
from tests.support.faults import FaultyClient, refused
from tests.support.written import Written

Json = Any

CANARY = "canary-7f3a"


def test_an_update_leaves_one_metrics_line_and_its_ids_and_no_identity(
    account: Account, relay: Relay, written: Written
) -> None:
    (gold,) = account.create(f"{CANARY}-segment")
    written.text()
    people = [{"identity": f"{CANARY}-{index}"} for index in range(3)]
    account.update((people, [{"ct_segment_id": gold, "action": "ADD"}, {"ct_segment_id": 1, "action": "ADD"}]))
    ((metrics,), logs) = written.lines()
    figures = {name: metrics[name] for name in ("Changes", "Unchanged", "Unprocessed", "ProfilesCreated")}
    assert figures == {"Changes": [3.0], "Unchanged": [0.0], "Unprocessed": [3.0], "ProfilesCreated": [3.0]}
    assert [line["message"] for line in logs] == ["answered"]
    assert {(line["account_id"], line["request_id"] != "") for line in logs} == {(account.account_id, True)}

    relay.drain()
    published, projected, of_segments = written.lines()[0]
    assert published["EventsPublished"] == projected["RowsProjected"] == [3.0]
    assert projected["ProjectionLag"][0] >= 0
    assert of_segments["SegmentEventsPublished"] == [1.0]
    assert CANARY not in json.dumps([metrics, logs, published, projected, of_segments])


def test_a_profile_upload_that_fails_writes_no_address_anywhere(account: Account, written: Written) -> None:
    account.upload({"identity": CANARY, "type": "profile", "profileData": {"Email": f"{CANARY}@", "Phone": CANARY}})
    account.upload({"identity": CANARY, "type": "token", "tokenData": {"id": CANARY, "type": "fcm"}})
    text = written.text()
    assert "answered" in text
    assert CANARY not in text


def test_what_the_stores_log_bears_the_ids_of_its_request(
    account: Account, faulty: FaultyClient, written: Written
) -> None:
    (gold,) = account.create(None)
    written.text()
    faulty.next("batch_get_item", refused("AccessDeniedException"))
    group = {"user_profiles": [{"identity": CANARY}], "segments": [{"ct_segment_id": gold, "action": "ADD"}]}
    status, _ = account.call("update_segment", {"bulk_profiles": [group]})
    assert status == 503
    (error,) = [line for line in written.lines()[1] if line["level"] == "ERROR"]
    assert "AccessDeniedException" in error["message"]
    assert error["account_id"] == account.account_id
    assert error["request_id"]


def test_a_refused_request_is_logged_by_its_reason(account: Account, written: Written) -> None:
    account.call("create_segment", [])
    refusal, answer = written.lines()[1]
    assert (refusal["message"], refusal["error"]) == ("refused", InvalidRequestError.slug)
    assert (answer["message"], answer["code"]) == ("answered", 400)
    assert refusal["account_id"] == answer["account_id"] == account.account_id


def test_a_record_that_can_not_be_read_counts_as_passed_over_in_each_reader(
    account: Account, relay: Relay, written: Written, passed_over: list[str]
) -> None:
    (gold,) = account.create(None)
    account.update(([{"identity": CANARY}], [{"ct_segment_id": gold, "action": "ADD"}]))
    ((record,), (segment,)) = (relay.reader.read(), [each for each in relay.segments_reader.read() if is_new(each)])
    for mapping, good, key in (
        (relay.publisher, record, "account_id"),
        (relay.projector, record, "account_id"),
        (relay.segments_publisher, segment, "segment_name"),
    ):
        poison = deepcopy(good)
        poison["dynamodb"]["SequenceNumber"] += "1"
        del poison["dynamodb"]["NewImage"][key]
        written.text()
        assert mapping.handler({"Records": [good]}, Context()) == {"batchItemFailures": []}
        assert mapping.handler({"Records": [good, poison]}, Context()) == {"batchItemFailures": []}
        assert json.loads(passed_over[-1])["records"] == [poison]
        lines, logs = written.lines()
        assert [line["RecordsPassedOver"] for line in lines] == [[0.0], [1.0]]
        assert [line["FailedRecords"] for line in lines] == [[0.0], [0.0]]
        assert CANARY not in json.dumps(logs)


def is_new(record: Json) -> bool:
    """Whether a segment, not a claim or a count, was written."""
    return "segment_name" in record["dynamodb"].get("NewImage", {})
