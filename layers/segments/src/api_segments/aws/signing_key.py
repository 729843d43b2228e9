"""The key that the stack signs with: drawn when it is first needed, kept in Accounts, read once a process."""

from secrets import token_bytes

from api_segments.aws import keys
from api_segments.aws.dynamodb import DynamoDB, Item
from api_segments.aws.items import Attributes
from api_segments.core.clock import Deadline
from api_segments.core.errors import UnavailableError

KEY_BYTES = 32


class SigningKeyStore:
    """Keeps one key for all accounts; whoever signs puts the account into what is signed."""

    def __init__(self, db: DynamoDB, accounts_table: str) -> None:
        self._db = db
        self._table = accounts_table
        self._known: bytes | None = None

    def get(self, deadline: Deadline) -> bytes:
        """Return the key; raises ThrottledError or UnavailableError."""
        if self._known is None:
            self._known = self._read(deadline) or self._draw(deadline)
        return self._known

    def _draw(self, deadline: Deadline) -> bytes:
        """Write a new key, unless another process was first."""
        self._db.put_new(self._table, {**self._key(), "key": {"B": token_bytes(KEY_BYTES)}}, "account_id", deadline)
        drawn = self._read(deadline)
        if drawn is None:
            raise UnavailableError("the signing key was written and is not there")
        return drawn

    def _read(self, deadline: Deadline) -> bytes | None:
        item = self._db.get(self._table, self._key(), deadline)
        return None if item is None else Attributes("signing key", item).octets("key")

    @staticmethod
    def _key() -> Item:
        return keys.of_account(keys.STACK, keys.SIGNING_KEY)
