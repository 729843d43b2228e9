"""The CloudWatch dashboard names what the stack has and what the functions count."""

import json
import re
from typing import Any

import pytest

from local import dashboard
from tests.support.template import ROOT, load, resources

Json = Any

TEXT = dashboard.DASHBOARD.read_text()
METRICS = [metric for widget in json.loads(TEXT)["widgets"] for metric in widget["properties"]["metrics"]]
PSEUDO = {"AWS::Region", "AWS::StackName"}


def test_it_names_resources_of_the_template() -> None:
    named = set(re.findall(r"\$\{([^}]+)\}", TEXT)) - PSEUDO
    assert named <= load()["Resources"].keys()


def test_every_queue_and_every_function_but_those_called_by_hand_is_on_it() -> None:
    named = set(re.findall(r"\$\{([^}]+)\}", TEXT))
    by_hand = {"AccountsFunction"}
    assert {*resources("AWS::SQS::Queue"), *resources("AWS::Serverless::Function")} - by_hand <= named


def test_its_own_figures_are_those_that_operations_explains() -> None:
    watched = (ROOT / "docs" / "operations.md").read_text().partition("## What to watch")[2].partition("\n## ")[0]
    explained: dict[str, set[str]] = {}
    for names, of in re.findall(r"^\| (`.+?) \| ([\w, ]+) \|", watched, re.MULTILINE):
        for function in of.split(", "):
            explained.setdefault(function, set()).update(re.findall(r"`(\w+)`", names))
    for _, metric, _, function, *_ in (each for each in METRICS if each[0] == "ApiSegments"):
        name = re.sub(r"(?<!^)(?=[A-Z])", "_", function[2:-1].removesuffix("Function")).lower()
        assert metric in explained[name]


def test_widgets_stand_beside_each_other_and_not_over_each_other() -> None:
    places = [(each["x"], each["y"], each["width"], each["height"]) for each in json.loads(TEXT)["widgets"]]
    cells = [(x + dx, y + dy) for x, y, width, height in places for dx in range(width) for dy in range(height)]
    assert len(cells) == len(set(cells))
    assert max(x for x, _ in cells) < 24, "a dashboard is 24 columns wide"


def test_a_queue_is_named_and_a_stack_of_another_version_is_told() -> None:
    text = '["${AWS::Region}", "${AWS::StackName}", "${PurgeQueue}", "${PurgeSegmentFunction}"]'
    names = {"PurgeQueue": "https://sqs/1/shop-PurgeQueue-X", "PurgeSegmentFunction": "shop-PurgeSegmentFunction-Y"}
    filled = json.loads(dashboard.filled_in(text, "shop", "eu-central-1", names))
    assert filled == ["eu-central-1", "shop", "shop-PurgeQueue-X", "shop-PurgeSegmentFunction-Y"]
    with pytest.raises(KeyError, match="PurgeSegmentFunction"):
        dashboard.filled_in(text, "shop", "eu-central-1", {"PurgeQueue": names["PurgeQueue"]})
