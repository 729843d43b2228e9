"""Bring each message of a campaign to its end, once, however often its queue delivers it.

A message is claimed before its provider is called, and settled after. A sender that dies in between leaves it claimed;
when the claim has run out nobody can know whether it went out, so it is not sent again.
"""

import logging
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from api_segments.aws.delivery import Reply
from api_segments.campaigns.content.templates import TemplateError
from api_segments.campaigns.model import (
    Campaign,
    CampaignSettings,
    CampaignStatus,
    DeliveryStatus,
    FailReason,
    Message,
    Outcome,
    SkipReason,
)
from api_segments.campaigns.sending.dispatch import Dispatch, Letter
from api_segments.campaigns.sending_accounts import SendingAccounts
from api_segments.campaigns.store import CampaignStore
from api_segments.campaigns.store_deliveries import DeliveryStore
from api_segments.campaigns.store_settings import CampaignSettingsStore
from api_segments.core.clock import Clock, Deadline, rfc3339
from api_segments.core.errors import NotWrittenError
from api_segments.core.parallel import in_parallel
from api_segments.profiles.addresses import AddressKeys
from api_segments.profiles.channels import RULES
from api_segments.profiles.model import Address, Profile
from api_segments.profiles.reachability import reach_of
from api_segments.profiles.store import ProfileState, ProfileStore
from api_segments.profiles.store_suppressions import SuppressionStore

# Lambda lets a sender run for 120 s (template.yaml), and clocks differ: a message that it has not ended by then is
# nobody's any more, and its queue delivers it again.
SENDING_SECONDS = 150
# A call of a provider takes so long at most (clients.py: 2 s to connect, 10 s to read), and what came of it takes some
# seconds to be written: so much earlier than the rest must end, no call is begun.
PROVIDER_SECONDS = 12
SETTLING_SECONDS = PROVIDER_SECONDS + 3
SETTINGS_SECONDS = 60

_LOG = logging.getLogger(__name__)

_KEPT_CONTENTS = 8  # of campaigns; one has up to 200 KB
ENDS = {
    Reply.ACCEPTED: Outcome(DeliveryStatus.SENT),
    Reply.REFUSED: Outcome(DeliveryStatus.FAILED, FailReason.REFUSED),
    Reply.GONE: Outcome(DeliveryStatus.FAILED, FailReason.REFUSED),
    Reply.GAVE_UP: Outcome(DeliveryStatus.FAILED, FailReason.UNAVAILABLE),
    Reply.UNKNOWN: Outcome(DeliveryStatus.FAILED, FailReason.OUTCOME_UNKNOWN),
}


@dataclass(frozen=True, slots=True)
class SendingStores:
    """What senders read and write."""

    accounts: SendingAccounts
    campaigns: CampaignStore
    deliveries: DeliveryStore
    settings: CampaignSettingsStore
    profiles: ProfileStore
    suppressions: SuppressionStore
    addresses: AddressKeys


@dataclass(frozen=True, slots=True)
class QueuedMessage:
    """A message as its queue delivers it; `is_last` is whether it will not be delivered again."""

    message: Message
    is_last: bool


@dataclass
class SendingReport:
    """What became of a batch: outcomes by their counters' names, and the ids of what must be delivered again."""

    outcomes: Counter[str] = field(default_factory=Counter)
    again: set[str] = field(default_factory=set)


class SendingService:
    """Sends messages."""

    def __init__(self, stores: SendingStores, dispatch: Dispatch, clock: Clock) -> None:
        self._stores = stores
        self._dispatch = dispatch
        self._clock = clock
        self._settings: dict[str, tuple[float, CampaignSettings]] = {}
        self._contents: dict[tuple[str, int], Mapping[str, str]] = {}

    def send(self, messages: Mapping[str, QueuedMessage], deadline: Deadline) -> SendingReport:
        """Bring messages to their ends, side by side; those not ended, by the queue's ids, are to come again."""
        report = SendingReport()

        def send_one(queue_id: str) -> None:
            try:
                outcome = None if deadline.is_over() else self._send(messages[queue_id], deadline)
            except NotWrittenError as error:
                _LOG.warning("a message waits: %s", error.slug)
                outcome = None
            if outcome is None:
                report.again.add(queue_id)
            else:
                report.outcomes[outcome] += 1

        if messages:
            in_parallel(send_one, list(messages))
        return report

    def _send(self, queued: QueuedMessage, deadline: Deadline) -> str | None:
        """Return under which name the message was counted, `known` if it had ended before; None if it must come again.

        Raises ThrottledError or UnavailableError.
        """
        message, now = queued.message, self._clock.now()
        delivery = self._stores.deliveries.get(message, deadline)
        if delivery is None or delivery.status not in (DeliveryStatus.QUEUED, DeliveryStatus.SENDING):
            return "known"
        if delivery.status is DeliveryStatus.SENDING:
            if delivery.sending_until is not None and rfc3339(now) <= delivery.sending_until:
                return None
            return self._settle(message, DeliveryStatus.SENDING, ENDS[Reply.UNKNOWN], deadline)
        campaign = self._campaign(message, deadline)
        if campaign is None:
            return "known"
        refusal = self._stores.accounts.refusal(message.account_id, deadline)
        state = self._stores.profiles.load(message.account_id, [message.profile_id], deadline)[message.profile_id]
        skipped = refusal or _skipped(campaign, state)
        if skipped is None and self._is_suppressed(campaign, state.profile, deadline):
            skipped = SkipReason.UNREACHABLE
        if skipped is not None:
            outcome = Outcome(DeliveryStatus.SKIPPED, skipped)
            return self._settle(message, DeliveryStatus.QUEUED, outcome, deadline)
        letter = Letter(campaign, message, state.profile, self._settings_of(message.account_id, deadline))
        return self._deliver(letter, now, is_last=queued.is_last, deadline=deadline)

    def _is_suppressed(self, campaign: Campaign, profile: Profile, deadline: Deadline) -> bool:
        """Look the address up in the account's suppression list itself: what profiles say of it follows later."""
        channel = campaign.target_mode.channel
        address_type = None if channel is None else RULES[channel].address
        if address_type is None:
            return False
        address = Address(address_type, str(profile.attributes[address_type.attribute]))
        key = self._stores.addresses.of(campaign.account_id, address, deadline)
        entry = self._stores.suppressions.get(key, deadline)
        return entry is not None and entry.is_active

    def _deliver(self, letter: Letter, now: datetime, *, is_last: bool, deadline: Deadline) -> str | None:
        message = letter.message
        try:
            send = self._dispatch.prepare(letter, deadline)
        except TemplateError:  # its words may quote the user's data
            _LOG.warning("a template failed")
            outcome = Outcome(DeliveryStatus.FAILED, FailReason.TEMPLATE)
            return self._settle(message, DeliveryStatus.QUEUED, outcome, deadline)
        calls_end = replace(deadline, at=deadline.at - SETTLING_SECONDS)
        if calls_end.is_over():
            return None
        until = now + timedelta(seconds=SENDING_SECONDS)
        if not self._stores.deliveries.claim(message, rfc3339(now), rfc3339(until), deadline):
            return None  # another sender has just claimed it, or ended it
        reply = send(calls_end)
        if reply is not Reply.TRY_AGAIN:
            return self._settle(message, DeliveryStatus.SENDING, ENDS[reply], deadline)
        if is_last:
            return self._settle(message, DeliveryStatus.SENDING, ENDS[Reply.GAVE_UP], deadline)
        self._stores.deliveries.release(message, deadline)
        return None

    def _settle(self, message: Message, expected: DeliveryStatus, outcome: Outcome, deadline: Deadline) -> str | None:
        now = rfc3339(self._clock.now())
        if self._stores.deliveries.settle(message, expected, outcome, now, deadline):
            return outcome.counter
        return None  # another sender is at it, or our own write's answer was lost: the next delivery finds out

    def _campaign(self, message: Message, deadline: Deadline) -> Campaign | None:
        """Read a campaign, whose state must be of this moment; its content never changes."""
        key = (message.account_id, message.campaign_id)
        content = self._contents.get(key)
        if content is not None:
            state = self._stores.campaigns.get_state(*key, deadline)
            return None if state is None else replace(state[0], content=content)
        found = self._stores.campaigns.get(*key, deadline)
        if found is not None:
            self._contents[key] = found.content
            for oldest in list(self._contents)[:-_KEPT_CONTENTS]:
                self._contents.pop(oldest, None)
        return found

    def _settings_of(self, account_id: str, deadline: Deadline) -> CampaignSettings:
        """Return an account's settings, up to a minute old."""
        now = self._clock.monotonic()
        read_at, settings = self._settings.get(account_id, (now - SETTINGS_SECONDS - 1, CampaignSettings()))
        if now - read_at > SETTINGS_SECONDS:
            settings = self._stores.settings.get(account_id, deadline)
            self._settings[account_id] = (now, settings)
        return settings


def _skipped(campaign: Campaign, state: ProfileState) -> SkipReason | None:
    """Return why a message must not be sent any more, as things are at this moment."""
    if campaign.status is CampaignStatus.STOPPED:
        return SkipReason.STOPPED
    if state.membership is None:
        return SkipReason.ERASED
    if not campaign.audience.includes(state.membership.segment_ids):
        return SkipReason.REMOVED
    if not campaign.target_mode.reaches(reach_of(state.profile)):
        return SkipReason.UNREACHABLE
    return None
