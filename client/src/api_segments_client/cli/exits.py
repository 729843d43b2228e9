"""How a command ends: the codes that scripts can go by, and which error has which."""

from __future__ import annotations

from typing import TYPE_CHECKING

from api_segments_client import errors

if TYPE_CHECKING:
    from collections.abc import Mapping

OK = 0
FAILED = 1
"""Anything that has no code of its own: a failed import, a damaged answer, a question answered with no."""
USAGE = 2
"""The command or its input is wrong; nothing was sent, or no more of it."""
NOT_SIGNED_IN = 3
NOT_FOUND = 4
REFUSED = 5
"""A guard was hit, or the API refused the request."""
PARTLY = 6
"""Done, but for entries that were rejected."""
NO_SERVICE = 7
DIFFERS = 8
INTERRUPTED = 130

_CODES: Mapping[type[BaseException], int] = {
    errors.SettingsError: NOT_SIGNED_IN,
    errors.AuthenticationError: NOT_SIGNED_IN,
    errors.NotFoundError: NOT_FOUND,
    errors.GoneError: NOT_FOUND,
    errors.UnavailableError: NO_SERVICE,
    errors.NoAnswerError: NO_SERVICE,
    errors.ImportRefusedError: REFUSED,
    errors.ApiError: REFUSED,
}


class InputError(Exception):
    """What was given as input is wrong; the message names the place."""


def code_of(error: BaseException) -> int:
    """Return the exit code of an error."""
    if isinstance(error, errors.PushStoppedError) and error.__cause__ is not None:
        return code_of(error.__cause__)
    if isinstance(error, InputError):
        return USAGE
    if isinstance(error, KeyboardInterrupt):
        return INTERRUPTED
    return next((code for kind, code in _CODES.items() if isinstance(error, kind)), FAILED)
