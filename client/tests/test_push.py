"""A push of many: whatever goes wrong, each user is written once and the figures add up."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from client.tests.conftest import MakeClient
from client.tests.server import UNWRITTEN, Api, Reply, Request, serving
from client.tests.test_answers import Script

from api_segments_client import (
    AuthenticationError,
    Change,
    Client,
    Guid,
    PushInterrupted,
    PushStoppedError,
    Refused,
    Retry,
    Totals,
    UnavailableError,
)
from api_segments_client.push import SUMMARY
from api_segments_client.sending import Outcome, Progress, Sender

FAULTS = [
    "",
    "reset",
    "throttled",
    "unavailable",
    "unwritten",
    "positions",
    "lost",
    "cut",
    "half",
    "unavailable after all",
]


def assert_adds_up(totals: Totals) -> None:
    assert totals.given == totals.processed + totals.repeated + totals.refused + totals.not_sent + totals.unconfirmed
    assert totals.processed == totals.added + totals.removed + totals.unchanged + totals.untold


def test_users_go_by_the_hundred_and_three_requests_at_a_time(client_of: MakeClient) -> None:
    three = threading.Barrier(3, timeout=30)
    first = iter([True] * 3)
    api = Api(meanwhile=lambda: three.wait() if next(first, False) else None)
    totals = client_of(api).members.push("S", add=(f"u{number}" for number in range(1050)))
    assert (totals.added, totals.requests, len(api.members)) == (1050, 11, 1050)
    assert api.most_at_once == 3
    sizes = sorted(len(request.json["bulk_profiles"][0]["user_profiles"]) for request in api.requests)
    assert sizes == [50, *[100] * 10]
    assert api.requests[0].json["bulk_profiles"][0]["segments"] == [{"customer_segment_id": "S", "action": "ADD"}]
    assert_adds_up(totals)


def test_an_iterable_is_not_read_ahead(client_of: MakeClient) -> None:
    taken, ahead = 0, []

    def users() -> Iterator[str]:
        nonlocal taken
        for number in range(2000):
            taken += 1
            yield f"u{number}"

    client_of(Api()).members.push("S", add=users(), on_progress=lambda now: ahead.append(taken - now.given))
    assert len(ahead) == 20
    assert max(ahead) <= 300


@pytest.mark.parametrize("seed", range(12))
def test_whatever_fails_for_now_is_written_once(client_of: MakeClient, seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - faults in an order that can be repeated
    api = Api(faults=chance.choices(FAULTS, k=40))
    api.members = {f"u{number}" for number in range(0, 1000, 3)}
    before = set(api.members)
    users = [f"u{number}" for number in range(1000)]
    leave = users[100:250]
    totals = client_of(api).members.push("S", add=users, remove=iter(leave), in_flight=chance.choice([1, 2, 3, 5]))
    assert api.members == set(users) - set(leave)
    assert sorted(api.changes) == sorted(
        [("ADD", u) for u in users if u not in before] + [("REMOVE", u) for u in leave]
    )
    assert (totals.given, totals.processed, totals.refused, totals.not_sent) == (1150, 1150, 0, 0)
    assert totals.added + totals.removed >= len(api.changes) - totals.resent
    assert_adds_up(totals)


@pytest.mark.parametrize("fault", FAULTS[1:])
def test_each_fault_passes(client_of: MakeClient, fault: str) -> None:
    api = Api(faults=[fault])
    totals = client_of(api).members.push("S", add=["a", "b", "c"])
    assert (api.members, totals.processed) == ({"a", "b", "c"}, 3)
    sent_again = {"throttled": 0, "unwritten": 1, "positions": 1}.get(fault, 3)
    assert totals.resent == sent_again
    assert len(api.requests) == 2


def test_waits_are_as_long_as_the_answer_says_and_spread(client_of: Any) -> None:
    waits: list[float] = []
    retry = Retry(first=1.0, most=4.0, sleep=waits.append, random=lambda: 0.5)
    storm = [Reply(429, {"error": "too many requests"}, {"Retry-After": "7"})] * 4
    api = Api()

    def respond(request: Request) -> Reply | None:
        return storm.pop() if storm else api(request)

    assert client_of(respond, retry).members.push("S", add=["a"]).added == 1
    assert waits == [7.5, 8.0, 9.0, 9.0]


def test_patience_ends(client_of: Any) -> None:
    waits: list[float] = []
    retry = Retry(patience=100, sleep=waits.append, random=lambda: 0.0)
    answer = Reply(503, {"status": "fail", "error": "down", "code": 503}, {"Retry-After": "30"})
    with pytest.raises(PushStoppedError, match="down") as stopped:
        client_of(lambda _: answer, retry).members.push("S", add=["a", "b"])
    assert isinstance(stopped.value.__cause__, UnavailableError)
    assert sum(waits) == 90
    assert (stopped.value.totals.given, stopped.value.totals.unconfirmed) == (2, 2)


THROTTLED = Reply(429, {"error": "too many requests"}, {"Retry-After": "0"})


@pytest.mark.parametrize(
    ("faults", "unconfirmed"),
    [
        (["throttled"] * 9, 0),
        (["reset"] * 9, 4),
        (["reset"] + ["throttled"] * 9, 4),
        (["unwritten"] + ["throttled"] * 9, 2),
        (["throttled entries"] * 9, 0),
        (["unwritten"] + ["throttled entries"] * 9, 2),
        (["nonsense"], 4),
        (["refused"], 0),
        (["reset", "refused"], 4),
    ],
)
def test_what_may_have_been_written_when_patience_is_over_is_not_told_as_not_sent(
    client_of: Any, faults: list[str], unconfirmed: int
) -> None:
    api = Api()

    def respond(request: Request) -> Reply | None:
        fault = faults.pop(0)
        if fault == "nonsense":
            return Reply(body={"processed": 9, "summary": None, "unprocessed": [{"code": 7}]})
        if fault == "refused":
            return Reply(401, {"error": "unknown account or passcode"})
        if fault == "throttled entries":
            places = range(len(request.json["bulk_profiles"][0]["user_profiles"]))
            entries = [{**UNWRITTEN, "code": 429, "record": {"bulk_profiles": 0, "user_profiles": n}} for n in places]
            return Reply(body={"processed": 0, "summary": dict.fromkeys(SUMMARY, 0), "unprocessed": entries})
        api.faults = [fault]
        return api(request)

    retry = Retry(patience=3, first=1, most=1, sleep=lambda _: None, random=lambda: 1.0)
    with pytest.raises(PushStoppedError) as stopped:
        client_of(respond, retry).members.push("S", add=["a", "b", "c", "d"])
    totals = stopped.value.totals
    assert isinstance(totals, Totals)
    assert (totals.given, totals.unconfirmed) == (4, unconfirmed)
    assert_adds_up(totals)


def test_nothing_is_sent_without_a_connection() -> None:
    with serving(lambda _: None) as url:
        pass
    with Client(url, "A", "P", retry=Retry(patience=0)) as client, pytest.raises(PushStoppedError) as stopped:
        client.members.push("S", add=["a", "b"])
    assert (stopped.value.totals.not_sent, stopped.value.totals.unconfirmed) == (2, 0)


def test_what_is_refused_is_told_and_not_sent_again(client_of: MakeClient, tmp_path: Path) -> None:
    api = Api(refused=frozenset({"bad", "guid:g"}))
    file = tmp_path / "refused.jsonl"
    users: list[Any] = ["a", "bad", Guid("g"), Guid("h"), "a", 17]
    totals = client_of(api).members.push("S", add=users, on_refused=file)
    assert api.members == {"a", "guid:h"}
    assert (totals.given, totals.added, totals.repeated, totals.refused, totals.requests) == (6, 2, 1, 3, 1)
    assert_adds_up(totals)
    told = [json.loads(line) for line in file.read_text().splitlines()]
    assert [each["code"] for each in told] == [400, 404, 404]
    assert told[0]["record"] == 17
    assert told[1]["record"]["user_profiles"] == [{"identity": "bad"}]
    assert [each.code for each in totals.first_refused] == [400, 404, 404]


def test_no_more_than_a_thousand_refused_are_kept(client_of: MakeClient) -> None:
    told: list[Refused] = []
    users = [f"u{number}" for number in range(1500)]
    totals = client_of(Api(refused=frozenset(users))).members.push("S", add=users, on_refused=told.append)
    assert (len(told), totals.refused, len(totals.first_refused)) == (1500, 1500, 1000)


def test_a_refused_request_ends_the_push_with_its_totals(client_of: MakeClient) -> None:
    api = Api()

    def respond(request: Request) -> Reply | None:
        if len(api.requests) < 3:
            return api(request)
        return Reply(401, {"status": "fail", "error": "unknown account or passcode", "code": 401})

    with pytest.raises(PushStoppedError) as stopped:
        client_of(respond).members.push("S", add=(f"u{n}" for n in range(10_000)), in_flight=1)
    assert isinstance(stopped.value.__cause__, AuthenticationError)
    totals = stopped.value.totals
    assert isinstance(totals, Totals)
    assert (totals.given, totals.added, totals.not_sent) == (400, 300, 100)
    assert_adds_up(totals)


def test_an_iterable_that_fails_ends_the_push_with_its_totals(client_of: MakeClient) -> None:
    def users() -> Iterator[str]:
        yield from (f"u{number}" for number in range(250))
        raise OSError("the warehouse hung up")

    api = Api()
    with pytest.raises(PushStoppedError, match="the warehouse hung up") as stopped:
        client_of(api).members.push("S", add=users())
    assert len(api.members) == 200
    assert stopped.value.totals.given == stopped.value.totals.processed == 200


def test_ctrl_c_lets_requests_end_and_counts_them(client_of: MakeClient) -> None:
    def interrupt() -> None:
        if len(api.requests) == 5:
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)

    api = Api(meanwhile=interrupt)
    with pytest.raises(PushInterrupted) as stopped:
        client_of(api).members.push("S", add=(f"u{n}" for n in range(1_000_000)))
    totals = stopped.value.totals
    assert isinstance(totals, Totals)
    assert len(api.members) == totals.added == totals.given
    assert 500 <= totals.added <= 800
    assert_adds_up(totals)


def test_ctrl_c_ends_waiting_for_the_next_try(client_of: Any) -> None:
    def respond(_: Request) -> Reply:
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
        return Reply(429, {"status": "fail", "error": "too many requests", "code": 429}, {"Retry-After": "3600"})

    with pytest.raises(PushInterrupted) as stopped:
        client_of(respond, Retry(patience=9999)).members.push("S", add=["a", "b"])
    assert (stopped.value.totals.given, stopped.value.totals.not_sent) == (2, 2)


TWICE_INTERRUPTED = """
import signal, sys
from api_segments_client import Client, PushInterrupted
def interrupt(_):
    signal.raise_signal(signal.SIGINT)
client = Client(sys.argv[1], "A", "P", timeout=3600)
try:
    client.members.push("S", add=(f"u{n}" for n in range(10_000)), in_flight=3, on_progress=interrupt)
except PushInterrupted as stopped:
    print(stopped.totals.given, stopped.totals.added, stopped.totals.unconfirmed)
"""


def test_a_second_ctrl_c_ends_the_process_while_a_request_has_no_answer() -> None:
    ended = threading.Event()
    silent: list[Request] = []

    def meanwhile() -> None:
        with api.lock:
            waits = not silent and len(api.requests) > 2
            silent.extend(api.requests[-1:] if waits else [])
        if waits:
            ended.wait()

    api = Api(meanwhile=meanwhile)
    with serving(api) as url:
        command = [sys.executable, "-c", TWICE_INTERRUPTED, url]
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
        finally:
            ended.set()
    # The two that were answered interrupt: the first one stops the push, the second one ends the waiting for the third.
    assert done.stdout.split() == ["300", "200", "100"]


def test_the_benchmark_says_what_it_measures() -> None:
    script = Path(__file__).parents[1] / "benchmarks" / "push.py"
    shown = subprocess.run([sys.executable, script, "--help"], capture_output=True, text=True, check=True).stdout
    assert "adds 20,000 users to a segment in both ways" in shown


def test_a_ctrl_c_at_any_moment_of_the_counting_loses_no_batch() -> None:
    code = Sender._take_next.__code__  # noqa: SLF001 - the moments in which a batch is neither under way nor sent

    def given_when_interrupted_at(moment: int) -> int | None:
        left = moment

        def trace(frame: FrameType, event: str, _: object) -> Any:
            nonlocal left
            frame.f_trace_opcodes = True
            if frame.f_code is not code:
                return None
            left -= event == "opcode"
            if left == 0:
                raise KeyboardInterrupt
            return trace

        def send(batch: list[str], _: threading.Event) -> Outcome[Totals]:
            return Outcome(Totals(given=len(batch), added=len(batch)))

        sender: Sender[list[str], Totals] = Sender(send, len, Progress(Totals()), 1, None, None)
        before = sys.gettrace()
        sys.settrace(trace)
        try:
            sender.run(iter([["a", "b"]]))
        except PushInterrupted as stopped:
            return stopped.totals.given
        finally:
            sys.settrace(before)
        return None

    moment = 1
    while (given := given_when_interrupted_at(moment)) is not None:
        assert given == 2, moment
        moment += 1
    assert moment > 20


def test_a_batch_that_can_not_be_sent_at_all_ends_the_push() -> None:
    def send(batch: list[str], _: threading.Event) -> Outcome[Totals]:
        raise RuntimeError(batch[0])

    sender: Sender[list[str], Totals] = Sender(send, len, Progress(Totals()), 1, None, None)
    with pytest.raises(PushStoppedError, match="a"):
        sender.run(iter([["a"], ["b"]]))


def test_changes_of_several_segments_share_requests(client_of: MakeClient) -> None:
    api = Api()
    changes = [Change(f"u{n}", frozenset({"A", 5} if n % 2 else {"A"})) for n in range(150)]
    totals = client_of(api).members.update(changes, in_flight=1)
    assert (totals.given, totals.requests) == (225, 2)
    groups = api.requests[0].json["bulk_profiles"]
    assert [len(group["user_profiles"]) for group in groups] == [50, 50]
    assert {"ct_segment_id": "5", "action": "ADD"} in groups[1]["segments"]
    assert_adds_up(totals)


def test_no_request_names_more_than_a_hundred_segments(client_of: MakeClient) -> None:
    api = Api()
    changes = [Change(f"u{n}", frozenset(f"S{n}-{m}" for m in range(40))) for n in range(5)]
    client_of(api).members.update(changes)
    assert len(api.requests) == 3
    with pytest.raises(PushStoppedError, match="at most 100 segments a user, not 101"):
        client_of(api).members.update([Change("u", frozenset(f"S{m}" for m in range(101)))])


def test_of_contradicting_changes_of_a_user_in_a_request_the_last_one_counts(client_of: MakeClient) -> None:
    api = Api(members={"u"})
    one = frozenset({"S"})
    totals = client_of(api).members.update([Change("u", add=one), Change("v", add=one), Change("u", remove=one)])
    assert api.members == {"v"}
    assert (totals.given, totals.added, totals.removed, totals.repeated) == (3, 1, 1, 1)
    with pytest.raises(ValueError, match="u can't be added to and removed from S"):
        Change("u", add=one, remove=one)


def test_pairs_of_a_user_that_were_not_written_are_sent_again_together(client_of: MakeClient) -> None:
    def entry(segment: str) -> dict[str, Any]:
        action = {"customer_segment_id": segment, "action": "ADD"}
        return {**UNWRITTEN, "record": {"user_profiles": [{"identity": "u"}], "segments": [action]}}

    nothing = dict.fromkeys(("added", "removed", "unchanged", "profiles_created"), 0)
    first = {"processed": 1, "summary": {**nothing, "added": 1}, "unprocessed": [entry("S"), entry("T")]}
    second = {"processed": 2, "summary": {**nothing, "added": 2}, "unprocessed": []}
    script = Script(Reply(body=first), Reply(body=second))
    totals = client_of(script).members.update([Change("u", frozenset({"R", "S", "T"}))])
    (group,) = script.requests[1].json["bulk_profiles"]
    assert group["user_profiles"] == [{"identity": "u"}]
    assert [each["customer_segment_id"] for each in group["segments"]] == ["S", "T"]
    assert (totals.given, totals.added) == (3, 3)
