"""Segments table: segments, the claims of customer ids, the quota of active segments, the counters.

A deleted segment moves to a key of its own, so that listing the active ones costs the same however many were deleted.
"""

from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from functools import cache

from api_segments.aws import keys
from api_segments.aws.counters import slots_between
from api_segments.aws.dynamodb import TRANSACTION_ACTIONS, ConditionFailedError, DynamoDB, Get, Item
from api_segments.aws.items import Attributes, Readings, as_read, passing_over
from api_segments.aws.transactions import TransactionAction, delete_action, put_action, update_action
from api_segments.core.channels import Channel
from api_segments.core.clock import Backoff, Deadline
from api_segments.core.errors import UnavailableError
from api_segments.core.limits import MAX_ACTIVE_SEGMENTS
from api_segments.segments.model import (
    NO_MEMBERS,
    CountedSegment,
    Segment,
    SegmentChange,
    SegmentCounts,
    SegmentStatus,
)

# One action counts the quota, one notes what was created; a segment with a customer id takes two.
SEGMENTS_PER_INSERT = (TRANSACTION_ACTIONS - 2) // 2


class InsertRefusedError(Exception):
    """Nothing was inserted, because of these: indexes among the segments, and how many more the quota would take.

    `quota_left` is None when the quota was not the reason.
    """

    def __init__(self, taken_customer_ids: Set[int], taken_segment_ids: Set[int], quota_left: int | None) -> None:
        super().__init__("the segments were not inserted")
        self.taken_customer_ids = taken_customer_ids
        self.taken_segment_ids = taken_segment_ids
        self.quota_left = quota_left


class AlreadyInsertedError(Exception):
    """Nothing was inserted, because an earlier try of the same request has inserted its segments."""


@dataclass(frozen=True, slots=True)
class CounterSlot:
    """One slot of a segment's counters, as it is; `as_of` is None if it has never been written.

    `counts` is what its members add up to. `totals` only grow: users who joined, who left, and of those whom the
    clean-up of the deleted segment took away. A slot that is `damaged` is that item, and counts nothing.
    """

    as_of: str | None
    counts: Mapping[str, int]
    totals: Mapping[str, int]
    damaged: Item | None = None

    @property
    def purged(self) -> int:
        """Members whom the clean-up took away."""
        return self.totals.get(PURGED, 0)


class SegmentStore:
    """Reads and writes segments."""

    def __init__(self, db: DynamoDB, table: str) -> None:
        self._db = db
        self._table = table

    def get(self, account_id: str, segment_id: int, deadline: Deadline) -> Segment | None:
        """Read a segment, active or deleted, consistently."""
        return self.get_many([(account_id, segment_id)], deadline).get((account_id, segment_id))

    def get_many(self, ids: Sequence[tuple[str, int]], deadline: Deadline) -> Readings[tuple[str, int], Segment]:
        """Read segments by (account_id, segment_id), consistently; those that never existed are not in the answer.

        Looks among the deleted ones only for what is not active, and after it: a segment may move between the two.
        """
        found = self._items(ids, segment_key, deadline)
        rest = [index for index in ids if index not in found]
        return Readings(found | self._items(rest, deleted_segment_key, deadline) if rest else found, from_item)

    def get_active(self, ids: Sequence[tuple[str, int]], deadline: Deadline) -> Readings[tuple[str, int], Segment]:
        """Read those of the segments that are active, consistently."""
        return Readings(self._items(ids, segment_key, deadline), from_item)

    def are_active(self, ids: Sequence[tuple[str, int]], deadline: Deadline) -> set[tuple[str, int]]:
        """Return which segments are active, consistently; their keys say so, whatever else is damaged."""
        return set(self._items(ids, segment_key, deadline))

    def _items(
        self, ids: Sequence[tuple[str, int]], key_of: Callable[[str, int], Item], deadline: Deadline
    ) -> dict[tuple[str, int], Item]:
        found = self._db.batch_get([Get(self._table, key_of(*each)) for each in ids], deadline)
        return {ids[index]: item for index, item in found.items()}

    def get_counted(
        self, account_id: str, segment_ids: Sequence[int], deadline: Deadline
    ) -> Readings[int, CountedSegment]:
        """Read segments with their counts, consistently; in one round of reads those that are active.

        Counts are the sum over the slots that are not damaged.
        """
        gets = [Get(self._table, segment_key(account_id, segment_id)) for segment_id in segment_ids]
        slots = [(segment_id, sk) for segment_id in segment_ids for sk in keys.segment_counts(segment_id)]
        gets += [Get(self._table, keys.of_account(account_id, sk)) for _, sk in slots]
        found: dict[int, Item] = {}
        counters: dict[int, list[CounterSlot]] = {segment_id: [] for segment_id in segment_ids}
        for index, item in self._db.batch_get(gets, deadline).items():
            if index < len(segment_ids):
                found[segment_ids[index]] = item
            else:
                counters[slots[index - len(segment_ids)][0]].append(_slot_or_damaged(item))
        rest = [(account_id, segment_id) for segment_id in segment_ids if segment_id not in found]
        if rest:
            deleted = self._items(rest, deleted_segment_key, deadline)
            found |= {segment_id: item for (_, segment_id), item in deleted.items()}

        def counted(item: Item) -> CountedSegment:
            segment = from_item(item)
            is_active = segment.status is SegmentStatus.ACTIVE
            return segment, _sum_of_slots(counters[segment.segment_id]) if is_active else NO_MEMBERS

        return Readings(found, counted)

    def claimed(self, account_id: str, customer_segment_ids: Sequence[str], deadline: Deadline) -> set[str]:
        """Return which customer ids are in use, consistently."""
        gets = [Get(self._table, claim_key(account_id, customer_id)) for customer_id in customer_segment_ids]
        return {customer_segment_ids[index] for index in self._db.batch_get(gets, deadline)}

    def insert(
        self,
        account_id: str,
        segments: Sequence[Segment],
        deadline: Deadline,
        note: TransactionAction | None = None,
    ) -> None:
        """Write at most SEGMENTS_PER_INSERT new segments with their claims, count and `note` them: all or none.

        Raises AlreadyInsertedError if what `note` notes was noted before, InsertRefusedError, ThrottledError or
        UnavailableError.
        """
        puts: list[tuple[int, str, Item]] = []
        for index, segment in enumerate(segments):
            puts.append((index, "segment", _to_item(segment)))
            if segment.customer_segment_id is not None:
                puts.append((index, "claim", _to_claim(segment)))
        actions = [self._add_active(account_id, len(segments)), *(self._put_new(item) for _, _, item in puts)]
        noted_at = len(actions)
        if note is not None:
            actions.append(note)
        try:
            self._db.transact(lambda: actions, deadline)
        except ConditionFailedError as exc:
            if noted_at in exc.failures:
                raise AlreadyInsertedError from exc
            failed = [puts[action - 1][:2] for action in exc.failures if action > 0]
            quota = exc.failures.get(0)
            raise InsertRefusedError(
                taken_customer_ids={index for index, what in failed if what == "claim"},
                taken_segment_ids={index for index, what in failed if what == "segment"},
                quota_left=None if quota is None else max(0, MAX_ACTIVE_SEGMENTS - _active(quota)),
            ) from exc

    def counts_between(self, account_id: str, first: int, last: int, deadline: Deadline) -> dict[int, SegmentCounts]:
        """Read the counts of all segments from id `first` to `last`, consistently, in one walk over their slots.

        They are the sums over the slots that are not damaged. A segment that never had members is not in the answer.
        """
        from_key = keys.of_account(account_id, keys.segment_counts(first)[0])
        to_key = keys.of_account(account_id, keys.segment_counts(last)[-1])
        slots = slots_between(self._db, self._table, from_key, to_key, _slot_or_damaged, deadline)
        return {segment_id: _sum_of_slots(some) for segment_id, some in slots.items()}

    def counter_slots(self, account_id: str, segment_id: int, deadline: Deadline) -> list[CounterSlot]:
        """Read the slots of a segment's counters one by one, consistently; raises DamagedItemError."""
        sort_keys = keys.segment_counts(segment_id)
        found = self._db.batch_get([Get(self._table, keys.of_account(account_id, sk)) for sk in sort_keys], deadline)
        return [_to_slot(found[index]) if index in found else _NO_SLOT for index in range(len(sort_keys))]

    def slots_with_damaged(self, account_id: str, segment_id: int, deadline: Deadline) -> list[CounterSlot]:
        """Read the slots one by one, consistently, damaged ones as they are."""
        sort_keys = keys.segment_counts(segment_id)
        found = self._db.batch_get([Get(self._table, keys.of_account(account_id, sk)) for sk in sort_keys], deadline)
        return [_slot_or_damaged(found[index]) if index in found else _NO_SLOT for index in range(len(sort_keys))]

    def replace_damaged(self, damaged: Sequence[Item], counts: Mapping[str, int], now: str, deadline: Deadline) -> bool:
        """Write slots in place of damaged ones, which together count `counts`; False if one is no longer as read.

        What can be read of their totals stays.
        """
        actions = []
        for index, item in enumerate(damaged):
            key = {name: item[name] for name in ("account_id", "sk")}
            figures = counts if index == 0 else {}
            kept = {name: item[name] for name in TOTALS if item.get(name, {}).keys() == {"N"}}
            slot = {
                **key,
                "as_of": {"S": now},
                **{name: {"N": str(figure)} for name, figure in figures.items()},
                **kept,
            }
            condition, values, names = as_read(item, ("as_of", *_COUNTERS))
            actions.append(put_action(self._table, slot, condition=condition, values=values, names=names))
        try:
            self._db.transact(lambda: actions, deadline)
        except ConditionFailedError:
            return False
        return True

    def correct_counts(  # noqa: PLR0913 - the parts of one UpdateItem
        self,
        account_id: str,
        segment_id: int,
        seen: CounterSlot,
        deltas: Mapping[str, int],
        now: str,
        *,
        deadline: Deadline,
    ) -> bool:
        """Add `deltas` to the first slot, if it is as it was `seen`; False if not.

        True too if this call's own write, whose answer was lost, made it so: `now` tells.
        """
        condition = "attribute_not_exists(as_of)" if seen.as_of is None else "as_of = :seen"
        written = self._db.update(
            deadline,
            TableName=self._table,
            Key=keys.of_account(account_id, keys.segment_counts(segment_id)[0]),
            UpdateExpression=f"SET as_of = :now ADD {', '.join(f'{name} :{name}' for name in deltas)}",
            ConditionExpression=condition,
            ExpressionAttributeValues={
                ":now": {"S": now},
                **({} if seen.as_of is None else {":seen": {"S": seen.as_of}}),
                **{f":{name}": {"N": str(delta)} for name, delta in deltas.items()},
            },
        )
        return written or self.counter_slots(account_id, segment_id, deadline)[0].as_of == now

    def start_digest(self, account_id: str, segment_id: int, now: str, deadline: Deadline) -> bool:
        """Note that the counters of an active segment have its digest; False if there is no such segment."""
        return self._db.update(
            deadline,
            TableName=self._table,
            Key=segment_key(account_id, segment_id),
            UpdateExpression="SET digest_since = if_not_exists(digest_since, :now)",
            ConditionExpression="attribute_exists(account_id)",
            ExpressionAttributeValues={":now": {"S": now}},
        )

    def change(
        self, account_id: str, segment_id: int, change: SegmentChange, changed_at: str, deadline: Deadline
    ) -> bool:
        """Change name, description or tags of an active segment; False if there is no such segment."""
        wanted: dict[str, Item | None] = {"changed_at": {"S": changed_at}}
        if change.segment_name is not None:
            wanted["segment_name"] = {"S": change.segment_name}
        if change.description is not None:
            wanted["description"] = {"S": change.description} if change.description else None
        if change.tags is not None:
            wanted["tags"] = {"SS": sorted(change.tags)} if change.tags else None
        sets = {name: value for name, value in wanted.items() if value is not None}
        removes = [name for name, value in wanted.items() if value is None]
        return self._db.update(
            deadline,
            TableName=self._table,
            Key=segment_key(account_id, segment_id),
            UpdateExpression=f"SET {', '.join(f'{name} = :{name}' for name in sets)}"
            + (f" REMOVE {', '.join(removes)}" if removes else ""),
            ConditionExpression="attribute_exists(account_id)",
            ExpressionAttributeValues={f":{name}": value for name, value in sets.items()},
        )

    def delete(self, segment: Segment, deleted_at: str, deleted_by: str, deadline: Deadline) -> Segment | None:
        """Move an active segment to the deleted ones, mark its customer id's claim and free its room: all or nothing.

        Returns it as deleted; None if it is no longer as in `segment`, or bears marks of campaigns that use it. Raises
        ThrottledError or UnavailableError (a DamagedItemError, if the quota or the claim is damaged, or that is gone).
        """
        deleted = replace(
            segment,
            status=SegmentStatus.DELETED,
            deleted_at=deleted_at,
            deleted_by=deleted_by,
            campaign_ids=frozenset(),
        )
        unchanged = "attribute_not_exists(changed_at)" if segment.changed_at is None else "changed_at = :changed_at"
        changed_at = {} if segment.changed_at is None else {":changed_at": {"S": segment.changed_at}}
        actions = [
            self._add_active(segment.account_id, -1),
            delete_action(
                self._table,
                segment_key(segment.account_id, segment.segment_id),
                condition=f"segment_name = :name AND {unchanged} AND attribute_not_exists(campaign_ids)",
                values={":name": {"S": segment.segment_name}, **changed_at},
            ),
            self._put_new(_to_item(deleted)),
        ]
        claimed_at, claim = len(actions), {}
        if segment.customer_segment_id is not None:
            claim = claim_key(segment.account_id, segment.customer_segment_id)
            actions.append(
                update_action(
                    self._table,
                    claim,
                    "SET #status = :deleted",
                    condition="segment_id = :id",
                    values={":deleted": {"S": SegmentStatus.DELETED}, ":id": {"N": str(segment.segment_id)}},
                    names={"#status": "status"},
                    tells_found=True,
                )
            )
        try:
            self._db.transact(lambda: actions, deadline)
        except ConditionFailedError as exc:
            if quota := exc.failures.get(0):
                _active(quota)
            if claimed_at in exc.failures:  # a claim stays with its segment for ever
                raise _claim(exc.failures[claimed_at] or claim).damaged("segment_id") from exc
            return None
        return deleted

    def finish_purge(
        self, account_id: str, segment_id: int, purged_at: str, deadline: Deadline
    ) -> tuple[bool, int | None]:
        """Note that a deleted segment has no members left and how many were purged, and drop its counters: all at once.

        How many is not noted if a counter is damaged. Returns whether this call has noted it, and how many. Raises
        ThrottledError or UnavailableError.
        """
        backoff = Backoff(deadline)
        while True:
            slots = self.slots_with_damaged(account_id, segment_id, deadline)
            is_known = all(slot.damaged is None for slot in slots)
            purged = sum(slot.purged for slot in slots) if is_known else None
            noted = update_action(
                self._table,
                deleted_segment_key(account_id, segment_id),
                "SET purged_at = :now" + ("" if purged is None else ", purged_members = :purged"),
                condition="attribute_exists(account_id) AND attribute_not_exists(purged_at)",
                values={":now": {"S": purged_at}, **({} if purged is None else {":purged": {"N": str(purged)}})},
            )
            drops = [
                self._drop_slot(keys.of_account(account_id, sk), slot)
                for sk, slot in zip(keys.segment_counts(segment_id), slots, strict=True)
            ]
            try:
                self._db.transact(lambda: [noted, *drops], deadline)  # noqa: B023 - called before the next turn
            except ConditionFailedError as exc:
                if 0 in exc.failures:
                    return False, None
                if not backoff.wait():
                    raise UnavailableError("the counters kept changing until the time was up") from exc
            else:
                return True, purged

    def _drop_slot(self, key: Item, slot: CounterSlot) -> TransactionAction:
        """Delete a slot, unless more were purged by now, or, of a damaged one, anything was written."""
        if slot.damaged is not None:
            condition, values, names = as_read(slot.damaged, ("as_of", *_COUNTERS, PURGED))
            return delete_action(self._table, key, condition=condition, values=values, names=names)
        if not slot.purged:
            return delete_action(self._table, key, condition="attribute_not_exists(purged)")
        values = {":purged": {"N": str(slot.purged)}}
        return delete_action(self._table, key, condition="purged = :purged", values=values)

    def _add_active(self, account_id: str, change: int) -> TransactionAction:
        return update_action(
            self._table,
            keys.of_account(account_id, keys.ACTIVE_SEGMENTS),
            "ADD active :change",
            condition="attribute_not_exists(account_id) OR active <= :room",
            values={":change": {"N": str(change)}, ":room": {"N": str(MAX_ACTIVE_SEGMENTS - change)}},
            tells_found=True,
        )

    def _put_new(self, item: Item) -> TransactionAction:
        return put_action(self._table, item, condition="attribute_not_exists(account_id)")


def claim_key(account_id: str, customer_segment_id: str) -> Item:
    """Return the key of a customer id's claim."""
    return keys.of_account(account_id, keys.customer_segment_id_claim(customer_segment_id))


def segment_key(account_id: str, segment_id: int) -> Item:
    """Return the key of a segment."""
    return keys.of_account(account_id, keys.segment(segment_id))


def deleted_segment_key(account_id: str, segment_id: int) -> Item:
    """Return the key of a deleted segment."""
    return keys.of_account(account_id, keys.deleted_segment(segment_id))


MEMBERS = "members"
DIGEST = "digest"
JOINED, LEFT, PURGED = TOTALS = ("joined_total", "left_total", "purged")


def counted_for(reach: Set[Channel], digest: int) -> dict[str, int]:
    """Return what one member with this reach and digest adds to its segment's counters, by their names."""
    return {MEMBERS: 1, **dict.fromkeys(map(counter_name, reach), 1), DIGEST: digest}


@cache
def counter_name(channel: Channel) -> str:
    """Return the attribute that counts a segment's members reachable by a channel."""
    return f"reachable_{channel}"


_COUNTERS = (MEMBERS, DIGEST, *(counter_name(channel) for channel in Channel))
_NO_SLOT = CounterSlot(None, {}, {})


def _to_slot(item: Item) -> CounterSlot:
    slot = Attributes("segment's counter", item)
    counts = slot.counts("as_of")
    totals = {name: counts.pop(name) for name in TOTALS if name in counts}
    return CounterSlot(slot.moment("as_of"), counts, totals)


def _slot_or_damaged(item: Item) -> CounterSlot:
    return _slot_or_none(item) or CounterSlot(None, {}, {}, damaged=item)


_slot_or_none = passing_over(_to_slot)


def _active(quota: Item) -> int:
    return Attributes("quota", quota).whole("active")


def _sum_of_slots(slots: Sequence[CounterSlot]) -> SegmentCounts:
    # The slots are not read at one moment, so a reader may miss a join in one and see the leave in another.
    totals = {name: sum(slot.counts.get(name, 0) for slot in slots) for name in _COUNTERS}
    reachable: Mapping[Channel, int] = {channel: max(0, totals[counter_name(channel)]) for channel in Channel}
    changed = [slot.as_of for slot in slots if slot.as_of is not None]
    figures = [totals[name] for name in _COUNTERS if name != DIGEST]
    is_whole = min(figures) >= 0 and not any(slot.damaged for slot in slots)
    return SegmentCounts(
        members=max(0, totals[MEMBERS]),
        reachable=reachable,
        as_of=max(changed, default=None),
        digest=totals[DIGEST] if is_whole and totals[DIGEST] >= 0 else None,
        joined=sum(slot.totals.get(JOINED, 0) for slot in slots),
        left=sum(slot.totals.get(LEFT, 0) for slot in slots),
        is_whole=is_whole,
    )


# Texts that a segment may lack and that are kept under their own names.
_OPTIONAL_TEXTS = (
    "deleted_at",
    "purged_at",
    "digest_since",
    "description",
    "changed_at",
    "created_by",
    "deleted_by",
)


def _to_item(segment: Segment) -> Item:
    is_active = segment.status is SegmentStatus.ACTIVE
    item: Item = {
        **(segment_key if is_active else deleted_segment_key)(segment.account_id, segment.segment_id),
        "segment_id": {"N": str(segment.segment_id)},
        "segment_name": {"S": segment.segment_name},
        "status": {"S": segment.status},
        "created_at": {"S": segment.created_at},
    }
    item |= {name: {"S": text} for name in _OPTIONAL_TEXTS if (text := getattr(segment, name)) is not None}
    if segment.tags:
        item["tags"] = {"SS": sorted(segment.tags)}
    if segment.customer_segment_id is not None:
        # A deleted segment leaves CustomerSegmentIdIndex: it lists active ones, whose number is bounded.
        name = "customer_segment_id" if is_active else "deleted_customer_segment_id"
        item[name] = {"S": segment.customer_segment_id}
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


def id_and_status_of(item: Item) -> tuple[int, SegmentStatus]:
    """Read a segment's id and status alone; its key says both, too."""
    segment = Attributes("segment", item)
    sort_key = segment.text("sk")
    segment_id, status = segment.whole("segment_id"), segment.one_of("status", SegmentStatus)
    if segment_id != keys.id_in(sort_key):
        raise segment.damaged("segment_id")
    if keys.is_deleted_segment(sort_key) is not (status is SegmentStatus.DELETED):
        raise segment.damaged("status")
    return segment_id, status


def customer_id_of(item: Item) -> str | None:
    """Read the customer's id of a segment alone."""
    segment = Attributes("segment", item)
    is_deleted = keys.is_deleted_segment(segment.text("sk"))
    return segment.optional(segment.text, "deleted_customer_segment_id" if is_deleted else "customer_segment_id")


def name_of(item: Item) -> str:
    """Read a segment's name alone."""
    return Attributes("segment", item).text("segment_name")


def claimed_segment_id(claim: Item) -> int:
    """Read which segment a customer id is of."""
    return _claim(claim).whole("segment_id")


def _claim(item: Item) -> Attributes:
    return Attributes("customer id's claim", item)


def from_item(item: Item) -> Segment:
    """Read a segment's item, an active one's or a deleted one's."""
    segment = Attributes("segment", item)
    segment_id, status = id_and_status_of(item)
    is_deleted = status is SegmentStatus.DELETED
    return Segment(
        account_id=segment.text("account_id"),
        segment_id=segment_id,
        segment_name=name_of(item),
        customer_segment_id=customer_id_of(item),
        status=status,
        created_at=segment.moment("created_at"),
        deleted_at=segment.moment("deleted_at") if is_deleted else None,
        purged_at=segment.optional(segment.moment, "purged_at"),
        digest_since=segment.optional(segment.moment, "digest_since"),
        description=segment.optional(segment.text, "description"),
        tags=tuple(sorted(segment.texts("tags"))) or None,
        changed_at=segment.optional(segment.moment, "changed_at"),
        created_by=segment.optional(segment.text, "created_by"),
        deleted_by=segment.optional(segment.text, "deleted_by"),
        campaign_ids=segment.numbers("campaign_ids"),
    )
