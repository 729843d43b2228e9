"""Damaged items on a real engine: reads go on, and who decides says so.

tests/simulation/test_damaged_items.py has every attribute of every kind of item.
"""

from typing import Any

import pytest

from api_segments.aws import keys
from tests.integration.conftest import Account, Relay
from tests.integration.reconciling import NOTHING, Tasks, agrees, row_key, run, segment, tasks
from tests.integration.told import actions, users
from tests.support.state import Tables, live

Json = Any

__all__ = ["segment", "tasks"]  # fixtures


def damage(tables: Tables, table: str, key: Json, name: str, value: Json) -> Json:
    """Write another value into an attribute of an item, None for none; return the item as it is then."""
    found = tables.client.get_item(TableName=tables.environment[table], Key=key, ConsistentRead=True)["Item"]
    damaged = {each: told for each, told in found.items() if each != name} | ({} if value is None else {name: value})
    tables.client.put_item(TableName=tables.environment[table], Item=damaged)
    return damaged


def is_still(tables: Tables, table: str, key: Json, item: Json) -> bool:
    found = tables.client.get_item(TableName=tables.environment[table], Key=key, ConsistentRead=True)
    return bool(found["Item"] == item)


def set_of(tables: Tables, account: Account, identity: str) -> Json:
    """Return the key of a user's memberships."""
    profile_id = str(tables.profile_of(account.account_id, identity))
    return {"pk": {"S": keys.membership(account.account_id, profile_id)}}


SLOTS = [("as_of", None), ("as_of", {"N": "7"}), ("as_of", {"S": "yesterday"}), ("members", {"S": "ten"})]


@pytest.mark.parametrize("slot", SLOTS, ids=str)
def test_a_damaged_counter_takes_no_list_down(
    account: Account, segment: int, tables: Tables, slot: tuple[str, Json]
) -> None:
    (found, *_) = tables.of_account("SEGMENTS_TABLE", account.account_id, f"STATS#{segment:016d}")
    damage(tables, "SEGMENTS_TABLE", keys.of_account(account.account_id, found["sk"]), *slot)
    assert segment in {row["id"] for row in account.listed()["segments"]}
    assert account.get("/api/segments/{segment_id}", segment_id=str(segment))[0] == 200


def test_a_set_of_segments_that_is_a_list_holds_up_nobody_else(
    account: Account, segment: int, relay: Relay, tables: Tables, passed_over: list[str]
) -> None:
    key = set_of(tables, account, "U1")
    damaged = damage(tables, "MEMBERSHIPS_TABLE", key, "segment_ids", {"L": [{"N": str(segment)}]})
    other = str(tables.profile_of(account.account_id, "U2"))
    rows = live(tables.members(account.account_id))
    assert account.get("/api/profiles/{identity}/segments", identity="U1")[0] == 503
    answer = account.update((users("U1", "U2"), actions("REMOVE", segment)))
    assert (answer["summary"]["removed"], [each["code"] for each in answer["unprocessed"]]) == (1, [503])
    relay.drain()
    assert len(passed_over) == 2  # the record of the damage, of each reader
    assert live(tables.members(account.account_id)) == {row: said for row, said in rows.items() if row[1] != other}
    assert is_still(tables, "MEMBERSHIPS_TABLE", key, damaged)


def test_reconciliation_judges_nobody_by_a_damaged_set(
    account: Account, segment: int, tables: Tables, tasks: Tasks, capsys: pytest.CaptureFixture[str]
) -> None:
    key = set_of(tables, account, "U1")
    damaged = damage(tables, "MEMBERSHIPS_TABLE", key, "segment_ids", {"L": [{"N": str(segment)}]})
    rows = live(tables.members(account.account_id))
    assert run(account, tasks, capsys) == NOTHING
    assert live(tables.members(account.account_id)) == rows
    assert is_still(tables, "MEMBERSHIPS_TABLE", key, damaged)


def test_reconciliation_mends_counters(
    account: Account, segment: int, tables: Tables, tasks: Tasks, capsys: pytest.CaptureFixture[str]
) -> None:
    for slot in SLOTS:
        (found, *_) = tables.of_account("SEGMENTS_TABLE", account.account_id, f"STATS#{segment:016d}")
        damage(tables, "SEGMENTS_TABLE", keys.of_account(account.account_id, found["sk"]), *slot)
        assert run(account, tasks, capsys)["CountsMended"] == 1, slot
        assert agrees(account, tables)


ROWS = [
    ("sequence", None),
    ("sequence", {"S": "?"}),
    ("added_at", None),
    ("reach", {"S": "email"}),
    ("identity", {"N": "7"}),
    ("expires_at", {"S": "never"}),
]


def test_reconciliation_mends_rows(
    account: Account, segment: int, tables: Tables, tasks: Tasks, capsys: pytest.CaptureFixture[str]
) -> None:
    key = row_key(account, segment, str(tables.profile_of(account.account_id, "U0")))
    for name, value in ROWS:
        damage(tables, "SEGMENT_MEMBERS_TABLE", key, name, value)
        assert run(account, tasks, capsys) == NOTHING | {"RowsMended": 1}, name
        assert agrees(account, tables)


def test_reconciliation_mends_the_row_of_a_former_member_and_does_not_count_it(  # noqa: PLR0913, PLR0917 - fixtures
    account: Account,
    segment: int,
    relay: Relay,
    tables: Tables,
    tasks: Tasks,
    capsys: pytest.CaptureFixture[str],
) -> None:
    account.update((users("U1"), actions("REMOVE", segment)))
    relay.drain()
    key = row_key(account, segment, str(tables.profile_of(account.account_id, "U1")))
    damage(tables, "SEGMENT_MEMBERS_TABLE", key, "expires_at", {"S": "never"})
    assert run(account, tasks, capsys) == NOTHING | {"RowsMended": 1}
    assert agrees(account, tables)
    assert run(account, tasks, capsys) == NOTHING
