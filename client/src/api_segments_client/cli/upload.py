"""`upload`: what is known of users, from CSV or NDJSON, by a mapping of columns to attributes."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain, islice
from typing import TYPE_CHECKING, Any

import click

from api_segments_client.cli import rows as files
from api_segments_client.cli.exits import InputError
from api_segments_client.cli.members import figures
from api_segments_client.cli.progress import Rejected, bar
from api_segments_client.cli.shared import Command, ParamType, client

if TYPE_CHECKING:
    from api_segments_client.models import Refused

BOOLEANS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


def _number(text: str) -> int | float:
    value = float(text) if any(each in text for each in ".eEnN") else int(text)
    if not math.isfinite(value):
        raise ValueError(text)
    return value


TYPES: Mapping[str, Callable[[str], Any]] = {
    "text": str,
    "number": _number,
    "boolean": lambda text: BOOLEANS[text.lower()],
}


@dataclass(frozen=True)
class Column:
    """What becomes of a column."""

    attribute: str
    kind: str


class MappingType(ParamType):
    """COLUMN=ATTRIBUTE, with :number or :boolean behind it where it is one; COLUMN= leaves the column out."""

    name = "mapping"

    def convert(
        self,
        value: Any,  # noqa: ANN401 - click's own
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> tuple[str, Column | None]:
        """Return the column's name and what becomes of it."""
        column, is_there, attribute = str(value).partition("=")
        if not is_there or not column:
            self.fail(f"{value!r} must be like COLUMN=ATTRIBUTE, or COLUMN=ATTRIBUTE:number", param, ctx)
        if not attribute:
            return column, None
        name, _, kind = attribute.rpartition(":")
        if name and kind in TYPES:
            return column, Column(name, kind)
        return column, Column(attribute, "boolean" if attribute.startswith("MSG-") else "text")


@click.command(
    cls=Command,
    example="api-segments upload people.csv --identity no --map email=Email --map visits=Visits:number --map notes=",
)
@click.argument("file", type=click.Path(allow_dash=True))
@click.option(
    "--identity", "identity", default="identity", show_default=True, help="The column or field with the identity."
)
@click.option("--guid", "guid", default="guid", show_default=True, help="The one with the guid.")
@click.option(
    "--map",
    "mapped",
    type=MappingType(),
    multiple=True,
    metavar="COLUMN=ATTRIBUTE[:TYPE]",
    help="TYPE is text, number or boolean.",
)
@click.option("--only-mapped", is_flag=True, help="Leave out all columns that no --map names.")
@click.option(
    "--empty",
    type=click.Choice(["keep", "remove"]),
    default="keep",
    show_default=True,
    help="What an empty cell does to the attribute.",
)
@click.option("--dry-run", is_flag=True, help="Check everything, and write nothing.")
@click.option("--rejected", type=click.Path(dir_okay=False), help="Where rejected records go; FILE.rejected.ndjson.")
def upload(
    file: str,
    identity: str,
    guid: str,
    mapped: tuple[tuple[str, Column | None], ...],
    only_mapped: bool,
    empty: str,
    dry_run: bool,
    rejected: str | None,
) -> None:
    """Upload what you know of users: CSV, or NDJSON of objects or of whole records as `POST /1/upload` takes them.

    A column becomes the attribute that --map says, else the one of its own name. - is stdin. The file of rejected
    records can be mended and uploaded as it is.
    """
    from api_segments_client.profiles import RECORDS_PER_REQUEST

    called = client()
    columns = dict(mapped)
    if len(columns) < len(mapped):
        raise click.UsageError("A column is mapped twice.")
    bad = 0
    with Rejected(rejected, file) as kept, bar("uploading") as tell:

        def reject(number: int, why: str, **found: object) -> None:
            nonlocal bad
            bad += 1
            kept.take({"line": number, **found, "error": why}, f"line {number}", why)

        def records() -> Iterator[Record]:
            rows = files.objects(file, lambda number, text, why: reject(number, why, row=text))
            ahead = [*islice(rows, RECORDS_PER_REQUEST)]
            if flaw := flaw_of(ahead, (identity, guid), columns):
                raise InputError(f"{'stdin' if file == '-' else file}: {flaw}")
            for number, found in chain(ahead, rows):
                try:
                    record = record_of(found, (identity, guid), columns, only_mapped, empty == "remove")
                except ValueError as exc:  # noqa: PERF203 - a row is wrong, and the others go on
                    reject(number, str(exc), record=found)
                else:
                    yield Record(record, number)

        def on_refused(refused: Refused) -> None:
            line = refused.record.line if isinstance(refused.record, Record) else None
            entry = {"line": line, "record": refused.record, "code": refused.code, "error": refused.error}
            kept.take(entry, f"line {line}", refused.error)

        figures(
            lambda: called.profiles.upload(
                records(),
                dry_run=dry_run,
                on_refused=on_refused,
                on_progress=lambda totals: tell(totals.given, 0, f"{totals.given:,} records"),
            ),
            kept,
            lambda: bad,
        )


class Record(dict[str, Any]):
    """A record, and the line that it came from."""

    def __init__(self, record: Mapping[str, Any], line: int) -> None:
        super().__init__(record)
        self.line = line


def flaw_of(rows: Iterable[tuple[int, Mapping[str, Any]]], ids: tuple[str, str], columns: Iterable[str]) -> str | None:
    """Return what is wrong with the columns that the first rows have, None if nothing is."""
    unpacked = [_unpacked(found) for _, found in rows]
    names = dict.fromkeys(name for found in unpacked if not _is_record(found) for name in found)
    there = f"there are {', '.join(names)}" if names else "the rows are whole records"
    if names and not any(name in names for name in ids):
        return f"no column is named {' or '.join(ids)}, as --identity and --guid say; {there}"
    missing = next((name for name in columns if unpacked and name not in names), None)
    return None if missing is None else f"there is no column {missing}, which --map names; {there}"


def _unpacked(found: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the record in a line of our own file of rejected records, or what was given."""
    return found["record"] if isinstance(found.get("record"), dict) and "error" in found else found


def _is_record(found: Mapping[str, Any]) -> bool:
    return isinstance(found.get("profileData"), dict) or isinstance(found.get("tokenData"), dict)


def record_of(
    found: Mapping[str, Any],
    ids: tuple[str, str],
    columns: Mapping[str, Column | None],
    only_mapped: bool,
    removes: bool,
) -> Mapping[str, Any]:
    """Return the record of a row; ValueError names the column that is wrong."""
    found = _unpacked(found)
    if _is_record(found):
        return found
    data: dict[str, Any] = {}
    for name, value in found.items():
        if name in ids:
            continue
        column = columns.get(name, None if name in columns or only_mapped else _own(name, value))
        if column is None or (value == "" and not removes):
            continue
        data[column.attribute] = None if value in ("", None) else _typed(name, value, column.kind)
    named = {
        key: str(found[name]).strip(" ")
        for key, name in zip(("identity", "objectId"), ids, strict=True)
        if found.get(name)
    }
    if not named:
        raise ValueError(f"the row names no user: {' and '.join(ids)} are missing or empty")
    return {**named, "type": "profile", "profileData": data}


def _own(name: str, value: object) -> Column:
    return Column(name, "boolean" if name.startswith("MSG-") and isinstance(value, str) else "text")


def _typed(name: str, value: object, kind: str) -> object:
    if not isinstance(value, str):
        if isinstance(value, (dict, list)) and not (isinstance(value, dict) and value.keys() == {"$remove"}):
            raise ValueError(f"{name}: {json.dumps(value)} is no single value")
        return value
    try:
        return TYPES[kind](value.strip())
    except (ValueError, KeyError):
        raise ValueError(f"{name}: {value!r} is no {kind}") from None
