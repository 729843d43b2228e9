"""Values of attributes as people read them: days as days, numbers without an exponent."""

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from api_segments.profiles.model import AttributeValue

# CleverTap's way to write a moment, in seconds since 1970.
_MOMENT = re.compile(r"\$D_(-?[0-9]{1,12})")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def as_read(value: AttributeValue) -> AttributeValue:
    """Return a value as it is to be read; one that has no such form stays as it was sent."""
    if isinstance(value, float):
        return int(Decimal(repr(value))) if value.is_integer() else _without_exponent(value)
    moment = _MOMENT.fullmatch(value) if isinstance(value, str) else None
    if moment is None:
        return value
    try:
        return (_EPOCH + timedelta(seconds=int(moment[1]))).date().isoformat()
    except OverflowError:
        return value


def _without_exponent(value: float) -> float | str:
    text = repr(value)
    return format(Decimal(text), "f") if "e" in text else value
