"""What the functions write: metrics and log lines."""

import json
from dataclasses import dataclass
from io import StringIO
from typing import Any

import pytest

Json = Any


@dataclass
class Written:
    """All that the functions write: metrics go to the standard output, log lines to the log's own stream."""

    capsys: pytest.CaptureFixture[str]
    log: StringIO

    def text(self) -> str:
        """Return what was written since the last time."""
        metrics, log = self.capsys.readouterr(), self.log.getvalue()
        self.log.seek(0)
        self.log.truncate()
        return metrics.out + metrics.err + log

    def lines(self) -> tuple[list[Json], list[Json]]:
        """Return what was written since the last time: metrics, and log lines."""
        lines = [json.loads(line) for line in self.text().splitlines()]
        return [line for line in lines if "_aws" in line], [line for line in lines if "level" in line]
