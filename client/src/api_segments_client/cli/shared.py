"""What all commands share: their options, the client, questions, the words for segments and users."""

from __future__ import annotations

import logging
import os
import select
import signal
import sys
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from api_segments_client.cli.exits import FAILED

if TYPE_CHECKING:
    from api_segments_client.client import Client
    from api_segments_client.push import SegmentKey

    ParamType = click.ParamType[Any]
else:
    ParamType = click.ParamType  # older ones of click are no generic class

PATIENCE_SECONDS = 60.0


@dataclass
class State:
    """What the shared options say."""

    profile: str | None = None
    as_json: bool = False
    patience: float = PATIENCE_SECONDS
    verbose: bool = False


def state() -> State:
    """Return what the shared options of this command say."""
    return click.get_current_context().find_root().ensure_object(State)


def _kept(name: str) -> Callable[[click.Context, click.Parameter, Any], None]:
    def keep(context: click.Context, parameter: click.Parameter, value: Any) -> None:  # noqa: ANN401 - of any option
        # What the environment says is taken once, so that an option before the command's name wins over it.
        is_given = context.get_parameter_source(parameter.name or "") is ParameterSource.COMMANDLINE
        if value is not None and (is_given or context.parent is None):
            setattr(context.find_root().ensure_object(State), name, value)

    return keep


def _shared() -> list[click.Parameter]:
    return [
        click.Option(
            ["--profile"],
            metavar="NAME",
            expose_value=False,
            callback=_kept("profile"),
            help="Whose account: a profile that `login` wrote.",
        ),
        click.Option(
            ["--json", "as_json"],
            is_flag=True,
            expose_value=False,
            callback=_kept("as_json"),
            help="For programs: a JSON object a line.",
        ),
        click.Option(
            ["--patience"],
            type=click.FloatRange(min=0),
            metavar="SECONDS",
            envvar="API_SEGMENTS_PATIENCE",
            expose_value=False,
            callback=_kept("patience"),
            help=f"How long to try again what may pass ({PATIENCE_SECONDS:.0f}).",
        ),
        click.Option(
            ["-v", "--verbose"],
            is_flag=True,
            expose_value=False,
            callback=_kept("verbose"),
            help="Tell of each request on stderr.",
        ),
    ]


class Command(click.Command):
    """A command with the shared options; an example stands below its options."""

    def __init__(self, *args: Any, example: str = "", **given: Any) -> None:  # noqa: ANN401 - click's own
        super().__init__(*args, **given)
        self.example = example
        self.params.extend(_shared())

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the example."""
        del ctx
        with formatter.section("Example"):
            for line in self.example.splitlines():
                formatter.write(f"  {line}\n")


class Group(click.Group):
    """A group of commands, in the order in which they are declared; its shared options count for all of them."""

    command_class = Command
    group_class = type

    def __init__(self, *args: Any, **given: Any) -> None:  # noqa: ANN401 - click's own
        super().__init__(*args, **given)
        self.params.extend(_shared())

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of the commands."""
        del ctx
        return [*self.commands]


def client() -> Client:
    """Return the client of the account that the options, the environment or the file of profiles name."""
    from api_segments_client import settings
    from api_segments_client.client import Client
    from api_segments_client.retry import Retry

    options = state()
    listen()
    retry = Retry(patience=options.patience)
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        if options.profile is None and any(os.environ.get(name) for name in settings.ENVIRONMENT):
            made = Client.from_environment(retry=retry)
        else:
            made = Client.from_profile(options.profile, retry=retry)
    for each in told:
        note(f"warning: {each.message}")
    return click.get_current_context().with_resource(made)


def listen() -> None:
    """Let people see on stderr when a request is tried again, and with `--verbose` each request."""
    heard = logging.getLogger("api_segments_client")
    if not heard.handlers:
        handler = logging.StreamHandler()
        handler.setFormatter(logging.Formatter("%(message)s"))
        heard.addHandler(handler)
    heard.setLevel(logging.DEBUG if state().verbose else logging.INFO)


def note(text: str) -> None:
    """Say something to people: on stderr, as stdout is for results."""
    click.echo(text, err=True)


def confirm(question: str, yes: bool) -> None:
    """Go on if `--yes` was given or the answer is yes; end otherwise."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise click.UsageError(f"This asks first, and nobody is there to answer; --yes says yes. ({question})")
    if not agreed(question):
        note("nothing was done")
        raise SystemExit(FAILED)


def agreed(question: str) -> bool:
    """Ask a question at the terminal; return whether the answer is yes."""
    while True:
        answer = answered(f"{question} [y/N]: ").lower()
        if answer in {"", "n", "no", "y", "yes"}:
            return answer.startswith("y")


def answered(prompt: str) -> str:
    """Return the line that is typed behind a prompt; click.Abort at the end of the input."""
    click.echo(prompt, nl=False, err=True)
    _wait_for_a_line()
    line = sys.stdin.readline()
    if not line:
        raise click.Abort
    return line.strip()


def _wait_for_a_line() -> None:
    """Wait until a line can be read. A signal that comes just before `read` begins would be heard only after it."""
    if os.name == "nt":
        return
    awake, waking = os.pipe()
    os.set_blocking(waking, False)
    before = signal.set_wakeup_fd(waking)
    try:
        select.select([sys.stdin, awake], [], [])
    finally:
        signal.set_wakeup_fd(before)
        os.close(awake)
        os.close(waking)


def command(words: str) -> str:
    """Return a command as a hint gives it: where nobody can answer its question, with the answer."""
    return f"api-segments {words}{'' if sys.stdin.isatty() else ' --yes'}"


yes_option = click.option("--yes", is_flag=True, help="Don't ask.")


class SegmentType(ParamType):
    """A segment: digits are the API's id, anything else your own; `customer:123` is your own id of digits."""

    name = "segment"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> SegmentKey:  # noqa: ANN401 - click's own
        """Return the id as the library takes it."""
        if isinstance(value, int):
            return value
        text = str(value)
        if text.isascii() and text.isdigit():
            return int(text)
        own = text.removeprefix("customer:")
        if not own.strip():
            self.fail("a segment is named by its id: a number, or your own customer_segment_id", param, ctx)
        return own


class UserType(ParamType):
    """A user: an identity, or `guid:…`; `identity:guid:1` is an identity that looks like a guid."""

    name = "user"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:  # noqa: ANN401 - click's own
        """Return the user as the library takes it."""
        from api_segments_client.cli.rows import flaw_of, user_of

        user = user_of(str(value))
        if (flaw := flaw_of(user)) is not None:
            self.fail(flaw, param, ctx)
        return user


SEGMENT, USER = SegmentType(), UserType()
segment_argument = click.argument("segment", type=SEGMENT)
user_argument = click.argument("user", type=USER)
