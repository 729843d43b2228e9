"""Runs seeds: `python -m tests.simulation.run 1000` plays seeds 1 to 1000 of clients' requests, then 1 to 1000 of
imports; `--what imports` plays those alone, `1 --first 7 --keep 3,4` part of one of requests.

A seed of requests that fails is cut down to those that it needs to fail, and shown with the trace of those.
"""

import argparse
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from tests.simulation import importing
from tests.simulation.clients import Clients
from tests.simulation.delivery import READERS, WORKERS, Poller, work_off
from tests.simulation.invariants import check_all, check_counts
from tests.simulation.plan import ACCOUNTS, Plan, draw
from tests.simulation.world import World
from tests.support.events import Event

TRACE_LINES = 120
LONGEST_REQUEST = 40.0


@dataclass(frozen=True)
class Failure:
    """A plan that breaks an invariant, and how it came to that."""

    plan: Plan
    error: BaseException
    trace: Sequence[str]

    @property
    def kept(self) -> frozenset[int]:
        """The requests of the plan, by number."""
        return frozenset(request.number for request in self.plan.requests)

    def _line(self) -> str:
        """Return the line that an assertion without a message stands on."""
        frame = traceback.extract_tb(self.error.__traceback__)[-1]
        return f"{frame.filename}:{frame.lineno}: {frame.line}"

    def __str__(self) -> str:
        kept = ",".join(map(str, sorted(self.kept)))
        shown = self.trace[-TRACE_LINES:]
        return "\n".join(
            [
                f"seed {self.plan.seed} fails: {type(self.error).__name__}: {str(self.error) or self._line()}",
                f"replay: make simulate SEEDS=1 FIRST={self.plan.seed} KEEP={kept}",
                *map(str, self.plan.requests),
                f"… {len(self.trace) - len(shown)} lines before"
                if len(shown) < len(self.trace)
                else "the whole trace:",
                *shown,
            ]
        )


def play(plan: Plan, show: Callable[[World], object] = lambda _: None) -> Failure | None:
    """Play a plan, drain what it wrote, and check everything; `show` is given the world beforehand."""
    world = World(f"seed {plan.seed}")
    show(world)
    with world.installed():
        try:
            _play(plan, world)
        except Exception as error:  # noqa: BLE001 - any error is a finding
            return Failure(plan, error, world.trace)
    return None


def _play(plan: Plan, world: World) -> None:
    clients = Clients(world)
    if plan.active_before:
        for account_id in ACCOUNTS:
            world.tables.set_quota(account_id, plan.active_before)
    world.run(lambda: _start(clients, plan))
    pollers = [Poller(world, function, shard, plan.shards) for function in READERS for shard in range(plan.shards)]
    for poller in pollers:
        world.spawn(poller.name, poller.poll)
    for url in WORKERS:
        for worker in range(2):
            world.spawn(f"{url} {worker}", partial(work_off, world, url, worker))
    world.spawn_loose("repairs", lambda: _repair(world), 0)
    numbers = sorted({request.client for request in plan.requests})
    tasks = [world.spawn(f"client {number}", partial(clients.play, plan.of_client(number))) for number in numbers]
    world.spawn("watcher", lambda: _watch(world))
    for task in tasks:
        world.scheduler.run(until=task)
    world.heal()
    if clients.opting_out.is_left:  # the daily reconciliation makes up for tasks that were never queued
        world.run(lambda: _sweep(world))
    world.is_over = True
    world.scheduler.run()
    world.run(lambda: _replay(pollers))
    check_all(clients, ACCOUNTS, plan.active_before)


def _start(clients: Clients, plan: Plan) -> None:
    """Create the accounts, each with two segments, with nothing going wrong."""
    clients.world.mild = True
    for account_id in ACCOUNTS:
        event: Event = {"operation": "create_account", "name": account_id, "plan": "Advanced", "account_id": account_id}
        event["private_beta"] = True  # or campaigns would send nothing
        outcome = clients.world.invoke("accounts", event, f"{account_id} made")
        assert outcome.answer is not None
        assert outcome.answer["status"] == "success", outcome.answer
        clients.create_quietly(account_id, ["C0", None])
        if plan.opts_out:
            clients.opting_out.prepare(account_id)
    clients.world.mild = False


def _repair(world: World) -> None:
    """Ask for reconciliations while everything goes on."""
    chance = world.random("repairs")
    for turn in range(chance.choice([0, 0, 1, 3])):
        world.pause(chance.uniform(0, 8))
        event = {"operation": "reconcile_account", "account_id": chance.choice(ACCOUNTS)}
        world.invoke("reconcile", event, f"repair {turn}", 120.0)


def _sweep(world: World) -> None:
    """Reconcile when the last request has ended, and what it left under way."""
    world.pause(LONGEST_REQUEST)
    world.invoke("reconcile", {"operation": "reconcile_all"}, "sweep", 120.0)


def _watch(world: World) -> None:
    """Look at the counters while everything goes on, whenever something was written since the last look."""
    seen = None
    while not world.is_over:
        if seen != world.history.now:
            seen = world.history.now
            for account_id in ACCOUNTS:
                check_counts(world, account_id)
        world.pause(1.7)


def _replay(pollers: Sequence[Poller]) -> None:
    """Deliver what was given up, as docs/operations.md has it, the last first."""
    for poller in pollers:
        for batch in reversed(poller.on_failure):
            if poller.invoke(batch) is not None:
                raise AssertionError(f"{poller.name} does not take a replayed batch: {batch}")


def shortened(failure: Failure) -> Failure:
    """Leave out requests as long as the plan still fails."""
    best, size = failure, max(1, len(failure.plan.requests) // 2)
    while size:
        numbers = [request.number for request in best.plan.requests]
        for start in range(0, len(numbers), size):
            smaller = play(best.plan.without(frozenset(numbers[start : start + size])))
            if smaller is not None:
                best = smaller
                break
        else:
            size //= 2
    return best


def failure_of_requests(seed: int, kept: frozenset[int] = frozenset(), *, is_quick: bool = False) -> str | None:
    """Play a seed, or only the requests that are kept; return how it fails, cut down if there is time."""
    plan = draw(seed)
    if kept:
        plan = plan.without(frozenset({request.number for request in plan.requests} - kept))
    failure = play(plan)
    if failure is None:
        return None
    return str(failure if kept or is_quick else shortened(failure))


def failure_of_import(seed: int) -> str | None:
    """Play a seed of imports; return how it fails."""
    try:
        importing.play(seed)
    except Exception as error:  # noqa: BLE001 - any error is a finding
        replay = f"replay: make simulate WHAT=imports SEEDS=1 FIRST={seed}"
        return "\n".join([f"seed {seed} of imports fails", replay, *traceback.format_exception(error)])
    return None


def main(arguments: Sequence[str]) -> int:
    """Play seeds until one fails or all are done."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("seeds", type=int, help="how many seeds to play, of each kind")
    parser.add_argument("--first", type=int, default=1, help="the first seed")
    parser.add_argument("--what", choices=("requests", "imports"), help="play this kind alone")
    parser.add_argument("--keep", default="", help="play only these requests of each plan, and no imports")
    parser.add_argument("--quick", action="store_true", help="show a plan that fails as it is, not cut down")
    chosen = parser.parse_args(arguments)
    kept = frozenset(map(int, filter(None, chosen.keep.split(","))))
    kinds: dict[str, Callable[[int], str | None]] = {
        "requests": partial(failure_of_requests, kept=kept, is_quick=chosen.quick),
        "imports": failure_of_import,
    }
    only = "requests" if kept else chosen.what
    for kind in kinds if only is None else (only,):
        started = time.monotonic()
        for seed in range(chosen.first, chosen.first + chosen.seeds):
            failure = kinds[kind](seed)
            if failure is not None:
                print(failure)  # noqa: T201 - a command line prints
                return 1
        print(f"{chosen.seeds} seeds of {kind} hold, in {time.monotonic() - started:.0f} s")  # noqa: T201 - as above
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
