"""The queue of campaigns' messages in, partial batch failures out."""

import json
from collections.abc import Collection, Mapping
from typing import Any

from api_segments.campaigns.model import Message
from api_segments.campaigns.sending.service import QueuedMessage
from api_segments.http.observability import logger

MESSAGE_ATTEMPTS = 5
"""How often a queue delivers a task or a message: `maxReceiveCount` in template.yaml."""


def read_messages(event: Mapping[str, Any]) -> tuple[dict[str, QueuedMessage], set[str]]:
    """Read a batch: the messages by the queue's ids, and the ids of those that can't be read."""
    messages: dict[str, QueuedMessage] = {}
    unreadable: set[str] = set()
    for record in event["Records"]:
        queue_id = record["messageId"]
        try:
            message = Message.from_json(json.loads(record["body"]))
        except (TypeError, ValueError):
            logger.error("a message can't be read", message_id=queue_id)
            unreadable.add(queue_id)
        else:
            received = int(record["attributes"]["ApproximateReceiveCount"])
            messages[queue_id] = QueuedMessage(message, is_last=received >= MESSAGE_ATTEMPTS)
    return messages, unreadable


def partial_failure(queue_ids: Collection[str]) -> dict[str, Any]:
    """Answer with the messages that are to be delivered again (ReportBatchItemFailures)."""
    return {"batchItemFailures": [{"itemIdentifier": queue_id} for queue_id in sorted(queue_ids)]}
