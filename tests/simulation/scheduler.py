"""Simulated time and tasks that take turns: one runs at a time, and what comes next depends on the seed alone."""

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from greenlet import getcurrent, greenlet

START = 1_795_000_000.25  # November 2026


class Killed(BaseException):
    """The process ends here: no code of the product can catch it."""


@dataclass(eq=False)
class Task:
    """Something that goes on until it pauses. `process` is what it runs for now (an Invocation), if anything."""

    name: str
    work: Callable[[], object]
    process: Any = None
    error: BaseException | None = None
    ended: bool = False
    course: greenlet | None = field(default=None, repr=False)


class Scheduler:
    """Runs tasks in the order of the times that they wait for, all in the thread of whoever runs it."""

    def __init__(self) -> None:
        self.now = START
        self._order = count()
        self._waiting: list[tuple[float, int, Task]] = []
        self._current: Task | None = None
        self._runner = getcurrent()
        self.is_closing = False

    def spawn(self, name: str, work: Callable[[], object], after: float = 0.0, process: object = None) -> Task:
        """Start a task `after` seconds from now."""
        task = Task(name, work, process)
        self._push(task, after)
        return task

    def current(self) -> Task:
        """Return the task that this code runs in."""
        assert self._current is not None
        return self._current

    def current_or_none(self) -> Task | None:
        """Return the task that this code runs in, None outside of all."""
        return self._current

    def pause(self, seconds: float) -> None:
        """Let others run until the time has come."""
        if self.is_closing:
            raise Killed
        self._push(self.current(), seconds)
        self._runner.switch()
        if self.is_closing:
            raise Killed

    def run(self, until: Task | None = None) -> None:
        """Run all tasks to their end, or only as long as `until` takes; raise the first error of any."""
        while self._waiting and not (until is not None and until.ended):
            at, _, task = heapq.heappop(self._waiting)
            self.now = max(self.now, at)
            self._resume(task)
            if task.error is not None:
                raise task.error

    def close(self) -> None:
        """End every task that has not ended."""
        self.is_closing = True
        while self._waiting:
            self._resume(heapq.heappop(self._waiting)[2])

    def _push(self, task: Task, seconds: float) -> None:
        heapq.heappush(self._waiting, (self.now + seconds, next(self._order), task))

    def _resume(self, task: Task) -> None:
        if task.course is None:
            if self.is_closing:
                return
            task.course = greenlet(_live)
        self._runner, self._current = getcurrent(), task
        task.course.switch(task)
        self._current = None


def _live(task: Task) -> None:
    try:
        task.work()
    except Killed:
        pass
    except BaseException as error:  # noqa: BLE001 - raised again by whoever runs the scheduler
        task.error = error
    finally:
        task.ended = True
