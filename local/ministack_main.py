"""Start MiniStack with the two gaps closed that this product would notice.

Run by the emulator's own interpreter, as `python -P local/ministack_main.py`; needs nothing but MiniStack. The gaps:

- PartiQL writes leave no record in a table's stream (on AWS they do).
- A REST API hands the path to a function decoded (on AWS it stays percent-encoded).

`tests/e2e/test_local_stack.py` fails when one of them is closed in MiniStack itself.
"""

import copy
import functools
import importlib.metadata
import os
import signal
import sys
import threading
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import ministack.app  # type: ignore[import-not-found] # lives in the emulator's environment only
from ministack.services import dynamodb  # type: ignore[import-not-found] # as above

VERSION = "1.5.33"
DATA_PLANES = (b"/_aws/execute-api/", b"/restapis/")

Item = dict[str, Any]
Table = dict[str, Any]
Record = tuple[str, str, Item | None, Item | None]
Answer = tuple[int, dict[str, str], bytes]
Scope = MutableMapping[str, Any]
Asgi = Callable[[Scope, Any, Any], Awaitable[None]]

# What a module looks its own functions up in: replacing an entry replaces it for every caller in the module.
STORE: dict[str, Any] = vars(dynamodb)


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
            if answer[0] == 200:  # noqa: PLR2004 - HTTP's own number; a failed transaction has been rolled back
                for record in held:
                    self._emit(*record)
            return answer

        return transact_and_record


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
        StreamRecords().install()
        ministack.app.app = with_raw_paths(ministack.app.app)
    ministack.app.main()


if __name__ == "__main__":
    main()
