"""Results on stdout: tables for people, and for programs one JSON object a line, of a list one for each entry."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import datetime
from itertools import islice
from typing import Any

import click

from api_segments_client.cli.shared import state

ROWS_A_TABLE = 1000
"""So many are held in memory; a longer list is several tables."""
NEVER_WRAPPED = 10_000


def plain(value: Any) -> Any:  # noqa: ANN401 - whatever the library returns
    """Return a value as JSON has it; what is not to be shown, as signed links are, is left out."""
    if is_dataclass(value) and not isinstance(value, type):
        return {
            each.metadata.get("name", each.name): plain(getattr(value, each.name))
            for each in fields(value)
            if each.repr
        }
    if isinstance(value, datetime):
        return value.isoformat(timespec="microseconds").replace("+00:00", "Z")
    if isinstance(value, Mapping):
        return {str(name): plain(each) for name, each in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain(each) for each in value]
    return value


def line(value: Any) -> None:  # noqa: ANN401 - as plain
    """Write one JSON object."""
    click.echo(json.dumps(plain(value), ensure_ascii=False))


def rows(entries: Iterable[Any], columns: Sequence[str], limit: int | None = None) -> None:
    """Show a list; `columns` are what people see of an entry, `reachable.email` is a part of a part."""
    entries = iter(islice(entries, limit))
    if state().as_json:
        for entry in entries:
            line(entry)
        return
    is_empty = True
    while page := list(islice(entries, ROWS_A_TABLE)):
        is_empty = False
        _table([[_part(plain(entry), column) for column in columns] for entry in page], columns)
    if is_empty:
        click.echo("none", err=True)


def one(value: Any, also: Mapping[str, object] | None = None) -> None:  # noqa: ANN401 - as plain
    """Show one thing: for people a line for each of its fields."""
    shown = {**plain(value), **(also or {})}
    if state().as_json:
        line(shown)
        return
    flat = [(name, each) for name, each in _flat(shown) if each not in (None, [], {})]
    _table([[name, each] for name, each in flat], ())


def _flat(value: Mapping[str, Any], before: str = "") -> list[tuple[str, Any]]:
    flat: list[tuple[str, Any]] = []
    for name, each in value.items():
        if isinstance(each, Mapping) and each:
            flat.extend(_flat(each, f"{before}{name}."))
        else:
            flat.append((before + name, each))
    return flat


def _part(entry: Any, column: str) -> Any:  # noqa: ANN401 - JSON
    for name in column.split("."):
        entry = entry.get(name) if isinstance(entry, Mapping) else None
    return entry


def _table(cells: Sequence[Sequence[Any]], columns: Sequence[str]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=bool(columns), header_style="bold")
    for index in range(max(map(len, cells), default=0)):
        is_number = bool(columns) and all(isinstance(row[index], (int, float)) for row in cells)
        table.add_column(columns[index] if columns else "", justify="right" if is_number else "left", overflow="fold")
    for row in cells:
        table.add_row(*(Text(_text(cell)) for cell in row))
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else NEVER_WRAPPED
    console = Console(file=sys.stdout, width=width, highlight=False)
    with console.capture() as captured:
        console.print(table)
    for each in captured.get().splitlines():
        click.echo(each.rstrip())


def _text(value: Any) -> str:  # noqa: ANN401 - JSON
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list) and not any(isinstance(each, (dict, list)) for each in value):
        text = ", ".join(map(str, value))
    else:
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return printable(text)


def printable(text: str) -> str:
    """Return a text in which what a terminal would obey is shown instead."""
    return "".join(each if each.isprintable() else repr(each)[1:-1] for each in text)
