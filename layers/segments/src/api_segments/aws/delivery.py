"""What every channel's provider can answer to a message, and what the SDK's errors mean in those terms."""

import logging
from collections.abc import Callable, Collection
from enum import StrEnum
from http import HTTPStatus

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionClosedError,
    IncompleteReadError,
    ReadTimeoutError,
    ResponseStreamingError,
)

from api_segments.core.clock import Backoff, Deadline

_LOG = logging.getLogger(__name__)

# SES v2 and SNS API references, "Common errors" and those of each action: what passes by itself within seconds.
_THROTTLED = {
    "RequestLimitExceeded",
    "Throttled",
    "ThrottledException",
    "Throttling",
    "ThrottlingException",
    "TooManyRequestsException",
}
# AWS, "Common errors", on 503: "The request has failed due to a temporary failure of the server." So it was not taken.
_NOT_TAKEN = {*_THROTTLED, "ServiceUnavailable", "ServiceUnavailableException"}
# The request may have arrived, and its answer was lost.
_ANSWER_LOST = (ConnectionClosedError, IncompleteReadError, ReadTimeoutError, ResponseStreamingError)


class Reply(StrEnum):
    """What a provider says to a message."""

    ACCEPTED = "accepted"
    REFUSED = "refused"  # for good
    GONE = "gone"  # for good, as the address itself is dead
    TRY_AGAIN = "try_again"  # it was not taken, and may be later
    GAVE_UP = "gave_up"  # it was not taken, however often it was tried
    UNKNOWN = "unknown"  # it may have been taken


def deliver(call: Callable[[], object], channel: str, final: Collection[str], deadline: Deadline) -> Reply:
    """Make a call that sends a message, waiting while the provider throttles; what it raises comes back as a reply.

    `final` are the codes of errors that refuse the message for good. A provider that fails amid a request may have
    taken it. All other errors are the stack's own, such as a missing right, and may be mended. Messages of errors are
    not logged, as they quote addresses.
    """
    backoff = Backoff(deadline, first=0.2, most=2.0)
    while True:
        if deadline.is_over():
            return Reply.TRY_AGAIN
        try:
            call()
        except ClientError as exc:
            code = exc.response["Error"]["Code"]
            if code in _THROTTLED and backoff.wait():
                continue
            status = exc.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
            is_away = code in _NOT_TAKEN or status == HTTPStatus.SERVICE_UNAVAILABLE
            reply = Reply.REFUSED if code in final else Reply.TRY_AGAIN
            if status >= HTTPStatus.INTERNAL_SERVER_ERROR and not is_away:
                reply = Reply.UNKNOWN
            is_ours = reply is Reply.TRY_AGAIN and not is_away
            _LOG.log(logging.ERROR if is_ours else logging.WARNING, "%s: %s, %s", channel, reply, code)
            return reply
        except BotoCoreError as exc:
            reply = Reply.UNKNOWN if isinstance(exc, _ANSWER_LOST) else Reply.TRY_AGAIN
            _LOG.warning("%s: %s, %s", channel, reply, type(exc).__name__)
            return reply
        else:
            return Reply.ACCEPTED
