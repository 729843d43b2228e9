"""What goes wrong with a call, and the clients that it goes wrong in.

Faults are drawn for each process (an invocation of a function) from a seed of its own, so that taking one request out
of a plan leaves what happens to the others as it was.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from random import Random
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError, EndpointConnectionError, ReadTimeoutError

from tests.simulation.scheduler import Killed
from tests.support.buckets import Pages
from tests.support.dynamodb.errors import cancelled, client_error
from tests.support.rights import uses

if TYPE_CHECKING:
    from tests.simulation.world import World

Arguments = dict[str, Any]
Reply = dict[str, Any]
Run = Callable[[Arguments], Reply]

_URL = "https://simulated"
READ_TIMEOUT, CONNECT_TIMEOUT = 3.0, 1.0  # aws.clients.CONFIG
LATEST = 6.0


class Fault(StrEnum):
    """What may go wrong."""

    REFUSED = "refused"  # never arrives, known at once
    UNREACHABLE = "unreachable"  # never arrives, known after a while
    THROTTLED = "throttled"
    CONFLICT = "conflict"  # a transaction or an item is in use
    BROKEN = "broken"  # 500, nothing done
    PARTLY = "partly"  # some entries of a batch are not done, the answer is a good one
    SLOW = "slow"
    LOST = "lost"  # done, but the answer does not come
    DONE_500 = "done, 500"  # done, but the answer says 500
    LATE = "late"  # given up by the caller, and done only then
    CRASH_BEFORE = "crash before"  # the process ends, nothing done
    CRASH_AFTER = "crash after"  # done, and the process ends


UNKNOWN = {Fault.LOST, Fault.DONE_500, Fault.LATE, Fault.CRASH_AFTER}
"""After these the caller does not know that it was done."""
_CRASHES = (Fault.CRASH_BEFORE, Fault.CRASH_AFTER)
_OUTAGE = (Fault.REFUSED, Fault.UNREACHABLE, Fault.THROTTLED, Fault.BROKEN)
_OTHERS = [fault for fault in Fault if fault not in _CRASHES]
_THROTTLING = ("ProvisionedThroughputExceededException", "ThrottlingException", "RequestLimitExceeded")
_STATEMENT_ERRORS = (
    "ThrottlingError",
    "ProvisionedThroughputExceeded",
    "InternalServerError",
    "TransactionConflict",
    "RequestLimitExceeded",
)


@dataclass
class Weather:
    """The faults of one process: `script` first, one a call (None: fine); then each call fails with `likelihood`.

    From the call `outage_from` on, nothing works any more.
    """

    chance: Random
    likelihood: float = 0.0
    outage_from: int | None = None
    crash_at: int | None = None
    script: Sequence[Fault | None] = ()
    calls: int = 0
    met: list[Fault] = field(default_factory=list)

    def next(self) -> Fault | None:
        """Draw what happens to the next call."""
        self.calls += 1
        fault: Fault | None = None
        if self.calls <= len(self.script):
            fault = self.script[self.calls - 1]
        elif self.calls == self.crash_at:
            fault = self.chance.choice(_CRASHES)
        elif self.outage_from is not None and self.calls >= self.outage_from:
            fault = self.chance.choice(_OUTAGE)
        elif self.chance.random() < self.likelihood:
            fault = self.chance.choice(_OTHERS)
        if fault is not None:
            self.met.append(fault)
        return fault

    @property
    def told_all(self) -> bool:
        """Whether every answer came back."""
        return not UNKNOWN.intersection(self.met)


def drawn(chance: Random, *, mild: bool = False) -> Weather:
    """Draw the weather of one process."""
    kind = chance.random()
    likelihood = 0.0 if kind < 0.4 or mild else 0.12 if kind < 0.8 else 0.55
    outage_from = chance.randint(1, 5) if chance.random() < 0.07 and not mild else None
    crash_at = chance.randint(1, 6) if chance.random() < 0.06 and not mild else None
    return Weather(chance, likelihood, outage_from, crash_at)


class SimulatedClient:
    """boto3's client as a process sees it: each call takes time and may go wrong. `services` carry calls out."""

    def __init__(self, world: "World", service: object) -> None:
        self._world = world
        self._service = service

    def __getattr__(self, operation: str) -> Callable[..., Reply]:
        run = getattr(self._service, operation)
        return lambda **arguments: self._call(operation, arguments, lambda sent: run(**sent))

    def _call(self, operation: str, arguments: Arguments, run: Run) -> Reply:
        world = self._world
        process = world.process()
        chance, fault = process.weather.chance, process.weather.next()
        world.note(f"  {process.name} {operation}" + (f": {fault}" if fault else ""))
        world.used.update(uses(process.function, operation, arguments, world.named))
        world.pause(chance.uniform(0.001, 0.02) if fault is not Fault.SLOW else chance.uniform(0.5, 2.9))
        if fault is None or fault is Fault.SLOW:
            reply = run(arguments)
            world.pause(chance.uniform(0.001, 0.01))
            return reply
        if fault in (Fault.REFUSED, Fault.UNREACHABLE):
            world.pause(0 if fault is Fault.REFUSED else CONNECT_TIMEOUT)
            raise EndpointConnectionError(endpoint_url=_URL)
        if fault is Fault.CRASH_BEFORE:
            raise Killed
        if fault is Fault.LATE:
            # The caller gives up after READ_TIMEOUT; the call may arrive before that, or after.
            world.spawn_loose(process.name, lambda: _ignoring(run, arguments), chance.uniform(0.1, LATEST))
            world.pause(READ_TIMEOUT)
            raise ReadTimeoutError(endpoint_url=_URL)
        if fault in UNKNOWN:
            _ignoring(run, arguments)
            if fault is Fault.CRASH_AFTER:
                raise Killed
            world.pause(READ_TIMEOUT if fault is Fault.LOST else 0.01)
            raise (
                ReadTimeoutError(endpoint_url=_URL) if fault is Fault.LOST else client_error("InternalServerError", "")
            )
        if operation in _PARTLY and (fault is Fault.PARTLY or (fault is not Fault.BROKEN and chance.random() < 0.5)):
            return _PARTLY[operation](arguments, run, chance)
        if self._is_done(arguments):
            return run(arguments)
        raise _refusal(operation, arguments, fault, chance)

    def _is_done(self, arguments: Arguments) -> bool:
        """Tell whether this very transaction was done before: DynamoDB answers that first of all."""
        token = arguments.get("ClientRequestToken")
        return token is not None and self._world.db.has_committed(token)


class SimulatedS3(SimulatedClient):
    """S3's client: links are signed without a call, and need the rights of who signs."""

    def generate_presigned_url(self, operation: str, Params: Arguments, ExpiresIn: int) -> str:  # noqa: N803 - boto3's own names
        process = self._world.process()
        self._world.used.update(uses(process.function, operation, Params, self._world.named))
        url: str = self._world.s3.generate_presigned_url(operation, Params, ExpiresIn)
        return url

    def get_paginator(self, operation: str) -> Pages:
        assert operation == "list_objects_v2"
        return Pages(self)


def _ignoring(run: Run, arguments: Arguments) -> None:
    """Carry a call out; whatever it is answered does not come back."""
    with suppress(Exception):
        run(arguments)


def _refusal(operation: str, arguments: Arguments, fault: Fault, chance: Random) -> ClientError:
    """Return the error of a service that throttles, is in conflict or is broken."""
    if fault is Fault.CONFLICT and operation == "transact_write_items":
        reasons = [{"Code": "None"} for _ in arguments["TransactItems"]]
        reasons[chance.randrange(len(reasons))] = {"Code": "TransactionConflict", "Message": "Transaction is ongoing"}
        return cancelled(reasons)
    if fault is Fault.CONFLICT and operation in ("put_item", "update_item", "delete_item"):
        return client_error("TransactionConflictException", "Transaction is ongoing for the item")
    if fault is Fault.BROKEN:
        return client_error("InternalServerError", "")
    return client_error(chance.choice(_THROTTLING), "")


def _split(entries: Sequence[Any], chance: Random) -> list[bool]:
    """Choose which entries of a batch are done: not all."""
    done = [chance.random() < 0.5 for _ in entries]
    done[chance.randrange(len(done))] = False
    return done


def _statements(arguments: Arguments, run: Run, chance: Random) -> Reply:
    statements = arguments["Statements"]
    done = _split(statements, chance)
    replies = iter(run({"Statements": kept})["Responses"] if (kept := _where(statements, done)) else [])
    return {
        "Responses": [
            next(replies) if each else {"Error": {"Code": chance.choice(_STATEMENT_ERRORS), "Message": ""}}
            for each in done
        ]
    }


def _gets(arguments: Arguments, run: Run, chance: Random) -> Reply:
    asked: Mapping[str, Any] = arguments["RequestItems"]
    flat = [(table, key) for table, what in asked.items() for key in what["Keys"]]
    done = _split(flat, chance)
    kept, left = (
        [entry for entry, is_done in zip(flat, done, strict=True) if is_done is wish] for wish in (True, False)
    )

    def request(entries: Sequence[tuple[str, Any]]) -> Reply:
        return {
            table: {**what, "Keys": keys}
            for table, what in asked.items()
            if (keys := [key for name, key in entries if name == table])
        }

    reply = run({"RequestItems": request(kept)}) if kept else {"Responses": {}}
    return {**reply, "UnprocessedKeys": request(left)}


def _puts(arguments: Arguments, run: Run, chance: Random) -> Reply:
    ((table, puts),) = arguments["RequestItems"].items()
    done = _split(puts, chance)
    if kept := _where(puts, done):
        run({"RequestItems": {table: kept}})
    return {"UnprocessedItems": {table: _where(puts, [not each for each in done])}}


def _entries(arguments: Arguments, run: Run, chance: Random) -> Reply:
    entries = arguments["Entries"]
    done = _split(entries, chance)
    if kept := _where(entries, done):
        run({"Entries": kept})
    return {
        "FailedEntryCount": done.count(False),
        "Entries": [{"EventId": "1"} if each else {"ErrorCode": "ThrottlingException"} for each in done],
    }


def _where(entries: Sequence[Any], wanted: Sequence[bool]) -> list[Any]:
    return [entry for entry, is_wanted in zip(entries, wanted, strict=True) if is_wanted]


_PARTLY: Mapping[str, Callable[[Arguments, Run, Random], Reply]] = {
    "batch_execute_statement": _statements,
    "batch_get_item": _gets,
    "batch_write_item": _puts,
    "put_events": _entries,
}
