"""The benchmark of imports plays whole ones, and counts what each of their functions asks for."""

import pytest

from tests.benchmarks import imports
from tests.benchmarks.__main__ import prepared_stand_in, worker
from tests.benchmarks.imports import CHURN, KNOWN, NEW, Cost, ImportFigures

ROWS = 400


@pytest.mark.parametrize(
    ("kind", "changed", "writes_a_change"),
    [(CHURN, 2 * (ROWS // imports.A_CHANGE), 1), (KNOWN, ROWS, 1), (NEW, ROWS, 5)],
)
def test_an_import_is_played_to_its_end_and_counted_step_by_step(kind: str, changed: int, writes_a_change: int) -> None:
    with prepared_stand_in() as (control, variables):
        played = ImportFigures.read(worker("imports", variables, control.url, kind, str(ROWS), "200"))

    assert (played.changed, played.parts, played.followed, played.looped) == (changed, 1, min(changed, 200), 200)
    actions = {"change, ADD", "change, REMOVE"} if kind == CHURN else {"change, ADD"}
    assert set(played.steps) == {"calls of clients", "split", "walk", "diff", "preview", "finish", *actions}
    applied = [played.steps[name] for name in actions]
    noted = sum(cost.operations["BatchWriteItem"] for cost in applied)
    assert sum(cost.write_units for cost in applied) == writes_a_change * changed + noted
    assert played.steps["walk"].invocations == 16
    assert played.steps["split"].operations["GetObject"] == 1
    assert all(cost.cpu > 0 and cost.memory > 10 for cost in played.steps.values())
    assert played.readers["publish"].events == played.followed
    assert played.loop.invocations == 2 + (kind == CHURN), "who is gone is removed by the loop too"
    whole = Cost()
    for cost in played.steps.values():
        whole.add(cost)
    assert played.whole == whole
