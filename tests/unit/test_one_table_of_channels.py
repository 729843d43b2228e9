"""What is said of each channel follows from one table, or is held to it here."""

import re

from api_segments.campaigns.content.channel_fields import FIELDS
from api_segments.campaigns.model import TargetMode
from api_segments.campaigns.sending.testing import recipient_types
from api_segments.core.channels import Channel
from api_segments.profiles.channels import RULES
from api_segments.site.openapi import document
from tests.support.template import ROOT

NAMES = [channel.value for channel in Channel]


def test_every_channel_has_a_rule_in_the_order_of_the_answers() -> None:
    assert list(RULES) == list(Channel)


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


def test_the_documentation_names_every_channel_where_it_tells_them_apart() -> None:
    api = (ROOT / "docs" / "api.md").read_text("utf-8")
    for part, word in (("### Reachability", "channel"), ("### Content", "mode"), ("## How each channel sends", "mode")):
        told = api.partition(f"{part}\n")[2].partition("\n#")[0]
        assert told, part
        assert [name for name in (NAMES if word == "channel" else TargetMode) if f"`{name}`" not in told] == [], part


def script(path: str) -> str:
    return (ROOT / "functions/dashboard/page" / path).read_text("utf-8")


def constant(path: str, name: str) -> str:
    """Return what a constant of one of the page's modules is, as it is written."""
    (found,) = re.findall(rf"^(?:export )?const {name} = (.*?);$", script(path), re.MULTILINE | re.DOTALL)
    return str(found)


def test_the_page_counts_every_channel() -> None:
    assert re.findall(r'\["(\w+)", "', constant("kit/channels.js", "CHANNELS")) != []
    assert set(re.findall(r'\["(\w+)", "', constant("kit/channels.js", "CHANNELS"))) == set(NAMES)


def test_the_page_has_every_mode_with_its_channel() -> None:
    modes = re.findall(
        r'mode: "(\w+)",\s+label: "[^"]+",\s+word: "[^"]+",\s+channel: (?:"(\w+)"|null)',
        constant("campaigns/labels.js", "MODES"),
    )
    assert {mode: channel or None for mode, channel in modes} == {mode: mode.channel for mode in TargetMode}
    assert set(re.findall(r"^  (\w+): ", constant("campaigns/labels.js", "MESSAGES"), re.MULTILINE)) == set(TargetMode)


def test_the_page_asks_for_the_fields_of_every_mode() -> None:
    written = constant("campaigns/draft.js", "FIELDS")
    asked = {
        mode: {name: "required: true" in more for name, more in re.findall(r'\{ name: "(\w+)"([^}]*)\}', fields)}
        for mode, fields in re.findall(r"^  (\w+): \[(.*?)\],$", written, re.MULTILINE | re.DOTALL)
    }
    assert asked == {mode: dict(fields.names()) for mode, fields in FIELDS.items()}


def test_the_page_offers_for_a_test_whom_the_api_takes() -> None:
    taken = re.findall(r"(\w+): \[([^]]*)\]", constant("campaigns/test_message.js", "TAKEN"))
    offered = {mode: re.findall(r"\w+", kinds) for mode, kinds in taken}
    assert offered == {mode: kinds for mode in TargetMode if (kinds := recipient_types(mode))}
