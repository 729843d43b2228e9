"""The routes of imports, as the API's description has them."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from api_segments.core.limits import IMPORT_FILE_DAYS, IMPORT_UNDO_DAYS
from api_segments.http.described import MOMENT, SEGMENT_ID
from api_segments.http.openapi import BODY_ERRORS, IDEMPOTENCY_KEY, IMPORTS, NEXT_PAGE, PAGED, Link, Route
from api_segments.imports import answers
from api_segments.imports.bodies import COMPLETE_LIST, CREATE, UNDO
from api_segments.imports.service import CONTENT_TYPE

_PREVIEW = {
    "rows": 2994,
    "rejected": 4,
    "duplicate": 0,
    "skipped": 0,
    "unchanged": 10,
    "to_add": 2980,
    "to_create": 2970,
    "to_remove": 12,
}
_IMPORT: Mapping[str, object] = {
    "import_id": answers.IMPORT_ID,
    "segment_id": SEGMENT_ID,
    "mode": "replace",
    "unknown_users": "create",
    "guard": {"max_removed_percent": 20},
    "apply": "manual",
    "status": "previewed",
    "reason": None,
    "created_at": MOMENT,
    "created_by": "nightly sync",
    "file_name": "lapsed.csv.gz",
    "started_at": MOMENT,
    "ended_at": None,
    "preview": _PREVIEW,
    "result": None,
    "undo": None,
    "rejected_rows": None,
    "upload": None,
}
_EXPORT: Mapping[str, object] = {
    "export_id": answers.IMPORT_ID,
    "segment_id": SEGMENT_ID,
    "status": "done",
    "reason": None,
    "created_at": MOMENT,
    "ended_at": MOMENT,
    "members": 3000,
    "file": answers.UPLOAD_URL,
}
_DONE = {**_IMPORT, "status": "done", "ended_at": MOMENT}
_RESULT = {"added": 2979, "removed": 12, "created": 2970, "superseded": 1}
_OF_IMPORT = (HTTPStatus.BAD_REQUEST, HTTPStatus.NOT_FOUND)
_OF_CHANGE = (*BODY_ERRORS, HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT)
_ID = {"import_id": "$response.body#/import_id"}
_GET = Link("getImport", "Shows how far it has come.", _ID)


def _of_segment(what: str) -> dict[str, Any]:
    return {
        "in": "query",
        "description": f"Only {what} of this segment.",
        "schema": {"type": "integer", "format": "int64", "minimum": 1},
        "example": SEGMENT_ID,
    }


ROUTES: Sequence[Route] = (
    Route(
        "createImport",
        "post",
        "/api/imports",
        IMPORTS,
        "Create an import",
        answers.CreateImportResultBody,
        {
            "import_id": answers.IMPORT_ID,
            "status": "awaiting_upload",
            "upload": {
                "url": answers.UPLOAD_URL,
                "method": "PUT",
                "headers": {"Content-Type": CONTENT_TYPE},
                "expires_at": MOMENT,
            },
        },
        description="Then PUT the file at the upload's URL, and start the import. 409 while the segment has another.",
        parameters=IDEMPOTENCY_KEY,
        body=CREATE,
        body_example={
            "segment": SEGMENT_ID,
            "mode": "replace",
            "guard": {"max_removed_percent": 20},
            "file_name": "lapsed.csv.gz",
            "apply": "manual",
        },
        errors=(*_OF_CHANGE, HTTPStatus.GONE),
        links=(
            _GET,
            Link("startImport", "Reads its file, once that is uploaded.", _ID),
            Link("cancelImport", "Cancels it.", _ID),
        ),
    ),
    Route(
        "listImports",
        "get",
        "/api/imports",
        IMPORTS,
        "List imports",
        answers.ImportListBody,
        {"imports": [{**_DONE, "result": _RESULT}], "cursor": None},
        description="The newest first. Figures of those that are worked on are in `getImport` alone.",
        parameters={"segment_id": _of_segment("imports"), **PAGED},
        links=(
            Link("listImports", "Lists the next page.", NEXT_PAGE),
            Link("getImport", "Shows the first.", {"import_id": "$response.body#/imports/0/import_id"}),
        ),
    ),
    Route(
        "getImport",
        "get",
        "/api/imports/{import_id}",
        IMPORTS,
        "Show an import",
        answers.ImportBody,
        _IMPORT,
        description="With its figures as far as they are counted, at every moment.",
        errors=_OF_IMPORT,
        links=(Link("getSegment", "Shows its segment.", {"segment_id": "$response.body#/segment_id"}),),
    ),
    Route(
        "startImport",
        "post",
        "/api/imports/{import_id}/start",
        IMPORTS,
        "Read the uploaded file",
        answers.ImportBody,
        {**_IMPORT, "status": "reading"},
        description="Once the file is uploaded. The same again does nothing more.",
        errors=(*_OF_CHANGE, HTTPStatus.GONE),
        links=(_GET, Link("applyImport", "Applies it, when it is previewed.", _ID)),
    ),
    Route(
        "applyImport",
        "post",
        "/api/imports/{import_id}/apply",
        IMPORTS,
        "Apply a preview",
        answers.ImportBody,
        {
            **_IMPORT,
            "status": "applying",
            "result": {**_RESULT, "added": 0, "removed": 0, "created": 0, "superseded": 0},
        },
        description="Within a day of the preview, of an import whose `apply` is `manual`.",
        errors=_OF_CHANGE,
        links=(_GET, Link("undoImport", "Undoes it, when it is done.", _ID, body={"guard": {"max_removed": 5000}})),
    ),
    Route(
        "cancelImport",
        "post",
        "/api/imports/{import_id}/cancel",
        IMPORTS,
        "Cancel an import",
        answers.ImportBody,
        {**_IMPORT, "status": "cancelled", "ended_at": MOMENT},
        description="Before it is applied nothing has been changed. While it is applied it stops, and `result` says "
        "what was changed by then, which can be undone; if that was all, it is done.",
        errors=_OF_CHANGE,
        links=(_GET,),
    ),
    Route(
        "undoImport",
        "post",
        "/api/imports/{import_id}/undo",
        IMPORTS,
        "Undo an import",
        answers.ImportBody,
        {
            **_DONE,
            "status": "undoing",
            "ended_at": None,
            "result": _RESULT,
            "undo": {"added": 0, "removed": 0, "left_alone": 0},
        },
        description=f"For {IMPORT_UNDO_DAYS} days after its end, also after one that failed or was cancelled while "
        "it was applied. Whom others changed since is left alone, and users whom the import created stay as users.",
        body=UNDO,
        body_example={"guard": {"max_removed": 5000}},
        errors=(*_OF_CHANGE, HTTPStatus.GONE),
        takes_no_body_too=True,
        links=(_GET,),
    ),
    Route(
        "exportSegment",
        "post",
        "/api/segments/{segment_id}/export",
        IMPORTS,
        "Write a segment's members into a file",
        answers.ExportBody,
        {**_EXPORT, "status": "writing", "ended_at": None, "members": None, "file": None},
        description="Look at the export until it is done; it then has a link to the file.",
        errors=(*BODY_ERRORS, HTTPStatus.NOT_FOUND, HTTPStatus.GONE),
        links=(Link("getExport", "Shows how far it has come.", {"export_id": "$response.body#/export_id"}),),
    ),
    Route(
        "listExports",
        "get",
        "/api/exports",
        IMPORTS,
        "List exports",
        answers.ExportListBody,
        {"exports": [{**_EXPORT, "file": None}], "cursor": None},
        description=f"The newest first, of the last {IMPORT_FILE_DAYS} days. Links to files are in `getExport` alone.",
        parameters={"segment_id": _of_segment("exports"), **PAGED},
        links=(
            Link("listExports", "Lists the next page.", NEXT_PAGE),
            Link("getExport", "Shows the first.", {"export_id": "$response.body#/exports/0/export_id"}),
        ),
    ),
    Route(
        "getExport",
        "get",
        "/api/exports/{export_id}",
        IMPORTS,
        "Show an export",
        answers.ExportBody,
        _EXPORT,
        description=f"Exports and their files are kept for {IMPORT_FILE_DAYS} days.",
        errors=_OF_IMPORT,
        links=(Link("getSegment", "Shows its segment.", {"segment_id": "$response.body#/segment_id"}),),
    ),
    Route(
        "getCustomListUrl",
        "post",
        "/get_custom_list_segment_url",
        IMPORTS,
        "Get a link for the file of a custom list",
        answers.ListUrlBody,
        {"status": "success", "presignedS3URL": answers.UPLOAD_URL, "expiry": MOMENT},
        description="As CleverTap's clients do. PUT the CSV there: the columns Type (i or g) and Identity.",
        errors=BODY_ERRORS,
        links=(
            Link(
                "completeCustomList",
                "Makes the file a list.",
                body={"name": "Lapsed buyers", "url": "$response.body#/presignedS3URL", "replace": True},
            ),
        ),
    ),
    Route(
        "completeCustomList",
        "post",
        "/upload_custom_list_segment_completed",
        IMPORTS,
        "Make an uploaded file a custom list",
        answers.ListResultBody,
        {"status": "success", "Segment ID": SEGMENT_ID},
        description="The list is a segment of that name. Users who do not exist are skipped. A name that is in use is "
        "a 409 that says `duplicate_name`, unless `replace` is true.",
        body=COMPLETE_LIST,
        body_example={
            "name": "Lapsed buyers",
            "email": "ops@example.com",
            "filename": "lapsed.csv",
            "creator": "Warehouse",
            "url": answers.UPLOAD_URL,
            "replace": True,
        },
        errors=(*BODY_ERRORS, HTTPStatus.CONFLICT, HTTPStatus.UNPROCESSABLE_ENTITY),
        links=(Link("getSegment", "Shows the list's segment.", {"segment_id": "$response.body#/Segment ID"}),),
    ),
)
