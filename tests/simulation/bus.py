"""EventBridge and SQS, as far as the functions notice: both deliver at least once."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.support.event_schemas import assert_entry_described

Json = dict[str, Any]

MAX_ENTRIES = 10
MAX_DELAY = 900


@dataclass
class Bus:
    """Keeps the details of what it takes, by detail type and in the order in which it took them.

    A rule hands `Segment Deleted` on.
    """

    hand_on: Callable[[Json], None]
    details: dict[str, list[Json]] = field(default_factory=dict)

    def put_events(self, Entries: Sequence[Json]) -> Json:  # noqa: N803 - boto3's own name
        assert 1 <= len(Entries) <= MAX_ENTRIES
        for entry in Entries:
            detail = json.loads(entry["Detail"])
            assert_entry_described(entry, detail)
            self.details.setdefault(entry["DetailType"], []).append(detail)
            if entry["DetailType"] == "Segment Deleted":
                self.hand_on(detail)
        return {"FailedEntryCount": 0, "Entries": [{"EventId": "1"} for _ in Entries]}


@dataclass
class Message:
    """A message: from when on it can be received, and how often it was."""

    body: str
    visible_at: float
    received: int = 0


@dataclass
class Queue:
    """A queue; what was received too often is put aside, as a dead-letter queue has it."""

    now: Callable[[], float]
    visibility: float
    most_receives: int
    messages: list[Message] = field(default_factory=list)
    dead: list[Message] = field(default_factory=list)

    def send_message(self, QueueUrl: str, MessageBody: str, DelaySeconds: int = 0) -> Json:  # noqa: N803 - boto3's own names
        assert QueueUrl
        assert 0 <= DelaySeconds <= MAX_DELAY
        self.messages.append(Message(MessageBody, self.now() + DelaySeconds))
        return {}

    def receive(self) -> Message | None:
        """Return a message that can be received now, and hide it."""
        for message in [each for each in self.messages if each.visible_at <= self.now()]:
            if message.received >= self.most_receives:
                self.messages.remove(message)
                self.dead.append(message)
                continue
            message.received += 1
            message.visible_at = self.now() + self.visibility
            return message
        return None

    def delete(self, message: Message) -> None:
        if message in self.messages:
            self.messages.remove(message)


@dataclass(frozen=True)
class Sqs:
    """Queues by their addresses."""

    queues: dict[str, Queue]

    def send_message(self, QueueUrl: str, MessageBody: str, DelaySeconds: int = 0) -> Json:  # noqa: N803 - boto3's own names
        return self.queues[QueueUrl].send_message(QueueUrl, MessageBody, DelaySeconds)

    def send_message_batch(self, QueueUrl: str, Entries: Sequence[Json]) -> Json:  # noqa: N803 - boto3's own names
        assert 1 <= len(Entries) <= MAX_ENTRIES
        for entry in Entries:
            self.send_message(QueueUrl, entry["MessageBody"])
        return {}
