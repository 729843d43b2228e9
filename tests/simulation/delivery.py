"""Delivers streams and queues as Lambda does (developer guide, "Using AWS Lambda with Amazon DynamoDB").

A shard's records come in order, in batches of any size up to the limit. A function that raises, crashes or runs out of
time, or whose answer can't be read, fails its batch, which is then cut in two (BisectBatchOnFunctionError, which uses
up no retry) or delivered again. ReportBatchItemFailures ("Configuring partial batch response with DynamoDB and
Lambda"): the lowest number that is named is the checkpoint, at which the batch is cut; only records from it on are
delivered again, so a batch whose first record is named comes again as it was. After the last retry a batch goes to the
on-failure destination, and the shard goes on. A checkpoint may get lost: then batches that have succeeded are delivered
again, cut differently, perhaps while another poller is further on.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any
from zlib import crc32

from tests.simulation.world import World
from tests.support.events import Event
from tests.support.template import resources

Record = dict[str, Any]

READERS = {
    "publish_changes": ("PublishChangesFunction", "Memberships", "MEMBERSHIPS_TABLE"),
    "project_members": ("ProjectMembersFunction", "Memberships", "MEMBERSHIPS_TABLE"),
    "publish_segments": ("PublishSegmentsFunction", "Segments", "SEGMENTS_TABLE"),
}
"""Functions that read a stream: their names and their sources' in the template, and the table."""
WORKERS = {
    "purges": ("purge_segment", "PurgeSegmentFunction"),
    "reconciliations": ("reconcile", "ReconcileFunction"),
}
"""Functions that work off a queue, by its address, and their names in the template."""
LONGEST_WAIT = 10.0


@dataclass(frozen=True)
class Failed:
    """The index in a batch that Lambda goes on from; `by_name`: the function named it, it did not just fail."""

    index: int
    by_name: bool = True


WHOLE = Failed(0, by_name=False)


@dataclass(frozen=True)
class Rules:
    """What the template says of a function's event source."""

    batch_size: int
    bisects: bool
    retries: int
    max_age: float
    timeout: float
    passes: Callable[[Record], bool]

    @classmethod
    def of(cls, function: str) -> "Rules":
        """Read the rules of a function in the template."""
        name, source_name, _ = READERS[function]
        properties = resources("AWS::Serverless::Function")[name]
        source = properties["Events"][source_name]["Properties"]
        assert source["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
        return cls(
            batch_size=source["BatchSize"],
            bisects=source["BisectBatchOnFunctionError"],
            retries=source["MaximumRetryAttempts"],
            max_age=source["MaximumRecordAgeInSeconds"],
            timeout=properties["Timeout"],
            passes=_passes_filter if "FilterCriteria" in source else lambda _: True,
        )


@dataclass
class Poller:
    """Reads one shard for one function. `on_failure` has the batches that were given up."""

    world: World
    function: str
    shard: int
    shards: int
    on_failure: list[Sequence[Record]] = field(default_factory=list)
    position: int = 0
    deliveries: int = 0
    _mine: list[Record] = field(default_factory=list)
    _looked_at: int = 0

    def __post_init__(self) -> None:
        self.name = f"{self.function}#{self.shard}"
        self.chance: Random = self.world.random(self.name)
        self.rules = Rules.of(self.function)
        self.interval = self.chance.choice([0.05, 0.3, 2.0])
        self.stall = self.chance.choice([0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 200.0, 600.0])  # before it begins
        self.usual = self.chance.choice([1, 3, 10, self.rules.batch_size])
        self.world.readers.append(lambda: self.position == len(self.records()))

    def records(self) -> Sequence[Record]:
        """Return all records of the shard: those of one item are always in the same."""
        everything = self.world.db.stream_records(self.world.environment[READERS[self.function][2]])
        for record in everything[self._looked_at :]:
            if crc32(_key(record).encode()) % self.shards == self.shard and self.rules.passes(record):
                self._mine.append(record)
        self._looked_at = len(everything)
        return self._mine

    def poll(self) -> None:
        """Deliver until the world is quiet."""
        wait = self.interval
        self.world.pause(0 if self.world.mild else self.stall)
        while True:
            records = self.records()
            if self.position == len(records):
                if self.world.is_quiet():
                    return
                self.world.pause(wait)
                wait = min(2 * wait, LONGEST_WAIT) if self.world.is_over else self.interval
                continue
            wait = self.interval
            size = min(self.rules.batch_size, self.chance.randint(1, self.usual))
            batch = records[self.position : self.position + size]
            self.deliver(batch)
            self.position += len(batch)
            self._lose_checkpoint(records[: self.position])

    def deliver(self, batch: Sequence[Record], retries: int | None = None) -> None:
        """Deliver a batch until it has succeeded or is given up."""
        left = self.rules.retries if retries is None else retries
        while True:
            age = self.world.scheduler.now - batch[0]["dynamodb"]["ApproximateCreationDateTime"]
            if left < 0 or age > self.rules.max_age:
                self.on_failure.append(batch)
                return
            failed = self.invoke(batch)
            if failed is None:
                return
            if failed == WHOLE and self.rules.bisects and len(batch) > 1:
                middle = len(batch) // 2
                self.deliver(batch[:middle], left)
                self.deliver(batch[middle:], left)
                return
            batch = batch[failed.index :]
            left -= 1
            self.world.pause(self.chance.uniform(0.1, 1.0))

    def invoke(self, batch: Sequence[Record]) -> Failed | None:
        """Invoke the function once; return where to go on from, None if all of it succeeded."""
        self.deliveries += 1
        name = f"{self.name}.{self.deliveries}[{_number(batch[0])[-5:]}+{len(batch)}]"
        outcome = self.world.invoke(self.function, {"Records": list(batch)}, name, self.rules.timeout)
        return WHOLE if outcome.answer is None else first_failure(outcome.answer, batch)

    def _lose_checkpoint(self, delivered: Sequence[Record]) -> None:
        if self.world.mild:
            return
        if self.chance.random() < 0.15:  # the lease moves: the new poller begins further back
            self.position -= min(self.position, self.chance.randint(1, 8))
        if self.chance.random() < 0.1:  # a poller that does not know yet that it has lost its lease
            start = self.chance.randrange(len(delivered))
            stray = delivered[start : start + self.chance.randint(1, 10)]
            self.world.spawn_loose(f"{self.name} stray", lambda: self.invoke(stray), self.chance.uniform(0, 20))


def first_failure(answer: Event | None, batch: Sequence[Record]) -> Failed | None:
    """Return the index that Lambda goes on from after this answer, None if the batch succeeded."""
    failures = (answer or {}).get("batchItemFailures") or []
    numbers = [_number(record) for record in batch]
    places = []
    for failure in failures:
        if failure.get("itemIdentifier") not in numbers:
            return WHOLE  # an answer that Lambda can't read fails the whole batch
        places.append(numbers.index(failure["itemIdentifier"]))
    return Failed(min(places)) if places else None


def _number(record: Record) -> str:
    return str(record["dynamodb"]["SequenceNumber"])


def _key(record: Record) -> str:
    return json.dumps(record["dynamodb"]["Keys"], sort_keys=True)


def _passes_filter(record: Record) -> bool:
    """Do what the template's one filter does (tests/unit/test_template.py holds it to this)."""
    sk = record["dynamodb"]["Keys"]["sk"]["S"]
    return record["eventName"] in ("INSERT", "MODIFY") and sk.startswith(("SEGMENT#", "DELETED#"))


def work_off(world: World, url: str, worker: int = 0) -> None:
    """Feed a queue's messages to its function, one an invocation, until the world is quiet."""
    function, name = WORKERS[url]
    timeout = resources("AWS::Serverless::Function")[name]["Timeout"]
    queue, invocations, wait = world.queues[url], 0, 1.0
    while not world.is_quiet():
        message = queue.receive()
        if message is None:
            world.pause(wait)
            wait = min(2 * wait, LONGEST_WAIT) if world.is_over else 1.0
            continue
        invocations, wait = invocations + 1, 1.0
        event = {"Records": [{"body": message.body}]}
        outcome = world.invoke(function, event, f"{function} {worker}.{invocations}", timeout)
        if outcome.answer is not None:
            queue.delete(message)
