"""Idempotency table: notes of what create requests have created, each written in one transaction with the segments.

A request whose answer was lost, or whose process died, is sent again under its key and finds its own segments by them.
A request is written in parts, a transaction each. To a request that comes, each of its parts is one of these:

    NEW    there is no note: it is inserted with its note. If there is one by then, of another try: look again
    FOUND  the note has the ids of the segments that were created
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from api_segments.aws import keys
from api_segments.aws.dynamodb import DynamoDB, Get, Item
from api_segments.aws.items import Attributes
from api_segments.aws.transactions import TransactionAction, put_action
from api_segments.core.clock import Clock, Deadline
from api_segments.core.limits import IDEMPOTENCY_HOURS


@dataclass(frozen=True, slots=True)
class Part:
    """The entries of a create request, by index, that are written in one transaction; `request` is None if unnamed."""

    request: str | None
    indexes: tuple[int, ...]


class CreationStore:
    """Reads and writes the notes; they are good for as long as the key of their request."""

    def __init__(self, db: DynamoDB, table: str, clock: Clock) -> None:
        self._db = db
        self._table = table
        self._clock = clock

    def find(self, parts: Sequence[Part], deadline: Deadline) -> dict[Part, dict[int, int]]:
        """Return of the parts that were created (FOUND) the ids of their segments, by index; consistently.

        Raises ThrottledError or UnavailableError (a DamagedItemError, for one).
        """
        now = self._clock.now().timestamp()
        items = self._db.batch_get([Get(self._table, _key(part)) for part in parts], deadline)
        notes = {parts[index]: Attributes("creation's note", item) for index, item in items.items()}
        return {
            part: note.parsed("segment_ids", _segment_ids)
            for part, note in notes.items()
            if note.whole("expiration") > now
        }

    def note(self, part: Part, segment_ids: Mapping[int, int]) -> TransactionAction:
        """Return the action that notes a part as created, unless it has been."""
        now = self._clock.now()
        expires_at = int((now + timedelta(hours=IDEMPOTENCY_HOURS)).timestamp())
        return put_action(
            self._table,
            {
                **_key(part),
                "segment_ids": {"S": json.dumps(list(segment_ids.items()))},
                "expiration": {"N": str(expires_at)},
            },
            condition="attribute_not_exists(id) OR expiration <= :now",
            values={":now": {"N": str(now.timestamp())}},
        )


def _segment_ids(pairs: Sequence[tuple[int, int]]) -> dict[int, int]:
    return {int(index): int(segment_id) for index, segment_id in pairs}


def _key(part: Part) -> Item:
    return {"id": {"S": keys.creation(part.request or "", part.indexes[0])}}
