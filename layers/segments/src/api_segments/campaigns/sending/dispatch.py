"""One message to its channel: what each channel needs of a campaign, its content and a profile."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import assert_never

from api_segments.aws.delivery import Reply
from api_segments.aws.event_bus import EventBus
from api_segments.campaigns.content.fields import marked_as_test, render, sender_of, variables, webhook_of
from api_segments.campaigns.events import message_requested
from api_segments.campaigns.model import Campaign, CampaignSettings, Message, TargetMode
from api_segments.campaigns.providers.email import Email, EmailProvider
from api_segments.campaigns.providers.push import PushProvider
from api_segments.campaigns.providers.sms import SmsProvider
from api_segments.campaigns.providers.webhooks import Call, WebhookProvider
from api_segments.campaigns.sending.opt_outs import MessageTokens, Origin, TokenUse
from api_segments.core.channels import Channel
from api_segments.core.clock import Clock, Deadline
from api_segments.profiles.addresses import AddressKeys, plain_email
from api_segments.profiles.model import Address, AddressType, Profile, ProfileUpdate, Token
from api_segments.profiles.service import ProfileService

Send = Callable[[Deadline], Reply]
"""Sends a message that is ready; nothing of it can fail any more but the provider."""


@dataclass(frozen=True, slots=True)
class Providers:
    """Those who carry messages."""

    emails: EmailProvider
    sms: SmsProvider
    pushes: PushProvider
    webhooks: WebhookProvider
    bus: EventBus


@dataclass(frozen=True, slots=True)
class Tester:
    """Who gets a test message in the user's place, with that one address, and where its links lead."""

    profile: Profile
    public_url: str


@dataclass(frozen=True, slots=True)
class Letter:
    """A message with all that it is made of."""

    campaign: Campaign
    message: Message
    profile: Profile
    settings: CampaignSettings
    tester: Tester | None = None

    @property
    def recipient(self) -> Profile:
        """Whose addresses it goes to."""
        return self.profile if self.tester is None else self.tester.profile

    @property
    def event_id(self) -> str:
        """By what a receiver knows this message when it comes twice."""
        return f"{self.message.campaign_id}-{self.message.delivery_id}"


class Dispatch:
    """Makes messages ready and sends them. `public_url` is where the API is, without a slash at its end."""

    def __init__(  # noqa: PLR0913, PLR0917 - all that messages are made of
        self,
        providers: Providers,
        tokens: MessageTokens,
        profiles: ProfileService,
        addresses: AddressKeys,
        public_url: str,
        clock: Clock,
    ) -> None:
        self._providers = providers
        self._tokens = tokens
        self._profiles = profiles
        self._addresses = addresses
        self._public_url = public_url
        self._clock = clock

    def prepare(self, letter: Letter, deadline: Deadline) -> Send:
        """Fill in the content and return what sends it; raises TemplateError, ThrottledError or UnavailableError."""
        mode = letter.campaign.target_mode
        link = self._link(letter, deadline) if mode is TargetMode.EMAIL else None
        known = variables(letter.campaign, letter.profile, letter.message.event, link)
        content = render(mode, letter.campaign.content, known)
        if letter.tester is not None:
            content = marked_as_test(mode, content)
        match mode:
            case TargetMode.EMAIL:
                return self._email(letter, content, str(link), self._token(TokenUse.FEEDBACK, letter, deadline))
            case TargetMode.SMS:
                phone = str(letter.recipient.attributes["Phone"])
                return lambda until: self._providers.sms.send(phone, content["body"], until)
            case TargetMode.PUSH:
                return lambda until: self._push(letter, content, until)
            case TargetMode.WEBHOOK:
                return self._webhook(letter, content)
            case TargetMode.WHATSAPP | TargetMode.WEB_PUSH:
                return lambda until: self._request(letter, content, until)
            case _:
                assert_never(mode)

    def _link(self, letter: Letter, deadline: Deadline) -> str:
        public_url = self._public_url if letter.tester is None else letter.tester.public_url
        return f"{public_url}/unsubscribe/{self._token(TokenUse.UNSUBSCRIBE, letter, deadline)}"

    def _token(self, use: TokenUse, letter: Letter, deadline: Deadline) -> str:
        message, email = letter.message, Address(AddressType.EMAIL, str(letter.recipient.attributes["Email"]))
        key = self._addresses.of(message.account_id, email, deadline).key
        message_id = (message.account_id, message.profile_id, message.campaign_id, Channel.EMAIL, message.delivery_id)
        use = use if letter.tester is None else TokenUse.TEST
        return self._tokens.write(use, Origin(*message_id, key), deadline)

    def _email(self, letter: Letter, content: dict[str, str], link: str, token: str) -> Send:
        sender = sender_of(letter.campaign.content, letter.settings)
        if sender is None:  # it was declared when the campaign was created
            return _refused
        email = Email(
            sender=sender,
            sender_name=content.get("sender_name"),
            recipient=plain_email(str(letter.recipient.attributes["Email"])),
            reply_to=letter.campaign.content.get("reply_to"),
            subject=content["subject"],
            html=content["body"],
            text=content["text"],
            unsubscribe_url=link,
            token=token,
        )
        return lambda until: self._providers.emails.send(email, until)

    def _push(self, letter: Letter, content: dict[str, str], deadline: Deadline) -> Reply:
        """Send to each device of the user; one that took it is enough, as the others can't be tried again alone."""
        replies: dict[Token, Reply] = {}
        for token in sorted(letter.recipient.tokens, key=lambda token: (token.type, token.token_id)):
            application = letter.settings.push_applications.get(token.type)
            if application is not None:
                replies[token] = self._providers.pushes.send(application, token, content, deadline)
        dead = frozenset(token for token, reply in replies.items() if reply is Reply.GONE)
        if dead and letter.tester is None:  # if that fails, the next message finds them dead again
            guid = letter.message.profile_id
            update = ProfileUpdate(identity=None, guid=guid, removed_tokens=dead, creates=False)
            self._profiles.update(letter.message.account_id, {0: update}, deadline)
        said = set(replies.values())
        return next(
            (reply for reply in (Reply.ACCEPTED, Reply.UNKNOWN, Reply.TRY_AGAIN) if reply in said), Reply.REFUSED
        )

    def _webhook(self, letter: Letter, content: dict[str, str]) -> Send:
        webhook = webhook_of(letter.campaign.content, letter.settings)
        if webhook is None:  # it was declared when the campaign was created
            return _refused
        call = Call(content["body"].encode(), letter.event_id)
        return lambda until: self._providers.webhooks.send(webhook, call, until)

    def _request(self, letter: Letter, content: dict[str, str], deadline: Deadline) -> Reply:
        """Ask a provider of the team's own, by an event."""
        event = message_requested(letter.campaign, letter.recipient, content, letter.event_id, self._clock.now())
        return Reply.TRY_AGAIN if self._providers.bus.put([event], deadline) else Reply.ACCEPTED


def _refused(_: Deadline) -> Reply:
    return Reply.REFUSED
