"""Text in pieces as lines, a block at a time; what is longer than any row may be is cut."""

import io
from collections.abc import Iterable, Iterator

MAX_ROW_CHARACTERS = 1024 * 1024
"""What a row may have: where a line break or a quote is missing, the rest of the file must not fill the memory."""


def read_lines(pieces: Iterable[str]) -> Iterator[list[str]]:
    """Return all lines, with LF at the end of each but maybe the last; CR and CRLF end lines too.

    A line that is too long is cut to MAX_ROW_CHARACTERS + 1; where a quote was cut off, one stands behind that.
    """
    line_ends = io.IncrementalNewlineDecoder(None, translate=True)
    rest, is_cut = "", False
    for piece in pieces:
        text: str = line_ends.decode(piece)
        if is_cut:
            tail, end, text = text.partition("\n")
            rest = _cut(rest + tail)
            if not end:
                continue
            yield [rest + end]
            rest, is_cut = "", False
        text = rest + text
        whole = text.rfind("\n") + 1
        if whole:
            yield list(io.StringIO(text[:whole], newline="\n"))
        rest = text[whole:]
        if len(rest) > MAX_ROW_CHARACTERS:
            rest, is_cut = _cut(rest), True
    last = rest + line_ends.decode("", final=True)
    if last:
        yield [last]


def _cut(line: str) -> str:
    kept = line[: MAX_ROW_CHARACTERS + 1]
    return kept + '"' if '"' in line and '"' not in kept else kept
