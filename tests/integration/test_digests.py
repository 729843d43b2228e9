"""A segment's digest is that of its members whatever comes in between, and is null rather than wrong."""

from hashlib import md5
from itertools import count
from typing import Any

import pytest

from api_segments.aws import keys
from api_segments.memberships.store_lists import MemberListStore
from functions.project_members.app import handler as project_members
from tests.integration.conftest import Account, Relay
from tests.integration.reconciling import NOTHING, Tasks, agrees, run, segment, tasks
from tests.integration.told import actions, users
from tests.support.events import Context
from tests.support.records import Profile, Stream
from tests.support.state import Tables, assert_projected

Json = Any

__all__ = ["segment", "tasks"]  # fixtures


def digest_of(*said: str) -> str:
    return str(sum(int(md5(each.encode()).hexdigest()[:15], 16) for each in said))  # noqa: S324 - nothing secret


def shown(account: Account, segment_id: int) -> Json:
    return account.get("/api/segments/{segment_id}", segment_id=str(segment_id))[1]


def change_slots(account: Account, tables: Tables, segment_id: int, **change: Any) -> None:
    """Change those of the counters' slots that have been written."""
    for slot in tables.of_account("SEGMENTS_TABLE", account.account_id, f"STATS#{segment_id:016d}"):
        key = keys.of_account(account.account_id, slot["sk"])
        tables.client.update_item(TableName=tables.environment["SEGMENTS_TABLE"], Key=key, **change)


def make_older(account: Account, tables: Tables, segment_id: int) -> None:
    """Make a segment look as if it had been created and filled before there were digests."""
    tables.client.update_item(
        TableName=tables.environment["SEGMENTS_TABLE"],
        Key=keys.of_account(account.account_id, keys.segment(segment_id)),
        UpdateExpression="REMOVE digest_since",
    )
    change_slots(account, tables, segment_id, UpdateExpression="REMOVE digest")


def test_a_digest_follows_who_joins_leaves_and_gets_an_identity(account: Account, relay: Relay) -> None:
    (gold,) = account.create("GOLD")
    assert shown(account, gold)["digest"] == "0"
    account.update(([*users("A", "B"), {"guid": "G"}], actions("ADD", gold)))
    relay.drain()
    assert shown(account, gold)["digest"] == digest_of("A", "B", "guid:G")

    account.update((users("A"), actions("REMOVE", gold)))
    account.upload({"identity": "Grace", "objectId": "G", "type": "profile", "profileData": {"Name": "Grace"}})
    relay.drain()
    assert shown(account, gold)["digest"] == digest_of("B", "Grace")
    assert account.listed()["segments"][0]["digest"] == digest_of("B", "Grace")

    account.update((users("B", "Grace"), actions("REMOVE", gold)))
    relay.drain()
    assert (shown(account, gold)["digest"], shown(account, gold)["members"]) == ("0", 0)


def test_an_identity_whose_record_never_came_is_digested_with_the_next(account: Account) -> None:
    (gold,) = account.create(None)
    anonymous = Profile(account.account_id, "P", None, frozenset({gold}))
    known = Profile(account.account_id, "P", "Ada", frozenset({gold}))
    reached = Profile(account.account_id, "P", "Ada", frozenset({gold}), frozenset({"email"}))
    stream = Stream()
    for old, new in [(None, anonymous), (anonymous, known), (known, reached)]:
        stream.append(old, new, 1_795_000_000)

    for record in (stream.records[0], stream.records[2]):
        assert project_members({"Records": [record]}, Context(60)) == {"batchItemFailures": []}

    assert shown(account, gold)["digest"] == digest_of("Ada")


def test_a_digest_of_slots_that_do_not_add_up_is_not_told(account: Account, tables: Tables, segment: int) -> None:
    """As when a join is missed in one slot, and the leave is seen in another."""
    slot = keys.segment_counts(segment)[3]
    tables.client.update_item(
        TableName=tables.environment["SEGMENTS_TABLE"],
        Key=keys.of_account(account.account_id, slot),
        UpdateExpression="ADD digest :less SET as_of = :then",
        ExpressionAttributeValues={":less": {"N": str(-(2**70))}, ":then": {"S": "2026-11-01T00:00:00Z"}},
    )
    assert (shown(account, segment)["digest"], shown(account, segment)["members"]) == (None, 10)


def test_a_digest_with_a_damaged_slot_is_not_told_until_it_is_mended(
    account: Account, tables: Tables, segment: int, tasks: Tasks, capsys: pytest.CaptureFixture[str]
) -> None:
    tables.client.put_item(
        TableName=tables.environment["SEGMENTS_TABLE"],
        Item={**keys.of_account(account.account_id, keys.segment_counts(segment)[0]), "digest": {"S": "?"}},
    )
    assert shown(account, segment)["digest"] is None
    assert {each["id"]: each["digest"] for each in account.listed()["segments"]}[segment] is None

    assert run(account, tasks, capsys)["CountsMended"] == 1
    assert shown(account, segment)["digest"] == digest_of(*(f"U{number}" for number in range(10)))


def test_a_wrong_digest_is_mended(
    account: Account, tables: Tables, segment: int, tasks: Tasks, capsys: pytest.CaptureFixture[str]
) -> None:
    change_slots(
        account,
        tables,
        segment,
        UpdateExpression="ADD digest :more",
        ExpressionAttributeValues={":more": {"N": "1"}},
    )
    assert not agrees(account, tables)
    assert run(account, tasks, capsys) == {**NOTHING, "CountsMended": 1}
    assert agrees(account, tables)


def test_an_older_segment_has_no_digest_until_it_was_counted(  # noqa: PLR0913, PLR0917 - fixtures
    account: Account, tables: Tables, segment: int, relay: Relay, tasks: Tasks, capsys: pytest.CaptureFixture[str]
) -> None:
    make_older(account, tables, segment)
    account.update((users("U0"), actions("REMOVE", segment)), (users("New"), actions("ADD", segment)))
    relay.drain()
    assert (shown(account, segment)["digest"], shown(account, segment)["members"]) == (None, 10)

    found = run(account, tasks, capsys)

    assert found["CountsMended"] == 1
    assert shown(account, segment)["digest"] == digest_of("New", *(f"U{number}" for number in range(1, 10)))
    assert_projected(tables, account.account_id)
    assert run(account, tasks, capsys) == NOTHING


def test_an_older_segment_is_counted_minutes_after_it_was_seen(
    account: Account, tables: Tables, segment: int, tasks: Tasks
) -> None:
    """By then nobody is at work any more who does not know of digests."""
    make_older(account, tables, segment)
    scope = {"account_id": account.account_id, "segment_id": segment}
    tasks.waiting.append({"scope": scope, "position": {"stage": "profiles"}})
    while tasks.waiting:
        tasks.work_once()
    assert shown(account, segment)["digest"] is None
    assert [task["recount"] for task in tasks.put_off if "recount" in task] == [{"segment_id": segment, "number": 1}]
    tasks.work()
    assert shown(account, segment)["digest"] is not None


def test_an_older_segment_that_never_rests_has_no_digest(  # noqa: PLR0913, PLR0917 - fixtures
    account: Account,
    tables: Tables,
    segment: int,
    tasks: Tasks,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    make_older(account, tables, segment)
    counts, moments = MemberListStore.counts, count()

    def while_it_changes(*about: Any) -> Any:
        now = {":now": {"S": f"2026-11-29T00:00:00.{next(moments):06d}Z"}}
        change_slots(account, tables, segment, UpdateExpression="SET as_of = :now", ExpressionAttributeValues=now)
        return counts(*about)

    monkeypatch.setattr(MemberListStore, "counts", while_it_changes)
    assert run(account, tasks, capsys)["CountsMended"] == 0
    assert shown(account, segment)["digest"] is None


def test_a_deleted_segment_has_the_digest_of_nobody(account: Account, tables: Tables, segment: int) -> None:
    make_older(account, tables, segment)
    assert account.delete(segment)[1]["digest"] == "0"
    assert shown(account, segment)["digest"] == "0"
