"""Every client that a function may ask for can be made: botocore is told which services there are."""

import socket
import struct
from collections.abc import Callable, Iterator

import pytest
import pytest_socket
from botocore.config import Config

from api_segments.aws import clients
from api_segments.aws.delivery import Reply
from api_segments.campaigns.providers.email import Email, EmailProvider
from api_segments.campaigns.providers.sms import SmsProvider
from api_segments.core.clock import Deadline
from tests.support.clock import MovableClock
from tests.support.receiver import LOOPBACK, Receiver, read_request, receiving
from tests.support.waiting import PATIENCE_SECONDS

MADE = [
    clients.dynamodb_client,
    clients.retrying_dynamodb_client,
    clients.events_client,
    clients.sqs_client,
    clients.streams_client,
    clients.lambda_client,
    clients.s3_client,
    clients.scheduler_client,
    clients.sesv2_client,
    clients.sns_client,
    clients.stepfunctions_client,
]


@pytest.mark.parametrize("make", MADE, ids=lambda make: make.__name__)
def test_a_client_can_be_made(make: Callable[[], object]) -> None:
    assert make() is make()


def test_no_client_is_left_out() -> None:
    named = {name for name in vars(clients) if name.endswith("_client")}
    assert named == {make.__name__ for make in MADE}


SES_SAID = b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 17\r\n\r\n{"MessageId":"1"}'
SNS_SAID = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nContent-Length: 92\r\n\r\n"
    b"<PublishResponse><PublishResult><MessageId>1</MessageId></PublishResult></PublishResponse>  "
)


def forgotten(said: bytes) -> Callable[[socket.socket], None]:
    """Return what answers one request and keeps the connection, but resets it on the next, as if long forgotten."""

    def serve(connection: socket.socket) -> None:
        assert read_request(connection)
        connection.sendall(said)
        if connection.recv(1):
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.close()

    return serve


@pytest.fixture
def loopback(function_environment: None) -> Iterator[None]:
    assert function_environment is None
    pytest_socket.enable_socket()
    yield
    pytest_socket.disable_socket()


def send_email(_: Receiver) -> Reply:
    email = Email("a@example.com", None, "b@example.com", None, "Hi", "<p>Hi</p>", "Hi", "https://x.example.com/u", "t")
    return EmailProvider(clients.sesv2_client(), "the-set").send(email, Deadline.after(20))


def send_sms(_: Receiver) -> Reply:
    return SmsProvider(clients.sns_client()).send("+12025550123", "Hi", Deadline.after(20))


@pytest.mark.parametrize(
    ("service", "said", "send"), [("SESV2", SES_SAID, send_email), ("SNS", SNS_SAID, send_sms)], ids=["ses", "sns"]
)
@pytest.mark.parametrize(
    ("seconds", "second"), [(clients.IDLE_SECONDS + 1, Reply.ACCEPTED), (-3600, Reply.ACCEPTED), (1, Reply.UNKNOWN)]
)
def test_a_connection_that_was_idle_for_long_carries_no_message(  # noqa: PLR0913, PLR0917 - three of them are a case
    loopback: None,
    clock: MovableClock,
    monkeypatch: pytest.MonkeyPatch,
    service: str,
    said: bytes,
    send: Callable[[Receiver], Reply],
    seconds: float,
    second: Reply,
) -> None:
    assert loopback is None
    kept = clients.KeptConnections(clock)
    monkeypatch.setattr(clients, "_PATIENT", Config(connect_timeout=PATIENCE_SECONDS, read_timeout=PATIENCE_SECONDS))
    with receiving([forgotten(said)]) as receiver:
        monkeypatch.setenv(f"AWS_ENDPOINT_URL_{service}", f"http://{LOOPBACK}:{receiver.port}")
        with kept.in_use():
            assert send(receiver) is Reply.ACCEPTED
        clock.move(seconds=seconds)
        with kept.in_use():
            assert send(receiver) is second
        clients.sesv2_client().close()
        clients.sns_client().close()


def test_only_clients_that_were_made_have_connections_to_drop(clock: MovableClock) -> None:
    kept = clients.KeptConnections(clock)
    with kept.in_use():
        pass
    clock.move(hours=1)
    with kept.in_use():
        pass
    assert clients.sesv2_client.cache_info().currsize == clients.sns_client.cache_info().currsize == 0
