"""The functions with microburst between them and the database, under concurrent writers; and functions that are killed.

At the end everything must agree: the answers, Memberships, SegmentMembers, the counters, usage, and the events.
"""

import os
from collections import Counter
from collections.abc import Iterator
from functools import partial
from random import Random
from threading import Timer
from typing import Any

import boto3
import pytest

from api_segments.aws import clients
from api_segments.aws.clients import CONFIG
from tests.integration.conftest import Account, RecordingBus, Relay
from tests.support.bodies import act, users
from tests.support.events import body_of, with_body
from tests.support.microburst import FAULTS, Microburst, running_microburst
from tests.support.state import MEMBERS, Tables, assert_projected, assert_whole
from tests.support.threads import at_once
from tests.support.uploads import profile
from tests.support.wired import forget_services
from tests.support.worker import Worker

pytestmark = pytest.mark.usefixtures("side_by_side")

Json = Any

EVERYBODY = [f"u{number}" for number in range(12)]
WRITERS, REQUESTS = 6, 4
TRIES = 10
LOSE_ANSWERS = {"answer lost", "reset", "silent", "broken"}
"""With these, a change may be told as unchanged: it was made by a try whose answer did not come."""


@pytest.fixture(scope="module")
def microburst(endpoint: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Microburst]:
    with running_microburst(endpoint, tmp_path_factory.mktemp("microburst")) as proxy:
        yield proxy


@pytest.fixture
def proxied(
    microburst: Microburst, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Microburst]:
    """Let the functions reach the database by the proxy."""
    assert environment
    client = boto3.client("dynamodb", endpoint_url=microburst.url, config=CONFIG)
    monkeypatch.setattr(clients, "dynamodb_client", lambda: client)
    forget_services()
    yield microburst
    microburst.make_fail()
    forget_services()


def drawn_update(chance: Random, segments: list[int]) -> tuple[Json, int]:
    """Return the body of an update, and how many pairs it asks for."""
    who, what = chance.sample(EVERYBODY, chance.randint(1, 6)), chance.sample(segments, chance.randint(1, 3))
    actions = [act(chance.choice(["ADD", "ADD", "REMOVE"]), ct=segment) for segment in what]
    return {"bulk_profiles": [{"user_profiles": users(*who), "segments": actions}]}, len(who) * len(what)


def keep_writing(account: Account, segments: list[int], seed: int) -> Counter[str]:
    """Send updates, uploads and erasures; check each answer alone, and return the sums of what they tell."""
    chance = Random(seed)  # noqa: S311 - a seeded test
    told: Counter[str] = Counter()
    for _ in range(REQUESTS):
        body, asked = drawn_update(chance, segments)
        status, answer = account.call("update_segment", body)
        assert status in {200, 429, 503}, answer
        assert answer["processed"] + len(answer["unprocessed"]) == asked, answer
        assert answer["processed"] == sum(answer["summary"][what] for what in ("added", "removed", "unchanged"))
        assert {entry["code"] for entry in answer["unprocessed"]} <= {429, 503}
        told.update(answer["summary"])
        records = [profile(chance.choice(EVERYBODY), Email="a@example.com", n=seed) for _ in range(2)]
        status, answer = account.call("profiles", {"d": records})
        assert status in {200, 429, 503}, answer
        assert answer["processed"] + len(answer["unprocessed"]) == len(records)
        if chance.random() < 0.2:
            assert account.erase(chance.choice(EVERYBODY))[0] in {200, 404, 429, 503}
    return told


def assert_all_agree(account: Account, tables: Tables, bus: RecordingBus) -> Counter[str]:
    """Check that everything that was kept tells the same; return the events by action."""
    assert_whole(tables, account.account_id)
    assert_projected(tables, account.account_id)
    events = {event["Event ID"]: event for event in bus.details(account.account_id)}
    histories: dict[tuple[str, int], list[str]] = {}
    for event in sorted(events.values(), key=lambda event: event["Sequence"]):
        histories.setdefault((event["Profile ID"], event["Segment ID"]), []).append(event["Action"])
    for pair, history in histories.items():
        assert history == (["ADD", "REMOVE"] * len(history))[: len(history)], pair
    actions = Counter(event["Action"] for event in events.values())
    members = sum(counts[MEMBERS] for counts in tables.counts(account.account_id).values())
    assert actions["ADD"] - actions["REMOVE"] == members
    assert tables.data_points(account.account_id).total() == len(events)
    return actions


def really_changed(records: list[Json]) -> tuple[Counter[str], int]:
    """Count what updates have changed, by the stream of Memberships, and the memberships that erasures have ended."""
    changed: Counter[str] = Counter(added=0, removed=0, profiles_created=0)
    erased = 0
    for record in records:
        images = (record["dynamodb"].get(name, {}) for name in ("OldImage", "NewImage"))
        before, after = (set(image.get("segment_ids", {}).get("NS", ())) for image in images)
        if record["eventName"] == "REMOVE":
            erased += len(before)
            continue
        changed["added"] += len(after - before)
        changed["removed"] += len(before - after)
        changed["profiles_created"] += record["eventName"] == "INSERT" and bool(after)  # an upload's has no segments
    return changed, erased


def assert_told(told: Counter[str], records: list[Json], events: Counter[str], *, answers_were_lost: bool) -> None:
    """Check the sums of all answers; a change whose answer was lost may be told as unchanged, never the other way."""
    changed, erased = really_changed(records)
    assert events == Counter(ADD=changed["added"], REMOVE=changed["removed"] + erased)
    told = Counter({what: told[what] for what in changed})
    assert all(told[what] <= changed[what] for what in changed), (told, changed)
    assert told["added"] > 0
    if not answers_were_lost:
        assert told == changed


def deliver_what_was_given_up(relay: Relay) -> None:
    """Deliver again what ended in the on-failure destination, as an operator does."""
    for mapping in (relay.publisher, relay.projector):
        while mapping.on_failure:
            mapping.deliver(mapping.on_failure.pop())


@pytest.mark.parametrize("faults", [[name] for name in FAULTS] + [sorted(FAULTS)], ids=[*FAULTS, "all at once"])
def test_everything_agrees_after_the_network_and_the_database_have_failed(  # noqa: PLR0913, PLR0917 - all that takes part
    account: Account, tables: Tables, relay: Relay, bus: RecordingBus, proxied: Microburst, faults: list[str]
) -> None:
    segments = account.create(None, None, None)
    struck_before = len(proxied.struck())
    proxied.make_fail(*faults)

    answers = at_once([partial(keep_writing, account, segments, seed) for seed in range(WRITERS)])
    records = relay.drain()
    assert len(proxied.struck()) > struck_before
    proxied.make_fail()
    deliver_what_was_given_up(relay)
    records += relay.drain()

    events = assert_all_agree(account, tables, bus)
    assert_told(sum(answers, Counter()), records, events, answers_were_lost=bool(LOSE_ANSWERS.intersection(faults)))


def test_everything_agrees_after_functions_were_killed_in_the_middle(
    account: Account, tables: Tables, relay: Relay, bus: RecordingBus
) -> None:
    segments = account.create(None, None, None)
    workers = [Worker(dict(os.environ)) for _ in range(4)]

    def write(number: int) -> Counter[str]:
        chance, told = Random(number), Counter[str]()  # noqa: S311 - a seeded test
        for turn in range(8):
            body, _ = drawn_update(chance, segments)
            event = with_body("update_segment", account.account_id, body)
            if turn % 2:
                Timer(chance.uniform(0, 0.03), workers[number].kill).start()
            answer = workers[number].call("update_segment", event)
            if answer is not None:
                told.update(body_of(answer)["summary"])
        return told

    try:
        answers = at_once([partial(write, number) for number in range(3)])
        records = project_while_killing(relay, workers[3])
    finally:
        for worker in workers:
            worker.end()

    events = assert_all_agree(account, tables, bus)
    assert_told(sum(answers, Counter()), records, events, answers_were_lost=True)
    assert max(worker.starts for worker in workers) > 2


def project_while_killing(relay: Relay, worker: Worker) -> list[Json]:
    """Deliver the stream and return it; the projection's process is killed in each batch's first and second try."""
    chance = Random(1)  # noqa: S311 - a seeded test
    records = relay.reader.read()
    relay.publisher.deliver(records)
    killed = 0
    for start in range(0, len(records), 10):
        batch = records[start : start + 10]
        for attempt in range(TRIES):
            if attempt < 2:
                Timer(chance.uniform(0, 0.03), worker.kill).start()
            answer = worker.call("project_members", {"Records": batch}, 60)
            if answer is not None:
                assert answer == {"batchItemFailures": []}
                break
            killed += 1
        else:
            raise AssertionError("a batch was never projected")
    assert killed
    return records
