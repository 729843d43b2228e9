"""What of the benchmarks can be wrong without a run that shows it."""

from datetime import UTC, datetime
from xml.etree import ElementTree as ET

import pytest

from api_segments.memberships.events import MEMBERSHIP_CHANGE
from tests.benchmarks.baseline import detail_of
from tests.benchmarks.coldstart import NEEDS
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
