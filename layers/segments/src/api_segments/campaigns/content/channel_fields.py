"""The fields of each channel's content; nothing of templates, so that the API's description can have it too."""

from collections.abc import Mapping
from dataclasses import dataclass

from api_segments.campaigns.model import TargetMode


@dataclass(frozen=True, slots=True)
class Fields:
    """The fields of one channel: templates that must be there, those that may, and texts that are no templates.

    Templates in `lines` come out as one line each.
    """

    required: tuple[str, ...]
    optional: tuple[str, ...] = ()
    plain: tuple[str, ...] = ()
    lines: tuple[str, ...] = ()


_PUSH = Fields(("title", "body"), ("deep_link",), lines=("title", "deep_link"))
FIELDS: Mapping[TargetMode, Fields] = {
    TargetMode.EMAIL: Fields(
        ("subject", "body"), ("text", "sender_name"), ("sender", "reply_to"), lines=("subject", "sender_name")
    ),
    TargetMode.SMS: Fields(("body",)),
    TargetMode.WHATSAPP: Fields(("body",)),
    TargetMode.PUSH: _PUSH,
    TargetMode.WEB_PUSH: _PUSH,
    TargetMode.WEBHOOK: Fields((), ("body",), ("url",)),
}


def fields_of(mode: TargetMode) -> Mapping[str, bool]:
    """Return the names of a channel's fields, and whether each must be there."""
    fields = FIELDS[mode]
    required = {*fields.required, "url"}
    return {name: name in required for name in (*fields.required, *fields.plain, *fields.optional)}
