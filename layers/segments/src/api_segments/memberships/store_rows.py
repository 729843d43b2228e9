"""SegmentMembers table, Memberships turned round, with the counters that are written in the same transactions.

A row remembers the sequence number of the last record that it took in. A removed member's row stays for two days as a
tombstone (it has `expires_at`, which is also its TTL), so that a record delivered again late is known as old.
"""

import re
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from itertools import pairwise
from typing import NamedTuple, Protocol

from api_segments.aws import keys
from api_segments.aws.counters import add_to_slot, any_slot
from api_segments.aws.dynamodb import ConditionFailedError, DynamoDB, Get, Item
from api_segments.aws.items import Attributes, Readings, as_read, passing_over
from api_segments.aws.transactions import TransactionAction, update_action
from api_segments.core.channels import Channel
from api_segments.core.clock import Deadline, rfc3339
from api_segments.segments.digests import member_digest
from api_segments.segments.store import JOINED, LEFT, counted_for

# A removed member's row stays as a tombstone longer than its stream record can be delivered again (24 h).
TOMBSTONE_SECONDS = 2 * 24 * 3600

MEMBERS_ROW = "member's row"

_SEQUENCE = re.compile(r"[0-9]{40}r*")  # http.streams; repair.rows adds letters
_ATTRIBUTES = ("added_at", "expires_at", "identity", "reach", "sequence")


class MemberRow(NamedTuple):
    """What a row says: as it was read (the actual row), or as it is to be (the new one). `member`: no tombstone."""

    member: bool
    reach: Set[Channel]
    identity: str | None
    sequence: str


class RecordedRow(NamedTuple):
    """A row as a record says that it was before: it has not taken in that record, `first_sequence`, nor a later one."""

    member: bool
    reach: Set[Channel]
    identity: str | None
    first_sequence: str


@dataclass(frozen=True, slots=True)
class DamagedRow:
    """An actual row that is damaged, as it was read; what of it is not damaged can be kept."""

    item: Item

    @property
    def has_added_at(self) -> bool:
        """Whether it says when the user became a member."""
        return passing_over(lambda item: Attributes(MEMBERS_ROW, item).moment("added_at"))(self.item) is not None

    @property
    def sequence(self) -> str | None:
        """The last record that it took in, if it says so."""
        return passing_over(_sequence)(self.item)


class Countable(Protocol):
    """What a row says or will say: whether it is a member's, which channels reach the member, and who it is."""

    @property
    def member(self) -> bool:
        """Whether it counts at all."""

    @property
    def reach(self) -> Set[Channel]:
        """Channels whose counters it is in."""

    @property
    def identity(self) -> str | None:
        """The member's identity, if it has one."""


def counts_moved(profile_id: str, before: Countable | None, after: Countable) -> dict[str, int]:
    """Return by how much a segment's counters move when a profile's row that is like `before` becomes like `after`."""
    moved: dict[str, int] = {}
    if after.member:
        moved.update(counted_for(after.reach, member_digest(after.identity, profile_id)))
    if before is not None and before.member:
        for name, count in counted_for(before.reach, member_digest(before.identity, profile_id)).items():
            moved[name] = moved.get(name, 0) - count
    return moved


def moves(members: Iterable[bool]) -> dict[str, int]:
    """Return how often a user joined and left a segment who, one state after the other, was a member or was not."""
    changes = [after for before, after in pairwise(members) if before != after]
    return {JOINED: sum(changes), LEFT: len(changes) - sum(changes)}


class RowWrite(NamedTuple):
    """A row to write.

    It is written only if the row in the table is as `expected`: as recorded, as read, damaged, or (None) absent. Then
    it is as `new` says. `joined_at` is when the profile became a member, None if it was one before.
    """

    account_id: str
    segment_id: int
    profile_id: str
    expected: RecordedRow | MemberRow | DamagedRow | None
    new: MemberRow
    joined_at: datetime | None


@dataclass(frozen=True, slots=True)
class Increments:
    """What a transaction adds to counters: by (account, segment) and counter's name, and by (account, month).

    A segment of which rows change is in `counts` also if the changes even out: `as_of` then tells that rows changed.
    """

    counts: Mapping[tuple[str, int], Mapping[str, int]]
    data_points: Mapping[tuple[str, str], int]


class RowsDifferError(Exception):
    """Nothing was written: some rows are not as expected; `actual` has those, by index among what was to write."""

    def __init__(self, actual: Readings[int, MemberRow | None]) -> None:
        super().__init__(f"{len(actual)} rows are not as expected")
        self.actual = actual


class RowStore:
    """Writes rows and counters together."""

    def __init__(self, db: DynamoDB, members_table: str, segments_table: str, accounts_table: str) -> None:
        self._db = db
        self._members_table = members_table
        self._segments_table = segments_table
        self._accounts_table = accounts_table

    def write(self, rows: Sequence[RowWrite], increments: Increments, now: datetime, deadline: Deadline) -> None:
        """Write rows and add to counters, all or nothing, at most 100 actions.

        Raises RowsDifferError, ThrottledError or UnavailableError.
        """
        row_actions = [self._row_action(row, now) for row in rows]

        def build() -> list[TransactionAction]:
            # One slot for all counters of a transaction: two that meet in a counter meet one time in eight, then part.
            slot = any_slot()
            counts = [
                add_to_slot(
                    self._segments_table,
                    keys.of_account(account_id, keys.segment_counts(segment_id)[slot]),
                    deltas,
                    rfc3339(now),
                )
                for (account_id, segment_id), deltas in increments.counts.items()
            ]
            usage = [
                add_to_slot(
                    self._accounts_table,
                    keys.of_account(account_id, keys.usage(month)[slot]),
                    {"data_points": points},
                )
                for (account_id, month), points in increments.data_points.items()
            ]
            return [*row_actions, *counts, *usage]

        try:
            self._db.transact(build, deadline)
        except ConditionFailedError as exc:
            found = {index: item or {} for index, item in exc.failures.items()}
            raise RowsDifferError(Readings(found, lambda item: _row(item) if item else None)) from exc

    def forget(self, account_id: str, segment_id: int, profile_ids: Sequence[str], deadline: Deadline) -> None:
        """Delete rows of a deleted segment whose counters nobody reads; raises ThrottledError or UnavailableError."""
        row_keys = [_row_key(account_id, segment_id, profile_id) for profile_id in profile_ids]
        self._db.batch_delete(self._members_table, row_keys, deadline)

    def read(
        self, account_id: str, rows: Sequence[tuple[int, str]], deadline: Deadline
    ) -> Readings[tuple[int, str], MemberRow]:
        """Read rows by (segment_id, profile_id), consistently; those that are not there are not in the answer."""
        gets = [Get(self._members_table, _row_key(account_id, segment_id, profile)) for segment_id, profile in rows]
        found = self._db.batch_get(gets, deadline)
        return Readings({rows[index]: item for index, item in found.items()}, _with_added_at)

    def _row_action(self, row: RowWrite, now: datetime) -> TransactionAction:
        condition, values, condition_names = _condition(row.expected)
        sets: Item = {"sequence": {"S": row.new.sequence}}
        if row.new.member:
            if row.joined_at is not None:
                sets["added_at"] = {"S": rfc3339(row.joined_at)}
            if row.new.reach:
                sets["reach"] = {"SS": sorted(row.new.reach)}
            if row.new.identity is not None:
                sets["identity"] = {"S": row.new.identity}
            removes = [name for name in ("expires_at", "identity", "reach") if name not in sets]
        else:
            removes = ["added_at", "identity", "reach"]
            sets["expires_at"] = {"N": str(int(now.timestamp()) + TOMBSTONE_SECONDS)}
        expression = _expression(tuple(sets), tuple(removes))
        return update_action(
            self._members_table,
            _row_key(row.account_id, row.segment_id, row.profile_id),
            expression,
            condition=condition,
            values={**values, **{f":{name}": value for name, value in sets.items()}},
            names={**_names_in(expression), **condition_names},
            tells_found=True,
        )


@cache
def _expression(sets: tuple[str, ...], removes: tuple[str, ...]) -> str:
    """Return the expression that sets attributes and removes others."""
    return f"SET {', '.join(f'#{name} = :{name}' for name in sets)} REMOVE {', '.join(f'#{name}' for name in removes)}"


@cache
def _names_in(expression: str) -> dict[str, str]:
    """Return the attributes that an expression of ours names, by what it calls them; the few there are are kept."""
    return {f"#{name}": name for name in re.findall(r"#(\w+)", expression)}


def _condition(expected: RecordedRow | MemberRow | DamagedRow | None) -> tuple[str, Item, dict[str, str]]:
    """Return the condition that a row is as expected, its values and its names."""
    if isinstance(expected, DamagedRow):
        return as_read(expected.item, _ATTRIBUTES)
    condition, values = _condition_of(expected)
    return condition, values, _names_in(condition)


def _condition_of(expected: RecordedRow | MemberRow | None) -> tuple[str, Item]:
    if expected is None:
        return "attribute_not_exists(#profile_id)", {}
    if isinstance(expected, MemberRow):
        return "#sequence = :actual", {":actual": {"S": expected.sequence}}
    first: Item = {":first": {"S": expected.first_sequence}}
    if not expected.member:
        return "attribute_not_exists(#profile_id) OR (attribute_exists(#expires_at) AND #sequence < :first)", first
    condition, values = "attribute_not_exists(#expires_at) AND #sequence < :first", first
    was: dict[str, Item | None] = {
        "reach": {"SS": sorted(expected.reach)} if expected.reach else None,
        "identity": None if expected.identity is None else {"S": expected.identity},
    }
    for name, value in was.items():
        condition += f" AND attribute_not_exists(#{name})" if value is None else f" AND #{name} = :was_{name}"
        values |= {} if value is None else {f":was_{name}": value}
    return condition, values


def _row_key(account_id: str, segment_id: int, profile_id: str) -> Item:
    return {"pk": {"S": keys.member_bucket(account_id, segment_id, profile_id)}, "profile_id": {"S": profile_id}}


def _row(item: Item) -> MemberRow:
    row = Attributes(MEMBERS_ROW, item)
    return MemberRow(
        member=row.optional(row.whole, "expires_at") is None,
        reach=row.some_of("reach", Channel),
        identity=row.optional(row.text, "identity"),
        sequence=_sequence(item),
    )


def _sequence(item: Item) -> str:
    row = Attributes(MEMBERS_ROW, item)
    sequence = row.text("sequence")
    if not _SEQUENCE.fullmatch(sequence):
        raise row.damaged("sequence")
    return sequence


def _with_added_at(item: Item) -> MemberRow:
    """Read a row with all that it shows."""
    row = _row(item)
    if row.member:
        Attributes(MEMBERS_ROW, item).moment("added_at")
    return row
