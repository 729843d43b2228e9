"""An edit and the start of its campaign at once, and an edit that dies: the campaign is the old one or the new one."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from itertools import count
from typing import Any

import pytest

from api_segments.aws.clients import dynamodb_client
from api_segments.aws.task_queue import TaskQueue
from api_segments.campaigns.planning.schedules import CampaignSchedules
from api_segments.core.clock import SYSTEM_CLOCK
from tests.integration.campaigning import Campaigning
from tests.integration.conftest import Relay
from tests.support.clock import MovableClock

pytestmark = pytest.mark.usefixtures("side_by_side")

MOST_CALLS = 60
LATER = {"when": "20261205 10:00", "content": {"body": "new"}, "name": "New"}


class Crash(BaseException):
    """The function's process ends here."""


@contextmanager
def at_each_call(do: Callable[[int], None]) -> Iterator[None]:
    """Do something before each call of DynamoDB, the queues and the scheduler, by its number; not within itself."""
    numbers, is_within = count(), False
    with pytest.MonkeyPatch.context() as patch:

        def around(owner: Any, name: str) -> None:
            original = getattr(owner, name)

            def call(*arguments: Any, **named: Any) -> Any:
                nonlocal is_within
                if not is_within:
                    is_within = True
                    try:
                        do(next(numbers))
                    finally:
                        is_within = False
                return original(*arguments, **named)

            patch.setattr(owner, name, call)

        client = dynamodb_client()
        for name in ("get_item", "batch_get_item", "query", "update_item", "put_item", "transact_write_items"):
            around(client, name)
        around(client, "batch_write_item")
        around(TaskQueue, "put_off")
        for name in ("create", "delete"):
            around(CampaignSchedules, name)
        yield


def begun(campaigning: Campaigning, relay: Relay, number: int) -> tuple[int, int]:
    """Create a campaign for the first of two segments, whose time has just come; return it and the other segment."""
    old, new = campaigning.account.create(f"OLD-{number}", f"NEW-{number}")
    campaigning.users(old, "old")
    campaigning.users(new, "new")
    relay.drain()
    campaign_id = campaigning.create(segment=old, when=f"{SYSTEM_CLOCK.now() + timedelta(days=1):%Y%m%d %H:%M}")
    SYSTEM_CLOCK.sleep(24 * 3600)
    return campaign_id, new


def run_to_its_end(campaigning: Campaigning, campaign_id: int, clock: MovableClock) -> None:
    """Let schedules fire and tasks come at their times until the campaign has ended, as it is told to be."""
    for _ in range(2000):
        target = campaigning.ok("result", {"id": campaign_id})["target"]
        if target["status"] == "completed":
            break
        if target["starts_at"][:19] > f"{clock.now():%Y-%m-%dT%H:%M:%S}":
            assert campaigning.log(campaign_id) == [], "nobody is written to before the start"
        campaigning.run()
        campaigning.send_all()
        clock.move(seconds=900)
        campaigning.queues.tasks += campaigning.schedules.due(clock.now())
    target = campaigning.ok("result", {"id": campaign_id})["target"]
    assert target["status"] == "completed"
    who = {"Old": "old", "New": "new"}[target["name"]]
    assert [(line["identity"], line["status"]) for line in campaigning.log(campaign_id)] == [(who, "sent")]
    assert target["content"]["body"] == ("new" if target["name"] == "New" else "Hello")


def test_an_edit_beside_the_start_is_whole_or_refused(
    campaigning: Campaigning, relay: Relay, clock: MovableClock
) -> None:
    answers: list[int] = []
    for number in range(MOST_CALLS):
        campaign_id, new = begun(campaigning, relay, number)
        campaigning.ok("edit", {"id": campaign_id, "name": "Old", "content": {"body": "Hello"}})
        before = len(answers)

        def edit(call: int, campaign_id: int = campaign_id, new: int = new, at: int = number) -> None:
            if call == at:
                answers.append(campaigning.call("edit", {"id": campaign_id, "segment": new, **later(clock)})[0])

        tasks = campaigning.schedules.fire()
        with at_each_call(edit):
            campaigning.run(*tasks)
        if len(answers) == before:
            break
        name = campaigning.ok("result", {"id": campaign_id})["target"]["name"]
        assert name == ("New" if answers[-1] == 200 else "Old")
        campaigning.queues.tasks += tasks
        run_to_its_end(campaigning, campaign_id, clock)
        campaigning.queues.tasks.clear()
    assert set(answers) == {200, 409}


def test_an_edit_that_dies_at_any_call_is_whole_or_nothing(
    campaigning: Campaigning, relay: Relay, clock: MovableClock
) -> None:
    names = set[str]()
    for number in range(MOST_CALLS):
        campaign_id, new = begun(campaigning, relay, number)
        campaigning.ok("edit", {"id": campaign_id, "name": "Old", "content": {"body": "Hello"}})
        tasks = campaigning.schedules.fire()
        died = False

        def die(call: int, at: int = number) -> None:
            nonlocal died
            if call == at:
                died = True
                raise Crash

        with at_each_call(die), suppress(Crash):
            campaigning.call("edit", {"id": campaign_id, "segment": new, **later(clock)})
        names.add(campaigning.ok("result", {"id": campaign_id})["target"]["name"])
        campaigning.queues.tasks += tasks
        run_to_its_end(campaigning, campaign_id, clock)
        campaigning.queues.tasks.clear()
        if not died:
            break
    assert names == {"Old", "New"}


def later(clock: MovableClock) -> dict[str, Any]:
    """Return an edit that moves a campaign by an hour, to another segment and content."""
    return {**LATER, "when": f"{clock.now() + timedelta(hours=1):%Y%m%d %H:%M}"}


def test_of_two_edits_at_once_neither_is_lost(campaigning: Campaigning) -> None:
    (gold,) = campaigning.account.create("GOLD")
    for number in range(MOST_CALLS):
        campaign_id = campaigning.create(segment=gold, when=f"{SYSTEM_CLOCK.now() + timedelta(days=1):%Y%m%d %H:%M}")
        other = dict[str, int]()

        def edit(call: int, campaign_id: int = campaign_id, at: int = number, other: dict[str, int] = other) -> None:
            if call == at:
                other["status"] = campaigning.call("edit", {"id": campaign_id, "users_limit_overall": 7})[0]

        with at_each_call(edit):
            campaigning.ok("edit", {"id": campaign_id, "name": "New"})
        target = campaigning.ok("result", {"id": campaign_id})["target"]
        if not other:
            break
        assert (target["name"], target["users_limit_overall"], target["version"]) == ("New", 7, 2)
