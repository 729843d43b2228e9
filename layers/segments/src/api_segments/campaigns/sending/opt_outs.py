"""Opting out: by the link in an email, and by bounces and complaints.

The address goes on the account's suppression list first, so that nothing is sent to it from then on; then the user who
got the email is opted out, whatever the address will be (but not by a bounce, which is about the address alone); then
the campaign's results count it. All of it may be told again, and is then done once.
"""

import json
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum

from api_segments.aws.signed_tokens import NotSignedError, SignedTokens
from api_segments.campaigns.model import AfterSending
from api_segments.campaigns.store_deliveries import DeliveryStore
from api_segments.core.channels import Channel
from api_segments.core.clock import Clock, Deadline, rfc3339
from api_segments.core.errors import DamagedItemError, NotFoundError
from api_segments.profiles.addresses import AddressKeys
from api_segments.profiles.model import Address, AddressKey, AddressType, Profile, ProfileUpdate
from api_segments.profiles.reachability import closed_to, reach_of
from api_segments.profiles.service import ProfileService
from api_segments.profiles.store_suppressions import SuppressionReason
from api_segments.profiles.suppressions import SuppressionService


class TokenUse(StrEnum):
    """What a token is good for; one for the one use is none for the other."""

    UNSUBSCRIBE = "unsubscribe"
    FEEDBACK = "feedback"
    TEST = "test"  # both, of a test message: nobody is opted out


class TestMessageError(NotFoundError):
    """A token came with a test message."""

    __test__ = False  # none of pytest's


@dataclass(frozen=True, slots=True)
class Origin:
    """Whose message of which campaign a token came with, and the key of the address that it went to.

    Tokens of before version 0.2.0 do not tell the last two; their messages are known by their user's id.
    """

    account_id: str
    profile_id: str
    campaign_id: int
    channel: Channel
    delivery_id: str
    email_key: str | None


class MessageTokens:
    """Writes and reads the tokens that go out with messages: signed, and good for ever."""

    def __init__(self, tokens: SignedTokens) -> None:
        self._tokens = tokens

    def write(self, use: TokenUse, origin: Origin, deadline: Deadline) -> str:
        """Return a token; raises ThrottledError or UnavailableError."""
        delivery_id = None if origin.delivery_id == origin.profile_id else origin.delivery_id  # short, for a header
        message = [origin.account_id, origin.profile_id, origin.campaign_id, origin.channel]
        said = [*message, delivery_id, origin.email_key]
        payload = json.dumps(said, ensure_ascii=False, separators=(",", ":")).encode()
        return self._tokens.write(["message", use], payload, deadline)

    def read(self, use: TokenUse, token: str, deadline: Deadline) -> Origin:
        """Return where a token comes from; raises NotFoundError unless it is ours, as it was written and for this use.

        Raises ThrottledError or UnavailableError too.
        """
        payload = self._payload(use, token, deadline)
        if payload is None and self._payload(TokenUse.TEST, token, deadline) is not None:
            raise TestMessageError("this was a test message")
        if payload is None:
            raise NotFoundError("this link is not one of ours, or was cut off")
        account_id, profile_id, campaign_id, channel, *further = json.loads(payload)
        delivery_id, email_key = further or (None, None)
        return Origin(account_id, profile_id, campaign_id, Channel(channel), delivery_id or profile_id, email_key)

    def _payload(self, use: TokenUse, token: str, deadline: Deadline) -> bytes | None:
        try:
            return self._tokens.read(["message", use], token, deadline)
        except NotSignedError:
            return None


class OptedOut(StrEnum):
    """What an opt-out holds for: all who have the address, the one user, or nobody, as the link can't tell whom."""

    ADDRESS = "address"
    USER = "user"
    NOBODY = "nobody"


class SubscribedAgain(StrEnum):
    """Whether emails are sent again; if not, as the address or the account closes them, or nobody is known any more."""

    OPEN = "open"
    CLOSED = "closed"  # by the suppression list
    SWITCHED_OFF = "switched_off"  # by what the account has uploaded
    NOBODY = "nobody"


class OptOutService:
    """Opts users and addresses out, and in again; all of it can be called again after an error."""

    def __init__(  # noqa: PLR0913, PLR0917 - what an opt-out is written to
        self,
        tokens: MessageTokens,
        profiles: ProfileService,
        suppressions: SuppressionService,
        addresses: AddressKeys,
        deliveries: DeliveryStore,
        clock: Clock,
    ) -> None:
        self._tokens = tokens
        self._profiles = profiles
        self._suppressions = suppressions
        self._addresses = addresses
        self._deliveries = deliveries
        self._clock = clock

    def check(self, token: str, deadline: Deadline) -> None:
        """Raise NotFoundError unless a token is that of an unsubscribe link; changes nothing."""
        self._tokens.read(TokenUse.UNSUBSCRIBE, token, deadline)

    def unsubscribe(self, token: str, deadline: Deadline) -> OptedOut:
        """Opt out whoever got the email with this link; raises NotFoundError if it is none of ours."""
        origin, now = self._tokens.read(TokenUse.UNSUBSCRIBE, token, deadline), rfc3339(self._clock.now())
        address = self._address_of(origin, deadline)
        if address is not None:
            self._suppressions.add(address, SuppressionReason.UNSUBSCRIBED, None, deadline)
        closed = {origin.channel: now}
        is_known = self._change(
            origin, ProfileUpdate(None, origin.profile_id, creates=False, opts_out=closed), deadline
        )
        if origin.email_key is None and not is_known:
            return OptedOut.NOBODY
        self._note(origin, AfterSending.UNSUBSCRIBED, now, deadline)
        return OptedOut.USER if origin.email_key is None else OptedOut.ADDRESS

    def subscribe_again(self, token: str, deadline: Deadline) -> SubscribedAgain:
        """Take back what the user's links and complaints have closed; raises NotFoundError if the link is none of ours.

        The user, as known then, decides whether emails are sent again; of one that was erased, the address.
        """
        origin, now = self._tokens.read(TokenUse.UNSUBSCRIBE, token, deadline), rfc3339(self._clock.now())
        address = self._address_of(origin, deadline)
        if address is not None:
            by_users = (SuppressionReason.UNSUBSCRIBED, SuppressionReason.COMPLAINED)
            self._suppressions.lift(address, by_users, deadline)
        opened = {origin.channel: now}
        looks_up = frozenset({AddressType.EMAIL})
        update = ProfileUpdate(None, origin.profile_id, creates=False, opts_in=opened, looks_up=looks_up)
        self._change(origin, update, deadline)
        profile = self._profile_of(origin, deadline)
        if profile is not None:
            if origin.channel in reach_of(profile):
                return SubscribedAgain.OPEN
            is_closed = origin.channel in closed_to(profile)
            return SubscribedAgain.CLOSED if is_closed else SubscribedAgain.SWITCHED_OFF
        if address is None:
            return SubscribedAgain.NOBODY
        entry = self._suppressions.find(address, deadline)
        return SubscribedAgain.CLOSED if entry is not None and entry.is_active else SubscribedAgain.OPEN

    def take_feedback(
        self, token: str, what: AfterSending, at: str, recipients: Collection[str], deadline: Deadline
    ) -> bool:
        """Take in that an email came back from `recipients`, or that they complained, at `at`.

        False if that was before the address was taken off the list. Raises NotFoundError for a token of nobody's.
        """
        origin = self._tokens.read(TokenUse.FEEDBACK, token, deadline)
        addresses = {self._email(origin, each, deadline) for each in recipients}
        if origin.email_key is not None:
            addresses = {AddressKey(origin.account_id, AddressType.EMAIL, origin.email_key)}
        reason = SuppressionReason(what)
        stands = [self._suppressions.add(each, reason, at, deadline) for each in sorted(addresses, key=str)]
        if not any(stands):
            self._note(origin, what, at, deadline)
            return False
        # A complaint is the user's own word, wherever the next email would go; a bounce is about the address.
        closed = {origin.channel: at} if what is AfterSending.COMPLAINED else {}
        looks_up = frozenset({AddressType.EMAIL})
        update = ProfileUpdate(None, origin.profile_id, creates=False, opts_out=closed, looks_up=looks_up)
        self._change(origin, update, deadline)
        self._note(origin, what, at, deadline)
        return True

    def _address_of(self, origin: Origin, deadline: Deadline) -> AddressKey | None:
        """Return the address that the email went to or, as old tokens don't tell it, that of its user now."""
        if origin.email_key is not None:
            return AddressKey(origin.account_id, AddressType.EMAIL, origin.email_key)
        profile = self._profile_of(origin, deadline)
        email = None if profile is None else profile.attributes.get(AddressType.EMAIL.attribute)
        return None if email is None else self._email(origin, str(email), deadline)

    def _profile_of(self, origin: Origin, deadline: Deadline) -> Profile | None:
        try:
            return self._profiles.get(origin.account_id, None, origin.profile_id, deadline).profile
        except NotFoundError:
            return None

    def _email(self, origin: Origin, address: str, deadline: Deadline) -> AddressKey:
        return self._addresses.of(origin.account_id, Address(AddressType.EMAIL, address), deadline)

    def _change(self, origin: Origin, update: ProfileUpdate, deadline: Deadline) -> bool:
        """Change the profile of the user who got the email; False if there is none any more."""
        for error in self._profiles.update(origin.account_id, {0: update}, deadline).values():
            if isinstance(error, NotFoundError):
                return False
            raise error
        return True

    def _note(self, origin: Origin, what: AfterSending, at: str, deadline: Deadline) -> None:
        with suppress(DamagedItemError):  # the opt-out holds without being counted
            self._deliveries.note_after_sending(
                origin.account_id, origin.campaign_id, origin.delivery_id, what, at, deadline
            )
