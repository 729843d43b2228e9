"""Starts the stand-in in a process of its own and gives it orders."""

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, fields
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from api_segments.core.settings import Settings
from tests.support.dynamodb.objects import PREFIX
from tests.support.template import ROOT
from tests.support.waiting import PATIENCE_SECONDS

STOP_SECONDS = 10


@dataclass(frozen=True)
class Control:
    """Gives orders to the stand-in at `url`."""

    url: str

    def answer_after(self, latency: float) -> None:
        """Answer each call so many seconds after it came."""
        self._order(do="answer", latency=latency)

    def answer_in_rounds(self, quiet: float) -> None:
        """Hold calls until none has come for so many seconds, then answer them all."""
        self._order(do="answer", latency=0, quiet=quiet)

    def reset(self) -> None:
        """Begin new books."""
        self._order(do="reset")

    def books(self) -> dict[str, Any]:
        """Return what was asked for since the last reset."""
        books: dict[str, Any] = self._order(do="books")
        return books

    def records(self, table: str, first: int, most: int | None = None) -> list[dict[str, Any]]:
        """Return a table's stream records from a position on, in order: all, or the first of them."""
        records: list[dict[str, Any]] = self._order(do="records", table=table, first=first, most=most)
        return records

    def find(self, table: str, partition: str, sort: str = "") -> list[dict[str, Any]]:
        """Return the items whose keys begin so."""
        items: list[dict[str, Any]] = self._order(do="find", table=table, partition=partition, sort=sort)
        return items

    def load(self, table: str, items: list[dict[str, Any]]) -> None:
        """Put items into a table as if they had always been there."""
        self._order(do="load", table=table, items=items)

    def take(self, queue_url: str) -> list[str]:
        """Return the bodies that wait in a queue, and empty it."""
        bodies: list[str] = self._order(do="take", queue=queue_url)
        return bodies

    def _order(self, **order: Any) -> Any:
        address = urlsplit(self.url)
        connection = HTTPConnection(str(address.hostname), address.port, timeout=PATIENCE_SECONDS)
        try:
            connection.request("POST", "/_control", json.dumps(order))
            return json.loads(connection.getresponse().read())
        finally:
            connection.close()


@contextmanager
def running_stand_in(record: Path | None = None) -> Iterator[Control]:
    """Run the stand-in for as long as the `with` block lasts; `record` is where distinct requests are written."""
    command = [sys.executable, "-m", "tests.support.dynamodb.server", *([] if record is None else [str(record)])]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdin
            assert process.stdout
            yield Control(process.stdout.readline().strip())
        finally:
            process.stdin.close()  # type: ignore[union-attr]  # asked for above
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()


def environment(control: Control, tables: Mapping[str, str]) -> dict[str, str]:
    """Return what a function needs in its environment to speak to the stand-in."""
    return {
        "AWS_ENDPOINT_URL_DYNAMODB": control.url,
        "AWS_ENDPOINT_URL_EVENTBRIDGE": control.url,
        "AWS_ENDPOINT_URL_S3": f"{control.url}{PREFIX}",
        "AWS_ENDPOINT_URL_SESV2": control.url,
        "AWS_ENDPOINT_URL_SFN": control.url,
        "AWS_ENDPOINT_URL_SQS": control.url,
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_LAMBDA_FUNCTION_NAME": "benchmark",
        "NO_PROXY": "127.0.0.1",
        **dict.fromkeys((field.name.upper() for field in fields(Settings)), "benchmark"),
        "TRIGGER_QUEUE_URL": f"{control.url}/triggers",
        "CAMPAIGN_QUEUE_URL": f"{control.url}/campaigns",
        "CAMPAIGN_QUEUE_ARN": "arn:aws:sqs:us-east-1:000000000000:campaigns",
        "MESSAGE_QUEUE_URL": f"{control.url}/messages",
        "CAMPAIGN_MESSAGES_PER_SECOND": "1000000",
        "CAMPAIGN_DELAY_SECONDS": "0",
        "IMPORT_ROWS_PER_SECOND": "1000000",
        "IMPORT_DELAY_SECONDS": "2",
        "PUBLIC_URL": "https://api.example.com/live",
        "WEBHOOK_TEST_ORIGIN": "",
        **tables,
    }
