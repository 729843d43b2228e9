"""Compare SegmentMembers and the counts with Memberships, and mend them: daily, or when asked."""

import json
from dataclasses import asdict
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from segments.clock import Deadline
from segments.edge import wiring
from segments.edge.http import deadline_of, failure
from segments.edge.observability import count, logger, metrics
from segments.edge.reconciliation import read_task, to_task, what_to_reconcile
from segments.errors import SegmentsError
from segments.services.reconciliation import Place, Scope


@metrics.log_metrics
@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Go on with tasks that come by the queue; anything else is a request, which becomes tasks."""
    count(Requests=1)
    deadline = deadline_of(context)
    if "Records" in event:
        for message in event["Records"]:  # one (template.yaml, BatchSize)
            _go_on(*read_task(json.loads(message["body"])), deadline)
        return {"status": "success"}
    try:
        scopes = what_to_reconcile(event, wiring.accounts(), deadline)
    except SegmentsError as error:
        return dict(failure(error).body)
    for scope in scopes:
        wiring.reconciliation_queue().put_off(to_task(scope, Place()), 0, deadline)
    return {"status": "success", "begun": len(scopes)}


def _go_on(scope: Scope, place: Place, deadline: Deadline) -> None:
    logger.append_keys(account_id=scope.account_id)
    findings, goes_on_at = wiring.reconciliation().reconcile(scope, place, deadline)
    count(
        RowsMended=findings.rows_mended,
        CountsMended=findings.counts_mended,
        SegmentsBusy=findings.segments_busy,
        ReconciliationsFinished=int(goes_on_at is None),
    )
    logger.info("reconciled", segment_id=scope.segment_id, finished=goes_on_at is None, **asdict(findings))
    if goes_on_at is not None:
        wiring.reconciliation_queue().put_off(to_task(scope, goes_on_at), 0, deadline)
