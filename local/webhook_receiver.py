"""A receiver of webhooks on the loopback, for as long as a `with` block lasts.

It takes any POST and answers 200, below `/status/503` and the like with that status (a redirect leads to `/elsewhere`).
`GET /received` gives all that it took as JSON, in its order.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from typing import Any

from local.environment import LOOPBACK

STATUSES = "/status/"
RECEIVED = "/received"
REDIRECTS = range(300, 400)


class _Server(ThreadingHTTPServer):
    """Keeps what was posted to it."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__((LOOPBACK, 0), _Handler)
        self.taken: list[dict[str, Any]] = []
        self.lock = Lock()


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        """Keep the request and answer as its path says."""
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        taken = {"path": self.path, "headers": {k.lower(): v for k, v in self.headers.items()}, "body": body}
        with self.server.lock:
            self.server.taken.append(taken)
        status = int(self.path.removeprefix(STATUSES).partition("/")[0]) if self.path.startswith(STATUSES) else 200
        self._answer(status, b"{}")

    def do_GET(self) -> None:
        """Give what was taken so far."""
        with self.server.lock:
            body = json.dumps(self.server.taken).encode()
        self._answer(200 if self.path == RECEIVED else 404, body)

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        if status in REDIRECTS:
            self.send_header("Location", "/elsewhere")
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name for it
        """Say nothing: what was taken can be read back."""


@contextmanager
def running_receiver() -> Iterator[str]:
    """Listen on a free port of the loopback; yield the receiver's origin, like `http://127.0.0.1:1234`."""
    with _Server() as server:
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://{LOOPBACK}:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
