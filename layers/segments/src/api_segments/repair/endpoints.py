"""What one invocation of `reconcile` does with one task of its queue."""

from collections.abc import Sequence

from api_segments.campaigns.model import CampaignTask
from api_segments.campaigns.wiring import campaign_queue, campaign_runs
from api_segments.core.clock import Deadline
from api_segments.http.observability import count, logger
from api_segments.memberships.wiring import purge_queue
from api_segments.repair import wiring
from api_segments.repair.reconciliation import BEGINNING, Position, Scope
from api_segments.repair.rows import Suspect
from api_segments.repair.tasks import (
    LOOK_AGAIN_SECONDS,
    MAX_RECOUNTS,
    Recount,
    to_purge_task,
    to_recount_task,
    to_task,
    to_tasks,
)


def walk(scope: Scope, start: Position, deadline: Deadline) -> None:
    """Compare a part of an account, and put off what is to be looked at again, purged, or gone on with."""
    if scope.segment_id is None and start == BEGINNING:
        _nudge_campaigns(scope.account_id, deadline)
    findings, goes_on_at = wiring.reconciliation().reconcile(scope, start, deadline)
    count(
        Differences=findings.counts_mended,
        CountsMended=findings.counts_mended,
        MembersTakenOut=findings.members_taken_out,
        PurgesBegun=len(findings.unpurged),
        ReconciliationsFinished=int(goes_on_at is None),
    )
    for task in to_tasks(scope, findings.suspects):
        wiring.reconciliation_queue().put_off(task, LOOK_AGAIN_SECONDS, deadline)
    for segment_id in findings.uncounted:
        wiring.reconciliation_queue().put_off(
            to_recount_task(scope, Recount(segment_id, 1)), LOOK_AGAIN_SECONDS, deadline
        )
    for segment_id in findings.unpurged:
        purge_queue().put_off(to_purge_task(scope, segment_id), 0, deadline)
    if goes_on_at is not None:
        wiring.reconciliation_queue().put_off(to_task(scope, goes_on_at), 0, deadline)
    logger.info(
        "reconciled",
        segment_id=scope.segment_id,
        finished=goes_on_at is None,
        counts_mended=findings.counts_mended,
        suspects=len(findings.suspects),
        uncounted=findings.uncounted,
        purges_begun=findings.unpurged,
    )


def _nudge_campaigns(account_id: str, deadline: Deadline) -> None:
    """Give each campaign that is to go on a task: its own may be lost, or have failed for good."""
    for campaign_id in campaign_runs().due(account_id, deadline):
        campaign_queue().put_off(CampaignTask(account_id, campaign_id).to_json(), 0, deadline)


def look_again(scope: Scope, suspects: Sequence[Suspect], deadline: Deadline) -> None:
    """Mend those of the suspects that still differ, now that the stream has had time to bring what it says."""
    mended, rest = wiring.row_mender().mend(scope.account_id, suspects, deadline)
    count(Differences=mended, RowsMended=mended)
    for task in to_tasks(scope, rest):
        wiring.reconciliation_queue().put_off(task, 0, deadline)
    logger.info("looked again", segment_id=scope.segment_id, suspects=len(suspects), mended=mended)


def recount(scope: Scope, wanted: Recount, deadline: Deadline) -> None:
    """Look again at the counts of a segment that kept changing; the last time it is told, and left to the next walk."""
    findings = wiring.reconciliation().recount(scope.account_id, wanted.segment_id, deadline)
    is_last = wanted.number >= MAX_RECOUNTS
    count(
        Differences=findings.counts_mended,
        CountsMended=findings.counts_mended,
        SegmentsBusy=len(findings.uncounted) if is_last else 0,
    )
    if findings.uncounted and not is_last:
        task = to_recount_task(scope, Recount(wanted.segment_id, wanted.number + 1))
        wiring.reconciliation_queue().put_off(task, LOOK_AGAIN_SECONDS, deadline)
    tell = logger.warning if findings.uncounted and is_last else logger.info
    tell(
        "recounted",
        segment_id=wanted.segment_id,
        number=wanted.number,
        counts_mended=findings.counts_mended,
        uncounted=findings.uncounted,
    )
