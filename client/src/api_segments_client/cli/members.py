"""`members …`."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

import click

from api_segments_client.cli import rows as files
from api_segments_client.cli.exits import NOT_FOUND, PARTLY, USAGE, code_of
from api_segments_client.cli.output import one, rows
from api_segments_client.cli.progress import Rejected, bar
from api_segments_client.cli.segments import limit_option
from api_segments_client.cli.shared import SEGMENT, USER, Group, client, note, segment_argument
from api_segments_client.errors import ApiError, PushInterrupted, PushStoppedError

if TYPE_CHECKING:
    from collections.abc import Callable

    from api_segments_client.models import Refused
    from api_segments_client.push import SegmentKey
    from api_segments_client.totals import Totals, UploadTotals

_NO_SEGMENT = frozenset({404, 410})
_USERS_OPTIONS = (
    click.argument("given", metavar="[USER]…", type=USER, nargs=-1),
    click.option(
        "-f", "--file", type=click.Path(allow_dash=True), help="The users: a user a line, CSV or NDJSON; - is stdin."
    ),
    click.option("--rejected", type=click.Path(dir_okay=False), help="Where rejected users go; FILE.rejected.ndjson."),
)


def _users_options(command: Callable[..., None]) -> Callable[..., None]:
    """Take users as arguments or from a file."""
    for option in reversed(_USERS_OPTIONS):
        command = option(command)
    return command


@click.group(cls=Group)
def members() -> None:
    """List, add, remove and export the members of a segment."""


@members.command("list", example="api-segments members list SEG12345 --limit 20")
@segment_argument
@limit_option
def list_(segment: SegmentKey, limit: int | None) -> None:
    """List members; of a large segment, `export` is faster."""
    rows(client().members.list(segment, page_size=min(limit or 1000, 1000)), ("identity", "guid", "added_at"), limit)


@members.command(
    example="api-segments members add SEG12345 CT123456 CT123457\napi-segments members add SEG12345 -f new.csv"
)
@segment_argument
@_users_options
def add(segment: SegmentKey, given: tuple[str, ...], file: str | None, rejected: str | None) -> None:
    """Add users to a segment, a hundred a request. Whoever is a member stays one."""
    _push("add", segment, given, file, rejected)


@members.command(example="psql -Atc 'select id from gone' | api-segments members remove SEG12345 -f -")
@segment_argument
@_users_options
def remove(segment: SegmentKey, given: tuple[str, ...], file: str | None, rejected: str | None) -> None:
    """Remove users from a segment, a hundred a request; it does not ask."""
    _push("remove", segment, given, file, rejected)


@members.command(example="api-segments members export SEG12345 members.csv")
@segment_argument
@click.argument("file", type=click.Path(dir_okay=False))
def export(segment: SegmentKey, file: str) -> None:
    """Write all members into a CSV file: identity, guid, added_at."""
    with bar("exporting") as tell:
        done = client().exports.save(
            segment, file, on_bytes=lambda through, of: tell(through, of, f"{through:,} bytes")
        )
    one(done, {"saved": file})


@members.command(example="api-segments members show SEG12345 CT123456")
@click.argument("segment", type=SEGMENT)
@click.argument("user", type=USER)
def show(segment: SegmentKey, user: str) -> None:
    """Tell whether a user is a member, as of this moment; ends with 4 if not."""
    one(client().members.get(segment, user))


def _push(action: str, segment: SegmentKey, given: tuple[str, ...], file: str | None, rejected: str | None) -> None:
    if not given and file is None:
        raise click.UsageError("Name users, or a file of them by -f (-f - reads stdin).")
    called = client()
    bad = 0
    with Rejected(rejected, file) as kept, bar(action) as tell:

        def on_bad(number: int, text: str, why: str) -> None:
            nonlocal bad
            bad += 1
            kept.take({"line": number, "row": text, "error": why}, f"line {number}", why)

        def on_refused(refused: Refused) -> None:
            if refused.code in _NO_SEGMENT and "segment" in refused.error:
                raise ApiError.of(refused.code, f"{refused.error}: {segment}")
            for user in _users_of(refused):
                kept.take({**user, "code": refused.code, "error": refused.error}, _named(user), refused.error)

        wanted: Iterable[str] = _chained(given, file, on_bad)
        adding, removing = (wanted, ()) if action == "add" else ((), wanted)
        figures(
            lambda: called.members.push(
                segment,
                add=adding,
                remove=removing,
                on_refused=on_refused,
                on_progress=lambda totals: tell(totals.given, 0, f"{totals.given:,} users"),
            ),
            kept,
            lambda: bad,
        )


def _chained(given: tuple[str, ...], file: str | None, on_bad: files.OnBad) -> Iterator[str]:
    yield from given
    if file is not None:
        yield from files.users(file, on_bad)


def _users_of(refused: Refused) -> list[dict[str, Any]]:
    record = refused.record
    users = record.get("user_profiles") if isinstance(record, dict) else None
    return users if isinstance(users, list) else [{"record": record}]


def _named(user: dict[str, Any]) -> str:
    if isinstance(user.get("identity"), str):
        return str(user["identity"])
    return f"guid:{user['guid']}" if isinstance(user.get("guid"), str) else json.dumps(user, ensure_ascii=False)


def figures(send: Callable[[], Totals | UploadTotals], kept: Rejected, bad: Callable[[], int]) -> None:
    """Send, and show what came of it, also when it ends early."""
    code = 0
    try:
        totals = send()
    except (PushInterrupted, PushStoppedError) as exc:
        totals, code = exc.totals, code_of(exc)
        note(f"interrupted: {exc}" if isinstance(exc, KeyboardInterrupt) else f"error: {exc.__cause__}")
        if totals.given and code != NOT_FOUND:
            first = "mend the input and " if code == USAGE else ""
            note(f"{first}run again, it does no harm: what has been done counts as unchanged then")
    if not (code or totals.given or bad()):
        note("warning: the input is empty, so nothing was sent")
    one({**totals.figures(), "bad_rows": bad()}, {"rejected_file": kept.tell()})
    if code or kept.count:
        raise SystemExit(code or PARTLY)
