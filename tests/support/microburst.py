"""microburst, a proxy that makes calls fail the way AWS and networks do, between the functions and an endpoint."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from local.environment import EMULATOR_PYTHON, LOOPBACK, child_environment, free_port, running, tail
from tests.support.waiting import PATIENCE_SECONDS

Rule = dict[str, Any]

_CONFLICT = {"Code": "TransactionConflict", "Message": "Transaction is ongoing for the item"}

FAULTS: dict[str, Rule] = {
    "throttled": {"probability": 0.3, "error": {"code": "ProvisionedThroughputExceededException"}},
    "broken": {"probability": 0.25, "error": {"code": "InternalServerError", "status": 500}},
    "reset": {"probability": 0.25, "reset": True},
    "silent": {"probability": 0.15, "times": 6, "timeout_ms": 3500},  # longer than clients.CONFIG reads
    "in conflict": {
        "operation": "TransactWriteItems",
        "probability": 0.4,
        "error": {"code": "TransactionCanceledException", "fields": {"CancellationReasons": [_CONFLICT]}},
    },
    "answer lost": {"probability": 0.25, "response": {"abort_bytes": 1}},  # it has been carried out
}
"""What goes wrong, by name; each can be put together with others."""


@dataclass(frozen=True)
class Microburst:
    """A running proxy."""

    url: str
    _http: httpx.Client

    def make_fail(self, *names: str) -> None:
        """From now on, let calls to DynamoDB fail in these ways (names of FAULTS); in none if there is no name."""
        rules = [{"service": "dynamodb", **FAULTS[name]} for name in names]
        self._http.post("/_microburst/rules", json=rules).raise_for_status()

    def struck(self) -> Sequence[str]:
        """Return what was done to calls so far."""
        return [each["action"] for each in self._http.get("/_microburst/fired", params={"limit": 10_000}).json()]


@contextmanager
def running_microburst(upstream: str, home: Path) -> Iterator[Microburst]:
    """Start it in front of `upstream`, yield it when it answers, and stop it at the end, whatever happens."""
    port, log = free_port(), home / "microburst.log"
    command: list[str | Path] = [
        EMULATOR_PYTHON,
        "-m",
        "microburst",
        "--upstream",
        upstream,
        "--port",
        str(port),
        "--no-resign",
    ]
    with (
        running(command, child_environment({}), home, log) as process,
        httpx.Client(base_url=f"http://{LOOPBACK}:{port}", trust_env=False, timeout=PATIENCE_SECONDS) as http,
    ):
        deadline = time.monotonic() + PATIENCE_SECONDS
        while process.poll() is None and time.monotonic() < deadline:
            try:
                http.get("/_microburst/health").raise_for_status()
            except httpx.TransportError:
                time.sleep(0.05)
            else:
                http.get("/")  # the first call that is passed on makes it read its models of all services
                yield Microburst(f"http://{LOOPBACK}:{port}", http)
                return
        raise AssertionError(f"microburst did not start; the end of its log:\n{tail(log)}")
