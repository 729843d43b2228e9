"""Cursors: where a list goes on, signed for the account and the query that they were given for."""

import hmac
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from datetime import timedelta
from hashlib import sha256

from api_segments.aws.signing_key import SigningKeyStore
from api_segments.core.clock import Clock, Deadline
from api_segments.core.errors import InvalidRequestError
from api_segments.core.limits import CURSOR_HOURS
from api_segments.core.paging import Position

_MAC_BYTES = 16


class Cursors:
    """Writes and reads cursors.

    A cursor is base64 of a MAC and of JSON: when it was written, and the position. The MAC is over account and query
    too, so one that was altered, or is another account's or another query's, is not one of ours.
    """

    def __init__(self, keys: SigningKeyStore, clock: Clock) -> None:
        self._keys = keys
        self._clock = clock

    def write(self, account_id: str, query: Mapping[str, str], position: Position, deadline: Deadline) -> str:
        """Return a cursor; raises ThrottledError or UnavailableError."""
        payload = json.dumps([int(self._clock.now().timestamp()), *position], ensure_ascii=False).encode()
        return urlsafe_b64encode(self._mac(account_id, query, payload, deadline) + payload).decode().rstrip("=")

    def read(self, account_id: str, query: Mapping[str, str], cursor: str, deadline: Deadline) -> Position:
        """Return the position of a cursor; raises InvalidRequestError, ThrottledError or UnavailableError."""
        try:
            raw = urlsafe_b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4))
        except ValueError:
            raise _not_ours() from None
        mac, payload = raw[:_MAC_BYTES], raw[_MAC_BYTES:]
        if not hmac.compare_digest(mac, self._mac(account_id, query, payload, deadline)):
            raise _not_ours()
        # Base64 leaves bits at the end unused, and Python passes over characters that are none.
        if urlsafe_b64encode(raw).decode().rstrip("=") != cursor:
            raise _not_ours()
        written_at, *position = json.loads(payload)
        if self._clock.now().timestamp() - written_at > timedelta(hours=CURSOR_HOURS).total_seconds():
            raise InvalidRequestError(f"cursor: is older than {CURSOR_HOURS} hours; begin the list anew")
        return tuple(position)

    def _mac(self, account_id: str, query: Mapping[str, str], payload: bytes, deadline: Deadline) -> bytes:
        scope = json.dumps(["cursor", account_id, sorted(query.items())]).encode()
        key = self._keys.get(deadline)
        return hmac.digest(key, sha256(scope).digest() + payload, "sha256")[:_MAC_BYTES]


def _not_ours() -> InvalidRequestError:
    return InvalidRequestError("cursor: must be the `cursor` of an earlier answer to the same query of this account")
