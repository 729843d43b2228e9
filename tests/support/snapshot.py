"""Prints what a process has when its handlers are imported, and what two processes make that go on from there.

That is what a snapshot of Lambda's holds, and two environments that start from it. Run as a program, with the names of
the functions.
"""

import gc
import json
import os
import random
import socket
import sys
import threading
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any

Json = dict[str, Any]


class Client:
    """DynamoDB, which has a signing key and takes every transaction."""

    def __init__(self) -> None:
        self.tokens: list[str] = []
        self.reads = 0

    def transact_write_items(self, **arguments: Any) -> None:
        self.tokens.append(arguments["ClientRequestToken"])

    def get_item(self, **_: Any) -> Json:
        self.reads += 1
        return {"Item": {"key": {"B": b"k" * 32}}}


def held() -> Json:
    """Return what is there before the first request."""
    from api_segments.aws import clients, wiring  # noqa: PLC0415 - the handlers come first
    from api_segments.core.clock import SYSTEM_CLOCK  # noqa: PLC0415 - as above

    made: Mapping[str, Any] = {**vars(clients), **vars(wiring)}
    return {
        "sockets": sum(isinstance(each, socket.socket) for each in gc.get_objects()),
        "threads": threading.active_count(),
        "made": [name for name, each in made.items() if hasattr(each, "cache_info") and each.cache_info().currsize],
        "now": SYSTEM_CLOCK.now().timestamp(),
    }


def first_request() -> Json:
    """Return what a request draws, reads and waits for."""
    from api_segments.aws.dynamodb import DynamoDB  # noqa: PLC0415 - as above
    from api_segments.aws.signing_key import SigningKeyStore  # noqa: PLC0415 - as above
    from api_segments.core.clock import SYSTEM_CLOCK, Backoff, Clock, Deadline  # noqa: PLC0415 - as above
    from api_segments.memberships import updates  # noqa: PLC0415 - as above
    from api_segments.memberships.model import UserReference  # noqa: PLC0415 - as above

    class Waiting(Clock):
        waited = 0.0

        def sleep(self, seconds: float) -> None:
            self.waited = seconds

    client, clock = Client(), Waiting()
    db: Any = DynamoDB(client)  # type: ignore[arg-type]  # all of it that is asked for here
    db.transact(list, Deadline.after(60))
    Backoff(Deadline.after(60, clock), first=10.0, most=10.0).wait()
    key = SigningKeyStore(db, "accounts")
    for _ in range(2):
        key.get(Deadline.after(60))
    return {
        "profile": updates._new_profile_id(UserReference(identity="u")),  # noqa: SLF001 - what is drawn
        "token": client.tokens[0],
        "waited": clock.waited,
        "reads_of_the_key": client.reads,
        "now": SYSTEM_CLOCK.now().timestamp(),
    }


def main(functions: Sequence[str]) -> None:
    for function in functions:
        import_module(f"functions.{function}.app")
    sys.stdout.write(json.dumps(held()) + "\n")
    sys.stdout.flush()
    state = random.getstate()
    for _ in range(2):
        child = os.fork()
        if not child:
            random.setstate(state)  # a fork draws a new one, a snapshot keeps it
            os.write(1, json.dumps(first_request()).encode() + b"\n")
            os._exit(0)
        os.waitpid(child, 0)


if __name__ == "__main__":
    main(sys.argv[1:])
