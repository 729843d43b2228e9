"""Items as version 0.1.0 wrote them are read as it read them: of every kind, in every table.

`version_0_1_0.json` is what its tour of all functions left in the tables, and what its reads answered then. An answer
may have gained fields since; none may be gone or another. A field that is added later must be one that old items lack.
"""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from api_segments.aws import keys
from tests.simulation.tour import ACCOUNT
from tests.simulation.world import World
from tests.support.events import body_of, with_body
from tests.support.routes import HANDLERS, event_of
from tests.support.wired import forget_services

Json = Any

KEPT: Json = json.loads((Path(__file__).parent / "version_0_1_0.json").read_text())
FUNCTION_OF = {route: handler.__module__.split(".")[1] for route, handler in HANDLERS.items()}
READS = [pytest.param(read, id=f"{' '.join(read['route'])} {number}") for number, read in enumerate(KEPT["answers"])]


def attribute(value: Json) -> Json:
    """Return an attribute as the SDK has it; JSON writes bytes as {"hex": …}."""
    ((kind, content),) = value.items()
    return {kind: bytes.fromhex(content["hex"])} if kind == "B" else value


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    """The tables as version 0.1.0 left them, at that moment."""
    world = World("version 0.1.0", mild=True)
    world.scheduler.now = KEPT["now"]
    with world.installed():
        for variable, items in KEPT["tables"].items():
            for item in items:
                kept = {name: attribute(value) for name, value in item.items()}
                if "in_progress_expiration" in item:  # Powertools has the machine's clock
                    kept["expiration"] = {"N": str(int(time.time()) + 3600)}
                world.db.put_item(TableName=world.environment[variable], Item=kept)
        yield world


def answer_of(world: World, function: str, event: Json) -> Json:
    """Return what a function answers in a new process."""
    outcomes: list[Json] = []

    def call() -> None:
        forget_services()
        outcomes.append(world.invoke(function, event, function, 60.0))

    world.run(call)
    (outcome,) = outcomes
    assert outcome.error is None, outcome
    return outcome.answer


def lost(before: Json, now: Json, path: str = "") -> list[str]:
    """Return where `now` lacks something of `before`, or says something else."""
    if isinstance(before, dict) and isinstance(now, dict):
        return [
            each
            for name, value in before.items()
            for each in (lost(value, now[name], f"{path}.{name}") if name in now else [f"{path}.{name} is gone"])
        ]
    if isinstance(before, list) and isinstance(now, list) and len(before) == len(now):
        return [
            each for index, pair in enumerate(zip(before, now, strict=True)) for each in lost(*pair, f"{path}[{index}]")
        ]
    return [] if before == now else [f"{path}: {now} is not {before}"]


@pytest.mark.parametrize("read", READS)
def test_what_was_answered_is_answered_still(world: World, read: Json) -> None:
    route = (read["route"][0], read["route"][1])
    event = event_of(ACCOUNT, route, read["query"], read["body"], **read["path"])
    answer = answer_of(world, FUNCTION_OF[route], event)
    assert answer["statusCode"] == 200
    assert lost(read["answer"], body_of(answer)) == []


def test_every_kind_of_item_is_there() -> None:
    kinds = {item["sk"]["S"].split("#")[0] for items in KEPT["tables"].values() for item in items if "sk" in item}
    in_accounts = {keys.ACCOUNT, keys.SIGNING_KEY, keys.CAMPAIGN_SETTINGS, "USAGE"}
    in_segments = {"SEGMENT", "DELETED", "CID", "STATS", keys.ACTIVE_SEGMENTS}
    in_campaigns = {"CAMPAIGN", "CONTENT", "LOG", "REQUEST", "RESULTS", "TRIGGER", keys.LIVE_CAMPAIGNS}
    assert kinds >= in_accounts | in_segments | in_campaigns
    assert all(KEPT["tables"].values())


def test_what_was_written_then_can_be_written_on(world: World) -> None:
    """A member of then is removed, and the count follows."""
    segment = next(each for each in read_segments(world) if each["members"])
    listed = answer_of(
        world,
        "manage_segments",
        event_of(
            ACCOUNT,
            ("GET", "/api/segments/{segment_id}/members"),
            {"limit": "1"},
            None,
            segment_id=str(segment["id"]),
        ),
    )
    (member,) = body_of(listed)["members"]
    known = len(world.db.stream_records(world.environment["MEMBERSHIPS_TABLE"]))
    remove = {"ct_segment_id": segment["id"], "action": "REMOVE"}
    group = {"user_profiles": [{"identity": member["identity"]}], "segments": [remove]}
    updated = answer_of(world, "update_segment", with_body("update_segment", ACCOUNT, {"bulk_profiles": [group]}))
    assert body_of(updated)["summary"]["removed"] == 1
    records = list(world.db.stream_records(world.environment["MEMBERSHIPS_TABLE"]))[known:]
    for number, record in enumerate(records):  # later than all that was before, as AWS's are
        record["dynamodb"]["SequenceNumber"] = str(10**30 + number)
    assert answer_of(world, "project_members", {"Records": records}) == {"batchItemFailures": []}
    (after,) = [each for each in read_segments(world) if each["id"] == segment["id"]]
    assert after["members"] == segment["members"] - 1


def test_a_create_request_of_then_is_known_when_it_comes_again(world: World) -> None:
    entries = [{"segment_name": "first", "customer_segment_id": "C0"}, {"segment_name": "second"}]  # as tour.py has it
    create = with_body("create_segment", ACCOUNT, entries)
    create["headers"] = {**create["headers"], "Idempotency-Key": "tour"}
    answer = answer_of(world, "create_segment", create)
    assert answer["headers"]["Idempotent-Replayed"] == "true"
    kept = next(json.loads(item["data"]["S"]) for item in KEPT["tables"]["IDEMPOTENCY_TABLE"] if "data" in item)
    ids = [segment_id for _, segment_id, _ in kept["created"]]
    assert body_of(answer)["segments"] == [
        {"id": segment_id, "customer_segment_id": None, **entry} for segment_id, entry in zip(ids, entries, strict=True)
    ]


def read_segments(world: World) -> list[Json]:
    listed = answer_of(world, "manage_segments", event_of(ACCOUNT, ("GET", "/api/segments"), {"limit": "1000"}))
    segments: list[Json] = body_of(listed)["segments"]
    return segments
