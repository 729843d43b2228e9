"""Puts services together with their stores, clients and settings, once a process and only what is used.

What a service needs is imported where it is made, so that a function starts with its own part of the domain alone.
"""

# ruff: noqa: PLC0415 - as above

from functools import cache
from typing import TYPE_CHECKING

from segments.clients import (
    KeptConnections,
    dynamodb_client,
    events_client,
    lambda_client,
    retrying_dynamodb_client,
    scheduler_client,
    sesv2_client,
    sns_client,
    sqs_client,
    streams_client,
)
from segments.clock import SYSTEM_CLOCK
from segments.settings import Settings

if TYPE_CHECKING:
    from types_boto3_lambda import LambdaClient

    from segments.edge.cursors import Cursors
    from segments.edge.idempotency import Idempotency
    from segments.services.accounts import AccountService
    from segments.services.campaign_runs import CampaignRunService, CampaignStores
    from segments.services.campaign_settings import CampaignSettingsService
    from segments.services.campaign_triggers import CampaignTriggerService
    from segments.services.campaigns import CampaignService
    from segments.services.error_stream import ErrorStream
    from segments.services.opt_outs import MessageTokens, OptOutService
    from segments.services.previews import PreviewService
    from segments.services.profiles import ProfileService
    from segments.services.projection import ProjectionService
    from segments.services.publishing import PublishingService
    from segments.services.purging import PurgeService
    from segments.services.reconciliation import ReconciliationService
    from segments.services.row_mending import RowMender
    from segments.services.segment_deletion import SegmentDeletionService
    from segments.services.segment_reads import SegmentReads
    from segments.services.segments import SegmentService
    from segments.services.sending import SendingService
    from segments.services.updates import UpdateService
    from segments.stores.campaign_settings import CampaignSettingsStore
    from segments.stores.campaigns import CampaignStore
    from segments.stores.deliveries import DeliveryStore
    from segments.stores.dynamodb import DynamoDB
    from segments.stores.email import EmailStore
    from segments.stores.failed_records import FailedRecords
    from segments.stores.member_lists import MemberListStore
    from segments.stores.memberships import MembershipStore
    from segments.stores.profiles import ProfileStore
    from segments.stores.references import ReferenceStore
    from segments.stores.segment_members import SegmentMemberStore
    from segments.stores.segment_uses import SegmentUseStore
    from segments.stores.segments import SegmentStore
    from segments.stores.signing_key import SigningKeyStore
    from segments.stores.task_queue import TaskQueue
    from segments.stores.update_errors import UpdateErrorStore


@cache
def _settings() -> Settings:
    return Settings.from_environment()


@cache
def _db() -> "DynamoDB":
    from segments.stores.dynamodb import DynamoDB

    return DynamoDB(dynamodb_client())


def _segments() -> "SegmentStore":
    from segments.stores.segments import SegmentStore

    return SegmentStore(_db(), _settings().segments_table)


def _memberships() -> "MembershipStore":
    from segments.stores.memberships import MembershipStore

    return MembershipStore(_db(), _settings().memberships_table, _settings().profiles_table)


def _references() -> "ReferenceStore":
    from segments.stores.references import ReferenceStore

    return ReferenceStore(_db(), _settings().segments_table, _settings().profiles_table)


def _update_errors() -> "UpdateErrorStore":
    from segments.stores.update_errors import UpdateErrorStore

    return UpdateErrorStore(_db(), _settings().update_errors_table)


@cache
def accounts() -> "AccountService":
    """Return the process's account service."""
    from segments.services.accounts import AccountService
    from segments.stores.accounts import AccountStore

    return AccountService(AccountStore(_db(), _settings().accounts_table), SYSTEM_CLOCK)


def _campaign_settings() -> "CampaignSettingsStore":
    from segments.stores.campaign_settings import CampaignSettingsStore

    return CampaignSettingsStore(_db(), _settings().accounts_table)


@cache
def campaign_settings() -> "CampaignSettingsService":
    """Return what changes the declarations of accounts in this process."""
    from segments.services.campaign_settings import CampaignSettingsService

    settings = _settings()
    _, partition, _, region, account, _ = settings.campaign_queue_arn.split(":")  # where the whole stack is
    sns = f"arn:{partition}:sns:{region}:{account}:"
    return CampaignSettingsService(accounts(), _campaign_settings(), settings.webhook_test_origin, sns)


def _emails() -> "EmailStore":
    from segments.stores.email import EmailStore

    return EmailStore(sesv2_client(), _settings().mail_configuration_set)


def _segment_uses() -> "SegmentUseStore":
    from segments.stores.segment_uses import SegmentUseStore

    return SegmentUseStore(_db(), _settings().segments_table)


def _campaigns() -> "CampaignStore":
    from segments.stores.campaigns import CampaignStore

    return CampaignStore(_db(), _settings().campaigns_table)


def _deliveries() -> "DeliveryStore":
    from segments.stores.deliveries import DeliveryStore

    return DeliveryStore(_db(), _settings().campaigns_table)


def _campaign_stores() -> "CampaignStores":
    from segments.services.campaign_runs import CampaignStores
    from segments.stores.walks import WalkStore

    walks = WalkStore(_db(), _settings().campaigns_table)
    return CampaignStores(_campaigns(), walks, _deliveries(), _segment_uses())


def _profiles() -> "ProfileStore":
    from segments.stores.profiles import ProfileStore

    return ProfileStore(_db(), _settings().profiles_table, _settings().memberships_table)


def _segment_members() -> "SegmentMemberStore":
    from segments.stores.segment_members import SegmentMemberStore

    settings = _settings()
    return SegmentMemberStore(_db(), settings.segment_members_table, settings.segments_table, settings.accounts_table)


def _members() -> "MemberListStore":
    from segments.stores.member_lists import MemberListStore

    return MemberListStore(_db(), _settings().segment_members_table)


@cache
def segments() -> "SegmentService":
    """Return the process's segment service."""
    from segments.services.segments import SegmentService
    from segments.stores.creations import CreationStore

    creations = CreationStore(_db(), _settings().idempotency_table, SYSTEM_CLOCK)
    return SegmentService(_segments(), creations, SYSTEM_CLOCK)


@cache
def segment_deletion() -> "SegmentDeletionService":
    """Return the process's deletion of segments."""
    from segments.services.segment_deletion import SegmentDeletionService

    return SegmentDeletionService(_segments(), _segment_uses(), _campaigns(), SYSTEM_CLOCK)


@cache
def segment_reads() -> "SegmentReads":
    """Return the process's reads of segments."""
    from segments.services.segment_reads import SegmentReads
    from segments.stores.segment_lists import SegmentListStore

    lists = SegmentListStore(_db(), _settings().segments_table)
    return SegmentReads(_segments(), lists, _members(), _memberships(), _references())


@cache
def purging() -> "PurgeService":
    """Return the process's purge service."""
    from segments.services.purging import PurgeService

    return PurgeService(_segments(), _members(), _segment_members(), _memberships(), SYSTEM_CLOCK)


@cache
def purge_queue() -> "TaskQueue":
    """Return the process's queue of purges."""
    from segments.stores.task_queue import TaskQueue

    return TaskQueue(sqs_client(), _settings().purge_queue_url)


@cache
def failed_records() -> "FailedRecords":
    """Return the process's view of the records that were given up."""
    from segments.stores.failed_records import FailedRecords

    return FailedRecords(sqs_client(), _settings().failed_records_queue_url, streams_client())


@cache
def functions() -> "LambdaClient":
    """Return what invokes other functions."""
    return lambda_client()


@cache
def reconciliation_queue() -> "TaskQueue":
    """Return the process's queue of reconciliations."""
    from segments.stores.task_queue import TaskQueue

    return TaskQueue(sqs_client(), _settings().reconciliation_queue_url)


@cache
def reconciliation() -> "ReconciliationService":
    """Return the process's reconciliation service."""
    from segments.services.reconciliation import ReconciliationService
    from segments.stores.segment_lists import SegmentListStore

    lists = SegmentListStore(_db(), _settings().segments_table)
    return ReconciliationService(_memberships(), _segments(), lists, _members(), row_mender(), SYSTEM_CLOCK)


@cache
def row_mender() -> "RowMender":
    """Return the process's mender of rows."""
    from segments.services.row_mending import RowMender

    return RowMender(_memberships(), _segments(), _segment_members(), SYSTEM_CLOCK)


@cache
def _signing_key() -> "SigningKeyStore":
    from segments.stores.signing_key import SigningKeyStore

    return SigningKeyStore(_db(), _settings().accounts_table)


@cache
def cursors() -> "Cursors":
    """Return what writes and reads the process's cursors."""
    from segments.edge.cursors import Cursors

    return Cursors(_signing_key(), SYSTEM_CLOCK)


@cache
def idempotency() -> "Idempotency":
    """Return the process's memory of idempotency keys; only requests that bear one pay for its import."""
    from segments.edge.idempotency import Idempotency

    return Idempotency(retrying_dynamodb_client(), _settings().idempotency_table)


@cache
def profiles() -> "ProfileService":
    """Return the process's profile service."""
    from segments.services.profiles import ProfileService

    return ProfileService(_profiles())


@cache
def updates() -> "UpdateService":
    """Return the process's update service."""
    from segments.services.updates import UpdateService

    return UpdateService(_references(), _memberships())


@cache
def error_stream() -> "ErrorStream":
    """Return the process's error stream."""
    from segments.services.error_stream import ErrorStream

    return ErrorStream(_update_errors(), SYSTEM_CLOCK)


@cache
def publishing() -> "PublishingService":
    """Return the process's publishing service."""
    from segments.services.publishing import PublishingService
    from segments.stores.change_bus import ChangeBus

    return PublishingService(_segments(), ChangeBus(events_client(), _settings().bus_name))


@cache
def projection() -> "ProjectionService":
    """Return the process's projection service."""
    from segments.services.projection import ProjectionService

    return ProjectionService(_segment_members(), _segments(), _memberships(), SYSTEM_CLOCK)


@cache
def campaign_queue() -> "TaskQueue":
    """Return the process's queue of campaigns that are to go on."""
    from segments.stores.task_queue import TaskQueue

    return TaskQueue(sqs_client(), _settings().campaign_queue_url)


@cache
def message_queue() -> "TaskQueue":
    """Return the process's queue of campaigns' messages."""
    from segments.stores.task_queue import TaskQueue

    return TaskQueue(sqs_client(), _settings().message_queue_url)


@cache
def campaigns() -> "CampaignService":
    """Return the process's campaign service."""
    from segments.services.campaigns import CampaignService, CampaignStarts, Declared
    from segments.services.estimates import EstimateService
    from segments.stores.audiences import AudienceStore
    from segments.stores.campaign_schedules import CampaignScheduleStore, ScheduleTarget

    settings = _settings()
    estimates = EstimateService(_segments(), AudienceStore(_db(), settings.segment_members_table))
    target = ScheduleTarget(settings.campaign_schedule_group, settings.campaign_queue_arn, settings.scheduler_role_arn)
    return CampaignService(
        _campaign_stores(),
        _references(),
        _memberships(),
        estimates,
        Declared(_campaign_settings(), _emails()),
        CampaignStarts(campaign_queue(), CampaignScheduleStore(scheduler_client(), target)),
        SYSTEM_CLOCK,
    )


@cache
def previews() -> "PreviewService":
    """Return what fills contents in for a preview in this process."""
    from segments.services.previews import PreviewService

    return PreviewService(profiles(), _campaign_settings())


@cache
def campaign_runs() -> "CampaignRunService":
    """Return what runs campaigns in this process."""
    from segments.services.campaign_runs import CampaignRunService, Pace
    from segments.stores.change_bus import ChangeBus

    settings = _settings()
    return CampaignRunService(
        _campaign_stores(),
        _members(),
        _memberships(),
        message_queue(),
        ChangeBus(events_client(), settings.bus_name),
        Pace(float(settings.campaign_messages_per_second), float(settings.campaign_delay_seconds)),
        SYSTEM_CLOCK,
    )


@cache
def campaign_triggers() -> "CampaignTriggerService":
    """Return what lets changes trigger campaigns in this process."""
    from segments.services.campaign_triggers import CampaignTriggerService

    return CampaignTriggerService(_campaign_stores(), _memberships(), message_queue(), campaign_queue(), SYSTEM_CLOCK)


@cache
def _message_tokens() -> "MessageTokens":
    from segments.services.opt_outs import MessageTokens

    return MessageTokens(_signing_key())


@cache
def opt_outs() -> "OptOutService":
    """Return the process's opt-outs."""
    from segments.services.opt_outs import OptOutService

    return OptOutService(_message_tokens(), profiles())


@cache
def provider_connections() -> KeptConnections:
    """Return the process's connections to those who carry messages."""
    return KeptConnections(SYSTEM_CLOCK)


@cache
def sending() -> "SendingService":
    """Return what sends messages in this process."""
    from segments.services.dispatch import Dispatch, Providers
    from segments.services.sending import SendingService, SendingStores
    from segments.stores.change_bus import ChangeBus
    from segments.stores.push import PushStore
    from segments.stores.sms import SmsStore
    from segments.stores.webhooks import WebhookStore

    settings = _settings()
    providers = Providers(
        _emails(),
        SmsStore(sns_client()),
        PushStore(sns_client()),
        WebhookStore(settings.webhook_test_origin, SYSTEM_CLOCK),
        ChangeBus(events_client(), settings.bus_name),
    )
    dispatch = Dispatch(providers, _message_tokens(), profiles(), settings.public_url, SYSTEM_CLOCK)
    stores = SendingStores(_campaigns(), _deliveries(), _campaign_settings(), _profiles())
    return SendingService(stores, dispatch, SYSTEM_CLOCK)
