"""Time for tests: it passes when the product sleeps and when a test says so, however fast or slow the machine is."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from threading import Lock, local
from typing import Any

import pytest

from api_segments.core import parallel
from api_segments.core.clock import SYSTEM_CLOCK, Clock

START = datetime(2026, 12, 1, 9, 30, tzinfo=UTC)
THREADS = 16  # as many as the product has


@dataclass
class _Line:
    """The time as one thread has it: seconds since the clock's start."""

    passed: float = 0.0


class MovableClock(Clock):
    """A clock that sleeping and `move` move, at once. Sleeps are noted in `slept`; `meanwhile` is called in each.

    `tick` is how much the time of day moves each time it is looked at, for what needs moments that differ. Tasks side
    by side sleep side by side: see `_Branching`. Threads that race (`racing`) wait really and move nothing: each waits
    for the others, for as long as they need, and no deadline ends that.
    """

    def __init__(self, tick: timedelta = timedelta()) -> None:
        self.tick = tick
        self.slept: list[float] = []
        self.meanwhile: Callable[[], object] = lambda: None
        self._start = START
        self._root = _Line()
        self._lines = local()
        self._lock = Lock()

    def now(self) -> datetime:
        with self._lock:
            self._start += self.tick
            return self._start + timedelta(seconds=self.monotonic())

    def monotonic(self) -> float:
        return self._line().passed

    def sleep(self, seconds: float) -> None:
        if getattr(_THREAD, "is_racing", False):
            time.sleep(seconds)
            return
        self.slept.append(seconds)
        self.move(seconds=seconds)
        self.meanwhile()

    def move(self, **by: float) -> None:
        """Let time pass, as much as `timedelta(**by)`."""
        self._line().passed += timedelta(**by).total_seconds()

    def _line(self) -> _Line:
        line: _Line = getattr(self._lines, "line", self._root)
        return line

    @contextmanager
    def _on(self, line: _Line) -> Iterator[None]:
        before = self._line()
        self._lines.line = line
        try:
            yield
        finally:
            self._lines.line = before


class _Branching(ThreadPoolExecutor):
    """Runs tasks side by side in time too: each begins when it was handed over, whatever the others have slept since.

    Whoever asks for a task's result waits for its end, or does itself, in the task's time, what no thread has begun.
    """

    def __init__(self, clock: MovableClock, threads: int) -> None:
        super().__init__(threads)
        self._clock = clock

    def submit(self, do: Callable[..., Any], /, *arguments: Any, **named: Any) -> "Future[Any]":
        clock = self._clock
        branch = _Line(clock.monotonic())
        is_racing = getattr(_THREAD, "is_racing", False)

        def run() -> Any:
            _THREAD.is_racing = is_racing
            with clock._on(branch):  # noqa: SLF001 - its other half
                return do(*arguments, **named)

        future: Future[Any] = super().submit(run)
        cancel, result = future.cancel, future.result

        def waited_for(timeout: float | None = None) -> Any:
            try:
                return run() if cancel() else result(timeout)
            finally:
                clock.move(seconds=max(0.0, branch.passed - clock.monotonic()))

        future.result = waited_for  # type: ignore[method-assign]  # the pool makes its futures itself
        future.cancel = lambda: False  # type: ignore[method-assign]  # else who waits would do it in its own time
        return future


_THREAD = local()


@contextmanager
def racing() -> Iterator[None]:
    """Mark this thread as one of several that race."""
    _THREAD.is_racing = True
    try:
        yield
    finally:
        _THREAD.is_racing = False


@contextmanager
def system_time(clock: MovableClock) -> Iterator[MovableClock]:
    """Let the product take its time from a clock of the test's own."""
    with pytest.MonkeyPatch.context() as patch, _Branching(clock, THREADS) as pool:
        for name in ("now", "monotonic", "sleep"):
            patch.setattr(SYSTEM_CLOCK, name, getattr(clock, name))
        patch.setattr(parallel, "_POOL", pool)
        yield clock
