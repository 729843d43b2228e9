"""What the `accounts` function takes and gives about campaigns: what an account declares for them."""

from typing import Any, Literal

from api_segments.accounts.operations import AccountId, Operation
from api_segments.campaigns.model import CampaignSettings, Recipient, RecipientType
from api_segments.campaigns.planning.settings import CampaignSettingsService
from api_segments.core.clock import Deadline
from api_segments.http.fields import Text
from api_segments.profiles.model import TokenType


class SetTimeZone(Operation):
    """Set the time zone that times of campaigns are in."""

    operation: Literal["set_time_zone"]
    account_id: AccountId
    time_zone: Text

    def run(self, settings: CampaignSettingsService, deadline: Deadline) -> dict[str, Any]:
        """Set it."""
        return _answer(settings.set_time_zone(self.account_id, self.time_zone, deadline))


class ChangeSender(Operation):
    """Declare an address to send from, or take it back."""

    operation: Literal["add_sender", "remove_sender"]
    account_id: AccountId
    email: Text

    def run(self, settings: CampaignSettingsService, deadline: Deadline) -> dict[str, Any]:
        """Declare it, or take it back."""
        change = settings.add_sender if self.operation == "add_sender" else settings.remove_sender
        return _answer(change(self.account_id, self.email, deadline))


class AddWebhook(Operation):
    """Declare a URL that campaigns may call."""

    operation: Literal["add_webhook"]
    account_id: AccountId
    name: Text
    url: str

    def run(self, settings: CampaignSettingsService, deadline: Deadline) -> dict[str, Any]:
        """Declare it; the answer is the only place that ever shows its secret."""
        declared, webhook = settings.add_webhook(self.account_id, self.name, self.url, deadline)
        shown = {"name": webhook.name, "url": webhook.url, "secret": webhook.secret}
        return {**_answer(declared), "webhook": shown}


class RemoveWebhook(Operation):
    """Take a URL back."""

    operation: Literal["remove_webhook"]
    account_id: AccountId
    name: Text

    def run(self, settings: CampaignSettingsService, deadline: Deadline) -> dict[str, Any]:
        """Take it back."""
        return _answer(settings.remove_webhook(self.account_id, self.name, deadline))


class SetPushApplication(Operation):
    """Set the SNS platform application for the tokens of a kind, null for none."""

    operation: Literal["set_push_application"]
    account_id: AccountId
    type: Literal["fcm", "apns"]
    arn: Text | None

    def run(self, settings: CampaignSettingsService, deadline: Deadline) -> dict[str, Any]:
        """Set it."""
        return _answer(settings.set_push_application(self.account_id, TokenType(self.type), self.arn, deadline))


class ChangeTestRecipient(Operation):
    """Declare who may get test messages, or take that back."""

    operation: Literal["add_test_recipient", "remove_test_recipient"]
    account_id: AccountId
    type: Literal["email", "phone", "fcm", "apns", "chrome"]
    address: str

    def run(self, settings: CampaignSettingsService, deadline: Deadline) -> dict[str, Any]:
        """Declare it, or take it back."""
        is_new = self.operation == "add_test_recipient"
        change = settings.add_test_recipient if is_new else settings.remove_test_recipient
        return _answer(change(self.account_id, Recipient(RecipientType(self.type), self.address), deadline))


Declaration = SetTimeZone | ChangeSender | AddWebhook | RemoveWebhook | SetPushApplication | ChangeTestRecipient


def _answer(settings: CampaignSettings) -> dict[str, Any]:
    shown = {
        "time_zone": settings.time_zone,
        "senders": list(settings.senders),
        "webhooks": [{"name": webhook.name, "url": webhook.url} for webhook in settings.webhooks.values()],
        "push_applications": {str(kind): arn for kind, arn in sorted(settings.push_applications.items())},
        "test_recipients": [{"type": str(each.type), "address": each.address} for each in settings.test_recipients],
    }
    return {"status": "success", "settings": shown}
