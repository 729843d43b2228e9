"""The channels that reach a user."""

from enum import StrEnum


class Channel(StrEnum):
    """Ways to reach a profile."""

    EMAIL = "email"
    SMS = "sms"
    PUSH = "push"
    WHATSAPP = "whatsapp"
    WEB_PUSH = "web_push"

    @property
    def word(self) -> str:
        """What it is called amid a sentence."""
        return _WORDS[self]


_WORDS = {
    Channel.EMAIL: "email",
    Channel.SMS: "SMS",
    Channel.PUSH: "push",
    Channel.WHATSAPP: "WhatsApp",
    Channel.WEB_PUSH: "web push",
}
