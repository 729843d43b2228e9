"""The checks of ids and names, wherever a request brings them: what is accepted, and what is said about the rest."""

import re
from unicodedata import category

from pydantic_core import PydanticCustomError

from api_segments.core.limits import MAX_ID_CHARACTERS, MAX_SEGMENT_ID
from api_segments.http.strict_json import BROKEN, REPLACEMENT

# The last two are no characters; an SQS queue behind the bus would refuse the event.
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\ufffe\uffff]")
_DIGITS = re.compile(r"[0-9]{1,16}")


def check_text(value: object, most: int = MAX_ID_CHARACTERS, line_break: str = "") -> object:
    """Check what a plain string type does not: emptiness, control characters, broken text, blankness.

    It may have `most` characters, and, where lines may be broken, `line_break`.
    """
    if not isinstance(value, str):
        return value
    if not 1 <= len(value) <= most:
        lengths = {"length": len(value), "most": most}
        raise PydanticCustomError("length", "must have 1 to {most} characters, has {length}", lengths)
    if _CONTROL.search(value.replace(line_break, "") if line_break else value):
        raise PydanticCustomError("control", "must have no control characters")
    if REPLACEMENT in value:
        raise PydanticCustomError("broken", BROKEN)
    if not value.isprintable() and any(category(character) == "Cs" for character in value):
        raise PydanticCustomError("surrogate", "must have no lone surrogates")
    if all(character.isspace() or category(character) == "Cf" for character in value):  # Cf: has no width
        raise PydanticCustomError("blank", "must not be only spaces")
    return value


def check_segment_id(value: object) -> int | None:
    """Take a segment id as a number or as a string of digits (clients send both)."""
    if value is None:
        return None
    if isinstance(value, str) and _DIGITS.fullmatch(value):
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= MAX_SEGMENT_ID:
        raise PydanticCustomError("segment_id", "must be a whole number from 1 to 2^53 - 1, or a string of its digits")
    return value
