"""The tasks of a reconciliation's walk, as they lie in the queue."""

import json
from typing import Any

import pytest

from api_segments.aws.task_queue import MAX_MESSAGE_BYTES, to_body
from api_segments.core.limits import MAX_ID_CHARACTERS, MAX_SEGMENT_ID
from api_segments.repair.reconciliation import BEGINNING, Position, ReconciliationStage, Scope
from api_segments.repair.rows import Suspect
from api_segments.repair.tasks import (
    Recount,
    Unclaimed,
    read_task,
    to_claim_tasks,
    to_recount_task,
    to_task,
    to_tasks,
)

SCOPE = Scope("T-1", None)


@pytest.mark.parametrize(
    "position",
    [
        BEGINNING,
        Position(ReconciliationStage.PROFILES, after="p1"),
        Position(ReconciliationStage.MEMBERS, below=7, after="p1"),
        Position(ReconciliationStage.COUNTS, segment_id=7),
        Position(ReconciliationStage.DELETED, below=7),
    ],
)
def test_a_walk_goes_on_where_its_task_says(position: Position) -> None:
    assert read_task(json.loads(json.dumps(to_task(SCOPE, position)))) == (SCOPE, position)


def test_a_recount_knows_which_it_is() -> None:
    assert read_task(json.loads(json.dumps(to_recount_task(SCOPE, Recount(7, 3))))) == (SCOPE, Recount(7, 3))


@pytest.mark.parametrize("character", ["a", "🦊"])
def test_profiles_of_the_longest_ids_are_cut_into_messages_that_the_queue_takes(character: str) -> None:
    profile_ids = [f"{n:04}".ljust(MAX_ID_CHARACTERS, character) for n in range(1000)]
    bodies = [to_body(task) for task in to_claim_tasks(SCOPE, profile_ids)]
    assert all(len(body.encode()) <= MAX_MESSAGE_BYTES for body in bodies)
    found = [read_task(json.loads(body)) for body in bodies]
    assert {scope for scope, _ in found} == {SCOPE}
    assert [each for _, work in found if isinstance(work, Unclaimed) for each in work.profile_ids] == profile_ids


@pytest.mark.parametrize(
    ("set_fields", "position"),
    [
        ({}, BEGINNING),
        ({"after": "p1"}, Position(ReconciliationStage.PROFILES, after="p1")),
        ({"profiles_done": True}, Position(ReconciliationStage.MEMBERS)),
        (
            {"profiles_done": True, "below": 7, "after": "p1"},
            Position(ReconciliationStage.MEMBERS, below=7, after="p1"),
        ),
        ({"profiles_done": True, "below": 9, "counting": 7}, Position(ReconciliationStage.COUNTS, segment_id=7)),
        ({"profiles_done": True, "below": 7, "segments_done": True}, Position(ReconciliationStage.DELETED, below=7)),
    ],
)
def test_a_task_that_version_0_1_0_wrote_goes_on_where_it_was(set_fields: dict[str, Any], position: Position) -> None:
    nothing_set = {"profiles_done": False, "below": None, "after": None, "counting": None, "segments_done": False}
    task = {"scope": {"account_id": "T-1", "segment_id": None}, "place": {**nothing_set, **set_fields}}
    assert read_task(task) == (SCOPE, position)


@pytest.mark.parametrize("character", ["a", "é", "🦊", "\\"])
def test_suspects_of_the_longest_ids_are_cut_into_messages_that_the_queue_takes(character: str) -> None:
    scope = Scope("T-" + "1" * 20, MAX_SEGMENT_ID)
    suspects = [Suspect(MAX_SEGMENT_ID, f"{n:04}".ljust(MAX_ID_CHARACTERS, character), "0" * 16) for n in range(1000)]

    bodies = [to_body(task) for task in to_tasks(scope, suspects)]

    assert all(len(body.encode()) <= MAX_MESSAGE_BYTES for body in bodies)
    assert sum(len(body) for body in bodies) > (len(bodies) - 1) * MAX_MESSAGE_BYTES * 0.9, "in few messages"
    assert [read_task(json.loads(body))[0] for body in bodies] == [scope] * len(bodies)
    assert [suspect for body in bodies for suspect in read_task(json.loads(body))[1]] == suspects  # type: ignore[union-attr] # of suspects all


def test_no_suspects_are_no_task() -> None:
    assert list(to_tasks(SCOPE, [])) == []
