"""What all steps of an import begin with: the import as it is, and whether it may go on.

A step runs again when it failed or its answer was lost, and an execution may outlive what it works for. So a step looks
first, and leaves an import that has moved on.
"""

from dataclasses import dataclass, replace
from typing import NoReturn

from api_segments.accounts.model import AccountStatus
from api_segments.accounts.service import AccountService
from api_segments.aws.event_bus import EventBus
from api_segments.core.clock import Clock, Deadline, rfc3339
from api_segments.core.errors import NotFoundError
from api_segments.imports.errors import ImportStoppedError
from api_segments.imports.events import import_event
from api_segments.imports.model import Import, ImportStatus, Phase
from api_segments.imports.store import ImportStore
from api_segments.segments.store import SegmentStore


@dataclass(frozen=True, slots=True)
class Steps:
    """What steps look at, and how they end."""

    imports: ImportStore
    segments: SegmentStore
    accounts: AccountService
    bus: EventBus
    clock: Clock

    def begin(self, account_id: str, import_id: str, phase: Phase, deadline: Deadline) -> Import:
        """Return the import that a step is for; raises ImportStoppedError if it must not go on."""
        found = self.imports.get(account_id, import_id, deadline)
        if found is None or found.phase is not phase:
            raise ImportStoppedError(f"import {import_id} is not being worked on")
        if (account_id, found.segment_id) not in self.segments.are_active([(account_id, found.segment_id)], deadline):
            self.stop(found, f"segment {found.segment_id} was deleted", deadline)
        try:
            account = self.accounts.get(account_id, deadline)
        except NotFoundError:
            self.stop(found, "the account is gone", deadline)
        if account.status is not AccountStatus.ACTIVE:
            self.stop(found, "the account was disabled", deadline)
        if not account.tenant.has_api_segments:
            self.stop(found, "the account's plan no longer has API Segments", deadline)
        return found

    def stop(self, stopped: Import, reason: str, deadline: Deadline) -> NoReturn:
        """Note why an import can't go on, and raise ImportStoppedError."""
        self.imports.note_reason(stopped.account_id, stopped.import_id, reason, deadline)
        raise ImportStoppedError(reason)

    def publish(self, ended: Import, deadline: Deadline) -> None:
        """Tell the bus what became of an import; raises UnavailableError. The same event each time it is told."""
        event = import_event(ended)
        if event is not None:
            self.bus.put_one(event, deadline)

    def fail(self, account_id: str, import_id: str, execution: str, why: str, deadline: Deadline) -> bool:
        """End an import whose execution failed, unless it has ended or another is at work by now; `why` if none noted.

        Returns whether it has failed now; the bus is told also of one that had failed before.
        """
        now = self.clock.now()
        kept = self.imports.get(account_id, import_id, deadline)
        is_new = False
        while kept is not None and kept.execution == execution:  # once more, if it was cancelled just now
            after = replace(
                kept,
                status=ImportStatus.FAILED,
                status_at=rfc3339(now),
                until=None,
                ended_at=rfc3339(now),
                reason=kept.reason or why,
            )
            is_new |= self.imports.move(kept, after, now, deadline)
            kept = self.imports.get(account_id, import_id, deadline)
        if kept is not None and kept.status is ImportStatus.FAILED:
            self.publish(kept, deadline)
        return is_new
