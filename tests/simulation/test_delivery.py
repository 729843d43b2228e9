"""The simulated event source keeps Lambda's rules."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.simulation import world as simulated
from tests.simulation.delivery import WHOLE, Failed, Poller, first_failure
from tests.simulation.world import World
from tests.support.events import Event

Handle = Callable[[list[str]], Event]


@pytest.fixture
def world() -> Iterator[World]:
    world = World("delivery", mild=True)
    with world.installed():
        yield world


def write(world: World, *names: str) -> None:
    table = world.environment["MEMBERSHIPS_TABLE"]
    for name in names:
        world.db.put_item(TableName=table, Item={"pk": {"S": name}})


def poller(world: World, monkeypatch: pytest.MonkeyPatch, handle: Handle) -> tuple[Poller, list[list[str]]]:
    """Return a poller of a function that does as `handle` says, and what is delivered to it."""
    seen: list[list[str]] = []

    def handler(event: Event, _context: Any) -> Event:
        names = [record["dynamodb"]["Keys"]["pk"]["S"] for record in event["Records"]]
        seen.append(names)
        return handle(names)

    monkeypatch.setitem(simulated.HANDLERS, "project_members", handler)
    made = Poller(world, "project_members", shard=0, shards=1)
    made.usual = made.rules.batch_size
    return made, seen


def deliver(world: World, made: Poller) -> None:
    world.run(lambda: made.deliver(made.records()))


def failing_from(name: str) -> Handle:
    """A function that reports the first record from `name` on as failed."""

    def handle(names: list[str]) -> Event:
        failed = [index for index, each in enumerate(names) if each >= name]
        number = 10**20 + "abcdefgh".index(names[failed[0]]) if failed else None
        return {"batchItemFailures": [{"itemIdentifier": str(number)}] if failed else []}

    return handle


def raising_at(name: str) -> Handle:
    def handle(names: list[str]) -> Event:
        if name in names:
            raise ValueError(name)
        return {"batchItemFailures": []}

    return handle


def test_the_rules_are_those_of_the_template(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    made, _ = poller(world, monkeypatch, failing_from("z"))
    assert (made.rules.batch_size, made.rules.retries, made.rules.bisects) == (100, 10, True)


def test_after_a_partial_failure_only_what_is_left_is_delivered(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    made, seen = poller(world, monkeypatch, failing_from("c"))
    write(world, "a", "b", "c")

    deliver(world, made)

    assert seen[:2] == [["a", "b", "c"], ["c"]]
    assert len(seen) == 1 + 1 + 9
    assert [len(batch) for batch in made.on_failure] == [1]


def test_a_batch_whose_first_record_is_named_comes_again_as_it_was(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is cut at that record, so nothing is left out; what follows a record that never succeeds is given up too."""
    made, seen = poller(world, monkeypatch, failing_from("a"))
    write(world, "a", "b", "c")

    deliver(world, made)

    assert seen == [["a", "b", "c"]] * 11
    assert [len(batch) for batch in made.on_failure] == [3]


def test_a_batch_that_raises_is_cut_in_two_down_to_the_record(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    made, seen = poller(world, monkeypatch, raising_at("c"))
    write(world, *"abcde")

    deliver(world, made)

    assert seen[:4] == [["a", "b", "c", "d", "e"], ["a", "b"], ["c", "d", "e"], ["c"]]
    assert ["d", "e"] in seen
    assert [record["dynamodb"]["Keys"]["pk"]["S"] for (record,) in made.on_failure] == ["c"]
    assert seen.count(["c"]) == 11


def test_an_answer_with_an_unknown_number_fails_the_whole_batch(world: World) -> None:
    write(world, "a", "b")
    batch = world.db.stream_records(world.environment["MEMBERSHIPS_TABLE"])

    assert first_failure({"batchItemFailures": [{"itemIdentifier": "7"}]}, batch) == WHOLE
    assert first_failure({"batchItemFailures": [{"itemIdentifier": ""}]}, batch) == WHOLE


@pytest.mark.parametrize("answer", [None, {}, {"batchItemFailures": None}, {"batchItemFailures": []}])
def test_an_answer_without_failures_is_a_success(world: World, answer: Event | None) -> None:
    write(world, "a", "b")
    batch = world.db.stream_records(world.environment["MEMBERSHIPS_TABLE"])

    assert first_failure(answer, batch) is None


def test_of_several_failures_the_lowest_is_the_checkpoint(world: World) -> None:
    write(world, "a", "b", "c")
    batch = world.db.stream_records(world.environment["MEMBERSHIPS_TABLE"])
    numbers = [record["dynamodb"]["SequenceNumber"] for record in batch]

    answer = {"batchItemFailures": [{"itemIdentifier": numbers[2]}, {"itemIdentifier": numbers[1]}]}

    assert first_failure(answer, batch) == Failed(1)


def test_records_of_one_item_stay_in_one_shard_in_order(world: World) -> None:
    table = world.environment["MEMBERSHIPS_TABLE"]
    for turn in range(3):
        for name in "abcdef":
            world.db.put_item(TableName=table, Item={"pk": {"S": name}, "turn": {"N": str(turn)}})

    shards = [Poller(world, "project_members", shard, 2).records() for shard in range(2)]

    keys = [{record["dynamodb"]["Keys"]["pk"]["S"] for record in shard} for shard in shards]
    assert keys[0] | keys[1] == set("abcdef")
    assert not keys[0] & keys[1]
    for shard in shards:
        numbers = [int(record["dynamodb"]["SequenceNumber"]) for record in shard]
        assert numbers == sorted(numbers)
