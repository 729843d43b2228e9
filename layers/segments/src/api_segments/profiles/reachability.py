"""Which channels reach a profile now: a function of its attributes and tokens, by the rules of `channels`."""

from api_segments.core.channels import Channel
from api_segments.profiles.channels import RULES, ReachRule
from api_segments.profiles.model import Profile


def reach_of(profile: Profile) -> frozenset[Channel]:
    """Return the channels that reach a profile."""
    return frozenset(channel for channel, rule in RULES.items() if _is_reached(profile, rule))


def _is_reached(profile: Profile, rule: ReachRule) -> bool:
    has_address = _is_address(profile, rule) or any(token.type in rule.tokens for token in profile.tokens)
    return has_address and bool(profile.attributes.get(rule.flag, rule.default))


def _is_address(profile: Profile, rule: ReachRule) -> bool:
    """Whether a profile has the attribute that a channel sends to. SES sends to local parts in ASCII alone."""
    address = profile.attributes.get(rule.attribute or "")
    if address is None or rule.attribute != "Email":
        return address is not None
    return str(address).rpartition("@")[0].isascii()
