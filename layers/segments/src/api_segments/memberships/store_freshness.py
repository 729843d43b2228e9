"""Segments table: how far behind the stream each process that projects was, an item a minute, kept for two hours."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from api_segments.aws import keys
from api_segments.aws.dynamodb import DynamoDB, Item
from api_segments.aws.items import Attributes, passing_over
from api_segments.core.clock import Deadline, rfc3339

KEPT = timedelta(hours=2)
_MINUTE = len("2026-11-29T14:13")


@dataclass(frozen=True, slots=True)
class Lag:
    """How many seconds a process was behind: when it noted that last, and at worst in that minute."""

    noted_at: str
    latest: float
    worst: float


class FreshnessStore:
    """Writes and reads the items."""

    def __init__(self, db: DynamoDB, table: str) -> None:
        self._db = db
        self._table = table

    def note(self, process: str, now: datetime, latest: float, worst: float, deadline: Deadline) -> None:
        """Note how far behind a process is; raises ThrottledError or UnavailableError."""
        self._db.update(
            deadline,
            TableName=self._table,
            Key=keys.of_account(keys.STACK, keys.lags(rfc3339(now)[:_MINUTE]) + process),
            UpdateExpression="SET noted_at = :now, latest = :latest, worst = :worst, expires_at = :expires",
            ExpressionAttributeValues={
                ":now": {"S": rfc3339(now)},
                ":latest": {"N": f"{latest:.3f}"},
                ":worst": {"N": f"{worst:.3f}"},
                ":expires": {"N": str(int((now + KEPT).timestamp()))},
            },
        )

    def since(self, then: datetime, deadline: Deadline) -> list[Lag]:
        """Return what was noted since a minute; damaged items are not among it."""
        return self._db.query(
            None,
            passing_over(_from_item),
            deadline,
            TableName=self._table,
            KeyConditionExpression="account_id = :stack AND sk BETWEEN :first AND :last",
            ExpressionAttributeValues={
                ":stack": {"S": keys.STACK},
                ":first": {"S": keys.lags(rfc3339(then)[:_MINUTE])},
                ":last": {"S": f"{keys.LAGS}:"},  # after every digit
            },
        )


def _from_item(item: Item) -> Lag:
    lag = Attributes("reader's lag", item)
    return Lag(lag.moment("noted_at"), lag.number("latest"), lag.number("worst"))
