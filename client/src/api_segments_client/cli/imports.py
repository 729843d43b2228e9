"""`import` and `imports …`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from api_segments_client.cli.exits import FAILED, InputError
from api_segments_client.cli.output import one, rows
from api_segments_client.cli.progress import bar
from api_segments_client.cli.segments import limit_option
from api_segments_client.cli.shared import (
    SEGMENT,
    Command,
    Group,
    agreed,
    client,
    command,
    confirm,
    note,
    state,
    yes_option,
)
from api_segments_client.errors import FileUploadError, ImportEndedError, NoAnswerError, UnavailableError

if TYPE_CHECKING:
    from api_segments_client.client import Client
    from api_segments_client.models import Import
    from api_segments_client.push import SegmentKey

GUARDS = ("max_added", "max_removed", "max_removed_percent", "max_created", "max_rejected")
import_argument = click.argument("import_id", metavar="IMPORT_ID")
segment_option = click.option("--segment", type=SEGMENT, help="Of this segment alone.")
rejected_option = click.option(
    "--rejected", type=click.Path(dir_okay=False), help="Where rejected rows go; FILE.rejected.csv."
)


def guarded(command: Any) -> Any:  # noqa: ANN401 - any command
    """Give a command the options of a guard."""
    for name in reversed(GUARDS):
        most = 100 if name.endswith("percent") else None
        command = click.option(
            f"--{name.replace('_', '-')}",
            type=click.IntRange(0, most),
            metavar="N",
            help="Refuse the import if it would be more.",
        )(command)
    return command


@click.command(
    "import",
    cls=Command,
    example="api-segments import lapsed.csv.gz --segment LAPSED-180 --mode replace --max-removed-percent 20 --yes",
)
@click.argument("file", type=click.Path(dir_okay=False))
@click.option("--segment", type=SEGMENT, help="Into which segment.")
@click.option(
    "--mode", type=click.Choice(["add", "remove", "replace"]), help="replace: afterwards it has the file's users alone."
)
@click.option("--unknown-users", type=click.Choice(["create", "skip"]), default="create", show_default=True)
@guarded
@click.option("--preview", is_flag=True, help="Show what it would do, and change nothing; `imports apply` does it.")
@click.option("--key", help="Run again with the same key within a day, it is the same import.")
@click.option("--resume", metavar="IMPORT_ID", help="Go on with an import that was interrupted.")
@rejected_option
@yes_option
def import_(
    file: str,
    segment: SegmentKey | None,
    mode: str | None,
    unknown_users: str,
    preview: bool,
    key: str | None,
    resume: str | None,
    rejected: str | None,
    yes: bool,
    **guard: int | None,
) -> None:
    """Make a segment the users of a file, or add or remove them: CSV or NDJSON, gzip too, of any size.

    Removing and replacing shows first what it would do, and asks; with --yes it is applied if the guard lets it pass.
    """
    if not Path(file).is_file():
        raise InputError(f"{file} is no file")
    if rejected is not None and Path(rejected).resolve() == Path(file).resolve():
        raise InputError(f"{rejected} is the file that is imported; name another for what is rejected")
    if resume is None and (segment is None or mode is None):
        raise click.UsageError(
            "--segment and --mode say what to do with the users (or --resume, with which import to go on)."
        )
    asks = resume is None and mode != "add" and not yes and not preview
    if asks and not sys.stdin.isatty():
        raise click.UsageError(f"--mode {mode} asks first, and nobody is there to answer; give --yes, or --preview.")
    rejected = rejected or f"{file}.rejected.csv"
    called = client()
    with _showing(called, rejected, file) as told:
        if resume is not None:
            done = called.imports.resume(resume, file, **told)
        else:
            wanted: dict[str, Any] = {"guard": _guard(guard), "preview": preview or asks, "key": key, **told}
            if mode != "remove":
                wanted["unknown_users"] = unknown_users
            done = getattr(called.imports, str(mode))(segment, file, **wanted)
    if asks and done.status == "previewed":
        done = _asked(called, done, rejected)
    _end(called, done, rejected)


@click.group(cls=Group)
def imports() -> None:
    """List, show, apply, cancel and undo imports."""


@imports.command("list", example="api-segments imports list --limit 5")
@segment_option
@limit_option
def list_(segment: SegmentKey | None, limit: int | None) -> None:
    """List imports, the newest first."""
    shown = ("import_id", "segment_id", "mode", "status", "created_at", "result.added", "result.removed", "reason")
    rows(client().imports.list(segment), shown, limit)


@imports.command(example="api-segments imports show 65f1b2c3d4e5f0a1b2c3d --rejected rejected.csv")
@import_argument
@click.option("--rejected", type=click.Path(dir_okay=False), help="Save the rejected rows there.")
@click.option("--wait", is_flag=True, help="Until it is done or previewed.")
def show(import_id: str, rejected: str | None, wait: bool) -> None:
    """Show an import with its figures."""
    called = client()
    if wait:
        with _showing(called, rejected, None) as told:
            found = called.imports.wait(import_id, "previewed", "done", "undone", on_status=told["on_status"])
    else:
        found = called.imports.get(import_id)
    saved = None if rejected is None else str(called.imports.save_rejected_rows(import_id, rejected))
    one(found, {"rejected_file": saved})


@imports.command(example="api-segments imports apply 65f1b2c3d4e5f0a1b2c3d --yes")
@import_argument
@yes_option
def apply(import_id: str, yes: bool) -> None:
    """Apply an import that was previewed."""
    called = client()
    found = called.imports.get(import_id)
    confirm(f"{_would(found)} Apply it?", yes)
    with _showing(called, None, None) as told:
        one(called.imports.apply(import_id, on_status=told["on_status"]))


@imports.command(example="api-segments imports cancel 65f1b2c3d4e5f0a1b2c3d")
@import_argument
def cancel(import_id: str) -> None:
    """Cancel an import. One that is being applied stops, shows what it had changed, and can be undone."""
    called = client()
    with _showing(called, None, None) as told:
        done = called.imports.cancel(import_id, on_status=told["on_status"])
    one(done)
    if done.status == "done":
        note(f"it was too late: all had been applied; to take it back: {command(f'imports undo {import_id}')}")
        raise SystemExit(FAILED)
    changed = done.result is not None and done.result.added + done.result.removed
    undo_it = command(f"imports undo {import_id}")
    note(f"some was applied; to take it back: {undo_it}" if changed else "nothing was changed")


@imports.command(example="api-segments imports undo 65f1b2c3d4e5f0a1b2c3d")
@import_argument
@guarded
@yes_option
def undo(import_id: str, yes: bool, **guard: int | None) -> None:
    """Turn an import round, within a week: whom it added is removed, whom it removed is added."""
    called = client()
    found = called.imports.get(import_id)
    did = "" if found.result is None else f"It added {found.result.added:,} and removed {found.result.removed:,}. "
    confirm(f"{did}Undo import {import_id}?", yes)
    with _showing(called, None, None) as told:
        one(called.imports.undo(import_id, guard=_guard(guard), on_status=told["on_status"]))


@click.group(cls=Group)
def exports() -> None:
    """List the files that segments were written into; `members export` writes one."""


@exports.command("list", example="api-segments exports list --segment SEG12345")
@segment_option
@limit_option
def list_exports(segment: SegmentKey | None, limit: int | None) -> None:
    """List exports, the newest first."""
    shown = ("export_id", "segment_id", "status", "created_at", "members", "reason")
    rows(client().exports.list(segment), shown, limit)


@contextmanager
def _showing(called: Client, rejected: str | None, file: str | None) -> Iterator[dict[str, Any]]:
    """Show the progress of an import; where it ends otherwise, its figures, and how to go on."""
    latest: list[Import] = []
    with bar("importing") as tell:

        def on_status(now: Import) -> None:
            if not latest:
                note(f"import {now.import_id}")
            latest[:] = [now]
            tell(0, 0, now.status)

        try:
            yield {"on_bytes": lambda through, of: tell(through, of, "uploading"), "on_status": on_status}
        except ImportEndedError as exc:
            one(exc.imported, {"rejected_file": _save(called, exc.imported, rejected)})
            raise
        except (KeyboardInterrupt, NoAnswerError, UnavailableError, FileUploadError):
            if latest:
                _tell_how_to_go_on(latest[0], file)
            raise


def _tell_how_to_go_on(latest: Import, file: str | None) -> None:
    if state().as_json:
        one(latest)
    if latest.status == "awaiting_upload" and file is not None:
        note(f"the import waits for its file; go on by: api-segments import {file} --resume {latest.import_id}")
    else:
        note(f"the import goes on; watch it by: api-segments imports show {latest.import_id} --wait")


def _guard(given: dict[str, int | None]) -> dict[str, int]:
    return {name: value for name, value in given.items() if value is not None}


def _would(found: Import) -> str:
    if found.preview is None:
        return f"Import {found.import_id} is {found.status}."
    told = found.preview
    return (
        f"It adds {told.to_add:,} users ({told.to_create:,} of them new), removes {told.to_remove:,}, "
        f"leaves {told.unchanged:,}; {told.rejected:,} rows are rejected."
    )


def _asked(called: Client, found: Import, rejected: str | None) -> Import:
    note(_would(found))
    try:
        applies = agreed("Apply it?")
    except (KeyboardInterrupt, click.Abort):
        _tell_how_to_apply(found)
        raise
    if not applies:
        one(called.imports.cancel(found.import_id), {"rejected_file": _save(called, found, rejected)})
        note("cancelled: nothing was changed")
        raise SystemExit(FAILED)
    with _showing(called, rejected, None) as told:
        return called.imports.apply(found.import_id, on_status=told["on_status"])


def _tell_how_to_apply(found: Import) -> None:
    note(f"nothing was changed; apply it by: {command(f'imports apply {found.import_id}')}")


def _save(called: Client, found: Import, rejected: str | None) -> str | None:
    if rejected is None or found.rejected_rows is None:
        return None
    path = called.imports.save_rejected_rows(found.import_id, rejected)
    note(f"rejected rows, to be mended and imported again: {path}")
    return str(path)


def _end(called: Client, done: Import, rejected: str) -> None:
    from api_segments_client.cli.exits import PARTLY

    saved = _save(called, done, rejected)
    one(done, {"rejected_file": saved})
    if done.status == "previewed":
        _tell_how_to_apply(done)
    if saved is not None:
        raise SystemExit(PARTLY)
