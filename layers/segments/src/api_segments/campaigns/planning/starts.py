"""What makes campaigns start: a task in the queue of campaigns, or a schedule that puts it there."""

from api_segments.aws.task_queue import TaskQueue
from api_segments.campaigns.model import Campaign, CampaignTask
from api_segments.campaigns.planning.schedules import CampaignSchedules
from api_segments.core.clock import Clock, Deadline

# A start that is nearer than this is not left to the scheduler: it would be past before the schedule is made.
SCHEDULE_SECONDS = 30


class CampaignStarts:
    """Sees to it that campaigns are run at their times. Raises UnavailableError."""

    def __init__(self, tasks: TaskQueue, schedules: CampaignSchedules, clock: Clock) -> None:
        self._tasks = tasks
        self._schedules = schedules
        self._clock = clock

    def plan(self, campaign: Campaign, deadline: Deadline) -> None:
        """Let the campaign's task come at its start, or at once if it has none."""
        if not self.plan_near(campaign, deadline) and campaign.starts_at is not None:
            self._schedules.create(campaign, campaign.starts_at, deadline)

    def plan_near(self, campaign: Campaign, deadline: Deadline) -> bool:
        """Let the campaign's task come if its start is too near for a schedule; whether that is so."""
        ahead = 0.0
        if campaign.starts_at is not None:
            ahead = max(0.0, (campaign.starts_at - self._clock.now()).total_seconds())
        is_near = ahead < SCHEDULE_SECONDS
        if is_near:
            self._put_off(campaign, ahead, deadline)
        return is_near

    def wake(self, campaign: Campaign, deadline: Deadline) -> None:
        """Let the campaign's task come at once."""
        self._put_off(campaign, 0.0, deadline)

    def unplan(self, campaign: Campaign, deadline: Deadline) -> None:
        """Delete the campaign's schedule, unless it has fired or never was."""
        self._schedules.delete(campaign, deadline)

    def _put_off(self, campaign: Campaign, ahead: float, deadline: Deadline) -> None:
        self._tasks.put_off(CampaignTask(campaign.account_id, campaign.campaign_id).to_json(), ahead, deadline)
