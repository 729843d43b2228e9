"""Each documented pattern picks the events that it is said to pick, by moto's implementation of EventBridge's filters.

tests/e2e/test_event_patterns.py has the same of MiniStack's, on the bus of the deployed stack.
"""

import json
from collections.abc import Iterator, Mapping
from itertools import product
from typing import Any

import pytest
from moto.events.models import EventPattern

from tests.support.event_patterns import CHANGE, documented, patterns, picks
from tests.support.event_schemas import KINDS

Json = Any

SEGMENT_ID, ACCOUNT_ID = 1763901234567890, "SHP-7KD-42QX"
PICKS = picks(SEGMENT_ID, ACCOUNT_ID)


def events() -> Iterator[Json]:
    """Return events of all kinds, with what patterns ask for and with what they do not."""
    ids = ("SEG12345", "VIP-DE", "VIP-GOLD-DE", "VIPS", "vip-at", "TEST-1", "TEST-3", "DE", None)
    for customer_id, action, identity in product(ids, ("ADD", "REMOVE"), ("CT123456", "", None)):
        yield event(CHANGE, Customer_Segment_ID=customer_id, Action=action, Identity=identity)
    for name in ("premium users", "Premium Users 2"):
        yield event(CHANGE, **{"Segment_Name": name, "Segment Name": name})
    yield event(CHANGE, **{"Segment_ID": "1763901234567891", "Segment ID": 1763901234567891})
    yield event(CHANGE, **{"Account_ID": "SHP-2", "Account ID": "SHP-2"})
    yield {**event(CHANGE), "replay-name": "again"}
    for kind, customer_id in product(("Segment Created", "Segment Renamed", "Segment Deleted"), ("SEG12345", None)):
        yield event(kind, Customer_Segment_ID=customer_id)
    for failed in ({}, {"refused": 17}, {"refused": 0}, {"unavailable": 2}):
        yield event("Campaign Completed", Results={"queued": 9, "sent": 1, "skipped": {}, "failed": failed})
    yield event("Campaign Started")
    whatsapp, webpush = event("Message Requested"), event("Message Requested", Channel="webpush")
    del whatsapp["detail"]["Tokens"], webpush["detail"]["Phone"]
    yield from (whatsapp, webpush)


def event(kind: str, **fields: object) -> Json:
    example = KINDS[kind].example()
    return {**example, "detail": {**example["detail"], **fields}}


def test_the_page_has_eighteen_patterns_and_three_transformers() -> None:
    assert list(documented()) == [*map(str, range(1, 19)), "A", "B", "C"]


@pytest.mark.parametrize("name", PICKS)
def test_a_pattern_picks_what_it_is_for(name: str) -> None:
    judge = EventPattern.load(json.dumps(patterns({})[name]))
    told = {True: 0, False: 0}
    for each in events():
        assert judge.matches_event(each) == PICKS[name](each), each
        told[PICKS[name](each)] += 1
    assert min(told.values()) > 0


def test_examples_name_fields_that_events_have_and_none_with_spaces() -> None:
    for name, pattern in patterns({}).items():
        assert fields_of(pattern.get("detail", {})) <= known_fields(pattern["detail-type"]), name
    for name in "AB":
        for path in documented()[name]["InputPathsMap"].values():
            assert path.removeprefix("$.detail.") in known_fields([CHANGE]), name


def fields_of(pattern: Mapping[str, Json]) -> set[str]:
    """Return the names that a pattern compares, but those within a field."""
    either = [fields_of(each) for each in pattern.get("$or", ())]
    return {name for name in pattern if name != "$or"}.union(*either)


def known_fields(kinds: list[str]) -> set[str]:
    return {name for kind in kinds for name in KINDS[kind].detail_schema()["properties"] if " " not in name}
