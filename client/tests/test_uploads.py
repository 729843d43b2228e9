"""Uploads of what is known of users: in their order, whatever has to be sent again."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest
from client.tests.conftest import MakeClient
from client.tests.server import UNWRITTEN, Reply, Request

from api_segments_client import PushStoppedError, Retry


def record(identity: str, **data: Any) -> dict[str, Any]:
    return {"identity": identity, "type": "profile", "profileData": data}


@dataclass
class Profiles:
    """Keeps attributes as the last record says; `fails` are places in one request after the other."""

    fails: list[set[int]] = field(default_factory=list)
    by_place: bool = False
    known: dict[str, dict[str, Any]] = field(default_factory=dict)
    sizes: list[int] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)

    def __call__(self, request: Request) -> Reply:
        records = request.json["d"]
        self.sizes.append(len(records))
        self.paths.append(request.path)
        fails = self.fails.pop(0) if self.fails else set()
        unprocessed = []
        for index, each in enumerate(records):
            if index in fails:
                unprocessed.append({**UNWRITTEN, "record": {"d": index} if self.by_place else each})
            elif "bad" in each["profileData"]:
                unprocessed.append({"status": "fail", "code": 400, "error": "profileData.bad: no", "record": each})
            else:
                self.known.setdefault(each["identity"], {}).update(each["profileData"])
        return Reply(body={"processed": len(records) - len(unprocessed), "unprocessed": unprocessed})


@pytest.mark.parametrize("by_place", [False, True])
def test_records_of_a_user_keep_their_order_when_one_is_sent_again(client_of: MakeClient, by_place: bool) -> None:
    api = Profiles(fails=[{0, 3}], by_place=by_place)
    records = [record("a", n=1), record("b", n=1), record("a", n=2), record("c", n=1), record("a", n=3)]
    totals = client_of(api).profiles.upload(records)
    assert {name: data["n"] for name, data in api.known.items()} == {"a": 3, "b": 1, "c": 1}
    assert api.sizes == [5, 4]
    assert (totals.given, totals.processed, totals.refused) == (5, 5, 0)


def test_a_refused_record_that_is_sent_again_is_counted_once(client_of: MakeClient) -> None:
    api = Profiles(fails=[{0}])
    totals = client_of(api).profiles.upload([record("a", n=1), record("a", bad=1), record("b", n=1)])
    assert (totals.given, totals.processed, totals.refused) == (3, 2, 1)
    assert totals.first_refused[0].record == record("a", bad=1)


def test_a_request_has_a_thousand_records_and_less_than_four_mebibytes(client_of: MakeClient) -> None:
    api = Profiles()
    client_of(api).profiles.upload(record(f"u{n}", n=n) for n in range(2500))
    assert api.sizes == [1000, 1000, 500]
    long = Profiles()
    client_of(long).profiles.upload([record(f"u{n}", text="x" * 10_000) for n in range(500)])
    assert (len(long.sizes), sum(long.sizes)) == (2, 500)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (float("nan"), "profileData.n is nan, which is no number in JSON"),
        ({"$add": [1, float("-inf")]}, "profileData.n.$add[1] is -inf, which is no number in JSON"),
        ("\ud83d", "profileData.n has half of a character"),
        ({"\udc00": 1}, "profileData.n has half of a character"),
    ],
)
def test_a_record_that_json_can_not_have_is_refused_by_itself(client_of: MakeClient, value: Any, said: str) -> None:
    api = Profiles(fails=[{0}])
    records = [record("a", n=1), record("b", n=value), record("c", n="\U0001f600")]
    totals = client_of(api).profiles.upload(records)
    assert (totals.given, totals.processed, totals.refused) == (3, 2, 1)
    (refused,) = totals.first_refused
    assert (refused.record, refused.code) == (records[1], 400)
    assert refused.error.startswith(said)
    assert api.known == {"a": {"n": 1}, "c": {"n": "\U0001f600"}}
    alone = client_of(api).profiles.upload(records[1:2])
    assert (alone.refused, alone.requests) == (1, 0)


def test_a_dry_run_says_so(client_of: MakeClient) -> None:
    api = Profiles()
    client_of(api).profiles.upload([record("a")], dry_run=True)
    assert api.paths == ["/1/upload?dryRun=1"]


def test_patience_ends_with_figures_that_add_up(client_of: Any) -> None:
    api = Profiles(fails=[{1}] + [{0}] * 99)
    with pytest.raises(PushStoppedError) as stopped:
        client_of(api, Retry(patience=1, sleep=lambda _: None)).profiles.upload(
            [record("a"), record("b"), record("c", bad=1)]
        )
    totals = stopped.value.totals
    assert (totals.given, totals.processed, totals.refused, totals.unconfirmed) == (3, 1, 1, 1)


@pytest.mark.parametrize(
    ("replies", "figures"),
    [
        ([None], (0, 0, 3)),
        ([Reply(429, {"error": "busy"})], (0, 3, 0)),
        ([Reply(503, {"error": "down"}), Reply(429, {"error": "busy"})], (0, 0, 3)),
        ([Reply(body={"unprocessed": [{**UNWRITTEN, "record": {"d": 0}}]}), Reply(429, {"error": "busy"})], (2, 0, 1)),
        ([Reply(body={"unprocessed": [{**UNWRITTEN, "code": 429, "record": {"d": 0}}]})], (2, 1, 0)),
        ([Reply(body={"unprocessed": [{"code": 7}]})], (0, 0, 3)),
    ],
    ids=["lost", "throttled", "unavailable, then throttled", "one not written", "one throttled", "nonsense"],
)
def test_an_upload_that_may_have_been_written_is_not_told_as_not_sent(
    client_of: Any, replies: list[Reply | None], figures: tuple[int, int, int]
) -> None:
    def respond(_: Request) -> Reply | None:
        return replies.pop(0) if len(replies) > 1 else replies[0]

    with pytest.raises(PushStoppedError) as stopped:
        client_of(
            respond, Retry(patience=3, first=2, most=2, sleep=lambda _: None, random=lambda: 1.0)
        ).profiles.upload([record("a", n=1), record("a", n=2), record("b", n=1)])
    totals = stopped.value.totals
    assert (totals.processed, totals.not_sent, totals.unconfirmed) == figures
