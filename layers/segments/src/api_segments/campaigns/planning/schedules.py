"""EventBridge Scheduler: when a campaign is to start, a task for it arrives in the queue of campaigns."""

import json
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import TYPE_CHECKING

from api_segments.aws.failures import CALL_FAILED, failure_code
from api_segments.campaigns.model import Campaign, CampaignTask
from api_segments.core.clock import Backoff, Deadline
from api_segments.core.errors import UnavailableError

if TYPE_CHECKING:
    from types_boto3_scheduler import EventBridgeSchedulerClient

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ScheduledQueue:
    """Where schedules are kept, and what they feed: the queue, and the role that may send to it."""

    group: str
    arn: str
    role_arn: str


class CampaignSchedules:
    """Makes and deletes schedules that fire once, one a campaign."""

    def __init__(self, client: "EventBridgeSchedulerClient", queue: ScheduledQueue) -> None:
        self._client = client
        self._queue = queue

    def create(self, campaign: Campaign, at: datetime, deadline: Deadline) -> None:
        """See to it that the campaign's task arrives at `at`, its start; raises UnavailableError."""
        self._repeated(
            lambda: self._client.create_schedule(
                GroupName=self._queue.group,
                Name=_name(campaign),
                ScheduleExpression=f"at({at.astimezone(UTC):%Y-%m-%dT%H:%M:%S})",
                ScheduleExpressionTimezone="UTC",
                FlexibleTimeWindow={"Mode": "OFF"},
                ActionAfterCompletion="DELETE",
                Target={
                    "Arn": self._queue.arn,
                    "RoleArn": self._queue.role_arn,
                    "Input": json.dumps(CampaignTask(campaign.account_id, campaign.campaign_id).to_json()),
                },
            ),
            "ConflictException",  # our own, whose answer was lost: its name is the campaign's and the time's
            deadline,
        )

    def delete(self, campaign: Campaign, deadline: Deadline) -> None:
        """Delete the campaign's schedule, unless it has fired; raises UnavailableError."""
        self._repeated(
            lambda: self._client.delete_schedule(GroupName=self._queue.group, Name=_name(campaign)),
            "ResourceNotFoundException",
            deadline,
        )

    @staticmethod
    def _repeated(call: Callable[[], object], done: str, deadline: Deadline) -> None:
        """Make a call until it is answered; the error `done` says that nothing is left to do."""
        backoff = Backoff(deadline)
        while True:
            try:
                call()
            except CALL_FAILED as exc:
                if failure_code(exc) == done:
                    return
                _LOG.warning("EventBridge Scheduler did not take a call", exc_info=True)
                if not backoff.wait():
                    raise UnavailableError("the scheduler did not answer") from exc
            else:
                return


def _name(campaign: Campaign) -> str:
    """Name a schedule, in the 64 characters that one may have, by account and campaign.

    One that an edit makes has a name by version and time, too: of edits side by side each makes its own.
    """
    named = campaign.account_id
    if campaign.start_version:
        named += f"#{campaign.start_version}#{campaign.starts_at}"
    return f"{campaign.campaign_id}-{sha256(named.encode()).hexdigest()[:32]}"
