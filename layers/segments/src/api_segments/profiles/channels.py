"""What each channel needs of a profile to reach it (docs/api.md, POST /1/upload): the one table that says so."""

from collections.abc import Mapping
from dataclasses import dataclass

from api_segments.core.channels import Channel
from api_segments.profiles.model import AddressType, TokenType


@dataclass(frozen=True, slots=True)
class ReachRule:
    """What it takes to reach a profile: an address, or a live token of one of the kinds.

    `flag` is the attribute by which a user opts in or out; who has said nothing is opted in or not by `default`.
    """

    flag: str
    address: AddressType | None = None
    tokens: frozenset[TokenType] = frozenset()
    default: bool = True

    @property
    def needs(self) -> str:
        """What there must be, in words."""
        if self.address is not None:
            return {AddressType.EMAIL: "an address", AddressType.PHONE: "a phone number"}[self.address]
        return f"a token of {' or '.join(f'`{kind}`' for kind in TokenType if kind in self.tokens)}"


RULES: Mapping[Channel, ReachRule] = {
    Channel.EMAIL: ReachRule("MSG-email", address=AddressType.EMAIL),
    Channel.SMS: ReachRule("MSG-sms", address=AddressType.PHONE),
    Channel.PUSH: ReachRule("MSG-push", tokens=frozenset({TokenType.FCM, TokenType.APNS})),
    Channel.WHATSAPP: ReachRule("MSG-whatsapp", address=AddressType.PHONE, default=False),
    Channel.WEB_PUSH: ReachRule("MSG-push", tokens=frozenset({TokenType.CHROME})),
}

FLAGS = frozenset(rule.flag for rule in RULES.values())
"""The attributes that opt a user in or out."""


def channels_of(flag: str) -> list[Channel]:
    """Return the channels that a flag opts in or out of."""
    return [channel for channel, rule in RULES.items() if rule.flag == flag]


STANDARD_ATTRIBUTES = frozenset({"Name", "Email", "Phone", "Gender", "DOB"}) | FLAGS
"""The attributes that have a meaning of their own; all others are custom."""


def reached_by(address_type: AddressType) -> frozenset[Channel]:
    """Return the channels that go to an address."""
    return frozenset(channel for channel, rule in RULES.items() if rule.address is address_type)
