"""Whoever is erased while campaigns write to the profile stays erased; their roles could not create one either."""

from collections.abc import Callable
from typing import Any

import pytest

from api_segments.aws.delivery import Reply
from api_segments.campaigns.model import AfterSending, DeliveryStatus, TargetMode
from api_segments.campaigns.sending.opt_outs import Origin, TokenUse
from api_segments.core.channels import Channel
from api_segments.core.clock import rfc3339
from api_segments.profiles.model import ProfileUpdate
from tests.support.rights import Use, allows
from tests.support.sending import ACCOUNT, CAMPAIGN_ID, GUID, Provider, World

ORIGIN = Origin(ACCOUNT, GUID, CAMPAIGN_ID, Channel.EMAIL, GUID, None)
WRITERS = ("unsubscribe", "mail_feedback", "send_messages")


def erase(world: World) -> None:
    world.profiles.erase(ACCOUNT, "CT1", world.deadline())


def is_gone(world: World) -> bool:
    state = world.stores.profiles.load(ACCOUNT, [GUID], world.deadline())[GUID]
    return state.membership is None and state.profile.version == 0


def first_time(world: World, call: Callable[..., Any]) -> Callable[..., Any]:
    """Erase the user when this call, its first, has been answered."""
    waiting = [erase]

    def then_erase(*arguments: Any, **named: Any) -> Any:
        answer = call(*arguments, **named)
        if waiting:
            waiting.pop()(world)
        return answer

    return then_erase


@pytest.mark.parametrize(("between", "by_feedback"), [("get", False), ("_read", False), ("_read", True)])
def test_an_opt_out_brings_nobody_back(between: str, *, by_feedback: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    world = World()
    use = TokenUse.FEEDBACK if by_feedback else TokenUse.UNSUBSCRIBE
    token = world.tokens.write(use, ORIGIN, world.deadline())
    monkeypatch.setattr(world.profiles, between, first_time(world, getattr(world.profiles, between)))
    if by_feedback:
        at = rfc3339(world.clock.now())
        world.opt_outs.take_feedback(token, AfterSending.COMPLAINED, at, ["zoe@example.com"], world.deadline())
    else:
        world.opt_outs.unsubscribe(token, world.deadline())
    assert is_gone(world)


def test_a_dead_token_brings_nobody_back(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World()
    world.pushes.replies = [Reply.GONE, Reply.ACCEPTED]
    world.start(TargetMode.PUSH)
    monkeypatch.setattr(Provider, "send", first_time(world, Provider.send))
    assert world.deliver()
    assert world.state() == (DeliveryStatus.SENT, None)
    assert is_gone(world)


def test_an_upload_still_creates() -> None:
    world = World()
    erase(world)
    assert world.profiles.update(ACCOUNT, {0: ProfileUpdate("CT1", GUID, {"Name": "Zoë"})}, world.deadline()) == {}
    assert not is_gone(world)


@pytest.mark.parametrize("function", WRITERS)
def test_no_role_of_these_may_create_a_profile(function: str) -> None:
    assert not allows(Use(function, "dynamodb:PutItem", "MembershipsTable"))
