"""UpdateErrors table: the error stream, rejected entries of updates."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from math import ceil
from typing import Any

from api_segments.aws import keys
from api_segments.aws.dynamodb import DynamoDB, Item
from api_segments.aws.items import Attributes, passing_over
from api_segments.core.clock import Deadline, rfc3339
from api_segments.core.limits import UPDATE_ERROR_DAYS
from api_segments.core.parallel import chunks
from api_segments.http.gateway import CODE_OF_SLUG
from api_segments.memberships.model import Action, KeptRejection, Rejection, UserReference
from api_segments.segments.model import SegmentReference

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

    def newest(
        self, account_id: str, now: datetime, before: tuple[str, int] | None, at_most: int, deadline: Deadline
    ) -> list[tuple[tuple[str, int], KeptRejection]]:
        """Return rejections of the last 30 days, the newest first, each with its position, from before `before` on.

        Damaged ones are left out.
        A position is an item's sort key and an index among its entries.
        """
        oldest = rfc3339(now - timedelta(days=UPDATE_ERROR_DAYS))
        if before is not None and before[0] < oldest:  # a range that ends before it begins is an error to DynamoDB
            return []
        query: Item = {
            "TableName": self._table,
            "ConsistentRead": True,
            "ScanIndexForward": False,
            "KeyConditionExpression": "account_id = :account AND sk BETWEEN :oldest AND :newest",
            "ExpressionAttributeValues": {
                ":account": {"S": account_id},
                ":oldest": {"S": oldest},
                ":newest": {"S": keys.AFTER_UPDATE_ERRORS if before is None else before[0]},
            },
        }
        found: list[tuple[tuple[str, int], KeptRejection]] = []
        # One item may hold all that is wanted, or a single rejection; and that of `before` may have none left.
        limit, read = ceil(at_most / ENTRIES_PER_ITEM) + 1, 0
        while True:
            items, last = self._db.query_call(deadline, **query, Limit=limit)
            for entries in filter(None, map(passing_over(_from_item), items)):
                found += [each for each in reversed(entries) if before is None or each[0] < before]
            if last is None or len(found) >= at_most:
                return found[:at_most]
            read += len(items)
            query["ExclusiveStartKey"] = last
            limit = min(4 * limit, ceil((at_most - len(found)) * read / max(len(found), 1)) + 1)


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


def _from_item(item: Item) -> list[tuple[tuple[str, int], KeptRejection]]:
    """Read an item's rejections, each with its position."""
    kept = Attributes("request's rejections", item)
    occurred_at, request_id = kept.moment("occurred_at"), kept.text("request_id")
    return kept.parsed(
        "entries",
        lambda entries: [
            ((item["sk"]["S"], index), _from_entry(occurred_at, request_id, entry))
            for index, entry in enumerate(entries)
        ],
    )


def _from_entry(occurred_at: str, request_id: str, entry: Mapping[str, Any]) -> KeptRejection:
    if entry["error"] not in CODE_OF_SLUG:
        raise ValueError("an unknown error")
    return KeptRejection(
        occurred_at=occurred_at,
        request_id=request_id,
        user=UserReference(entry["identity"], entry["guid"]),
        segment=SegmentReference(entry["ct_segment_id"], entry["customer_segment_id"]),
        action=Action(entry["action"]),
        error_slug=entry["error"],
        message=entry["message"],
    )
