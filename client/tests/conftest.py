"""Clients of servers on the loopback."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from client.tests.commands import Run, account, called
from client.tests.server import Respond, serving
from tests.support.served import Served, served_api
from tests.support.served import serving as serving_api

from api_segments_client import Client, Retry

QUICK = Retry(first=0.001, most=0.002, patience=60)
MakeClient = Callable[[Respond], Client]

# A shell without job control has what it starts in the background ignore Ctrl-C, and that is inherited.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def client_of() -> Iterator[MakeClient]:
    """Makes a client of a server that answers as the test says."""
    with ExitStack() as ending:

        def make(respond: Respond, retry: Retry = QUICK) -> Client:
            url = ending.enter_context(serving(respond))
            return ending.enter_context(Client(url, "ACC-1", "secret-passcode", retry=retry, timeout=30))

        yield make


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[str, Served]]:
    with served_api() as api, serving_api(api) as url:
        yield url, api


@pytest.fixture
def run(served: tuple[str, Served], tmp_path: Path) -> Run:
    """Calls a command for the account that the handlers know."""
    url, api = served
    return lambda *given, **more: called(tmp_path, account(url, api.account_id, api.passcode), *given, **more)
