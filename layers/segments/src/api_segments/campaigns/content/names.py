"""The names that templates may use: another one is refused, with the nearest that is right."""

import re
from collections.abc import Mapping, Sequence
from difflib import get_close_matches

from api_segments.campaigns.content.templates import TemplateError, UsedName, one_line, used_names
from api_segments.core.names import meant
from api_segments.memberships.events import EVENTS
from api_segments.profiles.channels import STANDARD_ATTRIBUTES

_CAMPAIGN = ("id", "name")
_EVENT = tuple(field for kind in EVENTS for field in kind.detail_schema()["properties"])
_LINK = "unsubscribe_url"
# What a name may be followed by; any attribute may be a user's, but for those that only look like one of ours.
_FIELDS: Mapping[str, Sequence[str]] = {"profile": (), "campaign": _CAMPAIGN, "event": _EVENT, _LINK: ()}
_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
_LIKENESS = 0.75
_SHOWN_CHARACTERS = 64


def check_names(text: str, *, is_html: bool, is_email: bool) -> None:
    """Raise TemplateError for the first name that a template of a message can't have."""
    known = [name for name in _FIELDS if is_email or name != _LINK]
    for used in used_names(text, is_html=is_html):
        name, field = (*used.path, None)[:2]
        if name not in known:
            raise _unknown(used, _nearest(used, known))
        if name in ("campaign", "event") and field is not None and field not in _FIELDS[name]:
            raise _unknown(used, [name, *_most_like(field, _FIELDS[name])])
        right = meant(field, STANDARD_ATTRIBUTES) if name == "profile" and field is not None else None
        if right is not None:
            raise _unknown(used, ["profile", right])


def _unknown(used: UsedName, nearest: Sequence[str]) -> TemplateError:
    wrong, right = (one_line(_written(each))[:_SHOWN_CHARACTERS] for each in (used.path, nearest))
    return TemplateError(f"line {used.line}: there is no {wrong}; did you mean {right}?")


def _nearest(used: UsedName, known: Sequence[str]) -> list[str]:
    """Return the name that a wrong one is most like; one that is like none is taken for a user's attribute."""
    parts = [part for part in used.path if part is not None]
    outer = _most_like(parts[0], known) if parts else []
    if outer and outer != ["profile"]:
        return [*outer, *(_most_like(parts[1], _FIELDS[outer[0]]) if parts[1:] else [])]
    field = parts[1] if parts[1:] else parts[0] if parts and not outer else "Name"
    if not outer and not parts[1:]:
        event = _most_like(field, [each for each in _EVENT if "segment" in each.lower()])
        if event:
            return ["event", *event]
    return ["profile", *(_most_like(field, [*STANDARD_ATTRIBUTES, "identity", "guid"]) or [field])]


def _most_like(name: str, known: Sequence[str] | frozenset[str]) -> list[str]:
    """Return the known name that a name is most like, if any."""
    by_plain = {_plain(each): each for each in sorted(known, reverse=True)}
    return [by_plain[each] for each in get_close_matches(_plain(name), by_plain, n=1, cutoff=_LIKENESS)]


def _plain(name: str) -> str:
    return "".join(filter(str.isalnum, name.casefold()))


def _written(path: Sequence[str | None]) -> str:
    """Write a name as a template does."""
    first, *others = ("…" if part is None else part for part in path)
    return first + "".join(f".{each}" if _WORD.fullmatch(each) else f'["{each}"]' for each in others)
