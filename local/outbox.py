"""Reads what left the stack towards people: emails, SMS and pushes that the emulator took, webhooks received."""

from collections.abc import Mapping
from typing import Any

import httpx

from local.webhook_receiver import RECEIVED

Message = Mapping[str, Any]
"""`channel` (email, sms, push, webhook) and what was sent: local/ministack_main.py and local/webhook_receiver.py."""


class Outbox:
    """Gives each message once, in the order of its channel, beginning with what goes out after its creation."""

    def __init__(self, endpoint_url: str, webhook_origin: str) -> None:
        self._http = httpx.Client(trust_env=False, timeout=60)
        self._endpoint_url = endpoint_url
        self._webhook_origin = webhook_origin
        self._sent = self._received = 0
        self.new()

    def new(self) -> list[Message]:
        """Return what went out since the last call."""
        answer = self._http.get(f"{self._endpoint_url}/_local/outbox", params={"after": self._sent}).raise_for_status()
        sent = answer.json()["messages"]
        self._sent += len(sent)
        received = self._http.get(f"{self._webhook_origin}{RECEIVED}").raise_for_status().json()
        fresh = received[self._received :]
        self._received = len(received)
        return [*sent, *({"channel": "webhook", **request} for request in fresh)]

    def close(self) -> None:
        """Let the connections go."""
        self._http.close()
