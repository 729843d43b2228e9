"""What somebody else put into a queue stays there, and holds up nothing that came with it."""

import json
from copy import deepcopy
from typing import Any, cast

import pytest

from api_segments.campaigns import wiring as campaigns_wiring
from api_segments.campaigns.model import Message
from api_segments.campaigns.running.triggers import Change, TriggerReport
from api_segments.campaigns.sending.service import QueuedMessage, SendingReport
from functions.send_messages.app import handler as send_messages
from functions.trigger_campaigns.app import handler as trigger_campaigns
from tests.support.events import Context, sample

NO_OBJECTS = ["text", "", "null", "[]", "1", '"text"', "{}", '{"detail": "text"}', '{"detail": null}']
MESSAGE = Message("T-1", 1, "d1", "p1", {"Action": "ADD"})


class Recorder:
    """Stands in for the services: notes what it is given."""

    def __init__(self) -> None:
        self.changes: list[Change] = []
        self.messages: list[Message] = []

    def trigger(self, changes: list[Change], _: object) -> TriggerReport:
        self.changes = changes
        return TriggerReport(0, frozenset())

    def send(self, messages: dict[str, QueuedMessage], _: object) -> SendingReport:
        self.messages = [queued.message for queued in messages.values()]
        return SendingReport()


@pytest.fixture
def recorder(monkeypatch: pytest.MonkeyPatch) -> Recorder:
    made = Recorder()
    monkeypatch.setattr(campaigns_wiring, "campaign_triggers", lambda: made)
    monkeypatch.setattr(campaigns_wiring, "sending", lambda: made)
    return made


def with_first(function: str, body: str) -> dict[str, Any]:
    """Return the sample event of a function with another message before its own."""
    event = deepcopy(sample(function))
    event["Records"].insert(0, {**event["Records"][0], "messageId": "foreign", "body": body})
    return event


@pytest.mark.parametrize(
    "change",
    [
        {"Account ID": ["T-1"]},
        {"Account ID": None},
        {"Profile ID": {"a": 1}},
        {"Event ID": 7},
        {"Segment ID": "seven"},
        {"Segment ID": None},
        {"Action": ["ADD"]},
        {"Occurred At": 1763907600},
        {"Occurred At": "2026-11-23T14:20:00"},
    ],
)
def test_a_change_that_nobody_of_ours_told_is_kept_and_the_rest_triggers(recorder: Recorder, change: Any) -> None:
    body = json.loads(sample("trigger_campaigns")["Records"][0]["body"])
    body["detail"] |= change
    answer = trigger_campaigns(with_first("trigger_campaigns", json.dumps(body)), cast("Any", Context()))
    assert answer == {"batchItemFailures": [{"itemIdentifier": "foreign"}]}
    assert len(recorder.changes) == 1


@pytest.mark.parametrize("body", NO_OBJECTS)
def test_what_is_no_change_is_kept_and_the_rest_triggers(recorder: Recorder, body: str) -> None:
    answer = trigger_campaigns(with_first("trigger_campaigns", body), cast("Any", Context()))
    assert answer == {"batchItemFailures": [{"itemIdentifier": "foreign"}]}
    assert len(recorder.changes) == 1


@pytest.mark.parametrize(
    "body",
    [
        *NO_OBJECTS,
        json.dumps({**MESSAGE.to_json(), "account_id": ["T-1"]}),
        json.dumps({**MESSAGE.to_json(), "campaign_id": "1"}),
        json.dumps({**MESSAGE.to_json(), "campaign_id": True}),
        json.dumps({**MESSAGE.to_json(), "delivery_id": None}),
        json.dumps({**MESSAGE.to_json(), "profile_id": 1}),
        json.dumps({**MESSAGE.to_json(), "event": "text"}),
    ],
)
def test_what_is_no_message_is_kept_and_the_rest_is_sent(recorder: Recorder, body: str) -> None:
    answer = send_messages(with_first("send_messages", body), cast("Any", Context()))
    assert answer == {"batchItemFailures": [{"itemIdentifier": "foreign"}]}
    assert len(recorder.messages) == 1
