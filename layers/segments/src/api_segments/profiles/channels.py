"""What each channel needs of a profile to reach it (docs/api.md, POST /1/upload): the one table that says so."""

from collections.abc import Mapping
from dataclasses import dataclass

from api_segments.core.channels import Channel
from api_segments.profiles.model import TokenType


@dataclass(frozen=True, slots=True)
class ReachRule:
    """What it takes to reach a profile: the attribute with its address, or a live token of one of the kinds.

    `flag` is the attribute by which a user opts in or out; who has said nothing is opted in or not by `default`.
    """

    flag: str
    attribute: str | None = None
    tokens: frozenset[TokenType] = frozenset()
    default: bool = True


RULES: Mapping[Channel, ReachRule] = {
    Channel.EMAIL: ReachRule("MSG-email", attribute="Email"),
    Channel.SMS: ReachRule("MSG-sms", attribute="Phone"),
    Channel.PUSH: ReachRule("MSG-push", tokens=frozenset({TokenType.FCM, TokenType.APNS})),
    Channel.WHATSAPP: ReachRule("MSG-whatsapp", attribute="Phone", default=False),
    Channel.WEB_PUSH: ReachRule("MSG-push", tokens=frozenset({TokenType.CHROME})),
}

FLAGS = frozenset(rule.flag for rule in RULES.values())
"""The attributes that opt a user in or out."""

STANDARD_ATTRIBUTES = frozenset({"Name", "Email", "Phone", "Gender", "DOB"}) | FLAGS
"""The attributes that have a meaning of their own; all others are custom."""
