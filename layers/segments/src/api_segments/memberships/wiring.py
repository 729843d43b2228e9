"""Makes the objects of this room, once a process.

What a service needs is imported where it is made, so that a function starts with its own part of the room alone.
"""

# ruff: noqa: PLC0415 - as above

from functools import cache
from typing import TYPE_CHECKING

from api_segments.aws import clients
from api_segments.aws.wiring import db, settings
from api_segments.core.clock import SYSTEM_CLOCK
from api_segments.segments.wiring import segment_store

if TYPE_CHECKING:
    from api_segments.aws.task_queue import TaskQueue
    from api_segments.memberships.error_stream import ErrorStream
    from api_segments.memberships.freshness import FreshnessReads, LagNotes
    from api_segments.memberships.overlap import OverlapService
    from api_segments.memberships.projection import ProjectionService
    from api_segments.memberships.publishing import PublishingService
    from api_segments.memberships.purging import PurgeService
    from api_segments.memberships.reads import MemberReads
    from api_segments.memberships.store import MembershipStore
    from api_segments.memberships.store_freshness import FreshnessStore
    from api_segments.memberships.store_lists import MemberListStore
    from api_segments.memberships.store_references import ReferenceStore
    from api_segments.memberships.store_rows import RowStore
    from api_segments.memberships.updates import UpdateService


def membership_store() -> "MembershipStore":
    """Return where it is kept which segments a user is in: the truth."""
    from api_segments.memberships.store import MembershipStore

    return MembershipStore(db(), settings().memberships_table, settings().profiles_table)


def references() -> "ReferenceStore":
    """Return what looks up the segments and users that a request names."""
    from api_segments.memberships.store_references import ReferenceStore

    return ReferenceStore(db(), settings().segments_table, settings().profiles_table)


def row_store() -> "RowStore":
    """Return where members are kept by segment, with the counts."""
    from api_segments.memberships.store_rows import RowStore

    return RowStore(db(), settings().segment_members_table, settings().segments_table, settings().accounts_table)


def member_lists() -> "MemberListStore":
    """Return the lists of members."""
    from api_segments.memberships.store_lists import MemberListStore

    return MemberListStore(db(), settings().segment_members_table)


@cache
def updates() -> "UpdateService":
    """Return the process's update service."""
    from api_segments.memberships.updates import UpdateService

    return UpdateService(references(), membership_store())


@cache
def member_reads() -> "MemberReads":
    """Return the process's reads of members."""
    from api_segments.memberships.reads import MemberReads

    return MemberReads(segment_store(), member_lists(), membership_store(), references())


def freshness_store() -> "FreshnessStore":
    """Return where it is kept how far behind the stream its readers are."""
    from api_segments.memberships.store_freshness import FreshnessStore

    return FreshnessStore(db(), settings().segments_table)


@cache
def lag_notes() -> "LagNotes":
    """Return what notes how far behind this process is."""
    from api_segments.memberships.freshness import LagNotes

    return LagNotes(freshness_store(), SYSTEM_CLOCK)


@cache
def freshness() -> "FreshnessReads":
    """Return what tells how far behind lists and counts are."""
    from api_segments.memberships.freshness import FreshnessReads

    return FreshnessReads(freshness_store(), SYSTEM_CLOCK)


@cache
def overlaps() -> "OverlapService":
    """Return what compares segments in this process."""
    from api_segments.memberships.overlap import OverlapService

    return OverlapService(segment_store(), member_lists())


@cache
def error_stream() -> "ErrorStream":
    """Return the process's error stream."""
    from api_segments.memberships.error_stream import ErrorStream
    from api_segments.memberships.store_errors import UpdateErrorStore

    return ErrorStream(UpdateErrorStore(db(), settings().update_errors_table), SYSTEM_CLOCK)


@cache
def publishing() -> "PublishingService":
    """Return what tells the bus of changes."""
    from api_segments.aws.event_bus import EventBus
    from api_segments.memberships.publishing import PublishingService

    return PublishingService(segment_store(), EventBus(clients.events_client(), settings().bus_name), trigger_queue)


@cache
def projection() -> "ProjectionService":
    """Return the process's projection service."""
    from api_segments.memberships.projection import ProjectionService

    return ProjectionService(row_store(), segment_store(), membership_store(), SYSTEM_CLOCK)


@cache
def purging() -> "PurgeService":
    """Return the process's purge service."""
    from api_segments.memberships.purging import PurgeService

    return PurgeService(segment_store(), member_lists(), row_store(), membership_store(), SYSTEM_CLOCK)


@cache
def trigger_queue() -> "TaskQueue":
    """Return the process's queue of changes that campaigns may act on."""
    from api_segments.aws.task_queue import TaskQueue

    return TaskQueue(clients.sqs_client(), settings().trigger_queue_url)


@cache
def purge_queue() -> "TaskQueue":
    """Return the process's queue of purges."""
    from api_segments.aws.task_queue import TaskQueue

    return TaskQueue(clients.sqs_client(), settings().purge_queue_url)
