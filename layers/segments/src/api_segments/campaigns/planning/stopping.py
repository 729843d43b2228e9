"""Stop a campaign."""

from api_segments.campaigns.errors import no_such_campaign
from api_segments.campaigns.model import CampaignStatus
from api_segments.campaigns.planning.starts import CampaignStarts
from api_segments.campaigns.running.runs import CampaignStores
from api_segments.campaigns.stages import Stage, stage_of
from api_segments.core.clock import Backoff, Clock, Deadline, rfc3339
from api_segments.core.errors import UnavailableError


class CampaignStopService:
    """Stops campaigns of an account."""

    def __init__(self, stores: CampaignStores, starts: CampaignStarts, clock: Clock) -> None:
        self._stores = stores
        self._starts = starts
        self._clock = clock

    def stop(self, account_id: str, campaign_id: int, deadline: Deadline) -> None:
        """Stop a campaign; one that has ended stays as it is. Raises NotFoundError.

        What was queued already is skipped by the sender; the end is published when all messages have ended.
        """
        backoff = Backoff(deadline)
        while True:
            state = self._stores.campaigns.get_state(account_id, campaign_id, deadline)
            if state is None:
                raise no_such_campaign(campaign_id)
            campaign, walk = state
            if not campaign.status.is_live:
                break
            now = rfc3339(self._clock.now())
            self._stores.campaigns.end(campaign, CampaignStatus.STOPPED, now, deadline)
            if not backoff.wait():
                raise UnavailableError("the campaign kept changing")
        if stage_of(campaign, walk) is Stage.OVER:
            return
        if campaign.started_at is None:
            self._starts.unplan(campaign, deadline)
        # Also when another request has stopped it, which may not have come this far.
        self._starts.wake(campaign, deadline)
