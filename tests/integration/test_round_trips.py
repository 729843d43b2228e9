"""What requests and stream batches ask of the database: counts of calls, of sequential round trips and of write units.

These are the same on every machine: each call takes a second of the test's own time, those made side by side together.
"""

import os
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import boto3
import pytest

from api_segments.aws import clients
from functions.create_segment.app import handler as create_segment
from functions.manage_segments.app import handler as manage_segments
from functions.profiles.app import handler as profiles
from functions.project_members.app import handler as project_members
from functions.publish_changes.app import handler as publish_changes
from functions.update_segment.app import handler as update_segment
from tests.support.clock import MovableClock, system_time
from tests.support.dynamodb.control import Control, environment, running_stand_in
from tests.support.events import Context, Event, body_of, with_body, without_body
from tests.support.tables import create_tables
from tests.support.uploads import profile
from tests.support.wired import forget_services

Json = Any
ACCOUNT = "T-COUNTED"


class SlowClient:
    """A client each of whose calls takes a second, and is counted."""

    def __init__(self, client: object, clock: MovableClock, calls: list[str]) -> None:
        self._client = client
        self._clock = clock
        self._calls = calls

    def __getattr__(self, operation: str) -> Callable[..., Json]:
        def call(**arguments: object) -> Json:
            self._calls.append(operation)
            self._clock.move(seconds=1)
            return getattr(self._client, operation)(**arguments)

        return call


@pytest.fixture(autouse=True, scope="module")
def clock() -> Iterator[MovableClock]:
    """One for all tests, which share an account: no two of its segments have one moment."""
    with system_time(MovableClock(tick=timedelta(milliseconds=1))) as movable:
        yield movable


@pytest.fixture(scope="module")
def stand_in() -> Iterator[Control]:
    """The stand-in with the template's tables, and the functions' environment set to it."""
    with running_stand_in() as control, pytest.MonkeyPatch.context() as patch:
        for name, value in environment(control, {}).items():
            patch.setenv(name, value)
        for name, table in create_tables(boto3.client("dynamodb")).items():
            patch.setenv(name, table)
        _forget_clients()
        yield control
    _forget_clients()


def _forget_clients() -> None:
    forget_services()
    for made in list(vars(clients).values()):
        if hasattr(made, "cache_clear"):
            made.cache_clear()


class Counted:
    """Makes calls as one account and says what they asked for."""

    def __init__(self, control: Control, clock: MovableClock, calls: list[str]) -> None:
        self._control = control
        self._clock = clock
        self._calls = calls

    def trips(self, act: Callable[[], Json]) -> tuple[int, int]:
        """Return how many sequential round trips, and how many calls, something takes."""
        self._calls.clear()
        began = self._clock.monotonic()
        act()
        return round(self._clock.monotonic() - began), len(self._calls)

    def written(self, act: Callable[[], Json]) -> float:
        """Return how many write units something takes."""
        self._control.reset()
        act()
        units: float = self._control.books()["write_units"]
        return units

    def create(self, count: int, prefix: str) -> Json:
        entries = [
            {"segment_name": f"{prefix} {index}", "customer_segment_id": f"{prefix}-{index}"} for index in range(count)
        ]
        return create_segment(with_body("create_segment", ACCOUNT, entries), Context())

    def join(self, users: list[str], segments: list[str]) -> Json:
        group = {
            "user_profiles": [{"identity": user} for user in users],
            "segments": [{"customer_segment_id": segment, "action": "ADD"} for segment in segments],
        }
        return update_segment(with_body("update_segment", ACCOUNT, {"bulk_profiles": [group]}), Context())

    def upload(self, identity: str, data: Json) -> Json:
        return profiles(with_body("profiles", ACCOUNT, {"d": [profile(identity, **data)]}), Context())

    def last_records(self, count: int) -> list[Event]:
        return self._control.records(os.environ["MEMBERSHIPS_TABLE"], 0)[-count:]


@pytest.fixture(scope="module")
def counted(stand_in: Control, clock: MovableClock) -> Iterator[Counted]:
    calls: list[str] = []
    with pytest.MonkeyPatch.context() as patch:
        for make in (clients.dynamodb_client, clients.events_client):
            slow = SlowClient(make(), clock, calls)
            patch.setattr(clients, make.__name__, lambda slow=slow: slow)
        counted = Counted(stand_in, clock, calls)
        counted.create(100, "HOME")
        yield counted


PEOPLE = [f"user {index}" for index in range(100)]
SEGMENTS = [f"HOME-{index}" for index in range(100)]
NOTE = 1
"""How far behind the projection is, noted now and then; in these tests, where each call takes a second, each time."""


def test_100_new_users_take_two_trips_and_four_calls(counted: Counted) -> None:
    newcomers = [f"newcomer {index}" for index in range(100)]
    assert counted.trips(lambda: counted.join(newcomers, SEGMENTS[:1])) == (2, 4)


def test_100_known_users_take_two_trips_and_six_calls_whatever_the_number_of_segments(counted: Counted) -> None:
    counted.join(PEOPLE, SEGMENTS[:1])
    assert counted.trips(lambda: counted.join(PEOPLE, SEGMENTS[1:2])) == (2, 6)
    assert counted.trips(lambda: counted.join(PEOPLE, SEGMENTS)) == (2, 6)
    assert counted.trips(lambda: counted.join(PEOPLE, SEGMENTS)) == (2, 6)


def test_one_user_takes_two_trips_and_two_calls(counted: Counted) -> None:
    counted.join(["single"], SEGMENTS[:1])
    assert counted.trips(lambda: counted.join(["single"], SEGMENTS[1:2])) == (2, 2)


def test_creating_100_segments_takes_four_trips_and_four_calls(counted: Counted) -> None:
    assert counted.trips(lambda: counted.create(100, "MORE")) == (4, 4)


def test_a_stream_batch_of_100_records_takes_two_trips_in_each_reader(counted: Counted) -> None:
    counted.join([f"member {index}" for index in range(100)], SEGMENTS[:1])
    batch = {"Records": counted.last_records(100)}
    assert counted.trips(lambda: publish_changes(batch, Context(60))) == (2, 11)
    assert counted.trips(lambda: project_members(batch, Context(60))) == (2 + NOTE, 3 + NOTE)


def test_a_change_of_known_users_takes_a_write_unit_each_whatever_the_number_of_segments(counted: Counted) -> None:
    """The index by account holds keys alone, which no change touches."""
    known = [f"known {index}" for index in range(100)]
    counted.join(known, SEGMENTS[:1])
    assert counted.written(lambda: counted.join(known, SEGMENTS[1:2])) == 100
    assert counted.written(lambda: counted.join(known, SEGMENTS[1:2])) == 100
    assert counted.written(lambda: counted.join(known, SEGMENTS[:50])) == 100
    assert counted.written(lambda: counted.join(known, SEGMENTS)) == 200  # a set of 100 ids takes more than 1 KB


def test_a_new_user_takes_five_write_units(counted: Counted) -> None:
    """Claim and memberships in one transaction, where each counts twice, and the entry in the index by account."""
    strangers = [f"stranger {index}" for index in range(100)]
    assert counted.written(lambda: counted.join(strangers, SEGMENTS[:1])) == 500


def test_addresses_take_a_write_unit_each_when_they_change_and_an_upload_of_nothing_new_none(counted: Counted) -> None:
    """Profile, memberships and claim in one transaction, the entries in the indexes by account, email and phone."""
    contact = {"Email": "a@example.com", "Phone": "+12025550123"}
    counted.upload("someone", contact)  # the first in the stack: it draws the key
    assert counted.written(lambda: counted.upload("reached", contact)) == 2 * 3 + 3
    assert counted.written(lambda: counted.upload("reached", contact)) == 0
    assert counted.written(lambda: counted.upload("reached", {"Name": "Ada"})) == 2
    assert counted.written(lambda: counted.upload("reached", {"Email": "b@example.com"})) == 2 + 2
    assert counted.trips(lambda: counted.upload("other", contact)) == (3, 3)  # new addresses are looked up
    assert counted.trips(lambda: counted.upload("other", contact)) == (2, 2)


def test_the_projection_takes_two_write_units_a_change_and_two_a_counter(counted: Counted) -> None:
    counted.join([f"projected {index}" for index in range(100)], SEGMENTS[:1])
    first, *others = counted.last_records(100)
    single, batch = {"Records": [first]}, {"Records": others}
    assert counted.written(lambda: publish_changes(batch, Context(60))) == 0
    # The count, the data points.
    assert counted.written(lambda: project_members(single, Context(60))) == 2 + 2 * 2 + NOTE
    # Two transactions, 100 each at most.
    assert counted.written(lambda: project_members(batch, Context(60))) == 2 * 99 + 2 * 4 + NOTE


def test_creating_100_segments_takes_five_write_units_each_and_the_quota(counted: Counted) -> None:
    """Claim and segment in one transaction, and the segment's entry in the index, which holds all of it."""
    assert 500 < counted.written(lambda: counted.create(100, "CHARGED")) < 510


def test_a_page_of_100_members_takes_two_trips(counted: Counted) -> None:
    """In a segment of no more than a page: all sixteen buckets at once, after the segment and its counts."""
    (segment_id,) = (segment["id"] for segment in body_of(counted.create(1, "LISTED"))["segments"])
    counted.join([f"listed {index}" for index in range(100)], ["LISTED-0"])
    assert project_members({"Records": counted.last_records(100)}, Context(60)) == {"batchItemFailures": []}
    resource, query = "/api/segments/{segment_id}/members", {"limit": "100"}
    event = without_body(ACCOUNT, "GET", resource, query, segment_id=str(segment_id))
    assert counted.trips(lambda: manage_segments(event, Context())) == (2, 17)
