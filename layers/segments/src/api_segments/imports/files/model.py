"""Users and rejected rows as files name them. Plain values."""

from collections.abc import Sequence
from dataclasses import dataclass
from zlib import crc32

from api_segments.core.errors import SegmentsError
from api_segments.memberships.model import UserReference

IDENTITY, GUID = "i", "g"
"""How a user is named: the first character of a line of a part file, and what CleverTap's column Type says."""


class UnreadableFileError(SegmentsError):
    """The file as a whole can't be read; nothing of it may be applied. The text has nothing of what the file holds."""

    slug = "unreadable_file"


@dataclass(frozen=True, slots=True)
class RejectedRow:
    r"""A row that names no user who can be taken.

    `line`: where the row begins, counted from 1 as editors do. `column`: the column that is wrong, or empty where the
    whole row is. `row`: the row's own text; bytes that are not UTF-8 are shown as \xNN. `identity`, `guid`: the id as
    it was read, where the id itself is what is wrong, so that it can be mended in its place.
    """

    line: int
    column: str
    reason: str
    row: str
    identity: str = ""
    guid: str = ""


@dataclass(frozen=True, slots=True)
class ReadRows:
    """Some rows of a file, in its order: users, each as `line_of` writes it, and the rows that are none."""

    users: Sequence[bytes]
    rejected: Sequence[RejectedRow]


def line_of(user: UserReference) -> bytes:
    """Write a user as a line of a part file, without its end: `i` and the identity, or `g` and the guid.

    Ids have no control characters, so a line is one user, and two lines are equal only if the ids are.
    """
    return (f"{GUID}{user.guid}" if user.identity is None else f"{IDENTITY}{user.identity}").encode()


def user_of(line: bytes) -> UserReference:
    """Read a line of a part file."""
    text = line.decode()
    return UserReference(guid=text[1:]) if text[0] == GUID else UserReference(identity=text[1:])


def part_of(line: bytes, parts: int) -> int:
    """Return which of so many parts a user's line belongs to; every process says the same."""
    return crc32(line) % parts
