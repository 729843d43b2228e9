"""Headers that keep our pages to themselves in a browser."""

from collections.abc import Mapping

# Scripts, styles and requests of this origin alone. No script may make markup of text, whatever it is given.
_POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self' data:",
    "connect-src": "'self'",
    "frame-src": "'self'",
    "base-uri": "'none'",
    "form-action": "'none'",
    "frame-ancestors": "'none'",
    "require-trusted-types-for": "'script'",
    "trusted-types": "'none'",
}
# A mail has markup and styles of its own. Nothing in it may run, load, be sent or lead anywhere; the page may fill it.
_FRAME_POLICY = {
    "default-src": "'none'",
    "style-src": "'unsafe-inline'",
    "img-src": "data:",
    "base-uri": "'none'",
    "form-action": "'none'",
    "frame-ancestors": "'self'",
    "sandbox": "allow-same-origin",
}


def _policy(parts: Mapping[str, str]) -> str:
    return "; ".join(f"{name} {value}" for name, value in parts.items())


def page_policy(upload_origin: str) -> str:
    """Return the policy of the page, which may also send to the origin that files are uploaded at."""
    return _policy({**_POLICY, "connect-src": f"'self' {upload_origin}"})


SECURITY: Mapping[str, str] = {
    "Content-Security-Policy": _policy(_POLICY),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "Strict-Transport-Security": "max-age=31536000",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
FRAME_SECURITY: Mapping[str, str] = {
    **SECURITY,
    "Content-Security-Policy": _policy(_FRAME_POLICY),
    "X-Frame-Options": "SAMEORIGIN",
}
