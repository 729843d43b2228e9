"""The routes of imports: each takes a request, makes one domain call and answers."""

from collections.abc import Callable, Mapping
from http import HTTPStatus

from api_segments.http.gateway import Answer, Request, refuse_body
from api_segments.http.observability import count
from api_segments.http.parameters import Paging, refuse_unknown
from api_segments.http.validation import parse_segment_id
from api_segments.http.wiring import cursors
from api_segments.imports import wiring
from api_segments.imports.answers import created_body, export_body, exports_body, import_body, imports_body
from api_segments.imports.requests import import_id_in_path, parse_create, parse_list, parse_undo


def create_import(request: Request) -> Answer:
    """Create an import."""
    refuse_unknown(request.query)
    wanted, key = parse_create(request)
    tenant = request.tenant
    new, link, is_replay = wiring.imports().create(
        tenant.account_id, wanted, tenant.passcode_name, key, request.deadline
    )
    count(ImportsCreated=int(not is_replay))
    return Answer(HTTPStatus.OK, created_body(new, link), {"Idempotent-Replayed": "true"} if is_replay else {})


def list_imports(request: Request) -> Answer:
    """List imports, or those of one segment, the newest first."""
    segment_id, paging = _listing(request, "/api/imports")
    page = wiring.imports().newest(
        request.tenant.account_id, segment_id, paging.position, paging.limit, request.deadline
    )
    return Answer(HTTPStatus.OK, imports_body(page.rows, paging.cursor_to(page.goes_on_at)))


def list_exports(request: Request) -> Answer:
    """List exports, or those of one segment, the newest first."""
    segment_id, paging = _listing(request, "/api/exports")
    page = wiring.exports().newest(
        request.tenant.account_id, segment_id, paging.position, paging.limit, request.deadline
    )
    return Answer(HTTPStatus.OK, exports_body(page.rows, paging.cursor_to(page.goes_on_at)))


def _listing(request: Request, path: str) -> tuple[int | None, Paging]:
    """Return which segment's are asked for, None for all, and which page."""
    refuse_unknown(request.query, "segment_id", "limit", "cursor")
    asked = request.query.get("segment_id")
    segment_id = None if asked is None else parse_segment_id(asked, "segment_id")
    return segment_id, Paging(request, cursors(), path, {} if asked is None else {"segment_id": str(segment_id)})


def get_import(request: Request, import_id: str) -> Answer:
    """Show an import with its figures."""
    refuse_unknown(request.query)
    shown = wiring.imports().get(request.tenant.account_id, import_id_in_path(import_id), request.deadline)
    return Answer(HTTPStatus.OK, import_body(shown))


def start_import(request: Request, import_id: str) -> Answer:
    """Begin to read the uploaded file."""
    return _changed(request, import_id, "start")


def apply_import(request: Request, import_id: str) -> Answer:
    """Apply what the preview told."""
    return _changed(request, import_id, "apply")


def cancel_import(request: Request, import_id: str) -> Answer:
    """End an import that has not been applied, or stop it while it is."""
    return _changed(request, import_id, "cancel")


def undo_import(request: Request, import_id: str) -> Answer:
    """Turn round what an import applied."""
    refuse_unknown(request.query)
    guard = parse_undo(request.body)
    account_id = request.tenant.account_id
    return Answer(
        HTTPStatus.OK,
        import_body(wiring.imports().undo(account_id, import_id_in_path(import_id), guard, request.deadline)),
    )


def export_segment(request: Request, segment_id: str) -> Answer:
    """Begin to write a segment's members into a file."""
    refuse_unknown(request.query)
    refuse_body(request.body)
    new = wiring.exports().create(
        request.tenant.account_id, parse_segment_id(segment_id, "segment_id"), request.deadline
    )
    count(ExportsCreated=1)
    return Answer(HTTPStatus.OK, export_body(new, None))


def get_export(request: Request, export_id: str) -> Answer:
    """Show an export, and where its file is."""
    refuse_unknown(request.query)
    kept, link = wiring.exports().get(request.tenant.account_id, import_id_in_path(export_id), request.deadline)
    return Answer(HTTPStatus.OK, export_body(kept, link))


def get_custom_list_url(request: Request) -> Answer:
    """Give a link for the file of a custom list."""
    refuse_unknown(request.query)
    refuse_body(request.body)
    url, expiry = wiring.custom_lists().link(request.tenant.account_id)
    return Answer(HTTPStatus.OK, {"status": "success", "presignedS3URL": url, "expiry": expiry})


def complete_custom_list(request: Request) -> Answer:
    """Make an uploaded file a custom list."""
    refuse_unknown(request.query)
    uploaded = parse_list(request.body)
    segment_id = wiring.custom_lists().complete(request.tenant, uploaded, request.deadline)
    count(CustomListsTaken=1)
    return Answer(HTTPStatus.OK, {"status": "success", "Segment ID": segment_id})


def _changed(request: Request, import_id: str, what: str) -> Answer:
    refuse_unknown(request.query)
    refuse_body(request.body)
    imports = wiring.imports()
    change = {"start": imports.start, "apply": imports.apply, "cancel": imports.cancel}[what]
    shown = change(request.tenant.account_id, import_id_in_path(import_id), request.deadline)
    return Answer(HTTPStatus.OK, import_body(shown))


_BY_ID = "/api/imports/{import_id}"
ENDPOINTS: Mapping[tuple[str, str], Callable[..., Answer]] = {
    ("POST", "/api/imports"): create_import,
    ("GET", "/api/imports"): list_imports,
    ("GET", _BY_ID): get_import,
    ("POST", f"{_BY_ID}/start"): start_import,
    ("POST", f"{_BY_ID}/apply"): apply_import,
    ("POST", f"{_BY_ID}/cancel"): cancel_import,
    ("POST", f"{_BY_ID}/undo"): undo_import,
    ("POST", "/api/segments/{segment_id}/export"): export_segment,
    ("GET", "/api/exports"): list_exports,
    ("GET", "/api/exports/{export_id}"): get_export,
    ("POST", "/get_custom_list_segment_url"): get_custom_list_url,
    ("POST", "/upload_custom_list_segment_completed"): complete_custom_list,
}
