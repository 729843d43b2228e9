"""What is known of users: attributes and tokens. Plain values, no AWS."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from api_segments.core.channels import Channel


class TokenType(StrEnum):
    """Kinds of push tokens: Android, Apple, browser."""

    FCM = "fcm"
    APNS = "apns"
    CHROME = "chrome"


class AddressType(StrEnum):
    """Kinds of addresses by which users are found."""

    EMAIL = "email"
    PHONE = "phone"

    @property
    def attribute(self) -> str:
        """The attribute that has it."""
        return self.capitalize()


@dataclass(frozen=True, slots=True)
class Address:
    """An email address or a phone number, however it is spelt."""

    type: AddressType
    text: str


@dataclass(frozen=True, slots=True)
class AddressKey:
    """An address of an account's users, by the key that all its spellings have."""

    account_id: str
    type: AddressType
    key: str


AttributeValue = str | int | float | bool


@dataclass(frozen=True, slots=True)
class Token:
    """A device's address for push messages."""

    type: TokenType
    token_id: str


@dataclass(frozen=True, slots=True)
class Profile:
    """What is known of a user. `version` grows by one with each write; 0 means that nothing has been written.

    `address_keys` are those of its addresses by which the profile is found; older versions wrote none. `opted_out` is
    what the user closed, and when that was last said (RFC 3339); `opted_in` when that was last taken back; `suppressed`
    which of its addresses are on the account's suppression list; `address_since` since when it has those that it got
    since version 0.2.0.
    """

    profile_id: str
    identity: str | None
    attributes: Mapping[str, AttributeValue] = field(default_factory=dict)
    tokens: frozenset[Token] = frozenset()
    version: int = 0
    address_keys: Mapping[AddressType, str] = field(default_factory=dict)
    suppressed: frozenset[AddressType] = frozenset()
    opted_out: Mapping[Channel, str] = field(default_factory=dict)
    opted_in: Mapping[Channel, str] = field(default_factory=dict)
    address_since: Mapping[AddressType, str] = field(default_factory=dict)

    def has_had(self, address: AddressKey, at: str) -> bool:
        """Whether the user has an address, and had it before a moment."""
        return self.address_keys.get(address.type) == address.key and self.address_since.get(address.type, "") < at


@dataclass(frozen=True, slots=True)
class ProfileUpdate:
    """One record of an upload: whom it is about, and what it sets and clears; `creates` whoever does not exist.

    No upload has the rest: the user's own opt-outs and their taking back, each with its time, the address that the user
    must have had by then for its taking back to hold, the addresses that are to be looked up in the suppression list
    though they stay as they are, and whether to claim the tokens that are there.
    """

    identity: str | None
    guid: str | None
    attributes: Mapping[str, AttributeValue] = field(default_factory=dict)
    removed_attributes: frozenset[str] = frozenset()
    added_tokens: frozenset[Token] = frozenset()
    removed_tokens: frozenset[Token] = frozenset()
    creates: bool = True
    opts_out: Mapping[Channel, str] = field(default_factory=dict)
    opts_in: Mapping[Channel, str] = field(default_factory=dict)
    opts_in_by: AddressKey | None = None
    looks_up: frozenset[AddressType] = frozenset()
    claims_tokens: bool = False

    def applied_to(self, profile: Profile) -> Profile:
        """Return the profile as this record makes it."""
        kept = {name: value for name, value in profile.attributes.items() if name not in self.removed_attributes}
        taken_back = {
            channel: at
            for channel, at in self.opts_in.items()
            if profile.opted_out.get(channel, "~") <= at
            and (self.opts_in_by is None or profile.has_had(self.opts_in_by, at))
        }
        opted_in = {**profile.opted_in, **taken_back}
        opted_out = {channel: at for channel, at in profile.opted_out.items() if channel not in taken_back}
        # Who closes again what is closed says so now: what was taken back before is older, though it comes later.
        news = {
            channel: max(at, opted_out.get(channel, ""))
            for channel, at in self.opts_out.items()
            if at > opted_in.get(channel, "")
        }
        return replace(
            profile,
            identity=self.identity or profile.identity,
            attributes={**kept, **self.attributes},
            tokens=(profile.tokens | self.added_tokens) - self.removed_tokens,
            opted_out={**opted_out, **news},
            opted_in=opted_in,
        )
