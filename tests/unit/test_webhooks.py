"""Calls to webhooks, to real receivers on the loopback: where they may go, what they carry, when they are repeated."""

import hmac
import socket
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event
from typing import Any

import pytest
import pytest_socket

from api_segments.aws.delivery import Reply
from api_segments.campaigns.model import Webhook
from api_segments.campaigns.providers import webhooks
from api_segments.campaigns.providers.webhooks import Call, WebhookProvider, is_public, resolve, signature
from api_segments.core.clock import Deadline
from tests.support.clock import START, MovableClock
from tests.support.receiver import LOOPBACK, OK, Receiver, answer, certificate, receiving
from tests.support.waiting import PATIENCE_SECONDS

SECRET = "a-secret-that-nobody-else-knows"
CALL = Call('{"name":"Zoë"}'.encode(), "17639-5f2d")
PUBLIC = "93.184.215.14"


@pytest.fixture(autouse=True)
def loopback(function_environment: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The loopback can be called, and a call may take as long as it must on a busy machine."""
    assert function_environment is None
    monkeypatch.setattr(webhooks, "CALL_SECONDS", PATIENCE_SECONDS)
    pytest_socket.enable_socket()
    yield
    pytest_socket.disable_socket()


def deadline(seconds: float = 2 * PATIENCE_SECONDS) -> Deadline:
    return Deadline.after(seconds, MovableClock())


def send(receiver: Receiver, path: str = "/hook", call: Call = CALL, **store: Any) -> Reply:
    origin = f"http://{LOOPBACK}:{receiver.port}"
    webhook = Webhook("crm", f"{origin}{path}", SECRET)
    return WebhookProvider(origin, MovableClock(), **store).send(webhook, call, deadline())


def refused_address(*addresses: str, url: str = "https://crm.example.com/hook") -> bool:
    """Whether a webhook whose host has these addresses is refused, and nothing is connected to."""
    tried: list[Any] = []

    class NoSocket(socket.socket):
        def connect(self, address: Any) -> None:
            tried.append(address)
            raise ConnectionRefusedError

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket, "socket", NoSocket)
        store = WebhookProvider("", MovableClock(), lambda *_: list(addresses))
        reply = store.send(Webhook("crm", url, SECRET), CALL, deadline())
    assert (reply is Reply.REFUSED) == (not tried)
    return reply is Reply.REFUSED


def parts(request: bytes) -> tuple[str, dict[str, str], bytes]:
    head, _, body = request.partition(b"\r\n\r\n")
    line, *lines = head.decode().split("\r\n")
    return line, {name.lower(): value for name, _, value in (each.partition(": ") for each in lines)}, body


def test_a_call_carries_its_body_its_signature_and_its_id() -> None:
    with receiving([OK]) as receiver:
        assert send(receiver, "/hook?x=1&y=2") is Reply.ACCEPTED
    (request,) = receiver.requests
    line, headers, body = parts(request)
    assert line == "POST /hook?x=1&y=2 HTTP/1.1"
    assert body == CALL.body
    assert headers["host"] == f"{LOOPBACK}:{receiver.port}"
    assert headers["content-type"] == "application/json"
    assert headers["content-length"] == str(len(CALL.body))
    assert headers["x-api-segments-event-id"] == "17639-5f2d"
    moment = int(START.timestamp())
    signed = hmac.new(SECRET.encode(), f"{moment}.".encode() + body, "sha256").hexdigest()
    assert headers["x-api-segments-signature"] == f"t={moment},v1={signed}"


def test_a_signature_is_of_this_body_this_moment_and_this_secret() -> None:
    signatures = {
        signature(secret, moment, body) for secret in ("a", "b") for moment in (1, 2) for body in (b"x", b"y")
    }
    assert len(signatures) == 8


def test_a_body_of_any_size_arrives_whole() -> None:
    body = b'"' + b"x" * 200_000 + b'"'
    with receiving([OK]) as receiver:
        assert send(receiver, call=Call(body, "1")) is Reply.ACCEPTED
    assert parts(receiver.requests[0])[2] == body


def test_an_id_beyond_ascii_can_be_a_header() -> None:
    with receiving([OK]) as receiver:
        assert send(receiver, call=Call(b"1", "17639-Zoë")) is Reply.ACCEPTED
    assert parts(receiver.requests[0])[1]["x-api-segments-event-id"] == "17639-Zo\\xeb"


@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_any_2xx_is_a_yes(status: int) -> None:
    with receiving([answer(status)]) as receiver:
        assert send(receiver) is Reply.ACCEPTED


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_refused_and_not_followed(status: int) -> None:
    with receiving([OK]) as elsewhere:
        location = f"Location: http://{LOOPBACK}:{elsewhere.port}/"
        with receiving([answer(status, location)]) as receiver:
            assert send(receiver) is Reply.REFUSED
        assert (receiver.connections, elsewhere.connections) == (2, 0)  # the last is the receiver's own end


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 413, 422])
def test_a_refusal_is_for_good(status: int) -> None:
    with receiving([answer(status)]) as receiver:
        assert send(receiver) is Reply.REFUSED
    assert len(receiver.requests) == 1


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503])
def test_who_is_busy_is_called_twice_more(status: int) -> None:
    with receiving([answer(status)]) as receiver:
        assert send(receiver) is Reply.GAVE_UP
    assert len(receiver.requests) == 3
    assert len({parts(request)[1]["x-api-segments-event-id"] for request in receiver.requests}) == 1


def test_a_call_that_succeeds_in_the_end_is_not_repeated() -> None:
    with receiving([answer(503), answer(500), OK]) as receiver:
        assert send(receiver) is Reply.ACCEPTED
    assert len(receiver.requests) == 3


def hang_up(connection: socket.socket) -> None:
    connection.close()


def say_nothing(connection: socket.socket) -> None:
    connection.recv(65536)
    while connection.recv(65536):
        pass


def drip(connection: socket.socket) -> None:
    """Answer a line without end: each byte comes in time, the answer never."""
    connection.settimeout(0.02)
    while True:
        connection.sendall(b"x")
        try:
            if not connection.recv(65536):
                return
        except TimeoutError:
            continue


def flood(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 1000 + b"\r\n")


def lie(connection: socket.socket) -> None:
    connection.sendall(b"\x00\xff not HTTP at all\r\n\r\n")


@pytest.mark.parametrize("rude", [hang_up, say_nothing, drip, flood, lie])
def test_whatever_answers_amiss_is_given_up_after_three_calls(
    rude: Callable[[socket.socket], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webhooks, "CALL_SECONDS", 0.2)
    monkeypatch.setattr(webhooks, "_in_time", lambda look_up, _: look_up())
    with receiving([rude]) as receiver:
        assert send(receiver) is Reply.GAVE_UP
    assert receiver.connections == 4  # the last is the receiver's own end


def test_an_answers_body_is_not_waited_for() -> None:
    endless = b"HTTP/1.1 200 OK\r\nContent-Length: 999999999999\r\n\r\nx"
    with receiving([endless]) as receiver:
        assert send(receiver) is Reply.ACCEPTED


def test_nobody_there_is_given_up() -> None:
    with socket.socket() as silent:
        silent.bind((LOOPBACK, 0))
        assert send(Receiver([OK], silent.getsockname()[1])) is Reply.GAVE_UP


def test_a_call_that_could_not_end_in_time_is_not_begun() -> None:
    with receiving([OK]) as receiver:
        origin = f"http://{LOOPBACK}:{receiver.port}"
        store = WebhookProvider(origin, MovableClock())
        assert store.send(Webhook("crm", origin, SECRET), CALL, deadline(PATIENCE_SECONDS - 0.1)) is Reply.TRY_AGAIN
    assert receiver.requests == []


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "127.255.255.254",
        "0.0.0.0",  # noqa: S104 - an address to refuse
        "0.1.2.3",
        "10.0.0.1",
        "100.64.0.1",
        "169.254.169.254",
        "169.254.170.2",
        "172.16.0.1",
        "172.31.255.255",
        "192.0.0.8",
        "192.0.2.1",
        "192.168.1.1",
        "198.18.0.1",
        "198.51.100.1",
        "203.0.113.1",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::127.0.0.1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "::ffff:169.254.169.254",
        "::ffff:0:127.0.0.1",
        "64:ff9b::10.0.0.1",
        "64:ff9b::169.254.169.254",
        "64:ff9b:1::1",
        "2002:7f00:1::",
        "2002:a9fe:a9fe::",
        "2001:0:53aa:64c:0:7ff:f5ff:fffe",
        "2001:db8::1",
        "fc00::1",
        "fd00:ec2::254",
        "fe80::1",
        "fe80::1%eth0",
        "fec0::1",
        "ff02::1",
        "100::1",
        "4000::1",
    ],
)
def test_an_address_inside_is_refused(address: str) -> None:
    assert not is_public(address)
    assert refused_address(address)
    assert refused_address(PUBLIC, address)
    assert refused_address(address, PUBLIC)


@pytest.mark.parametrize("address", [PUBLIC, "8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::8.8.8.8"])
def test_an_address_of_the_internet_is_called(address: str) -> None:
    assert is_public(address)
    assert not refused_address(address)


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "0x7f000001", "2130706433", "127.1", "017700000001", "[::1]", "[::ffff:7f00:1]"]
)
def test_however_the_loopback_is_written_it_is_refused(host: str) -> None:
    """Looked up by the system, as a function does."""
    store = WebhookProvider("", MovableClock())
    assert store.send(Webhook("crm", f"https://{host}:1/", SECRET), CALL, deadline()) in (Reply.REFUSED, Reply.GAVE_UP)
    try:
        found = resolve(host.strip("[]"), 1)
    except OSError:
        return
    assert found
    assert not any(map(is_public, found))


def test_without_tls_nothing_is_called_but_the_origin_of_tests() -> None:
    assert refused_address(PUBLIC, url="http://crm.example.com/hook")
    with receiving([OK]) as receiver:
        for origin in ("", f"http://{LOOPBACK}:1", f"http://{LOOPBACK}:{receiver.port}0"):
            webhook = Webhook("crm", f"http://{LOOPBACK}:{receiver.port}/hook", SECRET)
            assert WebhookProvider(origin, MovableClock()).send(webhook, CALL, deadline()) is Reply.REFUSED
    assert receiver.requests == []


def test_a_host_without_an_address_is_refused() -> None:
    assert refused_address()


def test_a_name_that_does_not_resolve_is_given_up() -> None:
    def unknown(*_: Any) -> list[str]:
        raise socket.gaierror

    store = WebhookProvider("", MovableClock(), unknown)
    assert store.send(Webhook("crm", "https://nobody.invalid/", SECRET), CALL, deadline()) is Reply.GAVE_UP


def test_a_look_up_without_end_is_given_up_within_the_time_of_a_call(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhooks, "CALL_SECONDS", 0.2)
    over, waited_for = Event(), []

    def silent(*_: Any) -> list[str]:
        over.wait(PATIENCE_SECONDS)
        waited_for.append("its end")
        return []

    store = WebhookProvider("", MovableClock(), silent)
    assert store.send(Webhook("crm", "https://crm.example.com/", SECRET), CALL, deadline()) is Reply.GAVE_UP
    assert waited_for == []
    over.set()


def test_the_time_of_a_look_up_is_the_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    """Connecting has what is left, and nothing is connected to when nothing is."""
    given: list[float] = []

    def connect(_: Any, timeout: float) -> socket.socket:
        given.append(timeout)
        raise ConnectionRefusedError

    monkeypatch.setattr(socket, "create_connection", connect)
    for seconds in (PATIENCE_SECONDS - 1, PATIENCE_SECONDS + 1):
        clock = MovableClock()
        store = WebhookProvider("", clock, lambda *_, clock=clock, seconds=seconds: [clock.sleep(seconds), PUBLIC][1:])
        store.send(
            Webhook("crm", "https://crm.example.com/", SECRET), CALL, Deadline.after(PATIENCE_SECONDS + 0.5, clock)
        )
    assert given == [1]


def test_a_name_is_looked_up_once_a_call_and_the_address_that_was_checked_is_called() -> None:
    """A name that leads elsewhere at the next look-up leads nowhere."""
    looked_up: list[str] = []
    tried: list[Any] = []

    def rebinding(host: str, _: int) -> list[str]:
        looked_up.append(host)
        return [PUBLIC] if len(looked_up) == 1 else ["127.0.0.1"]

    class NoSocket(socket.socket):
        def connect(self, address: Any) -> None:
            tried.append(address)
            raise ConnectionRefusedError

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket, "socket", NoSocket)
        store = WebhookProvider("", MovableClock(), rebinding)
        assert store.send(Webhook("crm", "https://crm.example.com/", SECRET), CALL, deadline()) is Reply.REFUSED
    assert tried == [(PUBLIC, 443)]
    assert looked_up == ["crm.example.com"] * 2


@pytest.fixture
def tls(tmp_path: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    return certificate(tmp_path, "crm.example.com")


def send_tls(receiver: Receiver, client: ssl.SSLContext, host: str) -> Reply:
    origin = f"https://{host}:{receiver.port}"
    store = WebhookProvider(origin, MovableClock(), lambda *_: [LOOPBACK], lambda: client)
    return store.send(Webhook("crm", f"{origin}/hook", SECRET), CALL, deadline())


def test_over_tls_the_certificate_is_that_of_the_name(tls: tuple[ssl.SSLContext, ssl.SSLContext]) -> None:
    server, client = tls
    with receiving([OK], server) as receiver:
        assert send_tls(receiver, client, "crm.example.com") is Reply.ACCEPTED
    line, headers, body = parts(receiver.requests[0])
    assert (line, body) == ("POST /hook HTTP/1.1", CALL.body)
    assert headers["host"] == f"crm.example.com:{receiver.port}"


def test_a_certificate_of_another_name_or_of_nobody_known_is_not_talked_to(
    tls: tuple[ssl.SSLContext, ssl.SSLContext],
) -> None:
    server, client = tls
    with receiving([OK], server) as receiver:
        assert send_tls(receiver, client, "other.example.com") is Reply.GAVE_UP
        assert send_tls(receiver, ssl.create_default_context(), "crm.example.com") is Reply.GAVE_UP
    assert receiver.requests == []


def test_a_handshake_that_never_ends_is_given_up(
    tls: tuple[ssl.SSLContext, ssl.SSLContext], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webhooks, "CALL_SECONDS", 0.2)
    with receiving([say_nothing]) as receiver:
        assert send_tls(receiver, tls[1], "crm.example.com") is Reply.GAVE_UP


def test_neither_url_nor_secret_nor_body_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    with receiving([answer(503), answer(404)]) as receiver:
        assert send(receiver, "/path-of-theirs") is Reply.REFUSED
    refused_address("10.0.0.1")
    written = f"{caplog.text}{[vars(record) for record in caplog.records]}"
    assert "answered 503" in written
    for secret in (SECRET, "path-of-theirs", "Zoë", "crm.example.com"):
        assert secret not in written
