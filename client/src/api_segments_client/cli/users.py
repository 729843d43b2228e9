"""`users …`."""

from __future__ import annotations

import click

from api_segments_client.cli.output import one, rows
from api_segments_client.cli.shared import Group, client, confirm, user_argument, yes_option


@click.group(cls=Group)
def users() -> None:
    """Look users up, and erase them."""


@users.command(
    example="api-segments users show CT123456\napi-segments users show guid:5f2d6c1e9b7a4c38a1e0d4f6b8c2937a"
)
@user_argument
def show(user: str) -> None:
    """Show what is known of a user."""
    one(client().profiles.get(user))


@users.command(example="api-segments users find --email ada@example.com")
@click.option("--email")
@click.option("--phone", help="Like +14155551234.")
def find(email: str | None, phone: str | None) -> None:
    """Find all users who have an address."""
    if (email is None) == (phone is None):
        raise click.UsageError("Give --email or --phone, one of them.")
    shown = ("identity", "guid", "reachable.email", "reachable.sms", "reachable.push")
    rows(client().profiles.find(email=email, phone=phone), shown)


@users.command(example="api-segments users segments CT123456")
@user_argument
def segments(user: str) -> None:
    """List the active segments that a user is in, as of this moment."""
    rows(client().members.segments_of(user).segments, ("id", "customer_segment_id", "segment_name"))


@users.command(example="api-segments users erase CT123456")
@user_argument
@yes_option
def erase(user: str, yes: bool) -> None:
    """Erase a user for good."""
    called = client()
    found = called.profiles.get(user)
    confirm(f"Erase {found.identity or found.guid} (guid {found.guid}) for good?", yes)
    called.profiles.erase(user)
    one({"identity": found.identity, "guid": found.guid, "erased": True})
