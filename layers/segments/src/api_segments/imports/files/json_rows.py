"""NDJSON: an object a line, `{"identity": …}` or `{"guid": …}`; other fields are ignored."""

import json
import re
from collections.abc import Mapping, Sequence

from api_segments.core.errors import InvalidRequestError
from api_segments.http import strict_json
from api_segments.imports.files.judged import NOT_UTF8, SHOWN_CHARACTERS, is_broken, is_plainly_good, refusal, shown
from api_segments.imports.files.lines import MAX_ROW_CHARACTERS
from api_segments.imports.files.model import GUID, IDENTITY, ReadRows, RejectedRow

_KINDS = {"identity": IDENTITY, "guid": GUID}
# A row with one id and nothing in it that JSON escapes: most are, and this is eight times as fast.
_simple = re.compile(r'\s*\{\s*"(identity|guid)"\s*:\s*"([^"\\\x00-\x1f]+)"\s*\}\s*').fullmatch


def _to_object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError  # `strict_json` says which key stands twice
    return found


_QUICK = json.JSONDecoder(object_pairs_hook=_to_object)  # made once; what it can't read, `strict_json` reads or refuses


class JsonRows:
    """Reads the lines of a file of NDJSON, block by block."""

    def __init__(self, line: int = 1) -> None:
        self._line = line

    def read(self, lines: Sequence[str]) -> ReadRows:
        """Return what the next lines say."""
        users: list[str] = []
        rejected: list[RejectedRow] = []
        for number, line in enumerate(lines, self._line):
            simple = _simple(line)
            user = f"{_KINDS[simple[1]]}{simple[2]}" if simple else ""
            if is_plainly_good(user):
                users.append(user)
            elif line.strip():
                read = _user(line, number)
                if isinstance(read, RejectedRow):
                    rejected.append(read)
                else:
                    users.append(read)
        self._line += len(lines)
        return ReadRows([user.encode() for user in users], rejected)

    def end(self) -> ReadRows:
        """Return what is left: each line was a row."""
        return ReadRows([], [])


def _user(line: str, number: int) -> str | RejectedRow:
    text = line.removesuffix("\n")
    if len(text) > MAX_ROW_CHARACTERS:
        reason = f"has more than {MAX_ROW_CHARACTERS} characters; the first {SHOWN_CHARACTERS} are shown"
        return RejectedRow(number, "", reason, shown(text[:SHOWN_CHARACTERS]))
    try:
        row = _parsed(text)
    except InvalidRequestError as error:
        return RejectedRow(number, "", str(error).removeprefix("body: "), shown(text))
    column = next((column for column in _KINDS if row.get(column) is not None), "")
    if not column:
        return RejectedRow(number, "", "identity or guid is required", text)
    value = row[column]
    if not isinstance(value, str):
        return RejectedRow(number, column, "must be a string", text)
    wrong = refusal(value)
    if wrong is None:
        return _KINDS[column] + value
    return RejectedRow(number, column, wrong, text, **{column: shown(value)})


def _parsed(line: str) -> Mapping[str, object]:
    """Read an object; raises InvalidRequestError."""
    if is_broken(line):
        raise InvalidRequestError(NOT_UTF8)
    try:
        row = _QUICK.decode(line)
    except (ValueError, RecursionError):
        row = strict_json.parse(line.encode())
    if not isinstance(row, dict):
        raise InvalidRequestError("must be an object with identity or guid")
    return row
