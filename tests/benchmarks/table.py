"""A table of a document, and how its cells say things."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Table:
    """A heading, a sentence or two about what is shown, and rows; the first column is text."""

    title: str
    about: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]


def section(title: str, about: str, header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [f"## {title}", "", about, "", f"| {' | '.join(header)} |"]
    is_number = [all(row[n].lstrip("*")[:1].isdigit() for row in rows) for n in range(len(header))]
    lines.append(f"|{'|'.join('--:' if each else '---' for each in is_number)}|")
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in rows)])


def number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def short(value: float) -> str:
    return f"{value:.4f}" if value < 0.1 else f"{value:.3g}"


def yes(held: bool) -> str:
    return "yes" if held else "**NO**"
