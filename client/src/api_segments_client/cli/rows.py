"""Users and records from files and stdin: plain lines, CSV or NDJSON, gzip too; what is wrong names its line."""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import json
import re
import sys
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

from api_segments_client.cli.exits import InputError

LONGEST = 255
CSV_FIELD = 1_048_576
OnBad = Callable[[int, str, str], object]
"""Is told of a row that names nobody: its line, its text, and why."""
_COLUMNS = ("identity", "guid")
_DELIMITERS = ",;\t"
_delimiter_in = re.compile(f"[{_DELIMITERS}]").search
_separator_line = re.compile(r'"?sep=([^"\w ])"?', re.IGNORECASE).fullmatch
_NO_HEADER = (
    "must be a header with a column named identity or guid, or with CleverTap's Type and Identity, separated by comma, "
    "semicolon or tab"
)
LOOKED_AT = 100
"""So many lines of a list are looked at before the first of them is given: as many as a request has users."""


def user_of(text: str) -> str:
    """Return the user that a text names: `guid:…` or an identity."""
    if text.startswith("guid:"):
        return _guid(text.removeprefix("guid:"))
    return text.removeprefix("identity:")


def _guid(text: str) -> str:
    from api_segments_client.models import Guid

    return Guid(text)


def flaw_of(user: str) -> str | None:
    """Return what is wrong with an identity or a guid, None if nothing is."""
    if not user.strip():
        return "an id has at least one character that is no space"
    if len(user) > LONGEST:
        return f"an id has at most {LONGEST} characters, not {len(user)}"
    if any(ord(each) < 32 or 127 <= ord(each) < 160 for each in user):  # noqa: PLR2004 - control characters
        return "an id has no control characters"
    return None


@contextmanager
def opened(path: str) -> Iterator[io.TextIOWrapper]:
    """Open a file, or stdin for `-`, as text: UTF-8, or UTF-16 with its mark, plain or gzip."""
    try:
        raw: Any = sys.stdin.buffer if path == "-" else Path(path).open("rb")  # noqa: SIM115 - closed below
    except OSError as exc:
        raise InputError(f"{path} can't be read: {exc.strerror}") from exc
    try:
        file = io.BufferedReader(gzip.GzipFile(fileobj=raw)) if raw.peek(2)[:2] == b"\x1f\x8b" else raw
        encoding = "utf-16" if file.peek(2)[:2] in {codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE} else "utf-8-sig"
        yield io.TextIOWrapper(file, encoding, newline="")
    except (EOFError, gzip.BadGzipFile, zlib.error) as exc:
        raise InputError(f"{_called(path)} is damaged gzip: {exc}") from exc
    finally:
        if path != "-":
            raw.close()


def users(path: str, on_bad: OnBad) -> Iterator[str]:
    """Give the users of a file: a user a line, or CSV or NDJSON with `identity` or `guid`.

    CSV is read as imports read it: Excel's line `sep=;` and CleverTap's Type and Identity are understood, and rows of
    several cells need a header, as a wrong one would make users of whole rows.
    """
    with opened(path) as file:
        lines = _lines(path, file)
        first = _first(lines)
        if first is None:
            return
        if first[1].lstrip().startswith("{"):
            yield from _of_json(path, first, lines, on_bad)
            return
        delimiters, header = _header(first, lines)
        if header is None:
            return
        for delimiter in delimiters:
            names = [name.lower() for name in _cells(header[1], delimiter)]
            if any(name in _COLUMNS for name in names):
                yield from _of_csv(path, header[0], names, lines, delimiter, on_bad)
                return
        if header is not first:
            raise InputError(f"{_called(path)}, line {header[0]}: {_NO_HEADER}")
        yield from _of_list(path, first, lines, on_bad)


def refuse(path: str) -> OnBad:
    """Return what ends all at the first row that names nobody."""

    def end(number: int, _: str, why: str) -> None:
        raise InputError(f"{_called(path)}, line {number}: {why}")

    return end


def objects(path: str, check: Callable[[Sequence[str]], str | None]) -> Iterator[tuple[int, dict[str, Any]]]:
    """Give the objects of NDJSON, or the rows of CSV as objects of text, each with its line.

    `check` says what is wrong with the columns of CSV, None if nothing is; then no row is given.
    """
    with opened(path) as file:
        lines = _lines(path, file)
        first = _first(lines)
        if first is None:
            return
        if first[1].lstrip().startswith("{"):
            for number, text in _again(first, lines):
                if text.strip():
                    yield number, _object(path, number, text)
            return
        delimiters, header = _header(first, lines)
        if header is None:
            return
        delimiter = max(delimiters, key=header[1].count)
        names = _cells(header[1], delimiter)
        if len(set(names)) < len(names):
            raise InputError(f"{_called(path)}, line {header[0]}: a column is named twice")
        if (flaw := check(names)) is not None:
            raise InputError(f"{_called(path)}, line {header[0]}: {flaw}")
        for number, cells in _csv_rows(path, header[0], lines, delimiter):
            if len(cells) > len(names):
                raise InputError(
                    f"{_called(path)}, line {number}: {len(cells)} cells, where there are {len(names)} columns"
                )
            yield number, dict(zip(names, cells, strict=False))


def _called(path: str) -> str:
    return "stdin" if path == "-" else path


def _lines(path: str, file: io.TextIOWrapper) -> Iterator[tuple[int, str]]:
    number = 0
    try:
        for number, text in enumerate(file, 1):
            yield number, text
    except UnicodeError as exc:
        encoding = "UTF-16" if "16" in file.encoding else "UTF-8"
        raise InputError(f"{_called(path)}, after line {number}: the bytes are not {encoding} ({exc})") from exc


def _again(first: tuple[int, str], lines: Iterator[tuple[int, str]]) -> Iterator[tuple[int, str]]:
    yield first
    yield from lines


def _first(lines: Iterator[tuple[int, str]]) -> tuple[int, str] | None:
    return next(((number, text) for number, text in lines if text.strip()), None)


def _header(first: tuple[int, str], lines: Iterator[tuple[int, str]]) -> tuple[str, tuple[int, str] | None]:
    """Return what may separate cells, and the line that may be a header: the first, or that behind Excel's `sep=`."""
    separator = _separator_line(first[1].strip("\r\n "))
    return (_DELIMITERS, first) if separator is None else (separator[1], _first(lines))


def _cells(header: str, delimiter: str) -> list[str]:
    try:
        return [cell.strip() for cell in next(csv.reader([header], delimiter=delimiter, skipinitialspace=True))]
    except csv.Error:
        return []


def _csv_rows(
    path: str, before: int, lines: Iterator[tuple[int, str]], delimiter: str
) -> Iterator[tuple[int, list[str]]]:
    csv.field_size_limit(CSV_FIELD)
    reader = csv.reader((text for _, text in lines), delimiter=delimiter, strict=True)
    begins = before + 1
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                yield begins, cells
            begins = before + 1 + reader.line_num
    except csv.Error as exc:
        raise InputError(f"{_called(path)}, line {begins}: no CSV: {exc}") from exc


def _of_csv(
    path: str, line: int, names: Sequence[str], lines: Iterator[tuple[int, str]], delimiter: str, on_bad: OnBad
) -> Iterator[str]:
    for name in _COLUMNS:
        if names.count(name) > 1:
            raise InputError(f"{_called(path)}, line {line}: the header names {name} twice")
    places = [names.index(name) if name in names else None for name in (*_COLUMNS, "type")]
    has_kinds = "type" in names and "guid" not in names
    for number, cells in _csv_rows(path, line, lines, delimiter):
        identity, guid, kind = ("" if at is None or at >= len(cells) else cells[at].strip(" ") for at in places)
        if has_kinds and kind.lower() not in {"i", "g"}:
            on_bad(number, delimiter.join(cells), "Type must be i (identity) or g (guid)")
            continue
        if has_kinds and kind.lower() == "g":
            identity, guid = "", identity
        yield from _checked(identity or _guid(guid), number, delimiter.join(cells), on_bad)


def _of_list(path: str, first: tuple[int, str], lines: Iterator[tuple[int, str]], on_bad: OnBad) -> Iterator[str]:
    rest = _again(first, lines)
    while ahead := [*islice(rest, LOOKED_AT)]:
        for number, text in ahead:
            if _delimiter_in(text.strip("\r\n")):
                where = "" if number == first[0] else f", as line {number} has several cells"
                raise InputError(f"{_called(path)}, line {first[0]}: {_NO_HEADER}{where}")
        for number, text in ahead:
            if user := text.strip("\r\n").strip(" "):
                yield from _checked(user_of(user), number, user, on_bad)


def _of_json(path: str, first: tuple[int, str], lines: Iterator[tuple[int, str]], on_bad: OnBad) -> Iterator[str]:
    for number, text in _again(first, lines):
        if not text.strip():
            continue
        found = _object(path, number, text)
        identity, guid = found.get("identity"), found.get("guid")
        user = identity if isinstance(identity, str) else _guid(guid) if isinstance(guid, str) else None
        if user is None:
            on_bad(number, text.strip(), "neither identity nor guid is a text")
        else:
            yield from _checked(user, number, text.strip(), on_bad)


def _object(path: str, number: int, text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except ValueError as exc:
        raise InputError(f"{_called(path)}, line {number}: no JSON: {exc}") from exc
    if not isinstance(found, dict):
        raise InputError(f"{_called(path)}, line {number}: a line must be a JSON object")
    return found


def _checked(user: str, number: int, text: str, on_bad: OnBad) -> Iterator[str]:
    if (flaw := flaw_of(user)) is None:
        yield user
    else:
        on_bad(number, text, flaw)
