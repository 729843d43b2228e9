"""An email's text for programs that show no HTML: made from its HTML, or given by the author.

Links come with their targets, lists with their marks, tables row by row, pictures as their texts.
"""

import re
from dataclasses import dataclass

from api_segments.campaigns.content.markup import Document, Element, Node, Text, attribute, parse
from api_segments.campaigns.content.visibility import Shown, Visibility

_SPACES = re.compile(r"[ \t\n\r\f]+")
_LEFT_OUT = re.compile(
    "head|style|script|template|title|textarea|select|object|svg|math|audio|video|canvas|iframe|noembed|noframes"
)
_PARAGRAPHS = re.compile("p|h[1-6]|ul|ol|dl|blockquote|pre|table|hr|address|figure")
_LINES = re.compile(
    "div|li|dt|dd|tr|thead|tbody|tfoot|caption|center|section|article|header|footer|main|nav|aside|form|fieldset|figcaption"
)
_LISTS, _CELLS = ("ul", "ol"), ("td", "th")
_TARGET = re.compile(r"(https?|mailto|tel|sms):", re.IGNORECASE)
_BARE = re.compile(r"^(https?://|mailto:|tel:|sms:)|/$", re.IGNORECASE)
_NUMBER = re.compile(r"[0-9]{1,6}")
_RULE, _QUOTED, _BETWEEN_CELLS = "-" * 20, "> ", " | "
# A text of more pieces than these is no address.
_MOST_PIECES = 20
# How deep lists and quotations are indented; what is deeper stands under the same indent.
_INDENTS = 8
_BLANK_LINES = re.compile(r"\n{3,}")


def text_of(markup: str, link: str) -> str:
    """Return an email's HTML as text, with the link to unsubscribe."""
    return text_with_link(_Writer().write(parse(markup)), link)


def text_with_link(text: str, link: str) -> str:
    """Return a text that has the link to unsubscribe: where it has it itself, or else at its end."""
    if link in re.split(r"[\s()<>]+", text):
        return text
    return f"{text.rstrip()}\n\nUnsubscribe: {link}".lstrip()


@dataclass(frozen=True, slots=True)
class _Anchor:
    """A link that is open: where it leads, and how many pieces and pictures had been written before it."""

    target: str
    pieces: int
    pictures: int
    is_seen: bool


class _Writer:
    """Writes a document's text line by line."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._line: list[str] = []  # what the line has so far
        self._indents: list[str] = []  # what lines begin with; the mark of a list's entry only its first
        self._numbers: list[int | None] = []  # of the lists that are open: the next entry's, None in one without
        self._anchors: list[_Anchor] = []
        self._pieces: list[str] = []
        self._pictures = 0
        self._preformatted = 0
        self._has_space = False
        self._has_cell_before = False

    def write(self, document: Document) -> str:
        """Return the document as text."""
        visibility = Visibility(document)
        waiting: list[tuple[Node, Shown, bool]] = [(document, Shown(), False)]
        while waiting:
            node, shown, is_over = waiting.pop()
            if isinstance(node, Text):
                self._say(node.data if shown.shows_text else "")
            elif is_over and isinstance(node, Element):
                self._leave(node)
            else:
                if isinstance(node, Element):
                    shown = visibility.of(node, shown)
                    if shown.is_gone or _LEFT_OUT.fullmatch(node.tag):
                        continue
                    self._enter(node, shown)
                    waiting.append((node, shown, True))
                waiting += [(child, shown, False) for child in reversed(node.children)]
        self._end_line()
        return _BLANK_LINES.sub("\n\n", "\n".join(self._lines).replace("\u00a0", " ")).strip("\n")

    def _enter(self, element: Element, shown: Shown) -> None:
        tag = element.tag
        self._begin_block(tag)
        if tag == "br":
            self._break()
        elif tag == "hr" and shown.is_visible:
            self._add(_RULE)
        elif tag == "img" and shown.shows_pictures:
            self._show(element)
        elif tag == "a":
            target = attribute(element, "href").strip()
            self._anchors.append(_Anchor(target, len(self._pieces), self._pictures, shown.shows_text))
        elif tag == "blockquote":
            self._indents.append(_QUOTED)
        elif tag in _LISTS:
            start = attribute(element, "start") or "1"
            number = int(start) if _NUMBER.fullmatch(start) else 1
            self._numbers.append(number if tag == "ol" else None)
        elif tag == "li":
            self._indents.append(self._mark())
        elif tag == "pre":
            self._preformatted += 1
        elif tag in _CELLS:
            self._has_cell_before = bool(self._line)

    def _show(self, picture: Element) -> None:
        self._pictures += 1
        if attribute(picture, "alt").strip():
            self._has_space = True
            self._say(attribute(picture, "alt"))
            self._has_space = True

    def _leave(self, element: Element) -> None:
        tag = element.tag
        if tag == "a":
            self._name_target(self._anchors.pop())
        self._begin_block(tag)
        if tag in ("blockquote", "li"):
            self._indents.pop()
        elif tag in _LISTS:
            self._numbers.pop()
        elif tag == "pre":
            self._preformatted -= 1

    def _begin_block(self, tag: str) -> None:
        if _PARAGRAPHS.fullmatch(tag) and not (tag in _LISTS and self._numbers):
            self._end_line()
            self._lines += [""] if self._lines else []
        elif tag in _LISTS or _LINES.fullmatch(tag):
            self._end_line()

    def _mark(self) -> str:
        """Return what stands before the next entry of the list that is open."""
        number = self._numbers[-1] if self._numbers else None
        if number is None:
            return "- "
        self._numbers[-1] = number + 1
        return f"{number}. "

    def _name_target(self, anchor: _Anchor) -> None:
        pieces = self._pieces[anchor.pieces : anchor.pieces + _MOST_PIECES]
        if not _TARGET.match(anchor.target) or _bare("".join(pieces)) == _bare(anchor.target):
            return
        if not pieces and not anchor.is_seen and anchor.pictures == self._pictures:
            return
        self._has_space = True
        self._add(f"({anchor.target})" if pieces else anchor.target)

    def _say(self, text: str) -> None:
        if self._preformatted:
            first, *others = text.split("\n")
            self._add(first)
            for each in others:
                self._break()
                self._add(each)
            return
        collapsed = _SPACES.sub(" ", text)
        self._has_space |= collapsed.startswith(" ")
        if collapsed.strip(" "):
            self._add(collapsed.strip(" "))
            self._has_space = collapsed.endswith(" ")

    def _add(self, piece: str) -> None:
        if not piece:
            return
        if self._line and self._has_cell_before:
            self._line.append(_BETWEEN_CELLS)
        elif self._line and self._has_space:
            self._line.append(" ")
        self._has_space = self._has_cell_before = False
        self._line.append(piece)
        self._pieces.append(piece)

    def _end_line(self) -> None:
        self._has_space = self._has_cell_before = False
        if self._line:
            self._break()

    def _break(self) -> None:
        indents = self._indents[:_INDENTS]
        self._lines.append("".join([*indents, *self._line]).rstrip())
        if self._line:
            self._indents[:_INDENTS] = [each if each == _QUOTED else " " * len(each) for each in indents]
        self._line.clear()
        self._has_space = self._has_cell_before = False


def _bare(address: str) -> str:
    return _BARE.sub("", address)
