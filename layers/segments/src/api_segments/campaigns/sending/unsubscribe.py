"""What a browser or a mail program gets for the link to unsubscribe: plain pages, without scripts."""

import base64
import hashlib
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

from api_segments.campaigns.sending.opt_outs import OptedOut, SubscribedAgain, TestMessageError
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
# The forms go to the page's own address; the one that unsubscribes with the body that RFC 8058 gives to mail programs.
_BUTTON = '<form method="post"><button name="List-Unsubscribe" value="One-Click">Unsubscribe</button></form>'
_AGAIN = ("Subscribe", "Again")
_AGAIN_BUTTON = '<form method="post"><button name="Subscribe" value="Again">No, subscribe again</button></form>'
_UNKNOWN = (
    "The customer whom this email was written to is not known here any more, and this old link does not tell the "
    "address."
)
_GONE = f"<p>{_UNKNOWN} If you still get these emails, please use the link in the latest one.</p>"
_DONE = {
    OptedOut.ADDRESS: (
        HTTPStatus.OK,
        "You are unsubscribed",
        f"<p>No more of these emails go to the address that this one came to.</p>{_AGAIN_BUTTON}",
    ),
    OptedOut.USER: (
        HTTPStatus.OK,
        "You are unsubscribed",
        f"<p>The customer whom this email was written to gets no more of these emails.</p>{_AGAIN_BUTTON}",
    ),
    OptedOut.NOBODY: (HTTPStatus.GONE, "Nobody was unsubscribed", _GONE),
}
_NOT_YET = "You get no emails yet"
_DONE_AGAIN = {
    SubscribedAgain.OPEN: (HTTPStatus.OK, "You are subscribed again", f"<p>Was that a mistake?</p>{_BUTTON}"),
    SubscribedAgain.CLOSED: (
        HTTPStatus.CONFLICT,
        _NOT_YET,
        "<p>Your opt-out is taken back. But no emails are sent to your address: emails came back, or it is closed.</p>",
    ),
    SubscribedAgain.SWITCHED_OFF: (
        HTTPStatus.CONFLICT,
        _NOT_YET,
        "<p>Your opt-out is taken back. But the sender has switched emails off for you, or has no address.</p>",
    ),
    SubscribedAgain.NOBODY: (HTTPStatus.GONE, "Nobody was subscribed", f"<p>{_UNKNOWN}</p>"),
}


def wants_again(body: str | None, *, is_base64: bool) -> bool:
    """Whether a POST is that of the button that subscribes again; any other unsubscribes."""
    wanted = urlencode([_AGAIN])
    return body == (base64.b64encode(wanted.encode()).decode() if is_base64 else wanted)


def asking(request_id: str) -> dict[str, Any]:
    """Answer with the page that has the button."""
    return _answer(HTTPStatus.OK, "Unsubscribe?", f"<p>You will get no more of these emails.</p>{_BUTTON}", request_id)


def done(opted_out: OptedOut, request_id: str) -> dict[str, Any]:
    """Answer for whom the opt-out holds."""
    return _answer(*_DONE[opted_out], request_id)


def done_again(subscribed: SubscribedAgain, request_id: str) -> dict[str, Any]:
    """Answer whether emails are sent again."""
    return _answer(*_DONE_AGAIN[subscribed], request_id)


def failed(error: SegmentsError, request_id: str) -> dict[str, Any]:
    """Answer that the link is wrong, or that it did not work this time."""
    if isinstance(error, TestMessageError):
        text = "<p>Its link unsubscribes nobody. Nothing was changed.</p>"
        return _answer(HTTPStatus.OK, "This was a test message", text, request_id)
    code = code_of(error)
    if isinstance(error, NotFoundError):
        text = "<p>Please use the whole link from the email.</p>"
        return _answer(code, "This link does not work", text, request_id)
    answer = _answer(code, "Please try again", "<p>That did not work just now.</p>", request_id)
    answer["headers"] |= retry_after([code])
    return answer


def _answer(status: HTTPStatus, title: str, text: str, request_id: str) -> dict[str, Any]:
    return {
        "statusCode": int(status),
        "headers": {**_HEADERS, "X-Request-Id": request_id},
        "body": _PAGE.format(title=title, style=_STYLE, text=text),
    }
