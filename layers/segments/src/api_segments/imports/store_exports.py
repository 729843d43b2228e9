"""Imports table: exports; forgotten with their files."""

from datetime import datetime, timedelta

from api_segments.aws import keys
from api_segments.aws.dynamodb import DynamoDB, Item
from api_segments.aws.items import Attributes
from api_segments.aws.transactions import put_action
from api_segments.core.clock import Deadline
from api_segments.core.limits import IMPORT_FILE_DAYS
from api_segments.imports.model import Export, ExportStatus
from api_segments.imports.store_newest import newest


class ExportStore:
    """Reads and writes exports."""

    def __init__(self, db: DynamoDB, table: str) -> None:
        self._db = db
        self._table = table

    def get(self, account_id: str, export_id: str, deadline: Deadline) -> Export | None:
        """Read an export, consistently."""
        item = self._db.get(self._table, keys.of_account(account_id, keys.export(export_id)), deadline)
        return None if item is None else _export(item)

    def newest(
        self, account_id: str, segment_id: int | None, before: str | None, at_most: int, deadline: Deadline
    ) -> list[Export]:
        """Return exports, of a segment or of all, the newest first, those before the export id `before`.

        Damaged ones are left out.
        """
        return newest(self._db, self._table, account_id, keys.export, _export, segment_id, before, at_most, deadline)

    def put(self, new: Export, deadline: Deadline) -> None:
        """Write a new export; raises ThrottledError or UnavailableError."""
        self._db.transact(lambda: [put_action(self._table, _to_item(new))], deadline)

    def end(self, ended: Export, deadline: Deadline) -> bool:
        """Note what became of an export; False if it has ended already."""
        name, value = (
            ("members", {"N": str(ended.members)}) if ended.reason is None else ("reason", {"S": ended.reason})
        )
        return self._db.update(
            deadline,
            TableName=self._table,
            Key=keys.of_account(ended.account_id, keys.export(ended.export_id)),
            UpdateExpression="SET #status = :status, ended_at = :at, #came = :came",
            ConditionExpression="#status = :writing",
            ExpressionAttributeNames={"#status": "status", "#came": name},
            ExpressionAttributeValues={
                ":status": {"S": ended.status},
                ":writing": {"S": ExportStatus.WRITING},
                ":at": {"S": ended.ended_at or ended.created_at},
                ":came": value,
            },
        )


def _to_item(new: Export) -> Item:
    forgotten_at = datetime.fromisoformat(new.created_at) + timedelta(days=IMPORT_FILE_DAYS)
    return {
        **keys.of_account(new.account_id, keys.export(new.export_id)),
        "expires_at": {"N": str(int(forgotten_at.timestamp()))},
        "segment_id": {"N": str(new.segment_id)},
        "status": {"S": new.status},
        "created_at": {"S": new.created_at},
    }


def _export(item: Item) -> Export:
    kept = Attributes("export", item)
    return Export(
        account_id=kept.text("account_id"),
        export_id=kept.text("sk").removeprefix(keys.export("")),
        segment_id=kept.whole("segment_id"),
        status=kept.one_of("status", ExportStatus),
        created_at=kept.moment("created_at"),
        ended_at=kept.optional(kept.moment, "ended_at"),
        reason=kept.optional(kept.text, "reason"),
        members=kept.optional(kept.whole, "members"),
    )
