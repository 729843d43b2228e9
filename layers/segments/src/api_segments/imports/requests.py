"""What requests to /api/imports ask for, in the domain's words."""

import json
import re
from hashlib import sha256

from api_segments.core.errors import InvalidRequestError, NotFoundError
from api_segments.http.gateway import Request
from api_segments.http.parameters import idempotency_key
from api_segments.http.validation import read_body, validate
from api_segments.imports import bodies
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
    )
    key = idempotency_key(request.headers)
    digest = sha256(json.dumps(raw, sort_keys=True).encode()).hexdigest()
    return wanted, None if key is None else RequestKey(key, digest)


def parse_undo(body: bytes) -> Guard:
    """Read the body of /undo, which may be left out; raises InvalidRequestError or BodyTooLargeError."""
    if not body.strip():
        return Guard()
    return Guard(**validate(bodies.UNDO, read_body(body)).get("guard", {}))


def import_id_in_path(raw: str) -> str:
    """Read an import's id from the path; raises NotFoundError, as nothing can be there under a wrong one."""
    if not _IMPORT_ID.fullmatch(raw):
        raise NotFoundError("there is no such import")
    return raw
