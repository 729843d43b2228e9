"""Makes the objects of this room, once a process.

What a service needs is imported where it is made, so that a function starts with its own part of the room alone.
"""

# ruff: noqa: PLC0415 - as above

from functools import cache
from typing import TYPE_CHECKING

from api_segments.aws import clients
from api_segments.aws.wiring import db, settings
from api_segments.core.clock import SYSTEM_CLOCK

if TYPE_CHECKING:
    from api_segments.segments.creation import SegmentService
    from api_segments.segments.history import DayNotes, SegmentHistory, SegmentTrends
    from api_segments.segments.idempotency import Idempotency
    from api_segments.segments.publishing import SegmentPublishingService
    from api_segments.segments.reads import SegmentReads
    from api_segments.segments.store import SegmentStore
    from api_segments.segments.store_history import HistoryStore
    from api_segments.segments.store_lists import SegmentListStore
    from api_segments.segments.store_uses import SegmentUseStore


def segment_store() -> "SegmentStore":
    """Return where segments and their counts are kept."""
    from api_segments.segments.store import SegmentStore

    return SegmentStore(db(), settings().segments_table)


def segment_lists() -> "SegmentListStore":
    """Return the lists of segments."""
    from api_segments.segments.store_lists import SegmentListStore

    return SegmentListStore(db(), settings().segments_table)


def segment_uses() -> "SegmentUseStore":
    """Return the marks of campaigns on segments."""
    from api_segments.segments.store_uses import SegmentUseStore

    return SegmentUseStore(db(), settings().segments_table)


@cache
def segments() -> "SegmentService":
    """Return the process's segment service."""
    from api_segments.segments.creation import SegmentService
    from api_segments.segments.store_creations import CreationStore

    creations = CreationStore(db(), settings().idempotency_table, SYSTEM_CLOCK)
    return SegmentService(segment_store(), creations, SYSTEM_CLOCK)


@cache
def segment_reads() -> "SegmentReads":
    """Return the process's reads of segments."""
    from api_segments.segments.reads import SegmentReads

    return SegmentReads(segment_store(), segment_lists())


def history_store() -> "HistoryStore":
    """Return where the beginning of each day is noted."""
    from api_segments.segments.store_history import HistoryStore

    return HistoryStore(db(), settings().segments_table, SYSTEM_CLOCK)


@cache
def segment_history() -> "SegmentHistory":
    """Return the process's view of segments' days."""
    from api_segments.segments.history import SegmentHistory

    return SegmentHistory(segment_reads(), history_store(), SYSTEM_CLOCK)


@cache
def segment_trends() -> "SegmentTrends":
    """Return the process's view of the last days of all segments."""
    from api_segments.segments.history import SegmentTrends

    return SegmentTrends(history_store(), SYSTEM_CLOCK)


@cache
def day_notes() -> "DayNotes":
    """Return what notes the beginning of a day in this process."""
    from api_segments.segments.history import DayNotes

    return DayNotes(segment_store(), segment_lists(), history_store(), SYSTEM_CLOCK)


@cache
def idempotency() -> "Idempotency":
    """Return the process's memory of idempotency keys; only requests that bear one pay for its import."""
    from api_segments.segments.idempotency import Idempotency

    return Idempotency(clients.retrying_dynamodb_client(), settings().idempotency_table)


@cache
def publishing() -> "SegmentPublishingService":
    """Return what tells the bus of segments."""
    from api_segments.aws.event_bus import EventBus
    from api_segments.segments.publishing import SegmentPublishingService

    return SegmentPublishingService(EventBus(clients.events_client(), settings().bus_name))
