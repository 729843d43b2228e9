"""The stages of a campaign's run, how far one has come, and who takes it further. Plain values, no AWS.

    offline: planning            online: planning
             │ create                    │ create
             ▼                           ▼
          WAITING                     ACTING ◀─┐ triggers: WalkStore.admit, a change's messages
             │ runs: start               │  └──┘
             ▼                           │
          WALKING ◀─┐ runs: WalkStore    │ triggers: a task, when `users_limit` messages were queued
             │  └───┘ .advance, a page   │
             │ runs: .advance, the end   │       from each of these: planning, `stop`, and a task
             └───────────▶ SETTLING ◀────┴────────────────────────────────────────────────
                              │ runs: when all messages have ended, or a day has passed:
                              ▼ completed unless stopped, and "Campaign Completed" is published
                             OVER

A stage is not stored: `stage_of` tells it from the campaign's status and its `Walk`. Whatever moves a campaign does it
on condition that it is still where it was read to be, so of two that move it one gets ahead. `runs` works by tasks in
the queue of campaigns: a schedule or planning sends the first, and each that does not come to the end puts itself off.
"""

from dataclasses import dataclass
from enum import StrEnum

from api_segments.campaigns.model import Campaign, CampaignStatus, Results


@dataclass(frozen=True, slots=True)
class Walk:
    """How far a campaign has come. `version` grows by one with each step, so that of two runners one gets ahead.

    The walk goes on after the profile `after`, or has seen all. The messages of the last page, `pending`, may not be in
    their queue yet. `queued` counts users whose message was queued, for the limit. `walked_at` is when the last page
    was done, or an online campaign was found full; `start_published` and `end_published` are whether the bus has taken
    these events. `end_results` are what the second of them says of the messages.
    """

    version: int = 0
    after: str | None = None
    seen_all: bool = False
    pending: tuple[str, ...] = ()
    queued: int = 0
    walked_at: str | None = None
    start_published: bool = False
    end_published: bool = False
    end_results: Results | None = None


class Stage(StrEnum):
    """What a campaign does now."""

    WAITING = "waiting"  # for its start
    WALKING = "walking"  # offline: logs and queues messages, page by page
    ACTING = "acting"  # online: logs and queues a message for each change
    SETTLING = "settling"  # queues no more messages; the queued ones come to their ends
    OVER = "over"


def stage_of(campaign: Campaign, walk: Walk) -> Stage:
    """Return the stage of a campaign."""
    if walk.end_published:
        return Stage.OVER
    if campaign.status is CampaignStatus.SCHEDULED:
        return Stage.WAITING
    if campaign.status is CampaignStatus.RUNNING:
        if campaign.trigger is not None:
            return Stage.SETTLING if is_full(campaign, walk) else Stage.ACTING
        if walk.walked_at is None:
            return Stage.WALKING
    return Stage.SETTLING


def is_full(campaign: Campaign, walk: Walk) -> bool:
    """Whether a campaign has queued as many messages as its limit allows."""
    return campaign.users_limit is not None and walk.queued >= campaign.users_limit
