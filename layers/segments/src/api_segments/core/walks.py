"""Long work in steps, from one invocation to the next."""

from collections.abc import Callable
from typing import TypeVar

from api_segments.core.clock import Deadline
from api_segments.core.errors import NotWrittenError

T = TypeVar("T")


def walk(step: Callable[[T], T | None], start: T, deadline: Deadline) -> T | None:
    """Take steps, each from where the last one ended, for as long as there is time; None when a step was the last.

    Returns where to go on otherwise. Raises NotWrittenError when it came no further than `start`, or had time left.
    """
    here = start
    try:
        while not deadline.is_over():
            further = step(here)
            if further is None:
                return None
            here = further
    except NotWrittenError:
        if not deadline.is_over() or here == start:
            raise
    return here
