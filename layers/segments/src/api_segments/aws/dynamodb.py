"""DynamoDB's batch and transaction calls, done to the end: split to size, in parallel, retried within a deadline.

What is here knows no table of ours. Errors come out as ThrottledError and UnavailableError: both mean that the write is
not known to have happened.
"""

import logging
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar, cast

from botocore.exceptions import BotoCoreError, ClientError

from api_segments.aws.transactions import TransactionAction
from api_segments.core.clock import Backoff, Deadline
from api_segments.core.errors import NotWrittenError, ThrottledError, UnavailableError
from api_segments.core.parallel import chunks, in_parallel

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient
    from types_boto3_dynamodb.type_defs import BatchStatementRequestTypeDef

# DynamoDB API reference: BatchGetItem, BatchExecuteStatement, BatchWriteItem, TransactWriteItems
BATCH_GET_KEYS = 100
BATCH_STATEMENTS = 25
BATCH_WRITE_ITEMS = 25
TRANSACTION_ACTIONS = 100

_LOG = logging.getLogger(__name__)

Item = dict[str, Any]
"""An item or key in DynamoDB's own JSON: attribute name to {type: value}."""

T = TypeVar("T")

# DynamoDB developer guide, "Error handling", and BatchStatementError: the call's names and the statement's names.
_THROTTLED = {
    "ProvisionedThroughputExceeded",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "ThrottlingError",
    "ThrottlingException",
    "Throttling",
}
_TRANSIENT = {
    "InternalServerError",
    "InternalFailure",
    "ServiceUnavailable",
    "RequestTimeout",
    "RequestTimeoutException",
    "TransactionConflict",
    "TransactionConflictException",
    "TransactionInProgressException",
}
# Their messages name an action or a table, which says what to mend. Others may quote what was sent, so a user's data.
_QUOTES_NOTHING = {"AccessDenied", "AccessDeniedException", "ResourceNotFound", "ResourceNotFoundException"}
CONDITION_FAILED = "ConditionalCheckFailed"
_CONDITION_EXCEPTION = "ConditionalCheckFailedException"


class Get(NamedTuple):
    """One item to read."""

    table: str
    key: Item


class Statement(NamedTuple):
    """One PartiQL write of a batch."""

    text: str
    parameters: Sequence[Any]


class StatementResult(NamedTuple):
    """What came of a statement: the item it returned, or that its item is missing, or why it is not known written."""

    item: Item | None = None
    missing: bool = False
    error: NotWrittenError | None = None


class ConditionFailedError(Exception):
    """A transaction whose conditions did not hold; `failures` maps an action's index to the item found there."""

    def __init__(self, failures: Mapping[int, Item | None]) -> None:
        super().__init__(f"conditions of actions {sorted(failures)} did not hold")
        self.failures = failures


@dataclass(frozen=True, slots=True)
class _Failure:
    """What a failed call or statement means, and whether repeating it may help."""

    error: NotWrittenError
    may_pass: bool


def _failure_of(code: str, message: str = "", status: int = 0) -> _Failure:
    """Sort an error by its code, and by the answer's HTTP status; `message` is for the log."""
    if code in _THROTTLED:
        return _Failure(ThrottledError("the database is throttling"), may_pass=True)
    if code in _TRANSIENT or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return _Failure(UnavailableError("the database is not available"), may_pass=True)
    _LOG.error("the database refused a call: %s %s", code, message if code in _QUOTES_NOTHING else "")
    return _Failure(UnavailableError("the database refused the call"), may_pass=False)


def _too_late() -> UnavailableError:
    """Return the error for a call that is not begun: it could outlast the invocation."""
    return UnavailableError("there was no time left")


def _failure(exc: ClientError | BotoCoreError) -> _Failure:
    """Sort an SDK error."""
    if isinstance(exc, BotoCoreError):  # no answer: refused, reset, timed out
        return _Failure(UnavailableError("the database did not answer"), may_pass=True)
    status = exc.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    return _failure_of(exc.response["Error"]["Code"], exc.response["Error"].get("Message", ""), status)


class DynamoDB:
    """The calls that stores make. `client` is boto3's low-level client."""

    def __init__(self, client: "DynamoDBClient") -> None:
        self._client = client

    def get(self, table: str, key: Item, deadline: Deadline) -> Item | None:
        """Read one item, consistently."""
        reply = self._retried(lambda: self._client.get_item(TableName=table, Key=key, ConsistentRead=True), deadline)
        return reply.get("Item")

    def query_call(self, deadline: Deadline, **query: Any) -> tuple[list[Item], Item | None]:  # noqa: ANN401 - Query's own arguments
        """Run one Query; return its items, and the key that the next call goes on from, None at the end.

        A call reads at most 1 MB, and what a filter drops counts too (API reference, Query).
        """
        reply = self._retried(lambda: self._client.query(**query), deadline)
        return reply["Items"], reply.get("LastEvaluatedKey")

    def query(
        self,
        at_most: int | None,
        read: Callable[[Item], T | None],
        deadline: Deadline,
        **query: Any,  # noqa: ANN401 - Query's own arguments
    ) -> list[T]:
        """Return the first `at_most` items of a query, or all, as `read` reads them, however many calls that takes.

        Those of which `read` makes None are not in the answer. A call reads no more items than `at_most`, unless the
        query has a Limit of its own.
        """
        found: list[T] = []
        arguments = query if at_most is None else {"Limit": at_most, **query}
        while True:
            items, last = self.query_call(deadline, **arguments)
            found += [each for each in map(read, items) if each is not None]
            if last is None or (at_most is not None and len(found) >= at_most):
                return found[:at_most]
            arguments = {**arguments, "ExclusiveStartKey": last}

    def put_new(self, table: str, item: Item, key_name: str, deadline: Deadline) -> bool:
        """Write an item unless one is there; False if one is there."""
        return self._conditional(
            lambda: self._client.put_item(
                TableName=table,
                Item=item,
                ConditionExpression="attribute_not_exists(#key)",
                ExpressionAttributeNames={"#key": key_name},
            ),
            deadline,
        )

    def update(self, deadline: Deadline, **update_item: Any) -> bool:  # noqa: ANN401 - UpdateItem's own arguments
        """Run one conditional UpdateItem; False if its condition does not hold."""
        return self._conditional(lambda: self._client.update_item(**update_item), deadline)

    def batch_get(self, gets: Sequence[Get], deadline: Deadline) -> dict[int, Item]:
        """Read many items, consistently; the answer maps the index in `gets` to the item, where there is one.

        Raises ThrottledError or UnavailableError when not all could be read.
        """
        found: dict[int, Item] = {}
        in_parallel(
            lambda chunk: self._batch_get_chunk(gets, chunk, found, deadline),
            list(chunks(range(len(gets)), BATCH_GET_KEYS)),
        )
        return found

    def _batch_get_chunk(
        self, gets: Sequence[Get], indexes: Sequence[int], found: dict[int, Item], deadline: Deadline
    ) -> None:
        names = {get.table: sorted(get.key) for get in gets}

        def place(table: str, item: Item) -> tuple[str, ...]:
            return (table, *[value for name in names[table] for value in item[name].values()])

        index_of = {place(gets[index].table, gets[index].key): index for index in indexes}
        tables: dict[str, list[Item]] = {}
        for index in index_of.values():
            tables.setdefault(gets[index].table, []).append(gets[index].key)
        wanted: Any = {table: {"Keys": keys, "ConsistentRead": True} for table, keys in tables.items()}
        items: dict[tuple[str, ...], Item] = {}
        backoff = Backoff(deadline)
        while wanted:
            reply = self._retried(lambda: self._client.batch_get_item(RequestItems=wanted), deadline)  # noqa: B023 - called at once
            for table, rows in reply["Responses"].items():
                items.update({place(table, row): row for row in rows})
            wanted = reply.get("UnprocessedKeys")
            if wanted and not backoff.wait():
                raise ThrottledError("the database is throttling")
        for index in indexes:
            row_found = items.get(place(gets[index].table, gets[index].key))
            if row_found is not None:
                found[index] = row_found

    def batch_put(self, table: str, items: Sequence[Item], deadline: Deadline) -> None:
        """Write many items, over what was there.

        Raises ThrottledError or UnavailableError when not all could be written.
        """
        self._batch_write(table, [{"PutRequest": {"Item": item}} for item in items], deadline)

    def batch_delete(self, table: str, item_keys: Sequence[Item], deadline: Deadline) -> None:
        """Delete items, those that are there.

        Raises ThrottledError or UnavailableError when not all could be deleted.
        """
        self._batch_write(table, [{"DeleteRequest": {"Key": key}} for key in item_keys], deadline)

    def _batch_write(self, table: str, requests: Sequence[Item], deadline: Deadline) -> None:
        in_parallel(
            lambda chunk: self._batch_write_chunk(table, chunk, deadline), list(chunks(requests, BATCH_WRITE_ITEMS))
        )

    def _batch_write_chunk(self, table: str, requests: Sequence[Item], deadline: Deadline) -> None:
        wanted: Any = {table: requests}
        backoff = Backoff(deadline)
        while wanted:
            reply = self._retried(lambda: self._client.batch_write_item(RequestItems=wanted), deadline)  # noqa: B023 - called at once
            wanted = reply.get("UnprocessedItems")
            if wanted and not backoff.wait():
                raise ThrottledError("the database is throttling")

    def batch_execute(self, lanes: Sequence[Sequence[Statement]], deadline: Deadline) -> list[list[StatementResult]]:
        """Run PartiQL writes; results stand where their statements stood.

        Statements of one lane go into calls together, so no two of a lane may name the same key (DynamoDB rejects a
        BatchExecuteStatement that does). Errors of single statements come inside a good answer and are retried here.
        """
        results: list[list[StatementResult]] = [[StatementResult()] * len(statements) for statements in lanes]
        pending = [(lane, index) for lane, statements in enumerate(lanes) for index in range(len(statements))]
        backoff = Backoff(deadline)
        while pending:
            calls = [
                call
                for lane in range(len(lanes))
                for call in chunks([spot for spot in pending if spot[0] == lane], BATCH_STATEMENTS)
            ]
            retry: list[tuple[int, int]] = []
            in_parallel(lambda call: retry.extend(self._execute_call(lanes, call, results, deadline)), calls)  # noqa: B023 - ends within the pass
            pending = sorted(retry)
            if pending and not backoff.wait():
                break
        return results

    def _execute_call(
        self,
        lanes: Sequence[Sequence[Statement]],
        call: Sequence[tuple[int, int]],
        results: list[list[StatementResult]],
        deadline: Deadline,
    ) -> list[tuple[int, int]]:
        """Run one BatchExecuteStatement, file its results, and return the spots to try again."""
        if deadline.is_over():
            for lane, index in call:
                results[lane][index] = StatementResult(error=results[lane][index].error or _too_late())
            return []
        statements: list[BatchStatementRequestTypeDef] = [
            {"Statement": lanes[lane][index].text, "Parameters": lanes[lane][index].parameters} for lane, index in call
        ]
        try:
            replies = self._client.batch_execute_statement(Statements=statements)["Responses"]
        except (ClientError, BotoCoreError) as exc:
            failure = _failure(exc)
            for lane, index in call:
                results[lane][index] = StatementResult(error=failure.error)
            return list(call) if failure.may_pass else []
        retry = []
        for (lane, index), reply in zip(call, replies, strict=True):
            code = reply.get("Error", {}).get("Code")
            if code is None:
                results[lane][index] = StatementResult(item=reply.get("Item", {}))
            elif code == CONDITION_FAILED:
                results[lane][index] = StatementResult(missing=True)
            else:
                failure = _failure_of(code, reply["Error"].get("Message", ""))
                results[lane][index] = StatementResult(error=failure.error)
                if failure.may_pass:
                    retry.append((lane, index))
        return retry

    def transact(self, build: Callable[[], Sequence[TransactionAction]], deadline: Deadline) -> None:
        """Run one TransactWriteItems of at most 100 actions, as `build` gives them: all or nothing.

        A transaction that was cancelled is built anew, so that it can move away from a busy item. One whose answer was
        lost is repeated as it was, with the same client request token, which DynamoDB honours for ten minutes: it is
        not done twice, whenever the first one arrives. Raises ConditionFailedError, ThrottledError or UnavailableError.
        """
        actions, token = build(), uuid.uuid4().hex
        may_be_under_way = False
        backoff = Backoff(deadline)
        error: NotWrittenError = _too_late()
        while True:
            if deadline.is_over():
                raise error
            try:
                self._client.transact_write_items(TransactItems=cast("Any", actions), ClientRequestToken=token)
            except (ClientError, BotoCoreError) as exc:
                cancelled = _cancellation(exc)
                failure = cancelled or _failure(exc)
                error = failure.error
                if not failure.may_pass:
                    raise error from None  # its message may quote what was sent, and Lambda writes what is not caught
                if not backoff.wait():
                    raise error from exc
                if not cancelled:
                    may_be_under_way = True
                elif not may_be_under_way:
                    actions, token = build(), uuid.uuid4().hex
            else:
                return

    def _conditional(self, call: Callable[[], object], deadline: Deadline) -> bool:
        try:
            self._retried(call, deadline)
        except ClientError as exc:
            if exc.response["Error"]["Code"] == _CONDITION_EXCEPTION:
                return False
            raise
        return True

    @staticmethod
    def _retried(call: Callable[[], T], deadline: Deadline) -> T:
        """Make a call until it is answered or the time is up; a condition that does not hold is an answer."""
        backoff = Backoff(deadline)
        error: NotWrittenError = _too_late()
        while True:
            if deadline.is_over():
                raise error
            try:
                return call()
            except (ClientError, BotoCoreError) as exc:
                if isinstance(exc, ClientError) and exc.response["Error"]["Code"] == _CONDITION_EXCEPTION:
                    raise
                failure = _failure(exc)
                error = failure.error
                if not failure.may_pass:
                    raise error from None  # its message may quote what was sent, and Lambda writes what is not caught
                if not backoff.wait():
                    raise error from exc


def _cancellation(exc: ClientError | BotoCoreError) -> _Failure | None:
    """Return why a transaction was cancelled, None if it was not; raises ConditionFailedError."""
    if isinstance(exc, BotoCoreError):
        return None
    reasons: Sequence[Mapping[str, Any]] = exc.response.get("CancellationReasons", ())
    failed = {index: reason.get("Item") for index, reason in enumerate(reasons) if reason["Code"] == CONDITION_FAILED}
    if failed:
        raise ConditionFailedError(failed) from exc
    codes = sorted({reason["Code"] for reason in reasons} - {"None"}, key=lambda code: code in _THROTTLED | _TRANSIENT)
    return _failure_of(codes[0]) if codes else None


def number_set(values: Iterable[int]) -> Item:
    """Write whole numbers as DynamoDB's number set, in order (a set may not be empty)."""
    return {"NS": [str(value) for value in sorted(values)]}
