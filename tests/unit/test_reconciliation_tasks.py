"""The tasks of a reconciliation's walk, as they lie in the queue."""

import json
from typing import Any

import pytest

from api_segments.repair.reconciliation import BEGINNING, Position, ReconciliationStage, Scope
from api_segments.repair.tasks import read_task, to_task

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
