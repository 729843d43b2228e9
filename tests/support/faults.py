"""A DynamoDB client some of whose calls go wrong, the way that DynamoDB's and the network's do."""

from collections import Counter, deque
from collections.abc import Callable, Collection, Mapping, Sequence
from threading import Lock
from typing import Any

from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    ReadTimeoutError,
)

Arguments = dict[str, Any]
Reply = dict[str, Any]
Send = Callable[..., Reply]
Fault = Callable[[Send, Arguments], Reply]

_URL = "https://dynamodb.us-east-1.amazonaws.com/"
NO_CONNECTION: Sequence[Exception] = (
    EndpointConnectionError(endpoint_url=_URL),
    ConnectTimeoutError(endpoint_url=_URL),
    ConnectionClosedError(endpoint_url=_URL),
    ReadTimeoutError(endpoint_url=_URL),
)


class FaultyClient:
    """Stands in front of a real client. Faults are those of an operation's next calls; `always` is of all after those.

    A fault is given the real operation and the call's arguments; it may send, before or after what goes wrong, or not.
    """

    def __init__(self, client: object) -> None:
        self._client = client
        self._next: dict[str, deque[Fault]] = {}
        self._always: dict[str, Fault] = {}
        self._lock = Lock()
        self.calls: Counter[str] = Counter()

    def next(self, operation: str, *faults: Fault) -> None:
        self._next.setdefault(operation, deque()).extend(faults)

    def always(self, operation: str, fault: Fault) -> None:
        self._always[operation] = fault

    def heal(self) -> None:
        self._next.clear()
        self._always.clear()

    @property
    def waiting(self) -> int:
        """How many faults have not struck yet."""
        return sum(map(len, self._next.values()))

    def __getattr__(self, operation: str) -> Send:
        send: Send = getattr(self._client, operation)

        def call(**arguments: object) -> Reply:
            with self._lock:
                self.calls[operation] += 1
                queue = self._next.get(operation)
                fault = queue.popleft() if queue else self._always.get(operation)
            return fault(send, arguments) if fault else send(**arguments)

        return call


def fine(send: Send, arguments: Arguments) -> Reply:
    """No fault: lets one call through."""
    return send(**arguments)


def after(do: Callable[[], object]) -> Fault:
    """No fault, but something happens just before the call."""

    def fault(send: Send, arguments: Arguments) -> Reply:
        do()
        return send(**arguments)

    return fault


def not_sent(error: Exception = NO_CONNECTION[0]) -> Fault:
    """The call never arrives."""

    def fault(_send: Send, _arguments: Arguments) -> Reply:
        raise error

    return fault


def answer_lost(send: Send, arguments: Arguments) -> Reply:
    """The call is carried out, but its answer does not come back."""
    send(**arguments)
    raise ReadTimeoutError(endpoint_url=_URL)


def refused(code: str, status: int = 400, **further: object) -> Fault:
    """The call is answered with an error."""
    response: Any = {"Error": {"Code": code, "Message": code}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return not_sent(ClientError(response | further, "Operation"))


def cancelled(code: str) -> Fault:
    """The transaction is cancelled for a reason that lies with its last action."""

    def fault(_send: Send, arguments: Arguments) -> Reply:
        reasons: list[Mapping[str, str]] = [{"Code": "None"} for _ in arguments["TransactItems"]]
        reasons[-1] = {"Code": code, "Message": code}
        return refused("TransactionCanceledException", CancellationReasons=reasons)(_send, arguments)

    return fault


def statements_fail(code: str, indexes: Collection[int] | None = None, users: Collection[str] = ()) -> Fault:
    """Some statements of a batch fail inside a good answer, by index (None: all) or by a user's key; the others run."""

    def fault(send: Send, arguments: Arguments) -> Reply:
        statements = arguments["Statements"]
        fails = [
            (indexes is None and not users) or index in (indexes or ()) or statement["Parameters"][-1]["S"] in users
            for index, statement in enumerate(statements)
        ]
        runs = [statement for statement, failing in zip(statements, fails, strict=True) if not failing]
        replies = iter(send(Statements=runs)["Responses"] if runs else [])
        error = {"Error": {"Code": code, "Message": code}}
        return {"Responses": [error if failing else next(replies) for failing in fails]}

    return fault


def keys_unprocessed(send: Send, arguments: Arguments) -> Reply:
    """Every other key of a BatchGetItem comes back unprocessed; a single key does too."""
    wanted = arguments["RequestItems"]
    kept = {table: {**what, "Keys": what["Keys"][1::2]} for table, what in wanted.items() if what["Keys"][1::2]}
    left = {table: {**what, "Keys": what["Keys"][::2]} for table, what in wanted.items()}
    reply = send(RequestItems=kept) if kept else {"Responses": {}}
    return reply | {"UnprocessedKeys": left}


def items_unprocessed(send: Send, arguments: Arguments) -> Reply:
    """Every other item of a BatchWriteItem comes back unprocessed; a single item does too."""
    wanted = arguments["RequestItems"]
    kept = {table: puts[1::2] for table, puts in wanted.items() if puts[1::2]}
    left = {table: puts[::2] for table, puts in wanted.items()}
    reply = send(RequestItems=kept) if kept else {}
    return reply | {"UnprocessedItems": left}
