"""A DynamoDB client whose transactions conflict as DynamoDB's do; the emulators never let two of them meet."""

import time
from collections.abc import Mapping
from threading import Event, Lock
from typing import Any

from botocore.exceptions import ClientError

from tests.support.waiting import PATIENCE_SECONDS

ItemId = tuple[str, str]

SECONDS = 0.01  # that a transaction takes, so that more of them meet


class ConflictingClient:
    """Cancels each transaction that names an item of another one under way."""

    def __init__(self, client: object) -> None:
        self._client = client
        self._met = Event()
        self._met.set()
        self._busy: set[ItemId] = set()
        self._lock = Lock()
        self.conflicts = 0
        self.done = 0

    def until_two_meet(self) -> None:
        """From now on, let transactions be under way until one has met another."""
        self.conflicts = 0
        self._met.clear()

    def transact_write_items(self, **arguments: Any) -> Any:
        items = [_item(action) for action in arguments["TransactItems"]]
        with self._lock:
            meets = [item in self._busy for item in items]
            if any(meets):
                self.conflicts += 1
                self._met.set()
                raise _cancelled(meets)
            self._busy |= set(items)
        try:
            self._met.wait(PATIENCE_SECONDS)
            time.sleep(SECONDS)
            answer = self._client.transact_write_items(**arguments)  # type: ignore[attr-defined]  # a client of boto3
        finally:
            with self._lock:
                self._busy -= set(items)
        self.done += 1
        return answer

    def __getattr__(self, operation: str) -> Any:
        return getattr(self._client, operation)


def _item(action: Mapping[str, Mapping[str, Any]]) -> ItemId:
    ((kind, what),) = action.items()
    key = what["Item"] if kind == "Put" else what["Key"]
    # A Put has all the item; the key is its "pk", or "account_id" and "sk". SegmentMembers is never put.
    names = ("pk",) if kind == "Put" and "pk" in key else ("account_id", "pk", "profile_id", "sk")
    return what["TableName"], repr([key.get(name) for name in names])


def _cancelled(meets: list[bool]) -> ClientError:
    reasons = [{"Code": "TransactionConflict" if meet else "None"} for meet in meets]
    response: Any = {
        "Error": {"Code": "TransactionCanceledException", "Message": "Transaction cancelled"},
        "CancellationReasons": reasons,
        "ResponseMetadata": {"HTTPStatusCode": 400},
    }
    return ClientError(response, "TransactWriteItems")
