"""What requests to /api/imports ask for, in the domain's words."""

import json
import re
from hashlib import sha256

from pydantic_core import PydanticCustomError

from api_segments.core.errors import InvalidRequestError, NotFoundError
from api_segments.http.gateway import Request
from api_segments.http.ids import check_text
from api_segments.http.parameters import idempotency_key
from api_segments.http.validation import read_body, validate
from api_segments.imports import bodies
from api_segments.imports.custom_lists import MAX_NAME_CHARACTERS, UploadedList
from api_segments.imports.model import Guard, Mode, UnknownUsers
from api_segments.imports.service import NewImport, RequestKey

_IMPORT_ID = re.compile(r"[0-9a-f]{21}")


def parse_create(request: Request) -> tuple[NewImport, RequestKey | None]:
    """Read POST /api/imports; raises InvalidRequestError or BodyTooLargeError."""
    raw = read_body(request.body)
    body = validate(bodies.CREATE, raw)
    mode = Mode(body["mode"])
    if mode is Mode.REMOVE and body.get("unknown_users") == "create":
        raise InvalidRequestError("unknown_users: must be skip, or left out, with mode remove: it creates nobody")
    unknown = UnknownUsers.SKIP if mode is Mode.REMOVE else UnknownUsers(body.get("unknown_users", UnknownUsers.CREATE))
    wanted = NewImport(
        segment=body["segment"],
        mode=mode,
        unknown_users=unknown,
        guard=Guard(**body.get("guard", {})),
        applies_itself=body.get("apply", "auto") == "auto",
        file_name=body.get("file_name"),
    )
    key = idempotency_key(request.headers)
    digest = sha256(json.dumps(raw, sort_keys=True).encode()).hexdigest()
    return wanted, None if key is None else RequestKey(key, digest)


def parse_undo(body: bytes) -> Guard:
    """Read the body of /undo, which may be left out; raises InvalidRequestError or BodyTooLargeError."""
    if not body.strip():
        return Guard()
    return Guard(**validate(bodies.UNDO, read_body(body)).get("guard", {}))


def parse_list(body: bytes) -> UploadedList:
    """Read POST /upload_custom_list_segment_completed; raises InvalidRequestError or BodyTooLargeError."""
    asked = validate(bodies.COMPLETE_LIST, read_body(body))
    if len(asked["name"]) > MAX_NAME_CHARACTERS:
        raise InvalidRequestError(f"name: must have at most {MAX_NAME_CHARACTERS} characters")
    return UploadedList(asked["name"], asked["url"], asked.get("replace", False), _as_name(asked.get("filename")))


def _as_name(told: str | None) -> str | None:
    """Return what may be kept as a name; None for what may not, which CleverTap's clients may send all the same."""
    try:
        check_text(told)
    except PydanticCustomError:
        return None
    return told


def import_id_in_path(raw: str) -> str:
    """Read the id of an import or an export from the path; raises NotFoundError: under a wrong one nothing can be."""
    if not _IMPORT_ID.fullmatch(raw):
        raise NotFoundError("there is no such import or export")
    return raw
