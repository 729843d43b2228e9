"""What calls about accounts take from the query."""

import re
from collections.abc import Mapping

from api_segments.core.errors import InvalidRequestError

MONTH = "([0-9]{3}[1-9]|[0-9]{2}[1-9]0|[0-9][1-9]00|[1-9]000)-(0[1-9]|1[0-2])"
"""There is no year 0. The pattern looks nowhere ahead: not every language's expressions can."""
_MONTH = re.compile(MONTH)


def month_in_query(query: Mapping[str, str]) -> str | None:
    """Read `month`, None if it is not there; raises InvalidRequestError."""
    month = query.get("month")
    if month is not None and not _MONTH.fullmatch(month):
        raise InvalidRequestError("month: must be a year and a month like 2026-11")
    return month
