"""Files of users into segments, previewed, guarded and undone; segments into files."""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timezone
from os import PathLike
from pathlib import Path

from api_segments_client.decoding import decode
from api_segments_client.errors import (
    ConflictError,
    ExportFailedError,
    FileUploadError,
    ImportCancelledError,
    ImportEndedError,
    ImportFailedError,
    ImportRefusedError,
    NotFoundError,
    UnexpectedAnswerError,
)
from api_segments_client.files import OnBytes, download, upload
from api_segments_client.models import Export, Import, ImportUpload
from api_segments_client.pages import pages
from api_segments_client.push import SegmentKey
from api_segments_client.segments import Segments
from api_segments_client.transport import Transport

AnyPath = str | PathLike[str]
OnImport = Callable[[Import], object]
FIRST_LOOK_SECONDS, LAST_LOOK_SECONDS = 0.25, 5.0
_ENDS: Mapping[str, type[ImportEndedError]] = {
    "refused": ImportRefusedError,
    "failed": ImportFailedError,
    "cancelled": ImportCancelledError,
}


_UNDOABLE = frozenset({"done", "failed", "cancelled"})


class Imports:
    """`client.imports`."""

    def __init__(self, transport: Transport, segments: Segments) -> None:
        self._transport = transport
        self._segments = segments

    def replace(  # noqa: PLR0913 - what an import may be asked
        self,
        segment: SegmentKey,
        path: AnyPath,
        *,
        guard: Mapping[str, int] | None = None,
        unknown_users: str = "create",
        preview: bool = False,
        key: str | None = None,
        on_bytes: OnBytes | None = None,
        on_status: OnImport | None = None,
    ) -> Import:
        """Make a segment exactly the users of a file, and return the import when that is done.

        The file may have any size: it is streamed, and put again at a fresh address when that fails. `guard` bounds
        what may change (`max_removed_percent` and the others of docs/api.md). With `preview` nothing is changed: the
        import comes back when its preview is complete, for `apply` or `cancel`. `key` makes the call safe to run
        again within 24 hours, as a nightly job may be: the import of before is waited for. Raises ImportRefusedError,
        ImportFailedError and ImportCancelledError, each with the import and its figures, and FileUploadError.
        """
        return self._import("replace", segment, path, guard, unknown_users, preview, key, on_bytes, on_status)

    def add(  # noqa: PLR0913 - as replace
        self,
        segment: SegmentKey,
        path: AnyPath,
        *,
        guard: Mapping[str, int] | None = None,
        unknown_users: str = "create",
        preview: bool = False,
        key: str | None = None,
        on_bytes: OnBytes | None = None,
        on_status: OnImport | None = None,
    ) -> Import:
        """Add the users of a file to a segment; as `replace`, else."""
        return self._import("add", segment, path, guard, unknown_users, preview, key, on_bytes, on_status)

    def remove(  # noqa: PLR0913 - as replace
        self,
        segment: SegmentKey,
        path: AnyPath,
        *,
        guard: Mapping[str, int] | None = None,
        preview: bool = False,
        key: str | None = None,
        on_bytes: OnBytes | None = None,
        on_status: OnImport | None = None,
    ) -> Import:
        """Remove the users of a file from a segment; as `replace`, else."""
        return self._import("remove", segment, path, guard, None, preview, key, on_bytes, on_status)

    def _import(  # noqa: PLR0913, PLR0917 - as replace
        self,
        mode: str,
        segment: SegmentKey,
        path: AnyPath,
        guard: Mapping[str, int] | None,
        unknown_users: str | None,
        preview: bool,  # noqa: FBT001 - handed on by name above
        key: str | None,
        on_bytes: OnBytes | None,
        on_status: OnImport | None,
    ) -> Import:
        file = _file(path)
        wanted: dict[str, object] = {
            "segment": segment if isinstance(segment, int) else {"customer_segment_id": segment},
            "mode": mode,
            **({} if unknown_users is None else {"unknown_users": unknown_users}),
            "guard": dict(guard or {}),
            "apply": "manual" if preview else "auto",
            "file_name": _told_name(file),
        }
        headers = {"Idempotency-Key": key or str(uuid.uuid4())}
        created = self._transport.call("POST", "api/imports", wanted, headers=headers).body
        return self.resume(str(created["import_id"]), file, on_bytes=on_bytes, on_status=on_status)

    def resume(
        self, import_id: str, path: AnyPath, *, on_bytes: OnBytes | None = None, on_status: OnImport | None = None
    ) -> Import:
        """Go on with an import that was interrupted: upload its file if it waits for one, and wait for it.

        It comes back when it is done, or previewed if it is to be applied by hand; raises as `replace` does.
        """
        file = Path(path)
        if not file.is_file():
            raise FileUploadError(f"{file} is no file")
        now = self.get(import_id)
        if on_status is not None:
            on_status(now)
        # One of before that has been started already: what is uploaded then would fail it.
        if now.status == "awaiting_upload":
            upload(self._transport, file, lambda: self._awaited(import_id), on_bytes)
            self._do(import_id, "start", but_not=frozenset({"awaiting_upload"}))
        return self.wait(
            import_id, *(("previewed", "done") if now.apply == "manual" else ("done",)), on_status=on_status
        )

    def _awaited(self, import_id: str) -> ImportUpload | None:
        return self.get(import_id).upload

    def get(self, import_id: str) -> Import:
        """Return an import as it stands."""
        return decode(Import, self._transport.call("GET", f"api/imports/{import_id}").body, "import")

    def list(self, segment: SegmentKey | None = None, *, page_size: int = 100) -> Iterator[Import]:
        """Give all imports of the last 90 days, or a segment's, the newest first."""
        return pages(self._transport, "api/imports", "imports", Import, page_size, _of(self._segments, segment))

    def apply(self, import_id: str, *, on_status: OnImport | None = None) -> Import:
        """Apply an import that was previewed, and return it when that is done; raises as `replace` does."""
        self._do(import_id, "apply", but_not=frozenset({"reading", "previewed"}))
        return self.wait(import_id, "done", on_status=on_status)

    def cancel(self, import_id: str, *, on_status: OnImport | None = None) -> Import:
        """Cancel an import, and return it when it has stopped.

        It is `cancelled` then; where it was being applied, `result` says what it had changed, and `undo` works from
        there. If all was applied by that time it is `done`. ConflictError if it had ended otherwise before.
        """
        self._do(import_id, "cancel", but_not=frozenset({"awaiting_upload", "reading", "previewed", "applying"}))
        return self.wait(import_id, "cancelled", "done", on_status=on_status)

    def undo(
        self, import_id: str, *, guard: Mapping[str, int] | None = None, on_status: OnImport | None = None
    ) -> Import:
        """Turn an import round, within a week, and return it when that is done; ConflictError if the guard is hit."""
        self._do(import_id, "undo", {"guard": dict(guard)} if guard else None, but_not=_UNDOABLE)
        return self.wait(import_id, "undone", on_status=on_status)

    def wait(self, import_id: str, *statuses: str, on_status: OnImport | None = None) -> Import:
        """Return an import when it is in one of these states; raises as `replace` does when it ends in another.

        Ctrl-C ends the waiting, not the import.
        """
        pause = FIRST_LOOK_SECONDS
        while True:
            now = self.get(import_id)
            if on_status is not None:
                on_status(now)
            if now.status in statuses:
                return now
            if now.status in _ENDS:
                raise _ENDS[now.status](now)
            if now.status in {"done", "undone"}:
                raise ImportEndedError(now)
            time.sleep(pause)
            pause = min(LAST_LOOK_SECONDS, pause * 1.5)

    def custom_list(  # noqa: PLR0913 - what CleverTap wants to know of a list
        self,
        name: str,
        path: AnyPath,
        *,
        replace: bool = False,
        email: str = "",
        creator: str = "",
        on_bytes: OnBytes | None = None,
    ) -> int:
        """Upload a file as the custom list `name`, which CleverTap has too, and return the id of its segment.

        Users who don't exist are skipped. The file is read after this call; `replace` lets it take the place of a
        list of that name, else that is a refusal. CleverTap tells `email` when the list is there, and shows `creator`.
        CleverTap does not say whether it takes a second word of the same file: there, an answer to it that got lost is
        NoAnswerError with `may_be_done`.
        """
        file = _file(path)
        links: list[str] = []

        def fresh() -> ImportUpload:
            answer = self._transport.call("POST", "get_custom_list_segment_url").body
            link = answer.get("presignedS3URL") if isinstance(answer, dict) else None
            if not isinstance(link, str):
                raise UnexpectedAnswerError("the answer has no presignedS3URL, where the file of a custom list goes")
            links.append(link)
            return ImportUpload(link, "PUT", {}, datetime.now(timezone.utc))

        upload(self._transport, file, fresh, on_bytes)
        body = {"name": name, "email": email, "filename": file.name, "creator": creator, "url": links[-1]}
        answer = self._transport.call(
            "POST",
            "upload_custom_list_segment_completed",
            {**body, "replace": replace},
            may_repeat=not self._transport.is_clevertap,
        ).body
        return decode(int, answer.get("Segment ID") if isinstance(answer, dict) else None, "Segment ID")

    def save_rejected_rows(self, import_id: str, path: AnyPath, *, on_bytes: OnBytes | None = None) -> Path:
        """Fetch the rejected rows of an import as a CSV file, to be mended; NotFoundError if it has none."""

        def link() -> str:
            found = self.get(import_id).rejected_rows
            if found is None:
                raise NotFoundError(404, f"import {import_id} has no rejected rows")
            return found

        download(self._transport, Path(path), link, on_bytes)
        return Path(path)

    def _do(self, import_id: str, what: str, body: object = None, *, but_not: frozenset[str]) -> Import:
        """Ask for a step of an import; a conflict that an earlier try of this call brought about is none."""
        attempts = self._transport.retry.attempts()
        try:
            answer = self._transport.call("POST", f"api/imports/{import_id}/{what}", body, attempts=attempts).body
        except ConflictError:
            now = self.get(import_id)
            if not attempts.lost or now.status in but_not:
                raise
            return now
        return decode(Import, answer, "import")


class Exports:
    """`client.exports`."""

    def __init__(self, transport: Transport, segments: Segments) -> None:
        self._transport = transport
        self._segments = segments

    def create(self, segment: SegmentKey) -> Export:
        """Begin to write a segment's members into a file."""
        path = f"api/segments/{self._segments.id_of(segment)}/export"
        return decode(Export, self._transport.call("POST", path).body, "export")

    def get(self, export_id: str) -> Export:
        """Return an export as it stands."""
        return decode(Export, self._transport.call("GET", f"api/exports/{export_id}").body, "export")

    def list(self, segment: SegmentKey | None = None, *, page_size: int = 100) -> Iterator[Export]:
        """Give all exports, or a segment's, the newest first; `get` has the link to a file."""
        return pages(self._transport, "api/exports", "exports", Export, page_size, _of(self._segments, segment))

    def save(self, segment: SegmentKey, path: AnyPath, *, on_bytes: OnBytes | None = None) -> Export:
        """Write a segment's members into a CSV file here: `identity,guid,added_at`. Raises ExportFailedError."""
        exported = self.create(segment)
        pause = FIRST_LOOK_SECONDS
        while exported.status == "writing":
            time.sleep(pause)
            pause = min(LAST_LOOK_SECONDS, pause * 1.5)
            exported = self.get(exported.export_id)
        if exported.status != "done":
            raise ExportFailedError(exported)

        def link() -> str:
            found = self.get(exported.export_id).file
            if found is None:
                raise UnexpectedAnswerError(f"export {exported.export_id} has no file")
            return found

        download(self._transport, Path(path), link, on_bytes)
        return exported


def _of(segments: Segments, segment: SegmentKey | None) -> Mapping[str, object]:
    return {} if segment is None else {"segment_id": segments.id_of(segment)}


# What no name of the API may have: control characters, and what stands for bytes that are no text.
_UNTOLD = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffd-\uffff]")


def _told_name(file: Path) -> str | None:
    """Return the name of a file as the API takes it; None if nothing of it can be seen."""
    name = _UNTOLD.sub("_", file.name)
    return name if any(each.isprintable() and each != " " for each in name) else None


def _file(path: AnyPath) -> Path:
    file = Path(path)
    if not file.is_file():
        raise FileUploadError(f"{file} is no file")
    return file
