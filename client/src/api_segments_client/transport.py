"""One request to the API and its answer: credentials, tries, and what can go wrong on the way.

This is the only module that imports httpx, and it is imported with the client alone.
"""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import httpx

from api_segments_client.errors import ApiError, NoAnswerError, SettingsError, UnexpectedAnswerError
from api_segments_client.retry import Attempts, Retry, seconds_of

logger = logging.getLogger("api_segments_client")

EXAMPLE_URL = "https://abc123.execute-api.eu-central-1.amazonaws.com/live"
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
THROTTLED = 429
SERVER_TROUBLE = frozenset({500, 502, 503, 504})
"""The server did not say that it did nothing."""
_SHOWN = 200
_NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError, httpx.UnsupportedProtocol)
"""Of these nothing has reached the API."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer's JSON."""

    body: Any
    code: int
    request_id: str | None
    retry_after: float | None = None


class Transport:
    """Sends requests of one account; may be used by several threads at once."""

    def __init__(self, url: str, account_id: str, passcode: str, timeout: float, retry: Retry) -> None:
        host = checked_host(url)
        self.retry = retry
        self.is_clevertap = host == "api.clevertap.com" or host.endswith(".api.clevertap.com")
        _keep_signatures_out_of_logs()
        headers = {
            "X-CleverTap-Account-Id": account_id,
            "X-CleverTap-Passcode": passcode,
            "Accept": "application/json",
            "User-Agent": "api-segments-client",
        }
        trust_env = host not in LOOPBACK
        verify = httpx.create_ssl_context(trust_env=trust_env)  # once: reading the certificates takes 60 ms
        try:
            self._http = httpx.Client(
                base_url=url,
                headers=headers,
                timeout=timeout,
                trust_env=trust_env,
                verify=verify,
                follow_redirects=False,
            )
        except UnicodeEncodeError as exc:
            raise SettingsError("account id and passcode must be visible ASCII characters") from exc
        # Files go elsewhere: whoever stores them is not to see the passcode.
        self._files = httpx.Client(timeout=timeout, trust_env=trust_env, verify=verify, follow_redirects=False)

    def close(self) -> None:
        """Close the connections; a request that is under way fails."""
        self._http.close()
        self._files.close()

    def call(  # noqa: PLR0913 - a request has that many parts
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        query: Mapping[str, str | int | None] | None = None,
        headers: Mapping[str, str] | None = None,
        may_repeat: bool = True,
        stop: threading.Event | None = None,
        attempts: Attempts | None = None,
    ) -> Answer:
        """Send a request, again as long as it may pass, and return its answer.

        `may_repeat` says that carrying it out twice does no more than once. Without it only what was certainly not
        carried out is sent again: it was throttled, or there was no connection. Raises ApiError, NoAnswerError,
        UnexpectedAnswerError, and StoppedError when `stop` is set while it waits; `attempts.lost` tells then, too,
        whether it may have been carried out.
        """
        attempts = attempts or self.retry.attempts(stop)
        request = self._http.build_request(
            method,
            path.lstrip("/"),
            content=body if body is None or isinstance(body, bytes) else json.dumps(body, allow_nan=False).encode(),
            params={name: value for name, value in (query or {}).items() if value is not None} or None,
            headers={**({} if body is None else {"Content-Type": "application/json"}), **(headers or {})},
        )
        while True:
            try:
                answer = self._answer(request)
            except httpx.TransportError as exc:
                was_sent = not isinstance(exc, _NOT_SENT)
                attempts.lost = attempts.lost or was_sent
                what = f"{method} {request.url.path} got no answer from {_host(request.url)}: {_reason(exc)}"
                if (was_sent and not may_repeat) or not attempts.wait(None, what):
                    raise NoAnswerError(what, may_be_done=attempts.lost) from exc
                continue
            if answer is None:
                attempts.lost = True
                what = f"{method} {request.url.path}: the answer of {_host(request.url)} was cut off"
                if not may_repeat or not attempts.wait(None, what):
                    raise NoAnswerError(what, may_be_done=True)
                continue
            can_pass = answer.code == THROTTLED or (answer.code in SERVER_TROUBLE and may_repeat)
            is_running = may_repeat and attempts.lost and _is_running(answer)
            attempts.lost = attempts.lost or answer.code in SERVER_TROUBLE
            if can_pass or is_running:
                what = f"{method} {request.url.path} was answered with {answer.code}: {_message(answer)}"
                if attempts.wait(answer.retry_after, what):
                    continue
            if answer.code >= httpx.codes.BAD_REQUEST:
                raise ApiError.of(answer.code, _message(answer), answer.request_id)
            return answer

    def _answer(self, request: httpx.Request) -> Answer | None:
        """Send a request once; return None where the answer's end is missing."""
        response = self._http.send(request)
        request_id = response.headers.get("X-Request-Id")
        logger.debug("%s %s: %s, request %s", request.method, request.url.path, response.status_code, request_id)
        if response.is_redirect:
            place = urlsplit(response.headers.get("Location", "")).hostname
            raise UnexpectedAnswerError(f"{request.url.path} is redirected to {place}: is the address the API's own?")
        body: Any = None
        try:
            body = response.json()
        except ValueError as exc:
            is_json = response.headers.get("Content-Type", "").startswith("application/json")
            if response.is_success and is_json:
                return None
            if response.is_success:
                kind = response.headers.get("Content-Type", "no type")
                raise UnexpectedAnswerError(
                    f"{request.method} {request.url.path} was answered with {kind} instead of JSON: is "
                    f"{request.url.copy_with(path='/', query=None)} the API's address?"
                ) from exc
            body = response.text[:_SHOWN]
        return Answer(body, response.status_code, request_id, seconds_of(response.headers.get("Retry-After")))

    def put_file(self, url: str, content: Iterator[bytes], size: int, headers: Mapping[str, str]) -> tuple[int, str]:
        """Put a file of `size` bytes at a signed address once; return the status and the beginning of what was said."""
        try:
            response = self._files.put(url, content=content, headers={**headers, "Content-Length": str(size)})
        except httpx.TransportError as exc:
            raise NoAnswerError(
                f"the upload to {_host(httpx.URL(url))} broke off: {_reason(exc)}", may_be_done=True
            ) from exc
        return response.status_code, response.text[:_SHOWN]

    def get_file(self, url: str) -> Iterator[bytes]:
        """Give the content of a file at a signed address piece by piece; NoAnswerError when it breaks off."""
        try:
            with self._files.stream("GET", url) as response:
                if not response.is_success:
                    response.read()
                    raise ApiError.of(response.status_code, response.text[:_SHOWN])
                yield from response.iter_bytes()
        except httpx.TransportError as exc:
            raise NoAnswerError(
                f"the download from {_host(httpx.URL(url))} broke off: {_reason(exc)}", may_be_done=False
            ) from exc


def checked_host(url: str) -> str:
    """Return the host of an API's address; SettingsError where a passcode must not be sent to that."""
    if set("@?#") & set(url):  # what is behind them may be a secret, so the address is not shown
        raise SettingsError(f"the address must be like {EXAMPLE_URL}, without user, password, query and fragment")
    try:
        parts = urlsplit(url)
        scheme, host = parts.scheme, parts.hostname if parts.port != 0 else None
    except ValueError:  # a port or brackets that are none
        scheme, host = "", None
    if scheme not in {"http", "https"} or not host:
        raise SettingsError(f"the address must be like {EXAMPLE_URL}, not {url}")
    if scheme == "http" and host not in LOOPBACK:
        raise SettingsError(f"the address must be https, as the passcode would be read on its way to {host}")
    return host


def _host(url: httpx.URL) -> str:
    return url.netloc.decode("ascii")


def _reason(exc: httpx.TransportError) -> str:
    return str(exc) or type(exc).__name__


def _message(answer: Answer) -> str:
    if isinstance(answer.body, dict) and isinstance(answer.body.get("error"), str):
        return str(answer.body["error"])
    text = answer.body if isinstance(answer.body, str) else json.dumps(answer.body)
    return text[:_SHOWN] or "no reason was given"


def _is_running(answer: Answer) -> bool:
    """Whether the first try, whose answer got lost, is still being carried out under the same Idempotency-Key."""
    return answer.code == httpx.codes.CONFLICT and "still running" in _message(answer)


class _WithoutSignature(logging.Filter):
    """httpx logs whole addresses; the signature of a link is as good as a passcode."""

    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple):
            record.args = tuple(
                each.copy_with(query=b"signed") if isinstance(each, httpx.URL) and b"ignature=" in each.query else each
                for each in record.args
            )
        return True


_FILTER = _WithoutSignature()


def _keep_signatures_out_of_logs() -> None:
    logging.getLogger("httpx").addFilter(_FILTER)  # adding it again does nothing
