"""Which channels reach a profile now: a function of its attributes and tokens (api.md, POST /1/upload)."""

from collections.abc import Mapping

from api_segments.core.channels import Channel
from api_segments.profiles.model import Profile, TokenType


def reach_of(profile: Profile) -> frozenset[Channel]:
    """Return the channels that reach a profile.

    Email, SMS and push are opted in by default, WhatsApp is opted out by default; an address or a live token is needed
    for each.
    """
    attributes = profile.attributes
    kinds = {token.type for token in profile.tokens}
    has_phone = "Phone" in attributes
    reached = {
        Channel.EMAIL: "Email" in attributes and _opted(attributes, "MSG-email", default=True),
        Channel.SMS: has_phone and _opted(attributes, "MSG-sms", default=True),
        Channel.WHATSAPP: has_phone and _opted(attributes, "MSG-whatsapp", default=False),
        Channel.PUSH: bool(kinds & {TokenType.FCM, TokenType.APNS}) and _opted(attributes, "MSG-push", default=True),
        Channel.WEB_PUSH: TokenType.CHROME in kinds and _opted(attributes, "MSG-push", default=True),
    }
    return frozenset(channel for channel, is_reached in reached.items() if is_reached)


def _opted(attributes: Mapping[str, object], name: str, *, default: bool) -> bool:
    return bool(attributes.get(name, default))
