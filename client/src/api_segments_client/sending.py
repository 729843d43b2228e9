"""Batches sent several at a time, with a clean end whatever happens, and figures that add up."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass, field, replace
from typing import Generic, TypeVar

from api_segments_client.errors import PushInterrupted, PushStoppedError
from api_segments_client.models import Refused
from api_segments_client.totals import KEPT, Totals, UploadTotals

logger = logging.getLogger("api_segments_client")
Sums = TypeVar("Sums", Totals, UploadTotals)
Batch = TypeVar("Batch")


@dataclass(slots=True)
class Outcome(Generic[Sums]):
    """What became of a batch, and what ended it early, if anything did."""

    totals: Sums
    refused: list[Refused] = field(default_factory=list)
    error: Exception | None = None

    def refuse(self, refused: Refused, count: int = 1) -> None:
        """Count an entry that the API did not take."""
        self.totals.refused += count
        self.refused.append(refused)
        if len(self.totals.first_refused) < KEPT:
            self.totals.first_refused.append(refused)


@dataclass(frozen=True, slots=True)
class Progress(Generic[Batch, Sums]):
    """What has been counted, and the batches that are under way: each is in one of the two."""

    totals: Sums
    pending: dict[Future[Outcome[Sums]], Batch] = field(default_factory=dict)


@dataclass(slots=True)
class Sender(Generic[Batch, Sums]):
    """Sends batches and adds what becomes of them to its totals.

    `send` sends one, in a thread of its own, and counts it whole whatever happens; it gives up its waiting when the
    event is set. `count` says how much a batch is given. The callbacks run in the thread that calls `run`.
    """

    send: Callable[[Batch, threading.Event], Outcome[Sums]]
    count: Callable[[Batch], int]
    progress: Progress[Batch, Sums]
    """Replaced as a whole, by one assignment: a Ctrl-C comes before it or after it, and no batch is lost between."""
    in_flight: int
    on_progress: Callable[[Sums], object] | None
    on_refused: Callable[[Refused], object] | None
    _stop: threading.Event = field(default_factory=threading.Event)

    @property
    def totals(self) -> Sums:
        """What has been counted so far."""
        return self.progress.totals

    def run(self, batches: Iterator[Batch]) -> Sums:
        """Send all batches and return the totals; no more are taken than are under way.

        An error that ended a batch early, and one of `batches` or of a callback, ends all of it: what is under way
        ends first, then PushStoppedError tells the totals; after Ctrl-C it is PushInterrupted. A second Ctrl-C ends it
        without waiting: what is under way then counts as unconfirmed.
        """
        if self.in_flight < 1:
            raise ValueError(f"in_flight must be at least 1, not {self.in_flight}")
        try:
            for batch in batches:
                self._begin(batch)
                while len(self.progress.pending) >= self.in_flight:
                    self._take_next()
            while self.progress.pending:
                self._take_next()
        except KeyboardInterrupt:
            self._settle("stopping when what is under way has ended; Ctrl-C again does not wait for it")
            raise PushInterrupted(self.totals) from None
        except Exception as exc:
            self._settle()
            raise PushStoppedError(self.totals, exc) from exc
        return self.totals

    def _begin(self, batch: Batch) -> None:
        future: Future[Outcome[Sums]] = Future()
        self.progress.pending[future] = batch

        def send() -> None:
            try:
                future.set_result(self.send(batch, self._stop))
            except BaseException as exc:  # noqa: BLE001 - raised by whoever takes the result
                future.set_exception(exc)

        # The interpreter waits at its end for the threads of a pool; a daemon can't hold up a second Ctrl-C.
        threading.Thread(target=send, name="api-segments", daemon=True).start()

    def _take_next(self) -> None:
        done, _ = wait(self.progress.pending, return_when=FIRST_COMPLETED)
        future = done.pop()
        others = {each: batch for each, batch in self.progress.pending.items() if each is not future}
        failed = future.exception()
        if failed is not None:
            self.progress = Progress(self.totals, others)
            raise failed
        outcome = future.result()
        self.progress = Progress(self.totals.plus(outcome.totals), others)
        for each in outcome.refused:
            if self.on_refused is not None:
                self.on_refused(each)
        if self.on_progress is not None:
            self.on_progress(self.totals)
        if outcome.error is not None:
            raise outcome.error

    def _settle(self, said: str = "") -> None:
        """Let what is under way end, and count it."""
        self._stop.set()
        while self.progress.pending:
            try:
                if said:
                    logger.info(said)
                    said = ""
                self._take_next()
            except KeyboardInterrupt:  # noqa: PERF203 - once a batch
                count = sum(map(self.count, self.progress.pending.values()))
                given, unconfirmed = self.totals.given + count, self.totals.unconfirmed + count
                raise PushInterrupted(replace(self.totals, given=given, unconfirmed=unconfirmed)) from None
            except Exception:  # noqa: BLE001, S112 - what stopped all of it is told, not what follows from that
                continue
