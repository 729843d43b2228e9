"""SegmentMembers table, read for an estimate: who is in one bucket of a segment, and how they can be reached."""

from api_segments.aws import keys
from api_segments.aws.dynamodb import DynamoDB
from api_segments.core.channels import Channel
from api_segments.core.clock import Deadline


class AudienceStore:
    """Reads members by bucket: a profile is in the bucket of the same number of each segment that it is in."""

    def __init__(self, db: DynamoDB, table: str) -> None:
        self._db = db
        self._table = table

    def bucket(
        self, account_id: str, segment_id: int, bucket: int, deadline: Deadline
    ) -> dict[str, frozenset[Channel]]:
        """Return the reach of each member of one of a segment's MEMBER_BUCKETS buckets, by profile id."""
        items = self._db.query(
            None,
            deadline,
            TableName=self._table,
            KeyConditionExpression="pk = :pk",
            FilterExpression="attribute_not_exists(expires_at)",  # a former member's row has it
            ProjectionExpression="profile_id, reach",
            ExpressionAttributeValues={":pk": {"S": keys.member_buckets(account_id, segment_id)[bucket]}},
        )
        return {item["profile_id"]["S"]: frozenset(map(Channel, item.get("reach", {}).get("SS", ()))) for item in items}
