"""Online campaigns (Stage.ACTING): one message for each change that a campaign acts on, however often told."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from api_segments.aws.task_queue import TaskQueue
from api_segments.campaigns.model import (
    Campaign,
    CampaignStatus,
    CampaignTask,
    DeliveryStatus,
    Message,
    Outcome,
    SkipReason,
    Trigger,
)
from api_segments.campaigns.running.runs import UNREACHABLE, CampaignStores, within_room
from api_segments.campaigns.sending_accounts import SendingAccounts
from api_segments.campaigns.stages import is_full
from api_segments.campaigns.store_walks import CAMPAIGN_PAGE, QUEUED, LogEntry, StepRefusedError
from api_segments.core.clock import Backoff, Clock, Deadline
from api_segments.core.errors import NotWrittenError, ThrottledError
from api_segments.memberships.model import Action, MembershipImage
from api_segments.memberships.store import MembershipStore


@dataclass(frozen=True, slots=True)
class Change:
    """A `Segment Membership Change` as the bus told it; `detail` is all of it."""

    account_id: str
    trigger: Trigger
    profile_id: str
    event_id: str
    occurred_at: datetime
    detail: Mapping[str, Any]

    @classmethod
    def from_detail(cls, detail: Mapping[str, Any]) -> "Change":
        """Read an event's detail; raises LookupError, ValueError or TypeError if it is none of ours."""
        change = cls(
            account_id=detail["Account ID"],
            trigger=Trigger(int(detail["Segment ID"]), Action(detail["Action"])),
            profile_id=detail["Profile ID"],
            event_id=detail["Event ID"],
            occurred_at=datetime.fromisoformat(detail["Occurred At"]),
            detail=detail,
        )
        if not all(isinstance(text, str) for text in (change.account_id, change.profile_id, change.event_id)):
            raise TypeError("an id is no text")
        if change.occurred_at.tzinfo is None:
            raise ValueError("the time has no zone")
        return change


@dataclass(frozen=True, slots=True)
class TriggerReport:
    """How many messages were queued, and the indexes of the changes that are to be told again."""

    queued: int
    failed: frozenset[int]


class CampaignTriggerService:
    """Lets changes of membership trigger campaigns."""

    def __init__(  # noqa: PLR0913, PLR0917 - what a change goes through
        self,
        stores: CampaignStores,
        accounts: SendingAccounts,
        memberships: MembershipStore,
        messages: TaskQueue,
        tasks: TaskQueue,
        clock: Clock,
    ) -> None:
        self._stores = stores
        self._accounts = accounts
        self._memberships = memberships
        self._messages = messages
        self._tasks = tasks
        self._clock = clock

    def trigger(self, changes: Sequence[Change], deadline: Deadline) -> TriggerReport:
        """Queue the messages of all campaigns that act on these changes."""
        indexes: dict[tuple[str, Trigger], list[int]] = {}
        for index, change in enumerate(changes):
            indexes.setdefault((change.account_id, change.trigger), []).append(index)
        queued, failed = 0, set[int]()
        for (account_id, trigger), group in indexes.items():
            try:
                done, damaged = self._act(account_id, trigger, [changes[index] for index in group], deadline)
            except NotWrittenError:
                failed.update(group)
            else:
                queued += done
                failed.update(group[position] for position in damaged)
        return TriggerReport(queued, frozenset(failed))

    def _act(
        self, account_id: str, trigger: Trigger, changes: Sequence[Change], deadline: Deadline
    ) -> tuple[int, list[int]]:
        """Queue the messages of all campaigns that act on one trigger, as far as no item is damaged.

        Returns how many, and the positions of the changes that a damaged item kept from their messages.
        """
        campaign_ids = self._stores.campaigns.acting_on(account_id, trigger, deadline)
        if not campaign_ids:
            return 0, []
        campaigns = self._stores.campaigns.get_many(account_id, campaign_ids, deadline)
        profile_ids = list(dict.fromkeys(change.profile_id for change in changes))
        images = self._memberships.get_many(account_id, profile_ids, deadline)
        refusal = self._accounts.refusal(account_id, deadline)
        readable = [change for change in changes if change.profile_id not in images.damaged]
        queued, not_readable = 0, set[str]()
        for campaign in campaigns.without_damaged().values():
            done, of_it = self._message(campaign, readable, images.without_damaged(), refusal, deadline)
            queued += done
            not_readable |= of_it
        damaged = [
            position
            for position, change in enumerate(changes)
            if campaigns.damaged or change.profile_id in images.damaged or change.event_id in not_readable
        ]
        return queued, damaged

    def _message(
        self,
        campaign: Campaign,
        changes: Sequence[Change],
        images: Mapping[str, MembershipImage],
        refusal: SkipReason | None,
        deadline: Deadline,
    ) -> tuple[int, set[str]]:
        """Log and queue a campaign's messages for changes, by their Event ID.

        Returns how many were queued, and the ids of those whose line in the log is damaged. Of an account that may not
        send now they are logged as skipped, so they are not sent later either.
        """
        now = self._clock.now()
        meant, others = _parted(campaign, changes, images)
        entries = [
            LogEntry(
                Message(campaign.account_id, campaign.campaign_id, event_id, change.profile_id, change.detail),
                _outcome(campaign, images[change.profile_id], refusal),
                now,
            )
            for event_id, change in meant.items()
        ]
        queued, damaged = self._logged_before(campaign, others, now, deadline)
        for start in range(0, len(entries), CAMPAIGN_PAGE):
            more, of_it = self._log(campaign, entries[start : start + CAMPAIGN_PAGE], deadline)
            queued += more
            damaged |= of_it
        # First of all, also when these changes were told before: who queues the last message may not come to this.
        self._complete_if_full(campaign, deadline)
        self._messages.put_all([entry.message.to_json() for entry in queued], deadline)
        return len(queued), damaged

    def _logged_before(
        self, campaign: Campaign, changes: Mapping[str, Change], now: datetime, deadline: Deadline
    ) -> tuple[list[LogEntry], set[str]]:
        """Return the messages of users who have left the audience since these were logged: the sender ends them.

        And the ids of those whose line in the log is damaged.
        """
        if not changes:
            return [], set()
        entries = [
            LogEntry(
                Message(campaign.account_id, campaign.campaign_id, event_id, change.profile_id, change.detail),
                QUEUED,
                now,
            )
            for event_id, change in changes.items()
        ]
        _, queued, damaged = self._not_logged(campaign, entries, deadline)
        return queued, damaged

    def _log(
        self, campaign: Campaign, entries: Sequence[LogEntry], deadline: Deadline
    ) -> tuple[list[LogEntry], set[str]]:
        """Log the entries that are not logged yet; return those to queue: now logged, or logged and not sent yet.

        And the ids of those whose line in the log is damaged.
        """
        backoff = Backoff(deadline)
        left, queued, damaged = list(entries), list[LogEntry](), set[str]()
        room: int | None = None
        while left:
            chosen = left if room is None else within_room(left, room)
            if not chosen:
                break
            try:
                self._stores.walks.admit(campaign, chosen, deadline)
            except StepRefusedError:
                left, again, of_them = self._not_logged(campaign, left, deadline)
                queued += again
                damaged |= of_them
                room = self._room(campaign, deadline)
                if not backoff.wait():
                    raise ThrottledError("the campaign kept changing") from None
            else:
                queued += [entry for entry in chosen if entry.outcome == QUEUED]
                break
        return queued, damaged

    def _not_logged(
        self, campaign: Campaign, entries: Sequence[LogEntry], deadline: Deadline
    ) -> tuple[list[LogEntry], list[LogEntry], set[str]]:
        """Part what is not in the log from what is there and queued: that may not have come into its queue.

        The ids of lines that are damaged come last.
        """
        ids = [entry.message.delivery_id for entry in entries]
        logged = self._stores.deliveries.get_many(campaign.account_id, campaign.campaign_id, ids, deadline)
        known = logged.without_damaged()
        again = {each for each, delivery in known.items() if delivery.status is DeliveryStatus.QUEUED}
        left = [entry for entry in entries if entry.message.delivery_id not in {*known, *logged.damaged}]
        return left, [entry for entry in entries if entry.message.delivery_id in again], set(logged.damaged)

    def _room(self, campaign: Campaign, deadline: Deadline) -> int | None:
        """Return how many messages the campaign may still queue: none if it has ended, None if it has no limit."""
        state = self._stores.campaigns.get_state(campaign.account_id, campaign.campaign_id, deadline)
        if state is None or state[0].status is not CampaignStatus.RUNNING:
            return 0
        return None if campaign.users_limit is None else max(0, campaign.users_limit - state[1].queued)

    def _complete_if_full(self, campaign: Campaign, deadline: Deadline) -> None:
        """See to it that a full campaign comes to its end, unless that is on its way."""
        if campaign.users_limit is None or campaign.status is not CampaignStatus.RUNNING:
            return
        state = self._stores.campaigns.get_state(campaign.account_id, campaign.campaign_id, deadline)
        if state is not None and is_full(campaign, state[1]) and state[1].walked_at is None:
            task = CampaignTask(campaign.account_id, campaign.campaign_id).to_json()
            self._tasks.put_off(task, 0, deadline)


def _outcome(campaign: Campaign, image: MembershipImage, refusal: SkipReason | None) -> Outcome:
    """Return what becomes of a user's message at first."""
    if refusal is not None:
        return Outcome(DeliveryStatus.SKIPPED, refusal)
    return QUEUED if campaign.target_mode.reaches(image.reach) else UNREACHABLE


def _parted(
    campaign: Campaign, changes: Sequence[Change], images: Mapping[str, MembershipImage]
) -> tuple[dict[str, Change], dict[str, Change]]:
    """Part the changes that are not older than the campaign, each once: of users in its audience now, and of others.

    Events tell times in whole seconds, so one of the second in which the campaign was created counts.
    """
    since = datetime.fromisoformat(campaign.created_at).replace(microsecond=0)
    meant: dict[str, Change] = {}
    others: dict[str, Change] = {}
    for change in changes:
        if change.occurred_at >= since:
            image = images.get(change.profile_id)
            is_meant = image is not None and campaign.audience.includes(image.segment_ids)
            (meant if is_meant else others)[change.event_id] = change
    return meant, others
