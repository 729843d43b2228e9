"""The channels that reach a user."""

from enum import StrEnum


class Channel(StrEnum):
    """Ways to reach a profile."""

    EMAIL = "email"
    SMS = "sms"
    PUSH = "push"
    WHATSAPP = "whatsapp"
    WEB_PUSH = "web_push"
