"""SegmentMembers table, read for an estimate: who is in one bucket of a segment, and how they can be reached."""

from api_segments.aws import keys
from api_segments.aws.dynamodb import DynamoDB, Item
from api_segments.aws.items import passing_over
from api_segments.core.channels import Channel
from api_segments.core.clock import Deadline
from api_segments.memberships.store_lists import reach_of_row


class AudienceStore:
    """Reads members by bucket: a profile is in the bucket of the same number of each segment that it is in."""

    def __init__(self, db: DynamoDB, table: str) -> None:
        self._db = db
        self._table = table

    def bucket(
        self, account_id: str, segment_id: int, bucket: int, deadline: Deadline
    ) -> dict[str, frozenset[Channel]]:
        """Return the reach of each member of one of a segment's MEMBER_BUCKETS buckets, by profile id.

        Damaged rows are left out.
        """
        members = self._db.query(
            None,
            passing_over(_profile_id_and_reach),
            deadline,
            TableName=self._table,
            KeyConditionExpression="pk = :pk",
            FilterExpression="attribute_not_exists(expires_at)",  # a former member's row has it
            ProjectionExpression="profile_id, reach",
            ExpressionAttributeValues={":pk": {"S": keys.member_buckets(account_id, segment_id)[bucket]}},
        )
        return dict(members)


def _profile_id_and_reach(item: Item) -> tuple[str, frozenset[Channel]]:
    return item["profile_id"]["S"], reach_of_row(item)
