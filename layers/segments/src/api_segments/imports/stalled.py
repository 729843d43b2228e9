"""Imports and exports that came to a stop: found by the daily reconciliation, started again or brought to an end.

An execution ends an import and an export in whatever way it ends itself. What is left: a request that died between a
change of state and the start of an execution, an end that Step Functions or EventBridge told nobody, and what a client
never went on with.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from api_segments.core.clock import Deadline
from api_segments.imports.executions import Executions
from api_segments.imports.exports import ExportingService
from api_segments.imports.model import Import, ImportStatus, as_of, export_as_of, first_id_of
from api_segments.imports.steps import Steps
from api_segments.imports.store_exports import ExportStore

PAGE = 100
# An execution that was started now may not be seen yet, and one that ended may not have told so yet.
_SETTLED = timedelta(minutes=5)
# The oldest that can be at work: uploaded, read, previewed and applied in a day each, undone a week later, in a day.
_OLDEST = timedelta(days=14)
_ENDED = ("SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED")


class Kind(StrEnum):
    """What may have stalled."""

    IMPORT = "import"
    EXPORT = "export"


@dataclass(frozen=True, slots=True)
class StalledWalk:
    """How far the search for what has stalled has come: to those before the id `before`."""

    kind: Kind = Kind.IMPORT
    before: str | None = None


class Found(StrEnum):
    """What was found of something that seemed to have stalled, and done."""

    GOES_ON = "goes on"
    STARTED_AGAIN = "started again"
    LAPSED = "lapsed"
    LOST = "lost"


class StalledService:
    """Finds what has stalled, and lets it go on or end."""

    def __init__(self, steps: Steps, exports: ExportStore, exporting: ExportingService, executions: Executions) -> None:
        self._steps = steps
        self._exports = exports
        self._exporting = exporting
        self._executions = executions

    def suspects(
        self, account_id: str, here: StalledWalk, deadline: Deadline
    ) -> tuple[Sequence[str], StalledWalk | None]:
        """Return the ids of the next ones that may have stalled, to be looked at again, and where to go on."""
        now = self._steps.clock.now()
        settled, oldest = now - _SETTLED, first_id_of(now - _OLDEST)
        if here.kind is Kind.IMPORT:
            imports = self._steps.imports.newest(account_id, None, here.before, PAGE, deadline)
            ids = [each.import_id for each in imports]
            open_ = [
                each.import_id
                for each in imports
                if as_of(each, now) is not each
                or (each.phase is not None and datetime.fromisoformat(each.status_at) < settled)
            ]
        else:
            exports = self._exports.newest(account_id, None, here.before, PAGE, deadline)
            ids = [each.export_id for each in exports]
            open_ = [
                each.export_id
                for each in exports
                if each.phase is not None and datetime.fromisoformat(each.created_at) < settled
            ]
        if len(ids) == PAGE and ids[-1] > oldest:
            return open_, replace(here, before=ids[-1])
        return open_, StalledWalk(Kind.EXPORT) if here.kind is Kind.IMPORT else None

    def look_again(self, account_id: str, kind: Kind, an_id: str, deadline: Deadline) -> Found:
        """Start again or end what has stalled, if it still has; raises UnavailableError. Asked again it goes on."""
        if kind is Kind.IMPORT:
            return self._look_at_import(account_id, an_id, deadline)
        return self._look_at_export(account_id, an_id, deadline)

    def _look_at_import(self, account_id: str, import_id: str, deadline: Deadline) -> Found:
        now = self._steps.clock.now()
        kept = self._steps.imports.get(account_id, import_id, deadline)
        if kept is None:
            return Found.GOES_ON
        come_to = as_of(kept, now)
        if come_to is not kept:
            self._steps.publish(come_to, deadline)  # before it is written: who dies between these finds it again
            self._steps.imports.move(kept, come_to, now, deadline)
            return Found.LAPSED if kept.phase is None else Found.LOST
        if kept.status is ImportStatus.FAILED:
            self._steps.publish(kept, deadline)  # by a try before this one, maybe, that could not tell the bus
        if kept.execution is None:
            return Found.GOES_ON
        status = self._executions.workflows.status(kept.execution, deadline)
        if status is None:
            self._executions.start(kept, deadline)
            return Found.STARTED_AGAIN
        if status in _ENDED:
            return self._end_import(kept, kept.execution, f"its execution ended ({status}) and left it", deadline)
        return Found.GOES_ON

    def _end_import(self, kept: Import, execution: str, why: str, deadline: Deadline) -> Found:
        is_new = self._steps.fail(kept.account_id, kept.import_id, execution, why, deadline)
        return Found.LOST if is_new else Found.GOES_ON

    def _look_at_export(self, account_id: str, export_id: str, deadline: Deadline) -> Found:
        kept = self._exports.get(account_id, export_id, deadline)
        if kept is None:
            return Found.GOES_ON
        if kept.execution is None:
            self._exporting.publish(account_id, export_id, deadline)  # as for an import that had failed
            return Found.GOES_ON
        come_to = export_as_of(kept, self._steps.clock.now())
        status = self._executions.workflows.status(kept.execution, deadline)
        why = come_to.reason
        if why is None and status is None:
            self._executions.start(kept, deadline)
            return Found.STARTED_AGAIN
        if why is None and status in _ENDED:
            why = f"its execution ended ({status}) and left it"
        if why is None or not self._exporting.fail(account_id, export_id, why, deadline):
            return Found.GOES_ON
        return Found.LOST
