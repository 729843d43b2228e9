"""`errors`, `usage`, `freshness`, `completion`."""

from __future__ import annotations

import click

from api_segments_client.cli.output import one, rows
from api_segments_client.cli.segments import limit_option
from api_segments_client.cli.shared import Command, client

COMPLETE = "_API_SEGMENTS_COMPLETE"


@click.command(cls=Command, example="api-segments errors --limit 20")
@limit_option
def errors(limit: int | None) -> None:
    """List what updates rejected in the last 30 days, the newest first."""
    shown = ("occurred_at", "code", "action", "customer_segment_id", "identity", "guid", "error")
    rows(client().errors(page_size=min(limit or 1000, 1000)), shown, limit)


@click.command(cls=Command, example="api-segments usage --month 2026-11")
@click.option("--month", help="Like 2026-11 (UTC); this one, if not given.")
def usage(month: str | None) -> None:
    """Show the data points of a month."""
    one(client().usage(month))


@click.command(cls=Command, example="api-segments freshness")
def freshness() -> None:
    """Show how far lists and counts are behind what was acknowledged."""
    one(client().freshness())


@click.command(cls=Command, example='eval "$(api-segments completion bash)"')
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print what makes a shell complete commands and options; bash must be 4.4 or later."""
    from click.shell_completion import get_completion_class

    found = get_completion_class(shell)
    if found is not None:
        root = click.get_current_context().find_root().command
        click.echo(found(root, {}, "api-segments", COMPLETE).source())
