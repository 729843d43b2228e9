"""API Gateway proxy events in, answers out; and the one table from errors to the wire's codes."""

import base64
import codecs
import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from api_segments.core import errors
from api_segments.core.clock import Deadline
from api_segments.http.observability import logger
from api_segments.http.strict_json import REPLACEMENT, parse, show
from api_segments.http.tenant import UNNAMED, Plan, Tenant

# Kept back from the invocation's time: for a call that was begun in time and hangs (clients.CONFIG: 1 s to connect, 3 s
# to read), and for building and sending the answer.
RESERVE_SECONDS = 5.5

CODES: Mapping[type[errors.SegmentsError], HTTPStatus] = {
    errors.InvalidRequestError: HTTPStatus.BAD_REQUEST,
    errors.UnauthorizedError: HTTPStatus.UNAUTHORIZED,
    errors.ForbiddenError: HTTPStatus.FORBIDDEN,
    errors.NotFoundError: HTTPStatus.NOT_FOUND,
    errors.ConflictError: HTTPStatus.CONFLICT,
    errors.SegmentDeletedError: HTTPStatus.GONE,
    errors.BodyTooLargeError: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    errors.UnsupportedMediaTypeError: HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    errors.QuotaExceededError: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.ThrottledError: HTTPStatus.TOO_MANY_REQUESTS,
    errors.UnavailableError: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.DamagedItemError: HTTPStatus.SERVICE_UNAVAILABLE,
}
CODE_OF_SLUG = {error.slug: code for error, code in CODES.items()}
TRY_AGAIN = {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE}

_WITH_BODY = ("PATCH", "POST")
_CHARSET = re.compile(r"""charset\s*=\s*["']?([^"';,\s]*)""", re.IGNORECASE)
_CHARSETS = ("utf-8", "ascii")
_BEGINS_JSON = re.compile(rb"(\xef\xbb\xbf)?\s*[\[{]")
_GZIP = (b"\x1f\x8b", f"\x1f{REPLACEMENT}".encode())


@dataclass(frozen=True, slots=True)
class Request:
    """A request of a known account. Names of `headers` are in lower case."""

    tenant: Tenant
    request_id: str
    body: bytes
    query: Mapping[str, str]
    headers: Mapping[str, str]
    deadline: Deadline
    public_url: str = ""
    """Where the client finds the API, without a slash at its end."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A status, a body to be written as JSON, and further headers."""

    status: HTTPStatus
    body: Mapping[str, Any]
    headers: Mapping[str, str] = field(default_factory=dict)


def code_of(error: errors.SegmentsError) -> HTTPStatus:
    """Return the code of an error."""
    return CODES[type(error)]


def retry_after(codes: Iterable[HTTPStatus]) -> dict[str, str]:
    """Return the header that says when to try again, if one of `codes` is such."""
    return {"Retry-After": "1"} if TRY_AGAIN.intersection(codes) else {}


def failure(error: errors.SegmentsError) -> Answer:
    """Answer a whole request that failed."""
    code = code_of(error)
    logger.info("refused", error=error.slug)
    return Answer(code, {"status": "fail", "error": str(error), "code": code}, retry_after([code]))


def respond(event: Mapping[str, Any], context: LambdaContext, endpoint: Callable[[Request], Answer]) -> dict[str, Any]:
    """Serve one request with `endpoint`: read the event, map errors, write the answer."""
    try:
        answer = endpoint(read_request(event, context))
    except errors.SegmentsError as error:
        answer = failure(error)
    return render(answer, event["requestContext"]["requestId"])


def read_request(event: Mapping[str, Any], context: LambdaContext) -> Request:
    """Read who asks, from the authorizer's answer alone, and what; raises InvalidRequestError."""
    who = event["requestContext"]["authorizer"]
    passcode_name = who.get("passcode_name", UNNAMED)  # not in what was cached by a version before
    tenant = Tenant(who["account_id"], Plan(who["plan"]), who["private_beta"] == "true", passcode_name)
    logger.append_keys(
        request_id=event["requestContext"]["requestId"],
        account_id=tenant.account_id,
        passcode_name=tenant.passcode_name,
    )
    headers = {name.lower(): value for name, value in (event.get("headers") or {}).items()}
    body = _body(event)
    if event["httpMethod"] in _WITH_BODY:
        _check_encoding(body, headers)
    else:
        refuse_body(body)
    return Request(
        tenant=tenant,
        request_id=event["requestContext"]["requestId"],
        body=body,
        query=read_query(event),
        headers=headers,
        deadline=deadline_of(context),
        public_url=_public_url(event),
    )


def _public_url(event: Mapping[str, Any]) -> str:
    context = event["requestContext"]
    path = str(context.get("path", "")).removesuffix(str(event.get("path", "")))
    return f"https://{context.get('domainName', '')}{path}"


def health() -> Answer:
    """Answer that the API answers; needs no account and looks at nothing."""
    return Answer(HTTPStatus.OK, {"status": "ok"})


def deadline_of(context: LambdaContext) -> Deadline:
    """Return when the work must end for the answer to get out in time."""
    return Deadline.after(context.get_remaining_time_in_millis() / 1000 - RESERVE_SECONDS)


def render(answer: Answer, request_id: str) -> dict[str, Any]:
    """Write an answer as API Gateway takes it, and one line in the log."""
    logger.info("answered", code=int(answer.status))
    return {
        "statusCode": int(answer.status),
        "headers": {"Content-Type": "application/json", "X-Request-Id": request_id, **answer.headers},
        "body": to_json(answer.body),
    }


def to_json(value: object) -> str:
    """Write JSON, short; in ASCII if it echoes a lone surrogate, which UTF-8 can't hold."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    try:
        text.encode()
    except UnicodeEncodeError:
        return json.dumps(value, separators=(",", ":"))
    return text


def serve_head(event: dict[str, Any], serve: Callable[[dict[str, Any]], dict[str, Any]]) -> dict[str, Any]:
    """Serve a request; a HEAD as the GET that it stands for, without that one's body (RFC 9110, 9.3.2)."""
    if event["httpMethod"] != "HEAD":
        return serve(event)
    return {**serve({**event, "httpMethod": "GET"}), "body": "", "isBase64Encoded": False}


def read_query(event: Mapping[str, Any]) -> Mapping[str, str]:
    """Return the query's parameters; raises InvalidRequestError if one is given twice."""
    for name, values in (event.get("multiValueQueryStringParameters") or {}).items():
        if len(values) > 1:
            raise errors.InvalidRequestError(f"{show(name)}: is given more than once")
    return event.get("queryStringParameters") or {}


def _body(event: Mapping[str, Any]) -> bytes:
    body = event.get("body") or ""
    if event.get("isBase64Encoded"):
        try:
            return base64.b64decode(body, validate=True)
        except ValueError as exc:  # binascii.Error is one; text beyond ASCII raises the plain one
            raise errors.InvalidRequestError("body: not the base64 that it claims to be") from exc
    return str(body).encode("utf-8", "surrogatepass")


def _check_encoding(body: bytes, headers: Mapping[str, str]) -> None:
    """Raise UnsupportedMediaTypeError for a body that is not in UTF-8, or still compressed.

    API Gateway takes gzip and deflate apart (template.yaml, MinimumCompressionSize), and may leave the header there.
    """
    charset = _CHARSET.search(headers.get("content-type") or "")
    if charset is not None and not _is_utf8(charset[1]):
        raise errors.UnsupportedMediaTypeError(f"Content-Type: charset must be utf-8, is {show(charset[1])}")
    coding = "gzip" if body.startswith(_GZIP) else (headers.get("content-encoding") or "identity").strip().lower()
    if coding != "identity" and not _BEGINS_JSON.match(body):
        raise errors.UnsupportedMediaTypeError(
            f"Content-Encoding: a body in {show(coding)} can't be taken apart; send it in gzip or deflate, or as it is"
        )


def _is_utf8(charset: str) -> bool:
    try:
        return codecs.lookup(charset).name in _CHARSETS
    except (LookupError, ValueError):
        return False


def refuse_body(body: bytes) -> None:
    """Raise InvalidRequestError for a body where none has a meaning: what it asks for would not be done."""
    if not body.strip():
        return
    sent = parse(body)
    for name in sent if isinstance(sent, dict) else ():
        raise errors.InvalidRequestError(f"{show(name)}: unknown field")
    if sent != {}:
        raise errors.InvalidRequestError("body: this call takes none")
