"""The bytes of a file as text: unpacked, in the encoding that they are in, whatever pieces they come in."""

import codecs
import zlib
from collections.abc import Iterable, Iterator

from api_segments.imports.files.model import UnreadableFileError

PIECE_BYTES = 1024 * 1024
"""What is unpacked and decoded at a time."""
MAX_PLAIN_BYTES = 20 * 1024**3
"""What a file may have when it is unpacked: what one Lambda reads in its 15 minutes, several times over."""

_GZIP = b"\x1f\x8b"
# What people send instead of text, by its first bytes (each format's own specification).
_OTHERS = {
    b"PK\x03\x04": "a zip archive or an Excel workbook (.xlsx)",
    b"PK\x05\x06": "a zip archive",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook (.xls)",
    b"PAR1": "Parquet",
    b"Obj\x01": "Avro",
    b"ORC": "ORC",
    b"BZh": "bzip2",
    b"\xfd7zXZ\x00": "xz",
    b"\x28\xb5\x2f\xfd": "Zstandard",
    b"7z\xbc\xaf\x27\x1c": "a 7z archive",
    b"Rar!\x1a\x07": "a RAR archive",
    b"%PDF": "a PDF",
    b"SQLite format 3\x00": "a SQLite database",
}
_INSTEAD = "send CSV or NDJSON as text, plain or gzip"
_NOT_READ = {codecs.BOM_UTF32_LE: "UTF-32", codecs.BOM_UTF32_BE: "UTF-32"}
_MARKS = {codecs.BOM_UTF8: "utf-8", codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}
_HEAD_BYTES = 1024


def unpacked(chunks: Iterable[bytes], piece_bytes: int = PIECE_BYTES) -> Iterator[bytes]:
    """Return the bytes as they are, or what they hold if they are gzip (one member or several), in any pieces."""
    rest = iter(chunks)
    head = b""
    for chunk in rest:
        head += chunk
        if len(head) >= len(_GZIP):
            break
    if head.startswith(_GZIP):
        yield from _gunzipped(head, rest, piece_bytes)
    else:
        yield head
        yield from rest


def read_text(chunks: Iterable[bytes], piece_bytes: int = PIECE_BYTES) -> Iterator[str]:
    """Return the text in pieces that do not depend on how the bytes were cut; raises UnreadableFileError.

    Bytes that are not UTF-8 become lone surrogates, as `surrogateescape` has them: those alone, and reversibly.
    """
    pieces = _pieces(unpacked(chunks, piece_bytes), piece_bytes)
    first = next(pieces, b"")
    encoding, mark = _encoding_of(first[:_HEAD_BYTES])
    decoder = codecs.getincrementaldecoder(encoding)("surrogateescape" if encoding == "utf-8" else "surrogatepass")
    yield decoder.decode(first[mark:])
    seen = len(first)
    for piece in pieces:
        seen += len(piece)
        if seen > MAX_PLAIN_BYTES:
            raise UnreadableFileError(f"is more than {MAX_PLAIN_BYTES // 1024**3} GiB of text; send several files")
        yield decoder.decode(piece)
    try:
        rest = decoder.decode(b"", final=True)
    except UnicodeDecodeError as exc:
        raise UnreadableFileError("ends in the middle of a character of UTF-16: was it cut off?") from exc
    yield rest


def _encoding_of(head: bytes) -> tuple[str, int]:
    """Return the encoding of a text that begins so, and how many bytes its mark has."""
    if not head:
        raise UnreadableFileError("is empty; it must have a header with a column named identity or guid")
    _refuse_others(head)
    for mark, name in _NOT_READ.items():
        if head.startswith(mark):
            raise UnreadableFileError(f"is in {name}; send it as UTF-8 or UTF-16")
    for mark, encoding in _MARKS.items():
        if head.startswith(mark):
            return encoding, len(mark)
    # A header begins with a character of ASCII: in UTF-16 one of its two bytes is zero.
    if head[0] and head[1:2] == b"\0" and head[3:4] in (b"\0", b""):
        return "utf-16-le", 0
    if not head[0] and head[1:2] not in (b"\0", b""):
        return "utf-16-be", 0
    if b"\0" in head:
        raise UnreadableFileError(f"is no text; {_INSTEAD}")
    return "utf-8", 0


def _gunzipped(head: bytes, rest: Iterator[bytes], piece_bytes: int) -> Iterator[bytes]:
    member = zlib.decompressobj(wbits=31)
    data, plain = head, 0
    try:
        while data:
            if member.eof and (data := data.lstrip(b"\0")):  # zeros may fill what is left of a block
                member = zlib.decompressobj(wbits=31)
            if data:
                piece = member.decompress(data, piece_bytes)
                data = member.unused_data if member.eof else member.unconsumed_tail
                plain += len(piece)
                yield piece
            while not data and (chunk := next(rest, None)) is not None:
                data = chunk
        if not member.eof:
            yield member.flush()
    except zlib.error as exc:
        raise UnreadableFileError(f"its gzip data is damaged after {plain} unpacked bytes") from exc
    if not member.eof:
        raise UnreadableFileError(f"its gzip data ends too early, after {plain} unpacked bytes: was it cut off?")


def _pieces(chunks: Iterable[bytes], size: int) -> Iterator[bytes]:
    """Cut the same bytes anew, into pieces of `size`."""
    kept = bytearray()
    for chunk in chunks:
        kept += chunk
        while len(kept) >= size:
            yield bytes(kept[:size])
            del kept[:size]
    if kept:
        yield bytes(kept)


def _refuse_others(head: bytes) -> None:
    if head.startswith(_GZIP):
        raise UnreadableFileError(f"is gzip inside gzip; {_INSTEAD}")
    for magic, name in _OTHERS.items():
        if head.startswith(magic):
            raise UnreadableFileError(f"is {name}; {_INSTEAD}")
