"""Queues of what goes on in the background, from one invocation to the next."""

import json
import logging
from collections.abc import Mapping
from math import ceil
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from segments.clock import Backoff, Deadline
from segments.errors import UnavailableError
from segments.limits import MAX_QUEUE_DELAY_SECONDS

if TYPE_CHECKING:
    from types_boto3_sqs import SQSClient

_LOG = logging.getLogger(__name__)


class TaskQueue:
    """Puts tasks off."""

    def __init__(self, client: "SQSClient", url: str) -> None:
        self._client = client
        self._url = url

    def put_off(self, task: Mapping[str, object], seconds: float, deadline: Deadline) -> None:
        """Send a task as JSON, to arrive in so many seconds, 15 minutes at most; raises UnavailableError."""
        backoff = Backoff(deadline)
        while True:
            try:
                self._client.send_message(
                    QueueUrl=self._url,
                    MessageBody=json.dumps(task),
                    DelaySeconds=min(ceil(seconds), MAX_QUEUE_DELAY_SECONDS),
                )
            except (ClientError, BotoCoreError) as exc:
                _LOG.warning("SendMessage failed", exc_info=True)
                if not backoff.wait():
                    raise UnavailableError("the queue took no message") from exc
            else:
                return
