"""Start MiniStack with the gaps closed that this product would notice.

Run by the emulator's own interpreter, as `python -P local/ministack_main.py`; needs nothing but MiniStack. The gaps:

- PartiQL writes leave no record in a table's stream (on AWS they do).
- A REST API hands the path to a function decoded (on AWS it stays percent-encoded).
- Of an email sent by SES v2 neither headers nor reply address are kept, of a push to a platform endpoint nothing.
- A push to a disabled platform endpoint is taken (on AWS it is refused).
- An invocation beyond the account's concurrency fails at once, and a request gets an answer that is none of the API's.
  Here it waits for a while, so that a burst comes through, and only then is it a 429.
- Every process of a function unpacks the layer for itself: most of a cold start, and of the time that ending takes.

`tests/e2e/test_local_stack.py` fails when one of them is closed in MiniStack itself.
"""

import copy
import functools
import hashlib
import importlib.metadata
import io
import json
import os
import signal
import sys
import tempfile
import threading
import time
import zipfile
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import parse_qs

import ministack.app  # type: ignore[import-not-found] # lives in the emulator's environment only
from ministack.services import apigateway_v1, dynamodb, lambda_svc, ses_v2, sns  # type: ignore[import-not-found] # as above

VERSION = "1.5.33"
DATA_PLANES = (b"/_aws/execute-api/", b"/restapis/")
OUTBOX_PATH = "/_local/outbox"
OK = 200
TURN_SECONDS = 20.0
"""How long an invocation waits for its turn: not for ever, as those that run may wait for it (a replay invokes)."""

Item = dict[str, Any]
Table = dict[str, Any]
Record = tuple[str, str, Item | None, Item | None]
Answer = tuple[int, dict[str, str], bytes]
Scope = MutableMapping[str, Any]
Asgi = Callable[[Scope, Any, Any], Awaitable[None]]

# What a module looks its own functions up in: replacing an entry replaces it for every caller in the module.
STORE: dict[str, Any] = vars(dynamodb)
MAIL: dict[str, Any] = vars(ses_v2)
NOTIFICATIONS: dict[str, Any] = vars(sns)
FUNCTIONS: dict[str, Any] = vars(lambda_svc)
GATEWAY: dict[str, Any] = vars(apigateway_v1)


class StreamRecords:
    """Emits the stream record of each PartiQL write; those of a transaction when it has succeeded.

    MiniStack runs every DynamoDB request to its end on its one event loop, so nothing comes between write and record.
    """

    def __init__(self) -> None:
        self._emit: Callable[[str, str, Item | None, Item | None], None] = STORE["_emit_stream_event"]
        self._held: list[Record] | None = None

    def install(self) -> None:
        """Put the wrappers in the place of MiniStack's functions."""
        for name in ("_partiql_insert", "_partiql_update", "_partiql_delete"):
            STORE[name] = self._recorded(STORE[name])
        STORE["_execute_transaction"] = self._held_back(STORE["_execute_transaction"])

    def _recorded(self, write: Callable[..., Answer]) -> Callable[..., Answer]:
        @functools.wraps(write)
        def write_and_record(table: Table, parsed: dict[str, Any], *rest: object) -> Answer:
            before = stored(table, parsed)
            answer = write(table, parsed, *rest)
            after = stored(table, parsed)
            if before != after:
                name = "INSERT" if before is None else "REMOVE" if after is None else "MODIFY"
                record = (table["TableName"], name, before, after)
                if self._held is None:
                    self._emit(*record)
                else:
                    self._held.append(record)
            return answer

        return write_and_record

    def _held_back(self, transaction: Callable[..., Answer]) -> Callable[..., Answer]:
        @functools.wraps(transaction)
        def transact_and_record(data: dict[str, Any]) -> Answer:
            held: list[Record] = []
            self._held = held
            try:
                answer = transaction(data)
            finally:
                self._held = None
            if answer[0] == OK:  # a failed transaction has been rolled back
                for record in held:
                    self._emit(*record)
            return answer

        return transact_and_record


class Outbox:
    """Keeps every email, SMS and push that MiniStack took, in their order, and serves them.

    `GET /_local/outbox?after=n` gives `{"messages": […]}` without the first n of them.
    """

    def __init__(self) -> None:
        self._messages: list[dict[str, Any]] = []

    def install(self) -> None:
        """Put the wrappers in the place of MiniStack's functions."""
        MAIL["handle_request"] = self._kept_email(MAIL["handle_request"])
        NOTIFICATIONS["_publish"] = self._kept_publish(NOTIFICATIONS["_publish"])

    def served(self, app: Asgi) -> Asgi:
        """Return `app` such that it also serves the outbox."""

        async def with_outbox(scope: Scope, receive: object, send: Callable[[Scope], Awaitable[None]]) -> None:
            if scope["type"] != "http" or scope["path"] != OUTBOX_PATH:
                await app(scope, receive, send)
                return
            (after,) = parse_qs(scope["query_string"].decode()).get("after", ["0"])
            body = json.dumps({"messages": self._messages[int(after) :]}).encode()
            headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
            await send({"type": "http.response.start", "status": OK, "headers": headers})
            await send({"type": "http.response.body", "body": body})

        return with_outbox

    def _kept_email(self, handle: Callable[..., Awaitable[Answer]]) -> Callable[..., Awaitable[Answer]]:
        @functools.wraps(handle)
        async def handle_and_keep(method: str, path: str, headers: object, body: bytes, query: object) -> Answer:
            answer = await handle(method, path, headers, body, query)
            if method == "POST" and path.rstrip("/").endswith("/outbound-emails") and answer[0] == OK:
                sent = json.loads(body)
                simple = sent.get("Content", {}).get("Simple", {})
                self._messages.append(
                    {
                        "channel": "email",
                        "from": sent.get("FromEmailAddress"),
                        "to": sent["Destination"]["ToAddresses"],
                        "reply_to": sent.get("ReplyToAddresses", []),
                        "configuration_set": sent.get("ConfigurationSetName"),
                        "headers": {header["Name"]: header["Value"] for header in simple.get("Headers", [])},
                        "subject": simple.get("Subject", {}).get("Data"),
                        "html": simple.get("Body", {}).get("Html", {}).get("Data"),
                        "text": simple.get("Body", {}).get("Text", {}).get("Data"),
                    }
                )
            return answer

        return handle_and_keep

    def _kept_publish(self, publish: Callable[[dict[str, Any]], Answer]) -> Callable[[dict[str, Any]], Answer]:
        parameter = NOTIFICATIONS["_p"]

        @functools.wraps(publish)
        def publish_and_keep(params: dict[str, Any]) -> Answer:
            target, phone = parameter(params, "TargetArn"), parameter(params, "PhoneNumber")
            endpoint = NOTIFICATIONS["_platform_endpoints"].get(target)
            if endpoint and endpoint["attributes"]["Enabled"].lower() != "true":
                refused: Answer = NOTIFICATIONS["_error"]("EndpointDisabled", "Endpoint is disabled", 400)
                return refused
            answer = publish(params)
            if answer[0] == OK and (endpoint or phone):
                message: dict[str, Any] = {
                    "channel": "push" if endpoint else "sms",
                    "text": parameter(params, "Message"),
                }
                if endpoint:
                    message |= {"endpoint": target, "token": endpoint["attributes"]["Token"]}
                else:
                    message |= {"to": phone}
                self._messages.append(message)
            return answer

        return publish_and_keep


class Layers:
    """Unpacks a layer once; each process gets a layer that names the place."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._naming: dict[bytes, bytes] = {}

    def install(self) -> None:
        """Put the wrapper in the place of MiniStack's function."""
        FUNCTIONS["_resolve_layer_zip"] = self._unpacked_once(FUNCTIONS["_resolve_layer_zip"])

    def _unpacked_once(self, resolve: Callable[[object], bytes | None]) -> Callable[[object], bytes | None]:
        @functools.wraps(resolve)
        def resolve_and_unpack(reference: object) -> bytes | None:
            packed = resolve(reference)
            if packed is None:
                return None
            with self._lock:
                key = hashlib.sha256(packed).digest()
                if key not in self._naming:
                    self._naming[key] = self._unpack(packed)
                return self._naming[key]

        return resolve_and_unpack

    @staticmethod
    def _unpack(packed: bytes) -> bytes:
        """Unpack a layer; return one that puts the place first on the path of whoever has it."""
        place = tempfile.mkdtemp(prefix="layer-")
        with zipfile.ZipFile(io.BytesIO(packed)) as layer:
            layer.extractall(place)
        naming = io.BytesIO()
        with zipfile.ZipFile(naming, "w") as layer:
            line = f"import sys; sys.path.insert(0, {f'{place}/python'!r})\n"
            layer.writestr("python/lib/python3/site-packages/layer.pth", line)
        return naming.getvalue()


class ThrottledError(Exception):
    """A request's function did not get its turn in time."""


class Turns:
    """Lets invocations beyond the account's concurrency wait for one that ends.

    Each invocation has a thread of its own in MiniStack, so one that waits holds up nothing else.
    """

    def __init__(self) -> None:
        self._freed = threading.Condition()

    def install(self) -> None:
        """Put the wrappers in the place of MiniStack's functions."""
        FUNCTIONS["_acquire_execution_slot"] = self._waiting(FUNCTIONS["_acquire_execution_slot"])
        FUNCTIONS["_release_execution_slot"] = self._telling(FUNCTIONS["_release_execution_slot"])
        GATEWAY["_invoke_authorizer_lambda"] = self._raising(
            GATEWAY["_invoke_authorizer_lambda"], lambda result: result
        )
        GATEWAY["_call_lambda_raw"] = self._raising(GATEWAY["_call_lambda_raw"], lambda answer: answer[0])
        throttled = GATEWAY["_gw_error"]("THROTTLED", "Too Many Requests")
        GATEWAY["_authorize_request_v1"] = self._answering(GATEWAY["_authorize_request_v1"], (throttled, None))
        GATEWAY["_invoke_lambda_proxy_v1"] = self._answering(GATEWAY["_invoke_lambda_proxy_v1"], throttled)

    def _waiting(self, acquire: Callable[..., tuple[str | None, str | None]]) -> Callable[..., object]:
        @functools.wraps(acquire)
        def wait_and_acquire(function: object, config: object) -> tuple[str | None, str | None]:
            until = time.monotonic() + TURN_SECONDS
            with self._freed:
                while True:
                    slot, limit = acquire(function, config)
                    if slot is not None or limit != "account" or not self._freed.wait(until - time.monotonic()):
                        return slot, limit

        return wait_and_acquire

    def _telling(self, release: Callable[[str], None]) -> Callable[[str], None]:
        @functools.wraps(release)
        def release_and_tell(slot: str) -> None:
            with self._freed:
                release(slot)
                self._freed.notify()

        return release_and_tell

    @staticmethod
    def _raising(invoke: Callable[..., Awaitable[Any]], result_of: Callable[[Any], Any]) -> Callable[..., object]:
        @functools.wraps(invoke)
        async def invoke_or_raise(*args: object, **named: object) -> object:
            answer = await invoke(*args, **named)
            if (result_of(answer) or {}).get("throttle"):
                raise ThrottledError
            return answer

        return invoke_or_raise

    @staticmethod
    def _answering(handle: Callable[..., Awaitable[Any]], throttled: object) -> Callable[..., object]:
        @functools.wraps(handle)
        async def handle_or_answer(*args: object, **named: object) -> object:
            try:
                return await handle(*args, **named)
            except ThrottledError:
                return throttled

        return handle_or_answer


def stored(table: Table, parsed: dict[str, Any]) -> Item | None:
    """Return a copy of the item that the parsed statement names, or None."""
    if parsed["op"] == "INSERT":
        given = parsed.get("item") or {}
        given = given["M"] if set(given) == {"M"} else given
        key_of = STORE["_extract_key_val"]
        pk = key_of(given.get(table["pk_name"]))
        sk = key_of(given.get(table["sk_name"])) if table["sk_name"] else "__no_sort__"
    else:
        pk, sk, *_ = STORE["_partiql_key_target"](table, parsed)
    item: Item | None = table["items"].get(pk, {}).get(sk)
    return copy.deepcopy(item)


def with_raw_paths(app: Asgi) -> Asgi:
    """Return `app` such that requests to a deployed API keep the path as it was sent."""

    async def with_raw_path(scope: Scope, receive: object, send: object) -> None:
        raw = scope.get("raw_path") or b""
        if scope["type"] == "http" and raw.startswith(DATA_PLANES):
            scope["path"] = raw.decode("ascii")
        await app(scope, receive, send)

    return with_raw_path


def end_with_starter() -> None:
    """Wait until whoever started this process is gone, however it went, then end the whole process group."""
    while os.read(0, 1024):
        continue
    os.killpg(os.getpgrp(), signal.SIGKILL)


def main() -> None:
    """Check the version, close the gaps and hand over to MiniStack."""
    found = importlib.metadata.version("ministack")
    if found != VERSION:
        sys.exit(f"local/ministack_main.py is written for ministack {VERSION}, this is {found}: check it and its tests")
    if os.getpgrp() == os.getpid():
        threading.Thread(target=end_with_starter, daemon=True).start()
    if "--unpatched" in sys.argv:
        sys.argv.remove("--unpatched")
    else:
        outbox = Outbox()
        StreamRecords().install()
        Turns().install()
        Layers().install()
        outbox.install()
        ministack.app.app = outbox.served(with_raw_paths(ministack.app.app))
    ministack.app.main()


if __name__ == "__main__":
    main()
