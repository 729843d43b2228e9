"""Segments table, read in order: by age, and by the customer's ids through CustomerSegmentIdIndex."""

from api_segments.aws import keys
from api_segments.aws.dynamodb import DynamoDB, Item
from api_segments.core.clock import Deadline
from api_segments.core.limits import MAX_PAGE, MAX_SEGMENT_ID
from api_segments.core.paging import Position
from api_segments.segments.model import Segment, SegmentFilter, SegmentStatus
from api_segments.segments.store import claim_key, from_item, segment_key

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

        Deleted ones are read after the active ones, because a segment moves that way: so none is missed in between.
        """
        found: dict[int, Segment] = {}
        for each, key_of in ((SegmentStatus.ACTIVE, keys.segment), (SegmentStatus.DELETED, keys.deleted_segment)):
            if status not in (None, each):
                continue
            items = self._db.query(
                at_most,
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
            found.update({segment.segment_id: segment for segment in map(from_item, items)})
        return [found[segment_id] for segment_id in sorted(found, reverse=True)[:at_most]]

    def find_by_customer_id(self, account_id: str, customer_segment_id: str, deadline: Deadline) -> int | None:
        """Return the segment id of a customer id, consistently."""
        item = self._db.get(self._table, claim_key(account_id, customer_segment_id), deadline)
        return None if item is None else int(item["segment_id"]["N"])

    def by_customer_id(
        self, account_id: str, wanted: SegmentFilter, after: Position | None, at_most: int, deadline: Deadline
    ) -> list[tuple[str, int]]:
        """Return customer ids that begin as wanted, with their segments' ids, from after `after` on.

        They come in the order of their UTF-8 bytes. Those of active segments come from the index, which follows the
        table within moments: read the segments for what they are now. The others come from the claims, consistently.
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
                query |= {"FilterExpression": "#status = :status", "ExpressionAttributeNames": {"#status": "status"}}
                values[":status"] = {"S": wanted.status}
                query["Limit"] = max(at_most, MAX_PAGE)  # it counts what the filter drops too
        if after is not None:
            query["ExclusiveStartKey"] = _start_key(account_id, str(after[0]), int(after[1]), in_index=is_active)
        items = self._db.query(at_most, deadline, TableName=self._table, ExpressionAttributeValues=values, **query)
        return [(_customer_segment_id(item), int(item["segment_id"]["N"])) for item in items]


def _start_key(account_id: str, customer_segment_id: str, segment_id: int, *, in_index: bool) -> Item:
    if not in_index:
        return claim_key(account_id, customer_segment_id)
    return {**segment_key(account_id, segment_id), "customer_segment_id": {"S": customer_segment_id}}


def _customer_segment_id(item: Item) -> str:
    """Read it from a segment's item, or from a claim, whose key it is."""
    if "customer_segment_id" in item:
        return str(item["customer_segment_id"]["S"])
    return keys.claimed_customer_segment_id(item["sk"]["S"])
