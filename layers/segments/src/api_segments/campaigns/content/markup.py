"""HTML as browsers and mail programs read it. This is the one module that knows the parser, turbohtml.

Others take the tree's types from here, and use of them what any such library has: tags, attributes, children, texts,
ancestors, descendants, a search by tag and by selector, serializing, taking an element out.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import turbohtml
from turbohtml import Comment, Document, Element, Namespace, Node, SelectorSyntaxError, Text, TokenType

__all__ = ["Comment", "Document", "Element", "Node", "Text"]

_LINE_END = re.compile(r"\r\n|\r|\n")


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of markup: what begins at `index`, the tag that it ends if it is an end tag, and whether it is a comment.

    A comment that nothing closes lasts to the end.
    """

    index: int
    ends: str | None
    is_comment: bool


def parse(markup: str, *, scripting: bool = False) -> Document:
    """Read a document, as a program that runs scripts or doesn't."""
    return turbohtml.parse(markup, scripting=scripting)


def parse_element(markup: str) -> Element:
    """Read one element that stands alone."""
    (element,) = turbohtml.parse_fragment(markup).children
    if not isinstance(element, Element):
        raise TypeError("no element")
    return element


def tokens(markup: str) -> list[Token]:
    """Return the pieces that markup is made of, with their places."""
    starts = [0, *(found.end() for found in _LINE_END.finditer(markup))]
    return [
        Token(
            starts[token.line - 1] + token.col,
            token.tag if token.type is TokenType.END_TAG else None,
            token.type is TokenType.COMMENT,
        )
        for token in turbohtml.tokenize(markup)
    ]


def written_attributes(markup: str) -> Iterator[tuple[Element, dict[str, str]]]:
    """Return each element with its attributes as they are written, name, quotes and all, by their names."""
    lines = _LINE_END.sub("\n", markup)
    for element in turbohtml.parse(markup, source_locations=True).iter_elements():
        location = element.source_location
        spans = {} if location is None else location.attrs
        yield element, {name: lines[span.start_offset : span.end_offset] for name, span in spans.items()}


def open_elements(markup: str, at_most: int, *, scripting: bool) -> list[str]:
    """Return the tags of what is open at the end of markup, from its body down, or from its head if that is empty."""
    document = turbohtml.parse(markup, source_locations=True, scripting=scripting)
    element = document.find("body")
    if element is not None and not element.children:
        element = document.find("head")
    opened: list[str] = []
    while element is not None and len(opened) < at_most:
        last = next((child for child in reversed(element.children) if isinstance(child, Element)), None)
        location = None if last is None else last.source_location
        if last is None or location is None or location.end_tag is not None:
            break
        opened.append(last.tag)
        element = last
    return opened


def attribute(element: Element, name: str) -> str:
    """Return an attribute's value, the empty text where it has none."""
    return str(element.attr(name) or "")


def is_html(element: Element) -> bool:
    """Whether an element is HTML's, and not of a drawing or a formula."""
    return element.namespace is Namespace.HTML


def matches(element: Element, selector: str) -> bool | None:
    """Whether an element is one that a style sheet's selector means; None if that can't be told."""
    try:
        return element.matches(selector)
    except SelectorSyntaxError:
        return None


def selected(document: Document, selector: str) -> list[Element] | None:
    """Return the elements that a style sheet's selector means; None if that can't be told."""
    try:
        return document.select(selector)
    except SelectorSyntaxError:
        return None
