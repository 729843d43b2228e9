"""Makes the objects of this room, once a process.

What a service needs is imported where it is made, so that a function starts with its own part of the room alone.
"""

# ruff: noqa: PLC0415 - as above

from functools import cache
from typing import TYPE_CHECKING

from api_segments.aws import clients
from api_segments.aws.wiring import db, settings
from api_segments.core.clock import SYSTEM_CLOCK
from api_segments.memberships.wiring import member_lists, membership_store, row_store
from api_segments.segments.wiring import segment_lists, segment_store

if TYPE_CHECKING:
    from types_boto3_lambda import LambdaClient

    from api_segments.aws.task_queue import TaskQueue
    from api_segments.repair.address_index import AddressIndexing, IndexedAccounts
    from api_segments.repair.claims import ClaimMender
    from api_segments.repair.reconciliation import ReconciliationService
    from api_segments.repair.rows import RowMender
    from api_segments.repair.store_failed_records import FailedRecords


@cache
def row_mender() -> "RowMender":
    """Return the process's mender of rows."""
    from api_segments.repair.rows import RowMender

    return RowMender(membership_store(), segment_store(), row_store(), SYSTEM_CLOCK)


@cache
def claim_mender() -> "ClaimMender":
    """Return the process's mender of claims."""
    from api_segments.profiles.wiring import profile_store
    from api_segments.repair.claims import ClaimMender

    return ClaimMender(membership_store(), profile_store())


@cache
def reconciliation() -> "ReconciliationService":
    """Return the process's reconciliation service."""
    from api_segments.repair.reconciliation import ReconciliationService

    return ReconciliationService(
        membership_store(),
        segment_store(),
        segment_lists(),
        member_lists(),
        row_mender(),
        claim_mender(),
        SYSTEM_CLOCK,
    )


@cache
def indexed_accounts() -> "IndexedAccounts":
    """Return the process's view of the accounts whose profiles are all found by address."""
    from api_segments.repair.address_index import IndexedAccounts

    return IndexedAccounts(db(), settings().accounts_table, SYSTEM_CLOCK)


@cache
def address_indexing() -> "AddressIndexing":
    """Return what puts the profiles of older versions into the indexes by address in this process."""
    from api_segments.profiles.wiring import profiles
    from api_segments.repair.address_index import AddressIndexing

    return AddressIndexing(membership_store(), profiles(), indexed_accounts())


@cache
def reconciliation_queue() -> "TaskQueue":
    """Return the process's queue of reconciliations."""
    from api_segments.aws.task_queue import TaskQueue

    return TaskQueue(clients.sqs_client(), settings().reconciliation_queue_url)


@cache
def failed_records() -> "FailedRecords":
    """Return the process's view of the records that were given up."""
    from api_segments.repair.store_failed_records import FailedRecords

    return FailedRecords(
        clients.sqs_client(),
        settings().failed_records_queue_url,
        settings().set_aside_records_queue_url,
        clients.streams_client(),
        (settings().memberships_table, settings().segments_table),
    )


@cache
def functions() -> "LambdaClient":
    """Return what invokes other functions."""
    return clients.lambda_client()
