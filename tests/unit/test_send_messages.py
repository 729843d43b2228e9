"""The `send_messages` function: batches in, partial batch failures out; and nothing of anybody's in its logs."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from typing import Any, cast

import pytest

from api_segments.aws import clients
from api_segments.aws.delivery import Reply
from api_segments.campaigns import wiring as campaigns_wiring
from api_segments.campaigns.model import CampaignSettings, DeliveryStatus, Message, TargetMode, Webhook
from api_segments.campaigns.sending.messages import MESSAGE_ATTEMPTS
from api_segments.campaigns.sending.service import (
    PROVIDER_SECONDS,
    SENDING_SECONDS,
    SETTLING_SECONDS,
    QueuedMessage,
    SendingReport,
)
from functions.send_messages.app import handler
from tests.support.events import Context, Event, sample
from tests.support.sending import CONTENTS, MESSAGE, World
from tests.support.template import resources


def batch(*bodies: object, received: int = 1) -> Event:
    (record,) = sample("send_messages")["Records"]
    records = []
    for number, body in enumerate(bodies):
        each = deepcopy(record)
        each["messageId"] = f"m{number}"
        each["body"] = body if isinstance(body, str) else json.dumps(body)
        each["attributes"]["ApproximateReceiveCount"] = str(received)
        records.append(each)
    return {"Records": records}


def failures(answer: Any) -> list[str]:
    assert set(answer) == {"batchItemFailures"}
    return [each["itemIdentifier"] for each in answer["batchItemFailures"]]


class Recorder:
    """Stands in for the service: notes what it is given and wants some of it again."""

    def __init__(self, *again: str) -> None:
        self.again = set(again)
        self.given: dict[str, QueuedMessage] = {}

    def send(self, messages: dict[str, QueuedMessage], _: object) -> SendingReport:
        self.given = messages
        return SendingReport(again=self.again)


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    world = World()
    monkeypatch.setattr(campaigns_wiring, "sending", lambda: world.sender)
    return world


def test_a_batch_is_read_and_what_did_not_end_comes_again(monkeypatch: pytest.MonkeyPatch) -> None:
    recorder = Recorder("m1")
    monkeypatch.setattr(campaigns_wiring, "sending", lambda: recorder)
    messages = [Message("T-1", 1, f"d{number}", "p", {"Action": "ADD"} if number else None) for number in range(3)]
    answer = handler(batch(*(message.to_json() for message in messages)), cast("Any", Context()))
    assert failures(answer) == ["m1"]
    assert [queued.message for queued in recorder.given.values()] == messages
    assert not any(queued.is_last for queued in recorder.given.values())


def test_the_delivery_after_which_the_queue_gives_up_is_known_as_the_last(monkeypatch: pytest.MonkeyPatch) -> None:
    recorder = Recorder()
    monkeypatch.setattr(campaigns_wiring, "sending", lambda: recorder)
    for received in (MESSAGE_ATTEMPTS - 1, MESSAGE_ATTEMPTS, MESSAGE_ATTEMPTS + 1):
        handler(batch(MESSAGE.to_json(), received=received), cast("Any", Context()))
        assert recorder.given["m0"].is_last == (received >= MESSAGE_ATTEMPTS)


def test_what_is_no_message_comes_again_until_it_is_put_aside_and_holds_nobody_up(world: World) -> None:
    world.start(TargetMode.SMS)
    event = batch("not JSON", {"account_id": "T-1"}, [], "null", MESSAGE.to_json(), {**MESSAGE.to_json(), "more": 1})
    assert failures(handler(event, cast("Any", Context()))) == ["m0", "m1", "m2", "m3", "m5"]
    assert world.state() == (DeliveryStatus.SENT, None)


def test_the_sample_event_can_be_read(world: World) -> None:
    assert failures(handler(sample("send_messages"), cast("Any", Context()))) == []
    assert world.taken == 0


def test_each_batch_asks_for_connections_that_still_stand(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []

    class Connections:
        @contextmanager
        def in_use(self) -> Iterator[None]:
            seen.append("begins")
            yield
            seen.append(world.state()[0])

    connections = Connections()
    monkeypatch.setattr(campaigns_wiring, "provider_connections", lambda: connections)
    world.start(TargetMode.SMS)
    handler(batch(MESSAGE.to_json()), cast("Any", Context()))
    assert seen == ["begins", DeliveryStatus.SENT]


def test_a_provider_is_not_waited_for_longer_than_is_kept_for_it() -> None:
    for make in (clients.sesv2_client, clients.sns_client):
        config: Any = make().meta.config
        assert config.connect_timeout + config.read_timeout <= PROVIDER_SECONDS < SETTLING_SECONDS


def test_the_numbers_of_the_template_are_those_of_the_code() -> None:
    function = resources("AWS::Serverless::Function")["SendMessagesFunction"]
    queue = resources("AWS::SQS::Queue")["MessageQueue"]
    assert queue["RedrivePolicy"]["maxReceiveCount"] == MESSAGE_ATTEMPTS
    assert function["Timeout"] < SENDING_SECONDS < queue["VisibilityTimeout"]


@pytest.mark.parametrize("mode", TargetMode)
@pytest.mark.parametrize("reply", [Reply.ACCEPTED, Reply.REFUSED, Reply.TRY_AGAIN])
def test_nothing_of_anybodys_is_logged(
    world: World,
    mode: TargetMode,
    reply: Reply,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("DEBUG")
    webhook = Webhook("crm", "https://crm.example.com/their-path", "the-webhook-secret")
    world.declare(
        CampaignSettings(
            senders=("news@example.com",),
            webhooks={"crm": webhook},
            push_applications=world.settings.get("T-1", world.deadline()).push_applications,
        )
    )
    world.start(mode, content=CONTENTS[mode])
    for provider in (world.emails, world.sms, world.pushes, world.webhooks):
        provider.replies = [reply, reply]
    handler(batch(MESSAGE.to_json()), cast("Any", Context()))
    out, err = capfd.readouterr()
    written = f"{out}{err}{caplog.text}{[vars(record) for record in caplog.records]}"
    assert "sent" in written
    for secret in ("Zoë", "zoe@example.com", "+12025550123", "fcm-1", "chrome-1", webhook.secret, "their-path"):
        assert secret not in written
    assert "unsubscribe/" not in written
