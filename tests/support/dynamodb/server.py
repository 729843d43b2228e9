"""The in-memory DynamoDB over HTTP on the loopback, in a process of its own, with a set latency and the books.

`python -m tests.support.dynamodb.server [FILE]` prints its address on one line and serves until its standard input
closes. Beside DynamoDB and its streams it takes what is sent to a bus, to queues, to a mail service, to S3 and to Step
Functions. Into FILE it writes each distinct request to DynamoDB (recording.py).

Two ways to answer. *Latency*: each call is answered so long after it came. *Rounds*: calls are held until none has come
for a while, then all are answered; so calls that a client makes side by side fall into one round, however slowly it
sends them, and the rounds are the sequential round trips.
"""

import asyncio
import json
import re
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from tests.support.buckets import InMemoryS3
from tests.support.dynamodb import objects
from tests.support.dynamodb.client import InMemoryDynamoDB
from tests.support.dynamodb.messaging import Messaging, rest_operation
from tests.support.dynamodb.recording import Recorder
from tests.support.dynamodb.units import Units

_OPERATIONS = {
    "".join(map(str.capitalize, name.split("_"))): name
    for name in (
        "create_table",
        "describe_table",
        "delete_table",
        "describe_stream",
        "get_shard_iterator",
        "get_records",
        "get_item",
        "put_item",
        "update_item",
        "delete_item",
        "batch_get_item",
        "batch_write_item",
        "batch_execute_statement",
        "transact_write_items",
        "query",
        "scan",
    )
}
_HEAD = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
_CHUNKED = re.compile(rb"transfer-encoding: *chunked", re.IGNORECASE)
_EXPECTS = re.compile(rb"\r\nexpect: *100-continue\r", re.IGNORECASE)
_TARGET = re.compile(rb"x-amz-target: *[\w.]*?\.?(\w+)\r", re.IGNORECASE)


@dataclass
class Books:
    """What was asked for since the last reset."""

    calls: Counter[str] = field(default_factory=Counter)
    rounds: int = 0
    bytes_in: int = 0
    bytes_out: int = 0
    read_units: float = 0.0
    write_units: float = 0.0
    events: int = 0
    most_at_once: int = 0
    cpu_seconds: float = 0.0


class StandIn:
    """The database, the bus, queues, mail and objects, and what they are told to do."""

    def __init__(self, record: Path | None = None) -> None:
        self.database = InMemoryDynamoDB(shares=True)
        self.messaging = Messaging()
        self.objects = InMemoryS3()
        self.books = Books()
        self._recorder = None if record is None else Recorder(self.database, record)
        self._latency = 0.0
        self._quiet: float | None = None
        self._held: list[tuple[Connection, bytes]] = []
        self._release: asyncio.TimerHandle | None = None
        self._in_flight = 0
        self._cpu_at_reset = 0.0

    def serve(self, connection: "Connection", head: bytes, body: bytes) -> None:
        """Carry out one request and answer it in time."""
        if head.startswith(b"POST /_control"):
            connection.answer(_http(200, json.dumps(self._control(json.loads(body))).encode()))
            return
        operation, answer, size = self._answer(head, body)
        books = self.books
        books.calls[operation] += 1
        books.bytes_in += len(body)
        books.bytes_out += size
        self._in_flight += 1
        books.most_at_once = max(books.most_at_once, self._in_flight)
        loop = asyncio.get_running_loop()
        if self._quiet is None:
            loop.call_later(self._latency, self._send, connection, answer)
            return
        self._held.append((connection, answer))
        if self._release is not None:
            self._release.cancel()
        self._release = loop.call_later(self._quiet, self._end_round)

    def _answer(self, head: bytes, body: bytes) -> tuple[str, bytes, int]:
        """Carry out a request; return its operation, the answer to it, and how many bytes of that are its body."""
        if objects.is_for_objects(head):
            answer = objects.serve(self.objects, head, body)
            return answer.operation, answer.http(), len(answer.body)
        found = _TARGET.search(head)
        operation = found[1].decode() if found else rest_operation(head)
        status, reply = self._run(operation, json.loads(body or b"{}"))
        told = json.dumps(reply, separators=(",", ":")).encode()
        return operation, _http(status, told), len(told)

    def _run(self, operation: str, request: dict[str, Any]) -> tuple[int, Any]:
        if operation == "PutEvents":
            self.books.events += len(request["Entries"])
            return 200, {"FailedEntryCount": 0, "Entries": [{"EventId": "1"} for _ in request["Entries"]]}
        taken = self.messaging.run(operation, request)
        if taken is not None:
            return 200, taken
        if self._recorder is None:
            return self._database(operation, request)
        found = self._recorder.found(operation, request)
        status, reply = self._database(operation, request)
        self._recorder.note(operation, request, found, reply)
        return status, reply

    def _database(self, operation: str, request: dict[str, Any]) -> tuple[int, Any]:
        if operation not in _OPERATIONS:
            return 400, _error("UnknownOperationException", f"{operation} is not among what the stores use")
        units = self.database.units = Units()
        try:
            return 200, getattr(self.database, _OPERATIONS[operation])(**request)
        except ClientError as exc:
            further = {name: what for name, what in exc.response.items() if name not in ("Error", "ResponseMetadata")}
            return 400, _error(exc.response["Error"]["Code"], exc.response["Error"]["Message"], **further)
        finally:
            self.books.read_units += units.read
            self.books.write_units += units.write

    def _send(self, connection: "Connection", answer: bytes) -> None:
        self._in_flight -= 1
        connection.answer(answer)

    def _end_round(self) -> None:
        self.books.rounds += 1
        held, self._held, self._release = self._held, [], None
        for connection, answer in held:
            self._send(connection, answer)

    def _control(self, order: dict[str, Any]) -> Any:
        match order["do"]:
            case "answer":
                self._latency, self._quiet = order["latency"], order.get("quiet")
            case "reset":
                self.books, self._cpu_at_reset = Books(), time.process_time()
            case "load":
                self.database.table(order["table"]).load(order["items"])
            case _:
                return self._asked(order)
        return {}

    def _asked(self, order: dict[str, Any]) -> Any:
        match order["do"]:
            case "books":
                self.books.cpu_seconds = time.process_time() - self._cpu_at_reset
                return vars(self.books)
            case "records":
                most = order["most"]
                records = self.database.table(order["table"]).records
                return records[order["first"] : None if most is None else order["first"] + most]
            case "find":
                table = self.database.table(order["table"])
                partition, sort = order["partition"].encode(), order["sort"].encode()
                return [
                    item
                    for key, item in table.items.items()
                    if key[0].startswith(partition) and key[-1].startswith(sort)
                ]
            case "take":
                return self.messaging.take(order["queue"])
        raise ValueError(order)


class Connection(asyncio.Protocol):
    """One client's connection: requests one after the other."""

    def __init__(self, stand_in: StandIn) -> None:
        self._stand_in = stand_in
        self._received = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]  # it is one, of a TCP server

    def data_received(self, data: bytes) -> None:
        self._received += data
        while True:
            end = self._received.find(b"\r\n\r\n")
            if end < 0:
                return
            head = self._received[: end + 2]
            found = _body(head, self._received, end + 4)
            if found is None:
                if _EXPECTS.search(head) and len(self._received) == end + 4:
                    self.answer(b"HTTP/1.1 100 Continue\r\n\r\n")
                return
            body, total = found
            self._received = self._received[total:]
            self._stand_in.serve(self, head, body)

    def answer(self, data: bytes) -> None:
        if self._transport is not None:
            self._transport.write(data)


def _body(head: bytes, received: bytes, start: int) -> tuple[bytes, int] | None:
    """Return a request's body and where it ends in what was received; None if it is not all there yet."""
    if not _CHUNKED.search(head):
        length = _HEAD.search(head)
        total = start + (int(length[1]) if length else 0)
        return None if len(received) < total else (received[start:total], total)
    body = b""
    while (line := received.find(b"\r\n", start)) >= 0:
        size, start = int(received[start:line], 16), line + 2
        if len(received) < start + size + 2:
            return None
        body, start = body + received[start : start + size], start + size + 2
        if not size:
            return body, start
    return None


def _error(code: str, message: str, **further: Any) -> dict[str, Any]:
    return {"__type": f"com.amazonaws.dynamodb.v20120810#{code}", "message": message, **further}


def _http(status: int, body: bytes) -> bytes:
    reason = "OK" if status == 200 else "Bad Request"
    head = f"HTTP/1.1 {status} {reason}\r\nContent-Type: application/x-amz-json-1.0\r\nContent-Length: {len(body)}\r\n"
    return head.encode() + b"\r\n" + body


async def main(record: Path | None) -> None:
    """Serve until standard input closes."""
    stand_in = StandIn(record)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(stand_in), "127.0.0.1", 0)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)  # noqa: T201 - who started it reads it
    await loop.run_in_executor(None, sys.stdin.read)
    server.close()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]) if len(sys.argv) > 1 else None))
