"""EventBridge Scheduler: when a campaign is to start, a task for it arrives in the queue of campaigns."""

import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from segments.clock import Backoff, Deadline
from segments.errors import UnavailableError

if TYPE_CHECKING:
    from types_boto3_scheduler import EventBridgeSchedulerClient

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ScheduleTarget:
    """Where schedules are kept, and what they feed: the queue, and the role that may send to it."""

    group: str
    queue_arn: str
    role_arn: str


class CampaignScheduleStore:
    """Makes and deletes schedules that fire once, one a campaign."""

    def __init__(self, client: "EventBridgeSchedulerClient", target: ScheduleTarget) -> None:
        self._client = client
        self._target = target

    def create(self, account_id: str, campaign_id: int, at: datetime, deadline: Deadline) -> None:
        """See to it that the campaign's task arrives at `at`; raises UnavailableError."""
        task: Mapping[str, object] = {"account_id": account_id, "campaign_id": campaign_id}
        self._repeated(
            lambda: self._client.create_schedule(
                GroupName=self._target.group,
                Name=_name(account_id, campaign_id),
                ScheduleExpression=f"at({at.astimezone(UTC):%Y-%m-%dT%H:%M:%S})",
                ScheduleExpressionTimezone="UTC",
                FlexibleTimeWindow={"Mode": "OFF"},
                ActionAfterCompletion="DELETE",
                Target={
                    "Arn": self._target.queue_arn,
                    "RoleArn": self._target.role_arn,
                    "Input": json.dumps(task),
                },
            ),
            "ConflictException",  # our own, whose answer was lost: its name is the campaign's
            deadline,
        )

    def delete(self, account_id: str, campaign_id: int, deadline: Deadline) -> None:
        """Delete the campaign's schedule, unless it has fired; raises UnavailableError."""
        self._repeated(
            lambda: self._client.delete_schedule(GroupName=self._target.group, Name=_name(account_id, campaign_id)),
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
            except (ClientError, BotoCoreError) as exc:
                if isinstance(exc, ClientError) and exc.response["Error"]["Code"] == done:
                    return
                _LOG.warning("EventBridge Scheduler did not take a call", exc_info=True)
                if not backoff.wait():
                    raise UnavailableError("the scheduler did not answer") from exc
            else:
                return


def _name(account_id: str, campaign_id: int) -> str:
    """Name a schedule, in the 64 characters that one may have, by account and campaign."""
    return f"{campaign_id}-{sha256(account_id.encode()).hexdigest()[:32]}"
