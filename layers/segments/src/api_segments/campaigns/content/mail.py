"""An email's HTML with a link to unsubscribe that its reader sees, whatever the template says.

What the author wrote stays as it is, letter for letter. Unless it shows the link itself beyond doubt, a small table of
ours is put between. Where that can stand is not guessed: the whole is read again by an HTML5 parser, and the table must
be a child of the body there, with all the rest as it was.
"""

import html
import re
from collections.abc import Iterator
from itertools import islice

import turbohtml
from turbohtml import Element, TokenType

from api_segments.campaigns.content.sight import hides_its_body, shows_link
from api_segments.campaigns.content.templates import TemplateError

SAMPLE_LINK = "https://example.com/unsubscribe/"

_VALUE = "liquidvalue"  # stands for an output of Liquid while its place is looked at
# Attributes that hold an address; those that lead there; what addresses begin with that run as scripts.
_LEADING = ("href", "xlink:href", "action", "formaction")
_ADDRESSES = frozenset({*_LEADING, "src", "background", "poster", "data"})
_SCRIPTS = ("javascript:", "vbscript:")
_IGNORED_IN_ADDRESSES = re.compile(r"^[\x00-\x20]+|[\t\n\r]+")
_LINE_END = re.compile(r"\r\n|\r|\n")
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
    document = turbohtml.parse(markup, source_locations=True)
    lines = _LINE_END.sub("\n", markup)
    for element in document.iter_elements():
        if _VALUE in element.tag:
            raise TemplateError("a value can't be filled in as the name of an element")
        location = element.source_location
        for name, span in ({} if location is None else location.attrs).items():
            written = lines[span.start_offset : span.end_offset]
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

    Raises TemplateError if nothing can be shown, or if an address in it would run a script.
    """
    _check_addresses(turbohtml.parse(markup))
    if all(shows_link(turbohtml.parse(markup, scripting=scripting), link) for scripting in (False, True)):
        return markup
    if hides_its_body(turbohtml.parse(markup)):
        raise TemplateError("hides its body, and with it any link to unsubscribe")
    ours = _table(link)
    for index in dict.fromkeys(_places(markup)):
        composed = f"{markup[:index]}{_closing(markup[:index])}{ours}{markup[index:]}"
        if _adds_only(ours, composed, markup):
            return composed
    raise TemplateError("leaves no place where a link to unsubscribe is seen")


def _check_addresses(document: turbohtml.Document) -> None:
    for element in document.iter_elements():
        for name in _ADDRESSES.intersection(element.attrs):
            address = _IGNORED_IN_ADDRESSES.sub("", str(element.attr(name) or "")).lower()
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
    starts = [0, *(found.end() for found in _LINE_END.finditer(markup))]

    def index(token: turbohtml.Token) -> int:
        return starts[token.line - 1] + token.col

    tokens = list(turbohtml.tokenize(markup))
    ends = [token for token in tokens if token.type is TokenType.END_TAG and token.tag in ("body", "html")]
    last_of_body = [token for token in ends if token.tag == "body"][-1:]
    yield from map(index, last_of_body or ends[-1:])
    yield len(markup)
    yield from map(index, tokens[-1:])  # a comment that nothing closes
    for end in _TAG_ENDS:
        yield from (min(index(token), len(markup)) for token in list(turbohtml.tokenize(markup + end))[-1:])
    yield from map(index, islice(tokens, _FIRST_TOKENS))


def _closing(markup: str) -> str:
    """Return the end tags of what is open at the end of a markup, for readers with and without scripts."""
    opened = _opened(markup, scripting=False)
    hidden = [tag for tag in _opened(markup, scripting=True) if tag == "noscript" and tag not in opened]
    return "".join(f"</{tag}>" for tag in reversed([*hidden, *opened]))


def _opened(markup: str, *, scripting: bool) -> list[str]:
    """Return the elements that are open at the end of a markup, from its body down, or its head if that is empty."""
    document = turbohtml.parse(markup, source_locations=True, scripting=scripting)
    element = document.find("body")
    if element is not None and not element.children:
        element = document.find("head")
    opened: list[str] = []
    while element is not None and len(opened) < _CLOSED_ELEMENTS:
        last = next((child for child in reversed(element.children) if isinstance(child, Element)), None)
        location = None if last is None else last.source_location
        if last is None or location is None or location.end_tag is not None:
            break
        opened.append(last.tag)
        element = last
    return opened


def _adds_only(ours: str, composed: str, markup: str) -> bool:
    """Whether a markup that was composed shows our table right in its body, and all else as it was without it.

    To a reader that runs scripts, which mail programs don't, the table must be shown, too.
    """
    document = turbohtml.parse(composed)
    table = _table_in(document, ours)
    if table is None or _table_in(turbohtml.parse(composed, scripting=True), ours) is None:
        return False
    table.extract()
    return _letters(document) == _letters(turbohtml.parse(markup))


def _table_in(document: turbohtml.Document, ours: str) -> Element | None:
    """Return our table, if it is a child of a document's body as it was written."""
    (table,) = turbohtml.parse_fragment(ours).children
    as_written, body = table.serialize(), document.find("body")
    children = [] if body is None else [child for child in body.children if isinstance(child, Element)]
    return next((child for child in children if child.tag == "table" and child.serialize() == as_written), None)


def _letters(document: turbohtml.Document) -> str:
    """Return a document as text that differs where the documents do, spaces aside."""
    return "".join(document.serialize().split())
