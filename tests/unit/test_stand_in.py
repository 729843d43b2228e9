"""The stand-in over HTTP takes one request for one request, however it comes in."""

import pytest

from tests.support.dynamodb.server import Connection, StandIn

BODY = b'{"Entries": []}'
HEAD = b"POST / HTTP/1.1\r\nX-Amz-Target: AWSEvents.PutEvents\r\n"
WHOLE = HEAD + b"Content-Length: %d\r\n\r\n" % len(BODY) + BODY
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\n" + BODY[:5] + b"\r\na\r\n" + BODY[5:] + b"\r\n0\r\n\r\n"
NO_BODY = b"GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"


class Taking(StandIn):
    """Keeps what it is to carry out."""

    def __init__(self) -> None:
        super().__init__()
        self.taken: list[tuple[bytes, bytes]] = []

    def serve(self, connection: Connection, head: bytes, body: bytes) -> None:  # noqa: ARG002 - nothing is answered
        self.taken.append((head.split()[0], body))


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_requests_are_told_apart_in_whatever_pieces_they_come(size: int) -> None:
    stand_in = Taking()
    connection = Connection(stand_in)
    received = NO_BODY + WHOLE + CHUNKED + WHOLE
    for start in range(0, len(received), size):
        connection.data_received(received[start : start + size])
    assert stand_in.taken == [(b"GET", b""), *[(b"POST", BODY)] * 3]
