"""Which fields the content of each channel has; the API's description reads it where no templates are filled in."""

from collections.abc import Mapping
from dataclasses import dataclass

from api_segments.campaigns.model import TargetMode


@dataclass(frozen=True, slots=True)
class ChannelFields:
    """The fields of one channel: templates that must be there, those that may, and texts that are no templates.

    The first that must be there is what a message shows first, and where a test message says that it is one.

    Templates in `lines` come out as one line each.
    """

    required: tuple[str, ...]
    optional: tuple[str, ...] = ()
    plain: tuple[str, ...] = ()
    lines: tuple[str, ...] = ()

    def names(self) -> Mapping[str, bool]:
        """Return the names of the fields, and whether each must be there."""
        required = {*self.required, "url"}
        return {name: name in required for name in (*self.required, *self.plain, *self.optional)}


_PUSH = ChannelFields(("title", "body"), ("deep_link",), lines=("title", "deep_link"))
FIELDS: Mapping[TargetMode, ChannelFields] = {
    TargetMode.EMAIL: ChannelFields(
        ("subject", "body"), ("text", "sender_name"), ("sender", "reply_to"), lines=("subject", "sender_name")
    ),
    TargetMode.SMS: ChannelFields(("body",)),
    TargetMode.WHATSAPP: ChannelFields(("body",)),
    TargetMode.PUSH: _PUSH,
    TargetMode.WEB_PUSH: _PUSH,
    TargetMode.WEBHOOK: ChannelFields((), ("body",), ("url",)),
}
