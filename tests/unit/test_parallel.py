"""Running side by side, also within what runs side by side."""

import threading

import pytest

from api_segments.core import parallel
from api_segments.core.parallel import in_parallel
from tests.support.clock import MovableClock
from tests.support.waiting import PATIENCE_SECONDS

OUTER, INNER = 64, 3  # more than there are threads
PRODUCTS_POOL = parallel._POOL  # noqa: SLF001 - before a test puts the clock's own in its place


@pytest.fixture(autouse=True, params=["the product's threads", "the threads of tests"])
def pool(
    request: pytest.FixtureRequest,
    clock: MovableClock,  # noqa: ARG001 - it comes first
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert parallel._POOL is not PRODUCTS_POOL  # noqa: SLF001 - as above
    if request.param == "the product's threads":
        monkeypatch.setattr(parallel, "_POOL", PRODUCTS_POOL)


def test_calls_within_calls_do_not_wait_for_threads_that_they_hold() -> None:
    done: list[tuple[int, int]] = []
    all_wait = threading.Barrier(8)

    def outer(index: int) -> None:
        if index < all_wait.parties:
            all_wait.wait(PATIENCE_SECONDS)  # so that threads are held at the same time
        in_parallel(lambda inner: done.append((index, inner)), range(INNER))

    running = threading.Thread(target=lambda: in_parallel(outer, range(OUTER)), daemon=True)
    running.start()
    running.join(PATIENCE_SECONDS)

    assert not running.is_alive()
    assert sorted(done) == [(index, inner) for index in range(OUTER) for inner in range(INNER)]


def test_all_are_called_before_the_first_exception_is_raised() -> None:
    done: list[int] = []

    def fail_twice(value: int) -> None:
        if value in (3, 7):
            raise ValueError(value)
        done.append(value)

    with pytest.raises(ValueError, match="3"):
        in_parallel(fail_twice, range(20))

    assert sorted(done) == [value for value in range(20) if value not in (3, 7)]
