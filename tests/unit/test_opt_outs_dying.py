"""A function that dies at any one of its writes, and is started again, opts out and in as if it had not died."""

import json
from collections.abc import Callable
from typing import Any, cast

import pytest

from api_segments.aws import clients
from api_segments.campaigns import wiring as campaigns_wiring
from api_segments.campaigns.model import DeliveryStatus
from api_segments.core import parallel
from api_segments.profiles import wiring as profiles_wiring
from api_segments.profiles.store_suppressions import SuppressionReason
from functions.mail_feedback.app import handler as mail_feedback
from functions.reconcile.app import handler as reconcile
from tests.simulation.test_dying import Life
from tests.simulation.walking import Crash
from tests.simulation.world import InlinePool
from tests.support.clock import MovableClock
from tests.support.dynamodb import InMemoryDynamoDB
from tests.support.events import Context
from tests.support.tables import create_tables
from tests.support.wired import forget_services
from tests.unit.test_opt_outs import (
    ADDRESS,
    CAMPAIGN,
    Queue,
    bounce,
    complaint,
    deadline,
    profile,
    request,
    token,
    upload,
)
from tests.unit.test_opt_outs_of_addresses import AGAIN, add, deliver, entry, is_reached

MOST_WRITES = 60


def link() -> None:
    answer = request("POST", token())
    assert answer["statusCode"] == 200
    assert entry().is_active, "told as done, and it is not"


def again() -> None:
    assert request("POST", token(), AGAIN)["statusCode"] == 200


def lift() -> None:
    profiles_wiring.suppressions().lift(entry().address, tuple(SuppressionReason), deadline())


WORDS: dict[str, Callable[[], object]] = {
    "link": link,
    "bounce": lambda: mail_feedback(bounce("Permanent"), Context()),
    "complaint": lambda: mail_feedback(complaint(), Context()),
    "again": again,
    "lift": lift,
}


def persisted(work: Callable[[], object]) -> None:
    """Do something until nobody dies of it, as users, SNS and queues do."""
    while True:
        try:
            work()
        except Crash:
            continue
        return


def told(words: str, life: Life, monkeypatch: pytest.MonkeyPatch, clock: MovableClock) -> tuple[object, ...]:
    """Return all that comes of words that follow each other; who is at work may die in the last and after it."""
    memory, queue = InMemoryDynamoDB(), Queue()
    for name, table in create_tables(cast("Any", memory)).items():
        monkeypatch.setenv(name, table)
    unharmed = Life((-1, ""))
    lives = [unharmed]
    monkeypatch.setattr(clients, "dynamodb_client", lambda: lives[-1].client(memory))
    monkeypatch.setattr(clients, "sqs_client", lambda: lives[-1].client(queue))
    forget_services()
    upload("T-1", Email=ADDRESS, Name="Ada")
    add("twin", Email=ADDRESS)
    deliver(memory, DeliveryStatus.SENDING, sending_until={"S": "2026-11-29T10:02:30.000000Z"})
    *first, last = words.split()
    for each in first:
        clock.move(seconds=3600)
        WORDS[each]()
        queue.work()
    clock.move(seconds=3600)
    lives.append(life)
    forget_services()
    persisted(WORDS[last])
    while queue.tasks:
        task = {"Records": [{"body": json.dumps(queue.tasks.pop(0))}]}
        persisted(lambda: reconcile(task, Context()))  # noqa: B023 - called within the turn
    found = entry()
    assert found.applied_at is not None
    results = campaigns_wiring.delivery_store().results("T-1", CAMPAIGN, deadline())
    return (
        sorted(found.since),
        found.profiles,
        is_reached(),
        is_reached("twin"),
        sorted(profile().opted_out),
        results.sent,
        {what: count for what, count in results.after_sending.items() if count},
    )


@pytest.mark.parametrize(
    ("words", "comes_of_it"),
    [
        ("link", (["unsubscribed"], 2, False, False, ["email"], 1, {"unsubscribed": 1})),
        ("bounce", (["bounced"], 2, False, False, [], 1, {"bounced": 1})),
        ("complaint", (["complained"], 2, False, False, ["email"], 1, {"complained": 1})),
        ("link again", ([], 2, True, True, [], 1, {"unsubscribed": 1})),
        ("bounce lift", ([], 2, True, True, [], 1, {"bounced": 1})),
        ("link lift", ([], 2, True, True, [], 1, {"unsubscribed": 1})),
    ],
)
def test_who_dies_at_any_write_of_an_opt_out_or_of_its_taking_back_changes_nothing(
    words: str, comes_of_it: tuple[object, ...], monkeypatch: pytest.MonkeyPatch, clock: MovableClock
) -> None:
    monkeypatch.setattr(parallel, "_POOL", InlinePool())
    assert told(words, Life((-1, "")), monkeypatch, clock) == comes_of_it
    for number in range(MOST_WRITES):
        lives = [Life((number, "before")), Life((number, "after"))]
        for life in lives:
            assert told(words, life, monkeypatch, clock) == comes_of_it, life
        if not lives[0].has_died:
            break
    assert number > 3, "writes were gone through"
