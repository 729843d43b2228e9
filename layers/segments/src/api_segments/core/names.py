"""Names that were meant to be one of ours: in another case, with other separators, in look-alike characters."""

from collections.abc import Iterable
from unicodedata import normalize


def meant(name: str, known: Iterable[str]) -> str | None:
    """Return which of the known names another one only looks like; None if it is one of them, or like none."""
    names = list(known)
    if name in names:
        return None
    letters = plain(name)
    return next((each for each in names if letters and plain(each) == letters), None)


def plain(name: str) -> str:
    """Return the letters and digits of a name, by compatibility (NFKC) and without case."""
    return "".join(filter(str.isalnum, normalize("NFKC", normalize("NFKC", name).casefold())))
