"""Segments table: marks on active segments of the campaigns that use them, without which a segment could be deleted."""

from collections.abc import Mapping, Sequence

from api_segments.aws.dynamodb import TRANSACTION_ACTIONS, ConditionFailedError, DynamoDB, Get, Item, number_set
from api_segments.aws.items import Attributes, Readings
from api_segments.aws.transactions import update_action
from api_segments.core.clock import Deadline
from api_segments.core.parallel import chunks
from api_segments.segments.store import segment_key


class SegmentUseStore:
    """Marks segments as used by campaigns. A mark changes nothing that events, lists or counts tell of a segment."""

    def __init__(self, db: DynamoDB, table: str) -> None:
        self._db = db
        self._table = table

    def mark(self, account_id: str, segment_ids: Sequence[int], campaign_id: int, deadline: Deadline) -> bool:
        """Mark segments as used by a campaign; False if not all of them are active, then some may be marked."""
        for chunk in chunks(segment_ids, TRANSACTION_ACTIONS):
            actions = [
                update_action(
                    self._table,
                    segment_key(account_id, segment_id),
                    "ADD campaign_ids :campaign",
                    condition="attribute_exists(account_id)",
                    values={":campaign": number_set({campaign_id})},
                )
                for segment_id in chunk
            ]
            try:
                self._db.transact(lambda: actions, deadline)  # noqa: B023 - called at once
            except ConditionFailedError:
                return False
        return True

    def unmark(self, account_id: str, uses: Mapping[int, Sequence[int]], deadline: Deadline) -> None:
        """Take marks off: by segment, those of these campaigns. Segments that are not active are passed over."""
        for segment_id, campaign_ids in uses.items():
            self._db.update(
                deadline,
                TableName=self._table,
                Key=segment_key(account_id, segment_id),
                UpdateExpression="DELETE campaign_ids :campaigns",
                ConditionExpression="attribute_exists(account_id)",
                ExpressionAttributeValues={":campaigns": number_set(campaign_ids)},
            )

    def users_of(
        self, account_id: str, segment_ids: Sequence[int], deadline: Deadline
    ) -> Readings[int, frozenset[int]]:
        """Return the campaigns whose marks those of the segments bear that are active, consistently."""
        found = self._db.batch_get([Get(self._table, segment_key(account_id, each)) for each in segment_ids], deadline)
        return Readings({segment_ids[index]: item for index, item in found.items()}, _users)


def _users(item: Item) -> frozenset[int]:
    return Attributes("segment", item).numbers("campaign_ids")
