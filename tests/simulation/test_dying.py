"""A function that dies at any one of its writes changes nothing of what comes of a campaign.

Dying at a read is dying after the write before it. The sender's calls are gone through like this in `test_delivery`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from api_segments.campaigns.running import runs as campaign_runs
from api_segments.core import parallel
from tests.simulation import test_triggering, triggering, walking
from tests.simulation.triggering import Triggering
from tests.simulation.walking import Crash, Walking
from tests.simulation.world import InlinePool

READS = ("get_item", "batch_get_item", "query")
MOST_WRITES = 500


@dataclass
class Life:
    """How many writes there were, and at which one the process that makes it dies, before or after it is done."""

    dies_at: tuple[int, str]
    writes: int = 0
    has_died: bool = False

    def client(self, service: object, *_: object) -> "Mortal":
        return Mortal(service, self)


@dataclass
class Mortal:
    """A client that passes calls on, while there is life."""

    service: object
    life: Life

    def __getattr__(self, operation: str) -> Callable[..., Any]:
        run = getattr(self.service, operation)

        def call(**arguments: Any) -> Any:
            if operation in READS:
                return run(**arguments)
            number, self.life.writes = self.life.writes, self.life.writes + 1
            self._die((number, "before"))
            answer = run(**arguments)
            self._die((number, "after"))
            return answer

        return call

    def _die(self, moment: tuple[int, str]) -> None:
        if self.life.dies_at == moment:
            self.life.has_died = True
            raise Crash


@pytest.fixture(autouse=True)
def one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parallel, "_POOL", InlinePool())


def walked(life: Life, monkeypatch: pytest.MonkeyPatch) -> tuple[object, ...]:
    """Return all that comes of a campaign to 40 users."""
    monkeypatch.setattr(walking, "Shaky", life.client)
    world = Walking(45, trouble=0, churn=0, stops=False)
    world.clock.move(seconds=walking.LAG_SECONDS)
    world._project()  # noqa: SLF001 - the lists have followed
    world.run_to_the_end()
    log = sorted((line.profile_id, line.status, line.reason) for line in world.log())
    results = world.calm.deliveries.results(walking.ACCOUNT, walking.CAMPAIGN_ID, world.deadline())
    events = {event["Event ID"]: event["name"] for event in world.outside.events}
    return log, dict(world.sent), results, events, world.marks(), world.live()


def test_a_walk_that_dies_at_any_write_ends_as_if_it_had_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(campaign_runs, "CAMPAIGN_PAGE", 9)
    undisturbed = walked(Life((-1, "")), monkeypatch)
    assert len(undisturbed[0]) > 9, "more than a page"  # type: ignore[arg-type]  # the log
    for number in range(MOST_WRITES):
        lives = [Life((number, "before")), Life((number, "after"))]
        for life in lives:
            assert walked(life, monkeypatch) == undisturbed, life
        if not lives[0].has_died:
            break
    assert number > 10, "writes were gone through"


def test_a_trigger_that_dies_at_any_write_acts_on_each_change_once(monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(MOST_WRITES):
        lives = [Life((number, "before")), Life((number, "after"))]
        for life in lives:
            monkeypatch.setattr(triggering, "Shaky", life.client)
            world = Triggering(10, trouble=0)
            world.play()
            test_triggering.held(world)
        if not lives[0].has_died:
            break
    assert number > 10, "writes were gone through"
