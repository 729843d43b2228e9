"""A subscriber of the bus: an SQS queue behind an EventBridge rule, and a reader of that queue."""

import json
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from types_boto3_sqs.client import SQSClient

from local.aws import session

SOURCE = "api-segments"
CHANGE = "Segment Membership Change"
READERS = 6


@dataclass(frozen=True)
class Event:
    """One event as it left the bus."""

    detail_type: str
    time: str
    detail: Mapping[str, Any]


def subscribe(endpoint_url: str, bus_name: str, name: str, pattern: Mapping[str, object]) -> str:
    """Create a queue and a rule, both called `name`, that sends it what matches `pattern`; return the queue's URL."""
    sqs = session().client("sqs", endpoint_url=endpoint_url)
    events = session().client("events", endpoint_url=endpoint_url)
    queue_url = sqs.create_queue(QueueName=name, Attributes={"MessageRetentionPeriod": "86400"})["QueueUrl"]
    attributes = sqs.get_queue_attributes(QueueUrl=queue_url, AttributeNames=["QueueArn"])["Attributes"]
    rule = events.put_rule(Name=name, EventBusName=bus_name, EventPattern=json.dumps(pattern))
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": attributes["QueueArn"],
        "Condition": {"ArnEquals": {"aws:SourceArn": rule["RuleArn"]}},
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    sqs.set_queue_attributes(QueueUrl=queue_url, Attributes={"Policy": policy})
    events.put_targets(Rule=name, EventBusName=bus_name, Targets=[{"Id": "queue", "Arn": attributes["QueueArn"]}])
    return queue_url


class EventQueue:
    """Reads a subscriber's queue: what is read is deleted from it."""

    def __init__(self, endpoint_url: str, queue_url: str) -> None:
        self._sqs: SQSClient = session().client("sqs", endpoint_url=endpoint_url)
        self._queue_url = queue_url

    def receive(self, wait_seconds: int = 1) -> list[Event]:
        """Return up to ten events; an empty list when none comes within `wait_seconds`."""
        answer = self._sqs.receive_message(
            QueueUrl=self._queue_url, MaxNumberOfMessages=10, WaitTimeSeconds=wait_seconds
        )
        messages = answer.get("Messages", [])
        if messages:
            entries = [{"Id": str(n), "ReceiptHandle": message["ReceiptHandle"]} for n, message in enumerate(messages)]
            self._sqs.delete_message_batch(QueueUrl=self._queue_url, Entries=entries)  # type: ignore[arg-type] # a plain dict is one
        bodies = [json.loads(message["Body"]) for message in messages]
        return [Event(body["detail-type"], body["time"], body["detail"]) for body in bodies]

    def receive_many(self) -> list[Event]:
        """Return what several readers at once get; an empty list when none comes within a second."""
        first = self.receive()
        if not first:
            return []
        with ThreadPoolExecutor(READERS) as readers:
            rest = list(readers.map(lambda _: self.receive(0), range(READERS * 4)))
        return first + [event for events in rest for event in events]
