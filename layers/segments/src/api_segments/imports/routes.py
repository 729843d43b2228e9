"""The routes of imports, as the API's description has them."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus

from api_segments.http.described import MOMENT, SEGMENT_ID
from api_segments.http.openapi import BODY_ERRORS, IDEMPOTENCY_KEY, IMPORTS, NEXT_PAGE, PAGED, Link, Route
from api_segments.imports import answers
from api_segments.imports.bodies import CREATE, UNDO
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
    "started_at": MOMENT,
    "ended_at": None,
    "preview": _PREVIEW,
    "result": None,
    "undo": None,
    "rejected_rows": None,
    "upload": None,
}
_DONE = {**_IMPORT, "status": "done", "ended_at": MOMENT}
_RESULT = {"added": 2979, "removed": 12, "created": 2970, "superseded": 1}
_OF_IMPORT = (HTTPStatus.BAD_REQUEST, HTTPStatus.NOT_FOUND)
_OF_CHANGE = (*BODY_ERRORS, HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT)
_ID = {"import_id": "$response.body#/import_id"}
_GET = Link("getImport", "Shows how far it has come.", _ID)

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
        parameters=PAGED,
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
        description="Until it is applied; nothing has been changed then.",
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
        description="For a week after its end, also after one that failed while it was applied. Who was changed by "
        "others since is left alone, and users whom the import created stay as users.",
        body=UNDO,
        body_example={"guard": {"max_removed": 5000}},
        errors=(*_OF_CHANGE, HTTPStatus.GONE),
        takes_no_body_too=True,
        links=(_GET,),
    ),
)
