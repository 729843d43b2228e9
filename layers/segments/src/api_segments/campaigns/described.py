"""What the API's description says of campaigns by channel: each channel has a content of its own."""

from collections.abc import Mapping
from functools import reduce
from operator import or_
from typing import Annotated, Any, Literal, NotRequired

from pydantic import ConfigDict, Field
from typing_extensions import TypeAliasType, get_type_hints

from api_segments.campaigns.content.channel_fields import FIELDS
from api_segments.campaigns.model import TargetMode
from api_segments.http.described import About, object_of

NAMES: Mapping[TargetMode, str] = {
    TargetMode.EMAIL: "Email",
    TargetMode.SMS: "Sms",
    TargetMode.PUSH: "Push",
    TargetMode.WHATSAPP: "WhatsApp",
    TargetMode.WEB_PUSH: "WebPush",
    TargetMode.WEBHOOK: "Webhook",
}
_TEXT = About("The message, a Liquid template.", "Hello {{ profile.Name }}")
_FIELDS: Mapping[str, About] = {
    "subject": About("The subject, a Liquid template.", "{{ profile.Name }}, it is spring"),
    "text": About("What programs show that show no HTML, a Liquid template; made from the body if absent.", "Hello"),
    "sender_name": About("The name that it comes from, a Liquid template.", "Example Shop"),
    "sender": About("The declared address that it comes from; the account's first if absent.", "news@example.com"),
    "reply_to": About("The address that answers go to.", "help@example.com"),
    "title": About("The title, a Liquid template.", "It is spring"),
    "deep_link": About("What a tap opens, a Liquid template.", "shop://spring"),
    "url": About("The name or the URL of a declared webhook.", "crm"),
    "body": _TEXT,
}
_BODIES: Mapping[TargetMode, About] = {
    TargetMode.EMAIL: About("HTML, a Liquid template.", "<p>Hello {{ profile.Name }}</p>"),
    TargetMode.WEBHOOK: About("A Liquid template that gives JSON.", '{"name":{{ profile.Name | json }}}'),
}


def by_mode(base: Any, name: str, said: str) -> Any:  # noqa: ANN401 - a type in, a type out
    """Return the choice of what `base`, a TypedDict with `target_mode` and `content`, is for each channel.

    `name` and `said` have `{}` for the channel; the choice is called `name` without it.
    """
    shapes: tuple[Any, ...] = tuple(
        _with(base, name.format(word), mode, said.format(mode.value)) for mode, word in NAMES.items()
    )
    return TypeAliasType(
        name.format(""),
        Annotated[reduce(or_, shapes), Field(discriminator="target_mode"), About(said.format("any channel"))],
    )


def changed(base: Any, name: str, said: str, fields: Mapping[str, Any]) -> Any:  # noqa: ANN401 - as above
    """Return the TypedDict `base` with other types of some fields."""
    fields = {**get_type_hints(base, include_extras=True), **fields}
    return _typed_dict(name, said, fields, getattr(base, "__pydantic_config__", ConfigDict()))


def _with(base: Any, name: str, mode: TargetMode, said: str) -> Any:  # noqa: ANN401 - as above
    content: Any = _CONTENTS[mode]
    fields = {
        "target_mode": Annotated[Literal[mode.value], About("How it sends.", mode.value)],
        "content": Annotated[
            content if "content" in base.__required_keys__ else NotRequired[content], About("What the messages say.")
        ],
    }
    return changed(base, name, said, fields)


def _content(mode: TargetMode) -> Any:  # noqa: ANN401 - as above
    fields: dict[str, Any] = {}
    for name, is_required in FIELDS[mode].names().items():
        about = _BODIES.get(mode, _TEXT) if name == "body" else _FIELDS[name]
        fields[name] = Annotated[str, about] if is_required else NotRequired[Annotated[str, about]]
    return _typed_dict(
        f"{NAMES[mode]}Content", f"What a message by {mode.value} says.", fields, ConfigDict(extra="forbid")
    )


def _typed_dict(name: str, said: str, fields: Mapping[str, Any], config: ConfigDict) -> Any:  # noqa: ANN401 - as above
    made = object_of(name, said, fields)
    made.__pydantic_config__ = config
    return made


_CONTENTS = {mode: _content(mode) for mode in TargetMode}
ANY_CONTENT: Any = reduce(or_, _CONTENTS.values())
