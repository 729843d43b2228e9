"""Makes the objects of this room, once a process.

What a service needs is imported where it is made, so that a function starts with its own part of the room alone.
"""

# ruff: noqa: PLC0415 - as above

from functools import cache
from typing import TYPE_CHECKING

from api_segments.accounts.wiring import accounts
from api_segments.aws import clients
from api_segments.aws.wiring import db, settings
from api_segments.core.clock import SYSTEM_CLOCK
from api_segments.imports.store import ImportStore
from api_segments.memberships.wiring import member_lists, membership_store, references
from api_segments.segments.wiring import segment_store

if TYPE_CHECKING:
    from api_segments.aws.object_store import ObjectStore
    from api_segments.imports.applying import ApplyingService
    from api_segments.imports.reading import ReadingService
    from api_segments.imports.service import ImportService
    from api_segments.imports.steps import Steps


def object_store() -> "ObjectStore":
    """Return the bucket of imports."""
    from api_segments.aws.object_store import ObjectStore

    return ObjectStore(clients.s3_client(), settings().imports_bucket)


def _store() -> ImportStore:
    return ImportStore(db(), settings().imports_table)


def _steps() -> "Steps":
    from api_segments.aws.event_bus import EventBus
    from api_segments.imports.steps import Steps

    bus = EventBus(clients.events_client(), settings().bus_name)
    return Steps(_store(), segment_store(), accounts(), bus, SYSTEM_CLOCK)


@cache
def imports() -> "ImportService":
    """Return what carries out what clients ask of imports."""
    from api_segments.aws.workflows import Workflows
    from api_segments.imports.service import ImportService

    workflows = Workflows(clients.stepfunctions_client(), settings().import_workflow_arn)
    delay = int(settings().import_delay_seconds)
    return ImportService(_store(), segment_store(), references(), object_store(), workflows, delay, SYSTEM_CLOCK)


@cache
def reading() -> "ReadingService":
    """Return what reads files and compares them."""
    from api_segments.imports.reading import ReadingService

    return ReadingService(_steps(), object_store(), member_lists(), membership_store(), references())


@cache
def applying() -> "ApplyingService":
    """Return what applies imports, undoes them and ends them."""
    from api_segments.imports.applying import ApplyingService

    pace = float(settings().import_rows_per_second)
    return ApplyingService(_steps(), object_store(), membership_store(), references(), pace)
