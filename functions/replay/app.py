"""Replay what the readers of streams gave up; invoked by hand, when the cause is mended."""

from dataclasses import asdict
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from api_segments.http.gateway import deadline_of
from api_segments.http.observability import count, logger, metrics
from api_segments.repair import wiring
from api_segments.repair.replay import ReplayReport, replay


@metrics.log_metrics
@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:  # noqa: ARG001 - Lambda passes both
    """Replay the batches of the queue of failed records; what fails again or was not tried stays in it."""
    count(Requests=1)
    report = replay(wiring.failed_records(), wiring.functions(), deadline_of(context))
    count(
        BatchesReplayed=report.replayed,
        BatchesFailedAgain=report.failed,
        BatchesGone=report.gone,
        BatchesUnreadable=report.unreadable,
        ForeignMessages=report.foreign,
    )
    is_all = report == ReplayReport(report.replayed, 0, 0, 0, 0, 0)
    return {"status": "success" if is_all else "partial", **asdict(report)}
