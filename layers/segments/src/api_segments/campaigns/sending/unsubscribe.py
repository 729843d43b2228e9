"""What a browser or a mail program gets for the link to unsubscribe: plain pages, without scripts."""

import base64
import hashlib
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from api_segments.campaigns.sending.opt_outs import TestMessageError
from api_segments.core.errors import NotFoundError, SegmentsError
from api_segments.http.gateway import code_of, retry_after
from api_segments.http.security import SECURITY

_STYLE = (
    "body{font:1rem/1.5 system-ui,sans-serif;max-width:32rem;margin:15vh auto;padding:0 1rem;color-scheme:light dark}"
    "button{font:inherit;padding:.5rem 1.25rem}"
)
_PAGE = (
    '<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
    "<title>{title}</title><style>{style}</style></head><body><main><h1>{title}</h1>{text}</main></body></html>"
)
_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_HEADERS: Mapping[str, str] = {
    **SECURITY,
    "Content-Security-Policy": f"default-src 'none'; style-src 'sha256-{_HASH}'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'",
    "Content-Type": "text/html; charset=utf-8",
    "Cache-Control": "no-store",
    "X-Robots-Tag": "noindex",
}
# The form goes to the page's own address, in the body that RFC 8058 gives to mail programs.
_BUTTON = (
    "<p>You will get no more of these emails.</p>"
    '<form method="post"><button name="List-Unsubscribe" value="One-Click">Unsubscribe</button></form>'
)


def asking(request_id: str) -> dict[str, Any]:
    """Answer with the page that has the button."""
    return _answer(HTTPStatus.OK, "Unsubscribe?", _BUTTON, request_id)


def done(request_id: str) -> dict[str, Any]:
    """Answer that the user is opted out."""
    return _answer(HTTPStatus.OK, "You are unsubscribed", "<p>You will get no more of these emails.</p>", request_id)


def failed(error: SegmentsError, request_id: str) -> dict[str, Any]:
    """Answer that the link is wrong, or that it did not work this time."""
    if isinstance(error, TestMessageError):
        text = "<p>Its link unsubscribes nobody. Nothing was changed.</p>"
        return _answer(HTTPStatus.OK, "This was a test message", text, request_id)
    code = code_of(error)
    if isinstance(error, NotFoundError):
        text = "<p>Please use the whole link from the email.</p>"
        return _answer(code, "This link does not work", text, request_id)
    answer = _answer(code, "Please try again", "<p>That did not work just now. Nothing was changed.</p>", request_id)
    answer["headers"] |= retry_after([code])
    return answer


def _answer(status: HTTPStatus, title: str, text: str, request_id: str) -> dict[str, Any]:
    return {
        "statusCode": int(status),
        "headers": {**_HEADERS, "X-Request-Id": request_id},
        "body": _PAGE.format(title=title, style=_STYLE, text=text),
    }
