"""What an account declared for its campaigns, and what content and times mean by that."""

from collections.abc import Mapping

from api_segments.campaigns.content.fields import check_content, sender_of
from api_segments.campaigns.model import CampaignSettings, TargetMode
from api_segments.campaigns.planning.times import LocalStart, read_start
from api_segments.campaigns.providers.email import EmailProvider
from api_segments.campaigns.store_settings import CampaignSettingsStore
from api_segments.core.clock import Clock, Deadline
from api_segments.core.errors import InvalidRequestError


class DeclaredService:
    """Reads an account's declarations, and holds requests to them. Raises ThrottledError or UnavailableError."""

    def __init__(self, settings: CampaignSettingsStore, emails: EmailProvider, clock: Clock) -> None:
        self._settings = settings
        self._emails = emails
        self._clock = clock

    def settings(self, account_id: str, deadline: Deadline) -> CampaignSettings:
        """Return what the account declared for its campaigns."""
        return self._settings.get(account_id, deadline)

    def time_zone(self, account_id: str, deadline: Deadline) -> str:
        """Return the account's time zone, whatever else of its settings is damaged."""
        return self._settings.time_zone(account_id, deadline)

    def verified(self, settings: CampaignSettings, deadline: Deadline) -> dict[str, bool]:
        """Return of each of the account's senders whether emails may come from it."""
        return {sender: self._emails.is_verified(sender, deadline) for sender in settings.senders}

    def start_of(self, account_id: str, when: str, deadline: Deadline) -> LocalStart:
        """Return what a local time means for a creation at this moment; raises InvalidRequestError."""
        return read_start(when, self.settings(account_id, deadline).time_zone, self._clock.now(), "when")

    def check_content(
        self, mode: TargetMode, content: Mapping[str, str], settings: CampaignSettings, deadline: Deadline
    ) -> None:
        """Raise InvalidRequestError unless a content can be sent by the account."""
        check_content(mode, content, settings)
        if mode is not TargetMode.EMAIL:
            return
        sender = sender_of(content, settings)
        if sender is None or not self._emails.is_verified(sender, deadline):
            raise InvalidRequestError(f"content.sender: {sender} is not verified with SES")
