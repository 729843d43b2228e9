"""`campaigns …`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from api_segments_client.cli.exits import InputError
from api_segments_client.cli.output import one, rows
from api_segments_client.cli.rows import json_object
from api_segments_client.cli.segments import limit_option
from api_segments_client.cli.shared import SEGMENT, USER, Group, client, confirm, yes_option

if TYPE_CHECKING:
    from api_segments_client.push import SegmentKey

LIST = ("id", "name", "status", "target_mode", "starts_at", "result.sent", "result.waiting")
campaign_argument = click.argument("campaign_id", type=click.IntRange(min=1))
file_argument = click.argument("file", type=click.Path(allow_dash=True))
key_option = click.option(
    "--key", help="The Idempotency-Key: run again with it within a day, nothing is created again."
)


@click.group(cls=Group)
def campaigns() -> None:
    """Plan, list, look at and stop campaigns; their bodies are those of docs/api.md, as JSON in a file."""


@campaigns.command("list", example="api-segments campaigns list --status running")
@click.option("--status", type=click.Choice(["scheduled", "running", "completed", "stopped"]))
@click.option("--name", help="A part of the name.")
@click.option("--segment", type=SEGMENT, help="Which use this segment.")
@click.option("--from", "first", type=int, metavar="YYYYMMDD", help="Created from this day on.")
@click.option("--to", "last", type=int, metavar="YYYYMMDD", help="Created up to this day.")
@limit_option
def list_(
    status: str | None,
    name: str | None,
    segment: SegmentKey | None,
    first: int | None,
    last: int | None,
    limit: int | None,
) -> None:
    """List campaigns, the newest first."""
    named = {"customer_segment_id": segment} if isinstance(segment, str) else segment
    given = {"status": status, "name": name, "segment": named, "from": first, "to": last}
    rows(client().campaigns.list(**{key: value for key, value in given.items() if value is not None}), LIST, limit)


@campaigns.command(example="api-segments campaigns show 1763901234567892")
@campaign_argument
def show(campaign_id: int) -> None:
    """Show a campaign with its content, and what became of its messages."""
    one(client().campaigns.get(campaign_id))


@campaigns.command(example="api-segments campaigns log 1763901234567892 --json > log.ndjson")
@campaign_argument
@limit_option
def log(campaign_id: int, limit: int | None) -> None:
    """List the messages of a campaign."""
    rows(client().campaigns.log(campaign_id), ("at", "identity", "guid", "status", "reason"), limit)


@campaigns.command(example="api-segments campaigns estimate spring.json")
@file_argument
def estimate(file: str) -> None:
    """Show how many users a campaign would reach now; nothing is created."""
    one(client().campaigns.estimate(json_object(file)))


@campaigns.command(example="api-segments campaigns create spring.json --key spring-2027")
@file_argument
@key_option
@yes_option
def create(file: str, key: str | None, yes: bool) -> None:
    """Create a campaign; asks first, with how many users it reaches now."""
    body, called = json_object(file), client()
    if not yes:
        reached = ", ".join(f"{count:,} by {channel}" for channel, count in called.campaigns.estimate(body).items())
        confirm(f"It reaches {reached} now, when: {json.dumps(body.get('when'))}. Create {body.get('name')!r}?", yes)
    one({"id": called.campaigns.create(body, key=key)})


@campaigns.command(example='api-segments campaigns duplicate 1763901234567892 --when "20271224 09:30"')
@campaign_argument
@click.option("--when", required=True, help='"now", or "YYYYMMDD HH:MM" in the account\'s time zone.')
@click.option("--name")
@key_option
@yes_option
def duplicate(campaign_id: int, when: str, name: str | None, key: str | None, yes: bool) -> None:
    """Create a campaign like another."""
    called = client()
    confirm(f"Send {called.campaigns.get(campaign_id).name!r} again, when: {when}?", yes)
    one({"id": called.campaigns.duplicate(campaign_id, when, name=name, key=key)})


@campaigns.command(example="api-segments campaigns edit 1763901234567892 changes.json")
@campaign_argument
@file_argument
def edit(campaign_id: int, file: str) -> None:
    """Plan a scheduled campaign anew; FILE has what changes."""
    one({"id": campaign_id, "version": client().campaigns.edit(campaign_id, json_object(file))})


@campaigns.command(example="api-segments campaigns stop 1763901234567892")
@campaign_argument
@yes_option
def stop(campaign_id: int, yes: bool) -> None:
    """Stop a campaign for good: no further message goes out."""
    called = client()
    if not yes:
        confirm(f"Stop {called.campaigns.get(campaign_id).name!r} for good?", yes)
    called.campaigns.stop(campaign_id)
    one({"id": campaign_id, "stopped": True})


@campaigns.command(example="api-segments campaigns preview spring.json --user CT123456")
@file_argument
@click.option("--user", type=USER)
def preview(file: str, user: str | None) -> None:
    """Show a campaign's content as a user would get it."""
    mode, content = _content(file)
    one(client().campaigns.preview(mode, content, user=user))


@campaigns.command(example="api-segments campaigns test spring.json --to ada@example.com --user CT123456")
@file_argument
@click.option("--to", help="One of the account's test recipients.")
@click.option("--user", type=USER)
def test(file: str, to: str | None, user: str | None) -> None:
    """Send one message to a test recipient."""
    mode, content = _content(file)
    one(client().campaigns.test(mode, content, to=to, user=user))


@campaigns.command(example="api-segments campaigns settings")
def settings() -> None:
    """Show what the account has declared: senders, webhooks, push, time zone."""
    one(client().campaigns.settings())


def _content(file: str) -> tuple[str, Mapping[str, Any]]:
    body = json_object(file)
    mode, content = body.get("target_mode"), body.get("content")
    if not isinstance(mode, str) or not isinstance(content, dict):
        raise InputError(f"{file} must have target_mode and content, as for a campaign")
    return mode, content
