"""An offline campaign reaches whom it means, each once, whatever crashes, comes twice or changes meanwhile."""

import os
from collections import Counter

import pytest

from api_segments.campaigns.model import CampaignStatus, DeliveryStatus
from api_segments.campaigns.running import runs as campaign_runs
from api_segments.campaigns.store_walks import CAMPAIGN_PAGE
from api_segments.core import parallel
from api_segments.memberships import store_lists as member_lists
from tests.simulation.walking import Walking
from tests.simulation.world import InlinePool

SEEDS = int(os.environ.get("SIMULATION_SEEDS", "50"))
A_TEST = 25


@pytest.fixture(autouse=True)
def one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parallel, "_POOL", InlinePool())


def held(world: Walking) -> None:
    """Hold what came of the campaign against what was true while it ran."""
    log = world.log()
    campaign, results = (
        world.ended(),
        world.calm.deliveries.results("W-1", world.campaign.campaign_id, world.deadline()),
    )
    queued = {line.profile_id for line in log if line.reason != "unreachable"}
    logged = [line.profile_id for line in log]
    assert len(logged) == len(set(logged)), "nobody is logged twice"
    assert not world.sent or max(world.sent.values()) == 1, "nobody gets two messages"
    for profile_id, user in world.users.items():
        if profile_id in queued:
            assert user.ever_meant, "who was never meant gets nothing"
            assert user.ever_reachable, "who was never reachable gets nothing"
    limit = world.campaign.users_limit
    if campaign.status is CampaignStatus.COMPLETED and (limit is None or len(queued) < limit):
        for profile_id, user in world.users.items():
            if user.always_in and not user.ever_excluded:
                assert profile_id in logged, "who was meant all the time is in the log"
                assert profile_id in queued or not user.always_reachable
    if limit is not None:
        assert len(queued) <= limit
    if world.stopped_with is not None:
        assert {*logged} == world.stopped_with, "nothing is queued after the stop"
    elif campaign.status is CampaignStatus.STOPPED:
        assert (world.is_disabled, campaign.stop_reason) == (True, "account_disabled")
    else:
        assert campaign.status is CampaignStatus.COMPLETED
    if world.disabled_with is not None:
        assert {*logged} == world.disabled_with, "nothing is queued of an account that may not send"

    # Results are the log's, all messages have ended, and the world was told once of each.
    of_log = Counter(line.status if line.reason is None else f"{line.status}_{line.reason}" for line in log)
    assert results.queued == results.settled == len(queued)
    assert results.sent == of_log[DeliveryStatus.SENT] == sum(world.sent.values())
    assert sum(results.skipped.values()) == len(log) - results.sent
    told = {event["Event ID"]: event for event in world.outside.events}
    assert all(event == told[event["Event ID"]] for event in world.outside.events), "what is sent again says the same"
    ends = [event for event in told.values() if event["name"] == "Campaign Completed"]
    assert [event["Status"] for event in ends] == [campaign.status]
    assert ends[0]["Results"]["sent"] == results.sent
    assert len([event for event in told.values() if event["name"] == "Campaign Started"]) == (
        campaign.started_at is not None
    )
    assert world.marks() == []
    assert world.live() == 0


@pytest.fixture(params=[12, CAMPAIGN_PAGE])
def page(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Walk in pages of this size; small ones come short where former members' rows are in between."""
    monkeypatch.setattr(campaign_runs, "CAMPAIGN_PAGE", request.param)
    monkeypatch.setattr(member_lists, "CALLS_PER_BUCKET", 1)


@pytest.mark.usefixtures("page")
@pytest.mark.parametrize("first", range(1, SEEDS + 1, A_TEST))
def test_a_campaign_reaches_whom_it_means_each_once_whatever_goes_wrong(first: int) -> None:
    for seed in range(first, first + A_TEST):
        world = Walking(seed)
        world.run_to_the_end()
        try:
            held(world)
        except AssertionError as error:
            pytest.fail(f"seed {seed}: {error}")


@pytest.mark.parametrize("seed", range(1000, 1030))
def test_without_trouble_the_campaign_reaches_exactly_its_audience(seed: int) -> None:
    world = Walking(seed, trouble=0, churn=0, stops=False)
    world.run_to_the_end()
    held(world)
    meant = {
        profile_id
        for profile_id, user in world.users.items()
        if user.segment_ids & set(world.campaign.audience.include)
        and not user.segment_ids & set(world.campaign.audience.exclude)
        and world.campaign.target_mode.reaches(frozenset(user.reach))
    }
    limit = world.campaign.users_limit
    if limit is None or limit >= len(meant):
        assert set(world.sent) == meant
    else:
        assert set(world.sent) < meant
        assert len(world.sent) == limit
