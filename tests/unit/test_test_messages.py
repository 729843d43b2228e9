"""Test messages: one, by the real providers, to whom the account declared, and nothing of it counts."""

from dataclasses import replace
from typing import Any, cast

import pytest

from api_segments.aws.delivery import Reply
from api_segments.campaigns.model import (
    CampaignSettings,
    DeliveryStatus,
    Outcome,
    Recipient,
    RecipientType,
    TargetMode,
    Webhook,
)
from api_segments.campaigns.planning.previews import Preview, TestMessage
from api_segments.campaigns.sending import unsubscribe
from api_segments.campaigns.sending.opt_outs import TestMessageError, TokenUse
from api_segments.campaigns.sending.testing import TestMessageService
from api_segments.core.errors import InvalidRequestError, NotFoundError
from api_segments.core.limits import MAX_SMS_CHARACTERS
from api_segments.profiles.model import Token, TokenType
from tests.support.sending import ACCOUNT, CONTENTS, FCM, GUID, World

URL = "https://tests.example.com/live"
TO = {
    TargetMode.EMAIL: "Ada@example.com",
    TargetMode.SMS: "+12025550199",
    TargetMode.WHATSAPP: "+12025550199",
    TargetMode.PUSH: "ours-fcm",
    TargetMode.WEB_PUSH: "ours-chrome",
    TargetMode.WEBHOOK: None,
}
SETTINGS = CampaignSettings(
    senders=("news@example.com",),
    webhooks={"crm": Webhook("crm", "https://crm.example.com/", "secret")},
    push_applications={TokenType.FCM: "arn:fcm"},
    test_recipients=(
        Recipient(RecipientType.EMAIL, "Ada@example.com"),
        Recipient(RecipientType.PHONE, "+12025550199"),
        Recipient(RecipientType.FCM, "ours-fcm"),
        Recipient(RecipientType.CHROME, "ours-chrome"),
    ),
)
SENT = Outcome(DeliveryStatus.SENT)


class Verified:
    """Which senders SES lets send."""

    def __init__(self, *, are_all: bool = True) -> None:
        self._are_all = are_all

    def is_verified(self, *_: object) -> bool:
        return self._are_all


@pytest.fixture
def world() -> World:
    world = World()
    world.declare(SETTINGS)
    return world


def send(world: World, mode: TargetMode, to: str | None = "", /, *, verified: bool = True, **changes: Any) -> Outcome:
    emails = cast("Any", Verified(are_all=verified))
    service = TestMessageService(world.dispatch, world.profiles, world.settings, emails, world.clock)
    content = {**CONTENTS[mode], **changes.pop("content", {})}
    wanted = Preview(mode, content, changes.pop("identity", "CT1"), None, changes.pop("event", None))
    return service.send(ACCOUNT, TestMessage(wanted, TO[mode] if to == "" else to), URL, world.deadline())


def refused(world: World, mode: TargetMode, to: str | None = "", /, **changes: Any) -> str:
    with pytest.raises(InvalidRequestError) as caught:
        send(world, mode, to, **changes)
    assert world.taken == 0
    return str(caught.value)


def test_an_email_goes_to_the_recipient_as_the_user_would_get_it_and_says_that_it_is_a_test(world: World) -> None:
    assert send(world, TargetMode.EMAIL, "ada@EXAMPLE.com") == SENT
    ((email,),) = world.emails.taken
    assert (email.recipient, email.subject) == ("Ada@example.com", "[Test] Hi Zoë <b>")
    assert "<p>Zoë &lt;b&gt;</p>" in email.html
    assert email.unsubscribe_url.startswith(f"{URL}/unsubscribe/")
    assert email.unsubscribe_url in email.html
    assert email.unsubscribe_url in email.text


def test_its_link_unsubscribes_nobody_and_says_so(world: World) -> None:
    send(world, TargetMode.EMAIL)
    ((email,),) = world.emails.taken
    for token in (email.unsubscribe_url.rpartition("/")[2], email.token):
        with pytest.raises(TestMessageError):  # a NotFoundError: a bounce of it is nobody's
            world.tokens.read(TokenUse.FEEDBACK, token, world.deadline())
        with pytest.raises(TestMessageError) as caught:
            world.opt_outs.unsubscribe(token, world.deadline())
        page = unsubscribe.failed(caught.value, "r")
        assert page["statusCode"] == 200
        assert "This was a test message" in page["body"]
        assert "unsubscribes nobody" in page["body"]


def test_a_text_goes_to_the_recipients_number(world: World) -> None:
    assert send(world, TargetMode.SMS) == SENT
    assert world.sms.taken == [("+12025550199", "[Test] Hi Zoë <b>")]


def test_a_text_of_full_length_is_cut_for_the_mark(world: World) -> None:
    send(world, TargetMode.SMS, content={"body": "x" * MAX_SMS_CHARACTERS})
    ((_, text),) = world.sms.taken
    assert text == "[Test] " + "x" * (MAX_SMS_CHARACTERS - 7)


def test_a_push_goes_to_the_recipients_device_alone_and_the_users_tokens_stay(world: World) -> None:
    world.pushes.replies = [Reply.GONE]
    assert send(world, TargetMode.PUSH).reason == "refused"
    assert world.pushes.taken == [
        ("arn:fcm", Token(TokenType.FCM, "ours-fcm"), {"title": "[Test] Hi", "body": "Zoë <b>"})
    ]
    world.declare(replace(SETTINGS, test_recipients=(Recipient(RecipientType.FCM, FCM.token_id),)))
    world.pushes.replies = [Reply.GONE]  # of the user's own device
    assert send(world, TargetMode.PUSH, FCM.token_id).reason == "refused"
    assert FCM in world.profiles.get(ACCOUNT, None, GUID, world.deadline()).profile.tokens


@pytest.mark.parametrize(
    ("mode", "to", "content"),
    [
        (TargetMode.WHATSAPP, {"Phone": "+12025550199"}, {"body": "[Test] Hi Zoë <b>"}),
        (TargetMode.WEB_PUSH, {"Tokens": ["ours-chrome"]}, {"title": "[Test] Hi", "body": "Zoë <b>"}),
    ],
)
def test_other_channels_are_asked_for_on_the_bus(world: World, mode: TargetMode, to: Any, content: Any) -> None:
    assert send(world, mode) == SENT
    (event,) = world.bus.events
    assert event.detail["Content"] == content
    assert event.detail["Campaign Name"] == "Test"
    assert event.detail["Event ID"].endswith("-test")
    assert event.detail.items() >= to.items()


def test_a_webhook_is_called_with_an_id_that_says_so(world: World) -> None:
    assert send(world, TargetMode.WEBHOOK) == SENT
    ((webhook, call),) = world.webhooks.taken
    assert webhook.name == "crm"
    assert call.event_id.endswith("-test")
    assert refused_webhook(world) == "to: a webhook's test goes to its url, leave it out"


def refused_webhook(world: World) -> str:
    world.webhooks.taken.clear()
    return refused(world, TargetMode.WEBHOOK, "ada@example.com")


@pytest.mark.parametrize("mode", [mode for mode in TargetMode if mode is not TargetMode.WEBHOOK])
@pytest.mark.parametrize("to", ["zoe@example.com", "+12025550123", "fcm-1", "chrome-1", "", "ada@example.com "])
def test_nobody_who_is_not_declared_for_the_channel_gets_one(world: World, mode: TargetMode, to: str) -> None:
    assert refused(world, mode, to or "nobody").startswith("to: is no test recipient of type ")
    others = [address for other, address in TO.items() if address and address != TO[mode] and other is not mode]
    for address in others:
        assert refused(world, mode, address).startswith("to: is no test recipient of type ")
    assert refused(world, mode, None).startswith("to: is required")


def test_a_content_is_checked_as_at_a_creation(world: World) -> None:
    assert refused(world, TargetMode.EMAIL, content={"body": "{{ first_name }}"}).startswith(
        "content.body: line 1: there is"
    )
    assert (
        refused(world, TargetMode.EMAIL, verified=False) == "content.sender: news@example.com is not verified with SES"
    )
    assert refused(world, TargetMode.SMS, content={"body": "{{ profile.Missing }}"}) == "content.body: comes out empty"
    with pytest.raises(NotFoundError):
        send(world, TargetMode.SMS, identity="nobody")


def test_it_may_be_filled_in_for_nobody_in_particular_and_for_an_event(world: World) -> None:
    body = "Hi {{ profile.Name | default: 'you' }} {{ event.Action }}"
    send(world, TargetMode.SMS, identity=None, event={"Action": "ADD"}, content={"body": body})
    assert world.sms.taken == [("+12025550199", "[Test] Hi you ADD")]


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (Reply.ACCEPTED, None),
        (Reply.REFUSED, "refused"),
        (Reply.TRY_AGAIN, "unavailable"),
        (Reply.UNKNOWN, "outcome_unknown"),
    ],
)
def test_what_the_provider_said_is_told(world: World, reply: Reply, reason: str | None) -> None:
    world.sms.replies = [reply]
    outcome = send(world, TargetMode.SMS)
    assert (outcome.status, outcome.reason) == (DeliveryStatus.FAILED if reason else DeliveryStatus.SENT, reason)
    assert len(world.sms.taken) == 1


def test_no_campaign_counts_it(world: World) -> None:
    world.start(TargetMode.SMS)
    before = world.client.scan(TableName=world.table)["Items"], world.results()
    send(world, TargetMode.SMS)
    assert (world.client.scan(TableName=world.table)["Items"], world.results()) == before
