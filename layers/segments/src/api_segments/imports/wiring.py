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
from api_segments.segments.wiring import segment_store, segments

if TYPE_CHECKING:
    from api_segments.aws.event_bus import EventBus
    from api_segments.aws.object_store import ObjectStore
    from api_segments.imports.applying import ApplyingService
    from api_segments.imports.custom_lists import CustomListService
    from api_segments.imports.executions import Executions
    from api_segments.imports.exports import ExportingService, ExportService
    from api_segments.imports.reading import ReadingService
    from api_segments.imports.service import ImportService
    from api_segments.imports.stalled import StalledService
    from api_segments.imports.steps import Steps
    from api_segments.imports.store_exports import ExportStore


def object_store() -> "ObjectStore":
    """Return the bucket of imports."""
    from api_segments.aws.object_store import ObjectStore

    return ObjectStore(clients.s3_client(), settings().imports_bucket)


def _store() -> ImportStore:
    return ImportStore(db(), settings().imports_table)


@cache
def steps() -> "Steps":
    """Return what steps of imports begin with, and how imports end."""
    from api_segments.imports.steps import Steps

    return Steps(_store(), segment_store(), accounts(), _bus(), SYSTEM_CLOCK)


def _bus() -> "EventBus":
    from api_segments.aws.event_bus import EventBus

    return EventBus(clients.events_client(), settings().bus_name)


@cache
def imports() -> "ImportService":
    """Return what carries out what clients ask of imports."""
    from api_segments.imports.service import ImportService

    return ImportService(_store(), segment_store(), references(), object_store(), _executions(), SYSTEM_CLOCK)


def _executions() -> "Executions":
    from api_segments.aws.workflows import Workflows
    from api_segments.imports.executions import Executions

    workflows = Workflows(clients.stepfunctions_client(), settings().import_workflow_arn)
    return Executions(workflows, int(settings().import_delay_seconds))


def _export_store() -> "ExportStore":
    from api_segments.imports.store_exports import ExportStore

    return ExportStore(db(), settings().imports_table)


@cache
def exports() -> "ExportService":
    """Return what carries out what clients ask of exports."""
    from api_segments.imports.exports import ExportService

    return ExportService(_export_store(), segment_store(), object_store(), _executions(), SYSTEM_CLOCK)


@cache
def exporting() -> "ExportingService":
    """Return what writes the files of exports."""
    from api_segments.imports.exports import ExportingService

    return ExportingService(_export_store(), segment_store(), member_lists(), object_store(), _bus(), SYSTEM_CLOCK)


@cache
def custom_lists() -> "CustomListService":
    """Return what takes custom lists."""
    from api_segments.imports.custom_lists import CustomListService

    return CustomListService(
        imports(), _store(), segments(), segment_store(), references(), object_store(), SYSTEM_CLOCK
    )


@cache
def reading() -> "ReadingService":
    """Return what reads files and compares them."""
    from api_segments.imports.reading import ReadingService

    return ReadingService(steps(), object_store(), member_lists(), membership_store(), references())


@cache
def applying() -> "ApplyingService":
    """Return what applies imports, undoes them and ends them."""
    from api_segments.imports.applying import ApplyingService

    pace = float(settings().import_rows_per_second)
    return ApplyingService(steps(), object_store(), membership_store(), references(), pace)


@cache
def stalled() -> "StalledService":
    """Return what finds imports and exports that came to a stop."""
    from api_segments.imports.stalled import StalledService

    return StalledService(steps(), _export_store(), exporting(), _executions())
