"""What calls take from the path, the query and the headers."""

import re
from collections.abc import Mapping
from types import MappingProxyType
from urllib.parse import unquote_to_bytes

from api_segments.core.errors import InvalidRequestError, NotFoundError
from api_segments.core.limits import DEFAULT_PAGE, MAX_IDEMPOTENCY_KEY_CHARACTERS, MAX_PAGE
from api_segments.core.paging import Position
from api_segments.http.cursors import Cursors
from api_segments.http.gateway import Request
from api_segments.http.strict_json import show
from api_segments.http.validation import hint, parse_segment_id, parse_text

USER_NAMES = ("identity", "guid")
"""What a path may name a user by, the usual one first."""
_FLAGS = {"1": True, "true": True, "0": False, "false": False}
_LIMIT = re.compile(r"[0-9]{1,4}")
_IDEMPOTENCY_KEY = re.compile(rf"[\x21-\x7e]{{1,{MAX_IDEMPOTENCY_KEY_CHARACTERS}}}")


def idempotency_key(headers: Mapping[str, str]) -> str | None:
    """Read `Idempotency-Key`, None if it is not there; raises InvalidRequestError."""
    key = headers.get("idempotency-key")
    if key is not None and not _IDEMPOTENCY_KEY.fullmatch(key):
        raise InvalidRequestError(
            f"Idempotency-Key: must have 1 to {MAX_IDEMPOTENCY_KEY_CHARACTERS} visible ASCII characters"
        )
    return key


def user_in_path(raw: str, query: Mapping[str, str]) -> dict[str, str]:
    """Read whom the path names, where a REST API leaves it percent-encoded: by `identity`, or with `by=guid` by `guid`.

    The query may have no other names. Raises InvalidRequestError.
    """
    refuse_unknown(query, "by")
    by = query.get("by", USER_NAMES[0])
    if by not in USER_NAMES:
        raise InvalidRequestError(f"by: must be {' or '.join(USER_NAMES)}")
    try:
        return {by: parse_text(unquote_to_bytes(raw).decode(), by)}
    except UnicodeDecodeError as exc:
        raise InvalidRequestError(f"{by}: must be percent-encoded UTF-8") from exc


def segment_id_in_path(raw: str) -> int:
    """Read a segment id from the path; raises NotFoundError, as nothing can be there under a wrong one."""
    try:
        return parse_segment_id(raw, "segment id")
    except InvalidRequestError as exc:
        raise NotFoundError("there is no such segment") from exc


def query_text(query: Mapping[str, str], *names: str) -> dict[str, str]:
    """Read ids from the query, which may have no other names; raises InvalidRequestError."""
    refuse_unknown(query, *names)
    return {name: parse_text(query[name], name) for name in names if name in query}


def flag_in_query(query: Mapping[str, str], name: str) -> bool:
    """Read a parameter that is on or off, off if it is not there; raises InvalidRequestError."""
    flag = _FLAGS.get(query.get(name, "0"))
    if flag is None:
        raise InvalidRequestError(f"{name}: must be 1 or true, or 0 or false")
    return flag


def refuse_unknown(query: Mapping[str, str], *names: str) -> None:
    """Raise InvalidRequestError if the query has any other name."""
    for name in query:
        if name not in names:
            raise InvalidRequestError(f"{show(name)}: unknown parameter{hint(name, names)}")


class Paging:
    """Which part of a list is asked for, and the cursor to the next.

    `path` and the values of `filters` are what the list is about: a cursor is good for that alone. A filter that says
    what is meant without it is to be left out. `limit` may change from page to page. Raises InvalidRequestError,
    ThrottledError or UnavailableError.
    """

    def __init__(
        self, request: Request, cursors: Cursors, path: str, filters: Mapping[str, str] = MappingProxyType({})
    ) -> None:
        self.limit = _limit_in_query(request.query)
        self._request = request
        self._cursors = cursors
        self._list = {"path": path, **filters}
        cursor = request.query.get("cursor")
        account_id = request.tenant.account_id
        self.position = None if cursor is None else cursors.read(account_id, self._list, cursor, request.deadline)

    def cursor_to(self, position: Position | None) -> str | None:
        """Return the cursor to what follows `position`, None at the end of the list."""
        if position is None:
            return None
        return self._cursors.write(self._request.tenant.account_id, self._list, position, self._request.deadline)


def _limit_in_query(query: Mapping[str, str]) -> int:
    raw = query.get("limit", str(DEFAULT_PAGE))
    if not _LIMIT.fullmatch(raw) or not 1 <= int(raw) <= MAX_PAGE:
        raise InvalidRequestError(f"limit: must be a whole number from 1 to {MAX_PAGE}")
    return int(raw)
