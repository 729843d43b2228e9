"""What can go wrong, as one tree. `http.gateway` holds the one table from these to the wire's codes.

`str(error)` is the sentence a client reads: it names the path, never a secret. `slug` is the name under which the
error stream keeps an error.
"""

from collections.abc import Mapping
from typing import Any


class SegmentsError(Exception):
    """Base of every error that a caller is told about."""

    slug = "error"


class InvalidRequestError(SegmentsError):
    """The request can't be read or breaks a limit; nothing was changed."""

    slug = "invalid_request"


class BodyTooLargeError(SegmentsError):
    """The body is over the limit; nothing was changed."""

    slug = "body_too_large"


class UnsupportedMediaTypeError(SegmentsError):
    """The body is written in a way that is not read here; nothing was changed."""

    slug = "unsupported_media_type"


WRONG_CREDENTIALS = "X-CleverTap-Account-Id or X-CleverTap-Passcode is missing or wrong"
"""What every 401 says, also API Gateway's own (template.yaml, GatewayResponses): not which of the two is wrong."""


class UnauthorizedError(SegmentsError):
    """Unknown account or wrong passcode."""

    slug = "unauthorized"


class ForbiddenError(SegmentsError):
    """A known account that may not do this: disabled, or its plan lacks the feature."""

    slug = "forbidden"


class NotFoundError(SegmentsError):
    """No such segment, profile, account or passcode (also when it is another account's)."""

    slug = "not_found"


class ConflictError(SegmentsError):
    """Something with that name is there already, or the state does not allow it."""

    slug = "conflict"


class SegmentDeletedError(SegmentsError):
    """The segment was deleted."""

    slug = "segment_deleted"


class QuotaExceededError(SegmentsError):
    """The account's active segments are used up."""

    slug = "quota_exceeded"


class NotWrittenError(SegmentsError):
    """An entry that is not known to be written (docs/api.md, Errors: when it is safe to send it again)."""

    slug = "not_written"


class ThrottledError(NotWrittenError):
    """The database or the bus took no more within the time that was left."""

    slug = "throttled"


class UnavailableError(NotWrittenError):
    """The database or the bus failed or did not answer within the time that was left."""

    slug = "unavailable"


class DamagedItemError(UnavailableError):
    """What is stored is not as it was written, so that nothing can be decided by it (aws.items)."""

    slug = "damaged_item"

    item: Mapping[str, Any] = {}
    """The item as it was read: whoever mends it writes on condition that it is still so."""
