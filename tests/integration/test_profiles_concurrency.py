"""Uploads, links, updates and deliveries side by side, each in a thread of its own, let go at the same moment."""

from collections import Counter
from collections.abc import Callable, Iterator
from copy import deepcopy
from functools import partial
from random import Random
from typing import Any

import pytest

from api_segments.aws import clients
from functions.project_members.app import handler as project_members
from tests.integration.conftest import Account, RecordingBus, Relay
from tests.support.bodies import act, users
from tests.support.conflicts import ConflictingClient
from tests.support.events import Context, Event
from tests.support.state import MEMBERS, Tables, assert_projected, assert_whole
from tests.support.threads import at_once
from tests.support.uploads import profile, token
from tests.support.wired import forget_services

pytestmark = pytest.mark.usefixtures("side_by_side")

Json = Any


def record_of(account: Account, identity: str) -> Json:
    return account.profile(identity=identity)[1]["record"]


@pytest.fixture
def conflicting(environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Iterator[ConflictingClient]:
    """Let transactions that meet in an item conflict, as the emulators do not."""
    assert environment
    client = ConflictingClient(clients.dynamodb_client())
    monkeypatch.setattr(clients, "dynamodb_client", lambda: client)
    forget_services()
    yield client
    forget_services()


@pytest.mark.parametrize("known", [True, False], ids=["known", "new"])
def test_uploads_of_one_user_at_once_lose_nothing(account: Account, tables: Tables, known: bool) -> None:
    if known:
        account.upload(profile("a", before=1))
    data: list[Json] = [{f"k{index}": index, f"l{index}": f"{index}"} for index in range(16)]

    answers = at_once([partial(account.upload, profile("a", **each)) for each in data])

    assert [answer["status"] for answer in answers] == ["success"] * 16
    wanted = {name: value for each in data for name, value in each.items()} | ({"before": 1} if known else {})
    assert record_of(account, "a")["profileData"] == wanted
    assert len(tables.memberships(account.account_id)) == 1
    assert_whole(tables, account.account_id)


def test_uploads_that_conflict_in_the_database_lose_nothing(
    account: Account, tables: Tables, conflicting: ConflictingClient
) -> None:
    conflicting.until_two_meet()
    answers = at_once([partial(account.upload, profile("a", **{f"k{index}": index})) for index in range(16)])
    assert [answer["status"] for answer in answers] == ["success"] * 16
    assert record_of(account, "a")["profileData"] == {f"k{index}": index for index in range(16)}
    assert conflicting.conflicts > 0
    assert_whole(tables, account.account_id)


def test_tokens_addresses_and_opt_outs_at_once_end_in_the_right_reach(
    account: Account, tables: Tables, relay: Relay
) -> None:
    (gold,) = account.create(None)
    account.update((users("a"), [act("ADD", ct=gold)]))
    records = [
        *(token("a", f"t{index}", kind) for index, kind in enumerate(["fcm", "apns", "chrome"])),
        *(profile("a", Email="a@example.com"), profile("a", Phone="+12025550123")),
        *(profile("a", **{"MSG-sms": False}), profile("a", **{"MSG-whatsapp": True}), profile("a", Tier="Gold")),
    ]
    for record in at_once([partial(account.upload, record) for record in records]):
        assert record["status"] == "success"
    relay.drain()
    assert account.reachable(gold) == {"email": 1, "whatsapp": 1, "push": 1, "web_push": 1}
    assert_projected(tables, account.account_id)


@pytest.mark.parametrize("names", ["identity", "guid", "both"])
def test_uploads_and_updates_of_a_new_user_at_once_make_one_profile(
    new_account: Callable[[], Account], tables: Tables, relay: Relay, bus: RecordingBus, names: str
) -> None:
    for _ in range(3):
        account = new_account()
        gold, silver = account.create(None, None)
        identity, guid = (None if names == "guid" else "a"), (None if names == "identity" else "g")
        user = {"guid": "g"} if names == "guid" else {"identity": "a"}
        uploads = [partial(account.upload, profile(identity, guid, **{f"k{n}": n})) for n in range(4)]
        updates = [partial(account.update, ([user], [act("ADD", ct=each)])) for each in (gold, silver, gold, silver)]
        answers = at_once([*uploads, *updates])
        if names == "both" and tables.claims(account.account_id) != {"a": "g"}:  # an update came first: a has a guid
            assert {entry["code"] for answer in answers for entry in answer["unprocessed"]} == {409}
        else:
            assert {answer["status"] for answer in answers} == {"success"}
            (item,) = tables.profiles(account.account_id).values()
            assert [name in item["attributes"] for name in ("k0", "k1", "k2", "k3")] == [True] * 4
        ((profile_id, item),) = tables.memberships(account.account_id).items()
        assert item["segment_ids"] == {gold, silver}
        assert tables.claims(account.account_id) == ({} if names == "guid" else {"a": profile_id})
        assert_whole(tables, account.account_id)
        relay.drain()
        assert len(bus.details(account.account_id)) == 2
        assert_projected(tables, account.account_id)


@pytest.mark.parametrize("made", ["not at all", "by an upload", "by an update"])
def test_of_two_identities_for_one_guid_one_wins(new_account: Callable[[], Account], tables: Tables, made: str) -> None:
    for _ in range(4):
        account = new_account()
        (gold,) = account.create(None)
        if made == "by an upload":
            account.upload(profile(None, "g", before=1))
        elif made == "by an update":
            account.update(([{"guid": "g"}], [act("ADD", ct=gold)]))
        answers = at_once([partial(account.upload, profile(who, "g", **{who: 1})) for who in ("a", "b", "a", "b")])
        (won,) = tables.claims(account.account_id)
        lost = {"a": "b", "b": "a"}[won]
        assert tables.claims(account.account_id) == {won: "g"}
        assert [answer["status"] for answer in answers] == ["success" if who == won else "fail" for who in "abab"]
        errors = {(entry["code"], entry["error"]) for answer in answers for entry in answer["unprocessed"]}
        assert errors == {(409, f"guid g belongs to identity {won}, not to {lost}")}
        assert lost not in record_of(account, won)["profileData"]
        assert_whole(tables, account.account_id)


def test_of_two_guids_for_one_identity_one_wins(new_account: Callable[[], Account], tables: Tables) -> None:
    for _ in range(4):
        account = new_account()
        account.upload(profile(None, "g", before=1), profile(None, "h", before=1))
        answers = at_once([partial(account.upload, profile("a", guid, x=guid)) for guid in ("g", "h")])
        won = tables.claims(account.account_id)["a"]
        assert Counter(answer["status"] for answer in answers) == {"success": 1, "fail": 1}
        (entry,) = [entry for answer in answers for entry in answer["unprocessed"]]
        other = {"g": "h", "h": "g"}[won]
        assert (entry["code"], entry["error"]) == (409, f"identity a belongs to guid {won}, not to {other}")
        assert tables.memberships(account.account_id)[other].get("identity") is None
        assert_whole(tables, account.account_id)


def a_busy_life(account: Account, segment: int, relay: Relay) -> list[Event]:
    """Let 120 users join a segment, become reachable and partly leave; return the stream's records."""
    names = [f"u{index}" for index in range(120)]
    account.update((users(*names[:60]), [act("ADD", ct=segment)]))
    account.update((users(*names[60:]), [act("ADD", ct=segment)]))
    account.upload(*(profile(name, Email="a@example.com") for name in names[:80]))
    account.update((users(*names[:30]), [act("REMOVE", ct=segment)]))
    account.upload(*(profile(name, **{"MSG-email": False}) for name in names[40:60]))
    return relay.reader.read()


def deliver(batches: list[list[Event]]) -> None:
    for batch in batches:
        assert project_members({"Records": deepcopy(batch)}, Context(60)) == {"batchItemFailures": []}


def by_profile(records: list[Event], shards: int) -> list[list[Event]]:
    parts: list[list[Event]] = [[] for _ in range(shards)]
    for record in records:
        parts[sum(record["dynamodb"]["Keys"]["pk"]["S"].encode()) % shards].append(record)
    return parts


def in_batches(records: list[Event], size: int) -> list[list[Event]]:
    return [records[start : start + size] for start in range(0, len(records), size)]


def check_busy_life(account: Account, tables: Tables, segment: int) -> None:
    assert_projected(tables, account.account_id)
    reached = 80 - 30 - 20
    assert tables.counts(account.account_id) == {segment: Counter({MEMBERS: 90, "email": reached})}
    assert (account.members(segment), account.reachable(segment)) == (90, {"email": reached})
    assert account.usage()[1]["data_points"] == 150


def test_shards_of_a_hot_segment_delivered_at_once_lose_no_count_and_starve_nobody(
    account: Account, tables: Tables, relay: Relay, conflicting: ConflictingClient
) -> None:
    (hot,) = account.create(None)
    records = a_busy_life(account, hot, relay)
    shards = [in_batches(shard, 10) for shard in by_profile(records, 8)]
    conflicting.until_two_meet()

    at_once([partial(deliver, shard) for shard in shards])

    assert conflicting.conflicts > 0, "deliveries met in a counter's slot"
    check_busy_life(account, tables, hot)


def test_the_same_batches_delivered_to_eight_at_once_count_once(
    account: Account, tables: Tables, relay: Relay, conflicting: ConflictingClient
) -> None:
    (hot,) = account.create(None)
    records = a_busy_life(account, hot, relay)
    conflicting.until_two_meet()

    at_once([partial(deliver, in_batches(records, 60)) for _ in range(8)])

    assert conflicting.conflicts > 0
    check_busy_life(account, tables, hot)


def test_same_and_different_batches_at_once_count_once(account: Account, tables: Tables, relay: Relay) -> None:
    (hot,) = account.create(None)
    records = a_busy_life(account, hot, relay)
    choice = Random(5)  # noqa: S311 - a seeded test
    shards = by_profile(records, 4)
    deliveries = [in_batches(shard, choice.randint(5, 40)) for shard in shards * 2]

    at_once([partial(deliver, batches) for batches in deliveries])

    check_busy_life(account, tables, hot)


def test_a_hot_segment_is_counted_while_its_users_change(
    account: Account, tables: Tables, relay: Relay, bus: RecordingBus
) -> None:
    (hot,) = account.create(None)
    names = [f"u{index}" for index in range(12)]

    def live(seed: int) -> None:
        choice = Random(seed)  # noqa: S311 - a seeded test
        for _ in range(6):
            some = choice.sample(names, 3)
            account.update((users(*some), [act(choice.choice(["ADD", "ADD", "REMOVE"]), ct=hot)]))
            flag = choice.choice([True, False])
            account.upload(*(profile(name, Email="a@example.com", **{"MSG-email": flag}) for name in some))
            if choice.random() < 0.3:
                assert account.erase(choice.choice(names))[0] in (200, 404)

    at_once([partial(live, seed) for seed in range(6)])
    records = relay.drain()
    relay.projector.deliver(records)

    assert_whole(tables, account.account_id)
    assert_projected(tables, account.account_id)
    assert account.usage()[1]["data_points"] == len(bus.details(account.account_id))
