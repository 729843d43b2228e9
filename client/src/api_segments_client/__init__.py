"""A client for API Segments: your own stack's, and CleverTap's where both have a call.

>>> from api_segments_client import Client
>>> client = Client.from_profile()
>>> print(client.members.push("SEG12345", add=["CT123456", "CT123457"]))
2 given, 2 processed, 2 added, 2 profiles created, 1 requests
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from api_segments_client.errors import (
    ApiError,
    AuthenticationError,
    ConflictError,
    ExportFailedError,
    FileUploadError,
    ForbiddenError,
    GoneError,
    ImportCancelledError,
    ImportEndedError,
    ImportFailedError,
    ImportRefusedError,
    InvalidRequestError,
    LimitError,
    NoAnswerError,
    NotFoundError,
    PushInterrupted,
    PushStoppedError,
    SegmentsError,
    SettingsError,
    UnavailableError,
    UnexpectedAnswerError,
)

if TYPE_CHECKING:
    from api_segments_client.client import Client
    from api_segments_client.models import Guid, NewSegment, Refused
    from api_segments_client.push import Change
    from api_segments_client.retry import Retry
    from api_segments_client.settings import Settings, clevertap_url, save_profile
    from api_segments_client.totals import Totals, UploadTotals

__all__ = [
    "ApiError",
    "AuthenticationError",
    "Change",
    "Client",
    "ConflictError",
    "ExportFailedError",
    "FileUploadError",
    "ForbiddenError",
    "GoneError",
    "Guid",
    "ImportCancelledError",
    "ImportEndedError",
    "ImportFailedError",
    "ImportRefusedError",
    "InvalidRequestError",
    "LimitError",
    "NewSegment",
    "NoAnswerError",
    "NotFoundError",
    "PushInterrupted",
    "PushStoppedError",
    "Refused",
    "Retry",
    "SegmentsError",
    "Settings",
    "SettingsError",
    "Totals",
    "UnavailableError",
    "UnexpectedAnswerError",
    "UploadTotals",
    "clevertap_url",
    "save_profile",
]

_LATER = {
    "Change": "push",
    "Client": "client",
    "Guid": "models",
    "NewSegment": "models",
    "Refused": "models",
    "Retry": "retry",
    "Settings": "settings",
    "Totals": "totals",
    "UploadTotals": "totals",
    "clevertap_url": "settings",
    "save_profile": "settings",
}
"""Imported when they are asked for: HTTP takes a quarter of a second of CPU."""


def __getattr__(name: str) -> Any:  # noqa: ANN401 - whatever is called so
    if name not in _LATER:
        raise AttributeError(f"module {__name__} has no {name}")
    return getattr(import_module(f"{__name__}.{_LATER[name]}"), name)
