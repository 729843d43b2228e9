"""Awaits conditions."""

import time
from collections.abc import Callable

PATIENCE_SECONDS = 300.0
"""When a test gives something up that should come: only what hangs takes so long, on however busy a machine."""
POLL_SECONDS = 0.1


def wait_until(condition: Callable[[], bool], what: str, seconds: float = PATIENCE_SECONDS) -> None:
    """Return when `condition` holds; fail, naming `what`, when it does not within `seconds`."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {seconds:.0f} s in vain for {what}")
        time.sleep(POLL_SECONDS)
