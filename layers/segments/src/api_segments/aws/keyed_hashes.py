"""Hashes of what must not be read where they are kept: without the stack's key nobody can try texts out on them."""

import hmac
import json
from collections.abc import Sequence

from api_segments.aws.signing_key import SigningKeyStore
from api_segments.core.clock import Deadline

_BYTES = 16


class KeyedHashes:
    """Hashes texts by HMAC-SHA256."""

    def __init__(self, key: SigningKeyStore) -> None:
        self._key = key

    def of(self, said: Sequence[str], deadline: Deadline) -> str:
        """Return the hash of some texts, 32 hexadecimal digits; raises ThrottledError or UnavailableError."""
        # A first word that no token is signed with: a hash must never be good as a signature.
        message = json.dumps(["hash", *said]).encode()
        return hmac.digest(self._key.get(deadline), message, "sha256")[:_BYTES].hex()
