"""Part files: the users of a file or of a segment by the hash of their ids, so that equal ones come into one part.

A part file is gzip; a line is a user, as `line_of` writes it. Everything is written in the order in which it came, so a
second run over the same users writes the same bytes.
"""

import zlib
from collections.abc import Iterable, Iterator, Sequence
from math import ceil
from pathlib import Path
from zlib import crc32

from api_segments.imports.files.text import unpacked

MOST_PARTS = 1024
_PENDING = 200_000  # users that wait in memory: 20 MB
_PART_USERS = 16_384  # of a part, if the estimate was right: a second's work, and small also if it was ten times wrong
# What a row of a file takes at least, seen in files of ids alone; gzip makes a fifth of them.
_ROW_BYTES, _GZIP_ROW_BYTES = 12, 2.5


def parts_for(file_bytes: int, members: int, *, is_gzip: bool) -> int:
    """Return how many parts a file of that size and a segment of so many members need: a power of two, up to 1,024."""
    users = max(file_bytes / (_GZIP_ROW_BYTES if is_gzip else _ROW_BYTES), members)
    return min(MOST_PARTS, 1 << (max(1, ceil(users / _PART_USERS)) - 1).bit_length())


class PartFiles:
    """Writes users into files in a folder, which must be empty: as many as there are parts, also where one is empty."""

    def __init__(self, folder: Path, parts: int) -> None:
        self.paths = [folder / f"{part:04}.gz" for part in range(parts)]
        self._pending: list[list[bytes]] = [[] for _ in range(parts)]
        self._count = 0

    def add(self, users: Sequence[bytes]) -> None:
        """Take users, each as `line_of` writes it."""
        pending, parts = self._pending, len(self._pending)
        for user in users:
            pending[crc32(user) % parts].append(user)
        self._count += len(users)
        if self._count >= _PENDING:
            self._write()

    def close(self) -> None:
        """Write what is left."""
        self._write()
        for path in self.paths:
            if not path.exists():
                path.write_bytes(packed([]))

    def _write(self) -> None:
        for path, users in zip(self.paths, self._pending, strict=True):
            if users:
                with path.open("ab") as file:
                    file.write(packed(users))
                users.clear()
        self._count = 0


def read_part(chunks: Iterable[bytes]) -> Iterator[list[bytes]]:
    """Return the users of a part file, as `line_of` writes them, some thousands at a time."""
    rest = b""
    for piece in unpacked(chunks):
        *lines, rest = (rest + piece).split(b"\n")
        yield lines


def packed(users: Sequence[bytes]) -> bytes:
    """Return lines as a member of gzip, which bears no time; fast, since it is read once and thrown away."""
    packer = zlib.compressobj(1, wbits=31)
    return packer.compress(b"".join(user + b"\n" for user in users)) + packer.flush()
