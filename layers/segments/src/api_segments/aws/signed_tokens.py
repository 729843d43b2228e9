"""Texts that leave the stack and come back: signed, so that none can be made or altered elsewhere."""

import hmac
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from hashlib import sha256

from api_segments.aws.signing_key import SigningKeyStore
from api_segments.core.clock import Deadline

_MAC_BYTES = 16


class NotSignedError(Exception):
    """A token is not one of ours, was altered, or was written for another scope."""


class SignedTokens:
    """Writes and reads tokens: base64 of a MAC and of a payload.

    The MAC is over a scope too, any JSON: a token that was written for one scope is none for another.
    """

    def __init__(self, key: SigningKeyStore) -> None:
        self._key = key

    def write(self, scope: Sequence[object], payload: bytes, deadline: Deadline) -> str:
        """Return a token; raises ThrottledError or UnavailableError."""
        return _encoded(self._mac(scope, payload, deadline) + payload)

    def read(self, scope: Sequence[object], token: str, deadline: Deadline) -> bytes:
        """Return a token's payload; raises NotSignedError, ThrottledError or UnavailableError."""
        try:
            raw = urlsafe_b64decode(token.encode("ascii") + b"=" * (-len(token) % 4))
        except ValueError:
            raise NotSignedError from None
        mac, payload = raw[:_MAC_BYTES], raw[_MAC_BYTES:]
        # Base64 leaves bits at the end unused, and Python passes over characters that are none.
        if not hmac.compare_digest(mac, self._mac(scope, payload, deadline)) or _encoded(raw) != token:
            raise NotSignedError
        return payload

    def _mac(self, scope: Sequence[object], payload: bytes, deadline: Deadline) -> bytes:
        digest = sha256(json.dumps(scope).encode()).digest()
        return hmac.digest(self._key.get(deadline), digest + payload, "sha256")[:_MAC_BYTES]


def _encoded(raw: bytes) -> str:
    return urlsafe_b64encode(raw).decode().rstrip("=")
