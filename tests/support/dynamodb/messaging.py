"""SQS, SES and Step Functions, as far as ours use them: they take what they are given, and show what was queued."""

from collections import defaultdict
from typing import Any

Reply = dict[str, Any]

_PATHS = {
    b"POST /v2/email/outbound-emails": "SendEmail",
    b"GET /v2/email/identities/": "GetEmailIdentity",
}


def rest_operation(head: bytes) -> str:
    """Return the operation that a request without a target is, by its first line; empty if it is none of ours."""
    return next((name for start, name in _PATHS.items() if head.startswith(start)), "")


class Messaging:
    """Queues by URL, executions by their state machine, which wait too, and a mail service that takes everything."""

    def __init__(self) -> None:
        self._queued: defaultdict[str, list[str]] = defaultdict(list)

    def run(self, operation: str, request: dict[str, Any]) -> Reply | None:
        """Carry out an operation by its API name; None if it is not one of these services."""
        match operation:
            case "SendMessage":
                self._queued[request["QueueUrl"]].append(request["MessageBody"])
                return {"MessageId": "1"}
            case "SendMessageBatch":
                self._queued[request["QueueUrl"]] += [entry["MessageBody"] for entry in request["Entries"]]
                return {"Successful": [{"Id": entry["Id"], "MessageId": "1"} for entry in request["Entries"]]}
            case "StartExecution":
                self._queued[request["stateMachineArn"]].append(request["input"])
                return {"executionArn": request["name"], "startDate": 0}
            case "SendEmail":
                return {"MessageId": "1"}
            case "GetEmailIdentity":
                return {"VerifiedForSendingStatus": True, "IdentityType": "EMAIL_ADDRESS"}
        return None

    def take(self, queue_url: str) -> list[str]:
        """Return the bodies that wait in a queue, or the inputs of executions, and empty it."""
        return self._queued.pop(queue_url, [])
