"""Files on their way: put at a signed address, fetched from one, with progress and more than one try."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from api_segments_client.errors import ApiError, FileUploadError, NoAnswerError
from api_segments_client.models import ImportUpload
from api_segments_client.transport import SERVER_TROUBLE, Transport

PIECE = 256 * 1024
OnBytes = Callable[[int, int], object]
"""Is told how many bytes are through, and of how many (0 where that is not known)."""
_OK = 200
_EXPIRED = frozenset({400, 403})
"""S3 refuses an address whose time or whose signer's time is over with 403, or 400 for the signer's token."""


def upload(
    transport: Transport, path: Path, fresh: Callable[[], ImportUpload | None], on_bytes: OnBytes | None
) -> None:
    """Put a file where `fresh` says, which is asked before each try: addresses end.

    Raises FileUploadError when storage refuses the file also at a fresh address, when the file changes meanwhile or the
    patience is over. `fresh` returns None where no file is awaited any more: then nothing is done.
    """
    attempts = transport.retry.attempts()
    before = path.stat()
    refused = 0
    while (to := fresh()) is not None:
        what: str
        try:
            status, said = transport.put_file(
                to.url, _pieces(path, before.st_size, on_bytes), before.st_size, to.headers
            )
        except NoAnswerError as exc:
            status, what = 0, str(exc)
        else:
            what = f"storage answered {status}: {said}"
        after = path.stat()
        if (after.st_size, after.st_mtime_ns) != (before.st_size, before.st_mtime_ns):
            raise FileUploadError(f"{path} was changed while it was uploaded")
        if status == _OK:
            return
        refused += status in _EXPIRED
        can_pass = status == 0 or status in SERVER_TROUBLE or (status in _EXPIRED and refused == 1)
        if not can_pass or not attempts.wait(None, what):
            raise FileUploadError(f"{path} could not be uploaded: {what}")


def download(transport: Transport, path: Path, fresh: Callable[[], str], on_bytes: OnBytes | None) -> None:
    """Fetch a file from the link that `fresh` gives, asked before each try; `path` has all of it or is not touched."""
    attempts = transport.retry.attempts()
    part = path.with_name(f".{path.name}.part")
    try:
        while True:
            try:
                with part.open("wb") as file:
                    for piece in transport.get_file(fresh()):
                        file.write(piece)
                        if on_bytes is not None:
                            on_bytes(file.tell(), 0)
            except (NoAnswerError, ApiError) as exc:  # noqa: PERF203 - a try is a download
                passes = not isinstance(exc, ApiError) or exc.code in SERVER_TROUBLE | _EXPIRED
                if not passes or not attempts.wait(None, str(exc)):
                    raise
            else:
                part.replace(path)
                return
    finally:
        part.unlink(missing_ok=True)


def _pieces(path: Path, size: int, on_bytes: OnBytes | None) -> Iterator[bytes]:
    with path.open("rb") as file:
        while piece := file.read(PIECE):
            yield piece
            if on_bytes is not None:
                on_bytes(file.tell(), size)
