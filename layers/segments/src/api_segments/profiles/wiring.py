"""Makes the objects of this room, once a process."""

# ruff: noqa: PLC0415 - what only some functions need is imported where it is made

from functools import cache
from typing import TYPE_CHECKING

from api_segments.aws import clients
from api_segments.aws.wiring import db, keyed_hashes, settings
from api_segments.core.clock import SYSTEM_CLOCK
from api_segments.profiles.addresses import AddressKeys
from api_segments.profiles.service import ProfileService
from api_segments.profiles.store import ProfileStore
from api_segments.profiles.store_suppressions import SuppressionStore

if TYPE_CHECKING:
    from api_segments.profiles.suppressions import SuppressionService


def profile_store() -> ProfileStore:
    """Return where profiles are kept."""
    return ProfileStore(db(), settings().profiles_table, settings().memberships_table)


def address_keys() -> AddressKeys:
    """Return what makes the keys of addresses."""
    return AddressKeys(keyed_hashes())


def suppression_store() -> SuppressionStore:
    """Return where the suppression lists are kept."""
    return SuppressionStore(db(), settings().suppressions_table)


@cache
def profiles() -> ProfileService:
    """Return the process's profile service."""
    return ProfileService(profile_store(), address_keys(), suppression_store(), SYSTEM_CLOCK)


@cache
def suppressions() -> "SuppressionService":
    """Return the process's suppression lists."""
    from api_segments.aws.task_queue import TaskQueue
    from api_segments.profiles.suppressions import SuppressionService

    tasks = TaskQueue(clients.sqs_client(), settings().reconciliation_queue_url)
    return SuppressionService(suppression_store(), profiles(), profile_store(), tasks, SYSTEM_CLOCK)
