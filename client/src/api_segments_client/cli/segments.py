"""`segments …` and `verify`."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING

import click

from api_segments_client.cli import rows as files
from api_segments_client.cli.exits import DIFFERS
from api_segments_client.cli.output import one, rows
from api_segments_client.cli.shared import (
    SEGMENT,
    Command,
    Group,
    client,
    confirm,
    note,
    segment_argument,
    state,
    yes_option,
)

if TYPE_CHECKING:
    from api_segments_client.push import SegmentKey

DAY = click.DateTime(["%Y-%m-%d"])
LIST = ("id", "customer_segment_id", "segment_name", "members", "tags", "updated_at")
DAYS = ("date", "members", "joined", "left", "reachable.email", "reachable.sms", "reachable.push")
limit_option = click.option("--limit", type=click.IntRange(min=1), help="At most so many; all, if not given.")


@click.group(cls=Group)
def segments() -> None:
    """Create, list, change, compare and delete segments."""


@segments.command("list", example="api-segments segments list --tag loyalty --json | jq .members")
@click.option("--status", type=click.Choice(["active", "deleted", "all"]), default="active", show_default=True)
@click.option("--prefix", help="Whose customer_segment_id begins with this.")
@click.option("--tag", help="Which have this tag.")
@limit_option
def list_(status: str, prefix: str | None, tag: str | None, limit: int | None) -> None:
    """List segments with their counts, the newest first."""
    rows(client().segments.list(status=status, customer_segment_id_prefix=prefix, tag=tag), LIST, limit)


@segments.command(example='api-segments segments create "Premium Users" --id SEG12345 --tag loyalty')
@click.argument("name")
@click.option("--id", "own", help="Your own id of it, the customer_segment_id.")
@click.option("--description")
@click.option("--tag", "tags", multiple=True, help="May be given several times.")
@click.option("--key", help="The Idempotency-Key: run again with it within a day, nothing is created again.")
def create(name: str, own: str | None, description: str | None, tags: tuple[str, ...], key: str | None) -> None:
    """Create a segment."""
    one(client().segments.create(name, own, description=description, tags=tags, key=key))


@segments.command(example='api-segments segments rename SEG12345 "Premium Customers"')
@segment_argument
@click.argument("name", required=False)
@click.option("--description", help="Empty takes it away.")
@click.option("--tag", "tags", multiple=True, help="In place of those it has; may be given several times.")
@click.option("--no-tags", is_flag=True, help="Take all tags away.")
def rename(
    segment: SegmentKey, name: str | None, description: str | None, tags: tuple[str, ...], no_tags: bool
) -> None:
    """Change a segment's name, description or tags."""
    if name is None and description is None and not tags and not no_tags:
        raise click.UsageError("Give a new name, --description, --tag or --no-tags.")
    wanted = () if no_tags else tags or None
    one(client().segments.change(segment, segment_name=name, description=description, tags=wanted))


@segments.command(example="api-segments segments delete SEG12345")
@segment_argument
@yes_option
def delete(segment: SegmentKey, yes: bool) -> None:
    """Delete a segment for good; its customer_segment_id stays in use."""
    called = client()
    found = called.segments.get(segment)
    if found.status != "deleted":
        confirm(f"Delete {found.segment_name} ({found.id}) with {found.members:,} members for good?", yes)
    one(called.segments.delete(found.id))


@segments.command(example="api-segments segments show SEG12345")
@segment_argument
def show(segment: SegmentKey) -> None:
    """Show a segment with its counts."""
    one(client().segments.get(segment))


@segments.command(example="api-segments segments history SEG12345 --from 2026-11-01 --to 2026-11-30")
@segment_argument
@click.option("--from", "first", type=DAY, help="A day like 2026-11-01 (UTC).")
@click.option("--to", "last", type=DAY, help="A day; today, if not given.")
def history(segment: SegmentKey, first: datetime | None, last: datetime | None) -> None:
    """Show the days of a segment: members, who joined, who left."""
    days = client().segments.history(segment, first=first and first.date(), last=last and last.date())
    rows(days, DAYS)


@segments.command(example="api-segments segments overlap SEG12345 LAPSED-180")
@click.argument("wanted", metavar="SEGMENT…", type=SEGMENT, nargs=-1)
def overlap(wanted: tuple[SegmentKey, ...]) -> None:
    """Show how many users 2 to 5 segments have in common."""
    if not 2 <= len(wanted) <= 5:  # noqa: PLR2004 - the API's limits
        raise click.UsageError(f"2 to 5 segments can be compared, not {len(wanted)}.")
    found = client().segments.overlap(wanted)
    if state().as_json:
        one(found)
        return
    names = {each.id: each.customer_segment_id or str(each.id) for each in found.segments}
    shown = (
        {
            "segments": " & ".join(names[each] for each in part.segments),
            "members": part.members,
            "only": part.only,
            "margin": part.members_margin,
        }
        for part in found.intersections
    )
    rows(shown, ("segments", "members", "only", "margin"))
    if not found.exact:
        note(f"estimated from {found.counted:.1%} of the users; within the margin 19 times in 20")


@click.command(cls=Command, example="api-segments verify SEG12345 members.csv && echo the same")
@segment_argument
@click.argument("file", type=click.Path(allow_dash=True))
@click.option("--settle", type=click.FloatRange(min=0), default=10.0, show_default=True, metavar="SECONDS")
def verify(segment: SegmentKey, file: str, settle: float) -> None:
    """Tell whether a segment has exactly the users of a file; nothing is downloaded.

    FILE has a user a line, or is CSV or NDJSON with identity or guid; - is stdin. Who is named twice counts once.
    Counts follow changes within seconds: a difference is looked at again for --settle seconds. Ends with 8 if
    they differ.
    """
    found = client().segments.verify(segment, _each_once(files.users(file, files.refuse(file))), settle=settle)
    one(
        {
            "segment_id": found.segment.id,
            "matches": found.matches,
            "members": found.segment.members,
            "expected_members": found.expected_members,
            "digest": found.segment.digest,
            "expected_digest": found.expected_digest,
        }
    )
    if not found.expected_members:
        note("warning: the input is empty, so the segment was compared with nobody")
    if found.matches is None:
        note("the segment's digest is not known yet; see docs/verify.md")
    if not found.matches:
        raise SystemExit(DIFFERS)


def _each_once(users: Iterator[str]) -> Iterator[str]:
    from api_segments_client.segments import digest_of

    seen: set[int] = set()
    for user in users:
        number = int(digest_of([user])[0])  # a number takes less room than the text
        if number not in seen:
            seen.add(number)
            yield user
