"""Queues of what goes on in the background, from one invocation to the next."""

import json
import logging
from collections.abc import Mapping, Sequence
from math import ceil
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from api_segments.core.clock import Backoff, Deadline
from api_segments.core.errors import UnavailableError
from api_segments.core.parallel import cut_by_size, in_parallel

if TYPE_CHECKING:
    from types_boto3_sqs import SQSClient
    from types_boto3_sqs.type_defs import SendMessageBatchRequestEntryTypeDef

# SQS API reference: SendMessage, SendMessageBatch
MAX_QUEUE_DELAY_SECONDS = 900
SEND_BATCH_ENTRIES = 10
# Of a message, and of all that one call sends: what every queue takes. SQS takes up to 1 MiB since 2025.
MAX_MESSAGE_BYTES = 256 * 1024

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
                    MessageBody=to_body(task),
                    DelaySeconds=min(ceil(seconds), MAX_QUEUE_DELAY_SECONDS),
                )
            except (ClientError, BotoCoreError) as exc:
                _LOG.warning("SendMessage failed", exc_info=True)
                if not backoff.wait():
                    raise UnavailableError("the queue took no message") from exc
            else:
                return

    def put_all(self, tasks: Sequence[Mapping[str, object]], deadline: Deadline) -> None:
        """Send tasks as JSON, in tens; raises UnavailableError when not all are known to have been taken."""
        pending = [to_body(task) for task in tasks]
        backoff = Backoff(deadline)
        while pending:
            refused: list[str] = []
            batches = list(cut_by_size(pending, len, MAX_MESSAGE_BYTES, SEND_BATCH_ENTRIES))
            in_parallel(lambda batch: refused.extend(self._put_batch(batch, deadline)), batches)  # noqa: B023 - ends within the pass
            pending = refused
            if pending and not backoff.wait():
                raise UnavailableError("the queue took not all messages")

    def _put_batch(self, batch: Sequence[str], deadline: Deadline) -> list[str]:
        """Run one SendMessageBatch and return what it did not take; nothing is begun after the deadline."""
        if deadline.is_over():
            return list(batch)
        entries: list[SendMessageBatchRequestEntryTypeDef] = [
            {"Id": str(index), "MessageBody": body} for index, body in enumerate(batch)
        ]
        try:
            reply = self._client.send_message_batch(QueueUrl=self._url, Entries=entries)
        except (ClientError, BotoCoreError):
            _LOG.warning("SendMessageBatch failed for %d messages", len(batch), exc_info=True)
            return list(batch)
        return [batch[int(entry["Id"])] for entry in reply.get("Failed", ())]


def to_body(task: object) -> str:
    """Write a task as the body of a message: JSON in ASCII, so that its length is its size in bytes."""
    return json.dumps(task, separators=(",", ":"))
