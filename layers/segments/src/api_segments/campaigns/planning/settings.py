"""What an account declares for its campaigns: time zone, senders, webhooks, push applications."""

import re
import secrets
from collections.abc import Mapping
from dataclasses import replace
from urllib.parse import SplitResult, urlsplit
from zoneinfo import available_timezones

from email_validator import EmailNotValidError, validate_email

from api_segments.accounts.service import AccountService
from api_segments.campaigns.model import CampaignSettings, Recipient, RecipientType, Webhook
from api_segments.campaigns.store_settings import CampaignSettingsStore
from api_segments.core.clock import Deadline
from api_segments.core.errors import ConflictError, InvalidRequestError, NotFoundError
from api_segments.core.limits import (
    MAX_SENDERS,
    MAX_TEST_RECIPIENTS,
    MAX_TOKEN_CHARACTERS,
    MAX_URL_CHARACTERS,
    MAX_WEBHOOKS,
)
from api_segments.profiles.model import TokenType

WEBHOOK_SECRET_BYTES = 32

# SNS API reference, CreatePlatformApplication.
_PLATFORMS = {TokenType.FCM: "GCM", TokenType.APNS: "(?:APNS|APNS_SANDBOX)"}
_APPLICATION = r"app/%s/[A-Za-z0-9_.-]{1,256}"
_PHONE = re.compile(r"\+[1-9][0-9]{6,14}")  # ITU-T E.164
_TOKEN = re.compile(rf"[!-~]{{1,{MAX_TOKEN_CHARACTERS}}}")
# What a request line can carry as it is: no spaces, no control characters, nothing beyond ASCII.
_URL = re.compile(r"[!-~]+")
_HOST = re.compile(r"[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\]")


class CampaignSettingsService:
    """Changes what accounts declare.

    `test_origin` is the one origin that a webhook may have without https; `sns` is what the ARN of everything of SNS in
    the stack's account and region begins with, as no function may use others.
    """

    def __init__(self, accounts: AccountService, settings: CampaignSettingsStore, test_origin: str, sns: str) -> None:
        self._accounts = accounts
        self._settings = settings
        self._test_origin = test_origin
        self._sns = sns

    def set_time_zone(self, account_id: str, time_zone: str, deadline: Deadline) -> CampaignSettings:
        """Set the IANA time zone; raises InvalidRequestError, NotFoundError."""
        self._accounts.get(account_id, deadline)
        if time_zone not in available_timezones():
            raise InvalidRequestError("time_zone: must be a name of the IANA database, like Europe/Berlin")
        return self._settings.change(account_id, lambda settings: replace(settings, time_zone=time_zone), deadline)

    def add_sender(self, account_id: str, address: str, deadline: Deadline) -> CampaignSettings:
        """Declare an address to send from; one that is there stays. Raises InvalidRequestError, NotFoundError."""
        self._accounts.get(account_id, deadline)
        try:
            parts = validate_email(address, check_deliverability=False, allow_smtputf8=False)
        except EmailNotValidError:
            raise InvalidRequestError("email: must be an email address") from None
        sender = f"{parts.local_part}@{parts.ascii_domain}"

        def add(settings: CampaignSettings) -> CampaignSettings:
            if any(sender.casefold() == known.casefold() for known in settings.senders):
                return settings
            if len(settings.senders) >= MAX_SENDERS:
                raise ConflictError(f"account {account_id} has {MAX_SENDERS} senders; remove one first")
            return replace(settings, senders=(*settings.senders, sender))

        return self._settings.change(account_id, add, deadline)

    def remove_sender(self, account_id: str, address: str, deadline: Deadline) -> CampaignSettings:
        """Take an address back; messages of campaigns that name it are refused from then on. Raises NotFoundError."""
        self._accounts.get(account_id, deadline)

        def remove(settings: CampaignSettings) -> CampaignSettings:
            kept = tuple(known for known in settings.senders if known.casefold() != address.casefold())
            if kept == settings.senders:
                raise NotFoundError(f"email: account {account_id} has no such sender")
            return replace(settings, senders=kept)

        return self._settings.change(account_id, remove, deadline)

    def add_webhook(self, account_id: str, name: str, url: str, deadline: Deadline) -> tuple[CampaignSettings, Webhook]:
        """Declare a URL to call; the secret that signs its calls is shown here alone.

        Raises InvalidRequestError, NotFoundError, ConflictError if the name is taken.
        """
        self._accounts.get(account_id, deadline)
        self._check_url(url)
        webhook = Webhook(name, url, secrets.token_urlsafe(WEBHOOK_SECRET_BYTES))

        def add(settings: CampaignSettings) -> CampaignSettings:
            if settings.webhooks.get(name) == webhook:  # our own write, whose answer was lost
                return settings
            if name in settings.webhooks:
                raise ConflictError("name: the account has a webhook of this name; remove it first")
            if len(settings.webhooks) >= MAX_WEBHOOKS:
                raise ConflictError(f"account {account_id} has {MAX_WEBHOOKS} webhooks; remove one first")
            return replace(settings, webhooks={**settings.webhooks, name: webhook})

        return self._settings.change(account_id, add, deadline), webhook

    def remove_webhook(self, account_id: str, name: str, deadline: Deadline) -> CampaignSettings:
        """Take a URL back, and its secret; raises NotFoundError."""
        self._accounts.get(account_id, deadline)

        def remove(settings: CampaignSettings) -> CampaignSettings:
            if name not in settings.webhooks:
                raise NotFoundError(f"name: account {account_id} has no such webhook")
            kept: Mapping[str, Webhook] = {
                known: webhook for known, webhook in settings.webhooks.items() if known != name
            }
            return replace(settings, webhooks=kept)

        return self._settings.change(account_id, remove, deadline)

    def set_push_application(
        self, account_id: str, kind: TokenType, arn: str | None, deadline: Deadline
    ) -> CampaignSettings:
        """Set the SNS platform application for `fcm` or `apns` tokens, None for none.

        Raises InvalidRequestError, NotFoundError.
        """
        self._accounts.get(account_id, deadline)
        if kind not in _PLATFORMS:
            raise InvalidRequestError("type: must be 'fcm' or 'apns'")
        if arn is not None and not re.fullmatch(re.escape(self._sns) + _APPLICATION % _PLATFORMS[kind], arn):
            raise InvalidRequestError(
                f"arn: must be that of an SNS platform application for {kind} in this stack's account and region"
            )

        def put(settings: CampaignSettings) -> CampaignSettings:
            others = {known: each for known, each in settings.push_applications.items() if known is not kind}
            return replace(settings, push_applications={**others, **({} if arn is None else {kind: arn})})

        return self._settings.change(account_id, put, deadline)

    def add_test_recipient(self, account_id: str, recipient: Recipient, deadline: Deadline) -> CampaignSettings:
        """Declare who may get test messages; one that is there stays. Raises InvalidRequestError, NotFoundError."""
        self._accounts.get(account_id, deadline)
        _check_recipient(recipient)

        def add(settings: CampaignSettings) -> CampaignSettings:
            if recipient in settings.test_recipients:
                return settings
            if len(settings.test_recipients) >= MAX_TEST_RECIPIENTS:
                raise ConflictError(f"account {account_id} has {MAX_TEST_RECIPIENTS} test recipients; remove one first")
            return replace(settings, test_recipients=(*settings.test_recipients, recipient))

        return self._settings.change(account_id, add, deadline)

    def remove_test_recipient(self, account_id: str, recipient: Recipient, deadline: Deadline) -> CampaignSettings:
        """Take a recipient of test messages back; raises NotFoundError."""
        self._accounts.get(account_id, deadline)

        def remove(settings: CampaignSettings) -> CampaignSettings:
            kept = tuple(known for known in settings.test_recipients if known != recipient)
            if kept == settings.test_recipients:
                raise NotFoundError(f"address: account {account_id} has no such test recipient")
            return replace(settings, test_recipients=kept)

        return self._settings.change(account_id, remove, deadline)

    def _check_url(self, url: str) -> None:
        """Raise InvalidRequestError unless a URL can be called; where it leads is checked at each call."""
        parts = _split(url)
        if parts is None or len(url) > MAX_URL_CHARACTERS or not _URL.fullmatch(url):
            raise InvalidRequestError(
                f"url: must be a URL of at most {MAX_URL_CHARACTERS:,} printable ASCII characters"
            )
        if parts.username is not None or parts.password is not None or "#" in url:
            raise InvalidRequestError("url: must have no user, no passcode and no fragment")
        if parts.scheme != "https" and not (
            self._test_origin and f"{parts.scheme}://{parts.netloc}" == self._test_origin
        ):
            raise InvalidRequestError("url: must begin with https://")


def _check_recipient(recipient: Recipient) -> None:
    """Raise InvalidRequestError unless an address is one of its type."""
    if recipient.type is RecipientType.EMAIL:
        try:
            validate_email(recipient.address, check_deliverability=False)
        except EmailNotValidError:
            raise InvalidRequestError("address: must be an email address") from None
    elif recipient.type is RecipientType.PHONE:
        if not _PHONE.fullmatch(recipient.address):
            raise InvalidRequestError('address: must be a phone number in E.164, like "+14155551234"')
    elif not _TOKEN.fullmatch(recipient.address):
        raise InvalidRequestError("address: must be a token of printable ASCII characters")


def _split(url: str) -> SplitResult | None:
    """Return the parts of a URL that has a host and, if it has one, a port."""
    try:
        parts = urlsplit(url)
        has_port = parts.port != 0
    except ValueError:
        return None
    host, _, _ = parts.netloc.rpartition(":") if parts.port is not None else (parts.netloc, "", "")
    return parts if has_port and _HOST.fullmatch(host.rpartition("@")[2]) else None
