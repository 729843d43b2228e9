"""Makes what all rooms with lists share: the cursors."""

from functools import cache

from api_segments.aws.wiring import signing_key
from api_segments.core.clock import SYSTEM_CLOCK
from api_segments.http.cursors import Cursors


@cache
def cursors() -> Cursors:
    """Return what writes and reads the process's cursors."""
    return Cursors(signing_key(), SYSTEM_CLOCK)
