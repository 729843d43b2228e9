"""SegmentMembers table, read: the members of a segment in a stable order, and one of them."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from math import ceil
from typing import TypeVar

from api_segments.aws import keys
from api_segments.aws.dynamodb import DynamoDB, Item
from api_segments.aws.items import Attributes, passing_over
from api_segments.aws.keys import MEMBER_BUCKETS
from api_segments.core.channels import Channel
from api_segments.core.clock import Deadline, rfc3339
from api_segments.core.parallel import in_parallel
from api_segments.memberships.model import Member
from api_segments.memberships.store_rows import MEMBERS_ROW, TOMBSTONE_SECONDS
from api_segments.segments.digests import member_digest
from api_segments.segments.store import counted_for

T = TypeVar("T")

# After a first call, which reads no more rows than are wanted, others read some in advance: tombstones may be many.
ROWS_AHEAD = 1000
CALLS_PER_BUCKET = 10

# A row whose `expires_at` is no number is damaged: nobody knows whether its user is a member.
_IS_NO_TOMBSTONE = "attribute_not_exists(expires_at) OR NOT attribute_type(expires_at, :number)"


@dataclass(frozen=True, slots=True)
class ListedMember:
    """A row of a segment's list: of a member, with when it was added, or of a former one, with when it was removed."""

    profile_id: str
    identity: str | None
    added_at: str | None
    removed_at: str | None


def _is_tombstone(item: Item) -> bool:
    return "N" in item.get("expires_at", ())


class MemberListStore:
    """Reads members, bucket by bucket and by profile id within a bucket. That order never changes.

    So who is a member the whole time is listed once, whoever comes and goes meanwhile.
    """

    def __init__(self, db: DynamoDB, table: str) -> None:
        self._db = db
        self._table = table

    def get(self, account_id: str, segment_id: int, profile_id: str, deadline: Deadline) -> Member | None:
        """Read one member's row, consistently; None if it is damaged."""
        key = {"pk": {"S": keys.member_bucket(account_id, segment_id, profile_id)}, "profile_id": {"S": profile_id}}
        item = self._db.get(self._table, key, deadline)
        return None if item is None or _is_tombstone(item) else passing_over(_from_item)(item)

    def ids(
        self, account_id: str, segment_id: int, after: str | None, at_most: int, deadline: Deadline
    ) -> tuple[list[str], str | None]:
        """Return profile ids as `page` does members: of damaged rows too."""
        return self._page(account_id, segment_id, after, at_most, _profile_id, None, deadline)

    def ids_in_bucket(self, account_id: str, segment_id: int, bucket: int, deadline: Deadline) -> set[str]:
        """Return the profile ids of all members in one of a segment's MEMBER_BUCKETS buckets, of damaged rows too.

        They follow the table within moments.
        """
        return set(
            self._db.query(
                None,
                _profile_id,
                deadline,
                TableName=self._table,
                KeyConditionExpression="pk = :pk",
                FilterExpression=_IS_NO_TOMBSTONE,
                ProjectionExpression="profile_id",
                ExpressionAttributeValues={
                    ":pk": {"S": keys.member_buckets(account_id, segment_id)[bucket]},
                    ":number": {"S": "N"},
                },
            )
        )

    def counts(
        self, account_id: str, segment_id: int, after: str | None, at_most: int, deadline: Deadline
    ) -> tuple[list[dict[str, int]], str | None]:
        """Return what members add to counters as `page` does members; raises DamagedItemError."""
        return self._page(account_id, segment_id, after, at_most, _counted, None, deadline)

    def page(  # noqa: PLR0913 - the parts of one query
        self,
        account_id: str,
        segment_id: int,
        after: str | None,
        at_most: int,
        *,
        expected: int | None = None,
        deadline: Deadline,
    ) -> tuple[list[Member], str | None]:
        """Return at most so many members after the profile id `after`, consistently, and the profile id to go on after.

        The latter is None when no more follow. Damaged rows are left out. There may be fewer members than `at_most`,
        even none, where many rows of former ones are in between. As many buckets are read at once as it should take, if
        the segment has the `expected` number of members; one after the other if that is None.
        """
        return self._page(account_id, segment_id, after, at_most, passing_over(_from_item), expected, deadline)

    def _page(  # noqa: PLR0913, PLR0917 - the parts of one query
        self,
        account_id: str,
        segment_id: int,
        after: str | None,
        at_most: int,
        read: Callable[[Item], T | None],
        expected: int | None,
        deadline: Deadline,
    ) -> tuple[list[T], str | None]:
        first = 0 if after is None else keys.bucket_of(after)
        pending = keys.member_buckets(account_id, segment_id)[first:]
        after_in = {pending[0]: after}
        found: list[tuple[str, T]] = []
        while pending:
            missing = at_most - len(found)
            size = 1 if expected is None else ceil(missing * MEMBER_BUCKETS / max(expected, 1))
            wave, pending = pending[:size], pending[size:]
            rows: dict[str, tuple[list[tuple[str, T]], str | None]] = {}
            in_parallel(
                lambda pk: rows.update({pk: self._bucket(pk, after_in.get(pk), missing, read, deadline)}),  # noqa: B023 - ends within the pass
                wave,
            )
            for pk in wave:
                members, last = rows[pk]
                found += members
                if len(found) >= at_most:
                    is_end = len(found) == at_most and last is None and pk == wave[-1] and not pending
                    return [row for _, row in found[:at_most]], None if is_end else found[at_most - 1][0]
                if last is not None:
                    return [row for _, row in found], last
        return [row for _, row in found], None

    def _bucket(
        self, pk: str, after: str | None, at_most: int, read: Callable[[Item], T | None], deadline: Deadline
    ) -> tuple[list[tuple[str, T]], str | None]:
        """Read a bucket until there are `at_most` members, or it ends, or enough rows of former members were read."""
        members: list[tuple[str, T]] = []
        last = after
        for call in range(CALLS_PER_BUCKET):
            values: Item = {":pk": {"S": pk}, ":number": {"S": "N"}}
            if last is not None:
                values[":last"] = {"S": last}
            items, key = self._db.query_call(
                deadline,
                TableName=self._table,
                ConsistentRead=True,
                KeyConditionExpression="pk = :pk" if last is None else "pk = :pk AND profile_id > :last",
                FilterExpression=_IS_NO_TOMBSTONE,
                ExpressionAttributeValues=values,
                Limit=max(at_most - len(members), ROWS_AHEAD if call else 1),
            )
            members += [(_profile_id(item), row) for item in items if (row := read(item)) is not None]
            if key is None:
                return members, None
            last = str(key["profile_id"]["S"])
            if len(members) >= at_most:
                break
        return members, last

    def bucket(
        self, account_id: str, segment_id: int, bucket: int, deadline: Deadline
    ) -> Iterator[Sequence[ListedMember]]:
        """Return the rows of one bucket, former members' too, a call's at a time, as of a moment ago.

        Only what is needed of a row is sent; damaged rows are left out.
        """
        pk = keys.member_buckets(account_id, segment_id)[bucket]
        start: Item = {}
        while True:
            items, last = self._db.query_call(
                deadline,
                TableName=self._table,
                KeyConditionExpression="pk = :pk",
                ProjectionExpression="profile_id, #identity, added_at, expires_at",
                ExpressionAttributeNames={"#identity": "identity"},
                ExpressionAttributeValues={":pk": {"S": pk}},
                **start,
            )
            yield [row for row in map(passing_over(_listed), items) if row is not None]
            if last is None:
                return
            start = {"ExclusiveStartKey": last}


def _listed(item: Item) -> ListedMember:
    row = Attributes(MEMBERS_ROW, item)
    expires_at = row.optional(row.whole, "expires_at")
    return ListedMember(
        _profile_id(item),
        row.optional(row.text, "identity"),
        None if expires_at is not None else row.moment("added_at"),
        None if expires_at is None else rfc3339(datetime.fromtimestamp(expires_at - TOMBSTONE_SECONDS, UTC)),
    )


def _profile_id(item: Item) -> str:
    """Read it from the key."""
    return str(item["profile_id"]["S"])


def reach_of_row(item: Item) -> frozenset[Channel]:
    """Read how a member can be reached; the row is no tombstone."""
    row = Attributes(MEMBERS_ROW, item)
    if row.has("expires_at"):
        raise row.damaged("expires_at")
    return row.some_of("reach", Channel)


def _counted(item: Item) -> dict[str, int]:
    row = Attributes(MEMBERS_ROW, item)
    return counted_for(reach_of_row(item), member_digest(row.optional(row.text, "identity"), _profile_id(item)))


def _from_item(item: Item) -> Member:
    row = Attributes(MEMBERS_ROW, item)
    return Member(
        profile_id=_profile_id(item),
        identity=row.optional(row.text, "identity"),
        added_at=row.moment("added_at"),
        reach=reach_of_row(item),
    )
