"""Servers on the loopback that behave as a test wants, over HTTP or TLS, and keep what they were sent."""

import datetime as dt
import ssl
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from socket import create_server, socket
from threading import Thread

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

LOOPBACK = "127.0.0.1"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


def answer(status: int, *headers: str) -> bytes:
    """Return an answer without a body."""
    lines = [f"HTTP/1.1 {status} Said", "Content-Length: 0", "Connection: close", *headers]
    return "\r\n".join([*lines, "", ""]).encode()


@dataclass
class Receiver:
    """What was received, as bytes, one a connection; each connection is answered by the next of `answers`.

    An answer is bytes, or what is done with the connection instead; the last one is that of all further connections.
    """

    answers: list[bytes | Callable[[socket], None]]
    port: int = 0
    requests: list[bytes] = field(default_factory=list)
    connections: int = 0
    last: object = None
    """The address of the connection after which no more are taken."""

    def serve(self, connection: socket) -> None:
        """Take one request and answer it."""
        said = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if callable(said):
            said(connection)
            return
        with suppress(OSError):
            self.requests.append(read_request(connection))
            connection.sendall(said)


def read_request(connection: socket) -> bytes:
    """Return a request, head and body."""
    received = b""
    while b"\r\n\r\n" not in received:
        received += connection.recv(65536) or b"\r\n\r\n"
    head, _, body = received.partition(b"\r\n\r\n")
    length = next(
        (int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length")), 0
    )
    while len(body) < length:
        body += connection.recv(65536)
    return head + b"\r\n\r\n" + body


@contextmanager
def receiving(
    answers: Sequence[bytes | Callable[[socket], None]], tls: ssl.SSLContext | None = None
) -> Iterator[Receiver]:
    """Run a receiver for as long as the block lasts."""
    listening = create_server((LOOPBACK, 0))
    receiver = Receiver(list(answers), listening.getsockname()[1])

    def run() -> None:
        while True:
            try:
                connection, peer = listening.accept()
            except OSError:
                return
            receiver.connections += 1
            if peer == receiver.last:
                connection.close()
                return
            with (
                suppress(OSError),
                connection if tls is None else tls.wrap_socket(connection, server_side=True) as open_,
            ):
                receiver.serve(open_)

    thread = Thread(target=run)
    thread.start()
    try:
        yield receiver
    finally:
        with socket() as last:
            last.bind((LOOPBACK, 0))
            receiver.last = last.getsockname()
            last.connect((LOOPBACK, receiver.port))
            thread.join()
        listening.close()


def certificate(folder: Path, host: str) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """Return a server's context with a certificate of its own for a host, and a client's that trusts it alone."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, host)])
    named: x509.GeneralName = x509.DNSName(host)
    with suppress(ValueError):
        named = x509.IPAddress(ip_address(host))
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([named]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    encoding = serialization.Encoding.PEM
    both = folder / "both.pem"
    both.write_bytes(
        made.public_bytes(encoding)
        + key.private_bytes(encoding, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(both)
    return server, ssl.create_default_context(cadata=made.public_bytes(encoding).decode())
