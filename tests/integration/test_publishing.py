"""Every real change of membership leaves on the bus as one event, and nothing else does."""

import json
import re
from collections import Counter
from collections.abc import Sequence
from copy import deepcopy
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from api_segments.http.gateway import RESERVE_SECONDS
from api_segments.memberships.announcement import REQUEST_SECONDS
from functions.publish_changes.app import handler as publish_changes
from tests.integration.conftest import Account, RecordingBus, Relay
from tests.support.clock import MovableClock
from tests.support.events import Context, Event
from tests.support.faults import FaultyClient, refused
from tests.support.records import Profile, Stream, sequences
from tests.support.state import Tables, assert_projected, live

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

Json = Any

CLEVERTAPS = {"Action", "Segment Name", "Segment ID", "Customer_Segment_ID"}
OTHERS = {"Account ID", "Identity", "Profile ID", "Event ID", "Sequence", "Occurred At"}
TWINS = {"Segment_Name", "Segment_ID", "Account_ID", "Profile_ID", "Event_ID", "Occurred_At"}
TO_THE_SECOND = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
A_MOMENT = RESERVE_SECONDS + 0.3


def users(count: int) -> list[Json]:
    return [{"identity": f"U{index}"} for index in range(count)]


def actions(action: str, *segment_ids: int) -> list[Json]:
    return [{"ct_segment_id": segment_id, "action": action} for segment_id in segment_ids]


def publish(records: Sequence[Event], seconds: float = 60) -> list[str]:
    """Deliver one batch; return the sequence it is to be delivered again from, if any."""
    answer = publish_changes({"Records": deepcopy(list(records))}, Context(seconds))
    return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]


def event_ids(bus: RecordingBus, account: Account) -> Counter[str]:
    return Counter(detail["Event ID"] for detail in bus.details(account.account_id))


def test_an_event_says_what_is_documented_and_no_more(
    account: Account, relay: Relay, bus: RecordingBus, clock: MovableClock
) -> None:
    began = clock.now().replace(microsecond=0)
    gold, silver = account.create("GOLD-ü", None)
    account.update((users(1), actions("ADD", gold)), ([{"guid": "anonymous"}], actions("ADD", silver)))
    account.update((users(1), actions("REMOVE", gold)))

    records = relay.drain()

    details = bus.details(account.account_id)
    assert len(details) == 3
    for detail in details:
        assert set(detail) == {"Version"} | CLEVERTAPS | OTHERS | TWINS
        for name in TWINS - {"Segment_ID"}:
            assert detail[name] == detail[name.replace("_", " ")]
        assert (type(detail["Segment ID"]), detail["Segment_ID"]) == (int, str(detail["Segment ID"]))
        assert TO_THE_SECOND.fullmatch(detail["Occurred At"])
        assert began <= datetime.fromisoformat(detail["Occurred At"]) < clock.now()
        assert int(detail["Sequence"]) in {int(sequence) for sequence in sequences(records)}
    assert [
        (detail["Action"], detail["Identity"], detail["Segment ID"]) for detail in details if detail["Identity"]
    ] == [
        ("ADD", "U0", gold),
        ("REMOVE", "U0", gold),
    ]
    (anonymous,) = [detail for detail in details if detail["Identity"] is None]
    assert anonymous["Profile ID"] == "anonymous"
    assert anonymous["Customer_Segment_ID"] is None
    assert {detail["Customer_Segment_ID"] for detail in details} == {"GOLD-ü", None}
    assert {detail["Segment Name"] for detail in details} == {"segment 0", "segment 1"}


def test_an_event_comes_in_the_documented_envelope(account: Account, relay: Relay, bus: RecordingBus) -> None:
    (gold,) = account.create(None)
    account.update((users(1), actions("ADD", gold)))
    relay.drain()

    (entry,) = [
        entry
        for entry in bus.entries
        if json.loads(entry["Detail"])["Account ID"] == account.account_id and entry["DetailType"] != "Segment Created"
    ]
    assert (entry["EventBusName"], entry["Source"]) == ("test", "api-segments")
    assert entry["DetailType"] == "Segment Membership Change"
    assert entry["Time"] == datetime.fromisoformat(json.loads(entry["Detail"])["Occurred At"])


def test_real_changes_and_events_are_the_same_set_whatever_is_repeated(
    account: Account, tables: Tables, relay: Relay, bus: RecordingBus
) -> None:
    gold, silver = account.create(None, None)
    changes = 0
    for action, count, segments in [
        ("ADD", 3, [gold]),
        ("ADD", 4, [gold, silver]),
        ("REMOVE", 2, [silver]),
        ("REMOVE", 2, [silver]),
        ("ADD", 1, [silver]),
    ]:
        summary = account.update((users(count), actions(action, *segments)))["summary"]
        changes += summary["added"] + summary["removed"]
    tables.set_reach(account.account_id, tables.profile_of(account.account_id, "U0") or "", "email")

    records = relay.drain()
    once = event_ids(bus, account)
    assert len(once) == once.total() == changes == 3 + 5 + 2 + 1

    for start in range(0, len(records), 2):
        publish(records[start:])
    assert set(event_ids(bus, account)) == set(once)
    details = {detail["Event ID"]: detail for detail in bus.details(account.account_id)}
    assert all(detail == details[detail["Event ID"]] for detail in bus.details(account.account_id))


def test_entries_that_the_bus_refuses_are_sent_again_and_only_those(
    account: Account, relay: Relay, bus: RecordingBus
) -> None:
    (gold,) = account.create(None)
    account.update((users(25), actions("ADD", gold)))
    refused_twice: Counter[str] = Counter()

    def refuse(entry: Json) -> bool:
        event_id = json.loads(entry["Detail"])["Event ID"]
        refused_twice[event_id] += 1
        return refused_twice[event_id] <= 2 and int(json.loads(entry["Detail"])["Identity"][1:]) % 3 == 0

    bus.refuse = refuse
    assert publish(relay.reader.read()) == []

    sent = event_ids(bus, account)
    assert len(sent) == sent.total() == 25
    assert Counter(refused_twice.values()) == {1: 16, 3: 9}


@pytest.mark.parametrize(
    "error",
    [
        ClientError({"Error": {"Code": "ThrottlingException", "Message": ""}}, "PutEvents"),
        EndpointConnectionError(endpoint_url="https://events.us-east-1.amazonaws.com/"),
    ],
    ids=["throttled", "no connection"],
)
def test_a_call_that_fails_is_made_again(account: Account, relay: Relay, bus: RecordingBus, error: Exception) -> None:
    (gold,) = account.create(None)
    account.update((users(25), actions("ADD", gold)))
    fails = iter([True, True])

    def refuse(_: Json) -> bool:
        if next(fails, False):
            raise error
        return False

    bus.refuse = refuse
    assert publish(relay.reader.read()) == []
    sent = event_ids(bus, account)
    assert len(sent) == sent.total() == 25


def test_what_still_fails_at_the_deadline_is_delivered_again_with_the_same_event_ids(
    account: Account, relay: Relay, bus: RecordingBus
) -> None:
    (gold,) = account.create(None)
    account.update((users(30), actions("ADD", gold)))
    records = relay.reader.read()
    failing = [sequences(records)[index] for index in (12, 13, 25)]
    refused_sequences = set(map(int, failing))
    bus.refuse = lambda entry: int(json.loads(entry["Detail"])["Sequence"]) in refused_sequences

    assert publish(records, A_MOMENT) == failing[:1]
    before = event_ids(bus, account)
    assert before.total() == 27

    bus.refuse = lambda _: False
    assert publish(records[12:]) == []
    after = event_ids(bus, account)
    assert set(before) < set(after)
    assert len(after) == 30


def test_a_bus_that_takes_nothing_for_long_loses_nothing(account: Account, relay: Relay, bus: RecordingBus) -> None:
    (gold,) = account.create(None)
    account.update((users(12), actions("ADD", gold)))
    records = relay.reader.read()
    bus.refuse = lambda _: True
    assert publish(records, A_MOMENT) == sequences(records)[:1]
    assert not bus.details(account.account_id)

    bus.refuse = lambda _: False
    relay.publisher.deliver(records)
    assert len(event_ids(bus, account)) == 12


def test_no_call_has_more_than_ten_entries(account: Account, relay: Relay, bus: RecordingBus) -> None:
    segments = account.create(*[None] * 23)
    relay.drain()
    bus.call_sizes.clear()  # of the events that tell of the segments
    account.update((users(11), actions("ADD", *segments)))
    relay.drain()
    assert len(event_ids(bus, account)) == 23 * 11
    assert max(bus.call_sizes) == 10
    assert len(bus.call_sizes) == 26


def test_what_was_asked_for_before_a_deletion_is_told_also_after_it(
    account: Account, tables: Tables, relay: Relay, bus: RecordingBus
) -> None:
    gold, silver = account.create(None, None)
    account.update((users(2), actions("ADD", gold, silver)))
    relay.drain()
    assert tables.data_points(account.account_id).total() == 4

    account.update((users(1), actions("REMOVE", gold)))
    account.delete(gold)
    relay.drain()

    told = [(event["Action"], event["Segment ID"]) for event in bus.details(account.account_id)]
    assert Counter(told) == {("ADD", gold): 2, ("ADD", silver): 2, ("REMOVE", gold): 1}
    assert tables.data_points(account.account_id).total() == 5
    assert_projected(tables, account.account_id)


def test_what_a_segment_loses_long_after_its_deletion_is_not_told_and_no_data_point(
    account: Account, tables: Tables, relay: Relay, bus: RecordingBus, clock: MovableClock
) -> None:
    gold, silver = account.create(None, None)
    account.update((users(2), actions("ADD", gold, silver)))
    relay.drain()

    account.delete(gold)
    clock.move(seconds=REQUEST_SECONDS + 1)
    tables.erase(account.account_id, tables.profile_of(account.account_id, "U1") or "")
    relay.drain()

    told = [(event["Action"], event["Segment ID"]) for event in bus.details(account.account_id)]
    assert Counter(told) == {("ADD", gold): 2, ("ADD", silver): 2, ("REMOVE", silver): 1}
    assert tables.data_points(account.account_id).total() == 5
    assert_projected(tables, account.account_id)


@pytest.mark.parametrize(("seconds", "is_told"), [(-1, True), (0, True), (30, True), (31, False), (3600, False)])
@pytest.mark.parametrize("action", ["ADD", "REMOVE"])
def test_a_change_is_told_and_counted_until_half_a_minute_after_the_deletion(  # noqa: PLR0913 - two ways to vary
    account: Account, relay: Relay, bus: RecordingBus, action: str, seconds: int, *, is_told: bool
) -> None:
    (gold,) = account.create(None)
    deleted_at = datetime.fromisoformat(account.delete(gold)[1]["deleted_at"])
    inside, outside = (Profile(account.account_id, "P", "U0", ids) for ids in (frozenset({gold}), frozenset[int]()))
    stream = Stream()
    before, after = (outside, inside) if action == "ADD" else (inside, outside)
    stream.append(before, after, int(deleted_at.timestamp()) + seconds)

    for reader in (relay.publisher, relay.projector):
        reader.deliver(stream.records)
        assert reader.on_failure == []

    assert [event["Action"] for event in bus.details(account.account_id)] == [action] * is_told
    month = f"{deleted_at + timedelta(seconds=seconds):%Y-%m}"
    assert account.usage(month=month)[1]["data_points"] == int(is_told)


def test_an_erased_profile_leaves_its_segments_under_its_old_identity(
    account: Account, tables: Tables, relay: Relay, bus: RecordingBus
) -> None:
    gold, silver = account.create(None, None)
    account.update((users(1), actions("ADD", gold, silver)))
    profile = tables.profile_of(account.account_id, "U0") or ""
    relay.drain()

    tables.erase(account.account_id, profile)
    relay.drain()

    left = [event for event in bus.details(account.account_id) if event["Action"] == "REMOVE"]
    assert {(event["Identity"], event["Profile ID"], event["Segment ID"]) for event in left} == {
        ("U0", profile, gold),
        ("U0", profile, silver),
    }


def test_an_unreadable_record_is_passed_over_and_its_neighbours_are_published(  # noqa: PLR0913, PLR0917 - all that it may touch
    account: Account,
    tables: Tables,
    relay: Relay,
    bus: RecordingBus,
    dynamodb: "DynamoDBClient",
    passed_over: list[str],
) -> None:
    (gold,) = account.create(None)
    account.update((users(2), actions("ADD", gold)))
    dynamodb.update_item(
        TableName=tables.environment["MEMBERSHIPS_TABLE"],
        Key={"pk": {"S": f"{account.account_id}#{tables.profile_of(account.account_id, 'U1')}"}},
        UpdateExpression="SET reach = :reach",
        ExpressionAttributeValues={":reach": {"SS": ["telepathy"]}},
    )
    account.update((users(5)[2:], actions("ADD", gold)))

    records = relay.drain()
    unreadable = sequences(records)[2]

    assert {event["Identity"] for event in bus.details(account.account_id)} == {f"U{index}" for index in range(5)}
    # The publisher does not read how users are reached, the projection does.
    assert [sequences(json.loads(body)["records"]) for body in passed_over] == [[unreadable]]
    assert relay.publisher.on_failure == relay.projector.on_failure == []
    assert {row.identity for row in live(tables.members(account.account_id)).values()} == {
        f"U{index}" for index in range(5)
    }
    assert tables.data_points(account.account_id).total() == 5


@pytest.mark.parametrize(
    "damage",
    [
        {"NewImage": {}},
        {"NewImage": {"pk": {"S": "x"}}},
        {"ApproximateCreationDateTime": "yesterday"},
        {"NewImage": {"account_id": {"S": "A"}, "profile_id": {"S": "P"}, "segment_ids": {"NS": ["one"]}}},
        {"NewImage": {"account_id": {"S": "A"}, "profile_id": {"S": "P"}, "segment_ids": {"S": "1"}}},
        {"NewImage": {"account_id": {"S": "A"}, "profile_id": {"S": "P"}, "segment_ids": ["1"]}},
        {"NewImage": []},
    ],
    ids=repr,
)
def test_a_damaged_record_is_passed_over_alone(
    account: Account, relay: Relay, bus: RecordingBus, passed_over: list[str], damage: dict[str, Any]
) -> None:
    (gold,) = account.create(None)
    stream = Stream()
    for index in range(3):
        stream.append(None, Profile(account.account_id, f"P{index}", None, frozenset({gold})), 1_763_901_235)
    stream.records[1]["dynamodb"].update(damage)

    relay.publisher.deliver(stream.records)

    assert {event["Profile ID"] for event in bus.details(account.account_id)} == {"P0", "P2"}
    assert [json.loads(body)["records"] for body in passed_over] == [stream.records[1:2]]
    assert relay.publisher.on_failure == []


def test_segments_that_cannot_be_read_now_are_read_on_redelivery(
    account: Account, relay: Relay, bus: RecordingBus, faulty: FaultyClient
) -> None:
    (gold,) = account.create(None)
    account.update((users(3), actions("ADD", gold)))
    records = relay.reader.read()
    faulty.next("batch_get_item", refused("ValidationException"))

    relay.publisher.deliver(records)

    assert len(event_ids(bus, account)) == 3
    assert relay.publisher.on_failure == []
