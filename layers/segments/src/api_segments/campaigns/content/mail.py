"""An email's HTML with a link to unsubscribe that its reader sees, whatever the template says.

What the author wrote stays as it is, letter for letter. Unless it shows the link itself beyond doubt, a small table of
ours is put between. Where that can stand is not guessed: the whole is read again by an HTML5 parser, and the table must
be a child of the body there, with all the rest as it was.
"""

import html
import re
from collections.abc import Iterator
from itertools import islice

from api_segments.campaigns.content.markup import (
    Document,
    Element,
    attribute,
    open_elements,
    parse,
    parse_element,
    tokens,
    written_attributes,
)
from api_segments.campaigns.content.sight import hides_its_body, shows_link
from api_segments.campaigns.content.templates import TemplateError

SAMPLE_LINK = "https://example.com/unsubscribe/"

_VALUE = "liquidvalue"  # stands for an output of Liquid while its place is looked at
# Attributes that hold an address; those that lead there; what addresses begin with that run as scripts.
_LEADING = ("href", "xlink:href", "action", "formaction")
_ADDRESSES = frozenset({*_LEADING, "src", "background", "poster", "data"})
_SCRIPTS = ("javascript:", "vbscript:")
_LINE_END = re.compile(r"\r\n|\r|\n")
_IGNORED_IN_ADDRESSES = re.compile(r"^[\x00-\x20]+|[\t\n\r]+")
# What ends a tag that the text breaks off in: without quotes, in double ones, in single ones.
_TAG_ENDS = (">", '">', "'>")
# Elements from the body down that are closed before ours; parsers cut what is nested deeper, each in its own way.
_CLOSED_ELEMENTS = 250
_FIRST_TOKENS = 20
# `all` undoes what a style sheet says of such elements, and the rest says it to programs that don't know `all`.
_PLAIN = "all:initial!important;visibility:visible!important;opacity:1!important;display:{}!important"
_COLOURS = ";color:#595959!important;background:#ffffff!important;font:12px/1.5 sans-serif!important"
_PARTS = {
    name: _PLAIN.format(display)
    for name, display in {"table": "table", "tbody": "table-row-group", "tr": "table-row"}.items()
}


def check_quotes(template: str) -> None:
    """Raise TemplateError where a value is filled in that escaping does not keep in its place: outside of quotes."""
    markup = _replaced(_replaced(template, "{{", "}}", _VALUE), "{%", "%}", "")
    for element, attributes in written_attributes(markup):
        if _VALUE in element.tag:
            raise TemplateError("a value can't be filled in as the name of an element")
        for name, written in attributes.items():
            _, _, value = written.partition("=")
            if _VALUE in name or (_VALUE in value and value.lstrip()[0] not in "\"'"):
                shown = name.replace(_VALUE, "…")
                raise TemplateError(f"what is filled in needs quotes around it, as the attribute {shown} has none")


def _replaced(text: str, opening: str, closing: str, by: str) -> str:
    """Return a text with something in place of all that stands between two marks."""
    first, *others = text.split(opening)
    parts = [each.partition(closing) for each in others]
    return first + "".join(f"{by}{rest}" if closed else inside for inside, closed, rest in parts)


def with_link(markup: str, link: str) -> str:
    """Return an email's HTML that shows the link to unsubscribe.

    Raises TemplateError if nothing can be shown, or if an address in it would run a script or is gone to by itself.
    """
    _check_addresses(parse(markup))
    if all(shows_link(parse(markup, scripting=scripting), link) for scripting in (False, True)):
        return markup
    if hides_its_body(parse(markup)):
        raise TemplateError("hides its body, and with it any link to unsubscribe")
    ours = _table(link)
    for index in dict.fromkeys(_places(markup)):
        composed = f"{markup[:index]}{_closing(markup[:index])}{ours}{markup[index:]}"
        if _adds_only(ours, composed, markup):
            return composed
    raise TemplateError(f"leaves no place where a link to unsubscribe is seen{_obstacle(markup)}")


def _obstacle(markup: str) -> str:
    """Return what keeps a link from being seen, as the end of a sentence; nothing where that can't be told."""
    last = tokens(markup)[-1:]
    if last and last[0].is_comment and tokens(f"{markup}x")[-1] == last[0]:
        return (
            f": the comment that begins in line {len(_LINE_END.findall(markup[: last[0].index])) + 1} is never closed"
        )
    if parse(markup).find("frameset") is not None:
        return ": it is a document of frames"
    opened = open_elements(markup, _CLOSED_ELEMENTS, scripting=False)
    return f": its <{opened[-1]}> is never closed" if opened else ""


def _check_addresses(document: Document) -> None:
    for element in document.iter_elements():
        if element.tag == "meta" and attribute(element, "http-equiv").strip().lower() == "refresh":
            raise TemplateError("a meta element with http-equiv refresh would lead the reader elsewhere; take it out")
        for name in _ADDRESSES.intersection(element.attrs):
            address = _IGNORED_IN_ADDRESSES.sub("", attribute(element, name)).lower()
            if address.startswith(_SCRIPTS) or (name in _LEADING and address.startswith("data:")):
                raise TemplateError(f"the address of an attribute {name} would run a script")


def _table(link: str) -> str:
    """Return what shows the link: in a cell, as formatting that is still open does not reach into a table's cells."""
    opened = "".join(f'<{name} style="{style}">' for name, style in _PARTS.items())
    cell = _PLAIN.format("table-cell") + _COLOURS
    anchor = _PLAIN.format("inline") + _COLOURS + ";text-decoration:underline!important"
    shown = f'<td style="{cell}"><a href="{html.escape(link)}" style="{anchor}">Unsubscribe</a></td>'
    return f"{opened}{shown}</tr></tbody></table>"


def _places(markup: str) -> Iterator[int]:
    """Return where a table may stand, as indices into the markup, the best first."""
    found = tokens(markup)
    ends = [token for token in found if token.ends in ("body", "html")]
    last_of_body = [token for token in ends if token.ends == "body"][-1:]
    yield from (token.index for token in last_of_body or ends[-1:])
    yield len(markup)
    yield from (token.index for token in found[-1:])  # a comment that nothing closes
    for end in _TAG_ENDS:
        yield from (min(token.index, len(markup)) for token in tokens(markup + end)[-1:])
    yield from (token.index for token in islice(found, _FIRST_TOKENS))


def _closing(markup: str) -> str:
    """Return the end tags of what is open at the end of a markup, for readers with and without scripts."""
    opened = open_elements(markup, _CLOSED_ELEMENTS, scripting=False)
    hidden = [
        tag
        for tag in open_elements(markup, _CLOSED_ELEMENTS, scripting=True)
        if tag == "noscript" and tag not in opened
    ]
    return "".join(f"</{tag}>" for tag in reversed([*hidden, *opened]))


def _adds_only(ours: str, composed: str, markup: str) -> bool:
    """Whether a markup that was composed shows our table right in its body, and all else as it was without it.

    To a reader that runs scripts, which mail programs don't, the table must be shown, too.
    """
    document = parse(composed)
    table = _table_in(document, ours)
    if table is None or _table_in(parse(composed, scripting=True), ours) is None:
        return False
    table.extract()
    return _letters(document) == _letters(parse(markup))


def _table_in(document: Document, ours: str) -> Element | None:
    """Return our table, if it is a child of a document's body as it was written."""
    as_written, body = parse_element(ours).serialize(), document.find("body")
    children = [] if body is None else [child for child in body.children if isinstance(child, Element)]
    return next((child for child in children if child.tag == "table" and child.serialize() == as_written), None)


def _letters(document: Document) -> str:
    """Return a document as text that differs where the documents do, spaces aside."""
    return "".join(document.serialize().split())
