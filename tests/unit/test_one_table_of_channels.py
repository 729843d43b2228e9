"""What is said of each channel follows from one table, or is held to it here."""

import json
import re

from api_segments.campaigns.content.channel_fields import FIELDS
from api_segments.campaigns.model import TargetMode
from api_segments.core.channels import Channel
from api_segments.profiles.answers import ReachedByBody
from api_segments.profiles.channels import RULES
from api_segments.segments.answers import ReachableMembersBody
from api_segments.site.openapi import document
from tests.support.template import ROOT

NAMES = [channel.value for channel in Channel]


def test_every_channel_has_a_rule_in_the_order_of_the_answers() -> None:
    assert list(RULES) == list(Channel)


def test_answers_have_every_channel() -> None:
    assert list(ReachableMembersBody.__annotations__) == list(ReachedByBody.__annotations__) == NAMES


def test_the_description_has_every_channel() -> None:
    schemas = document(".")["components"]["schemas"]
    for name in ("ReachableMembers", "ReachedBy"):
        assert list(schemas[name]["properties"]) == NAMES


def test_every_campaign_mode_but_webhooks_has_its_channel_and_every_mode_its_fields() -> None:
    assert {mode.channel for mode in TargetMode} == {None, *Channel}
    assert [mode for mode in TargetMode if mode.channel is None] == [TargetMode.WEBHOOK]
    assert FIELDS.keys() == set(TargetMode)


def test_the_documentation_names_every_flag() -> None:
    api = (ROOT / "docs" / "api.md").read_text()
    assert [rule.flag for rule in RULES.values() if rule.flag not in api] == []


def test_the_page_counts_every_channel() -> None:
    scripts = "\n".join(path.read_text() for path in (ROOT / "functions/dashboard/page").rglob("*.js"))
    assert [name for name in NAMES if not re.search(rf"\b{json.loads(json.dumps(name))}\b", scripts)] == []
