"""Threads that share one simulated time: whoever's sleep ends first goes on, the others wait; nobody waits really."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from heapq import heappop, heappush
from threading import Lock, Semaphore, Thread, local

from api_segments.core.clock import Clock
from tests.support.clock import START


class Turns(Clock):
    """The clock of all these threads. Sleeping is how a thread lets the others have their turn."""

    def __init__(self) -> None:
        self.passed = 0.0
        self._sleeping: list[tuple[float, int, Semaphore]] = []
        self._sleeps = 0
        self._is_idle = Semaphore(0)
        self._lock = Lock()
        self._thread = local()

    def now(self) -> datetime:
        return START + timedelta(seconds=self.passed)

    def monotonic(self) -> float:
        return self.passed

    def sleep(self, seconds: float) -> None:
        wakes: Semaphore = self._thread.wakes
        self._sleep(seconds, wakes)
        self._is_idle.release()
        wakes.acquire()

    def play(self, jobs: Sequence[Callable[[], None]]) -> None:
        """Do these jobs side by side; raises what the first of them raised that failed."""
        failures: list[BaseException] = []

        def thread(job: Callable[[], None], wakes: Semaphore) -> None:
            self._thread.wakes = wakes
            wakes.acquire()
            try:
                job()
            except BaseException as failure:  # noqa: BLE001 - raised below, in the test's own thread
                failures.append(failure)
            finally:
                self._is_idle.release()

        for job in jobs:
            wakes = Semaphore(0)
            Thread(target=thread, args=(job, wakes), daemon=True).start()
            self._sleep(0, wakes)
        while self._sleeping and not failures:
            self.passed, _, wakes = heappop(self._sleeping)
            wakes.release()
            self._is_idle.acquire()
        if failures:
            raise failures[0]

    def _sleep(self, seconds: float, wakes: Semaphore) -> None:
        with self._lock:
            self._sleeps += 1
            heappush(self._sleeping, (self.passed + seconds, self._sleeps, wakes))
