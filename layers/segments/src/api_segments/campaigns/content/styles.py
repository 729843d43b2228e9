"""What style sheets and style attributes say, as written."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from api_segments.campaigns.content.markup import Document, attribute

_BRACE = re.compile(r"([{}])")
# What moves an element over others, wherever it is.
_MOVING = re.compile(r"(position(?!:static)|transform|translate|scale|margin[a-z-]*:.*-).*")
_RGB = re.compile(r"rgba?\( *(\d{1,3}) *, *(\d{1,3}) *, *(\d{1,3}) *(?:, *1(?:\.0*)? *)?\)")
_HEX = re.compile(r"#([0-9a-f]{2})([0-9a-f]{2})([0-9a-f]{2})")
_SHORT_HEX = re.compile(r"#([0-9a-f])([0-9a-f])([0-9a-f])")
_COLOURS = {
    "white": (255, 255, 255),
    "black": (0, 0, 0),
    "gray": (128, 128, 128),
    "grey": (128, 128, 128),
    "silver": (192, 192, 192),
    "red": (255, 0, 0),
    "blue": (0, 0, 255),
    "navy": (0, 0, 128),
    "green": (0, 128, 0),
}

Colour = tuple[int, int, int]


class Declaration(NamedTuple):
    """A property and its value, in small letters."""

    name: str
    value: str
    is_important: bool = False


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule of a style sheet; `is_conditional` if it holds only at times, as by a width."""

    selector: str
    declarations: Sequence[Declaration]
    is_conditional: bool


def has_external_sheets(document: Document) -> bool:
    """Whether a document has style sheets from elsewhere."""
    return any("stylesheet" in attribute(each, "rel").lower() for each in document.find_all("link"))


def has_moving_parts(document: Document, rules: Sequence[Rule]) -> bool:
    """Whether any element may be moved over others."""
    own = (declarations_of(attribute(each, "style")) for each in document.iter_elements() if "style" in each.attrs)
    said = (each for declarations in (*own, *(rule.declarations for rule in rules)) for each in declarations)
    return any(_MOVING.fullmatch(f"{each.name}:{each.value}") for each in said)


def sheets_of(document: Document) -> list[str]:
    """Return the style sheets of a document in small letters, without comments."""
    return [_without_comments(sheet.text).lower() for sheet in document.find_all("style")]


def rules_of(sheet: str) -> list[Rule] | None:
    """Return the rules of a style sheet; None if it can't be told which are meant, or what they are for."""
    rules: list[Rule] = []
    around: list[str] = []
    *pieces, rest = _BRACE.split(sheet)
    for text, brace in zip(pieces[::2], pieces[1::2], strict=True):
        if brace == "{":
            if around and not around[-1].startswith("@"):  # rules within a rule
                return None
            around.append(text.rpartition(";")[2].strip())
        elif around:
            selector = around.pop()
            if not selector.startswith("@"):
                rules.append(Rule(selector, declarations_of(text), bool(around)))
        elif text.strip():
            return None
    return None if around or rest.strip() else rules


def _without_comments(sheet: str) -> str:
    first, *others = sheet.split("/*")
    return first + "".join(" " + other.partition("*/")[2] for other in others)


def declarations_of(block: str) -> list[Declaration]:
    """Return what a style attribute, or a rule's block, says."""
    found = []
    for each in block.lower().split(";"):
        name, _, value = each.partition(":")
        if name.strip():
            wanted = value.replace("!important", "").strip()
            found.append(Declaration(name.strip(), wanted, "!important" in value))
    return found


def colour_of(value: str) -> Colour | None:
    """Return a colour that a value names, None for one that is not known here."""
    if _SHORT_HEX.fullmatch(value):
        value = _SHORT_HEX.sub(r"#\1\1\2\2\3\3", value)
    if found := _HEX.fullmatch(value):
        return int(found[1], 16), int(found[2], 16), int(found[3], 16)
    if found := _RGB.fullmatch(value):
        return min(int(found[1]), 255), min(int(found[2]), 255), min(int(found[3]), 255)
    return _COLOURS.get(value)


def contrast(one: Colour, other: Colour) -> float:
    """Return WCAG 2.2's contrast ratio of two colours, from 1 to 21, about as it has it."""
    darker, lighter = sorted((_luminance(one), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: Colour) -> float:
    red, green, blue = (math.pow(part / 255, 2.2) for part in colour)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
