"""What `make run` shows, step by step: the stack starting, its demo, how to use it, then its events."""

import json
import shlex
import shutil
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from botocore.exceptions import BotoCoreError
from rich.console import Console

from api_segments_client import SegmentsError
from local.campaigns import play_campaigns
from local.containers import FOLDER, VARIABLES, engine, prepared
from local.deletion import play_deletion
from local.demo import play, verdict
from local.environment import STACK_FILE, STATE, LocalError, let_go_of_terminal
from local.nightly import play_nightly
from local.progress import step
from local.stack import Stack, running_stack
from local.subscriber import CHANGE, SOURCE, Event, EventQueue, subscribe

HOME = STATE / "run"
DELETION_AGREES = "the list, the answer to an update, the members taken away, the events"
NIGHTLY_AGREES = "the preview, the guard, the rejected rows, the members, the export, the undoing, the events"
CAMPAIGNS_AGREE = "the estimate, the messages, the results, the events"


def show(port: int | None, *, stay: bool) -> bool:
    """Start everything, play the demo, stay up if asked until interrupted, and return whether all agreed."""
    console = Console(highlight=False)
    terminal = sys.stdout.isatty()
    shutil.rmtree(HOME, ignore_errors=True)
    HOME.mkdir()
    console.print("[bold]1. Starting the stack on this machine[/] (logs in .local/run/)")
    try:
        with running_stack(HOME, console, port) as stack:
            stack.save(STACK_FILE)
            # One of its own: the queue of stack.json is for tests and tools, and nothing else reads it.
            url = subscribe(stack.endpoint_url, stack.bus_name, "api-segments-make-run", {"source": [SOURCE]})
            queue = EventQueue(stack.endpoint_url, url)
            console.print("[bold]2. Playing the main job[/]")
            agreed = play(stack, queue, console)
            console.print("[bold]3. Listing the segments, and deleting one[/]")
            agreed = verdict(console, play_deletion(stack, queue, console), DELETION_AGREES) and agreed
            console.print("[bold]4. Two campaigns: an email at once, an SMS to whoever joins[/]")
            agreed = verdict(console, play_campaigns(stack, queue, console), CAMPAIGNS_AGREE) and agreed
            console.print("[bold]5. A nightly file becomes a segment: preview, guard, apply, export, undo[/]")
            agreed = verdict(console, play_nightly(stack, queue, console), NIGHTLY_AGREES) and agreed
            if stay:
                with for_containers(stack, console):
                    console.print("[bold]6. Staying up until Ctrl-C[/]")
                    stay_up(stack, queue, console, terminal=terminal)
    except SegmentsError as exc:
        raise LocalError(f"the demo could not go on: {exc}") from exc
    except BotoCoreError as exc:
        raise LocalError(f"MiniStack does not answer any more ({exc}); its log: {HOME / 'emulator.log'}") from exc
    finally:
        STACK_FILE.unlink(missing_ok=True)
    console.print("stopped; nothing is left running")
    return agreed


@contextmanager
def for_containers(stack: Stack, console: Console) -> Iterator[None]:
    """Have what `sam local` needs ready while the block lasts; without a container engine say so and go on."""
    with ExitStack() as ending:
        try:
            found = engine()
            with step(console, "building the functions for containers, as for AWS (sam build)") as tell:
                ending.enter_context(prepared(HOME, found, stack, tell))
        except LocalError as exc:
            console.print(f"  `sam local` and `make invoke` are not ready: {exc}", markup=False, soft_wrap=True)
        yield


def stay_up(stack: Stack, queue: EventQueue, console: Console, *, terminal: bool) -> None:
    """Print how to use the stack, then each event as it leaves the bus, until interrupted or the `terminal` closed."""
    console.print(
        f"  page    {stack.api_url}/ (sign in with the account and the passcode of the headers)", soft_wrap=True
    )
    console.print(f"  API     {stack.api_url}", soft_wrap=True)
    for name, value in stack.account.headers.items():
        console.print(f"  header  {name}: {value}", soft_wrap=True)
    console.print(f"  read    {stack.api_url}/docs", soft_wrap=True)
    if (HOME / FOLDER / VARIABLES).exists():
        console.print("  invoke  make invoke FUNCTION=update_segment (a function in a container)")
    console.print("  create a segment, add a user to it, read that user's segments:\n")
    for line in curl_lines(stack):
        console.print(line, markup=False, soft_wrap=True)
    try:
        console.print("\n  events as they leave the bus:")
        while True:
            if terminal and not sys.stdout.isatty():  # closed, and the signal that tells so went to `make` alone
                let_go_of_terminal()
                return
            for event in queue.receive():
                console.print(event_line(event), markup=False, soft_wrap=True)
    except KeyboardInterrupt:
        console.print("\nstopping …")


def curl_lines(stack: Stack) -> list[str]:
    """Return three commands for a shell: create a segment, add a user to it, read that user's segments."""
    segment = {"segment_name": "Weekend shoppers", "customer_segment_id": "WEEKEND"}
    member = {"customer_segment_id": "WEEKEND", "action": "ADD"}
    update = {"bulk_profiles": [{"user_profiles": [{"identity": "C00001"}], "segments": [member]}]}
    requests = (
        ("/api/createSegment", [segment]),
        ("/api/updateSegment", update),
        ("/api/profiles/C00001/segments", None),
    )
    headers = [part for name, value in stack.account.headers.items() for part in ("-H", f"{name}: {value}")]
    lines = []
    for path, content in requests:
        data = [] if content is None else ["-H", "Content-Type: application/json", "-d", json.dumps(content)]
        lines.append(shlex.join(["curl", "-sw", "\\n", f"{stack.api_url}{path}", *headers, *data]))
    return lines


def event_line(event: Event) -> str:
    """Return an event as one line: time, action, segment, user."""
    if event.detail_type != CHANGE:
        return f"  {event.time}  {event.detail_type}  {event.detail.get('Segment Name', '')}"
    detail = event.detail
    who = detail["Identity"] or detail["Profile ID"]
    return f"  {event.time}  {detail['Action']:<6}  {who}  {detail['Segment Name']} ({detail['Segment ID']})"
