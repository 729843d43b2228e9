"""Campaigns table: up to when the pace that all walks share is booked, one item of the stack.

A walk books the time of a page before it reads it, and gives back what the page did not need. So one campaign alone has
all of the pace, and however many there are have it together.
"""

from api_segments.aws import keys
from api_segments.aws.dynamodb import DynamoDB
from api_segments.aws.items import Attributes
from api_segments.campaigns.store_walks import CAMPAIGN_PAGE
from api_segments.core.clock import Backoff, Clock, Deadline
from api_segments.core.errors import ThrottledError

# Nobody books time that begins later than an invocation lasts (template.yaml). What is booked further ahead was
# booked at a slower pace, or by a clock that was wrong, and counts for nothing.
LONGEST_WAIT_SECONDS = 120


class PaceStore:
    """Books time for messages. `messages_per_second` is how many all campaigns together may queue."""

    def __init__(self, db: DynamoDB, table: str, messages_per_second: float, clock: Clock) -> None:
        self._db = db
        self._table = table
        self._milliseconds_a_message = 1000 / messages_per_second
        self._clock = clock
        self._known: int | None = None

    def book(self, messages: int, within: float, deadline: Deadline) -> float:
        """Return in how many seconds so many messages may be queued: that is booked, unless it is later than `within`.

        Raises ThrottledError or UnavailableError.
        """
        backoff = Backoff(deadline)
        while True:
            now = int(self._clock.now().timestamp() * 1000)
            begins = max(now, self._known or 0)
            if begins > now + LONGEST_WAIT_SECONDS * 1000 + self._time_of(CAMPAIGN_PAGE):
                begins = now
            ahead = (begins - now) / 1000
            if ahead > within:
                self._known = None  # others may give back what they booked
                return ahead
            until = begins + self._time_of(messages)
            if self._move(self._known, until, deadline):
                self._known = until
                return ahead
            self._known = self._read(deadline)
            if not backoff.wait():
                raise ThrottledError("the pace was booked by others again and again")

    def give_back(self, messages: int, deadline: Deadline) -> None:
        """Give back the time of messages that were booked and not queued; raises ThrottledError or UnavailableError."""
        self._db.update(
            deadline,
            TableName=self._table,
            Key=keys.of_account(keys.STACK, keys.PACE),
            UpdateExpression="ADD booked_until :less",
            ExpressionAttributeValues={":less": {"N": str(-self._time_of(messages))}},
        )
        if self._known is not None:
            self._known -= self._time_of(messages)

    def _time_of(self, messages: int) -> int:
        return round(messages * self._milliseconds_a_message)

    def _read(self, deadline: Deadline) -> int | None:
        item = self._db.get(self._table, keys.of_account(keys.STACK, keys.PACE), deadline)
        return None if item is None else Attributes("pace", item).whole("booked_until")

    def _move(self, known: int | None, to: int, deadline: Deadline) -> bool:
        """Book up to `to`, if it was booked up to `known`; None: if it never was."""
        return self._db.update(
            deadline,
            TableName=self._table,
            Key=keys.of_account(keys.STACK, keys.PACE),
            UpdateExpression="SET booked_until = :to",
            ConditionExpression="attribute_not_exists(account_id)" if known is None else "booked_until = :known",
            ExpressionAttributeValues={
                ":to": {"N": str(to)},
                **({} if known is None else {":known": {"N": str(known)}}),
            },
        )
