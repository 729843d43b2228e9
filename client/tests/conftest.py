"""Clients of servers on the loopback."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from client.tests.server import Respond, serving

from api_segments_client import Client, Retry

QUICK = Retry(first=0.001, most=0.002, patience=60)
MakeClient = Callable[[Respond], Client]


@pytest.fixture
def client_of() -> Iterator[MakeClient]:
    """Makes a client of a server that answers as the test says."""
    with ExitStack() as ending:

        def make(respond: Respond, retry: Retry = QUICK) -> Client:
            url = ending.enter_context(serving(respond))
            return ending.enter_context(Client(url, "ACC-1", "secret-passcode", retry=retry, timeout=30))

        yield make
