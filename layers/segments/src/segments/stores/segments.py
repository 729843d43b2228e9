"""Segments table: segments, the claims of customer ids, the quota of active segments, the counters."""

from collections.abc import Mapping, Sequence, Set
from typing import TYPE_CHECKING

from segments.clock import Deadline
from segments.limits import MAX_ACTIVE_SEGMENTS, TRANSACTION_ACTIONS
from segments.model import Channel, Segment, SegmentCounts, Status
from segments.stores import keys
from segments.stores.dynamodb import ConditionFailedError, DynamoDB, Get, Item

if TYPE_CHECKING:
    from types_boto3_dynamodb.type_defs import TransactWriteItemTypeDef

# One action counts the quota; a segment with a customer id takes two.
SEGMENTS_PER_INSERT = (TRANSACTION_ACTIONS - 1) // 2


class InsertRefusedError(Exception):
    """Nothing was inserted, because of these: places among the segments, and how many more the quota would take.

    `free_places` is None when the quota was not the reason.
    """

    def __init__(self, taken_customer_ids: Set[int], taken_segment_ids: Set[int], free_places: int | None) -> None:
        super().__init__("the segments were not inserted")
        self.taken_customer_ids = taken_customer_ids
        self.taken_segment_ids = taken_segment_ids
        self.free_places = free_places


class SegmentStore:
    """Reads and writes segments."""

    def __init__(self, db: DynamoDB, table: str) -> None:
        self._db = db
        self._table = table

    def get(self, account_id: str, segment_id: int, deadline: Deadline) -> Segment | None:
        """Read a segment, consistently."""
        return self.get_many([(account_id, segment_id)], deadline).get((account_id, segment_id))

    def get_many(self, ids: Sequence[tuple[str, int]], deadline: Deadline) -> dict[tuple[str, int], Segment]:
        """Read segments by (account_id, segment_id), consistently; those that don't exist are not in the answer."""
        gets = [Get(self._table, segment_key(account_id, segment_id)) for account_id, segment_id in ids]
        return {ids[place]: from_item(item) for place, item in self._db.batch_get(gets, deadline).items()}

    def claimed(self, account_id: str, customer_segment_ids: Sequence[str], deadline: Deadline) -> set[str]:
        """Return which customer ids are in use, consistently."""
        gets = [Get(self._table, claim_key(account_id, customer_id)) for customer_id in customer_segment_ids]
        return {customer_segment_ids[place] for place in self._db.batch_get(gets, deadline)}

    def insert(self, account_id: str, segments: Sequence[Segment], deadline: Deadline) -> None:
        """Write at most SEGMENTS_PER_INSERT new segments with their claims and count them: all or none.

        Raises InsertRefusedError, ThrottledError or UnavailableError.
        """
        puts: list[tuple[int, str, Item]] = []
        for place, segment in enumerate(segments):
            puts.append((place, "segment", _to_item(segment)))
            if segment.customer_segment_id is not None:
                puts.append((place, "claim", _to_claim(segment)))
        actions = [self._count_active(account_id, len(segments)), *(self._put_new(item) for _, _, item in puts)]
        try:
            self._db.transact(lambda: actions, deadline)
        except ConditionFailedError as exc:
            failed = [puts[action - 1][:2] for action in exc.failures if action > 0]
            quota = exc.failures.get(0)
            raise InsertRefusedError(
                taken_customer_ids={place for place, what in failed if what == "claim"},
                taken_segment_ids={place for place, what in failed if what == "segment"},
                free_places=None if quota is None else max(0, MAX_ACTIVE_SEGMENTS - int(quota["active"]["N"])),
            ) from exc

    def counts(self, account_id: str, segment_ids: Sequence[int], deadline: Deadline) -> dict[int, SegmentCounts]:
        """Read members and reachable members of segments, consistently, each the sum of its slots."""
        slots = [(segment_id, sk) for segment_id in segment_ids for sk in keys.segment_counts(segment_id)]
        found = self._db.batch_get([Get(self._table, self._key(account_id, sk)) for _, sk in slots], deadline)
        items: dict[int, list[Item]] = {segment_id: [] for segment_id in segment_ids}
        for place, item in found.items():
            items[slots[place][0]].append(item)
        return {segment_id: _sum_of_slots(rows) for segment_id, rows in items.items()}

    def _count_active(self, account_id: str, new: int) -> "TransactWriteItemTypeDef":
        return {
            "Update": {
                "TableName": self._table,
                "Key": self._key(account_id, keys.ACTIVE_SEGMENTS),
                "UpdateExpression": "ADD active :new",
                "ConditionExpression": "attribute_not_exists(active) OR active <= :room",
                "ExpressionAttributeValues": {
                    ":new": {"N": str(new)},
                    ":room": {"N": str(MAX_ACTIVE_SEGMENTS - new)},
                },
                "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
            }
        }

    def _put_new(self, item: Item) -> "TransactWriteItemTypeDef":
        return {
            "Put": {
                "TableName": self._table,
                "Item": item,
                "ConditionExpression": "attribute_not_exists(account_id)",
            }
        }

    @staticmethod
    def _key(account_id: str, sk: str) -> Item:
        return {"account_id": {"S": account_id}, "sk": {"S": sk}}


def claim_key(account_id: str, customer_segment_id: str) -> Item:
    """Return the key of a customer id's claim."""
    return {"account_id": {"S": account_id}, "sk": {"S": keys.customer_segment_id_claim(customer_segment_id)}}


def segment_key(account_id: str, segment_id: int) -> Item:
    """Return the key of a segment."""
    return {"account_id": {"S": account_id}, "sk": {"S": keys.segment(segment_id)}}


def counter_name(channel: Channel) -> str:
    """Return the attribute that counts a segment's members reachable by a channel."""
    return f"reachable_{channel}"


def _sum_of_slots(slots: Sequence[Item]) -> SegmentCounts:
    def total(name: str) -> int:
        # The slots are not read at one moment, so a reader may miss a join in one and see the leave in another.
        return max(0, sum(int(slot[name]["N"]) for slot in slots if name in slot))

    reachable: Mapping[Channel, int] = {channel: total(counter_name(channel)) for channel in Channel}
    return SegmentCounts(total("members"), reachable, max((slot["as_of"]["S"] for slot in slots), default=None))


def _to_item(segment: Segment) -> Item:
    item: Item = {
        **segment_key(segment.account_id, segment.segment_id),
        "segment_id": {"N": str(segment.segment_id)},
        "segment_name": {"S": segment.name},
        "status": {"S": segment.status},
        "created_at": {"S": segment.created_at},
    }
    if segment.customer_segment_id is not None:
        item["customer_segment_id"] = {"S": segment.customer_segment_id}
    return item


def _to_claim(segment: Segment) -> Item:
    """Write the claim, which repeats id and status, so that an update by customer id needs no second read.

    It has no attribute customer_segment_id: that would put it into CustomerSegmentIdIndex.
    """
    if segment.customer_segment_id is None:
        raise ValueError("a claim needs a customer_segment_id")
    return {
        **claim_key(segment.account_id, segment.customer_segment_id),
        "segment_id": {"N": str(segment.segment_id)},
        "status": {"S": segment.status},
    }


def from_item(item: Item) -> Segment:
    """Read a `SEGMENT#` item."""
    return Segment(
        account_id=item["account_id"]["S"],
        segment_id=int(item["segment_id"]["N"]),
        name=item["segment_name"]["S"],
        customer_segment_id=item.get("customer_segment_id", {}).get("S"),
        status=Status(item["status"]["S"]),
        created_at=item["created_at"]["S"],
        deleted_at=item.get("deleted_at", {}).get("S"),
    )
