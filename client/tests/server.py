"""An API on the loopback that keeps members truly and fails as a test plans it."""

from __future__ import annotations

import json
import socket
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from typing import Any

Json = Any
UNWRITTEN = {"code": 503, "error": "the database did not answer in time", "status": "fail"}


@dataclass
class Request:
    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Json:
        return json.loads(self.body)


@dataclass
class Reply:
    status: int = 200
    body: Json = None
    headers: dict[str, str] = field(default_factory=dict)
    raw: bytes | None = None
    """Is sent instead of the body's JSON."""
    missing: int = 0
    """How many bytes at the end are never sent."""


Respond = Callable[[Request], Reply | None]
"""None: the connection is reset without an answer."""


@contextmanager
def serving(respond: Respond) -> Iterator[str]:
    """Answer requests by `respond`, each in a thread of its own; yield the address."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_any(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            request = Request(self.command, self.path, dict(self.headers), self.rfile.read(length))
            reply = respond(request)
            if reply is None:
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                self.close_connection = True
                self.connection.close()
                return
            content = json.dumps(reply.body).encode() if reply.raw is None else reply.raw
            self.send_response(reply.status)
            headers = {"Content-Type": "application/json", "X-Request-Id": "r-1", **reply.headers}
            for name, value in {**headers, "Content-Length": str(len(content))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content[: len(content) - reply.missing])
            self.close_connection = self.close_connection or bool(reply.missing)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = handle_any  # noqa: N815 - the base class calls them so

        def log_message(self, *_: object) -> None:
            """Leave the requests out of the output."""

        def finish(self) -> None:
            with suppress(OSError, ValueError):
                super().finish()

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.handle_error = lambda *_: None  # type: ignore[method-assign] # a connection that the test has reset
    thread = Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@dataclass
class Api:
    """updateSegment with one segment, `S`, that holds who was added. Each request takes the next of `faults`."""

    faults: list[str] = field(default_factory=list)
    members: set[str] = field(default_factory=set)
    changes: list[tuple[str, str]] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)
    refused: frozenset[str] = frozenset()
    at_once: int = 0
    most_at_once: int = 0
    lock: Lock = field(default_factory=Lock)
    meanwhile: Callable[[], object] = lambda: None

    def __call__(self, request: Request) -> Reply | None:
        with self.lock:
            self.requests.append(request)
            fault = self.faults.pop(0) if self.faults else ""
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            self.meanwhile()
            return self.answer(request, fault)
        finally:
            with self.lock:
                self.at_once -= 1

    def answer(self, request: Request, fault: str) -> Reply | None:  # noqa: PLR0911 - one return a fault
        if fault == "reset":
            return None
        if fault == "throttled":
            body = {"status": "fail", "error": "too many requests", "code": 429}
            return Reply(429, body, {"Retry-After": "0"})
        if fault == "unavailable":
            return Reply(503, {"status": "fail", "error": "no answer in time", "code": 503})
        with self.lock:
            body = self.update(
                request.json, unwritten=fault in {"unwritten", "positions"}, positions=fault == "positions"
            )
        if fault == "lost":
            return None
        if fault == "unavailable after all":
            return Reply(503, {"status": "fail", "error": "no answer in time", "code": 503})
        if fault == "cut":
            raw = json.dumps(body).encode()[:-5]
            return Reply(raw=raw)
        return Reply(body=body, missing=7 if fault == "half" else 0)

    def update(self, body: Json, *, unwritten: bool, positions: bool) -> Json:
        summary = dict.fromkeys(("added", "removed", "unchanged", "profiles_created"), 0)
        unprocessed = []
        for number, group in enumerate(body["bulk_profiles"]):
            for index, user in enumerate(group["user_profiles"]):
                record = {"user_profiles": [user], "segments": group["segments"]}
                name = user.get("identity") or f"guid:{user['guid']}"
                if name in self.refused:
                    unprocessed.append({"status": "fail", "code": 404, "error": "no such user", "record": record})
                elif unwritten and index % 2:
                    place = {"bulk_profiles": number, "user_profiles": index}
                    unprocessed.append({**UNWRITTEN, "record": place if positions else record})
                else:
                    for each in group["segments"]:
                        summary[self.change(name, each["action"])] += 1
        processed = summary["added"] + summary["removed"] + summary["unchanged"]
        return {"status": "success", "processed": processed, "summary": summary, "unprocessed": unprocessed}

    def change(self, name: str, action: str) -> str:
        if (name in self.members) == (action == "ADD"):
            return "unchanged"
        (self.members.add if action == "ADD" else self.members.remove)(name)
        self.changes.append((action, name))
        return "added" if action == "ADD" else "removed"
