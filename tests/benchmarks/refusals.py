"""Whether the time of a refusal tells if the account exists: an unknown account beside a known one's wrong passcode.

`python -m tests.benchmarks.refusals URL` is started by the benchmark, which sets the environment; it prints one line of
JSON: milliseconds from the event to the refusal, by kind. Nothing is asserted: a busy machine moves times.
"""

import json
import sys
import time
from collections.abc import Sequence
from random import Random
from typing import Any

from tests.benchmarks.worker import answers
from tests.support.dynamodb.control import Control
from tests.support.events import Context, Event
from tests.support.headers import authorizer_event

UNKNOWN, WRONG = "unknown account", "wrong passcode"
REPETITIONS = 1_000
WARM_UP = 50
ACCOUNT = "BENCH-KNOWN"


def main(url: str) -> dict[str, list[float]]:
    """Refuse both kinds in turn, drawn anew each time, so that what disturbs one disturbs the other."""
    from functions.accounts.app import handler as accounts  # noqa: PLC0415 - the environment comes first
    from functions.authorizer.app import handler as authorizer  # noqa: PLC0415 - as above

    Control(url).answer_after(0)
    made = {"operation": "create_account", "name": "known", "plan": "Advanced", "account_id": ACCOUNT}
    assert accounts(made, Context())["status"] == "success"
    passcode = "A" * 32
    events = {UNKNOWN: authorizer_event("BENCH-OTHER", passcode), WRONG: authorizer_event(ACCOUNT, passcode)}
    took: dict[str, list[float]] = {kind: [] for kind in events}
    chance = Random(1)  # noqa: S311 - an order
    for turn in range(WARM_UP + REPETITIONS):
        for kind in chance.sample(sorted(events), len(events)):
            milliseconds = _refuse(authorizer, events[kind])
            if turn >= WARM_UP:
                took[kind].append(milliseconds)
    return took


def _refuse(authorizer: Any, event: Event) -> float:
    started = time.perf_counter()
    try:
        authorizer(event, Context())
    except Exception as error:  # noqa: BLE001 - what API Gateway knows it by is its text
        assert str(error) == "Unauthorized"  # noqa: PT017 - a benchmark
        return (time.perf_counter() - started) * 1000
    raise AssertionError("was let in")


def told_apart(first: Sequence[float], second: Sequence[float]) -> float:
    """Return how often one of `first` is longer than one of `second`: 0.5 where they can't be told apart."""
    both = sorted([(value, 0) for value in second] + [(value, 1) for value in first])
    shorter = longer = 0
    for _, is_first in both:
        longer += is_first * shorter
        shorter += 1 - is_first
    return longer / (len(first) * len(second))


if __name__ == "__main__":
    with answers() as answer:
        json.dump(main(sys.argv[1]), answer)
