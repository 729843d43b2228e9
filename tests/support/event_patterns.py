"""The patterns and input transformers of docs/events.md, and which events each is for, said once more in Python."""

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from tests.support.template import ROOT

Json = Any
Picks = Callable[[Mapping[str, Any]], bool]

CHANGE = "Segment Membership Change"
_EXAMPLE = re.compile(r"^\*\*(\w+)\. [^*]+\*\*[^\n]*\n```json\n(.+?)^```", re.MULTILINE | re.DOTALL)


def documented() -> dict[str, Json]:
    """Return what the page shows under a number or a letter."""
    return {name: json.loads(block) for name, block in _EXAMPLE.findall((ROOT / "docs" / "events.md").read_text())}


def patterns(replaced: Mapping[str, str]) -> dict[str, Json]:
    """Return the patterns, with values of the examples replaced by those of a test."""
    written = {name: json.dumps(each) for name, each in documented().items() if name.isdigit()}
    for example, own in replaced.items():
        written = {name: each.replace(example, own) for name, each in written.items()}
    return {name: json.loads(each) for name, each in written.items()}


def picks(segment_id: int, account_id: str) -> dict[str, Picks]:
    """Return for each pattern whether it is for an event, given what stands for the examples' segment and account."""

    def change(wanted: Callable[[Mapping[str, Any]], bool]) -> Picks:
        return lambda event: event["detail-type"] == CHANGE and wanted(event["detail"])

    def customer_id(wanted: Callable[[str], bool]) -> Picks:
        return change(lambda detail: wanted(detail["Customer_Segment_ID"] or ""))

    return {
        "1": customer_id(lambda text: text == "SEG12345"),
        "2": change(lambda detail: detail["Segment ID"] == segment_id),
        "3": change(lambda d: d["Customer_Segment_ID"] in ("SEG12345", "VIP-DE") and d["Action"] == "ADD"),
        "4": customer_id(lambda text: text[:4] == "VIP-"),
        "5": customer_id(lambda text: text[:4].lower() == "vip-"),
        "6": customer_id(lambda text: text[-3:] == "-DE"),
        "7": customer_id(lambda text: text[:4] == "VIP-" and text[-2:] == "DE"),
        "8": change(lambda detail: detail["Segment Name"].lower() == "premium users"),
        "9": customer_id(lambda text: text not in ("TEST-1", "TEST-2")),
        "10": customer_id(lambda text: text[:5] != "TEST-"),
        "11": change(lambda detail: detail["Identity"] is not None),
        "12": change(lambda detail: detail["Identity"] is None),
        "13": lambda event: (
            event["detail-type"] == "Segment Created" and event["detail"]["Customer_Segment_ID"] is None
        ),
        "14": change(lambda d: (d["Customer_Segment_ID"], d["Action"]) in (("SEG12345", "ADD"), ("VIP-DE", "REMOVE"))),
        "15": lambda event: event["detail-type"] in ("Segment Created", "Segment Renamed", "Segment Deleted"),
        "16": lambda event: (
            event["detail-type"] == "Campaign Completed" and event["detail"]["Results"]["failed"].get("refused", 0) > 0
        ),
        "17": lambda event: event["detail-type"] == "Message Requested" and "Phone" in event["detail"],
        "18": lambda event: (
            event["detail-type"] == CHANGE
            and event["detail"]["Account ID"] == account_id
            and "replay-name" not in event
        ),
    }
