"""The checks of ids in files: the API's own, and what only files can have."""

import re

from pydantic_core import PydanticCustomError

from api_segments.core.limits import MAX_ID_CHARACTERS
from api_segments.http.ids import check_text

# An id that `check_text` certainly takes, after the character that says which kind it is: nearly all are seen to be
# good by this, in a tenth of the time. The first character is no space and has a width, and is no apostrophe.
is_plainly_good = re.compile(
    rf"[ig][\w!-&(-~\U0001f300-\U0001faff][^\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffd-\uffff]{{0,{MAX_ID_CHARACTERS - 1}}}"
).fullmatch

_BROKEN = re.compile("[\ud800-\udfff]")
_ESCAPED_BYTES = range(0xDC80, 0xDD00)  # PEP 383; all other surrogates are halves of UTF-16's pairs
NOT_UTF8 = "has bytes that are not UTF-8; send the file as UTF-8 or UTF-16"
SHOWN_CHARACTERS = 1000
"""What is shown of a row that is longer than any may be."""


def refusal(value: str) -> str | None:
    """Return what is wrong with an id, or None."""
    if _BROKEN.search(value):
        return NOT_UTF8
    try:
        check_text(value)
    except PydanticCustomError as error:
        return error.message()
    return None


def is_broken(text: str) -> bool:
    """Whether a text has what stands for bytes that are not in the file's encoding."""
    return _BROKEN.search(text) is not None


def shown(text: str) -> str:
    r"""Return a text as it can be written, with the bytes that are not UTF-8 as \xNN."""
    return _BROKEN.sub(lambda found: _escaped(ord(found[0])), text)


def _escaped(code: int) -> str:
    return f"\\x{code - 0xDC00:02x}" if code in _ESCAPED_BYTES else f"\\u{code:04x}"
