"""Whether an email's own link can be seen beyond doubt.

Nothing is laid out here. A link counts as seen if every element, attribute and style of itself and of all that it is
in is known to hide nothing. So a link that is seen may be missed, but a hidden one is never taken for one that is seen.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice, product

from api_segments.campaigns.content.markup import Comment, Document, Element, Text, attribute, is_html, matches
from api_segments.campaigns.content.styles import (
    Declaration,
    Rule,
    colour_of,
    contrast,
    declarations_of,
    has_external_sheets,
    has_moving_parts,
    rules_of,
    sheets_of,
)

_SHOWN_TAGS = re.compile(
    "html|body|div|p|span|a|b|i|u|em|strong|small|big|font|center|table|tbody|thead|tfoot|tr|td|th|ul|ol|li|dl|dt|dd|h[1-6]|"
    "blockquote|section|article|footer|header|main|nav|address|pre|code|s|sub|sup|tt"
)
_DOUBTFUL_ATTRIBUTES = ("hidden", "popover", "aria-hidden", "background", "slot", "link", "vlink", "alink")
# What attributes say of colours, as a style says it.
_COLOUR_ATTRIBUTES = {"color": "color", "text": "color", "bgcolor": "background-color"}
# These leave a text where it is, in a size and colours that others give, unless something is moved far away.
_HARMLESS = re.compile(
    r"-webkit-text-size-adjust|-ms-text-size-adjust|border(-.*)?|font-(family|weight|style|variant|stretch)|"
    r"text-(align|decoration|transform)(-.*)?|vertical-align|white-space|word-(break|wrap)|overflow-wrap|box-sizing|"
    r"table-layout|list-style(-.*)?|direction|outline(-.*)?|min-width|min-height|float|clear|cursor|"
    r"mso-(table|line|padding).*"
)
_FAR = re.compile(r"-\.?\d|(?<![#0-9a-f.])\d{4}|\(")
_WIDTH = r"(auto|\d{1,3}(\.\d+)?(px|pt)?|\d{1,2}(\.\d+)?(r?em|%))"
_SPACE = re.compile(rf"{_WIDTH}( +{_WIDTH}){{0,3}}")
_ONLY = {
    **{
        f"{name}{side}": _SPACE for name in ("margin", "padding") for side in ("", "-top", "-right", "-bottom", "-left")
    },
    "display": re.compile("block|inline|inline-block|list-item|table|table-row|table-cell|table-row-group|flex|grid"),
    "visibility": re.compile("visible"),
    "position": re.compile("static|relative"),
    "overflow": re.compile("visible"),
}
_LENGTHS = ("width", "height", "max-width", "max-height", "line-height")
_LEAST_OPACITY = 0.5
_GROUNDS, _SIZES = ("background", "background-color"), ("font", "font-size")
_NUMBER = re.compile(r"(\d{1,6}(?:\.\d{1,6})?|\.\d{1,6})(px|pt|em|rem|%|)")
_LEAST_SIZE = {"px": 6.0, "pt": 5.0, "rem": 0.5, "em": 0.5, "%": 50.0}
_RELATIVE_SIZE = re.compile(r"\d(em|%)")
# WCAG 2.2's contrast ratio, of 21; light grey on white, as in many a footer, has 1.6.
_LEAST_CONTRAST = 1.5
_WHITE, _BLUE = "#ffffff", "#0000ee"
# What is looked at; beyond that there is doubt.
_ANCHORS, _TEXTS, _LEVELS = 3, 3, 100
_RULES, _DECLARATIONS, _COLOURS_TOLD = 300, 500, 20
# Letters that are blank.
_WORD = re.compile(r"[^\W\u115f\u1160\u3164\uffa0]")
# What makes a body smaller than a line.
_EXTENTS = ("height", "max-height", "width", "max-width")
_LEAST_EXTENT = 20
_OFFSETS = ("left", "top", "right", "bottom", "margin", "margin-left", "margin-top")
_FAR_AWAY = re.compile(r"-\d{3}")

# What is not followed: escaped names, sheets from elsewhere, fonts whose letters may be blank, other colours at night.
_DOUBTFUL_IN_SHEETS = ("\\", "@import", "@font-face", "prefers-color-scheme", "<!--")


@dataclass(frozen=True, slots=True)
class _Level:
    """An element around a text: what it says of its style itself, and what rules that hold at times say of it."""

    tag: str
    own: Sequence[Declaration]
    ruled: Sequence[Declaration]

    def values(self, names: Sequence[str]) -> list[str]:
        """Return all values of some properties."""
        return _values([*self.own, *self.ruled], names)


def shows_link(document: Document, link: str) -> bool:
    """Whether a document shows a text that leads to `link`, beyond doubt."""
    anchors = [each for each in document.find_all("a") if attribute(each, "href").strip() == link]
    if not anchors:
        return False
    rules = _rules(document)
    if rules is None or _has_parts_for_some(document) or has_moving_parts(document, rules):
        return False
    texts = (text for anchor in anchors[:_ANCHORS] for text in islice(_words(anchor), _TEXTS))
    return any(_is_seen(text, rules) for text in texts)


def hides_its_body(document: Document) -> bool:
    """Whether a document hides all that is in it, whatever that says of itself."""
    rules = [rule for rule in _rules(document) or [] if ":" not in rule.selector]
    for element in (found for found in (document.find("html"), document.find("body")) if found is not None):
        if "hidden" in element.attrs:
            return True
        ruled = [each for rule in rules if _may_match(rule, element) for each in rule.declarations]
        if any(_hides_all(each.name, each.value) for each in (*declarations_of(attribute(element, "style")), *ruled)):
            return True
    return False


def _may_match(rule: Rule, element: Element) -> bool:
    """Whether a rule holds for an element, at least at times: the document can't tell when one with a colon does."""
    return ":" in rule.selector or matches(element, rule.selector) is not False


def _hides_all(name: str, value: str) -> bool:
    if name == "display":
        return value == "none"
    if name == "opacity":
        return _NUMBER.fullmatch(value) is not None and _number(value) < _LEAST_OPACITY
    if name in _EXTENTS:
        return not value.endswith("%") and _NUMBER.fullmatch(value) is not None and _number(value) < _LEAST_EXTENT
    return name in _OFFSETS and _FAR_AWAY.search(value) is not None


def _words(anchor: Element) -> Iterator[Text]:
    return (each for each in anchor.descendants if isinstance(each, Text) and _WORD.search(each.data))


def _has_parts_for_some(document: Document) -> bool:
    """Whether a conditional comment keeps a part of the body from one of the programs that read them."""
    is_open = False
    for comment in (each for each in document.descendants if isinstance(each, Comment)):
        is_open = (is_open and "[endif]" not in comment.data) or ("[if" in comment.data and comment.data.endswith("<!"))
        if is_open and not (isinstance(comment.parent, Element) and comment.parent.tag == "head"):
            return True
    return is_open


def _rules(document: Document) -> list[Rule] | None:
    """Return the rules of a document's style sheets, each as if its conditions held; None if one can't be told."""
    if has_external_sheets(document):
        return None
    rules: list[Rule] = []
    for sheet in sheets_of(document):
        found = None if any(mark in sheet for mark in _DOUBTFUL_IN_SHEETS) else rules_of(sheet)
        if found is None:
            return None
        rules += found
        if len(rules) > _RULES or sum(len(rule.declarations) for rule in rules) > _DECLARATIONS:
            return None
    return rules


def _values(declarations: Sequence[Declaration], names: Sequence[str]) -> list[str]:
    said = [each for each in declarations if each.name in names]
    return [each.value for each in said if not (each.name in _GROUNDS and each.value in ("transparent", "none"))]


def _is_seen(text: Text, rules: Sequence[Rule]) -> bool:
    around = [each for each in islice(text.ancestors, _LEVELS) if isinstance(each, Element)]
    if around[-1].tag != "html":
        return False
    levels: list[_Level] = []
    for element in around:
        if not _SHOWN_TAGS.fullmatch(element.tag) or not is_html(element):
            return False
        if any(name in element.attrs for name in _DOUBTFUL_ATTRIBUTES):
            return False
        own = declarations_of(attribute(element, "style"))
        own += [
            Declaration(said, attribute(element, name).lower())
            for name, said in _COLOUR_ATTRIBUTES.items()
            if name in element.attrs
        ]
        if len(own) > _DECLARATIONS:
            return False
        ruled = [each for rule in rules if _may_match(rule, element) for each in rule.declarations]
        if not all(_hides_nothing(each.name, each.value) for each in (*own, *ruled)):
            return False
        levels.append(_Level(element.tag, own, ruled))
    return _is_large_enough(levels) and _stands_out(levels)


def _hides_nothing(name: str, value: str) -> bool:
    """Whether a declaration does no more than others, or is one of those that are looked at together."""
    if name in (*_SIZES, *_GROUNDS, "color"):
        return True
    if name in _ONLY:
        return _ONLY[name].fullmatch(value) is not None
    if name in _LENGTHS:
        return value in ("auto", "normal", "none", "inherit") or (_number(value) > 0 and not _FAR.search(value))
    if name == "opacity":
        return _number(value) >= _LEAST_OPACITY
    return _HARMLESS.fullmatch(name) is not None and not _FAR.search(value)


def _number(value: str) -> float:
    found = _NUMBER.fullmatch(value)
    return float(found[1]) if found else 0.0


def _is_large_enough(levels: Sequence[_Level]) -> bool:
    for level in levels:
        for value in level.values(_SIZES):
            found = _NUMBER.search(value)
            if not found or not found[2] or float(found[1]) < _LEAST_SIZE[found[2]]:
                return False
        own = _values(level.own, _SIZES)
        if own and not any(_RELATIVE_SIZE.search(value) for value in own):
            return True  # what is around it says nothing of it
    return True


def _stands_out(levels: Sequence[_Level]) -> bool:
    """Whether every colour that the text may have differs from every one that may be behind it."""
    anchor = next(index for index, level in enumerate(levels) if level.tag == "a")
    texts = _possible(levels[: anchor + 1], ("color",), _BLUE)
    grounds = _possible(levels, _GROUNDS, _WHITE)
    if max(len(texts), len(grounds)) > _COLOURS_TOLD:
        return False
    pairs = [(colour_of(text), colour_of(ground)) for text, ground in product(texts, grounds)]
    return all(text and ground and contrast(text, ground) >= _LEAST_CONTRAST for text, ground in pairs)


def _possible(levels: Sequence[_Level], names: Sequence[str], otherwise: str) -> set[str]:
    """Return the values that may hold: up to the first that an element has of its own."""
    found: set[str] = set()
    for level in levels:
        found.update(level.values(names))
        if _values(level.own, names):
            return found
    return {*found, otherwise}
