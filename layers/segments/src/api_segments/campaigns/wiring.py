"""Makes the objects of this room, once a process.

What a service needs is imported where it is made, so that a function starts with its own part of the room alone.
"""

# ruff: noqa: PLC0415 - as above

from functools import cache
from typing import TYPE_CHECKING

from api_segments.accounts.wiring import accounts
from api_segments.aws import clients
from api_segments.aws.clients import KeptConnections
from api_segments.aws.wiring import db, settings, signed_tokens
from api_segments.core.clock import SYSTEM_CLOCK
from api_segments.memberships.wiring import member_lists, membership_store, references
from api_segments.profiles.wiring import address_keys, profile_store, profiles, suppression_store, suppressions
from api_segments.segments.wiring import segment_store, segment_uses

if TYPE_CHECKING:
    from api_segments.aws.task_queue import TaskQueue
    from api_segments.campaigns.planning.creation import CampaignCreationService
    from api_segments.campaigns.planning.declared import DeclaredService
    from api_segments.campaigns.planning.editing import CampaignEditService
    from api_segments.campaigns.planning.named_segments import NamedSegments
    from api_segments.campaigns.planning.previews import PreviewService
    from api_segments.campaigns.planning.reads import CampaignReads
    from api_segments.campaigns.planning.settings import CampaignSettingsService
    from api_segments.campaigns.planning.starts import CampaignStarts
    from api_segments.campaigns.planning.stopping import CampaignStopService
    from api_segments.campaigns.providers.email import EmailProvider
    from api_segments.campaigns.running.runs import CampaignRunService, CampaignStores
    from api_segments.campaigns.running.triggers import CampaignTriggerService
    from api_segments.campaigns.sending.dispatch import Dispatch
    from api_segments.campaigns.sending.opt_outs import MessageTokens, OptOutService
    from api_segments.campaigns.sending.service import SendingService
    from api_segments.campaigns.sending.testing import TestMessageService
    from api_segments.campaigns.sending_accounts import SendingAccounts
    from api_segments.campaigns.store import CampaignStore
    from api_segments.campaigns.store_deliveries import DeliveryStore
    from api_segments.campaigns.store_settings import CampaignSettingsStore
    from api_segments.segments.deletion import SegmentDeletionService


def campaign_store() -> "CampaignStore":
    """Return where campaigns are kept."""
    from api_segments.campaigns.store import CampaignStore

    return CampaignStore(db(), settings().campaigns_table)


def delivery_store() -> "DeliveryStore":
    """Return the log of messages."""
    from api_segments.campaigns.store_deliveries import DeliveryStore

    return DeliveryStore(db(), settings().campaigns_table)


def settings_store() -> "CampaignSettingsStore":
    """Return where the declarations of accounts are kept."""
    from api_segments.campaigns.store_settings import CampaignSettingsStore

    return CampaignSettingsStore(db(), settings().accounts_table)


def campaign_stores() -> "CampaignStores":
    """Return what a campaign is kept in."""
    from api_segments.campaigns.running.runs import CampaignStores
    from api_segments.campaigns.store_walks import WalkStore

    walks = WalkStore(db(), settings().campaigns_table)
    return CampaignStores(campaign_store(), walks, delivery_store(), segment_uses())


def emails() -> "EmailProvider":
    """Return what sends emails."""
    from api_segments.campaigns.providers.email import EmailProvider

    return EmailProvider(clients.sesv2_client(), settings().mail_configuration_set)


@cache
def segment_deletion() -> "SegmentDeletionService":
    """Return the process's deletion of segments, which asks for the campaigns that use one."""
    from api_segments.segments.deletion import SegmentDeletionService

    return SegmentDeletionService(segment_store(), segment_uses(), campaign_store(), SYSTEM_CLOCK)


@cache
def campaign_settings() -> "CampaignSettingsService":
    """Return what changes the declarations of accounts in this process."""
    from api_segments.campaigns.planning.settings import CampaignSettingsService

    _, partition, _, region, account, _ = settings().campaign_queue_arn.split(":")  # where the whole stack is
    sns = f"arn:{partition}:sns:{region}:{account}:"
    return CampaignSettingsService(accounts(), settings_store(), settings().webhook_test_origin, sns)


@cache
def campaign_queue() -> "TaskQueue":
    """Return the process's queue of campaigns that are to go on."""
    from api_segments.aws.task_queue import TaskQueue

    return TaskQueue(clients.sqs_client(), settings().campaign_queue_url)


@cache
def message_queue() -> "TaskQueue":
    """Return the process's queue of campaigns' messages."""
    from api_segments.aws.task_queue import TaskQueue

    return TaskQueue(clients.sqs_client(), settings().message_queue_url)


def named_segments() -> "NamedSegments":
    """Return what looks up the segments that requests name."""
    from api_segments.campaigns.planning.named_segments import NamedSegments

    return NamedSegments(references())


@cache
def declared() -> "DeclaredService":
    """Return what holds requests to the declarations of accounts in this process."""
    from api_segments.campaigns.planning.declared import DeclaredService

    return DeclaredService(settings_store(), emails(), SYSTEM_CLOCK)


@cache
def campaign_starts() -> "CampaignStarts":
    """Return what makes campaigns start in this process."""
    from api_segments.campaigns.planning.schedules import CampaignSchedules, ScheduledQueue
    from api_segments.campaigns.planning.starts import CampaignStarts

    names = settings()
    queue = ScheduledQueue(names.campaign_schedule_group, names.campaign_queue_arn, names.scheduler_role_arn)
    return CampaignStarts(campaign_queue(), CampaignSchedules(clients.scheduler_client(), queue), SYSTEM_CLOCK)


@cache
def campaign_creation() -> "CampaignCreationService":
    """Return what creates campaigns in this process."""
    from api_segments.campaigns.planning.audiences import AudienceStore
    from api_segments.campaigns.planning.creation import CampaignCreationService
    from api_segments.campaigns.planning.estimates import EstimateService

    estimates = EstimateService(segment_store(), AudienceStore(db(), settings().segment_members_table))
    return CampaignCreationService(
        campaign_stores(), named_segments(), estimates, declared(), campaign_starts(), SYSTEM_CLOCK
    )


@cache
def campaign_edits() -> "CampaignEditService":
    """Return what edits campaigns in this process."""
    from api_segments.campaigns.planning.editing import CampaignEditService

    return CampaignEditService(campaign_stores(), named_segments(), declared(), campaign_starts(), SYSTEM_CLOCK)


@cache
def campaign_stops() -> "CampaignStopService":
    """Return what stops campaigns in this process."""
    from api_segments.campaigns.planning.stopping import CampaignStopService

    return CampaignStopService(campaign_stores(), campaign_starts(), SYSTEM_CLOCK)


@cache
def campaign_reads() -> "CampaignReads":
    """Return what looks campaigns up in this process."""
    from api_segments.campaigns.planning.reads import CampaignReads

    return CampaignReads(campaign_stores(), named_segments(), membership_store())


@cache
def previews() -> "PreviewService":
    """Return what fills contents in for a preview in this process."""
    from api_segments.campaigns.planning.previews import PreviewService

    return PreviewService(profiles(), settings_store())


def sending_accounts() -> "SendingAccounts":
    """Return what tells which accounts may send."""
    from api_segments.campaigns.sending_accounts import SendingAccounts

    return SendingAccounts(accounts(), SYSTEM_CLOCK)


@cache
def campaign_runs() -> "CampaignRunService":
    """Return what runs campaigns in this process."""
    from api_segments.aws.event_bus import EventBus
    from api_segments.campaigns.running.runs import CampaignRunService, Pace
    from api_segments.campaigns.store_pace import PaceStore

    names = settings()
    bookings = PaceStore(db(), names.campaigns_table, float(names.campaign_messages_per_second), SYSTEM_CLOCK)
    return CampaignRunService(
        campaign_stores(),
        sending_accounts(),
        member_lists(),
        membership_store(),
        message_queue(),
        EventBus(clients.events_client(), names.bus_name),
        Pace(bookings, float(names.campaign_delay_seconds)),
        SYSTEM_CLOCK,
    )


@cache
def campaign_triggers() -> "CampaignTriggerService":
    """Return what lets changes trigger campaigns in this process."""
    from api_segments.campaigns.running.triggers import CampaignTriggerService

    return CampaignTriggerService(
        campaign_stores(), sending_accounts(), membership_store(), message_queue(), campaign_queue(), SYSTEM_CLOCK
    )


@cache
def message_tokens() -> "MessageTokens":
    """Return the tokens that go out with messages."""
    from api_segments.campaigns.sending.opt_outs import MessageTokens

    return MessageTokens(signed_tokens())


@cache
def opt_outs() -> "OptOutService":
    """Return the process's opt-outs."""
    from api_segments.campaigns.sending.opt_outs import OptOutService

    return OptOutService(message_tokens(), profiles(), suppressions(), address_keys(), delivery_store(), SYSTEM_CLOCK)


@cache
def provider_connections() -> KeptConnections:
    """Return the process's connections to those who carry messages."""
    return KeptConnections(SYSTEM_CLOCK)


@cache
def dispatch() -> "Dispatch":
    """Return what makes messages ready and hands them to their providers in this process."""
    from api_segments.aws.event_bus import EventBus
    from api_segments.campaigns.providers.push import PushProvider
    from api_segments.campaigns.providers.sms import SmsProvider
    from api_segments.campaigns.providers.webhooks import WebhookProvider
    from api_segments.campaigns.sending.dispatch import Dispatch, Providers

    names = settings()
    providers = Providers(
        emails(),
        SmsProvider(clients.sns_client()),
        PushProvider(clients.sns_client()),
        WebhookProvider(names.webhook_test_origin, SYSTEM_CLOCK),
        EventBus(clients.events_client(), names.bus_name),
    )
    return Dispatch(providers, message_tokens(), profiles(), address_keys(), names.public_url, SYSTEM_CLOCK)


@cache
def test_messages() -> "TestMessageService":
    """Return what sends test messages in this process."""
    from api_segments.campaigns.sending.testing import TestMessageService

    return TestMessageService(dispatch(), profiles(), settings_store(), emails(), SYSTEM_CLOCK)


@cache
def sending() -> "SendingService":
    """Return what sends messages in this process."""
    from api_segments.campaigns.sending.service import SendingService, SendingStores

    stores = SendingStores(
        sending_accounts(),
        campaign_store(),
        delivery_store(),
        settings_store(),
        profile_store(),
        suppression_store(),
        address_keys(),
    )
    return SendingService(stores, dispatch(), SYSTEM_CLOCK)
