"""`login`: an address and credentials, checked and kept."""

from __future__ import annotations

import sys
from datetime import datetime, timezone

import click

from api_segments_client.cli.output import one
from api_segments_client.cli.shared import Command, answered, listen, state


@click.command(
    cls=Command,
    example="api-segments login --profile shop --url https://abc123.execute-api.eu-central-1.amazonaws.com/live",
)
@click.option("--url", help="The stack's ApiUrl.")
@click.option("--region", help="CleverTap's region instead of an address: eu1, in1, sg1, us1, aps3, mec1.")
@click.option("--account", help="The account id.")
@click.option("--passcode-stdin", is_flag=True, help="Read the passcode from stdin instead of asking for it.")
def login(url: str | None, region: str | None, account: str | None, passcode_stdin: bool) -> None:
    """Check credentials and keep them as a profile, in a file that only you can read.

    The passcode is asked for, without showing it, and is never an option, as other users of a machine see those.
    """
    from api_segments_client import settings
    from api_segments_client.client import Client
    from api_segments_client.retry import Retry
    from api_segments_client.transport import checked_host

    if url is not None and region is not None:
        raise click.UsageError("Give --url or --region, one of them.")
    if not passcode_stdin and not sys.stdin.isatty():
        raise click.UsageError("Nobody is there to be asked for the passcode; --passcode-stdin reads it.")
    if passcode_stdin and (account is None or (url is None and region is None)):
        raise click.UsageError("With --passcode-stdin, --account and --url (or --region) are needed.")
    if region is not None:
        url = settings.clevertap_url(region)
    url = url or answered("Address (ApiUrl): ")
    checked_host(url)
    account = account or answered("Account id: ")
    if passcode_stdin:
        passcode = sys.stdin.readline().strip("\r\n")
    else:
        passcode = click.prompt("Passcode", hide_input=True, err=True)
    if not passcode:
        raise click.UsageError("The passcode is empty.")
    listen()
    with Client(url, account, passcode, retry=Retry(patience=state().patience)) as client:
        if region is None:
            client.usage()
        else:
            today = int(f"{datetime.now(timezone.utc):%Y%m%d}")
            next(iter(client.campaigns.list(**{"from": today, "to": today})), None)
    name = state().profile or settings.DEFAULT_PROFILE
    file = settings.save_profile(name, settings.Settings(url, account, passcode))
    one({"profile": name, "url": url, "account_id": account, "file": str(file)})
