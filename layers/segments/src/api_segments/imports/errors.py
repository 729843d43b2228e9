"""What ends an import, or keeps it from going on."""

from api_segments.core.errors import NotFoundError


class ImportStoppedError(Exception):
    """The import can't go on, and another try would not help; the reason is noted in the import.

    The state machine knows it by its name (template.yaml) and does not try again.
    """


def no_such_import(import_id: str) -> NotFoundError:
    """Return the error for an id that the account has no import of."""
    return NotFoundError(f"there is no import {import_id}")
