"""Segments table, read in order: by age, and by the customer's ids through CustomerSegmentIdIndex."""

from collections.abc import Callable
from typing import TypeVar

from api_segments.aws import keys
from api_segments.aws.dynamodb import DynamoDB, Item
from api_segments.aws.items import passing_over
from api_segments.core.clock import Deadline
from api_segments.core.limits import MAX_PAGE, MAX_SEGMENT_ID
from api_segments.core.paging import Position
from api_segments.segments.model import Segment, SegmentFilter, SegmentStatus
from api_segments.segments.store import claim_key, claimed_segment_id, from_item, segment_key

T = TypeVar("T")

CUSTOMER_SEGMENT_ID_INDEX = "CustomerSegmentIdIndex"


class SegmentListStore:
    """Lists the segments of an account."""

    def __init__(self, db: DynamoDB, table: str) -> None:
        self._db = db
        self._table = table

    def newest(
        self, account_id: str, status: SegmentStatus | None, before: int | None, at_most: int, deadline: Deadline
    ) -> list[Segment]:
        """Return segments of a status (None: of any) whose ids are below `before`, the newest first, consistently.

        Damaged ones are not among them. Deleted ones are read after the active ones, because a segment moves that way:
        so none is missed in between.
        """
        found: dict[int, Segment] = {}
        for each, key_of in ((SegmentStatus.ACTIVE, keys.segment), (SegmentStatus.DELETED, keys.deleted_segment)):
            if status not in (None, each):
                continue
            segments = self._newest(account_id, key_of, before, at_most, passing_over(from_item), deadline)
            found.update({segment.segment_id: segment for segment in segments})
        return [found[segment_id] for segment_id in sorted(found, reverse=True)[:at_most]]

    def newest_active_id(self, account_id: str, before: int | None, deadline: Deadline) -> int | None:
        """Return the newest active segment whose id is below `before`, consistently, by its key alone."""
        found = self._newest(account_id, keys.segment, before, 1, lambda item: keys.id_in(item["sk"]["S"]), deadline)
        return found[0] if found else None

    def _newest(  # noqa: PLR0913, PLR0917 - the parts of one query
        self,
        account_id: str,
        key_of: Callable[[int], str],
        before: int | None,
        at_most: int,
        read: Callable[[Item], T | None],
        deadline: Deadline,
    ) -> list[T]:
        return self._db.query(
            at_most,
            read,
            deadline,
            TableName=self._table,
            ConsistentRead=True,
            ScanIndexForward=False,
            KeyConditionExpression="account_id = :account AND sk BETWEEN :first AND :last",
            ExpressionAttributeValues={
                ":account": {"S": account_id},
                ":first": {"S": key_of(0)},
                ":last": {"S": key_of(MAX_SEGMENT_ID if before is None else before - 1)},
            },
        )

    def find_by_customer_id(self, account_id: str, customer_segment_id: str, deadline: Deadline) -> int | None:
        """Return the segment id of a customer id, consistently; None if its claim is damaged."""
        item = self._db.get(self._table, claim_key(account_id, customer_segment_id), deadline)
        return None if item is None else passing_over(claimed_segment_id)(item)

    def by_customer_id(
        self, account_id: str, wanted: SegmentFilter, after: Position | None, at_most: int, deadline: Deadline
    ) -> list[tuple[str, int]]:
        """Return customer ids that begin as wanted, with their segments' ids, from after `after` on.

        They come in the order of their UTF-8 bytes. Those of active segments come from the index, which follows the
        table within moments: read the segments for what they are now. The others come from the claims, consistently;
        damaged ones are not among them.
        """
        prefix = wanted.customer_segment_id_prefix or ""
        is_active = wanted.status is SegmentStatus.ACTIVE
        values = {":account": {"S": account_id}}
        query: Item
        if is_active:
            query = {
                "IndexName": CUSTOMER_SEGMENT_ID_INDEX,
                "KeyConditionExpression": "account_id = :account AND begins_with(customer_segment_id, :prefix)",
            }
            values[":prefix"] = {"S": prefix}
        else:
            query = {
                "ConsistentRead": True,
                "KeyConditionExpression": "account_id = :account AND begins_with(sk, :prefix)",
            }
            values[":prefix"] = {"S": keys.customer_segment_id_claim(prefix)}
            if wanted.status is not None:
                # So that one whose status is damaged is not passed over unseen.
                query |= {"FilterExpression": "#status <> :active", "ExpressionAttributeNames": {"#status": "status"}}
                values[":active"] = {"S": SegmentStatus.ACTIVE}
                query["Limit"] = max(at_most, MAX_PAGE)  # it counts what the filter drops too
        if after is not None:
            query["ExclusiveStartKey"] = _start_key(account_id, str(after[0]), int(after[1]), in_index=is_active)
        read = _from_index if is_active else passing_over(_from_claim)
        return self._db.query(at_most, read, deadline, TableName=self._table, ExpressionAttributeValues=values, **query)


def _start_key(account_id: str, customer_segment_id: str, segment_id: int, *, in_index: bool) -> Item:
    if not in_index:
        return claim_key(account_id, customer_segment_id)
    return {**segment_key(account_id, segment_id), "customer_segment_id": {"S": customer_segment_id}}


def _from_index(item: Item) -> tuple[str, int]:
    """Read an entry of the index: both are of its key."""
    return item["customer_segment_id"]["S"], keys.id_in(item["sk"]["S"])


def _from_claim(item: Item) -> tuple[str, int]:
    return keys.claimed_customer_segment_id(item["sk"]["S"]), claimed_segment_id(item)
