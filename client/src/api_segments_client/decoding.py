"""From JSON to frozen dataclasses, by their annotations: what is not as annotated is named by its place."""

from __future__ import annotations

import types
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from datetime import datetime
from functools import cache
from typing import Any, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from api_segments_client.errors import UnexpectedAnswerError

T = TypeVar("T")
FURTHER = "further"
"""A field of this name takes whatever the other fields do not."""


def decode(kind: type[T], value: object, place: str) -> T:
    """Return `value`, which JSON gave, as `kind`; UnexpectedAnswerError names the place where it is something else."""
    return cast("T", _decode(kind, value, place))


def _decode(kind: Any, value: Any, place: str) -> Any:  # noqa: ANN401, PLR0911 - any annotation and JSON; one return a kind
    if kind is Any:
        return value
    origin = get_origin(kind)
    if origin in (Union, types.UnionType):
        return _optional(get_args(kind), value, place)
    if origin is tuple:
        return tuple(
            _decode(get_args(kind)[0], each, f"{place}[{index}]") for index, each in enumerate(_of(list, value, place))
        )
    if origin is Mapping:
        return {
            name: _decode(get_args(kind)[1], each, f"{place}.{name}") for name, each in _of(dict, value, place).items()
        }
    if kind is datetime:
        return _moment(_of(str, value, place), place)
    if is_dataclass(kind):
        return _dataclass(cast("type[Any]", kind), _of(dict, value, place), place)
    if kind is float:
        return float(_of((int, float), value, place))
    return _of(kind, value, place)


def _optional(kinds: tuple[Any, ...], value: Any, place: str) -> Any:  # noqa: ANN401 - as _decode
    if value is None:
        return None
    (kind,) = (each for each in kinds if each is not types.NoneType)
    return _decode(kind, value, place)


def _of(kinds: Any, value: Any, place: str) -> Any:  # noqa: ANN401 - as _decode
    if not isinstance(value, kinds) or (isinstance(value, bool) and kinds is not bool):
        raise UnexpectedAnswerError(f"the answer's {place} is {_short(value)}, where {_name(kinds)} was expected")
    return value


def _dataclass(kind: type[Any], value: dict[str, Any], place: str) -> Any:  # noqa: ANN401 - as _decode
    hints = _hints(kind)  # type: ignore[arg-type] # a class is hashable
    given: dict[str, Any] = {}
    known: set[str] = set()
    for each in fields(kind):
        if each.name == FURTHER:
            continue
        name = each.metadata.get("name", each.name)
        known.add(name)
        if name in value:
            given[each.name] = _decode(hints[each.name], value[name], f"{place}.{name}")
        elif each.default is MISSING and each.default_factory is MISSING:
            raise UnexpectedAnswerError(f"the answer's {place} has no {name}")
    if FURTHER in hints:
        given[FURTHER] = {name: each for name, each in value.items() if name not in known}
    return kind(**given)


@cache
def _hints(kind: Any) -> dict[str, Any]:  # noqa: ANN401 - a class, which is hashable
    return get_type_hints(kind)


def _moment(text: str, place: str) -> datetime:
    try:
        return datetime.fromisoformat(text.removesuffix("Z") + "+00:00" if text.endswith("Z") else text)
    except ValueError as exc:
        raise UnexpectedAnswerError(f"the answer's {place} is {_short(text)}, where a time was expected") from exc


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."  # noqa: PLR2004 - what fits into a line


def _name(kinds: Any) -> str:  # noqa: ANN401 - a type or some of them
    return " or ".join(kind.__name__ for kind in kinds) if isinstance(kinds, tuple) else str(kinds.__name__)
