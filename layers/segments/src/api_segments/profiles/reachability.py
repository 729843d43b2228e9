"""Which channels reach a profile now: a function of what is kept of it, by the rules of `channels`."""

from api_segments.core.channels import Channel
from api_segments.profiles.channels import RULES, ReachRule
from api_segments.profiles.model import AddressType, Profile


def reach_of(profile: Profile) -> frozenset[Channel]:
    """Return the channels that reach a profile."""
    return frozenset(channel for channel, rule in RULES.items() if _is_reached(profile, rule)) - closed_to(profile)


def closed_to(profile: Profile) -> frozenset[Channel]:
    """Return the channels that the user, or the account's suppression list, has closed, whatever is uploaded."""
    return frozenset(
        channel for channel, rule in RULES.items() if channel in profile.opted_out or rule.address in profile.suppressed
    )


def _is_reached(profile: Profile, rule: ReachRule) -> bool:
    has_token = any(token.type in rule.tokens for token in profile.tokens)
    return (_has_address(profile, rule) or has_token) and bool(profile.attributes.get(rule.flag, rule.default))


def _has_address(profile: Profile, rule: ReachRule) -> bool:
    """Whether a profile has the attribute that a channel sends to. SES sends to local parts in ASCII alone."""
    address = None if rule.address is None else profile.attributes.get(rule.address.attribute)
    if address is None or rule.address is not AddressType.EMAIL:
        return address is not None
    return str(address).rpartition("@")[0].isascii()
