"""CSV as it leaves: UTF-8, commas, and no cell that a spreadsheet takes for a formula."""

import csv
import io
import re
from collections.abc import Iterable, Sequence

from api_segments.imports.files.model import RejectedRow

EXPORT_HEADER = ("identity", "guid", "added_at")
REJECTED_HEADER = ("line", "column", "reason", "row", "identity", "guid")
"""The last two can be mended in their place: the file can then be sent as it is."""

# OWASP, CSV Injection. The last four are the wide forms, which Excel takes for the same in some languages. What has an
# apostrophe before it already gets another, so that the cell can be told again.
is_like_a_formula = re.compile(r"[' ]*[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]").match


def neutral(cell: str) -> str:
    """Return a cell as it may be written: with an apostrophe before what would begin a formula."""
    return f"'{cell}" if is_like_a_formula(cell) else cell


def as_before(cell: str) -> str:
    """Return the cell that `neutral` was given."""
    return cell[1:] if cell.startswith("'") and is_like_a_formula(cell[1:]) else cell


def csv_lines(rows: Iterable[Sequence[str]]) -> bytes:
    """Write rows of cells."""
    text = io.StringIO(newline="")
    csv.writer(text).writerows([neutral(cell) for cell in row] for row in rows)
    return text.getvalue().encode()


def rejected_lines(rows: Iterable[RejectedRow]) -> bytes:
    """Write rejected rows, in the order of REJECTED_HEADER."""
    return csv_lines((str(row.line), row.column, row.reason, row.row, row.identity, row.guid) for row in rows)
