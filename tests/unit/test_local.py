import fcntl
import json
import re
from collections import Counter
from pathlib import Path

import pytest

from api_segments.core.limits import MAX_RECORDS_PER_UPLOAD
from api_segments.profiles.requests import parse_upload
from api_segments_client import Change
from local import run, sam
from local.audience import READERS, SEGMENTS, Shop, joining, moving
from local.customers import FILE, generate, read
from local.environment import LocalError, child_environment
from local.live import event_line
from local.outcome import Outcome, Seen
from local.subscriber import CHANGE, Event
from local.uploads import CHANNELS, Reach, records_of, second_thoughts

RESERVED_ADDRESS = re.compile(r"[a-z.]+[0-9]+@example\.(com|org|net)")  # RFC 2606
RESERVED_NUMBER = re.compile(
    r"\+1[2-9][0-9]{2}55501[0-9]{2}"  # NANPA: 555-0100 to 555-0199
    r"|\+44(7700900|2079460|1214960)[0-9]{3}"  # Ofcom
    r"|\+3363998[0-9]{4}"  # Arcep
    r"|\+49(3023125|6990009|4066969|2214710|8999998)[0-9]{3}"  # Bundesnetzagentur, notice 148/2021
)


@pytest.fixture
def own_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(run, "LOCK_FILE", tmp_path / "run.lock")
    monkeypatch.setattr(run, "STACK_FILE", tmp_path / "stack.json")
    return tmp_path


def detail(event_id: str, action: str = "ADD", account: str = "A") -> dict[str, object]:
    return {
        "Account ID": account,
        "Event ID": event_id,
        "Action": action,
        "Customer_Segment_ID": "S",
        "Identity": "u",
        "Segment Name": "Seg",
        "Segment ID": 7,
        "Profile ID": "p",
    }


def test_data_file_is_what_its_generator_writes() -> None:
    assert FILE.read_text(encoding="utf-8") == generate()


def test_data_file_is_small_and_reaches_nobody_outside() -> None:
    contacts = [customer.contact for customer in read()]
    assert FILE.stat().st_size < 700_000
    assert all(RESERVED_ADDRESS.fullmatch(contact.email) for contact in contacts if contact.email)
    assert all(RESERVED_NUMBER.fullmatch(contact.phone) for contact in contacts if contact.phone)
    for several in ([c.email for c in contacts if c.email], [c.phone for c in contacts if c.phone]):
        assert len(set(several)) == len(several)


def test_customers_differ_in_how_they_can_be_reached() -> None:
    contacts = [customer.contact for customer in read()]
    assert {channel for contact in contacts for channel in contact.opted_in} == {"email", "whatsapp"}
    assert {channel for contact in contacts for channel in contact.opted_out} == {"email", "sms", "push"}
    assert {kind for contact in contacts for kind in contact.devices} == {"fcm", "apns", "chrome"}
    assert any(not contact.phone for contact in contacts)
    assert any(not contact.email for contact in contacts)


def test_every_upload_is_one_that_the_product_takes() -> None:
    customers = read()
    records = [*records_of(customers), *second_thoughts(customers)]
    for begin in range(0, len(records), MAX_RECORDS_PER_UPLOAD):
        part = records[begin : begin + MAX_RECORDS_PER_UPLOAD]
        _, updates, refused = parse_upload(json.dumps({"d": part}).encode())
        assert (len(updates), refused) == (len(part), {})


@pytest.mark.parametrize(
    ("data", "tokens", "channels"),
    [
        ({}, [], ""),
        ({"Email": "a@example.com", "Phone": "+12015550100"}, ["fcm", "chrome"], "email sms push web_push"),
        ({"Phone": "+12015550100", "MSG-sms": False, "MSG-whatsapp": True}, ["chrome"], "whatsapp web_push"),
        ({"Email": "a@example.com", "MSG-email": False, "MSG-push": False}, ["apns", "chrome"], ""),
        ({"MSG-email": True, "MSG-whatsapp": True}, ["apns"], "push"),
    ],
)
def test_books_know_who_is_reachable(data: dict[str, object], tokens: list[str], channels: str) -> None:
    reach = Reach()
    reach.take({"type": "profile", "profileData": data})
    for kind in tokens:
        reach.take({"type": "token", "tokenData": {"id": "t", "type": kind}})
    assert {channel for channel in CHANNELS if reach.by(channel)} == set(channels.split())
    reach.take({"type": "profile", "profileData": {"Email": None, "Phone": None}})
    for kind in tokens:
        reach.take({"type": "token", "tokenData": {"id": "t", "type": kind, "$remove": True}})
    assert not any(reach.by(channel) for channel in CHANNELS)


def test_second_thoughts_change_every_channel_of_some_segment() -> None:
    customers = read()
    shop = Shop()
    shop.apply(joining(customers))
    shop.upload(records_of(customers))
    before = shop.counts("TIER-BRONZE")
    shop.upload(second_thoughts(customers))
    after = shop.counts("TIER-BRONZE")
    assert {name for name in before if before[name] != after[name]} == set(CHANNELS)
    assert min(after.values()) > 0


def test_every_customer_is_in_one_tier_and_every_segment_has_members() -> None:
    updates = joining(read())
    tiers = [sum(str(segment).startswith("TIER-") for segment in update.add) for update in updates]
    assert set(tiers) == {1}
    assert {segment for update in updates for segment in update.add} == {s.customer_segment_id for s in SEGMENTS}


def test_second_round_removes_as_well_as_adds() -> None:
    updates = moving(read())
    assert any(update.add and update.remove for update in updates)
    assert any(READERS in update.remove for update in updates)


def test_books_count_a_repeat_as_unchanged() -> None:
    shop = Shop()
    shop.apply([Change("u", frozenset({"S", "T"}))])
    shop.apply([Change("u", frozenset({"S"}), frozenset({"T", "X"}))])
    assert shop.totals == {"added": 2, "removed": 1, "unchanged": 2, "processed": 5, "profiles_created": 1}
    assert shop.changes == {("ADD", "S", "u"): 1, ("ADD", "T", "u"): 1, ("REMOVE", "T", "u"): 1}
    assert (shop.counts("S")["members"], shop.counts("T")["members"]) == (1, 0)


def test_redelivered_event_counts_as_a_duplicate_and_other_accounts_not_at_all() -> None:
    seen = Seen("A")
    for event in (detail("1"), detail("1"), detail("2", "REMOVE"), detail("3", account="B")):
        seen.take(event)
    assert (len(seen), seen.duplicates) == (2, 1)
    assert seen.changes == {("ADD", "S", "u"): 1, ("REMOVE", "S", "u"): 1}


def test_user_who_was_uploaded_first_is_not_created_by_an_update() -> None:
    shop = Shop()
    shop.upload([{"identity": "u", "type": "profile", "profileData": {"Email": "u@example.com"}}])
    shop.apply([Change("u", frozenset({"S"})), Change("v", frozenset({"S"}))])
    assert shop.totals == {
        "uploaded": 1,
        "added": 2,
        "removed": 0,
        "unchanged": 0,
        "processed": 2,
        "profiles_created": 1,
    }
    assert shop.counts("S") == {"members": 2, "email": 1, "sms": 0, "push": 0, "whatsapp": 0, "web_push": 0}


def test_comparison_names_each_difference() -> None:
    shop = Shop()
    shop.apply([Change("u", frozenset({"S"}))])
    seen = Seen("A")
    counts = shop.counts("S")
    wrong = Outcome(Counter({**shop.totals, "added": 3}), {"S": {**counts, "members": 2, "web_push": 1}}, 0, seen, shop)
    assert wrong.differences() == [
        "added: the API answered 3, expected 1",
        "1 events missing: ADD S u",
        "segment S: 2 members, expected 1",
        "segment S: 1 web push, expected 0",
        "0 data points, expected 1",
    ]
    seen.take(detail("1"))
    right = Outcome(Counter(shop.totals), {"S": counts}, 1, seen, shop)
    assert right.differences() == []
    seen.take(detail("2", "REMOVE"))
    assert right.differences() == ["1 events unexpected: REMOVE S u"]


def test_event_is_one_line() -> None:
    line = event_line(Event(CHANGE, "2026-01-01T00:00:00Z", detail("1")))
    assert line == "  2026-01-01T00:00:00Z  ADD     u  Seg (7)"
    created = event_line(Event("Segment Created", "2026-01-01T00:00:00Z", {"Segment Name": "Seg"}))
    assert created == "  2026-01-01T00:00:00Z  Segment Created  Seg"


def test_second_make_run_is_told_where_the_first_one_is(own_state: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with (own_state / "run.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        lock.write("4711")
        lock.flush()
        assert run.main([]) == 1
        assert "another `make run` is starting or ending (pid 4711)" in capsys.readouterr().err
        (own_state / "stack.json").write_text(json.dumps({"api_url": "http://127.0.0.1:1/live", "pid": 4711}))
        assert run.main([]) == 1
    error = capsys.readouterr().err
    assert error.startswith("error: `make run` is already up at http://127.0.0.1:1/live (pid 4711)")
    assert error.count("\n") == 1


def test_stack_file_of_a_killed_run_is_stale(own_state: Path) -> None:
    (own_state / "run.lock").write_text("4711")
    (own_state / "stack.json").write_text("{}")
    with run.only_one():
        assert not (own_state / "stack.json").exists()
        with pytest.raises(LocalError, match=r"already|starting"), run.only_one():
            pass


def test_child_processes_see_nothing_of_the_users_aws_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "production")
    monkeypatch.setenv("SAM_CLI_POLL_DELAY", "60")
    monkeypatch.setenv("NO_PROXY", "example.org")
    env = child_environment({"AWS_ENDPOINT_URL": "http://127.0.0.1:1"})
    assert {name: value for name, value in env.items() if name.startswith(("AWS_", "SAM_"))} == {
        "AWS_ENDPOINT_URL": "http://127.0.0.1:1"
    }
    assert env["NO_PROXY"] == "example.org,127.0.0.1"


def test_missing_tool_is_told_in_one_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sam, "SAM", tmp_path / "sam")
    with pytest.raises(LocalError, match="the SAM CLI is not installed: run `make run`"):
        sam.require_tools()
    here = Path(__file__)
    monkeypatch.setattr(sam, "SAM", here)
    monkeypatch.setattr(sam, "BUILD_PYTHON", here)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(LocalError, match="`make` is not on the PATH"):
        sam.require_tools()
