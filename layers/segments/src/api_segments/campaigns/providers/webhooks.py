"""HTTPS calls to the addresses that accounts declared, signed, and to no address inside.

A webhook's host is looked up once a call. Every address it has must be one of the public internet, and the connection
goes to an address that was checked, so that a name can't lead elsewhere a moment later.
"""

import hmac
import ipaddress
import logging
import socket
import ssl
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from threading import Thread, Timer
from urllib.parse import SplitResult, urlsplit

from api_segments.aws.delivery import Reply
from api_segments.campaigns.model import Webhook
from api_segments.core.clock import Backoff, Clock, Deadline

_LOG = logging.getLogger(__name__)

CALL_SECONDS = 5.0
TRIES = 3
_ADDRESSES_TRIED = 2
SIGNATURE_HEADER = "X-Api-Segments-Signature"
EVENT_HEADER = "X-Api-Segments-Event-Id"
_BUSY = {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS}
_TRANSLATED = ipaddress.ip_network("64:ff9b::/96")  # RFC 6052: the last 32 bits are an IPv4 address
_PUBLIC_IPV6 = ipaddress.ip_network("2000::/3")  # all that IANA has given out
# IANA's registries of special-purpose addresses, as far as Python's versions take some of these for global.
_SPECIAL = [ipaddress.ip_network(text) for text in ("192.0.0.0/24", "192.88.99.0/24", "2001::/23", "3fff::/20")]

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


@dataclass(frozen=True, slots=True)
class Call:
    """What is posted to a webhook: JSON, and an id by which the receiver knows a repeated call."""

    body: bytes
    event_id: str


class _ForbiddenAddressError(Exception):
    """A webhook's host has no address, or one that is not of the public internet."""


def resolve(host: str, port: int) -> list[str]:
    """Return all addresses of a host; raises OSError."""
    return [str(info[4][0]) for info in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


@cache
def _tls() -> ssl.SSLContext:
    return ssl.create_default_context()


class WebhookProvider:
    """Calls webhooks.

    `test_origin` (`http://127.0.0.1:1234`) is the one origin that may be without TLS and inside; empty for none.
    """

    def __init__(
        self,
        test_origin: str,
        clock: Clock,
        look_up: Callable[[str, int], Sequence[str]] = resolve,
        tls: Callable[[], ssl.SSLContext] = _tls,
    ) -> None:
        self._test_origin = test_origin
        self._clock = clock
        self._look_up = look_up
        self._tls = tls

    def send(self, webhook: Webhook, call: Call, deadline: Deadline) -> Reply:
        """Call a webhook, and twice again if it is busy or does not answer.

        REFUSED by any other answer than 2xx, redirects too, and for an address inside. Receivers know a repeated call
        by its id, so one that was not answered is repeated as well.
        """
        backoff = Backoff(deadline, first=0.5, most=2.0)
        for _ in range(TRIES):
            if deadline.remaining() < CALL_SECONDS:
                return Reply.TRY_AGAIN
            try:
                status = self._post(webhook, call)
            except _ForbiddenAddressError:
                _LOG.warning("webhook: refused, its host is not of the public internet")
                return Reply.REFUSED
            except (OSError, HTTPException, UnicodeError) as exc:
                _LOG.warning("webhook: no answer, %s", type(exc).__name__)
            else:
                if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
                    return Reply.ACCEPTED
                _LOG.warning("webhook: answered %d", status)
                if status not in _BUSY and status < HTTPStatus.INTERNAL_SERVER_ERROR:
                    return Reply.REFUSED
            if not backoff.wait():
                return Reply.TRY_AGAIN
        return Reply.GAVE_UP

    def _post(self, webhook: Webhook, call: Call) -> int:
        """Make one call and return the status of its answer, whose body is not read."""
        parts = urlsplit(webhook.url)
        is_https = parts.scheme == "https"
        host, port = parts.hostname or "", parts.port or (443 if is_https else 80)
        ends_at = self._clock.monotonic() + CALL_SECONDS
        connected = self._connect(parts, host, port, ends_at)
        http = HTTPConnection(host, port)
        if is_https:
            connected = self._tls().wrap_socket(connected, server_hostname=host, do_handshake_on_connect=False)
            http = HTTPSConnection(host, port, context=self._tls())
        http.sock, http.auto_open = connected, 0
        moment = int(self._clock.now().timestamp())
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "api-segments",
            SIGNATURE_HEADER: signature(webhook.secret, moment, call.body),
            EVENT_HEADER: call.event_id.encode("ascii", "backslashreplace").decode(),
        }
        with closing(connected), _ended_after(connected, ends_at - self._clock.monotonic()):
            if isinstance(connected, ssl.SSLSocket):
                connected.do_handshake()
            http.request("POST", f"{parts.path or '/'}{'?' if parts.query else ''}{parts.query}", call.body, headers)
            return http.getresponse().status

    def _connect(self, parts: SplitResult, host: str, port: int, ends_at: float) -> socket.socket:
        """Connect to one of the addresses that a host has; raises _ForbiddenAddressError or OSError."""
        addresses = list(dict.fromkeys(_in_time(lambda: self._look_up(host, port), CALL_SECONDS)))
        is_test = bool(self._test_origin) and f"{parts.scheme}://{parts.netloc}" == self._test_origin
        if not is_test and (parts.scheme != "https" or not addresses or not all(map(is_public, addresses))):
            raise _ForbiddenAddressError
        failure: OSError = OSError("no address")
        for address in addresses[:_ADDRESSES_TRIED]:
            left = ends_at - self._clock.monotonic()
            if left <= 0:
                raise TimeoutError
            try:
                return socket.create_connection((address, port), timeout=min(left, CALL_SECONDS / _ADDRESSES_TRIED))
            except OSError as exc:
                failure = exc
        raise failure


def _in_time(look_up: Callable[[], Sequence[str]], seconds: float) -> Sequence[str]:
    """Look a host up, which the system has no time-out for; raises TimeoutError, and what the look-up raises."""
    found: list[Sequence[str]] = []
    failed: list[Exception] = []

    def run() -> None:
        try:
            found.append(look_up())
        except Exception as exc:  # noqa: BLE001 - raised by who waits
            failed.append(exc)

    looking = Thread(target=run, daemon=True)  # one that never ends is left to the resolver's own patience
    looking.start()
    looking.join(seconds)
    if failed:
        raise failed[0]
    if not found:
        raise TimeoutError
    return found[0]


@contextmanager
def _ended_after(connected: socket.socket, seconds: float) -> Iterator[None]:
    """End a connection when the time is up, whatever it is doing: a time-out of each read would be put off by drips."""

    def end() -> None:
        with suppress(OSError):  # it has ended
            socket.socket.shutdown(connected, socket.SHUT_RDWR)

    connected.settimeout(CALL_SECONDS)
    watch = Timer(max(0.0, seconds), end)
    watch.daemon = True
    watch.start()
    try:
        yield
    finally:
        watch.cancel()


def is_public(text: str) -> bool:
    """Whether an address is of the public internet; one that stands for an IPv4 address is judged by that."""
    address: Address = ipaddress.ip_address(text.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if inner is None and address in _TRANSLATED:
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(str(inner))
        if address not in _PUBLIC_IPV6:
            return False
    is_special = address.is_multicast or address.is_reserved or any(address in network for network in _SPECIAL)
    return address.is_global and not is_special


def signature(secret: str, moment: int, body: bytes) -> str:
    """Return the header by which a receiver knows that a call is ours and of this moment (seconds since 1970)."""
    signed = hmac.digest(secret.encode(), f"{moment}.".encode() + body, "sha256").hex()
    return f"t={moment},v1={signed}"
