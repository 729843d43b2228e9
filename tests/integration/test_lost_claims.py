"""An identity leads to the profile that bears it: a lost claim is mended, and a user who is two by then is told."""

from collections.abc import Callable
from typing import Any

import pytest

from api_segments.core.errors import UnavailableError
from api_segments.repair.tasks import LOOK_AGAIN_SECONDS
from tests.integration.conftest import Account, Relay
from tests.integration.reconciling import NOTHING, Tasks, run, segment, tasks
from tests.integration.told import actions, users
from tests.support.clock import MovableClock
from tests.support.faults import Arguments, FaultyClient, Reply, Send, after, answer_lost, refused
from tests.support.state import Tables, assert_whole
from tests.support.uploads import profile
from tests.support.written import Written

Json = Any

__all__ = ["segment", "tasks"]  # fixtures


def claim_key(account: Account, identity: str) -> Json:
    return {"pk": {"S": f"IDENTITY#{account.account_id}#{identity}"}}


def lose_claim(account: Account, tables: Tables, identity: str) -> str:
    """Delete an identity's claim; return the profile that it led to."""
    profile_id = tables.profile_of(account.account_id, identity)
    assert profile_id is not None
    tables.client.delete_item(TableName=tables.environment["PROFILES_TABLE"], Key=claim_key(account, identity))
    return profile_id


def lead(account: Account, tables: Tables, identity: str, profile_id: str) -> None:
    item = {**claim_key(account, identity), "profile_id": {"S": profile_id}}
    tables.client.put_item(TableName=tables.environment["PROFILES_TABLE"], Item=item)


def test_a_lost_claim_is_mended_and_the_user_stays_one(  # noqa: PLR0913, PLR0917 - fixtures
    account: Account,
    segment: int,
    tasks: Tasks,
    tables: Tables,
    clock: MovableClock,
    capsys: pytest.CaptureFixture[str],
) -> None:
    lose_claim(account, tables, "U0")
    before = tables.memberships(account.account_id)

    assert run(account, tasks, capsys) == NOTHING | {"ClaimsMended": 1}

    assert clock.slept == [LOOK_AGAIN_SECONDS], "it was looked at twice"
    assert_whole(tables, account.account_id)
    assert tables.memberships(account.account_id) == before
    assert account.update((users("U0"), actions("ADD", segment)))["summary"]["profiles_created"] == 0
    assert account.profile(identity="U0")[1]["record"]["profileData"] == {"Email": "ada@example.com"}
    assert run(account, tasks, capsys) == NOTHING


def test_a_claim_that_leads_to_nobody_is_mended(
    account: Account, segment: int, tasks: Tasks, tables: Tables, capsys: pytest.CaptureFixture[str]
) -> None:
    lead(account, tables, "U0", "0" * 32)
    assert run(account, tasks, capsys) == NOTHING | {"ClaimsMended": 1}
    assert_whole(tables, account.account_id)
    assert segment in account.segments_of("U0")


def test_a_user_who_is_two_by_then_is_told_at_each_walk_and_becomes_one_as_the_docs_say(  # noqa: PLR0913, PLR0917 - fixtures
    account: Account,
    segment: int,
    tasks: Tasks,
    tables: Tables,
    relay: Relay,
    written: Written,
    capsys: pytest.CaptureFixture[str],
) -> None:
    older = lose_claim(account, tables, "U0")
    assert account.update((users("U0"), actions("ADD", segment)))["summary"]["profiles_created"] == 1
    relay.drain()
    younger = tables.profile_of(account.account_id, "U0")
    before = tables.users(account.account_id)

    for _ in range(2):
        assert run(account, tasks, capsys) == NOTHING | {"ClaimsTaken": 1}
        assert tables.users(account.account_id) == before
    tasks.waiting.append({"scope": {"account_id": account.account_id}, "position": {"stage": "profiles"}})
    written.text()
    tasks.work()
    told = [line for line in written.lines()[1] if line["message"] == "an identity leads to another profile"]
    assert [(line["profile_id"], line["leads_to"], line["account_id"]) for line in told] == [
        (older, younger, account.account_id)
    ]

    account.erase("U0")  # the younger
    relay.drain()
    assert run(account, tasks, capsys)["ClaimsMended"] == 1
    assert_whole(tables, account.account_id)
    record = account.profile(identity="U0")[1]["record"]
    assert (record["guid"], record["profileData"]) == (older, {"Email": "ada@example.com"})


@pytest.mark.parametrize("meanwhile", [False, True])
def test_the_first_of_the_two_is_erased_by_its_guid_and_the_identity_stays_with_the_second(  # noqa: PLR0913 - all that takes part
    account: Account,
    segment: int,
    tasks: Tasks,
    tables: Tables,
    relay: Relay,
    *,
    faulty: FaultyClient,
    capsys: pytest.CaptureFixture[str],
    meanwhile: bool,
) -> None:
    older = lose_claim(account, tables, "U0")
    account.update((users("U0"), actions("ADD", segment)))
    younger = tables.profile_of(account.account_id, "U0")
    if meanwhile:  # the second one is erased, and the first one gets the claim: it goes with the first
        faulty.next("transact_write_items", after(lambda: lead(account, tables, "U0", older)))

    answer = account.manage("DELETE", "/api/profiles/{identity}", {"by": "guid"}, identity=older)

    assert answer == (200, {"status": "success"})
    assert faulty.waiting == 0
    assert older not in tables.memberships(account.account_id)
    assert tables.profile_of(account.account_id, "U0") == (None if meanwhile else younger)
    if not meanwhile:
        relay.drain()
        assert_whole(tables, account.account_id)
        assert run(account, tasks, capsys) == NOTHING


def test_an_id_that_a_client_chose_is_not_written(
    account: Account, tasks: Tasks, tables: Tables, written: Written, capsys: pytest.CaptureFixture[str]
) -> None:
    account.upload(profile("a", "device-7"))
    lose_claim(account, tables, "a")
    account.upload(profile("a"))
    assert run(account, tasks, capsys)["ClaimsTaken"] == 1
    tasks.waiting.append({"scope": {"account_id": account.account_id}, "position": {"stage": "profiles"}})
    written.text()
    tasks.work()
    text = written.text()
    assert "an identity leads to another profile" in text
    assert "device-7" not in text


def test_identities_are_left_alone_when_one_segment_is_asked_for(
    account: Account, segment: int, tasks: Tasks, tables: Tables
) -> None:
    lose_claim(account, tables, "U0")
    scope = {"account_id": account.account_id, "segment_id": segment}
    tasks.waiting.append({"scope": scope, "position": {"stage": "profiles"}})
    tasks.work()
    assert tables.profile_of(account.account_id, "U0") is None


def erase(account: Account, tables: Tables, identity: str) -> None:
    """Erase a user who has no claim."""
    for profile_id, item in tables.memberships(account.account_id).items():
        if item.get("identity") == identity:
            tables.erase(account.account_id, profile_id)


def become_two(account: Account, _: Tables, identity: str) -> None:
    account.upload(profile(identity))


def erase_and_become_another(account: Account, tables: Tables, identity: str) -> None:
    erase(account, tables, identity)
    account.upload(profile(identity))


def lead_to_nobody(account: Account, tables: Tables, identity: str) -> None:
    lead(account, tables, identity, "device-9")


def come_to_be_somebody(account: Account, _: Tables, __: str) -> None:
    account.upload(profile(None, "device-9"))


def lead_to_somebody(account: Account, tables: Tables, identity: str) -> None:
    account.upload(profile(None, "device-10"))
    lead(account, tables, identity, "device-10")


@pytest.mark.parametrize("when", ["between the looks", "before the write"])
@pytest.mark.parametrize(
    ("damage", "do"),
    [
        (lose_claim, erase),
        (lose_claim, become_two),
        (lose_claim, erase_and_become_another),
        (lead_to_nobody, erase),
        (lead_to_nobody, come_to_be_somebody),
        (lead_to_nobody, lead_to_somebody),
    ],
)
def test_no_claim_is_written_for_a_user_who_changes_meanwhile(  # noqa: PLR0913 - all that takes part
    account: Account,
    segment: int,
    tasks: Tasks,
    tables: Tables,
    faulty: FaultyClient,
    *,
    clock: MovableClock,
    capsys: pytest.CaptureFixture[str],
    do: Callable[[Account, Tables, str], None],
    when: str,
    damage: Callable[[Account, Tables, str], object],
) -> None:
    assert segment in account.segments_of("U0")
    damage(account, tables, "U0")
    expected: list[Json] = []

    def meanwhile() -> None:
        do(account, tables, "U0")
        expected.append(tables.users(account.account_id))

    if when == "between the looks":
        clock.meanwhile = meanwhile
    else:
        faulty.next("transact_write_items", after(meanwhile))

    found = run(account, tasks, capsys)

    assert found["ClaimsMended"] == 0
    is_two = do in (become_two, come_to_be_somebody, lead_to_somebody)
    assert found["ClaimsTaken"] == (is_two and when == "between the looks")
    assert [tables.users(account.account_id)] == expected


@pytest.mark.usefixtures("segment")
def test_a_user_who_is_erased_while_the_walk_looks_is_no_difference(
    account: Account, tasks: Tasks, tables: Tables, faulty: FaultyClient, capsys: pytest.CaptureFixture[str]
) -> None:
    profiles = tables.environment["PROFILES_TABLE"]
    erased: list[Json] = []

    def erases(send: Send, arguments: Arguments) -> Reply:
        if profiles in arguments["RequestItems"] and not erased:
            erased.append("U3")
            erased.append(account.erase("U3"))
        return send(**arguments)

    faulty.always("batch_get_item", erases)
    found = run(account, tasks, capsys)
    assert erased == ["U3", (200, {"status": "success"})]
    assert (found["ClaimsMended"], found["ClaimsTaken"]) == (0, 0)
    assert_whole(tables, account.account_id)


@pytest.mark.usefixtures("segment")
def test_a_lost_answer_is_no_second_claim(
    account: Account, tasks: Tasks, tables: Tables, faulty: FaultyClient, capsys: pytest.CaptureFixture[str]
) -> None:
    lose_claim(account, tables, "U0")
    faulty.next("transact_write_items", answer_lost)
    assert run(account, tasks, capsys) == NOTHING | {"ClaimsMended": 1}
    assert faulty.waiting == 0
    assert_whole(tables, account.account_id)


def test_many_are_mended_and_go_on_where_the_time_was_up(  # noqa: PLR0913, PLR0917 - fixtures
    account: Account,
    segment: int,
    tasks: Tasks,
    tables: Tables,
    faulty: FaultyClient,
    clock: MovableClock,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for first in (0, 100):
        account.update((users(*[f"M{index}" for index in range(first, first + 100)]), actions("ADD", segment)))
    claims = tables.claims(account.account_id)
    assert len(claims) == 210
    for identity in claims:
        tables.client.delete_item(TableName=tables.environment["PROFILES_TABLE"], Key=claim_key(account, identity))

    def takes_long(send: Send, arguments: Arguments) -> Reply:
        if len(arguments["TransactItems"]) == 2:
            clock.move(seconds=1)
        return send(**arguments)

    faulty.always("transact_write_items", takes_long)
    assert run(account, tasks, capsys)["ClaimsMended"] == 210
    assert tables.claims(account.account_id) == claims


@pytest.mark.usefixtures("segment")
def test_a_database_that_fails_brings_the_task_again(
    account: Account, tasks: Tasks, tables: Tables, faulty: FaultyClient, capsys: pytest.CaptureFixture[str]
) -> None:
    lose_claim(account, tables, "U0")
    faulty.always("transact_write_items", refused("AccessDeniedException"))
    with pytest.raises(UnavailableError):
        run(account, tasks, capsys)
