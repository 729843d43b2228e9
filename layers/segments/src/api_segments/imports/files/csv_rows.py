"""CSV: a header that names the columns of the ids, then a user a row.

Cells are trimmed of spaces, but in files that we have written. Rows that have empty cells alone, as spreadsheets leave
them behind, are no rows.
"""

import csv
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING

from api_segments.imports.files.judged import SHOWN_CHARACTERS, is_broken, is_plainly_good, refusal, shown
from api_segments.imports.files.lines import MAX_ROW_CHARACTERS
from api_segments.imports.files.model import GUID, IDENTITY, ReadRows, RejectedRow, UnreadableFileError
from api_segments.imports.files.written_csv import EXPORT_HEADER, REJECTED_HEADER, as_before

if TYPE_CHECKING:
    from _csv import Reader

csv.field_size_limit(2 * MAX_ROW_CHARACTERS)  # one for the whole process; the bound of rows is ours

_DELIMITERS = ",;\t"
_separator_line = re.compile(r"\"?sep=([^\"\w\n ])\"? *\n?", re.IGNORECASE).fullmatch
_KINDS = {"i": IDENTITY, "g": GUID}  # CleverTap's, in its column Type
_NO_KIND = "?"

_NO_HEADER = (
    "must be a header with a column named identity or guid, or with CleverTap's Type and Identity, separated by comma, "
    "semicolon or tab"
)
_OPENS = "opens a cell with a double quote"
_UNCLOSED = f"{_OPENS} that nothing closes, or nothing within {MAX_ROW_CHARACTERS} characters"
_BYTE_ORDER_MARK = "\ufeff"
_APOSTROPHE = (
    "begins with an apostrophe that keeps spreadsheets from reading a formula: leave it out; or, if it is a part of "
    "the id, send NDJSON"
)


@dataclass(frozen=True, slots=True)
class _Header:
    """The first row: its cells, and at which index each of the columns is that we read."""

    cells: Sequence[str]
    delimiter: str
    identity: int | None
    guid: int | None
    kind: int | None
    is_ours: bool

    def keys(self, table: Sequence[Sequence[str]]) -> list[str]:
        """Return the id of each row after its kind, as part files have it; rows must have the header's width."""
        trim: Callable[[str], str] = (lambda cell: cell) if self.is_ours else (lambda cell: cell.strip(" "))
        identity, guid, kind = self.identity, self.guid, self.kind
        if identity is None:
            assert guid is not None  # noqa: S101 - a header has one of the two
            return [GUID + trim(row[guid]) for row in table]
        if kind is not None:
            return [_KINDS.get(row[kind].strip(" ").lower(), _NO_KIND) + trim(row[identity]) for row in table]
        if guid is None:
            return [IDENTITY + row[identity].strip(" ") for row in table]
        return [IDENTITY + own if (own := trim(row[identity])) else GUID + trim(row[guid]) for row in table]

    def column_of(self, kind: str) -> str:
        """Return the name of the column that ids of a kind stand in."""
        index = self.guid if kind == GUID and self.guid is not None else self.identity
        return "" if index is None else self.cells[index]


class CsvRows:
    """Reads the lines of a CSV file, block by block. Its methods raise UnreadableFileError."""

    def __init__(self, line: int = 1) -> None:
        self._line = line  # the number of the first line that is not read yet
        self._kept: Sequence[str] = ()  # lines that wait for those after them
        self._delimiters = _DELIMITERS
        self._header: _Header | None = None

    def read(self, lines: Sequence[str]) -> ReadRows:
        """Return what the next lines say, and those that waited for them."""
        return self._read([*self._kept, *lines], is_end=False)

    def end(self) -> ReadRows:
        """Return what those lines say that still wait."""
        rows = self._read(list(self._kept), is_end=True)
        if self._header is None:
            raise _unreadable(self._line, _NO_HEADER)
        return rows

    def _read(self, lines: list[str], *, is_end: bool) -> ReadRows:
        if self._header is None:
            lines = self._read_header(lines, is_end=is_end)
        if self._header is None:
            self._kept = lines
            return ReadRows((), ())
        cut = _Rows(self._header, self._line)
        left = cut.cut(lines, is_end=is_end)
        self._kept = lines[left:]
        self._line += left
        return cut.judged(lines)

    def _read_header(self, lines: list[str], *, is_end: bool) -> list[str]:
        """Set the header, if it is there; return the lines after what was read."""
        for index, line in enumerate(lines):
            separator = _separator_line(line) if self._delimiters == _DELIMITERS else None
            if separator:
                self._delimiters = separator[1]
            if separator or not line.strip(f"{_DELIMITERS} \n"):
                continue
            rest = lines[index:]
            self._line += index
            for delimiter in self._delimiters:
                read = self._first_row(rest, delimiter)
                if read is None and not is_end and sum(map(len, rest)) <= MAX_ROW_CHARACTERS:
                    return rest
                cells, taken = read or ([], 0)
                if {"identity", "guid"} & set(_names(cells)):
                    self._header = self._header_of(cells, delimiter)
                    self._line += taken
                    return rest[taken:]
            if rest[0].startswith(("i,", "g,")):
                if rest[1:2] == ["Type,Identity\n"]:  # RudderStack's destination writes it after the first row
                    self._header = self._header_of(["Type", "Identity"], ",")
                    return [rest[0], "\n", *rest[2:]]
                if len(rest) == 1 and not is_end:
                    return rest
            raise _unreadable(self._line, _NO_HEADER)
        self._line += len(lines)
        return []

    def _first_row(self, lines: Sequence[str], delimiter: str) -> tuple[list[str], int] | None:
        """Return the first row and of how many lines it is; None if it has no end, or no right one."""
        reader = _reader(lines, delimiter)
        try:
            cells = next(reader)
        except csv.Error:
            return None
        if sum(map(len, lines[: reader.line_num])) > MAX_ROW_CHARACTERS + 1:  # with its line's end
            raise _unreadable(self._line, f"the header has more than {MAX_ROW_CHARACTERS} characters")
        return cells, reader.line_num

    def _header_of(self, cells: Sequence[str], delimiter: str) -> _Header:
        names = _names(cells)
        at: dict[str, int] = {}
        for name in ("identity", "guid", "type"):
            if name in names:
                at[name] = names.index(name)
            if name != "type" and names.count(name) > 1:
                raise _unreadable(self._line, f"the header names {name} twice")
        has_kinds = "identity" in at and "guid" not in at
        return _Header(
            cells=[cell.strip(" ") for cell in cells],
            delimiter=delimiter,
            identity=at.get("identity"),
            guid=at.get("guid"),
            kind=at.get("type") if has_kinds else None,
            is_ours=any(set(ours) <= set(names) for ours in (EXPORT_HEADER, REJECTED_HEADER)),
        )


@dataclass(frozen=True, slots=True)
class _Wrong:
    """Why a row names no user, as RejectedRow has it."""

    reason: str
    column: str = ""
    identity: str = ""
    guid: str = ""


class _Rows:
    """Rows of some lines, cut at the delimiters, and then judged."""

    def __init__(self, header: _Header, line: int) -> None:
        self._header = header
        self._line = line  # the number of the first of the lines
        self._table: list[list[str]] = []
        self._spans: list[tuple[int, int]] | None = None  # which lines a row is of; None: each of one
        self._rejected: list[RejectedRow] = []

    def cut(self, lines: list[str], *, is_end: bool) -> int:
        """Cut rows; return how many lines they were: those after them wait for more."""
        if max(map(len, lines), default=0) <= MAX_ROW_CHARACTERS:
            with suppress(csv.Error):
                self._table = list(self._reader(lines))
                if len(self._table) == len(lines):
                    return len(lines)
        self._table, self._spans = [], []
        return self._cut_one_by_one(lines, self._spans, is_end=is_end)

    def _cut_one_by_one(self, lines: list[str], spans: list[tuple[int, int]], *, is_end: bool) -> int:
        is_over = False

        def end() -> Iterator[str]:
            nonlocal is_over
            is_over = True
            yield from ()

        reader = self._reader(chain(lines, end()))
        start = 0
        while True:
            try:
                row = next(reader, None)
                is_wrong = False
            except csv.Error:
                row, is_wrong = [], True
            if row is None:
                return start
            stop = reader.line_num
            text = "".join(lines[start:stop]).removesuffix("\n")
            is_long = len(text) > MAX_ROW_CHARACTERS
            if (is_long and '"' in text) or (is_wrong and is_over and is_end):
                raise self._unreadable(start, _UNCLOSED)
            if is_wrong and is_over:
                return start
            if is_wrong and stop > start + 1:
                raise self._unreadable(start, f"{_OPENS}; the next one, in line {self._line + stop - 1}, ends no cell")
            if is_wrong:
                self._reject(start, text, _Wrong("has a double quote that ends no cell, in a cell that one opens"))
            elif is_long:
                reason = f"has more than {MAX_ROW_CHARACTERS} characters; the first {SHOWN_CHARACTERS} are shown"
                self._reject(start, text[:SHOWN_CHARACTERS], _Wrong(reason))
            else:
                self._table.append(row)
                spans.append((start, stop))
            start = stop

    def judged(self, lines: Sequence[str]) -> ReadRows:
        """Return the users whom the rows name, and the rows that name none."""
        header, table = self._header, self._table
        width = len(header.cells)
        odd = {index: row for index, row in enumerate(table) if len(row) != width}
        for index in odd:
            table[index] = [""] * width
        keys = header.keys(table)
        doubtful = [index for index, key in enumerate(keys) if not is_plainly_good(key)]
        again = header.keys([header.cells])[0]
        if again in keys:
            doubtful += [index for index, key in enumerate(keys) if key == again and is_plainly_good(key)]
        for index in doubtful:
            start, stop = (index, index + 1) if self._spans is None else self._spans[index]
            text = "".join(lines[start:stop]).removesuffix("\n")
            judged = self._judge(odd.get(index, table[index]), keys[index])
            if isinstance(judged, _Wrong):
                self._reject(start, text, judged)
            keys[index] = judged if isinstance(judged, str) else ""
        users = "\n".join(filter(None, keys)).encode()
        return ReadRows(users.split(b"\n") if users else (), sorted(self._rejected, key=lambda row: row.line))

    def _judge(self, row: Sequence[str], key: str) -> "str | _Wrong | None":
        """Return the key of a row that has to be looked at, or what is wrong; None for a row that says nothing."""
        header = self._header
        cells = [cell.strip(" ") for cell in row]
        if not any(cells):
            return None
        if len(row) != len(header.cells):
            return _Wrong(f"has {len(row)} cells, the header has {len(header.cells)}")
        if [cells[0].removeprefix(_BYTE_ORDER_MARK), *cells[1:]] == header.cells:
            return _Wrong("is the header again")
        if key[0] == _NO_KIND:
            return _Wrong("must be i (identity) or g (guid)", header.cells[header.kind or 0])
        return self._judge_id(key[0], key[1:])

    def _judge_id(self, kind: str, cell: str) -> "str | _Wrong":
        column = self._header.column_of(kind)
        value = as_before(cell) if self._header.is_ours else cell
        if not value:
            return _Wrong("is empty", column)
        if as_before(value) != value and not self._header.is_ours:
            return _Wrong(_APOSTROPHE, column)
        reason = refusal(value)
        if reason is None:
            return kind + value
        shown_ids = {} if is_broken(value) else {"guid" if kind == GUID else "identity": value}
        return _Wrong(reason, column, **shown_ids)

    def _reject(self, start: int, text: str, wrong: "_Wrong") -> None:
        line = self._line + start
        self._rejected.append(RejectedRow(line, wrong.column, wrong.reason, shown(text), wrong.identity, wrong.guid))

    def _reader(self, lines: Iterable[str]) -> "Reader":
        return _reader(lines, self._header.delimiter, is_ours=self._header.is_ours)

    def _unreadable(self, start: int, reason: str) -> UnreadableFileError:
        return _unreadable(self._line + start, reason)


def _reader(lines: Iterable[str], delimiter: str, *, is_ours: bool = False) -> "Reader":
    return csv.reader(lines, delimiter=delimiter, strict=True, skipinitialspace=not is_ours)


def _names(cells: Sequence[str]) -> list[str]:
    return [cell.strip(" ").casefold() for cell in cells]


def _unreadable(line: int, reason: str) -> UnreadableFileError:
    return UnreadableFileError(f"line {line}: {reason}")
