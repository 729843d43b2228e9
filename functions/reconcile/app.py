"""Compare SegmentMembers and the counts with Memberships, mend them, and nudge campaigns: daily, or when asked."""

import json
from collections.abc import Sequence
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from api_segments.accounts import wiring as accounts_wiring
from api_segments.campaigns import wiring as campaigns_wiring
from api_segments.core.clock import Deadline
from api_segments.core.errors import NotWrittenError, SegmentsError
from api_segments.http.gateway import deadline_of, failure
from api_segments.http.observability import count, logger, metrics
from api_segments.memberships import wiring as memberships_wiring
from api_segments.repair import wiring as repair_wiring
from api_segments.repair.reconciliation import Place, Scope
from api_segments.repair.rows import Suspect
from api_segments.repair.tasks import LOOK_AGAIN_SECONDS, read_task, to_purge_task, to_task, to_tasks, what_to_reconcile


@metrics.log_metrics
@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Go on with tasks that come by the queue; anything else is a request, which becomes tasks."""
    count(Requests=1)
    deadline = deadline_of(context)
    if "Records" in event:
        for message in event["Records"]:  # one (template.yaml, BatchSize)
            scope, work = read_task(json.loads(message["body"]))
            logger.append_keys(account_id=scope.account_id)
            if isinstance(work, Place):
                _walk(scope, work, deadline)
            else:
                _look_again(scope, work, deadline)
        return {"status": "success"}
    try:
        scopes = what_to_reconcile(event, accounts_wiring.accounts(), deadline)
    except NotWrittenError:
        raise  # Lambda tries the schedule's invocation again, and tells when it gives up
    except SegmentsError as error:
        return dict(failure(error).body)
    for scope in scopes:
        repair_wiring.reconciliation_queue().put_off(to_task(scope, Place()), 0, deadline)
    return {"status": "success", "begun": len(scopes)}


def _walk(scope: Scope, place: Place, deadline: Deadline) -> None:
    if scope.segment_id is None and place == Place():
        _nudge_campaigns(scope.account_id, deadline)
    findings, goes_on_at = repair_wiring.reconciliation().reconcile(scope, place, deadline)
    count(
        Differences=findings.counts_mended,
        CountsMended=findings.counts_mended,
        SegmentsBusy=findings.segments_busy,
        MembersTakenOut=findings.members_taken_out,
        PurgesBegun=len(findings.unpurged),
        ReconciliationsFinished=int(goes_on_at is None),
    )
    for task in to_tasks(scope, findings.suspects):
        repair_wiring.reconciliation_queue().put_off(task, LOOK_AGAIN_SECONDS, deadline)
    for segment_id in findings.unpurged:
        memberships_wiring.purge_queue().put_off(to_purge_task(scope, segment_id), 0, deadline)
    if goes_on_at is not None:
        repair_wiring.reconciliation_queue().put_off(to_task(scope, goes_on_at), 0, deadline)
    logger.info(
        "reconciled",
        segment_id=scope.segment_id,
        finished=goes_on_at is None,
        counts_mended=findings.counts_mended,
        suspects=len(findings.suspects),
        purges_begun=findings.unpurged,
    )


def _nudge_campaigns(account_id: str, deadline: Deadline) -> None:
    """Give each campaign that is to go on a task: its own may be lost, or have failed for good."""
    for campaign_id in campaigns_wiring.campaign_runs().due(account_id, deadline):
        task = {"account_id": account_id, "campaign_id": campaign_id}
        campaigns_wiring.campaign_queue().put_off(task, 0, deadline)


def _look_again(scope: Scope, suspects: Sequence[Suspect], deadline: Deadline) -> None:
    mended, rest = repair_wiring.row_mender().mend(scope.account_id, suspects, deadline)
    count(Differences=mended, RowsMended=mended)
    for task in to_tasks(scope, rest):
        repair_wiring.reconciliation_queue().put_off(task, 0, deadline)
    logger.info("looked again", segment_id=scope.segment_id, suspects=len(suspects), mended=mended)
