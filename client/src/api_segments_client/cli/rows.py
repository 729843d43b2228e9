"""Users and records from files and stdin: plain lines, CSV or NDJSON, gzip too; what is wrong names its line."""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import json
import math
import re
import zlib
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Any, NoReturn

from api_segments_client.cli.exits import InputError

LONGEST = 255
CSV_FIELD = 1_048_576
OnBad = Callable[[int, str, str], object]
"""Is told of a row that names nobody: its line, its text, and why."""
_COLUMNS = ("identity", "guid")
_DELIMITERS = ",;\t"
NAMED = re.compile(r"(identity|guid|object[ _]?id|user[ _]?id|customer[ _]?id|profile[ _]?id|id)", re.IGNORECASE)
COLUMN = re.compile(
    r"(e?mail|emailaddress|phone|phonenumber|mobile|msisdn|(first|last|full|user|customer)?name|users?|customers?|"
    r"members?|contacts?|accounts?|(customer|member|account|client)(id|no|number)|uu?id)",
    re.IGNORECASE,
)
"""What heads the one column of a file: as the page's imports/peek.js knows it."""
_OF_THE_API = {"identity", "guid", "added_at"}, {"line", "column", "reason", "row", "identity", "guid"}
"""The columns of exports and of rejected rows, in which an apostrophe stands before what spreadsheets would run."""
_delimiter_in = re.compile(f"[{_DELIMITERS}]").search
_separator_line = re.compile(r'"?sep=([^"\w ])"?', re.IGNORECASE).fullmatch
_kept_from_running = re.compile(r"'(?=[' ]*[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20])").match
_broken = re.compile("[\ud800-\udfff]").search
"""Bytes that are not UTF-8, and halves of UTF-16's pairs: both are read as lone surrogates."""
_NOT_UTF8 = "has bytes that are not UTF-8; it must be UTF-8 or UTF-16"
_NO_HEADER = (
    "must be a header with a column named identity or guid, or with CleverTap's Type and Identity, separated by comma, "
    "semicolon or tab"
)
_APOSTROPHE = (
    "begins with an apostrophe that keeps spreadsheets from reading a formula: leave it out; or, if it is a part of "
    "the id, give NDJSON"
)
LOOKED_AT = 100
"""So many lines of a list are looked at before the first of them is given: as many as a request has users."""
_HEAD_BYTES = 1024


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
    return _NOT_UTF8 if _broken(user) else None


def users(path: str, on_bad: OnBad) -> Iterator[str]:
    """Give the users of a file: a user a line, or CSV or NDJSON with `identity` or `guid`.

    A file of one column may have a header of another usual name, like `user_id`. CSV is read as imports read it:
    Excel's line `sep=;` and CleverTap's Type and Identity are understood, and rows of several cells need a header, as
    a wrong one would make users of whole rows.
    """
    lines = _lines(path)
    first = _first(lines)
    if first is None:
        return
    if first[1].lstrip().startswith("{"):
        yield from _of_json(first, lines, on_bad)
        return
    delimiters, header = _header(first, lines)
    if header is None:
        return
    for delimiter in delimiters:
        names = [name.lower() for name in _cells(header[1], delimiter)]
        if any(name in _COLUMNS for name in names):
            yield from _of_csv(path, header[0], names, names, lines, delimiter, on_bad)
            return
    names = _cells(header[1].lower(), delimiters[0])
    if len(names) == 1 and (column := _column_of(names[0])) is not None:
        yield from _of_csv(path, header[0], names, [column], lines, delimiters[0], on_bad)
        return
    if header is not first:
        raise InputError(f"{_called(path)}, line {header[0]}: {_NO_HEADER}")
    yield from _of_list(path, first, lines, on_bad)


def refuse(path: str) -> OnBad:
    """Return what ends all at the first row that names nobody."""

    def end(number: int, _: str, why: str) -> None:
        raise InputError(f"{_called(path)}, line {number}: {why}")

    return end


def objects(path: str, on_bad: OnBad) -> Iterator[tuple[int, dict[str, Any]]]:
    """Give the objects of NDJSON, or the rows of CSV as objects of text, each with its line."""
    lines = _lines(path)
    first = _first(lines)
    if first is None:
        return
    if first[1].lstrip().startswith("{"):
        for number, _, found in _json_rows(first, lines, on_bad):
            yield number, found
        return
    delimiters, header = _header(first, lines)
    if header is None:
        return
    delimiter = max(delimiters, key=header[1].count)
    names = _cells(header[1], delimiter)
    if len(set(names)) < len(names):
        raise InputError(f"{_called(path)}, line {header[0]}: a column is named twice")
    for number, cells in _csv_rows(path, header[0], len(names), lines, delimiter, on_bad):
        if any(map(_broken, cells)):
            on_bad(number, delimiter.join(cells), _NOT_UTF8)
        else:
            yield number, dict(zip(names, cells, strict=True))


def json_object(path: str) -> dict[str, Any]:
    """Return the one JSON object that a file holds."""
    try:
        return _object("".join(text for _, text in _lines(path)))
    except ValueError as exc:
        raise InputError(f"{_called(path)}: {exc}") from exc


def _called(path: str) -> str:
    return "stdin" if path == "-" else path


def _lines(path: str) -> Iterator[tuple[int, str]]:
    """Give the lines of a file, or of stdin for `-`, each with its number: UTF-8 or UTF-16, plain or gzip."""
    number = 0
    try:
        with open(0 if path == "-" else path, "rb", closefd=path != "-") as raw:
            for number, text in enumerate(_text(path, raw), 1):
                yield number, text
    except (EOFError, gzip.BadGzipFile, zlib.error) as exc:
        why = "ends too early: was it cut off?" if isinstance(exc, EOFError) else f"is damaged: {exc}"
        raise InputError(f"{_called(path)}, line {number + 1}: gzip that {why}") from exc
    except UnicodeDecodeError as exc:
        where = f"{_called(path)}, line {number + 1}"
        raise InputError(f"{where}: ends in the middle of a character of UTF-16") from exc
    except OSError as exc:
        raise InputError(f"{_called(path)} can't be read: {exc.strerror or exc}") from exc


def _text(path: str, raw: io.BufferedReader) -> io.TextIOWrapper:
    # GzipFile gives all that can be unpacked before it raises; a BufferedReader around it would lose the last of that.
    file: Any = gzip.GzipFile(fileobj=raw) if raw.peek(2)[:2] == b"\x1f\x8b" else raw
    head = file.peek(_HEAD_BYTES)[:_HEAD_BYTES]
    if head[:2] in {codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE}:
        return io.TextIOWrapper(file, "utf-16", "surrogatepass", newline="")
    # What names users begins with a character of ASCII: in UTF-16 one of its two bytes is zero.
    if head[:1] > b"\0" and head[1:2] == b"\0" and head[3:4] == b"\0":
        return io.TextIOWrapper(file, "utf-16-le", "surrogatepass", newline="")
    if b"\0" in head:
        raise InputError(f"{_called(path)} is no text: send CSV or NDJSON, plain or gzip")
    return io.TextIOWrapper(file, "utf-8-sig", "surrogateescape", newline="")


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
    path: str,
    before: int,
    width: int,
    lines: Iterator[tuple[int, str]],
    delimiter: str,
    on_bad: OnBad,
    *,
    has_spaces: bool = False,
) -> Iterator[tuple[int, list[str]]]:
    csv.field_size_limit(CSV_FIELD)
    texts = (text for _, text in lines)
    reader = csv.reader(texts, delimiter=delimiter, strict=True, skipinitialspace=not has_spaces)
    begins = before + 1
    try:
        for cells in reader:
            if not any(cell.strip() for cell in cells):
                pass
            elif len(cells) == width:
                yield begins, cells
            else:
                on_bad(begins, delimiter.join(cells), f"has {len(cells)} cells, the header has {width}")
            begins = before + 1 + reader.line_num
    except csv.Error as exc:
        raise InputError(f"{_called(path)}, line {begins}: no CSV: {exc}") from exc


def _column_of(name: str) -> str | None:
    """Return whether the usual name of a column is one of identities or of guids; None where it is no such name."""
    if NAMED.fullmatch(name) or COLUMN.fullmatch(re.sub(r"[\s_-]", "", name)):
        return "guid" if name.startswith("object") else "identity"
    return None


def _of_csv(
    path: str,
    line: int,
    header: Sequence[str],
    names: Sequence[str],
    lines: Iterator[tuple[int, str]],
    delimiter: str,
    on_bad: OnBad,
) -> Iterator[str]:
    for name in _COLUMNS:
        if names.count(name) > 1:
            raise InputError(f"{_called(path)}, line {line}: the header names {name} twice")
    places = [names.index(name) if name in names else None for name in (*_COLUMNS, "type")]
    has_kinds = "type" in names and "guid" not in names
    is_ours = any(columns <= {*names} for columns in _OF_THE_API)
    for number, cells in _csv_rows(path, line, len(names), lines, delimiter, on_bad, has_spaces=is_ours):
        if [cell.strip().lower() for cell in cells] == header:
            on_bad(number, delimiter.join(cells), "is the header again")
            continue
        identity, guid, kind = ("" if at is None else cells[at] if is_ours else cells[at].strip(" ") for at in places)
        if has_kinds and kind.lower() not in {"i", "g"}:
            on_bad(number, delimiter.join(cells), "Type must be i (identity) or g (guid)")
            continue
        if has_kinds and kind.lower() == "g":
            identity, guid = "", identity
        user = identity or guid
        if _kept_from_running(user):
            if not is_ours:
                on_bad(number, delimiter.join(cells), _APOSTROPHE)
                continue
            user = user[1:]
        yield from _checked(user if identity else _guid(user), number, delimiter.join(cells), on_bad)


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


def _of_json(first: tuple[int, str], lines: Iterator[tuple[int, str]], on_bad: OnBad) -> Iterator[str]:
    for number, text, found in _json_rows(first, lines, on_bad):
        name = next((name for name in _COLUMNS if found.get(name) is not None), None)
        if name is None:
            on_bad(number, text, "identity or guid is needed")
        elif not isinstance(found[name], str):
            on_bad(number, text, f"{name} must be a text")
        else:
            yield from _checked(found[name] if name == "identity" else _guid(found[name]), number, text, on_bad)


def _json_rows(
    first: tuple[int, str], lines: Iterator[tuple[int, str]], on_bad: OnBad
) -> Iterator[tuple[int, str, dict[str, Any]]]:
    for number, line in _again(first, lines):
        text = line.strip()
        if _broken(text):
            on_bad(number, text, _NOT_UTF8)
        elif text:
            try:
                found = _object(text)
            except ValueError as exc:
                on_bad(number, text, str(exc))
            else:
                yield number, text, found


def _object(text: str) -> dict[str, Any]:
    """Return a JSON object; ValueError says what else it is."""
    try:
        found = json.loads(text, parse_constant=_no_number, parse_float=_finite)
    except (ValueError, RecursionError) as exc:
        raise ValueError(f"no JSON: {exc}") from exc
    if not isinstance(found, dict):
        raise ValueError("must be a JSON object")  # noqa: TRY004 - as with all else that is wrong in a text
    return found


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number")


def _finite(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        raise ValueError(f"{digits} is too large a number")
    return number


def _checked(user: str, number: int, text: str, on_bad: OnBad) -> Iterator[str]:
    if (flaw := flaw_of(user)) is None:
        yield user
    else:
        on_bad(number, text, flaw)
