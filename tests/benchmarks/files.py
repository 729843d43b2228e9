"""A million rows of a file read, checked and spread over 64 part files: `python -m tests.benchmarks.files`.

Each shape is measured in a process of its own, so that its memory is its own; the file is made as it is read.
"""

import json
import resource
import subprocess
import sys
import tempfile
import time
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path

from api_segments.imports.files.parts import PartFiles
from api_segments.imports.files.splitting import split
from tests.support.template import ROOT

ROWS = 1_000_000
PARTS = 64
CHUNK_ROWS = 10_000
ROW_OF = {
    "one column": ("identity\n", "CT{n:08d}\n"),
    "gzip": ("identity\n", "CT{n:08d}\n"),
    "two columns, quoted": ('"identity","name"\n', '"CT{n:08d}","Name {n}"\n'),
    "line breaks in quotes": ("identity,note\n", 'CT{n:08d},"a\nb"\n'),
    "not ASCII": ("identity\n", "顾客{n:08d}\n"),
    "identity and guid": ("identity,guid,added_at\n", "CT{n:08d},{n:032x},2026-11-29T00:00:00.000000Z\n"),
    "NDJSON": ("", '{{"identity":"CT{n:08d}"}}\n'),
    "NDJSON with more fields": ("", '{{"name":"Name {n}","identity":"CT{n:08d}"}}\n'),
    "each row rejected": ("identity,name\n", "CT{n:08d}\n"),
}


def chunks(shape: str, rows: int) -> Iterator[bytes]:
    """Return the bytes of a file; CPU that is spent here is taken off by `measure`."""
    header, row = ROW_OF[shape]
    yield header.encode()
    for start in range(0, rows, CHUNK_ROWS):
        numbers = range(start, min(rows, start + CHUNK_ROWS))
        yield "".join(row.format(n=number * 7919 % 100_000_007) for number in numbers).encode()


def packed(content: Iterable[bytes]) -> Iterator[bytes]:
    packer = zlib.compressobj(wbits=31)
    for piece in content:
        yield packer.compress(piece)
    yield packer.flush()


class Untimed:
    """Chunks whose making is not measured."""

    def __init__(self, content: Iterator[bytes]) -> None:
        self._content = content
        self.seconds = 0.0

    def __iter__(self) -> Iterator[bytes]:
        while True:
            begun = time.process_time()
            chunk = next(self._content, None)
            self.seconds += time.process_time() - begun
            if chunk is None:
                return
            yield chunk


def measure(shape: str, rows: int) -> dict[str, float]:
    """Return the CPU seconds that a file of so many rows takes, and the most memory that the process had."""
    content = chunks(shape, rows)
    untimed = Untimed(packed(content) if shape == "gzip" else content)
    with tempfile.TemporaryDirectory() as folder:
        begun = time.process_time()
        figures = split(untimed, PartFiles(Path(folder), PARTS), lambda _: None)
        seconds = time.process_time() - begun - untimed.seconds
    assert figures.rows == rows
    return {"cpu_seconds": round(seconds, 3), "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024}


def main() -> None:
    if len(sys.argv) > 1:
        sys.stdout.write(json.dumps(measure(sys.argv[1], int(sys.argv[2]))))
        return
    for shape in ROW_OF:
        for rows in (ROWS // 10, ROWS):
            command = [sys.executable, "-m", "tests.benchmarks.files", shape, str(rows)]
            found = json.loads(subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, check=True).stdout)
            figures = f"{found['cpu_seconds']:6.2f} s CPU  {found['peak_mb']:4.0f} MB"
            sys.stdout.write(f"{shape:24} {rows:>9,} rows  {figures}\n")


if __name__ == "__main__":
    main()
