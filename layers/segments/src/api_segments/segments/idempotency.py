"""Idempotency keys: a create request that is sent again gets the answer that it got, and creates nothing.

Powertools keeps a record of each key for 24 hours. By it a key is, for the request that comes with it:

    NEW ─────▶ RUNNING ─────▶ ANSWERED: this answer again
     ▲            │
     └─LEFT OPEN──┘ an entry got 429 or 503, or the process died: no answer is kept

    RUNNING      for another request: wait for its answer, 409 if that takes too long
    OTHER BODY   whichever of these, but for other entries: 409
    UNKNOWN      the record can't be read, or is damaged: 503, and nothing is created

A request whose key was left open is carried out again, and finds what it created by its name (store_creations).
What is kept of an answer is only what the request itself does not tell, so that it fits into an item whatever the
request was.
"""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import timedelta
from hashlib import sha256
from typing import TYPE_CHECKING, Any, cast

from aws_lambda_powertools.utilities.idempotency import DynamoDBPersistenceLayer, IdempotencyConfig, idempotent_function
from aws_lambda_powertools.utilities.idempotency.exceptions import (
    IdempotencyAlreadyInProgressError,
    IdempotencyInconsistentStateError,
    IdempotencyPersistenceLayerError,
    IdempotencyValidationError,
)
from aws_lambda_powertools.utilities.typing import LambdaContext

from api_segments.aws.clients import RETRYING_CLIENT_SECONDS
from api_segments.aws.items import damaged_item
from api_segments.core.clock import Backoff, Deadline
from api_segments.core.errors import ConflictError, NotWrittenError, UnavailableError
from api_segments.core.limits import IDEMPOTENCY_HOURS
from api_segments.http.gateway import CODES, RESERVE_SECONDS
from api_segments.http.observability import count, logger
from api_segments.segments.creation import Creation, created_segment
from api_segments.segments.model import CreateRequest, NewSegment

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

# A second request with the key of one that is running waits for that one's answer, but not long.
WAIT_SECONDS = 5.0
# Kept back from the creation's time, to keep its result.
KEEP_SECONDS = RETRYING_CLIENT_SECONDS

_ERRORS = {error.slug: error for error in CODES}


class _LeftOpenError(Exception):
    """Keeps a result from being remembered: the same request is to be tried again, with the same key."""


@dataclass(frozen=True, slots=True)
class _Remaining:
    """The invocation's time, as Powertools asks for it: a record in progress is given up when that is over."""

    deadline: Deadline

    def get_remaining_time_in_millis(self) -> int:
        return int((self.deadline.remaining() + RESERVE_SECONDS) * 1000)


class Idempotency:
    """Runs a create request once for each account and key, for 24 hours."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._records = DynamoDBPersistenceLayer(table_name=table, boto3_client=client)

    def create_once(
        self,
        account_id: str,
        key: str,
        asked: CreateRequest,
        create: Callable[[str, Deadline], Creation],
        deadline: Deadline,
    ) -> tuple[Creation, bool]:
        """Return what `create` returns, or what it returned to the first request; and whether it is the latter.

        `create` is given a name for the request, the same whenever it is sent again.

        Raises ConflictError if the key came with other entries, or if its first request is still running, and
        UnavailableError, while nothing is created yet, if the record can't be read or written.
        """
        request = {
            "account_id": account_id,
            "key": key,
            "entries": _hashed(asked),
        }
        name = sha256(json.dumps(request).encode()).hexdigest()
        made: list[Creation] = []

        def make() -> dict[str, Any]:
            result = create(name, Deadline(deadline.at - KEEP_SECONDS, deadline.clock))
            made.append(result)
            if any(isinstance(error, NotWrittenError) for error in result.refused.values()):
                raise _LeftOpenError
            return _to_json(result)

        once = self._remembered(make, name, deadline)
        backoff = Backoff(Deadline(min(deadline.at, deadline.clock.monotonic() + WAIT_SECONDS), deadline.clock))
        while True:
            try:
                kept = once(request=request)
                # NEW: what was made just now; ANSWERED: what was kept.
                return (made[0], False) if made else (_from_json(kept, account_id, asked, name), True)
            except _LeftOpenError:
                return made[0], False
            except IdempotencyAlreadyInProgressError as exc:  # RUNNING
                if not backoff.wait():
                    raise ConflictError("Idempotency-Key: a request with this key is still running") from exc
            except IdempotencyValidationError as exc:  # OTHER BODY
                raise ConflictError("Idempotency-Key: was used with another body") from exc
            except (IdempotencyPersistenceLayerError, IdempotencyInconsistentStateError) as exc:  # UNKNOWN
                if not made:
                    raise UnavailableError("Idempotency-Key: can't be looked up now") from exc
                # A repeat finds what was created, though perhaps not why the rest was refused.
                logger.warning("the result of an idempotency key could not be kept", error=str(exc))
                count(IdempotencyKeysNotKept=1)
                return made[0], False

    def _remembered(self, make: Callable[[], Any], name: str, deadline: Deadline) -> Callable[..., Any]:
        """Return a function that calls `make`, or returns what that returned to the first call with the same key.

        It raises DamagedItemError if Powertools' record is damaged.
        """
        begun = []
        config = IdempotencyConfig(
            event_key_jmespath="[account_id, key]",
            payload_validation_jmespath="entries",
            expires_after_seconds=int(timedelta(hours=IDEMPOTENCY_HOURS).total_seconds()),
            hash_function="sha256",
            raise_on_no_idempotency_key=True,
            lambda_context=cast("LambdaContext", _Remaining(deadline)),
        )

        def run(*, request: object) -> Any:  # noqa: ANN401, ARG001 - JSON; Powertools reads the request
            begun.append(True)
            return make()

        once: Callable[..., Any] = idempotent_function(
            run,
            data_keyword_argument="request",
            persistence_store=self._records,
            config=config,
            key_prefix="createSegment",
        )

        def readable_once(*, request: object) -> Any:  # noqa: ANN401 - as above
            try:
                return once(request=request)
            except (LookupError, TypeError, ValueError):
                if begun:
                    raise
                raise damaged_item("idempotency key", "data", name) from None

        return readable_once


def _hashed(asked: CreateRequest) -> list[object]:
    """Return what a repeat must have too: of an entry that can't be read all that was sent, whatever its order.

    A repeat after an update of the software must be known by what was kept before it.
    """
    return [
        _hashed_entry(asked.entries[index]) if index in asked.entries else json.dumps(sent, sort_keys=True)
        for index, sent in enumerate(asked.sent)
    ]


def _hashed_entry(entry: NewSegment) -> list[object]:
    """Return an entry's name and customer id as the first version had them, then what else was given."""
    known = ("segment_name", "customer_segment_id")
    further = [pair for pair in asdict(entry).items() if pair[0] not in known and pair[1] is not None]
    return [entry.segment_name, entry.customer_segment_id, *further]


def _to_json(result: Creation) -> dict[str, Any]:
    return {
        "created": [[index, segment.segment_id, segment.created_at] for index, segment in result.created.items()],
        "refused": [[index, error.slug, str(error)] for index, error in result.refused.items()],
    }


def _from_json(kept: Any, account_id: str, asked: CreateRequest, name: str) -> Creation:  # noqa: ANN401 - JSON
    try:
        return Creation(
            created={
                index: created_segment(account_id, asked.entries[index], segment_id)
                for index, segment_id, _created_at in kept["created"]
            },
            refused={index: _ERRORS[slug](message) for index, slug, message in kept["refused"]},
        )
    except (LookupError, TypeError, ValueError):
        raise damaged_item("idempotency key", "data", name) from None
