"""What can go wrong, one class a kind; all are `SegmentsError`."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from api_segments_client.models import Export, Import
    from api_segments_client.totals import Totals, UploadTotals


class SegmentsError(Exception):
    """The base of all errors that this package raises on its own account."""


class SettingsError(SegmentsError):
    """The address, the credentials or the file of profiles can't be used; nothing was sent."""


class NoAnswerError(SegmentsError):
    """No answer came. `may_be_done` tells whether the request may have reached the API and been carried out."""

    def __init__(self, message: str, *, may_be_done: bool) -> None:
        super().__init__(message)
        self.may_be_done = may_be_done


class UnexpectedAnswerError(SegmentsError):
    """An answer came that is none of the API's: no JSON, a redirect, a field of another type."""


class StoppedError(SegmentsError):
    """The caller asked to stop while a request waited for its next try."""


class ApiError(SegmentsError):
    """The API refused a request, or an entry of one.

    `code` is its HTTP code, `message` what it said, `request_id` the answer's `X-Request-Id` (None if it had none).
    """

    def __init__(self, code: int, message: str, request_id: str | None = None) -> None:
        super().__init__(f"{code}: {message}" + (f" (request {request_id})" if request_id else ""))
        self.code = code
        self.message = message
        self.request_id = request_id

    @classmethod
    def of(cls, code: int, message: str, request_id: str | None = None) -> ApiError:
        """Return the error of a code, of the class that the code has."""
        return _BY_CODE.get(code, cls)(code, message, request_id)


class InvalidRequestError(ApiError):
    """400, 413, 415: what was sent can't be taken; the message names the field."""


class AuthenticationError(ApiError):
    """401: unknown account or passcode."""


class ForbiddenError(ApiError):
    """403: the account is disabled, or its plan lacks the feature."""


class NotFoundError(ApiError):
    """404: no such segment, profile, import or route in this account."""


class ConflictError(ApiError):
    """409: an id in use, an import in another state, a segment that a campaign uses."""


class GoneError(ApiError):
    """410: the segment was deleted."""


class LimitError(ApiError):
    """422: the account's segments or campaigns are used up."""


class UnavailableError(ApiError):
    """429, 500, 502, 503, 504, and still so when the patience of `Retry` was over."""


_BY_CODE: dict[int, type[ApiError]] = {
    400: InvalidRequestError,
    401: AuthenticationError,
    403: ForbiddenError,
    404: NotFoundError,
    409: ConflictError,
    410: GoneError,
    413: InvalidRequestError,
    415: InvalidRequestError,
    422: LimitError,
    429: UnavailableError,
    500: UnavailableError,
    502: UnavailableError,
    503: UnavailableError,
    504: UnavailableError,
}


class PushStoppedError(SegmentsError):
    """A push or an upload of many ended early; `totals` say what was done until then, the cause is `__cause__`."""

    def __init__(self, totals: Totals | UploadTotals, cause: BaseException) -> None:
        super().__init__(f"stopped early ({cause}): {totals}")
        self.totals = totals


class PushInterrupted(KeyboardInterrupt):
    """Ctrl-C came during a push; the requests that were under way have ended, and `totals` count them."""

    def __init__(self, totals: Totals | UploadTotals) -> None:
        super().__init__(str(totals))
        self.totals = totals


class FileUploadError(SegmentsError):
    """A file could not be put at its signed address; no user was changed."""


class ImportEndedError(SegmentsError):
    """An import did not come to what was waited for; `imported` has its figures and the reason."""

    what: ClassVar[str] = "ended"

    def __init__(self, imported: Import) -> None:
        super().__init__(f"import {imported.import_id} {self.what}: {imported.reason or imported.status}")
        self.imported = imported


class ImportRefusedError(ImportEndedError):
    """The guard was hit: nothing was changed."""

    what = "was refused by its guard"


class ImportFailedError(ImportEndedError):
    """The import failed; where `imported.result` is not None, some of it was applied."""

    what = "failed"


class ImportCancelledError(ImportEndedError):
    """Somebody cancelled the import, or nobody applied it in time; `imported.result` is what it had changed by then."""

    what = "was cancelled"


class ExportFailedError(SegmentsError):
    """An export failed; `exported` has the reason."""

    def __init__(self, exported: Export) -> None:
        super().__init__(f"export {exported.export_id} failed: {exported.reason or exported.status}")
        self.exported = exported
