"""Segments table: what is noted of segments when a day begins.

Of each its counts, for HISTORY_DAYS; of a hundred together their members, for TREND_DAYS: so the last days of all
segments are read in a query or two. The notes go by themselves.
"""

from collections.abc import Mapping
from datetime import date, timedelta

from api_segments.aws import keys
from api_segments.aws.dynamodb import DynamoDB, Item
from api_segments.aws.items import Attributes, passing_over
from api_segments.core.channels import Channel
from api_segments.core.clock import Clock, Deadline, rfc3339
from api_segments.core.limits import HISTORY_DAYS, MAX_SEGMENT_ID, TREND_DAYS
from api_segments.segments.model import DayNote, SegmentCounts
from api_segments.segments.store import JOINED, LEFT, MEMBERS, counter_name


class HistoryStore:
    """Writes and reads the notes."""

    def __init__(self, db: DynamoDB, table: str, clock: Clock) -> None:
        self._db = db
        self._table = table
        self._clock = clock

    def note(self, account_id: str, segment_id: int, day: date, counts: SegmentCounts, deadline: Deadline) -> bool:
        """Note a segment's counts as those at the beginning of a day; False if they have been noted."""
        now = self._clock.now()
        figures = {MEMBERS: counts.members, JOINED: counts.joined, LEFT: counts.left}
        figures |= {counter_name(channel): counts.reachable[channel] for channel in Channel}
        figures["expires_at"] = int((now + timedelta(days=HISTORY_DAYS)).timestamp())
        item: Item = {
            **keys.of_account(account_id, keys.history(segment_id, day.isoformat())),
            "noted_at": {"S": rfc3339(now)},
            **{name: {"N": str(figure)} for name, figure in figures.items()},
        }
        return self._db.put_new(self._table, item, "account_id", deadline)

    def note_together(self, account_id: str, day: date, members: Mapping[int, int], deadline: Deadline) -> bool:
        """Note the members of some segments as those at the beginning of a day; False if those of the lowest id are."""
        item: Item = {
            **keys.of_account(account_id, keys.trend(day.isoformat(), min(members))),
            "members": {"M": {str(segment_id): {"N": str(count)} for segment_id, count in members.items()}},
            "expires_at": {"N": str(int((self._clock.now() + timedelta(days=TREND_DAYS + 1)).timestamp()))},
        }
        return self._db.put_new(self._table, item, "account_id", deadline)

    def together(self, account_id: str, first: date, last: date, deadline: Deadline) -> dict[date, dict[int, int]]:
        """Return the members that were noted together at the beginnings of the days `first` to `last`, by segment.

        Damaged notes are not among them. It follows the table within moments.
        """
        notes = self._db.query(
            None,
            passing_over(_from_trend),
            deadline,
            TableName=self._table,
            KeyConditionExpression="account_id = :account AND sk BETWEEN :first AND :last",
            ExpressionAttributeValues={
                ":account": {"S": account_id},
                ":first": {"S": keys.trend(first.isoformat(), 0)},
                ":last": {"S": keys.trend(last.isoformat(), MAX_SEGMENT_ID)},
            },
        )
        found: dict[date, dict[int, int]] = {}
        for day, members in notes:
            found.setdefault(day, {}).update(members)
        return found

    def between(self, account_id: str, segment_id: int, first: date, last: date, deadline: Deadline) -> list[DayNote]:
        """Return the notes of the days `first` to `last` in order; damaged ones are not among them."""
        return self._query(account_id, segment_id, first, last, None, deadline)

    def last_before(self, account_id: str, segment_id: int, day: date, deadline: Deadline) -> DayNote | None:
        """Return the last note of the days before `day`."""
        first = day - timedelta(days=HISTORY_DAYS)
        notes = self._query(account_id, segment_id, first, day - timedelta(days=1), 1, deadline)
        return notes[0] if notes else None

    def _query(  # noqa: PLR0913, PLR0917 - the parts of one query
        self, account_id: str, segment_id: int, first: date, last: date, at_most: int | None, deadline: Deadline
    ) -> list[DayNote]:
        return self._db.query(
            at_most,
            passing_over(_from_item),
            deadline,
            TableName=self._table,
            ConsistentRead=True,
            ScanIndexForward=at_most is None,
            KeyConditionExpression="account_id = :account AND sk BETWEEN :first AND :last",
            ExpressionAttributeValues={
                ":account": {"S": account_id},
                ":first": {"S": keys.history(segment_id, first.isoformat())},
                ":last": {"S": keys.history(segment_id, last.isoformat())},
            },
        )


def _from_trend(item: Item) -> tuple[date, dict[int, int]]:
    note = Attributes("note of a day", item)
    members = note.mapped("members", lambda segment_id, value: (int(segment_id), int(value["N"])))
    return date.fromisoformat(keys.day_of_trend(note.text("sk"))), dict(members)


def _from_item(item: Item) -> DayNote:
    note = Attributes("note of a day", item)
    counts = SegmentCounts(
        members=note.whole(MEMBERS),
        reachable={channel: note.optional(note.whole, counter_name(channel)) or 0 for channel in Channel},
        as_of=None,
        digest=None,
        joined=note.whole(JOINED),
        left=note.whole(LEFT),
    )
    return DayNote(date.fromisoformat(keys.day_in(note.text("sk"))), note.moment("noted_at"), counts)
