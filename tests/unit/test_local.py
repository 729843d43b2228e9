import fcntl
import json
from collections import Counter
from pathlib import Path

import pytest

from local import run, sam
from local.audience import READERS, SEGMENTS, USERS_A_REQUEST, Shop, Update, batches, body, joining, moving
from local.customers import FILE, generate, read
from local.demo import Seen, compare
from local.environment import LocalError, child_environment
from local.live import event_line
from local.subscriber import CHANGE, Event


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


def test_every_customer_is_in_one_tier_and_every_segment_has_members() -> None:
    updates = joining(read())
    tiers = [sum(segment.startswith("TIER-") for segment in update.adds) for update in updates]
    assert set(tiers) == {1}
    assert {segment for update in updates for segment in update.adds} == {s.customer_segment_id for s in SEGMENTS}


def test_second_round_removes_as_well_as_adds() -> None:
    updates = moving(read())
    assert any(update.adds and update.removes for update in updates)
    assert any(READERS in update.removes for update in updates)


def test_requests_carry_at_most_what_the_api_takes_and_lose_nobody() -> None:
    updates = joining(read())
    portions = batches(updates)
    assert [update for portion in portions for update in portion] == updates
    bodies = [body(portion) for portion in portions]
    users = [[user["identity"] for group in b["bulk_profiles"] for user in group["user_profiles"]] for b in bodies]
    assert max(map(len, users)) == USERS_A_REQUEST
    assert sorted(user for request in users for user in request) == sorted(update.identity for update in updates)


def test_books_count_a_repeat_as_unchanged() -> None:
    shop = Shop()
    shop.apply([Update("u", frozenset({"S", "T"}))])
    shop.apply([Update("u", frozenset({"S"}), frozenset({"T", "X"}))])
    assert shop.totals == {"added": 2, "removed": 1, "unchanged": 2, "processed": 5, "profiles_created": 1}
    assert shop.changes == {("ADD", "S", "u"): 1, ("ADD", "T", "u"): 1, ("REMOVE", "T", "u"): 1}
    assert (shop.members("S"), shop.members("T")) == (1, 0)


def test_redelivered_event_counts_as_a_duplicate_and_other_accounts_not_at_all() -> None:
    seen = Seen("A")
    for event in (detail("1"), detail("1"), detail("2", "REMOVE"), detail("3", account="B")):
        seen.take(event)
    assert (len(seen), seen.duplicates) == (2, 1)
    assert seen.changes == {("ADD", "S", "u"): 1, ("REMOVE", "S", "u"): 1}


def test_comparison_names_each_difference() -> None:
    shop = Shop()
    shop.apply([Update("u", frozenset({"S"}))])
    seen = Seen("A")
    assert compare(Counter(shop.totals), shop, seen, {"S": 2}) == [
        "1 events missing: ADD S u",
        "segment S has 2 members, expected 1",
    ]
    seen.take(detail("1"))
    assert compare(Counter(shop.totals), shop, seen, {"S": 1}) == []
    seen.take(detail("2", "REMOVE"))
    assert compare(Counter({**shop.totals, "added": 3}), shop, seen, {"S": 1}) == [
        "added: the API answered 3, expected 1",
        "1 events unexpected: REMOVE S u",
    ]


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
