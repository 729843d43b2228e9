"""An online campaign sends one message a change, no more than its limit, and ends when it is full, whatever happens."""

import os

import pytest

from api_segments.campaigns.model import CampaignStatus, DeliveryStatus
from api_segments.core import parallel
from tests.simulation.triggering import Triggering
from tests.simulation.world import InlinePool

SEEDS = int(os.environ.get("SIMULATION_SEEDS", "50"))
A_TEST = 25


@pytest.fixture(autouse=True)
def one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parallel, "_POOL", InlinePool())


def held(world: Triggering) -> None:
    """Hold what came of the campaign against what was told."""
    log, campaign, limit = world.log(), world.ended(), world.campaign.users_limit
    results = world.calm.deliveries.results(campaign.account_id, campaign.campaign_id, world.deadline())
    assert {line.delivery_id for line in log} <= {change.event_id for change in world.changes}
    assert not world.sent or max(world.sent.values()) == 1, "one message a change"
    queued = [line for line in log if line.reason not in ("unreachable", "account_disabled")]
    for line in log:
        may_not_send = world.logged_meanwhile[line.delivery_id]
        is_refused = line.reason == "account_disabled"
        assert is_refused <= may_not_send, "who may send, does"
        assert is_refused or not may_not_send, "who may not send, does not, later either"
    assert {line.status for line in log} <= {DeliveryStatus.SENT, DeliveryStatus.SKIPPED}, "what was logged has ended"
    assert results.queued == results.settled == len(queued)
    assert results.sent == sum(world.sent.values())
    is_full = limit is not None and len(queued) == limit
    assert limit is None or len(queued) <= limit
    ends = {CampaignStatus.STOPPED} if world.stops else set()
    assert campaign.status in ends | {CampaignStatus.COMPLETED if is_full else CampaignStatus.RUNNING}
    completed = {event["Event ID"] for event in world.outside.events if event["name"] == "Campaign Completed"}
    assert len(completed) == (campaign.status is not CampaignStatus.RUNNING)


@pytest.mark.parametrize("first", range(1, SEEDS + 1, A_TEST))
def test_each_change_is_acted_on_once_whatever_goes_wrong(first: int) -> None:
    for seed in range(first, first + A_TEST):
        world = Triggering(seed)
        world.play()
        try:
            held(world)
        except AssertionError as error:
            pytest.fail(f"seed {seed}: {error}")


@pytest.mark.parametrize("seed", range(1000, 1010))
def test_without_trouble_all_is_the_same(seed: int) -> None:
    world = Triggering(seed, trouble=0)
    world.play()
    held(world)
