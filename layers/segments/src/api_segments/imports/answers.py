"""The bodies of answers about imports: their shapes, and how they are written."""

from collections.abc import Sequence
from typing import Annotated, Literal

from typing_extensions import TypeAliasType, TypedDict

from api_segments.http.described import MOMENT, SEGMENT_ID, About, Done, NextCursor, SegmentId, moment
from api_segments.imports.model import Export, Figure, Figures, Import, ImportStatus
from api_segments.imports.service import CONTENT_TYPE, Shown, UploadLink

IMPORT_ID = "65f1b2c3d4e5f0a1b2c3d"
UPLOAD_URL = "https://api-segments-imports.s3.amazonaws.com/SHP-7KD-42QX/65f1b2c3d4e5f0a1b2c3d/upload?X-Amz-Signature=…"

ImportStatusBody = TypeAliasType(
    "ImportStatusBody",
    Annotated[
        Literal[
            "awaiting_upload",
            "reading",
            "previewed",
            "refused",
            "applying",
            "done",
            "failed",
            "cancelling",
            "cancelled",
            "undoing",
            "undone",
        ],
        About("How far an import has come.", "previewed"),
    ],
)


class ImportUploadBody(TypedDict):
    """How the file is uploaded: one request, without the API's headers."""

    url: Annotated[
        str, About("Where to put it. Who knows the address may put a file there: keep it to yourself.", UPLOAD_URL)
    ]
    method: Annotated[Literal["PUT"], About("How to send it.", "PUT")]
    headers: Annotated[dict[str, str], About("Headers to send with it.", {"Content-Type": CONTENT_TYPE})]
    expires_at: Annotated[
        str, moment("Until when the upload can begin; a look at the import then gives a fresh address.")
    ]


class CreateImportResultBody(TypedDict):
    """An import that waits for its file; or, under an Idempotency-Key, the one that it created before, as it is now."""

    import_id: Annotated[str, About("The import's id.", IMPORT_ID)]
    status: Annotated[ImportStatusBody, About("How far it has come.", "awaiting_upload")]
    upload: Annotated[
        ImportUploadBody | None,
        About(
            "How to upload its file, as long as it waits for one; null otherwise.",
            {"url": UPLOAD_URL, "method": "PUT", "headers": {"Content-Type": CONTENT_TYPE}, "expires_at": MOMENT},
        ),
    ]


class ImportPreviewBody(TypedDict):
    """What a file asks for: rows = rejected + duplicate + skipped + unchanged + to_add, of a removal + to_remove."""

    rows: Annotated[int, About("Rows of the file, without its header and empty ones.", 2994)]
    rejected: Annotated[int, About("Rows that can't be read.", 4)]
    duplicate: Annotated[int, About("Rows that name a user whom a row before names.", 0)]
    skipped: Annotated[int, About("Users who don't exist and are to be skipped, or whose stored item is damaged.", 0)]
    unchanged: Annotated[int, About("Users of the file who are as asked already.", 10)]
    to_add: Annotated[int, About("Users who will be added.", 2980)]
    to_create: Annotated[int, About("How many of these will be created.", 2970)]
    to_remove: Annotated[int, About("Users who will be removed.", 12)]


class ImportResultBody(TypedDict):
    """What was done: added + removed are the membership events that bear the import's id, in its phase `apply`."""

    added: Annotated[int, About("Users who were added.", 2979)]
    removed: Annotated[int, About("Users who were removed.", 12)]
    created: Annotated[int, About("How many of the added were created.", 2970)]
    superseded: Annotated[int, About("Users who were left alone, as others changed them after the preview.", 1)]


class ImportUndoBody(TypedDict):
    """What the undoing did: the membership events that bear the import's id, in its phase `undo`."""

    added: Annotated[int, About("Users who were added again.", 12)]
    removed: Annotated[int, About("Users who were taken out again.", 2970)]
    left_alone: Annotated[int, About("Users who stay as they are, as others changed them since.", 9)]


GuardFiguresBody = TypeAliasType(
    "GuardFiguresBody",
    Annotated[
        dict[str, int], About("The most that an import may change, by the names of its guard.", {"max_removed": 5000})
    ],
)


class ImportBody(TypedDict):
    """An import."""

    import_id: Annotated[str, About("Its id.", IMPORT_ID)]
    segment_id: SegmentId
    mode: Annotated[Literal["add", "remove", "replace"], About("What the file's users are to the segment.", "replace")]
    unknown_users: Annotated[Literal["create", "skip"], About("What is done with users who do not exist.", "create")]
    guard: Annotated[GuardFiguresBody, About("The most that it may change.")]
    apply: Annotated[Literal["auto", "manual"], About("Whether it is applied without being asked.", "manual")]
    status: Annotated[ImportStatusBody, About("How far it has come.", "previewed")]
    reason: Annotated[str | None, About("Why it was refused, failed or lapsed; null otherwise.", None)]
    created_at: Annotated[str, moment("When it was created.")]
    created_by: Annotated[
        str | None, About("The name of the passcode that created it; null before 0.2.0.", "nightly sync")
    ]
    file_name: Annotated[str | None, About("The name of its file, if its creator told it.", "lapsed.csv.gz")]
    started_at: Annotated[str | None, moment("When it was started; null before.")]
    ended_at: Annotated[str | None, moment("When it ended; null before.")]
    preview: Annotated[
        ImportPreviewBody | None, About("What the file asks for, as far as it is read; null before.", None)
    ]
    result: Annotated[ImportResultBody | None, About("What was done so far; null where it was not applied.", None)]
    undo: Annotated[ImportUndoBody | None, About("What was undone so far; null where it was not.", None)]
    rejected_rows: Annotated[
        str | None,
        About("A link, good for an hour, to a CSV of the rows that can't be read; null where there are none.", None),
    ]
    upload: Annotated[
        ImportUploadBody | None, About("How to upload its file, as long as it waits for one; null otherwise.", None)
    ]


class ImportListBody(TypedDict):
    """A page of imports."""

    imports: Annotated[list[ImportBody], About("The imports of this page, the newest first.")]
    cursor: NextCursor


class ExportBody(TypedDict):
    """The members of a segment as a file."""

    export_id: Annotated[str, About("The export's id.", IMPORT_ID)]
    segment_id: SegmentId
    status: Annotated[Literal["writing", "done", "failed"], About("How far it has come.", "done")]
    reason: Annotated[str | None, About("Why it failed; null otherwise.", None)]
    created_at: Annotated[str, moment("When it was asked for.")]
    ended_at: Annotated[str | None, moment("When it ended; null before.")]
    members: Annotated[int | None, About("How many members the file has; null until it is there.", 3000)]
    file: Annotated[
        str | None,
        About("A link, good for an hour, to the CSV: identity, guid, added_at; null until it is there.", UPLOAD_URL),
    ]


class ExportListBody(TypedDict):
    """A page of exports."""

    exports: Annotated[list[ExportBody], About("The exports of this page, the newest first; without their links.")]
    cursor: NextCursor


class ListUrlBody(TypedDict):
    """Where the file of a custom list is put."""

    status: Done
    presignedS3URL: Annotated[str, About("Where to PUT the file.", UPLOAD_URL)]
    expiry: Annotated[str, moment("Until when that can be used.")]


ListResultBody = TypedDict(
    "ListResultBody",
    {"status": Done, "Segment ID": Annotated[int, About("The segment of the list.", SEGMENT_ID)]},
)
ListResultBody.__doc__ = "A custom list that is being read."


def export_body(kept: Export, link: str | None) -> ExportBody:
    """Write an export."""
    return {
        "export_id": kept.export_id,
        "segment_id": kept.segment_id,
        "status": kept.status.value,
        "reason": kept.reason,
        "created_at": kept.created_at,
        "ended_at": kept.ended_at,
        "members": kept.members,
        "file": link,
    }


def exports_body(rows: Sequence[Export], cursor: str | None) -> ExportListBody:
    """Write a page of exports; a look at one gives the link to its file."""
    return {"exports": [export_body(row, None) for row in rows], "cursor": cursor}


def created_body(new: Import, link: UploadLink | None) -> CreateImportResultBody:
    """Write an import that was created."""
    return {"import_id": new.import_id, "status": new.status.value, "upload": _upload(link)}


def _upload(link: UploadLink | None) -> ImportUploadBody | None:
    if link is None:
        return None
    return {
        "url": link.url,
        "method": "PUT",
        "headers": {"Content-Type": CONTENT_TYPE},
        "expires_at": link.expires_at,
    }


def import_body(shown: Shown) -> ImportBody:
    """Write an import."""
    kept = shown.kept
    has_undone = kept.status is ImportStatus.UNDOING or kept.undone is not None or bool(shown.undone)
    guard = {
        name: each
        for name in ("max_added", "max_removed", "max_removed_percent", "max_created", "max_rejected")
        if (each := getattr(kept.guard, name)) is not None
    }
    return {
        "import_id": kept.import_id,
        "segment_id": kept.segment_id,
        "mode": kept.mode.value,
        "unknown_users": kept.unknown_users.value,
        "guard": guard,
        "apply": "auto" if kept.applies_itself else "manual",
        "status": kept.status.value,
        "reason": kept.reason,
        "created_at": kept.created_at,
        "created_by": kept.created_by,
        "file_name": kept.file_name,
        "started_at": kept.started_at,
        "ended_at": kept.ended_at,
        "preview": _preview(shown.preview) if kept.started_at is not None else None,
        "result": _result(shown.applied) if kept.has_applied else None,
        "undo": _undo(shown) if has_undone else None,
        "rejected_rows": shown.rejected_rows,
        "upload": _upload(shown.upload),
    }


def imports_body(rows: Sequence[Shown], cursor: str | None) -> ImportListBody:
    """Write a page of imports."""
    return {"imports": [import_body(row) for row in rows], "cursor": cursor}


def _preview(figures: Figures) -> ImportPreviewBody:
    return {
        "rows": figures.get(Figure.ROWS, 0),
        "rejected": figures.get(Figure.REJECTED, 0),
        "duplicate": figures.get(Figure.DUPLICATE, 0),
        "skipped": figures.get(Figure.SKIPPED, 0),
        "unchanged": figures.get(Figure.UNCHANGED, 0),
        "to_add": figures.get(Figure.TO_ADD, 0),
        "to_create": figures.get(Figure.TO_CREATE, 0),
        "to_remove": figures.get(Figure.TO_REMOVE, 0),
    }


def _result(figures: Figures) -> ImportResultBody:
    return {
        "added": figures.get(Figure.ADDED, 0),
        "removed": figures.get(Figure.REMOVED, 0),
        "created": figures.get(Figure.CREATED, 0),
        "superseded": figures.get(Figure.SUPERSEDED, 0),
    }


def _undo(shown: Shown) -> ImportUndoBody:
    applied, undone = shown.applied, shown.undone
    added, removed = undone.get(Figure.ADDED, 0), undone.get(Figure.REMOVED, 0)
    changed = applied.get(Figure.ADDED, 0) + applied.get(Figure.REMOVED, 0)
    # Of an import that failed while it was applied, more may have been changed, and undone, than was counted.
    left_alone = max(0, changed - added - removed) if shown.kept.undone is not None else 0
    return {"added": added, "removed": removed, "left_alone": left_alone}
