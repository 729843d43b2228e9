"""Liquid templates, sandboxed: no files, no other templates, and limits on what rendering may cost.

A template sees the values that it is given, which are JSON's, and nothing of Python. The library bounds nesting and
output; loops in sequence, filters that multiply text and numbers without end are bounded here.
"""

import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, wraps
from itertools import chain
from typing import Any, cast

from liquid import BoundTemplate, Environment, RenderContext
from liquid.ast import Node
from liquid.builtin.expressions.primitive import RangeLiteral
from liquid.exceptions import LiquidError, ResourceLimitError
from liquid.expression import Expression
from liquid.stream import TokenStream
from liquid.token import Token
from liquid.undefined import UNDEFINED, Undefined

from api_segments.core.limits import MAX_RENDERED_BYTES

# Ours: what rendering one template may cost. A loop costs its turns times the template's length, a filter the length of
# what it is given, a range or list its length wherever it is used: about a second of CPU at worst.
TEMPLATE_WORK = 1_500_000
TEMPLATE_NESTING = 20
TEMPLATE_VALUE_CHARACTERS = 100 * 1024
TEMPLATE_LIST_ENTRIES = 10_000
TEMPLATE_INTEGER_BITS = 128

_KEPT = 16  # parsed templates of a process; the largest take some megabytes
_LONGEST_REASON = 200
# Tags that load other templates; and the filter that lifts escaping.
_LEFT_OUT_TAGS, _LEFT_OUT_FILTERS = ("include", "render"), ("safe",)
_SEARCHED_CHARACTERS = 32  # looking for a text takes a long one's characters that much faster than a list's entries
# Python's HTML parser takes a time that grows with the square of some texts.
_STRIPPED_CHARACTERS = 10_000
_TAG_CHARACTERS = 5_000
_TAG_SPACES = 100
_MANY_SPACES = re.compile(rf"\s{{{_TAG_SPACES + 1}}}")
_SPACES_AND_BREAKS = re.compile(r"[ \x00-\x1f\x7f-\x9f\u2028\u2029]+")
_OPENING = re.compile(r"\{[{%]")
# What stands in these is not read as a template.
_UNPARSED = {name: re.compile(rf"\{{%-?\s{{,9}}end{name}\s{{,9}}-?%\}}") for name in ("raw", "doc")}


def one_line(text: str) -> str:
    """Return a text without line breaks and control characters: nothing in it can begin another header.

    Joiners, variation selectors and marks of direction stay: families, Persian and mixed scripts are made of them.
    """
    return _SPACES_AND_BREAKS.sub(lambda run: " " if run[0].strip(" ") else run[0], text).strip(" ")


class TemplateError(Exception):
    """A template that can't be parsed or rendered; `str()` says where and why, for the account's own eyes."""


class _Context(RenderContext):
    """What one rendering knows, and how much it has cost so far."""

    __slots__ = ("held", "work")

    def __init__(self, *arguments: Any, **named: Any) -> None:  # noqa: ANN401 - as the library has it
        super().__init__(*arguments, **named)
        self.work = 0
        self.held = 0

    def spend(self, work: int) -> None:
        """Note what something costs; raises ResourceLimitError when it is too much."""
        self.work += work
        if self.work > TEMPLATE_WORK:
            raise ResourceLimitError("takes too long: fewer turns of loops, or shorter texts", token=None)

    def raise_for_loop_limit(self, length: int = 1) -> None:
        """Count the turns of a loop that is about to begin."""
        self.spend(length * cast("_Template", self.template).turn_cost)

    def get(self, path: list[object], *, token: Token | None, default: object = UNDEFINED) -> object:
        """Return a variable's value, charged with looking through it, as `contains` and loops with an offset do."""
        value = super().get(path, token=token, default=default)
        self.spend(1 + len(value) // _SEARCHED_CHARACTERS if isinstance(value, str) else _entries(value))
        return value

    def assign(self, key: str, val: Any) -> None:  # noqa: ANN401 - any value of a template
        """Keep a variable; all of them together are bounded as one value is."""
        self.held += _size(val) - (_size(self.locals[key]) if key in self.locals else 0)
        if self.held > TEMPLATE_VALUE_CHARACTERS:
            raise ResourceLimitError("its variables hold too much", token=None)
        self.locals[key] = val


class _Range(RangeLiteral):
    """A range with the limits of a list, as which it is charged, too.

    The library's tags and operators walk over a range however long it is, and count only what comes out.
    """

    __slots__ = ()

    def evaluate(self, context: RenderContext) -> range:
        """Return the range; raises ResourceLimitError."""
        result = super().evaluate(context)
        if result[TEMPLATE_LIST_ENTRIES:]:  # `len` can't tell of the longest
            raise _too_large()
        cast("_Context", context).spend(len(result))
        return result


class _Template(BoundTemplate):
    """A template; `turn_cost` is what a turn of any of its loops is charged with: the length of its text."""

    context_class = _Context
    turn_cost = 1


class _Sandbox(Environment):
    """Liquid as campaigns have it."""

    block_nesting_limit = TEMPLATE_NESTING
    context_depth_limit = TEMPLATE_NESTING + 2
    output_stream_limit = MAX_RENDERED_BYTES
    template_class = _Template

    def setup_tags_and_filters(self, *, extra: bool = False) -> None:
        """Register what Liquid has, less what is left out, each filter with its limits; and `json`."""
        super().setup_tags_and_filters(extra=extra)
        for name in _LEFT_OUT_TAGS:
            del self.tags[name]
        for name in _LEFT_OUT_FILTERS:
            del self.filters[name]
        self.filters["json"] = _json
        self.filters = {name: _limited(name, each) for name, each in self.filters.items()}
        for tag in self.tags.values():
            setattr(tag, "get_node", _placed(tag.get_node))  # noqa: B010 - mypy lets no method be assigned to


def _placed(parse: Callable[[TokenStream], Node]) -> Callable[[TokenStream], Node]:
    """Return a tag's parser whose errors all have an index: the tag's, where the library knows none."""

    def placed(stream: TokenStream) -> Node:
        begins = stream.current
        try:
            return parse(stream)
        except LiquidError as error:
            if error.token is None or error.token.start_index < 0:
                error.token = begins
            raise

    return placed


def _refuse_slow(text: str) -> None:
    """Raise TemplateError for texts that the library's regular expressions take minutes over.

    Those are tags that nothing closes, of which it tries each against the whole rest, and long runs of spaces in tags.
    """
    end = 0
    while opening := _OPENING.search(text, end):
        start = opening.start()
        closing = text.find("}}" if opening[0] == "{{" else "%}", opening.end())
        if closing < 0:
            raise _at(text, start, f"'{opening[0]}' is not closed")
        end = closing + 2
        markup = text[opening.end() : closing]
        if len(markup) > _TAG_CHARACTERS or _MANY_SPACES.search(markup):
            raise _at(
                text, start, f"a tag has more than {_TAG_CHARACTERS:,} characters, or {_TAG_SPACES} spaces in a row"
            )
        name = markup.strip("- \t\r\n")
        if opening[0] == "{%" and name in _UNPARSED:
            last = _UNPARSED[name].search(text, end)
            if last is None:
                raise _at(text, start, f"'{name}' is not ended by 'end{name}'")
            end = last.end()


def _at(text: str, index: int, reason: str) -> TemplateError:
    return TemplateError(f"line {_line(text, index)}: {reason}")


def _line(text: str, index: int) -> int:
    return text.count("\n", 0, index) + 1


def _json(value: object) -> str:
    """Write a value as JSON, a missing one as null."""
    return json.dumps(None if isinstance(value, Undefined) else value, ensure_ascii=False, allow_nan=False)


def _limited(name: str, do: Callable[..., Any]) -> Callable[..., Any]:
    """Return a filter that takes and gives no more than the limits allow, and is charged to its rendering."""

    @wraps(do)
    def limited(value: object, *arguments: object, context: _Context, **named: object) -> object:
        given = (value, *arguments, *named.values())
        for each in given:
            _refuse_large(each)
        context.spend(1 + sum(map(_size, given)))
        if getattr(do, "with_environment", False):
            named["environment"] = context.env
        if name == "strip_html" and _size(value) > _STRIPPED_CHARACTERS:
            raise ResourceLimitError(f"strip_html: takes {_STRIPPED_CHARACTERS:,} characters", token=None)
        if _grows_to(name, given) > TEMPLATE_VALUE_CHARACTERS:
            raise _too_large()
        result = do(value, *arguments, **named)
        _refuse_large(result)
        context.spend(_size(result))
        return result

    limited.with_context = True  # type: ignore[attr-defined]  # how the library marks such a filter
    limited.with_environment = False  # type: ignore[attr-defined]  # as above
    return limited


def _grows_to(name: str, given: Sequence[object]) -> int:
    """Return the most characters that a filter could make, of those filters that multiply what they are given."""
    if name == "replace":
        value, old, new = (*map(str, given), "", "")[:3]
        return len(value) + (value.count(old) if old else len(value) + 1) * len(new)
    if name == "join" and len(given) > 1:
        return _size(given[0]) + _entries(given[0]) * len(str(given[1]))
    return 0


def _entries(value: object) -> int:
    return len(value) if isinstance(value, list | tuple | range) else 1


def _size(value: object) -> int:
    """Return the size of a value in characters, about."""
    if isinstance(value, str):
        return len(value)
    if isinstance(value, list | tuple):
        return sum(1 + _size(each) for each in value)
    if isinstance(value, Mapping):
        return sum(1 + _size(each) for each in chain(value, value.values()))
    return _entries(value)


def _refuse_large(value: object) -> None:
    is_large = (
        (isinstance(value, str) and len(value) > TEMPLATE_VALUE_CHARACTERS)
        or (isinstance(value, list | tuple | range) and len(value) > TEMPLATE_LIST_ENTRIES)
        or (isinstance(value, int) and value.bit_length() > TEMPLATE_INTEGER_BITS)
        or (isinstance(value, float) and not math.isfinite(value))
    )
    if is_large or _size(value) > TEMPLATE_VALUE_CHARACTERS:
        raise _too_large()


def _too_large() -> ResourceLimitError:
    return ResourceLimitError("a value becomes too large", token=None)


_SANDBOXES = {is_html: _Sandbox(autoescape=is_html) for is_html in (False, True)}


def check(text: str, *, is_html: bool) -> None:
    """Raise TemplateError, with the line, unless a text is a template that only uses what there is."""
    template = _parse(text, is_html=is_html)
    try:
        used = template.analyze(include_partials=False).filters
    except Exception as exc:  # noqa: BLE001 - as in `render`
        raise _error(exc) from None
    for name, uses in used.items():
        if name not in template.env.filters:
            raise _at(text, uses[0].index, f"unknown filter '{name}'")


@dataclass(frozen=True, slots=True)
class UsedName:
    """A name that a template uses and has not made itself, with what follows it; None where only a rendering tells."""

    path: tuple[str | None, ...]
    line: int


def used_names(text: str, *, is_html: bool) -> list[UsedName]:
    """Return the names that a template takes from outside; raises TemplateError."""
    template = _parse(text, is_html=is_html)
    try:
        found = template.analyze(include_partials=False)
    except Exception as exc:  # noqa: BLE001 - as in `render`
        raise _error(exc) from None
    # A loop may use in its second turn what it has assigned in its first.
    uses = [use for name, each in found.globals.items() if name not in found.locals for use in each]
    return [
        UsedName(tuple(part if isinstance(part, str) else None for part in use.segments), _line(text, use.span.index))
        for use in sorted(uses, key=lambda use: use.span.index)
    ]


def render(text: str, variables: Mapping[str, Any], *, is_html: bool) -> str:
    """Fill a template in; with `is_html`, every value comes out escaped. Raises TemplateError."""
    template = _parse(text, is_html=is_html)
    try:
        return template.render(variables)
    except Exception as exc:  # noqa: BLE001 - its filters let errors of Python's own out, of any kind
        raise _error(exc) from None  # they may quote a user's data, and Lambda writes what is not caught


@lru_cache(maxsize=_KEPT)
def _parse(text: str, *, is_html: bool) -> _Template:
    _refuse_slow(text)
    try:
        template = cast("_Template", _SANDBOXES[is_html].from_string(text))
        _bound_ranges(template)
    except Exception as exc:  # noqa: BLE001 - as in `render`: deep nesting ends in a RecursionError
        raise _error(exc) from None
    template.turn_cost = len(text)
    return template


def _bound_ranges(template: _Template) -> None:
    """Give every range of a template its limits; the library has no place to name a class of ranges of one's own."""
    context = _Context(template)
    waiting: list[Node | Expression] = list(template.nodes)
    while waiting:
        each = waiting.pop()
        if isinstance(each, Node):
            waiting += each.children(context, include_partials=False)
            waiting += each.expressions()
            continue
        if isinstance(each, RangeLiteral):
            each.__class__ = _Range
        waiting += each.children()


def _error(exc: Exception) -> TemplateError:
    """Say what is wrong with a template, in the library's words if they are its own."""
    if not isinstance(exc, LiquidError):
        return TemplateError("can't be rendered")
    reason = one_line(str(exc.message))[:_LONGEST_REASON]
    try:
        where = exc.context()
    except ValueError:  # at the very end of the text
        where = None
    return TemplateError(f"line {where[0]}: {reason}" if where else reason)
