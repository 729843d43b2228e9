"""Send one message of a content to somebody of the account's own, before a campaign goes out."""

from collections.abc import Set

from api_segments.aws.delivery import Reply
from api_segments.campaigns.content.fields import check_content, sender_of
from api_segments.campaigns.content.templates import TemplateError
from api_segments.campaigns.model import (
    CampaignSettings,
    Message,
    Outcome,
    Recipient,
    RecipientType,
    TargetMode,
)
from api_segments.campaigns.planning.previews import TestMessage, campaign_of, user_of
from api_segments.campaigns.providers.email import EmailProvider
from api_segments.campaigns.sending.dispatch import Dispatch, Letter, Tester
from api_segments.campaigns.sending.service import ENDS
from api_segments.campaigns.store_settings import CampaignSettingsStore
from api_segments.core.clock import Clock, Deadline
from api_segments.core.errors import InvalidRequestError
from api_segments.profiles.channels import RULES
from api_segments.profiles.model import AttributeValue, Profile, Token, TokenType
from api_segments.profiles.service import ProfileService


def recipient_types(mode: TargetMode) -> list[RecipientType]:
    """Return by what a message can be sent to: what its channel needs of a user; a webhook's message needs nothing."""
    if mode.channel is None:
        return []
    rule = RULES[mode.channel]
    needed: Set[str] = rule.tokens if rule.address is None else {rule.address}
    return [kind for kind in RecipientType if kind.value in needed]


_ATTRIBUTES = {RecipientType.EMAIL: "Email", RecipientType.PHONE: "Phone"}


class TestMessageService:
    """Sends test messages, through the same providers as campaigns; no campaign counts them."""

    __test__ = False  # none of pytest's

    def __init__(
        self,
        dispatch: Dispatch,
        profiles: ProfileService,
        settings: CampaignSettingsStore,
        emails: EmailProvider,
        clock: Clock,
    ) -> None:
        self._dispatch = dispatch
        self._profiles = profiles
        self._settings = settings
        self._emails = emails
        self._clock = clock

    def send(self, account_id: str, test: TestMessage, public_url: str, deadline: Deadline) -> Outcome:
        """Send one message, whose links lead to `public_url`, and return what became of it.

        Raises InvalidRequestError, which names a mistake's path, NotFoundError, ThrottledError or UnavailableError.
        """
        wanted, mode = test.filled_in, test.filled_in.target_mode
        settings = self._settings.get(account_id, deadline)
        check_content(mode, wanted.content, settings)
        if mode is TargetMode.EMAIL:
            sender = sender_of(wanted.content, settings)
            if sender is None or not self._emails.is_verified(sender, deadline):
                raise InvalidRequestError(f"content.sender: {sender} is not verified with SES")
        profile = user_of(self._profiles, account_id, wanted, deadline)
        campaign = campaign_of(account_id, wanted, self._clock.now())
        message = Message(account_id, campaign.campaign_id, "test", profile.profile_id, wanted.event)
        letter = Letter(
            campaign, message, profile, settings, Tester(_recipient(mode, test.to, settings, profile), public_url)
        )
        try:
            send = self._dispatch.prepare(letter, deadline)
        except TemplateError as error:
            raise InvalidRequestError(f"content.{error}") from None
        reply = send(deadline)
        return ENDS[Reply.GAVE_UP if reply is Reply.TRY_AGAIN else reply]


def _recipient(mode: TargetMode, to: str | None, settings: CampaignSettings, profile: Profile) -> Profile:
    """Return the user as if the test recipient's address were the only one; raises InvalidRequestError."""
    attributes: dict[str, AttributeValue] = {}
    tokens: frozenset[Token] = frozenset()
    if recipient_types(mode):
        recipient = _declared(mode, to, settings)
        if recipient.type in _ATTRIBUTES:
            attributes = {_ATTRIBUTES[recipient.type]: recipient.address}
        else:
            tokens = frozenset({Token(TokenType(recipient.type), recipient.address)})
    elif to is not None:
        raise InvalidRequestError("to: a webhook's test goes to its url, leave it out")
    return Profile(profile.profile_id, profile.identity, attributes, tokens)


def _declared(mode: TargetMode, to: str | None, settings: CampaignSettings) -> Recipient:
    if to is None:
        raise InvalidRequestError("to: is required, one of the account's test recipients")
    fitting = [each for each in settings.test_recipients if each.type in recipient_types(mode)]
    found = next((each for each in fitting if each.address.casefold() == to.casefold()), None)
    if found is None:
        kinds = " or ".join(recipient_types(mode))
        raise InvalidRequestError(f"to: is no test recipient of type {kinds}; declare it with add_test_recipient")
    return found
