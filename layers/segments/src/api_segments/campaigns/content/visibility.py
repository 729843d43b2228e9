"""What a reader sees of an email whose program shows HTML, in a wide window and by day: whatever is hidden is not text.

Where `sight` asks for what is seen beyond doubt, this asks for what is hidden beyond doubt: parts that are not
displayed, transparent or without room, and letters too small to be read or of the colour behind them. That is how
templates hide the line that lists of emails show beside the subject.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from api_segments.campaigns.content.markup import Document, Element, attribute, selected
from api_segments.campaigns.content.styles import (
    Colour,
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

_LOOKED_AT = frozenset({
    *("display", "visibility", "opacity", "font", "font-size", "color", "background", "background-color"),
    *("background-image", "overflow", "overflow-x", "overflow-y", "height", "max-height", "width", "max-width"),
})  # fmt: skip
# What a property also sets anew.
_SHORTHANDS: Mapping[str, Sequence[str]] = {
    "background": ("background-color", "background-image"),
    "font": ("font-size",),
    "font-size": ("font",),
    "overflow": ("overflow-x", "overflow-y"),
}
_ATTRIBUTES = {"color": "color", "text": "color", "bgcolor": "background-color", "background": "background-image"}
# Rules times elements; and levels, as some selectors take a time that grows with their square. Beyond them style sheets
# are not asked.
_MOST_MATCHES, _MOST_LEVELS = 300_000, 250
# What depends on what the reader does.
_AT_TIMES = re.compile(r":(hover|active|focus|visited|target)")
_NAMES = re.compile(r"[#.][\w-]+|\[[^\]]*\]|::?[\w-]+(\([^)]*\))?")
_CLASSES = re.compile(r"\.[\w-]+|\[|(?<!:):(?!:)")
_TAGS = re.compile(r"[a-z][\w-]*")
_UNSEEN_OPACITY = 0.05
_LEAST_SIZE, _USUAL_SIZE = 3.0, 16.0  # px
_SIZE = re.compile(r"(?<![\w.#-])(?:(\d{0,6}\.?\d{1,6})(px|pt|em|rem|%)|0(?![\w.%]))")
_IN_PX = {"px": 1.0, "pt": 4 / 3, "rem": _USUAL_SIZE}
_NUMBER = re.compile(r"\d{0,6}\.?\d{1,6}")
_NOTHING = re.compile(r"0*\.?0+(px|pt|em|rem|%|)")
_EXTENTS = ("height", "max-height", "width", "max-width")
_ALIKE = 1.05  # of WCAG's contrast ratio, which is 1 for the same colour
_NO_INK = re.compile(r"transparent|rgba\(.*[ ,/]0*\.?0+%? *\)")
_NO_GROUND = ("", "none", "transparent", "inherit")
_WHITE, _BLACK, _BLUE = (255, 255, 255), (0, 0, 0), "#0000ee"
# These are as large as what is in them, whatever height or width they are given.
_GROWING = re.compile(
    r"t(able|body|head|foot|r|d|h)|caption|span|a|b|i|u|s|em|strong|small|big|font|code|sub|sup|label"
)
_WITH_ROOM_OF_ITS_OWN = ("block", "inline-block", "flex", "grid", "list-item")


@dataclass(frozen=True, slots=True)
class Shown:
    """How what an element holds is shown. `is_gone` is all of that; the rest it may say otherwise of itself.

    A colour that isn't known is None.
    """

    is_gone: bool = False
    is_visible: bool = True
    size: float = _USUAL_SIZE
    colour: Colour | None = _BLACK
    has_ink: bool = True
    ground: Colour | None = _WHITE

    @property
    def shows_pictures(self) -> bool:
        """Whether a picture in it can be seen."""
        return self.is_visible and not self.is_gone

    @property
    def shows_text(self) -> bool:
        """Whether a text in it can be seen."""
        if not self.shows_pictures or self.size < _LEAST_SIZE or not self.has_ink:
            return False
        return self.colour is None or self.ground is None or contrast(self.colour, self.ground) >= _ALIKE


class Visibility:
    """What a document's style sheets and attributes show and hide."""

    def __init__(self, document: Document) -> None:
        self._ruled: dict[Element, list[tuple[tuple[int, int, int], Declaration]]] = {}
        rules = self._rules(document)
        # Else there may be another colour than is told, or behind the text what doesn't lie around it.
        self._knows_colours = rules is not None and not has_moving_parts(document, rules)
        for rule in rules or ():
            if not rule.is_conditional:
                self._knows_colours &= self._apply(document, rule)

    def of(self, element: Element, around: Shown) -> Shown:
        """Return how what an element holds is shown, by how it is around it."""
        says = self._winning(element)
        colour = says.get("color", _BLUE if element.tag == "a" and "href" in element.attrs else "inherit")
        shown = replace(
            around,
            is_gone="hidden" in element.attrs or _is_gone(element.tag, says),
            is_visible=_is_visible(says.get("visibility", ""), around),
            size=_size(says, around.size),
            ground=_ground(says, around) if self._knows_colours else None,
        )
        if colour == "inherit":
            return shown
        return replace(shown, colour=colour_of(colour), has_ink=not _NO_INK.fullmatch(colour))

    @staticmethod
    def _rules(document: Document) -> list[Rule] | None:
        """Return the rules that are looked at, in their order; None if they can't be told."""
        rules: list[Rule] = []
        for sheet in sheets_of(document):
            found = rules_of(sheet.replace("<!--", " ").replace("-->", " "))
            if found is None or "@import" in sheet:
                return None
            rules += [rule for rule in found if any(each.name in _LOOKED_AT for each in rule.declarations)]
        is_too_much = len(rules) * _elements(document) > _MOST_MATCHES
        return None if is_too_much or has_external_sheets(document) else rules

    def _apply(self, document: Document, rule: Rule) -> bool:
        """Note what a rule says of the elements that it is for; False if these can't be told."""
        says = [each for each in rule.declarations if each.name in _LOOKED_AT]
        is_known = True
        for selector in rule.selector.split(","):
            elements = [] if _AT_TIMES.search(selector) else selected(document, selector.strip())
            is_known &= elements is not None
            for element in elements or ():
                self._ruled.setdefault(element, []).extend((_weight(selector), each) for each in says)
        return is_known

    def _winning(self, element: Element) -> Mapping[str, str]:
        """Return the value that holds of each property that is looked at."""
        own = declarations_of(attribute(element, "style")) if "style" in element.attrs else []
        said = [((0, 0, 0, 0), each) for each in _of_attributes(element)]
        said += [((0, *weight), each) for weight, each in self._ruled.get(element, ())]
        said += [((1, 0, 0, 0), each) for each in own if each.name in _LOOKED_AT]
        found: dict[str, str] = {}
        for _, each in sorted(said, key=lambda one: (one[1].is_important, one[0])):
            for name in _SHORTHANDS.get(each.name, ()):
                found.pop(name, None)
            found[each.name] = each.value
        return found


def _elements(document: Document) -> int:
    """Return how many elements a document has; as good as endlessly many if it is too deep."""
    levels: dict[Element, int] = {}
    for element in document.iter_elements():
        parent = element.parent
        levels[element] = level = 1 + (levels.get(parent, 0) if isinstance(parent, Element) else 0)
        if level > _MOST_LEVELS:
            return _MOST_MATCHES + 1
    return len(levels)


def _of_attributes(element: Element) -> Iterator[Declaration]:
    """Return what attributes say, which any style sheet overrules."""
    for name, said in _ATTRIBUTES.items():
        if name in element.attrs:
            yield Declaration(said, attribute(element, name).strip().lower())


def _weight(selector: str) -> tuple[int, int, int]:
    """Return about how much a selector counts against others: its ids, its classes and the like, its tags."""
    tags = _TAGS.findall(_NAMES.sub(" ", selector))
    return selector.count("#"), len(_CLASSES.findall(selector)), len(tags)


def _is_gone(tag: str, says: Mapping[str, str]) -> bool:
    display, opacity = says.get("display", ""), says.get("opacity", "")
    if display == "none" or (_NUMBER.fullmatch(opacity) and float(opacity) <= _UNSEEN_OPACITY):
        return True
    if _GROWING.fullmatch(tag) and display not in _WITH_ROOM_OF_ITS_OWN:
        return False
    is_cut = any(says.get(name, "") in ("hidden", "clip") for name in ("overflow", "overflow-x", "overflow-y"))
    return is_cut and any(_NOTHING.fullmatch(says.get(name, "")) for name in _EXTENTS)


def _is_visible(said: str, around: Shown) -> bool:
    return said == "visible" or (around.is_visible and said not in ("hidden", "collapse"))


def _size(says: Mapping[str, str], around: float) -> float:
    """Return how large letters are, in px; where that can't be told, as around, and large enough."""
    said = says.get("font-size", says.get("font", ""))
    found = _SIZE.search(said)
    if said in ("", "inherit"):
        return around
    if found is None:
        return max(around, _LEAST_SIZE)
    number, unit = float(found[1] or 0), found[2] or "px"
    return number * (_IN_PX[unit] if unit in _IN_PX else around / (100 if unit == "%" else 1))


def _ground(says: Mapping[str, str], around: Shown) -> Colour | None:
    """Return the colour behind an element's text."""
    said = [says.get(name, "") for name in ("background-color", "background", "background-image")]
    if said[2] not in _NO_GROUND:
        return None
    own = next((each for each in said if each not in _NO_GROUND), None)
    return around.ground if own is None else colour_of(own)
