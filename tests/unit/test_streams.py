"""Records of the Memberships stream in, partial batch failures out."""

from copy import deepcopy
from typing import Any

import pytest

from api_segments.core.channels import Channel
from api_segments.core.errors import ThrottledError
from api_segments.http.streams import partial_failure
from api_segments.memberships import wiring as memberships_wiring
from api_segments.memberships.model import MembershipRecord
from api_segments.memberships.projection import ProjectionReport
from api_segments.memberships.records import lag_seconds, read_membership_records
from api_segments.segments.publishing import PublishReport
from functions.project_members.app import handler as project_members
from functions.publish_changes.app import handler as publish_changes
from tests.support.clock import MovableClock
from tests.support.events import Context, Event, sample

FIRST, SECOND, THIRD = (f"10000000000000000000{index}" for index in (1, 2, 3))
HANDLERS = {"publish": publish_changes, "project": project_members}


def padded(number: str) -> str:
    return number.zfill(40)


def events() -> Event:
    """Return the sample: a user created in a segment, added to another, and then taken out of the first."""
    return deepcopy(sample("publish_changes"))


def failed(answer: Event) -> list[str]:
    return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]


def test_records_tell_what_changed() -> None:
    records, unreadable = read_membership_records(events())
    assert unreadable == set()
    assert [(sorted(record.joined), sorted(record.left)) for record in records] == [
        ([1763901234567890], []),
        ([1763901234567891], []),
        ([], [1763901234567890]),
    ]
    assert {(record.account_id, record.new.identity) for record in records} == {("SHP-7KD-42QX", "CT123456")}


def test_a_profile_that_was_erased_left_its_segments() -> None:
    event = events()
    change = event["Records"][2]["dynamodb"]
    change["OldImage"]["reach"] = {"SS": ["email", "web_push"]}
    del change["NewImage"]
    record = read_membership_records(event)[0][2]
    assert record.left == {1763901234567890, 1763901234567891}
    assert [record.old.reach, record.new.reach] == [frozenset({Channel.EMAIL, Channel.WEB_PUSH}), frozenset()]


def test_sequences_sort_as_numbers_do() -> None:
    event = events()
    for raw, number in zip(event["Records"], ["9", "10", "1" * 40], strict=True):
        raw["dynamodb"]["SequenceNumber"] = number
    sequences = [record.sequence for record in read_membership_records(event)[0]]
    assert sequences == sorted(sequences)


@pytest.mark.parametrize(
    ("failures", "named"),
    [
        (set(), []),
        ({SECOND}, [SECOND]),
        ({THIRD, SECOND}, [SECOND]),
        ({FIRST, SECOND, THIRD}, [FIRST]),
        ({THIRD}, [THIRD]),
    ],
)
def test_the_first_failed_record_is_named_and_no_other(failures: set[str], named: list[str]) -> None:
    assert failed(partial_failure(events(), {padded(number) for number in failures})) == named


BREAKAGES: dict[str, Any] = {
    "no key at all": lambda raw: raw["dynamodb"].update(NewImage={"pk": {"S": "?"}}),
    "no image": lambda raw: [raw["dynamodb"].pop(image, None) for image in ("NewImage", "OldImage")],
    "an id that is no number": lambda raw: raw["dynamodb"]["NewImage"].update(segment_ids={"NS": ["gold"]}),
    "an unknown channel": lambda raw: raw["dynamodb"]["NewImage"].update(reach={"SS": ["fax"]}),
    "an attribute of another type": lambda raw: raw["dynamodb"]["NewImage"].update(account_id={"N": "7"}),
    "no time": lambda raw: raw["dynamodb"].pop("ApproximateCreationDateTime"),
    "a time that is no number": lambda raw: raw["dynamodb"].update(ApproximateCreationDateTime="yesterday"),
}


@pytest.mark.parametrize("breakage", BREAKAGES.values(), ids=BREAKAGES)
def test_an_unreadable_record_does_not_hide_its_neighbours(breakage: Any) -> None:
    event = events()
    breakage(event["Records"][1])
    records, unreadable = read_membership_records(event)
    assert [record.sequence for record in records] == [padded(FIRST), padded(THIRD)]
    assert unreadable == {padded(SECOND)}
    assert failed(partial_failure(event, unreadable)) == [SECOND]


class Reader:
    """Stands in for either service behind the stream; fails the records it is told to."""

    def __init__(self, failing: set[str]) -> None:
        self.failing = frozenset(map(padded, failing))
        self.seen: list[str] = []

    def publish(self, records: list[MembershipRecord], _: object) -> PublishReport:
        self.seen += [record.sequence for record in records]
        return PublishReport(len(records), self.failing)

    def project(self, records: list[MembershipRecord], _: object) -> ProjectionReport:
        self.seen += [record.sequence for record in records]
        return ProjectionReport(len(records), self.failing)


@pytest.mark.parametrize("function", HANDLERS)
@pytest.mark.parametrize(
    ("failing", "unreadable", "named"),
    [(set(), None, []), ({THIRD}, None, [THIRD]), ({THIRD}, 1, [SECOND]), ({FIRST}, 1, [FIRST]), (set(), 1, [SECOND])],
)
def test_a_function_names_the_first_record_that_failed_or_could_not_be_read(
    monkeypatch: pytest.MonkeyPatch, function: str, failing: set[str], unreadable: int | None, named: list[str]
) -> None:
    reader = Reader(failing)
    monkeypatch.setattr(memberships_wiring, "publishing", lambda: reader)
    monkeypatch.setattr(memberships_wiring, "projection", lambda: reader)
    event = events()
    if unreadable is not None:
        event["Records"][unreadable]["dynamodb"]["NewImage"] = {"pk": {"S": "?"}}
    assert failed(HANDLERS[function](event, Context())) == named
    assert len(reader.seen) == (3 if unreadable is None else 2)


@pytest.mark.parametrize("function", HANDLERS)
def test_a_batch_of_which_nothing_could_be_done_raises_so_that_lambda_delivers_it_again(
    monkeypatch: pytest.MonkeyPatch, function: str
) -> None:
    class Throttled:
        def publish(self, *_: object) -> None:
            raise ThrottledError("the database is throttling")

        project = publish

    monkeypatch.setattr(memberships_wiring, "publishing", Throttled)
    monkeypatch.setattr(memberships_wiring, "projection", Throttled)
    with pytest.raises(ThrottledError):
        HANDLERS[function](events(), Context())


def test_lag_is_the_age_of_the_oldest_record(clock: MovableClock) -> None:
    event = events()
    for raw, age in zip(event["Records"], (5, 300, 60), strict=True):
        raw["dynamodb"]["ApproximateCreationDateTime"] = int(clock.now().timestamp()) - age
    assert lag_seconds(read_membership_records(event)[0]) == 300


def test_lag_is_never_negative_and_nothing_lags_in_an_empty_batch(clock: MovableClock) -> None:
    event = events()
    event["Records"][0]["dynamodb"]["ApproximateCreationDateTime"] = int(clock.now().timestamp()) + 100
    assert lag_seconds(read_membership_records({"Records": event["Records"][:1]})[0]) == 0
    assert lag_seconds([]) == 0
