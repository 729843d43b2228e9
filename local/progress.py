"""What the user sees while something takes its time: one updating line on a terminal, a few plain lines elsewhere."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

QUIET_SECONDS = 10.0
"""Where there is no terminal, at most one line in that time tells of a step that goes on."""
INDENT = "  "


@contextmanager
def step(console: Console, doing: str) -> Iterator[Callable[[str], None]]:
    """Show that `doing` goes on, with the seconds; call what is yielded with the present detail."""
    started = last = time.monotonic()
    columns = [
        SpinnerColumn(),
        TextColumn("{task.description}"),
        TimeElapsedColumn(),
        TextColumn("[dim]{task.fields[detail]}"),
    ]
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as live:
        task = live.add_task(doing, total=None, detail="")

        def detail(text: str) -> None:
            nonlocal last
            live.update(task, detail=text)
            if not console.is_terminal and time.monotonic() - last > QUIET_SECONDS:
                last = time.monotonic()
                console.print(f"{INDENT}{doing}: {last - started:.0f} s, {text}", highlight=False)

        if not console.is_terminal:
            console.print(f"{INDENT}{doing} …", highlight=False)
        yield detail
    console.print(f"{INDENT}{doing}: done in {time.monotonic() - started:.1f} s", highlight=False)


@contextmanager
def bar(console: Console, doing: str, total: int, unit: str) -> Iterator[Callable[[int], None]]:
    """Show how far `doing` is, and how fast; call what is yielded with how many `unit` more are done."""
    started = time.monotonic()
    done = 0
    rate = TextColumn("[dim]{task.fields[rate]}")
    columns = [
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        rate,
        TimeElapsedColumn(),
    ]
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as live:
        task = live.add_task(doing, total=total, rate="")

        def advance(count: int) -> None:
            nonlocal done
            done += count
            per_second = done / max(time.monotonic() - started, 0.001)
            live.update(task, completed=done, rate=f"{per_second:,.0f} {unit}/s")

        yield advance
    seconds = time.monotonic() - started
    rate_text = f"{done / max(seconds, 0.001):,.0f}/s"
    console.print(f"{INDENT}{doing}: {done:,} {unit} in {seconds:.1f} s ({rate_text})", highlight=False)
