"""A file into part files and a file of its rejected rows, in one pass."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from api_segments.imports.files.parts import PartFiles
from api_segments.imports.files.reader import read_rows
from api_segments.imports.files.written_csv import REJECTED_HEADER, csv_lines, rejected_lines


@dataclass(frozen=True, slots=True)
class SplitFigures:
    """What a file has: rows, and how many of them are rejected."""

    rows: int
    rejected: int


def split(chunks: Iterable[bytes], into: PartFiles, reject: Callable[[bytes], object]) -> SplitFigures:
    """Write a file's users into part files; give `reject` the CSV of its rejected rows, piece by piece, if it has any.

    Raises UnreadableFileError: then what was written is of no use.
    """
    rows = rejected = 0
    for read in read_rows(chunks):
        into.add(read.users)
        if read.rejected:
            reject((b"" if rejected else csv_lines([REJECTED_HEADER])) + rejected_lines(read.rejected))
        rows += len(read.users) + len(read.rejected)
        rejected += len(read.rejected)
    into.close()
    return SplitFigures(rows, rejected)
