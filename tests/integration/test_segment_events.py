"""`Segment Created`, `Segment Renamed` and `Segment Deleted`: from the table's stream, once each, with all they say."""

import json
from collections import Counter
from copy import deepcopy
from datetime import datetime
from typing import Any

import pytest

from api_segments.aws.events import full_detail
from functions.publish_segments.app import handler as publish_segments
from tests.integration.conftest import SEGMENT, Account, RecordingBus, Relay
from tests.integration.told import A_MOMENT, actions, users
from tests.support.clock import MovableClock
from tests.support.events import Context, Event
from tests.support.faults import FaultyClient, answer_lost
from tests.support.records import sequences

Json = Any

NAMES = ("Segment Created", "Segment Renamed", "Segment Deleted")


def told(bus: RecordingBus, account: Account) -> list[tuple[str, Json]]:
    """Return an account's events of segments, by type, in their order."""
    entries = [(entry["DetailType"], json.loads(entry["Detail"])) for entry in bus.entries]
    mine = [(name, detail) for name, detail in entries if name in NAMES and detail["Account ID"] == account.account_id]
    return sorted(mine, key=lambda each: (each[1]["Sequence"], each[1]["Event ID"]))


def of_segments(relay: Relay) -> list[Event]:
    """Return what was written to segments, as the template's filter lets it through."""
    records = relay.segments_reader.read()
    return [record for record in records if record["dynamodb"]["Keys"]["sk"]["S"].startswith(("SEGMENT#", "DELETED#"))]


def test_the_life_of_a_segment_is_told_in_three_events(
    account: Account, relay: Relay, bus: RecordingBus, clock: MovableClock
) -> None:
    began = clock.now().replace(microsecond=0)
    (segment,) = account.create("GOLD-ü")
    account.rename(segment, "Gold 😀")
    account.delete(segment)

    relay.drain()

    events = told(bus, account)
    assert [name for name, _ in events] == list(NAMES)
    common = {"Segment ID": segment, "Customer_Segment_ID": "GOLD-ü", "Account ID": account.account_id}
    for (_, detail), further in zip(
        events,
        (
            {"Segment Name": "segment 0"},
            {"Segment Name": "Gold 😀", "Previous Segment Name": "segment 0"},
            {"Segment Name": "Gold 😀"},
        ),
        strict=True,
    ):
        of_its_own = {name: detail[name] for name in ("Event ID", "Sequence", "Occurred At")}
        assert detail == full_detail({**common, **further, **of_its_own})
        assert isinstance(detail["Segment ID"], int)
        assert began <= datetime.fromisoformat(detail["Occurred At"]) < clock.now()
    assert len({detail["Event ID"] for _, detail in events}) == 3
    assert len({int(detail["Sequence"]) for _, detail in events}) == 3
    for entry in bus.entries:
        assert (entry["EventBusName"], entry["Source"]) == ("test", "api-segments")
        assert entry["Time"] == datetime.fromisoformat(json.loads(entry["Detail"])["Occurred At"])


def test_a_segment_without_a_customer_id_is_told_as_such(account: Account, relay: Relay, bus: RecordingBus) -> None:
    (segment,) = account.create(None)
    account.delete(segment)
    relay.drain()
    assert [(name, detail["Customer_Segment_ID"]) for name, detail in told(bus, account)] == [
        ("Segment Created", None),
        ("Segment Deleted", None),
    ]


def test_each_of_a_hundred_new_segments_is_told_once(account: Account, relay: Relay, bus: RecordingBus) -> None:
    segments = account.create(*[None] * 100)
    relay.drain()
    assert Counter(detail["Segment ID"] for _, detail in told(bus, account)) == Counter(segments)
    assert {name for name, _ in told(bus, account)} == {"Segment Created"}


def test_what_changes_nothing_is_not_told(account: Account, relay: Relay, bus: RecordingBus) -> None:
    gold, gone = account.create("GOLD", "GONE")
    account.rename(gold, "Gold")
    account.delete(gone)
    relay.drain()
    bus.entries.clear()

    assert account.rename(gold, "Gold")[0] == 200
    assert account.rename(gone, "Gone")[0] == 410
    assert account.delete(gone)[0] == 200
    account.call("create_segment", [{"segment_name": "again", "customer_segment_id": "GOLD"}])
    account.update((users("A"), actions("ADD", gold)))
    account.update((users("A"), actions("REMOVE", gold)))
    relay.drain()
    relay.drain()

    assert told(bus, account) == []


def test_a_write_whose_answer_was_lost_is_told_once(
    account: Account, relay: Relay, bus: RecordingBus, faulty: FaultyClient
) -> None:
    faulty.next("transact_write_items", answer_lost)
    (segment,) = account.create("GOLD")
    faulty.next("update_item", answer_lost)
    assert account.rename(segment, "Gold")[0] == 200
    faulty.next("transact_write_items", answer_lost)
    assert account.delete(segment)[1]["segment_name"] == "Gold"
    relay.drain()
    assert [name for name, _ in told(bus, account)] == list(NAMES)


def test_an_event_delivered_again_has_the_same_id(account: Account, relay: Relay, bus: RecordingBus) -> None:
    for index, segment in enumerate(account.create(*[None] * 7)):
        account.rename(segment, f"renamed {index}")
    records = of_segments(relay)
    relay.segments_publisher.deliver(records)
    once = told(bus, account)
    assert len({detail["Event ID"] for _, detail in once}) == len(once) == 14

    for start in range(0, len(records), 3):
        relay.segments_publisher.deliver(records[start:])

    assert len(told(bus, account)) > len(once)
    by_id = {detail["Event ID"]: (name, detail) for name, detail in once}
    assert all(event == by_id[event[1]["Event ID"]] for event in told(bus, account))


@pytest.mark.parametrize("seconds", [A_MOMENT])
def test_an_event_that_the_bus_refuses_is_delivered_again_from_its_record(
    account: Account, relay: Relay, bus: RecordingBus, seconds: float
) -> None:
    segments = account.create(*[None] * 12)
    records = of_segments(relay)
    bus.refuse = lambda entry: json.loads(entry["Detail"])["Segment ID"] == segments[4]

    answer = publish_segments({"Records": deepcopy(records)}, Context(seconds))

    assert answer == {"batchItemFailures": [{"itemIdentifier": sequences(records)[4]}]}
    assert {detail["Segment ID"] for _, detail in told(bus, account)} == set(segments) - {segments[4]}
    bus.refuse = lambda _: False
    relay.segments_publisher.deliver(records[4:])
    assert {detail["Segment ID"] for _, detail in told(bus, account)} == set(segments)
    assert relay.segments_publisher.on_failure == []


@pytest.mark.parametrize("damage", [{"NewImage": {"sk": {"S": "SEGMENT#1"}}}, {"ApproximateCreationDateTime": "now"}])
def test_a_damaged_record_is_passed_over_alone(
    account: Account, relay: Relay, bus: RecordingBus, passed_over: list[str], damage: Json
) -> None:
    segments = account.create(*[None] * 3)
    records = of_segments(relay)
    records[1]["dynamodb"].update(damage)

    relay.segments_publisher.deliver(records)

    assert {detail["Segment ID"] for _, detail in told(bus, account)} == {segments[0], segments[2]}
    assert [json.loads(message)["records"] for message in passed_over] == [[records[1]]]
    assert relay.segments_publisher.on_failure == []


def test_a_segments_name_in_a_change_is_the_one_it_has_when_that_is_told(
    account: Account, relay: Relay, bus: RecordingBus
) -> None:
    (segment,) = account.create(None)
    account.update((users("A"), actions("ADD", segment)))
    account.rename(segment, "renamed")
    relay.drain()
    assert [event["Segment Name"] for event in bus.details(account.account_id)] == ["renamed"]
    assert account.get(SEGMENT, segment_id=str(segment))[1]["segment_name"] == "renamed"
