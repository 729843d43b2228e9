"""What `make run` prints while it stays up."""

import io

from rich.console import Console

from local.live import stay_up
from local.stack import Stack
from local.subscriber import Event, EventQueue

STACK = Stack(
    api_url="http://127.0.0.1:4566/_aws/execute-api/abc/live",
    account_id="ABC-123-XYZ",
    passcode="PASSCODE",
    endpoint_url="http://127.0.0.1:4566",
    region="us-east-1",
    bus_name="api-segments",
    events_queue_url="",
    webhook_origin="",
    push_applications={},
    mail_feedback_topic_arn="",
    tables={},
    functions={},
    pid=1,
)


class InterruptedQueue(EventQueue):
    """As if Ctrl-C were pressed at once."""

    def __init__(self) -> None:
        """Need no queue."""

    def receive(self, wait_seconds: int = 1) -> list[Event]:  # noqa: ARG002 - as the real one
        raise KeyboardInterrupt


def test_it_prints_the_pages_address_and_how_to_sign_in() -> None:
    printed = io.StringIO()
    stay_up(STACK, InterruptedQueue(), Console(file=printed, width=60), terminal=False)
    lines = printed.getvalue().splitlines()
    assert any(line.split()[:2] == ["page", f"{STACK.api_url}/"] for line in lines)
    assert any(line.endswith(": ABC-123-XYZ") for line in lines)
    assert any(line.endswith(": PASSCODE") for line in lines)
