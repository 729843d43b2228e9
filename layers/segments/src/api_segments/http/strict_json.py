"""JSON as RFC 8259 has it, and no more: no NaN, no key twice, no lone surrogates, no endless nesting."""

import json
import math
from typing import Any, NoReturn

from api_segments.core.errors import InvalidRequestError

_LONGEST_NAME = 64  # enough to know it by
_LONGEST_PATH = 300
_NESTING = (dict, list)
_DEEPEST = 32  # no body of ours has more than six levels; what is read may be echoed, so it must be writable too

REPLACEMENT = "\ufffd"
"""What readers put in the place of bytes that are not UTF-8; of a text that has it nobody knows what it was."""
BROKEN = "has U+FFFD, which stands for bytes that were not UTF-8; send the text itself, as UTF-8"


class _RepeatedKey(dict[str, Any]):
    """An object in which a key stood twice; its path is found when the whole text has been read."""

    key: str


def parse(text: bytes) -> Any:  # noqa: ANN401 - any JSON value
    """Read one JSON value from UTF-8; raises InvalidRequestError, which names the path."""
    repeated = False

    def to_object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        nonlocal repeated
        value = dict(pairs)
        if len(value) == len(pairs):
            return value
        repeated = True
        marked = _RepeatedKey(value)
        seen: set[str] = set()
        marked.key = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]  # add() is None, so false
        return marked

    try:
        value = json.loads(
            text.decode("utf-8-sig"), object_pairs_hook=to_object, parse_constant=_refuse_constant, parse_float=_finite
        )
        if repeated:
            _refuse_repeated(value, ())
        _refuse_depth(value, _DEEPEST)
    except UnicodeDecodeError as exc:
        raise InvalidRequestError(f"body: not UTF-8 at byte {exc.start}") from exc
    except json.JSONDecodeError as exc:
        raise InvalidRequestError(f"body: not JSON: {exc.msg} at line {exc.lineno} column {exc.colno}") from exc
    except RecursionError as exc:  # of the reader, or of the search for a repeated key
        raise InvalidRequestError("body: nested too deeply") from exc
    except ValueError as exc:  # int() refuses numbers of more than 4,300 digits
        raise InvalidRequestError("body: a number has too many digits") from exc
    return value


def show(key: object) -> str:
    """Write a name that came from outside so that it can stand in an error: printable, and not too long."""
    text = (
        str(key).encode("unicode_escape", "surrogatepass").decode("ascii") if not str(key).isprintable() else str(key)
    )
    return text if len(text) <= _LONGEST_NAME else f"{text[:_LONGEST_NAME]}…"


def path(steps: tuple[int | str, ...], whole: str = "body", at: str = "") -> str:
    """Write a path in a body, from `at` on: `bulk_profiles[3].segments[0].action`; no steps lead to the `whole`."""
    text = at
    for step in steps:
        text += f"[{step}]" if isinstance(step, int) else f".{show(step) or repr(step)}"
    text = text.removeprefix(".") or whole
    return text if len(text) <= _LONGEST_PATH else f"{text[:_LONGEST_PATH]}…"


def _refuse_constant(name: str) -> NoReturn:
    raise InvalidRequestError(f"body: not JSON: {name} is not a JSON value")


def _refuse_depth(value: object, levels: int) -> None:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    if inner and not levels:
        raise InvalidRequestError("body: nested too deeply")
    for each in inner:
        if isinstance(each, _NESTING):
            _refuse_depth(each, levels - 1)


def _finite(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        raise InvalidRequestError("body: a number is out of range")
    return number


def _refuse_repeated(value: object, steps: tuple[int | str, ...]) -> None:
    """Find the object that was marked and raise for it."""
    if isinstance(value, _RepeatedKey):
        raise InvalidRequestError(f"{path(steps)}: the key '{show(value.key)}' stands twice")
    if isinstance(value, dict):
        for key, inner in value.items():
            _refuse_repeated(inner, (*steps, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            _refuse_repeated(inner, (*steps, index))
