"""What each channel is handed for a message."""

import json
import re
from typing import Any

import pytest

from api_segments.aws.delivery import Reply
from api_segments.campaigns.events import MESSAGE_REQUESTED
from api_segments.campaigns.model import Audience, CampaignSettings, DeliveryStatus, Message, TargetMode, Trigger
from api_segments.campaigns.sending.opt_outs import Origin, TokenUse
from api_segments.core.channels import Channel
from api_segments.memberships.model import Action
from api_segments.profiles.model import Address, AddressType
from tests.support.sending import ACCOUNT, APNS, CAMPAIGN_ID, CHROME, CONTENTS, FCM, GUID, PUBLIC_URL, World, ended


@pytest.fixture
def world() -> World:
    return World()


def test_an_email_goes_to_the_users_address_with_links_that_are_the_users(world: World) -> None:
    world.start(
        content={**CONTENTS[TargetMode.EMAIL], "sender_name": "{{ campaign.name }}", "reply_to": "a@example.com"}
    )
    world.deliver()
    ((email,),) = world.emails.taken
    assert (email.sender, email.sender_name, email.reply_to) == ("news@example.com", "Spring", "a@example.com")
    assert (email.recipient, email.subject) == ("zoe@example.com", "Hi Zoë <b>")
    assert email.html.startswith("<p>Zoë &lt;b&gt;</p>")
    key = world.addresses.of(ACCOUNT, Address(AddressType.EMAIL, "zoe@example.com"), world.deadline()).key
    origin = Origin(ACCOUNT, GUID, CAMPAIGN_ID, Channel.EMAIL, GUID, key)
    prefix = f"{PUBLIC_URL}/unsubscribe/"
    assert email.unsubscribe_url.startswith(prefix)
    token = email.unsubscribe_url.removeprefix(prefix)
    assert world.tokens.read(TokenUse.UNSUBSCRIBE, token, world.deadline()) == origin
    assert world.tokens.read(TokenUse.FEEDBACK, email.token, world.deadline()) == origin


@pytest.mark.parametrize(
    ("body", "html", "text"),
    [
        ("<body>\u0130</BODY>", "<body>\u0130TABLE</BODY>", "\u0130\n\nUnsubscribe (LINK)"),
        ('x <a href="{{ unsubscribe_url }}">stop</a>', 'x <a href="LINK">stop</a>', "x stop (LINK)"),
    ],
)
def test_an_email_always_shows_the_link_and_once(world: World, body: str, html: str, text: str) -> None:
    world.start(content={"subject": "Hi", "body": body})
    world.deliver()
    ((email,),) = world.emails.taken
    shown = email.html.replace(email.unsubscribe_url, "LINK")
    assert re.sub(r"<table .*LINK.*</table>", "TABLE", shown) == html
    assert email.text.replace(email.unsubscribe_url, "LINK") == text


def test_an_sms_goes_to_the_users_number(world: World) -> None:
    world.start(TargetMode.SMS)
    world.deliver()
    assert world.sms.taken == [("+12025550123", "Hi Zoë <b>")]


def test_a_push_goes_to_every_device_by_its_own_application(world: World) -> None:
    world.start(TargetMode.PUSH)
    world.deliver()
    content = {"title": "Hi", "body": "Zoë <b>"}
    assert world.pushes.taken == [("arn:apns", APNS, content), ("arn:fcm", FCM, content)]


@pytest.mark.parametrize(
    ("replies", "status", "reason"),
    [
        ([Reply.REFUSED, Reply.ACCEPTED], DeliveryStatus.SENT, None),
        ([Reply.ACCEPTED, Reply.TRY_AGAIN], DeliveryStatus.SENT, None),
        ([Reply.TRY_AGAIN, Reply.UNKNOWN], DeliveryStatus.FAILED, "outcome_unknown"),
        ([Reply.REFUSED, Reply.GONE], DeliveryStatus.FAILED, "refused"),
    ],
)
def test_one_device_is_enough(world: World, replies: list[Reply], status: DeliveryStatus, reason: str | None) -> None:
    world.start(TargetMode.PUSH)
    world.pushes.replies = list(replies)
    assert world.deliver()
    assert ended(world, status, reason)


def test_a_push_that_no_device_took_for_now_comes_again(world: World) -> None:
    world.start(TargetMode.PUSH)
    world.pushes.replies = [Reply.TRY_AGAIN, Reply.REFUSED]
    assert not world.deliver()
    assert world.state() == (DeliveryStatus.QUEUED, None)


def test_a_dead_token_is_dropped_and_reachability_follows(world: World) -> None:
    world.start(TargetMode.PUSH)
    world.pushes.replies = [Reply.GONE, Reply.GONE]
    world.deliver()
    state = world.profiles.get(ACCOUNT, None, GUID, world.deadline())
    assert state.profile.tokens == {CHROME}
    assert state.membership is not None
    assert Channel.PUSH not in state.membership.reach
    assert Channel.WEB_PUSH in state.membership.reach
    assert ended(world, DeliveryStatus.FAILED, "refused")


def test_a_push_without_an_application_for_the_users_devices_is_refused(world: World) -> None:
    world.declare(CampaignSettings())
    world.start(TargetMode.PUSH)
    world.deliver()
    assert world.taken == 0
    assert ended(world, DeliveryStatus.FAILED, "refused")


def test_a_webhook_gets_json_and_an_id(world: World) -> None:
    world.start(TargetMode.WEBHOOK)
    world.deliver()
    ((webhook, call),) = world.webhooks.taken
    assert webhook.secret == "secret"
    assert call.event_id == f"{CAMPAIGN_ID}-{GUID}"
    said = json.loads(call.body)
    assert said["campaign"] == {"id": CAMPAIGN_ID, "name": "Spring"}
    assert said["event"] is None
    assert (said["profile"]["Name"], said["profile"]["identity"], said["profile"]["guid"]) == ("Zoë <b>", "CT1", GUID)


@pytest.mark.parametrize("mode", TargetMode)
def test_a_message_goes_by_the_provider_of_its_mode_and_by_no_other(world: World, mode: TargetMode) -> None:
    world.start(mode)
    world.deliver()
    carried = {
        "email": world.emails.taken,
        "sms": world.sms.taken,
        "push": world.pushes.taken,
        "webhook": world.webhooks.taken,
        "bus": [event for event in world.bus.events if event.name == MESSAGE_REQUESTED],
    }
    assert {name for name, taken in carried.items() if taken} == {"bus" if mode.is_requested else mode.value}


@pytest.mark.parametrize(
    ("mode", "to"),
    [(TargetMode.WHATSAPP, {"Phone": "+12025550123"}), (TargetMode.WEB_PUSH, {"Tokens": ["chrome-1"]})],
)
def test_other_channels_are_asked_for_on_the_bus(world: World, mode: TargetMode, to: dict[str, Any]) -> None:
    world.start(mode)
    world.deliver()
    (event,) = world.bus.events
    assert event.name == "Message Requested"
    content = {"body": "Hi Zoë <b>"} if mode is TargetMode.WHATSAPP else {"title": "Hi", "body": "Zoë <b>"}
    assert event.detail == {
        "Campaign ID": CAMPAIGN_ID,
        "Campaign Name": "Spring",
        "Account ID": ACCOUNT,
        "Channel": mode,
        "Identity": "CT1",
        "Profile ID": GUID,
        **to,
        "Content": content,
        "Event ID": f"{CAMPAIGN_ID}-{GUID}",
    }


def test_a_bus_that_takes_nothing_is_tried_again(world: World) -> None:
    world.start(TargetMode.WHATSAPP)
    world.bus.is_full = True
    assert not world.deliver()
    world.bus.is_full = False
    assert world.deliver()
    assert ended(world, DeliveryStatus.SENT)


def test_an_online_message_knows_its_event_and_needs_no_segment(world: World) -> None:
    message = Message(ACCOUNT, CAMPAIGN_ID, "an-event", GUID, {"Segment Name": "Gold"})
    world.start(
        TargetMode.SMS,
        trigger=Trigger(9, Action.REMOVE),
        starts_at=None,
        audience=Audience(),
        content={"body": "{{ event['Segment Name'] }}"},
    )
    world.queue(message)
    assert world.deliver(message)
    assert world.sms.taken == [("+12025550123", "Gold")]
    assert world.state(message) == (DeliveryStatus.SENT, None)


def test_a_webhook_reaches_whoever_is_there(world: World) -> None:
    world.upload({"MSG-email": False, "MSG-sms": False, "MSG-push": False, "MSG-whatsapp": False})
    world.start(TargetMode.WEBHOOK)
    world.deliver()
    assert ended(world, DeliveryStatus.SENT)


@pytest.mark.parametrize("mode", [TargetMode.EMAIL, TargetMode.WEBHOOK])
def test_what_is_no_longer_declared_is_not_used(world: World, mode: TargetMode) -> None:
    world.start(mode)
    world.declare(CampaignSettings())
    world.deliver()
    assert world.taken == 0
    assert ended(world, DeliveryStatus.FAILED, "refused")
