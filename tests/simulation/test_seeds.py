"""Plans drawn from seeds: many clients at once, everything going wrong, and every answer held against what was."""

import os

import pytest

from tests.simulation.plan import draw
from tests.simulation.run import Failure, play, shortened
from tests.simulation.weather import Fault
from tests.simulation.world import World

SEEDS = int(os.environ.get("SIMULATION_SEEDS", "200"))
A_TEST = 25


@pytest.mark.parametrize("first", range(1, SEEDS + 1, A_TEST))
def test_what_must_hold_holds_in_all_plans(first: int) -> None:
    for seed in range(first, min(first + A_TEST, SEEDS + 1)):
        failure = play(draw(seed))
        if failure is not None:
            pytest.fail(str(shortened(failure)), pytrace=False)


def test_a_seed_always_plays_alike() -> None:
    traces = []
    for _ in range(2):
        worlds: list[World] = []
        assert play(draw(11), worlds.append) is None
        traces.append(worlds[0].trace)

    assert traces[0] == traces[1]
    assert len(traces[0]) > 100


def test_every_fault_strikes() -> None:
    struck = {fault for seed in range(1, 16) for fault in _faults_of(seed)}

    assert struck == set(Fault)


def test_plans_send_emails_and_users_opt_out_and_come_back() -> None:
    """Else what must hold of them would hold of nothing."""
    worlds: list[World] = []
    for seed in [seed for seed in range(1, 100) if draw(seed).opts_out][:12]:
        assert play(draw(seed), worlds.append) is None
    profiles = [write.new or {} for world in worlds for write in world.history.of("PROFILES_TABLE")]

    assert sum(len(world.mail.sent) for world in worlds) > 20
    assert sum("opted_out_by_user" in each for each in profiles) > 5
    assert sum("opted_in" in each for each in profiles) > 5


def test_a_plan_that_fails_is_shown_with_what_it_takes_to_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api_segments.memberships.records.sequence_of", lambda _: "1".zfill(40))
    failure = next(failure for seed in range(1, 20) if (failure := play(draw(seed))) is not None)

    short = shortened(failure)

    assert isinstance(short, Failure)
    assert 1 <= len(short.plan.requests) <= min(3, len(failure.plan.requests))
    kept = ",".join(str(request.number) for request in short.plan.requests)
    assert f"make simulate SEEDS=1 FIRST={short.plan.seed} KEEP={kept}" in str(short)
    again = play(
        draw(short.plan.seed).without(frozenset({r.number for r in draw(short.plan.seed).requests} - short.kept))
    )
    assert again is not None
    assert str(again.error) == str(short.error)


def _faults_of(seed: int) -> set[Fault]:
    worlds: list[World] = []
    assert play(draw(seed), worlds.append) is None
    return worlds[0].struck
