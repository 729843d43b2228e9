"""Compare members, counts and claims with Memberships, mend them, and nudge campaigns: daily, or when asked."""

import json
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from api_segments.accounts import wiring as accounts
from api_segments.core.errors import NotWrittenError, SegmentsError
from api_segments.http.gateway import deadline_of, failure
from api_segments.http.observability import count, logger, metrics
from api_segments.repair.endpoints import begin, go_on
from api_segments.repair.tasks import read_task, what_to_reconcile


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
            go_on(scope, work, deadline)
        return {"status": "success"}
    try:
        scopes = what_to_reconcile(event, accounts.accounts(), deadline)
    except NotWrittenError:
        raise  # Lambda tries the schedule's invocation again, and tells when it gives up
    except SegmentsError as error:
        return dict(failure(error).body)
    begin(scopes, deadline)
    return {"status": "success", "begun": len(scopes)}
