"""Each message of a campaign comes to one end, whatever is delivered again and whoever dies in between."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from api_segments.accounts.model import Account, AccountStatus
from api_segments.accounts.service import AccountService
from api_segments.accounts.store import AccountStore
from api_segments.aws import keys
from api_segments.aws.delivery import Reply
from api_segments.campaigns.model import (
    Audience,
    CampaignSettings,
    CampaignStatus,
    DeliveryStatus,
    Message,
    TargetMode,
    Trigger,
)
from api_segments.campaigns.sending.service import PROVIDER_SECONDS, SENDING_SECONDS, SETTINGS_SECONDS, QueuedMessage
from api_segments.campaigns.sending_accounts import ACCOUNT_SECONDS
from api_segments.campaigns.store_deliveries import DeliveryStore
from api_segments.core.channels import Channel
from api_segments.core.clock import Deadline, rfc3339
from api_segments.core.errors import UnavailableError
from api_segments.http.tenant import Plan
from api_segments.memberships.model import Action
from api_segments.profiles.model import Address, AddressType, ProfileUpdate
from api_segments.profiles.store_suppressions import SuppressionReason
from tests.support.clock import START
from tests.support.sending import ACCOUNT, CAMPAIGN_ID, GUID, MESSAGE, Crash, Provider, World, ended


@pytest.fixture
def world() -> World:
    return World()


@pytest.mark.parametrize("mode", TargetMode)
def test_a_message_is_sent_once_however_often_it_is_delivered(world: World, mode: TargetMode) -> None:
    world.start(mode)
    assert world.deliver()
    assert world.taken == (2 if mode is TargetMode.PUSH else 1)
    assert ended(world, DeliveryStatus.SENT)


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (Reply.REFUSED, "refused"),
        (Reply.GONE, "refused"),
        (Reply.GAVE_UP, "unavailable"),
        (Reply.UNKNOWN, "outcome_unknown"),
    ],
)
def test_what_a_provider_ends_is_ended(world: World, reply: Reply, reason: str) -> None:
    world.start()
    world.emails.replies = [reply]
    assert world.deliver()
    assert ended(world, DeliveryStatus.FAILED, reason)


def test_a_provider_that_is_away_is_tried_again_and_the_fifth_time_is_the_last(world: World) -> None:
    world.start()
    world.emails.replies = [Reply.TRY_AGAIN] * 5
    for _ in range(4):
        assert not world.deliver()
        assert world.state() == (DeliveryStatus.QUEUED, None)
    assert world.deliver(is_last=True)
    assert world.taken == 5
    assert ended(world, DeliveryStatus.FAILED, "unavailable")


def test_a_provider_that_comes_back_gets_the_message(world: World) -> None:
    world.start()
    world.emails.replies = [Reply.TRY_AGAIN]
    assert not world.deliver()
    assert world.deliver()
    assert ended(world, DeliveryStatus.SENT)


@pytest.mark.parametrize("is_last", [False, True])
@pytest.mark.parametrize("reply", [Reply.ACCEPTED, Reply.REFUSED, Reply.TRY_AGAIN])
def test_what_a_provider_says_at_the_end_of_its_time_is_still_written(
    world: World, monkeypatch: pytest.MonkeyPatch, reply: Reply, is_last: bool
) -> None:
    """Its last call is begun just within its time, and takes as long as a call may."""
    world.start()

    def send(_: Provider, *arguments: Any) -> Reply:
        world.clock.sleep(arguments[-1].remaining() + PROVIDER_SECONDS)
        return reply

    with monkeypatch.context() as patch:
        patch.setattr(Provider, "send", send)
        world.deliver(is_last=is_last)
    ends = {
        Reply.ACCEPTED: (DeliveryStatus.SENT, None),
        Reply.REFUSED: (DeliveryStatus.FAILED, "refused"),
        Reply.TRY_AGAIN: (DeliveryStatus.FAILED, "unavailable") if is_last else (DeliveryStatus.QUEUED, None),
    }
    assert world.state() == ends[reply]


def test_a_message_that_its_provider_would_have_no_time_for_is_not_claimed(world: World) -> None:
    world.start()
    deadline = world.deadline()
    world.clock.sleep(109)
    report = world.sender.send({"id": QueuedMessage(MESSAGE, is_last=True)}, deadline)
    assert report.again == {"id"}
    assert world.state() == (DeliveryStatus.QUEUED, None)


def opt_out(world: World) -> None:
    world.upload({"MSG-email": False})


def be_suppressed(world: World) -> None:
    """Put the address on the list, before any profile has followed."""
    address = Address(AddressType.EMAIL, "ZOE@example.com")
    key, now = world.addresses.of(ACCOUNT, address, world.deadline()), rfc3339(START)
    assert world.suppressions.add(key, SuppressionReason.UNSUBSCRIBED, now, now, world.deadline())


def close(world: World) -> None:
    update = ProfileUpdate(None, GUID, creates=False, opts_out={Channel.EMAIL: rfc3339(START)})
    assert world.profiles.update(ACCOUNT, {0: update}, world.deadline()) == {}
    world.upload({"MSG-email": True})


def lose_address(world: World) -> None:
    world.upload({}, without=frozenset({"Email"}))


def leave(world: World) -> None:
    world.move(set(), away_from=frozenset({7}))


def be_excluded(world: World) -> None:
    world.move({8})


def erase(world: World) -> None:
    world.profiles.erase(ACCOUNT, "CT1", world.deadline())


def stop(world: World) -> None:
    assert world.campaigns.end(world.campaign, CampaignStatus.STOPPED, rfc3339(START), world.deadline())


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (opt_out, "unreachable"),
        (lose_address, "unreachable"),
        (be_suppressed, "unreachable"),
        (close, "unreachable"),
        (leave, "removed"),
        (be_excluded, "removed"),
        (erase, "erased"),
        (stop, "stopped"),
    ],
)
@pytest.mark.parametrize("was_there_before", [True, False])
def test_who_must_not_get_it_any_more_does_not(
    world: World, change: Callable[[World], None], reason: str, was_there_before: bool
) -> None:
    world.start()
    if was_there_before:
        world.emails.replies = [Reply.TRY_AGAIN]
        assert not world.deliver()
    taken = world.taken
    change(world)
    assert world.deliver()
    assert world.taken == taken
    assert ended(world, DeliveryStatus.SKIPPED, reason)


@pytest.mark.parametrize(
    ("change", "audience", "is_sent"),
    [
        (leave, Audience((7,)), False),
        (be_excluded, Audience((), (8,)), False),
        (be_excluded, Audience((7,), (8,)), False),
        (leave, Audience(), True),
        (be_excluded, Audience(), True),
        (be_excluded, Audience((7,)), True),
    ],
)
@pytest.mark.parametrize("action", Action)
def test_an_online_campaigns_users_must_still_fit_it_too(
    world: World, change: Callable[[World], None], audience: Audience, is_sent: bool, action: Action
) -> None:
    world.start(trigger=Trigger(7, action), starts_at=None, audience=audience)
    change(world)
    assert world.deliver()
    if is_sent:
        assert ended(world, DeliveryStatus.SENT)
    else:
        assert ended(world, DeliveryStatus.SKIPPED, "removed")


@pytest.mark.parametrize("mode", TargetMode)
@pytest.mark.parametrize("address_type", AddressType)
def test_an_address_on_the_list_stops_the_channels_that_go_to_it_and_no_other(
    world: World, mode: TargetMode, address_type: AddressType
) -> None:
    world.start(mode)
    text = {AddressType.EMAIL: "zoe@example.com", AddressType.PHONE: "+12025550123"}[address_type]
    key, now = world.addresses.of(ACCOUNT, Address(address_type, text), world.deadline()), rfc3339(START)
    world.suppressions.add(key, SuppressionReason.ENTERED, now, now, world.deadline())
    assert world.deliver()
    stopped = {AddressType.EMAIL: {"email"}, AddressType.PHONE: {"sms", "whatsapp"}}[address_type]
    assert world.state() == (("skipped", "unreachable") if mode.value in stopped else ("sent", None))


def test_without_the_list_nothing_is_sent(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.start()

    def fail(*_: object) -> None:
        raise UnavailableError("away")

    monkeypatch.setattr(world.suppressions, "get_many", fail)
    assert not world.deliver()
    assert (world.taken, world.state()) == (0, ("queued", None))
    monkeypatch.undo()
    assert world.deliver()
    assert world.taken == 1


def test_settings_are_read_anew_after_a_minute(world: World) -> None:
    world.start()
    world.emails.replies = [Reply.TRY_AGAIN, Reply.TRY_AGAIN]
    world.deliver()
    world.declare(CampaignSettings(senders=("other@example.com",)))
    world.deliver()
    world.clock.sleep(SETTINGS_SECONDS + 1)
    world.deliver()
    assert [email.sender for (email,) in world.emails.taken] == ["news@example.com"] * 2 + ["other@example.com"]


def test_a_template_that_fails_for_this_user_fails_this_message_alone(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    world.start(TargetMode.SMS, content={"body": "{{ profile.Name | date: 'x' | divided_by: 0 }}"})
    assert world.deliver()
    assert world.taken == 0
    assert ended(world, DeliveryStatus.FAILED, "template")
    assert "Zoë" not in caplog.text


def test_a_message_that_another_sender_has_is_left_to_it(world: World) -> None:
    world.start()
    until = rfc3339(START + timedelta(seconds=SENDING_SECONDS))
    assert world.deliveries.claim(MESSAGE, rfc3339(START), until, world.deadline())
    assert not world.deliver()
    world.clock.sleep(SENDING_SECONDS)
    assert not world.deliver()
    assert world.state() == (DeliveryStatus.SENDING, None)
    world.clock.sleep(0.001)
    assert world.deliver()
    assert world.taken == 0
    assert ended(world, DeliveryStatus.FAILED, "outcome_unknown")


def test_of_two_senders_at_once_one_sends(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The other has read the message as queued before, and claims it after."""
    world.start()
    claim, second = world.deliveries.claim, world.new_process()
    delivered: list[bool] = []

    def raced(*arguments: Any) -> bool:
        monkeypatch.undo()
        report = second.send({"id": QueuedMessage(MESSAGE, is_last=False)}, world.deadline())
        delivered.append(not report.again)
        return claim(*arguments)

    monkeypatch.setattr(DeliveryStore, "claim", lambda _, *arguments: raced(*arguments))
    assert not world.deliver()
    assert delivered == [True]
    assert world.taken == 1
    assert ended(world, DeliveryStatus.SENT)


def test_a_message_without_a_line_in_the_log_or_without_a_campaign_is_dropped(world: World) -> None:
    assert world.deliver()
    world.queue()
    assert world.deliver()
    assert world.taken == 0


def test_a_database_that_is_away_puts_the_message_off(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.start()

    def refuse(**_: Any) -> Any:
        raise ClientError({"Error": {"Code": "AccessDeniedException"}}, "UpdateItem")

    with monkeypatch.context() as patch:
        patch.setattr(world.client, "update_item", refuse)
        assert not world.deliver()
    assert world.taken == 0
    assert world.deliver()
    assert ended(world, DeliveryStatus.SENT)


def test_nothing_is_begun_when_the_time_is_up(world: World) -> None:
    world.start()
    deadline = world.deadline()
    world.clock.sleep(111)
    report = world.sender.send({"id": QueuedMessage(MESSAGE, is_last=False)}, deadline)
    assert report.again == {"id"}
    assert world.taken == 0


def test_a_batch_is_sent_side_by_side_and_each_message_ends_by_itself(world: World) -> None:
    world.start(TargetMode.SMS)
    messages = {}
    for number in range(10):
        message = Message(ACCOUNT, CAMPAIGN_ID, f"d{number}", GUID if number % 2 else f"nobody-{number}")
        world.queue(message)
        messages[str(number)] = QueuedMessage(message, is_last=False)
    report = world.sender.send(messages, world.deadline())
    assert report.again == set()
    assert report.outcomes == {"sent": 5, "skipped_erased": 5}
    assert world.taken == 5


def ends_of(mode: TargetMode) -> int:
    """Return how many calls a whole delivery makes."""
    world = World()
    world.start(mode)
    world.calls = 0
    assert world.deliver()
    return world.calls


CALLS = {mode: ends_of(mode) for mode in (TargetMode.EMAIL, TargetMode.PUSH, TargetMode.WHATSAPP)}
POINTS = [
    (mode, number, when)
    for mode, most in CALLS.items()
    for number in range(1, most + 1)
    for when in ("before", "after")
]


@pytest.mark.parametrize(("mode", "number", "when"), POINTS)
def test_wherever_a_sender_dies_the_message_is_sent_at_most_once_and_comes_to_one_end(
    world: World, mode: TargetMode, number: int, when: str
) -> None:
    world.start(mode)
    world.calls, world.dies_at = 0, (number, when)
    with pytest.raises(Crash):
        world.deliver()
    world.dies_at = None
    taken_by_then = world.taken
    claimed = world.state()[0] is DeliveryStatus.SENDING
    world.new_process()
    if claimed:
        assert not world.deliver()
        world.clock.sleep(SENDING_SECONDS + 1)
    assert world.deliver()
    if claimed:
        assert world.taken == taken_by_then
        assert ended(world, DeliveryStatus.FAILED, "outcome_unknown")
    else:
        assert ended(world, DeliveryStatus.SENT)
    assert world.taken <= (2 if mode is TargetMode.PUSH else 1)


def test_a_log_line_of_any_delivery_id_has_a_key(world: World) -> None:
    message = Message(ACCOUNT, CAMPAIGN_ID, "ü" * 510, GUID)
    world.start(TargetMode.SMS)
    world.queue(message)
    assert world.deliver(message)
    assert world.state(message) == (DeliveryStatus.SENT, None)
    assert len(keys.delivery(CAMPAIGN_ID, message.delivery_id).encode()) <= 1024


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda accounts, until: accounts.set_status(ACCOUNT, AccountStatus.DISABLED, until), "account_disabled"),
        (lambda accounts, until: accounts.set_plan(ACCOUNT, Plan.ESSENTIALS, None, until), "no_api_segments"),
        (lambda accounts, until: accounts.set_plan(ACCOUNT, Plan.ADVANCED, False, until), "no_api_segments"),  # noqa: FBT003 - the beta flag
    ],
    ids=["disabled", "downgraded", "out of the beta"],
)
def test_a_message_of_an_account_that_may_not_send_now_is_skipped_for_good(
    world: World, change: Callable[[AccountService, Deadline], object], reason: str
) -> None:
    world.start()
    change(world.accounts, world.deadline())
    assert world.deliver()
    world.accounts.set_status(ACCOUNT, AccountStatus.ACTIVE, world.deadline())
    world.accounts.set_plan(ACCOUNT, Plan.CUTTING_EDGE, True, world.deadline())  # noqa: FBT003 - the beta flag
    world.clock.move(seconds=ACCOUNT_SECONDS + 1)
    assert ended(world, DeliveryStatus.SKIPPED, reason)
    assert world.taken == 0


def test_an_account_is_read_once_a_minute(world: World) -> None:
    world.start()
    reads: list[str] = []
    found = AccountStore.get

    def get(store: AccountStore, account_id: str, deadline: Deadline) -> Account | None:
        reads.append(account_id)
        return found(store, account_id, deadline)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(AccountStore, "get", get)
        for number in range(5):
            message = replace(MESSAGE, delivery_id=f"m{number}")
            world.queue(message)
            assert world.deliver(message)
        assert reads == [ACCOUNT]
        world.clock.move(seconds=ACCOUNT_SECONDS + 1)
        world.accounts.set_status(ACCOUNT, AccountStatus.DISABLED, world.deadline())
        assert world.deliver()
    assert world.state() == (DeliveryStatus.SKIPPED, "account_disabled")


@pytest.mark.parametrize("damage", ["gone", "plan", "status", "private_beta", "passcodes"])
def test_of_an_account_that_can_not_be_read_messages_wait(world: World, damage: str) -> None:
    world.start()
    table = world.tables["ACCOUNTS_TABLE"]
    key = {"account_id": {"S": ACCOUNT}, "sk": {"S": "ACCOUNT"}}
    (item,) = [world.client.get_item(TableName=table, Key=key)["Item"]]
    if damage == "gone":
        world.client.delete_item(TableName=table, Key=key)
    else:
        world.client.put_item(TableName=table, Item={**item, damage: {"S": "?"}})
    assert not world.deliver()
    assert not world.deliver(is_last=True)
    assert world.state() == (DeliveryStatus.QUEUED, None)
    assert world.taken == 0
    world.client.put_item(TableName=table, Item=item)
    assert world.deliver()
    assert ended(world, DeliveryStatus.SENT)
