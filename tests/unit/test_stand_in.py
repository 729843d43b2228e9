"""The stand-in over HTTP takes one request for one request, however it comes in."""

from types import SimpleNamespace
from typing import Any, cast

import pytest

from tests.support.buckets import InMemoryS3
from tests.support.dynamodb import objects
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


def test_who_asks_first_whether_a_body_may_come_is_told_once_to_send_it() -> None:
    stand_in, sent = Taking(), list[bytes]()
    connection = Connection(stand_in)
    connection.connection_made(cast("Any", SimpleNamespace(write=sent.append)))
    head = b"PUT /s3/b/k HTTP/1.1\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n"

    for piece in (head[:40], head[40:], b"bo", b"dy"):
        connection.data_received(piece)

    assert sent == [b"HTTP/1.1 100 Continue\r\n\r\n"]
    assert stand_in.taken == [(b"PUT", b"body")]


def test_objects_are_put_read_in_pieces_and_listed_as_s3_does() -> None:
    kept = InMemoryS3()

    def asked(line: str, *headers: str, body: bytes = b"") -> objects.Reply:
        return objects.serve(kept, "\r\n".join([f"{line} HTTP/1.1", *headers, "", ""]).encode(), body)

    etag = asked("PUT /s3/b/a/k%231", body=b"0123456789").etag
    assert asked("GET /s3/b/a/k%231").body == b"0123456789"
    assert asked("HEAD /s3/b/a/k%231") == objects.Reply("HeadObject", etag=etag, length=10)
    piece = asked("GET /s3/b/a/k%231", "Range: bytes=8-15", f"If-Match: {etag}")
    assert (piece.status, piece.body) == (206, b"89")
    assert asked("GET /s3/b/a/k%231", 'If-Match: "other"').status == 412
    assert asked("GET /s3/b/a/k%231", "Range: bytes=10-15").status == 416
    assert (asked("HEAD /s3/b/no").status, asked("HEAD /s3/b/no").body) == (404, b"")
    assert b"<Code>NoSuchKey</Code>" in asked("GET /s3/b/no").body
    assert asked("GET /s3/b?list-type=2&prefix=a%2F").body.count(b"<Key>a/k#1</Key>") == 1
    assert not objects.is_for_objects(b"POST / HTTP/1.1\r\n")
    assert asked("HEAD /s3/b/a/k%231").http().startswith(b"HTTP/1.1 200 Answer\r\nContent-Length: 10\r\nETag: ")
