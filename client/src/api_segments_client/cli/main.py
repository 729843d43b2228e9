"""`api-segments`: all commands, and how each error ends."""

from __future__ import annotations

import io
import signal
import sys

import click

from api_segments_client.cli import account, campaigns, imports, login, members, segments, upload, users, watch
from api_segments_client.cli.exits import INTERRUPTED, NOT_SIGNED_IN, OK, InputError, code_of
from api_segments_client.cli.shared import Group, note
from api_segments_client.errors import SegmentsError

EXIT_CODES = """\b
Exit codes:
  0 done                            5 refused: by a guard or by the API
  1 failed in another way           6 done, but some entries were rejected
  2 wrong command or input          7 no answer from the service
  3 not signed in                   8 verify: the members differ
  4 not found                       130 interrupted"""


@click.group(cls=Group, epilog=EXIT_CODES, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(None, "--version", package_name="api-segments-client", prog_name="api-segments")
def cli() -> None:
    """Segments, their members, files, users and campaigns.

    A SEGMENT is the API's id, a number, or your customer_segment_id (customer:123 if that is a number). A USER is an
    identity, or guid:… .

    \b
    api-segments login
    api-segments members add SEG12345 CT123456 CT123457
    """  # noqa: D301 - click's mark for a paragraph that is kept as it is


for each in (
    login.login,
    segments.segments,
    members.members,
    imports.import_,
    imports.imports,
    imports.exports,
    segments.verify,
    users.users,
    upload.upload,
    campaigns.campaigns,
    account.errors,
    account.usage,
    account.freshness,
    watch.watch,
    account.completion,
):
    cli.add_command(each)


def main() -> None:
    """Run the command line and end with its code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    # Ended by a scheduler, what is under way ends as by Ctrl-C.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    sys.exit(run())


def run() -> int:
    """Run a command and return its code."""
    try:
        cli.main(prog_name="api-segments", standalone_mode=False)
    except click.ClickException as exc:
        exc.show()
        return exc.exit_code
    except (KeyboardInterrupt, click.Abort):
        note("interrupted")
        return INTERRUPTED
    except (SegmentsError, InputError, OSError) as exc:
        note(f"error: {exc}")
        code = code_of(exc)
        if code == NOT_SIGNED_IN:
            note("sign in: api-segments login")
        return code
    return OK


if __name__ == "__main__":
    main()
