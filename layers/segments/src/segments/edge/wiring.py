"""Puts services together with their stores, clients and settings, once a process and only what is used."""

from functools import cache

from segments.clients import dynamodb_client, events_client
from segments.clock import SYSTEM_CLOCK
from segments.services.accounts import AccountService
from segments.services.profiles import ProfileService
from segments.services.projection import ProjectionService
from segments.services.publishing import PublishingService
from segments.services.segments import SegmentService
from segments.services.updates import UpdateService
from segments.settings import Settings
from segments.stores.accounts import AccountStore
from segments.stores.change_bus import ChangeBus
from segments.stores.dynamodb import DynamoDB
from segments.stores.memberships import MembershipStore
from segments.stores.profiles import ProfileStore
from segments.stores.references import ReferenceStore
from segments.stores.segment_members import SegmentMemberStore
from segments.stores.segments import SegmentStore
from segments.stores.update_errors import UpdateErrorStore


@cache
def _settings() -> Settings:
    return Settings.from_environment()


@cache
def _db() -> DynamoDB:
    return DynamoDB(dynamodb_client())


def _segments() -> SegmentStore:
    return SegmentStore(_db(), _settings().segments_table)


def _memberships() -> MembershipStore:
    return MembershipStore(_db(), _settings().memberships_table, _settings().profiles_table)


def _references() -> ReferenceStore:
    return ReferenceStore(_db(), _settings().segments_table, _settings().profiles_table)


@cache
def accounts() -> AccountService:
    """Return the process's account service."""
    return AccountService(AccountStore(_db(), _settings().accounts_table), SYSTEM_CLOCK)


@cache
def segments() -> SegmentService:
    """Return the process's segment service."""
    return SegmentService(_segments(), _references(), _memberships(), SYSTEM_CLOCK)


@cache
def profiles() -> ProfileService:
    """Return the process's profile service."""
    return ProfileService(ProfileStore(_db(), _settings().profiles_table, _settings().memberships_table))


@cache
def updates() -> UpdateService:
    """Return the process's update service."""
    errors = UpdateErrorStore(_db(), _settings().update_errors_table)
    return UpdateService(_references(), _memberships(), errors, SYSTEM_CLOCK)


@cache
def publishing() -> PublishingService:
    """Return the process's publishing service."""
    return PublishingService(_segments(), ChangeBus(events_client(), _settings().bus_name))


@cache
def projection() -> ProjectionService:
    """Return the process's projection service."""
    settings = _settings()
    members = SegmentMemberStore(
        _db(), settings.segment_members_table, settings.segments_table, settings.accounts_table
    )
    return ProjectionService(members, _segments(), SYSTEM_CLOCK)
