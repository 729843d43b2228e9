"""How much the stand-in could take, so that it shows whether it holds anything up."""

import asyncio
import json
import time
from dataclasses import dataclass
from urllib.parse import urlsplit

from tests.support.dynamodb.control import Control

CONNECTIONS = 16
SECONDS = 2.0
TABLE = "Capacity"


@dataclass(frozen=True)
class Capacity:
    """Calls a second that the stand-in answered, and its own CPU for each, in milliseconds."""

    calls_a_second: float
    cpu_a_call: float


def measure(control: Control) -> Capacity:
    """Put items on condition, over 16 connections, each as soon as the one before is answered."""
    control.answer_after(0)
    control.reset()
    started = time.perf_counter()
    asyncio.run(_all_connections(control.url))
    took = time.perf_counter() - started
    books = control.books()
    calls = sum(books["calls"].values())
    return Capacity(calls / took, books["cpu_seconds"] * 1000 / calls)


async def _all_connections(url: str) -> None:
    address = urlsplit(url)
    end = time.monotonic() + SECONDS
    await asyncio.gather(
        *(_connection(str(address.hostname), int(address.port or 0), index, end) for index in range(CONNECTIONS))
    )


async def _connection(host: str, port: int, index: int, end: float) -> None:
    reader, writer = await asyncio.open_connection(host, port)
    number = 0
    while time.monotonic() < end:
        number += 1
        body = json.dumps(
            {
                "TableName": TABLE,
                "Item": {"pk": {"S": f"{index}#{number}"}, "added_at": {"S": "2026-11-23T00:00:00.000000Z"}},
                "ConditionExpression": "attribute_not_exists(#key)",
                "ExpressionAttributeNames": {"#key": "pk"},
            }
        ).encode()
        head = f"POST / HTTP/1.1\r\nX-Amz-Target: DynamoDB_20120810.PutItem\r\nContent-Length: {len(body)}\r\n\r\n"
        writer.write(head.encode() + body)
        answer = await reader.readuntil(b"\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 200"), answer
        await reader.readexactly(int(answer.lower().partition(b"content-length: ")[2].split()[0]))
    writer.close()
