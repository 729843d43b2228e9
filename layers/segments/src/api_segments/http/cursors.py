"""Cursors: where a list goes on, signed for the account and the query that they were given for."""

import json
from collections.abc import Mapping
from datetime import timedelta

from api_segments.aws.signed_tokens import NotSignedError, SignedTokens
from api_segments.core.clock import Clock, Deadline
from api_segments.core.errors import InvalidRequestError
from api_segments.core.limits import CURSOR_HOURS
from api_segments.core.paging import Position

_CLOCKS_DIFFER_SECONDS = 60  # two functions' clocks at most, by far


class Cursors:
    """Writes and reads cursors.

    A cursor is a signed token of JSON: when it was written, and the position. Account and query are its scope, so one
    that is another account's or another query's is not one of ours.
    """

    def __init__(self, tokens: SignedTokens, clock: Clock) -> None:
        self._tokens = tokens
        self._clock = clock

    def write(self, account_id: str, query: Mapping[str, str], position: Position, deadline: Deadline) -> str:
        """Return a cursor; raises ThrottledError or UnavailableError."""
        payload = json.dumps([int(self._clock.now().timestamp()), *position], ensure_ascii=False).encode()
        return self._tokens.write(_scope(account_id, query), payload, deadline)

    def read(self, account_id: str, query: Mapping[str, str], cursor: str, deadline: Deadline) -> Position:
        """Return the position of a cursor; raises InvalidRequestError, ThrottledError or UnavailableError."""
        try:
            payload = self._tokens.read(_scope(account_id, query), cursor, deadline)
        except NotSignedError:
            raise InvalidRequestError(
                "cursor: must be the `cursor` of an earlier answer to the same query of this account"
            ) from None
        written_at, *position = json.loads(payload)
        age = self._clock.now().timestamp() - written_at
        if age < -_CLOCKS_DIFFER_SECONDS:
            raise InvalidRequestError("cursor: is of a time that is yet to come; begin the list anew")
        if age > timedelta(hours=CURSOR_HOURS).total_seconds():
            raise InvalidRequestError(f"cursor: is older than {CURSOR_HOURS} hours; begin the list anew")
        return tuple(position)


def _scope(account_id: str, query: Mapping[str, str]) -> list[object]:
    return ["cursor", account_id, sorted(query.items())]
