"""A file's bytes, in chunks of any size, as users and rejected rows; memory and result don't depend on the chunks."""

from collections.abc import Iterable, Iterator

from api_segments.imports.files.csv_rows import CsvRows
from api_segments.imports.files.json_rows import JsonRows
from api_segments.imports.files.lines import read_lines
from api_segments.imports.files.model import ReadRows, UnreadableFileError
from api_segments.imports.files.text import PIECE_BYTES, read_text

MAX_ROWS = 100_000_000
"""Ten times what is measured: a part, of which there are 1,024 then, still fits into one function."""


def read_rows(chunks: Iterable[bytes], piece_bytes: int = PIECE_BYTES) -> Iterator[ReadRows]:
    """Return the rows of a file, in its order, some thousands at a time.

    Raises UnreadableFileError, also after rows: so nothing may be applied before all have been read.
    """
    rows: CsvRows | JsonRows | None = None
    count = blank = 0
    for lines in read_lines(read_text(chunks, piece_bytes)):
        rows = rows or _format_of(lines, 1 + blank)
        if rows is None:
            blank += len(lines)
            continue
        read = rows.read(lines)
        count += len(read.users) + len(read.rejected)
        if count > MAX_ROWS:
            raise UnreadableFileError(f"has more than {MAX_ROWS:,} rows; send several files")
        yield read
    yield (rows or CsvRows(1 + blank)).end()


def _format_of(lines: Iterable[str], line: int) -> CsvRows | JsonRows | None:
    """Return what reads a file from that line on; None as long as nothing but space has come."""
    first = next((line.lstrip() for line in lines if line.strip()), "")
    if first.startswith("["):
        raise UnreadableFileError("is a JSON list; send NDJSON: one object a line, without brackets and commas")
    if first.startswith("{"):
        return JsonRows(line)
    return CsvRows(line) if first else None
