"""A campaign's stage follows from its status, its kind and how far its walk is."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from api_segments.campaigns.model import Audience, Campaign, CampaignStatus, TargetMode, Trigger
from api_segments.campaigns.stages import Stage, Walk, stage_of
from api_segments.memberships.model import Action

NOW = "2026-11-18T11:07:00.438583Z"
OFFLINE = Campaign(
    account_id="A-1",
    campaign_id=1,
    name="hello",
    target_mode=TargetMode.EMAIL,
    audience=Audience((7,)),
    trigger=None,
    starts_at=datetime(2026, 11, 18, 11, tzinfo=UTC),
    content={},
    users_limit=2,
    status=CampaignStatus.RUNNING,
    created_at=NOW,
)
ONLINE = replace(OFFLINE, trigger=Trigger(7, Action.ADD), starts_at=None)


@pytest.mark.parametrize(
    ("campaign", "status", "walk", "stage"),
    [
        (OFFLINE, "scheduled", Walk(), Stage.WAITING),
        (OFFLINE, "running", Walk(), Stage.WALKING),
        (OFFLINE, "running", Walk(version=1, seen_all=True, queued=2), Stage.WALKING),
        (OFFLINE, "running", Walk(version=2, seen_all=True, queued=2, walked_at=NOW), Stage.SETTLING),
        (OFFLINE, "stopped", Walk(version=1), Stage.SETTLING),
        (OFFLINE, "completed", Walk(version=2, walked_at=NOW), Stage.SETTLING),
        (OFFLINE, "completed", Walk(version=2, walked_at=NOW, end_published=True), Stage.OVER),
        (OFFLINE, "stopped", Walk(end_published=True), Stage.OVER),
        (ONLINE, "running", Walk(), Stage.ACTING),
        (ONLINE, "running", Walk(queued=1), Stage.ACTING),
        (ONLINE, "running", Walk(queued=2), Stage.SETTLING),
        (replace(ONLINE, users_limit=None), "running", Walk(queued=2), Stage.ACTING),
        (ONLINE, "stopped", Walk(queued=1), Stage.SETTLING),
        (ONLINE, "completed", Walk(queued=2, walked_at=NOW, end_published=True), Stage.OVER),
    ],
)
def test_stage_of(campaign: Campaign, status: str, walk: Walk, stage: Stage) -> None:
    assert stage_of(replace(campaign, status=CampaignStatus(status)), walk) is stage
