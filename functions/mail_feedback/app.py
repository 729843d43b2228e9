"""Bounces and complaints to opt-outs."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from api_segments.campaigns import wiring
from api_segments.campaigns.sending.mail_feedback import read_feedback
from api_segments.core.errors import DamagedItemError, NotFoundError
from api_segments.http.gateway import deadline_of
from api_segments.http.observability import count, logger, metrics


@metrics.log_metrics
@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: LambdaContext) -> None:
    """Opt out whoever an email came back from for good, or who complained; Lambda repeats what fails."""
    count(Notifications=len(event["Records"]))
    damaged: DamagedItemError | None = None
    for feedback in read_feedback(event):
        try:
            opted_out = wiring.opt_outs().take_feedback(
                feedback.token, feedback.what, feedback.at, feedback.recipients, deadline_of(context)
            )
        except NotFoundError:
            logger.warning("the email is none of ours")
        except DamagedItemError as error:  # the others are not to wait for it
            damaged = error
        else:
            count(OptOuts=int(opted_out))
    if damaged is not None:
        raise damaged
