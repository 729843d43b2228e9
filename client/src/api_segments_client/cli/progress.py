"""How far a long command is: a bar on a terminal, nothing elsewhere; and where rejected entries go."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from api_segments_client.cli.exits import InputError
from api_segments_client.cli.shared import note

SHOWN = 10
Tell = Callable[[int, int, str], None]
"""Takes how much is through, of how much (0: nobody knows), and a word on it."""


@contextmanager
def bar(doing: str) -> Iterator[Tell]:
    """Show how far it is; a size gets a bar, as it is known."""
    if not sys.stderr.isatty():
        yield lambda _through, _of, _word: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[word]}")
    with Progress(*columns, TimeElapsedColumn(), console=Console(stderr=True), transient=True) as live:
        task = live.add_task(doing, total=None, word="")

        def tell(through: int, of: int, word: str) -> None:
            live.update(task, completed=through, total=of or None, word=word)

        yield tell


class Rejected:
    """Takes rejected entries: into a file, which is made with the first of them, or the first ten to stderr."""

    def __init__(self, path: str | None, source: str | None = None) -> None:
        if path is None and source not in (None, "-"):
            path = f"{source}.rejected.ndjson"
        if path is not None and source not in (None, "-") and Path(path).resolve() == Path(str(source)).resolve():
            raise InputError(f"{path} is the file that is read; name another for what is rejected")
        self.path = path
        self.count = 0
        self._file: IO[bytes] | None = None

    def __enter__(self) -> Rejected:  # noqa: PYI034 - Self needs Python 3.11
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()

    def take(self, entry: dict[str, Any], what: str, why: str) -> None:
        """Keep or show an entry."""
        self.count += 1
        if self.path is not None:
            self._file = self._file or Path(self.path).open("wb")  # noqa: SIM115 - closed above
            line = json.dumps(entry, ensure_ascii=False, default=str) + "\n"
            self._file.write(line.encode(errors="backslashreplace"))  # as JSON has lone surrogates
        elif self.count <= SHOWN:
            note(f"rejected: {what}: {why}")
        elif self.count == SHOWN + 1:
            note("… further ones are only counted; --rejected FILE keeps all")

    def tell(self) -> str | None:
        """Say where they are; return the file, if there is one."""
        if not self.count or self.path is None:
            return None
        note(f"{self.count:,} rejected: {self.path} says why")
        return self.path
