"""`dryRun` on an upload: the same answer as the upload's, and nothing is written."""

import json
import re
from random import Random
from typing import TYPE_CHECKING, Any

import pytest

from tests.integration.conftest import Account, Relay
from tests.support.faults import FaultyClient
from tests.support.state import Tables
from tests.support.uploads import profile, token

if TYPE_CHECKING:
    from collections.abc import Callable

Json = Any
WRITES = {
    "put_item",
    "update_item",
    "delete_item",
    "batch_write_item",
    "transact_write_items",
    "batch_execute_statement",
}


def told(answer: Json) -> Json:
    """Return an answer without the guids that a call draws."""
    return json.loads(re.sub(r"\b[0-9a-f]{32}\b", "<drawn>", json.dumps(answer)))


def random_records(random: Random, count: int) -> list[Json]:
    """Return records of a few users that often agree and often don't, and of many tokens."""
    records = []
    for _ in range(count):
        identity = random.choice([None, "a", "b", "c", "d", "known"])
        guid = random.choice([None, None, "g", "h", "i", "other"]) if identity else random.choice(["g", "h", "i"])
        kind = random.randrange(4)
        if kind == 0:
            records.append(token(identity, f"t{random.randrange(14)}", guid=guid, remove=random.random() < 0.2))
        elif kind == 1:
            records.append(profile(identity, guid, Email=random.choice(["a@example.com", "nobody", None])))
        else:
            names = {f"x{random.randrange(300)}": random.randrange(3) for _ in range(random.choice([1, 120]))}
            records.append(profile(identity, guid, **names))
    return records


@pytest.mark.parametrize("seed", range(25))
def test_the_answer_is_the_uploads_and_nothing_is_written(
    account: Account, new_account: "Callable[[], Account]", tables: Tables, relay: Relay, seed: int
) -> None:
    random = Random(seed)  # noqa: S311 - the examples must be the same each time
    other = new_account()
    before = [profile("known", "known guid", Name="Ada"), token("known", "t0"), profile("b", "other")]
    for each in (account, other):
        assert each.upload(*before)["status"] == "success"
    state = tables.users(account.account_id)
    relay.drain()
    records = random_records(random, random.choice([3, 20, 60]))
    answer = account.dry_run(*records)
    assert tables.users(account.account_id) == state
    assert relay.drain() == []
    assert told(account.dry_run(*records)) == told(answer)
    assert told(account.upload(*records)) == told(answer)


def test_what_only_the_database_knows_is_checked(account: Account, tables: Tables) -> None:
    account.upload(profile("a", "g"), profile("b", "h"))
    state = tables.users(account.account_id)
    records = [
        profile("new", Name="Ada"),
        profile("a", "h"),
        profile("c", "g"),
        profile("new", "i"),
        profile("new", "j"),
        profile("a", email="x"),
    ]
    answer = account.dry_run(*records)
    assert [(failed["code"], failed["record"]) for failed in answer["unprocessed"]] == [
        (409, records[1]),
        (409, records[2]),
        (409, records[3]),
        (409, records[4]),
        (400, records[5]),
    ]
    assert (answer["status"], answer["processed"]) == ("partial", 1)
    assert tables.users(account.account_id) == state


@pytest.mark.parametrize("value", ["1", "true"])
def test_it_calls_nothing_that_writes(account: Account, faulty: FaultyClient, value: str) -> None:
    account.dry_run(profile("a", Name="Ada"), token("a", "t"), profile("b", "g"), value=value)
    assert faulty.calls
    assert WRITES.isdisjoint(faulty.calls)


@pytest.mark.parametrize("value", ["0", "false"])
def test_it_can_be_switched_off(account: Account, value: str) -> None:
    assert account.dry_run(profile("a", Name="Ada"), value=value)["processed"] == 1
    assert account.profile(identity="a")[0] == 200
