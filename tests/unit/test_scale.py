"""docs/scale.md is what its script makes of the figures, and what it reckons is as counted where that was counted."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.benchmarks import readers
from tests.benchmarks.campaigns import SENT, TIMED_MESSAGES, CampaignFigures
from tests.benchmarks.coldstart import BARE, Start
from tests.benchmarks.figures import SHAPES, Phase, read, write
from tests.benchmarks.import_scale import Import, sections
from tests.benchmarks.import_tables import WHAT, of_kind
from tests.benchmarks.imports import KNOWN
from tests.benchmarks.measure import Figures
from tests.benchmarks.quotas import PARTITION_WRITES
from tests.benchmarks.readers import BURST, Reader, alone
from tests.benchmarks.results import CHAIN
from tests.benchmarks.scale import PAGE, PICTURE, Load, document, limits, picture
from tests.support.template import ROOT, load

MEASURED = read()
READERS = readers.readers(MEASURED)
PROJECT = READERS[1]


def test_the_page_and_its_picture_are_what_the_script_writes() -> None:
    assert (ROOT / "docs" / PAGE).read_text() == document(MEASURED), "make scale"
    assert (ROOT / "docs" / PICTURE).read_text() == picture(MEASURED), "make scale"


@pytest.mark.parametrize("reader", READERS, ids=lambda reader: reader.name)
def test_no_reader_falls_behind_a_partition_even_when_calls_take_longer(reader: Reader) -> None:
    slower = next(each for each in readers.readers(MEASURED, readers.SLOWER) if each.name == reader.name)
    assert reader.records_a_second > 2 * PARTITION_WRITES
    assert slower.records_a_second > PARTITION_WRITES


def test_the_units_of_a_projection_are_as_counted() -> None:
    many = Load(MEASURED, 1_000_000, users=100)
    assert many.batch(PROJECT) == 100
    full = many.changes * 2 + 2 * many.counter_writes
    assert full / many.changes == pytest.approx(MEASURED.phases["100 known x 1"]["project"].write_units / 100)
    assert MEASURED.phases["1 known x 1"]["project"].write_units == 2 + 4


def test_a_window_gathers_what_comes_a_second_and_no_more_than_a_batch() -> None:
    assert alone(PROJECT).records_a_batch(1) == 1
    assert PROJECT.records_a_batch(10) == pytest.approx(10 / PROJECT.lanes)
    assert PROJECT.records_a_batch(10_000) == PROJECT.size
    assert PROJECT.records_a_batch(1, at_once=100) == 100 / PROJECT.lanes


def test_a_shard_stays_behind_when_more_comes_than_its_reader_manages() -> None:
    slow = Reader("slow", 0.1, 0.001, size=100, lanes=1, window=0.0)
    assert slow.records_a_second < BURST
    behind, ahead = readers.lags(slow), readers.lags(PROJECT)
    assert max(behind) > 100
    assert readers.caught_up(behind) > 5 * readers.caught_up(ahead)
    assert len(behind) == len(ahead) == 360


def test_every_record_is_reckoned_to_when_it_came() -> None:
    for second in (0.0, 899.0, 1_000.0, 1_500.0, 3_599.0):
        assert readers.came_at(readers.arrived(second)) == pytest.approx(second)


def test_the_pace_of_campaigns_ends_where_one_accounts_partition_does() -> None:
    most = PARTITION_WRITES / MEASURED.message.write_units
    assert load()["Parameters"]["CampaignMessagesPerSecond"]["MaxValue"] <= most


def test_what_gives_out_is_told_from_the_first_on() -> None:
    for users in (1, 100):
        found = [at for _, at, _ in limits(MEASURED, users)]
        assert found == sorted(found)
        assert found[0] == PARTITION_WRITES / 2


def test_what_a_run_found_is_read_back(tmp_path: Path) -> None:
    def figures(cpu: float, calls: int) -> Figures:
        return Figures(
            [cpu, cpu, 3 * cpu], [1.0], {"calls": {"Q": calls}, "read_units": 2.0 * calls, "write_units": calls}
        )

    sent = SENT - TIMED_MESSAGES
    run: Any = SimpleNamespace(
        product={shape: {phase: figures(4.0, 6) for phase in CHAIN} for shape in SHAPES},
        starts={BARE: Start([1.0, 2.0, 3.0])},
        campaigns=[CampaignFigures(1000, figures(100.0, 2000), figures(500.0, 4 * sent))],
        imports=MEASURED.imports,
    )
    write(run, tmp_path)
    found = read(tmp_path)
    assert {phase for of in found.phases.values() for phase in of.values()} == {Phase(4.0, 6, 12.0, 6)}
    assert found.starts == {BARE: 2.0}
    assert found.imports == MEASURED.imports
    assert found.message == Phase(round(500 / 1000 + 2500 / sent, 2), 6, 12.0, 6.0)


@pytest.mark.parametrize("kind", WHAT)
def test_an_import_of_ten_million_rows_is_reckoned_by_rows_and_its_calls_to_s3_by_parts(kind: str) -> None:
    figures = of_kind(MEASURED.imports, kind)[1]
    found = Import(MEASURED, figures)
    *reading, apply = found.steps
    assert found.parts == 1024
    assert apply.cost.write_units == pytest.approx(
        found.factor * sum(cost.write_units for name, cost in figures.steps.items() if name.startswith("change"))
    )
    diff = next(step for step in reading if step.name == "diff")
    objects = figures.steps["diff"].operations["GetObject"] / figures.parts
    assert diff.cost.operations["GetObject"] == pytest.approx(1024 * objects)
    assert found.seconds(100) - found.seconds(200) == pytest.approx(found.changed / 200)
    assert found.seconds(float("inf")) == pytest.approx(found.seconds(1e9))
    assert all(step.seconds >= step.floor for step in found.steps)


def test_the_pace_that_reaches_the_goal_does_reach_it() -> None:
    found = Import(MEASURED, of_kind(MEASURED.imports, KNOWN)[1])
    pace = found.pace_for_goal
    assert pace is not None
    assert found.seconds(pace) == pytest.approx(15 * 60)


def test_what_gives_out_first_in_an_import_is_its_pace() -> None:
    limits_of_imports = next(each for each in sections(MEASURED) if "what gives out first" in each)
    first = limits_of_imports.splitlines()[6]
    assert first.startswith("| `ImportRowsPerSecond`, as deployed | 2,000 |")
