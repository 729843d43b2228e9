"""UpdateErrors table: the error stream, rejected entries of updates."""

import json
from collections.abc import Sequence
from datetime import datetime, timedelta

from segments.clock import Deadline, rfc3339
from segments.limits import UPDATE_ERROR_DAYS
from segments.model import Rejection
from segments.stores import keys
from segments.stores.dynamodb import DynamoDB, Item, chunks

# 100 entries of the longest ids (2 × 1,020 bytes and some words) stay under DynamoDB's 400 KB an item.
ENTRIES_PER_ITEM = 100


class UpdateErrorStore:
    """Keeps rejections for 30 days, up to 100 of a request in one item."""

    def __init__(self, db: DynamoDB, table: str) -> None:
        self._db = db
        self._table = table

    def keep(
        self, account_id: str, request_id: str, at: datetime, rejections: Sequence[Rejection], deadline: Deadline
    ) -> None:
        """Write the rejections of one request; raises ThrottledError or UnavailableError when not all are written."""
        occurred_at = rfc3339(at)
        expires_at = str(int((at + timedelta(days=UPDATE_ERROR_DAYS)).timestamp()))
        items: list[Item] = [
            {
                "account_id": {"S": account_id},
                "sk": {"S": keys.update_errors(occurred_at, request_id, part)},
                "occurred_at": {"S": occurred_at},
                "request_id": {"S": request_id},
                "entries": {"S": json.dumps([_to_entry(rejection) for rejection in rejected], ensure_ascii=False)},
                "expires_at": {"N": expires_at},
            }
            for part, rejected in enumerate(chunks(rejections, ENTRIES_PER_ITEM))
        ]
        self._db.batch_put(self._table, items, deadline)


def _to_entry(rejection: Rejection) -> dict[str, str | int | None]:
    return {
        "ct_segment_id": rejection.segment.segment_id,
        "customer_segment_id": rejection.segment.customer_segment_id,
        "identity": rejection.user.identity,
        "guid": rejection.user.guid,
        "action": rejection.action,
        "error": rejection.error.slug,
        "message": str(rejection.error),
    }
