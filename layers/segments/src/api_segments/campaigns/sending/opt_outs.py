"""Opting out: by the link in an email, and by bounces and complaints."""

import json
from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

from api_segments.aws.signed_tokens import NotSignedError, SignedTokens
from api_segments.core.channels import Channel
from api_segments.core.clock import Deadline
from api_segments.core.errors import NotFoundError
from api_segments.profiles.addresses import plain_email
from api_segments.profiles.channels import RULES
from api_segments.profiles.model import ProfileUpdate
from api_segments.profiles.service import ProfileService


class TokenUse(StrEnum):
    """What a token is good for; one for the one use is none for the other."""

    UNSUBSCRIBE = "unsubscribe"
    FEEDBACK = "feedback"


@dataclass(frozen=True, slots=True)
class Origin:
    """Whose message of which campaign a token came with."""

    account_id: str
    profile_id: str
    campaign_id: int
    channel: Channel


class MessageTokens:
    """Writes and reads the tokens that go out with messages: signed, and good for ever."""

    def __init__(self, tokens: SignedTokens) -> None:
        self._tokens = tokens

    def write(self, use: TokenUse, origin: Origin, deadline: Deadline) -> str:
        """Return a token; raises ThrottledError or UnavailableError."""
        said = [origin.account_id, origin.profile_id, origin.campaign_id, origin.channel]
        payload = json.dumps(said, ensure_ascii=False, separators=(",", ":")).encode()
        return self._tokens.write(["message", use], payload, deadline)

    def read(self, use: TokenUse, token: str, deadline: Deadline) -> Origin:
        """Return where a token comes from; raises NotFoundError unless it is ours, as it was written and for this use.

        Raises ThrottledError or UnavailableError too.
        """
        try:
            payload = self._tokens.read(["message", use], token, deadline)
        except NotSignedError:
            raise NotFoundError("this link is not one of ours, or was cut off") from None
        account_id, profile_id, campaign_id, channel = json.loads(payload)
        return Origin(account_id, profile_id, campaign_id, Channel(channel))


class OptOutService:
    """Opts users out of a channel; a user who has been erased since is left at that."""

    def __init__(self, tokens: MessageTokens, profiles: ProfileService) -> None:
        self._tokens = tokens
        self._profiles = profiles

    def check(self, token: str, deadline: Deadline) -> None:
        """Raise NotFoundError unless a token is that of an unsubscribe link; changes nothing."""
        self._tokens.read(TokenUse.UNSUBSCRIBE, token, deadline)

    def unsubscribe(self, token: str, deadline: Deadline) -> None:
        """Opt out the user whose link it is; raises NotFoundError, ThrottledError or UnavailableError."""
        self._opt_out(self._tokens.read(TokenUse.UNSUBSCRIBE, token, deadline), None, deadline)

    def take_feedback(self, token: str, recipients: Collection[str], deadline: Deadline) -> bool:
        """Opt out the user whose message came back from `recipients`, if that is still the user's address.

        False if nothing was to be done. Raises NotFoundError for a token of nobody's, ThrottledError or
        UnavailableError.
        """
        return self._opt_out(self._tokens.read(TokenUse.FEEDBACK, token, deadline), recipients, deadline)

    def _opt_out(self, origin: Origin, recipients: Collection[str] | None, deadline: Deadline) -> bool:
        try:
            profile = self._profiles.get(origin.account_id, None, origin.profile_id, deadline).profile
        except NotFoundError:
            return False
        if recipients is not None:
            address = plain_email(str(profile.attributes.get("Email", ""))).casefold()
            if address not in {plain_email(recipient).casefold() for recipient in recipients}:
                return False
        opt_out = {RULES[origin.channel].flag: False}
        update = ProfileUpdate(identity=None, guid=origin.profile_id, attributes=opt_out, creates=False)
        for error in self._profiles.update(origin.account_id, {0: update}, deadline).values():
            if isinstance(error, NotFoundError):  # erased a moment ago
                return False
            raise error
        return True
