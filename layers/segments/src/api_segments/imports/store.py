"""Imports table: imports, the locks of their segments, their figures step by step; all forgotten after 90 days.

What a step counted is an item of its own, written over when the step runs again: so a figure that is summed over them
counts nothing twice.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from datetime import datetime, timedelta

from api_segments.aws import keys
from api_segments.aws.dynamodb import ConditionFailedError, DynamoDB, Item
from api_segments.aws.items import Attributes
from api_segments.aws.transactions import TransactionAction, put_action, update_action
from api_segments.core.clock import Deadline, rfc3339
from api_segments.core.limits import IMPORT_DAYS
from api_segments.imports.model import (
    ENDED,
    LAST_WRITES,
    Figures,
    Guard,
    Import,
    ImportStatus,
    Mode,
    Phase,
    UnknownUsers,
    Upload,
)
from api_segments.imports.store_newest import newest

_KIND = "import"


class RequestKnownError(Exception):
    """A creation with this Idempotency-Key was there first; nothing was written."""


class SegmentBusyError(Exception):
    """Another import, `import_id`, has the segment; nothing was written."""

    def __init__(self, import_id: str) -> None:
        super().__init__("another import has the segment")
        self.import_id = import_id


@dataclass(frozen=True, slots=True)
class KnownRequest:
    """What an earlier creation with an Idempotency-Key was, by a digest of its body, and what it created."""

    key: str
    digest: str
    import_id: str
    expires_at: int


class ImportStore:
    """Reads and writes imports."""

    def __init__(self, db: DynamoDB, table: str) -> None:
        self._db = db
        self._table = table

    def get(self, account_id: str, import_id: str, deadline: Deadline) -> Import | None:
        """Read an import, consistently."""
        item = self._db.get(self._table, keys.of_account(account_id, keys.import_(import_id)), deadline)
        return None if item is None else _import(item)

    def newest(
        self, account_id: str, segment_id: int | None, before: str | None, at_most: int, deadline: Deadline
    ) -> list[Import]:
        """Return imports, of a segment or of all, the newest first, those before the import id `before`.

        Damaged ones are left out.
        """
        return newest(self._db, self._table, account_id, keys.import_, _import, segment_id, before, at_most, deadline)

    def known_request(self, account_id: str, key: str, now: datetime, deadline: Deadline) -> KnownRequest | None:
        """Return what an Idempotency-Key created, unless that is forgotten."""
        item = self._db.get(self._table, keys.of_account(account_id, keys.import_request(key)), deadline)
        if item is None:
            return None
        note = Attributes("import request's note", item)
        known = KnownRequest(key, note.text("digest"), note.text("import_id"), note.whole("expires_at"))
        return None if known.expires_at < now.timestamp() else known

    def holder(self, account_id: str, segment_id: int, now: datetime, deadline: Deadline) -> str | None:
        """Return the import that has a segment now; None if none has."""
        item = self._db.get(self._table, keys.of_account(account_id, keys.importing(segment_id)), deadline)
        if item is None:
            return None
        lock = Attributes("lock of a segment", item)
        return lock.text("import_id") if lock.moment("until") > rfc3339(now) else None

    def create(self, new: Import, request: KnownRequest | None, now: datetime, deadline: Deadline) -> None:
        """Write a new import; raises RequestKnownError, ThrottledError or UnavailableError.

        Only after the last two it may have been written all the same.
        """
        actions = [put_action(self._table, _to_item(new, now), condition="attribute_not_exists(account_id)")]
        if request is not None:
            note = {
                **keys.of_account(new.account_id, keys.import_request(request.key)),
                "digest": {"S": request.digest},
                "import_id": {"S": request.import_id},
                "expires_at": {"N": str(request.expires_at)},
            }
            actions.append(
                put_action(
                    self._table,
                    note,
                    condition="attribute_not_exists(account_id) OR expires_at < :now",
                    values={":now": {"N": str(int(now.timestamp()))}},
                )
            )
        try:
            self._db.transact(lambda: actions, deadline)
        except ConditionFailedError as exc:
            raise RequestKnownError from exc

    def move(self, before: Import, after: Import, now: datetime, deadline: Deadline) -> bool:
        """Take an import from one state to another, with all that is said of it there; False if it has left the first.

        The lock of its segment goes with it: it is taken or kept for as long as the new state may last, or given back.
        Raises SegmentBusyError if another import has it.
        """
        change = put_action(
            self._table,
            _to_item(after, now),
            condition="#status = :before AND status_at = :since",
            values={":before": {"S": before.status}, ":since": {"S": before.status_at}},
            names={"#status": "status"},
        )
        is_over = after.status in ENDED
        actions = [change]
        if before.status not in _WITHOUT_LOCK or not is_over:
            actions.append(self._lock(before, after, now))
        try:
            self._db.transact(lambda: actions, deadline)
        except ConditionFailedError as exc:
            if 0 in exc.failures:
                return False
            if not is_over:
                holder = Attributes("lock of a segment", exc.failures[1] or {}).text("import_id")
                raise SegmentBusyError(holder) from exc
            # It kept the lock for too long, and another import has it by now.
            del actions[1:]
            try:
                self._db.transact(lambda: actions, deadline)
            except ConditionFailedError:
                return False
        return True

    def _lock(self, before: Import, after: Import, now: datetime) -> TransactionAction:
        """Return what takes or keeps the lock of an import's segment; or, for one that has ended, lets it expire.

        Of one that failed while it changed members, the lock lasts until its last step can't write any more.
        """
        is_over = after.status in ENDED
        writes = after.status is ImportStatus.FAILED and before.phase in (Phase.APPLY, Phase.UNDO)
        over_at = rfc3339(now + LAST_WRITES if writes else now)
        is_free = "attribute_not_exists(account_id) OR import_id = :me"
        at = {":now": {"S": rfc3339(now)}}
        return update_action(
            self._table,
            keys.of_account(after.account_id, keys.importing(after.segment_id)),
            "SET import_id = :me, #until = :until, expires_at = :forgotten",
            condition=is_free if is_over else f"{is_free} OR #until <= :now",
            values={
                ":me": {"S": after.import_id},
                ":until": {"S": over_at if after.until is None else after.until},
                ":forgotten": {"N": _forgotten_at(now)},
                **({} if is_over else at),
            },
            names={"#until": "until"},
            tells_found=True,
        )

    def note_reason(self, account_id: str, import_id: str, reason: str, deadline: Deadline) -> None:
        """Note why an import can't go on, unless that is known, for the step that ends it."""
        self._db.update(
            deadline,
            TableName=self._table,
            Key=keys.of_account(account_id, keys.import_(import_id)),
            UpdateExpression="SET reason = :reason",
            ConditionExpression="attribute_exists(account_id) AND attribute_not_exists(reason)",
            ExpressionAttributeValues={":reason": {"S": reason}},
        )

    def note_figures(self, of: Import, counted: str, figures: Figures, now: datetime, deadline: Deadline) -> None:
        """Write what a step of an import counted, over what it counted when it ran before."""
        item = {
            **keys.of_account(of.account_id, keys.import_figures(of.import_id, counted)),
            "expires_at": {"N": _forgotten_at(now)},
            "figures": _numbers(figures),
        }
        self._db.batch_put(self._table, [item], deadline)

    def figures(self, account_id: str, import_id: str, counted: str, deadline: Deadline) -> dict[str, Counter[str]]:
        """Return what the steps counted whose names begin with `counted`, by their names, consistently."""
        begin = keys.import_figures(import_id, "")
        found = self._db.query(
            None,
            lambda item: (str(item["sk"]["S"]).removeprefix(begin), _counts(Attributes("figures of an import", item))),
            deadline,
            TableName=self._table,
            ConsistentRead=True,
            KeyConditionExpression="account_id = :account AND begins_with(sk, :counted)",
            ExpressionAttributeValues={
                ":account": {"S": account_id},
                ":counted": {"S": keys.import_figures(import_id, counted)},
            },
        )
        return dict(found)


_WITHOUT_LOCK = (ImportStatus.AWAITING_UPLOAD, *ENDED)


def _forgotten_at(now: datetime) -> str:
    return str(int((now + timedelta(days=IMPORT_DAYS)).timestamp()))


def _numbers(figures: Mapping[str, int]) -> Item:
    return {"M": {str(name): {"N": str(number)} for name, number in figures.items()}}


def _to_item(kept: Import, now: datetime) -> Item:
    guard = {name: each for name, each in asdict(kept.guard).items() if each is not None}
    texts = {
        "import_id": kept.import_id,
        "mode": kept.mode,
        "unknown_users": kept.unknown_users,
        "status": kept.status,
        "created_at": kept.created_at,
        "status_at": kept.status_at,
        "until": kept.until,
        "started_at": kept.started_at,
        "ended_at": kept.ended_at,
        "reads_since": kept.reads_since,
        "reason": kept.reason,
        "etag": None if kept.upload is None else kept.upload.etag,
        "created_by": kept.created_by,
        "file_name": kept.file_name,
    }
    numbers = {
        "segment_id": kept.segment_id,
        "parts": kept.parts,
        "size": None if kept.upload is None else kept.upload.size,
    }
    figures = {"preview": kept.preview, "applied": kept.applied, "undone": kept.undone}
    flags = {
        "applies_itself": kept.applies_itself,
        "has_applied": kept.has_applied,
        "has_rejected_rows": kept.has_rejected_rows,
    }
    return {
        **keys.of_account(kept.account_id, keys.import_(kept.import_id)),
        "expires_at": {"N": _forgotten_at(now)},
        "guard": _numbers(guard),
        **{name: {"S": text} for name, text in texts.items() if text is not None},
        **{name: {"N": str(number)} for name, number in numbers.items() if number is not None},
        **{name: _numbers(each) for name, each in figures.items() if each is not None},
        **{name: {"BOOL": flag} for name, flag in flags.items()},
    }


def _import(item: Item) -> Import:
    kept = Attributes(_KIND, item)
    import_id = kept.text("import_id")
    if keys.import_(import_id) != kept.text("sk"):
        raise kept.damaged("import_id")
    guard = _counts(kept, "guard")
    if not guard.keys() <= {each.name for each in fields(Guard)}:
        raise kept.damaged("guard")
    return Import(
        account_id=kept.text("account_id"),
        import_id=import_id,
        segment_id=kept.whole("segment_id"),
        mode=kept.one_of("mode", Mode),
        unknown_users=kept.one_of("unknown_users", UnknownUsers),
        guard=Guard(**guard),
        applies_itself=kept.flag("applies_itself"),
        status=kept.one_of("status", ImportStatus),
        created_at=kept.moment("created_at"),
        status_at=kept.moment("status_at"),
        until=kept.optional(kept.moment, "until"),
        started_at=kept.optional(kept.moment, "started_at"),
        ended_at=kept.optional(kept.moment, "ended_at"),
        reads_since=kept.optional(kept.moment, "reads_since"),
        upload=Upload(kept.text("etag"), kept.whole("size")) if kept.has("etag") else None,
        parts=kept.optional(kept.whole, "parts"),
        reason=kept.optional(kept.text, "reason"),
        preview=_counts(kept, "preview") if kept.has("preview") else None,
        applied=_counts(kept, "applied") if kept.has("applied") else None,
        undone=_counts(kept, "undone") if kept.has("undone") else None,
        has_applied=kept.flag("has_applied"),
        has_rejected_rows=kept.flag("has_rejected_rows"),
        created_by=kept.optional(kept.text, "created_by"),
        file_name=kept.optional(kept.text, "file_name"),
    )


def _counts(item: Attributes, name: str = "figures") -> Counter[str]:
    return Counter(dict(item.mapped(name, lambda figure, value: (figure, int(value["N"])))))
