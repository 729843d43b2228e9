"""What of the benchmarks can be wrong without a run that shows it."""

import json
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from api_segments.memberships.events import MEMBERSHIP_CHANGE
from tests.benchmarks import document, scale
from tests.benchmarks.baseline import detail_of
from tests.benchmarks.coldstart import NEEDS
from tests.benchmarks.figures import FILE, read
from tests.benchmarks.import_tables import WHAT, goals, import_tables
from tests.benchmarks.imports import CASES, CHURN, Cost, ImportFigures
from tests.benchmarks.picture import Bars, chart_parts
from tests.benchmarks.refusals import told_apart
from tests.benchmarks.results import COLD_FUNCTIONS
from tests.support.dynamodb.tables import Table
from tests.support.dynamodb.values import Item
from tests.support.event_schemas import KINDS, assert_described
from tests.support.template import ROOT


def test_the_cold_start_of_every_function_is_measured() -> None:
    assert set(NEEDS) == {path.parent.name for path in (ROOT / "functions").glob("*/app.py")}
    assert set(COLD_FUNCTIONS) <= set(NEEDS)


def test_the_baseline_publishes_what_the_product_does() -> None:
    segment = {"segment_id": {"N": "17"}, "segment_name": {"S": "Premium"}, "customer_segment_id": {"S": "C"}}
    detail = detail_of("SHP", ("ADD", "p" * 32, "CT1", segment), datetime.now(UTC))
    assert_described(MEMBERSHIP_CHANGE, detail)
    assert detail.keys() == set(KINDS[MEMBERSHIP_CHANGE].detail_schema()["required"])


@pytest.mark.parametrize(
    ("first", "second", "share"), [([2, 3], [0, 1], 1.0), ([0, 1], [2, 3], 0.0), ([0, 3], [1, 2], 0.5)]
)
def test_how_well_two_kinds_are_told_apart(first: list[float], second: list[float], share: float) -> None:
    assert told_apart(first, second) == share


def test_a_logarithmic_chart_begins_at_a_power_of_ten_and_says_so() -> None:
    parts, _ = chart_parts(Bars("title", [("a", 2.0, 50.0), ("b", 10.0, 1000.0)], "ms", is_logarithmic=True), 0)
    texts = [part.text for part in map(ET.fromstring, parts) if part.tag == "text"]
    assert [text for text in texts if text in {"0.1", "1", "10", "100", "1,000"}] == ["1", "10", "100", "1,000"]
    assert {"ours", "the hand-rolled baseline"} <= set(texts)


def test_only_what_has_a_goal_is_crossed_by_its_line() -> None:
    parts, _ = chart_parts(Bars("title", [("a", 1.0, None), ("b", 2.0, None)], "", goal=1.3, with_goal=["b"]), 0)
    assert len([part for part in parts if 'class="goal"' in part]) == 1


KEYS = {"pk": {"S": "p"}, "owner": {"S": "o"}}
LONG = {"S": "x" * 2500}


@pytest.mark.parametrize(
    ("before", "after", "units"),
    [
        (None, {**KEYS, "n": LONG}, 3 + 1),  # comes: the entry has keys alone
        ({**KEYS, "n": LONG}, {**KEYS, "n": {"S": "y"}}, 3),  # changes what the index has not
        ({**KEYS, "n": LONG}, {**KEYS, "owner": {"S": "other"}}, 3 + 2),  # moves
        ({**KEYS, "n": LONG}, {"pk": {"S": "p"}}, 3 + 1),  # goes from the index
        ({"pk": {"S": "p"}}, {"pk": {"S": "p"}, "n": LONG}, 3),  # never was in it
        (KEYS, None, 1 + 1),
    ],
)
def test_an_index_costs_what_changes_in_it(before: Item | None, after: Item | None, units: float) -> None:
    index = {
        "IndexName": "I",
        "KeySchema": [{"AttributeName": "owner", "KeyType": "HASH"}],
        "Projection": {"ProjectionType": "KEYS_ONLY"},
    }
    table = Table.of(
        {
            "TableName": "T",
            "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
            "AttributeDefinitions": [{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "owner")],
            "GlobalSecondaryIndexes": [index],
        }
    )
    assert table.units(before, after) == units


def played(kind: str, rows: int, cpu: float) -> ImportFigures:
    """Return figures as an import's: of two steps, whose memory grows by a MiB in 10,000 rows."""
    steps = {
        name: Cost(1, cpu / 2, 1.0, {"Query": rows, "GetObject": 5}, rows / 20, rows / 100, rows, 0, 60 + rows / 10_000)
        for name in ("split", "walk", "diff", "change, ADD")
    }
    own = {CHURN: rows // 100}.get(kind, rows)
    readers = {
        name: Cost(1, 1.0, 1.0, {"PutEvents": 9}, 1.0, own * 2.08, 9, own, 60) for name in ("publish", "project")
    }
    return ImportFigures(kind, rows, own, rows // 10_000, steps, readers, own, Cost(1, 1.0, 1.0, {"Query": 1}), 100)


PLAYED = [played(kind, rows, rows / 100_000) for kind, rows in CASES]


def test_goals_of_imports_are_held_against_a_million_rows_and_memory_against_ten_as_it_grew() -> None:
    found = {target.what: target for target in goals(PLAYED)}
    churn = found[f"{WHAT[CHURN]}: CPU of a million rows"]
    assert churn.measured == pytest.approx(20)
    assert churn.is_met
    assert found[f"{WHAT[CHURN]}: read units a row"].measured == pytest.approx(4 / 20)
    assert found[f"{WHAT[CHURN]}: write units a changed user, to apply"].measured == pytest.approx(1.0)
    memory = found["a function's memory with 10 million rows, by the growth"]
    assert memory.measured == pytest.approx(60 + 1_000)
    assert not memory.is_met
    assert "botocore" not in import_tables(PLAYED)[0].about
    missed = [played(kind, rows, rows / 1_000) for kind, rows in CASES]
    assert "botocore" in import_tables(missed)[0].about


def test_a_run_of_imports_alone_writes_their_own_sections_anew_and_leaves_the_others(tmp_path: Path) -> None:
    for name in ("benchmarks.md", FILE):
        (tmp_path / name).write_bytes((ROOT / "docs" / name).read_bytes())
    others = [each for each in sections(tmp_path) if not each.startswith("Imports:")]

    for _ in range(2):
        document.write_imports(PLAYED, tmp_path)

    titles = [table.title for table in import_tables(PLAYED)]
    now = sections(tmp_path)
    assert [each.partition("\n")[0] for each in now if each.startswith("Imports:")] == titles
    assert [each for each in now if not each.startswith("Imports:")] == others
    assert read(tmp_path).imports == json_of(PLAYED)
    assert (tmp_path / "benchmarks.md").read_text().endswith("|\n")
    assert "Imports of 10 million rows" in (tmp_path / scale.PAGE).read_text()


def sections(docs: Path) -> list[str]:
    return [each.rstrip("\n") for each in (docs / "benchmarks.md").read_text().split("\n\n## ")]


def json_of(found: list[ImportFigures]) -> list[ImportFigures]:
    return [ImportFigures.read(each) for each in json.loads(json.dumps([asdict(each) for each in found]))]
