"""What `sam local` needs to run the functions in containers, beside the stack that `make run` keeps up.

The functions and layers as they are built for AWS, in a folder that samconfig.toml names; a file with every function's
variables; and a way from the containers to the emulator, which listens on the loopback alone.
"""

import json
import os
import selectors
import socket
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

from local import sam
from local.aws import session
from local.environment import ACCESS_KEY, LOOPBACK, REGION, LocalError, architecture
from local.stack import Stack, logical_id

FOLDER = "containers"
"""Below the stack's folder; samconfig.toml has the path."""
TEMPLATE = "build/template.yaml"
VARIABLES = "variables.json"
DEFAULT_HOST = "unix:///var/run/docker.sock"
ARCHITECTURES = {"amd64": "x86_64", "arm64": "arm64"}
INSTALL = "start Docker, or install it (Debian: `apt-get install docker.io`)"
CHUNK = 65536


@dataclass(frozen=True)
class Engine:
    """A container engine that answers: the architecture of its containers, and the host's address in their network."""

    architecture: str
    gateway: str


class _Connection(HTTPConnection):
    """A connection to the engine's socket."""

    def __init__(self, path: str) -> None:
        super().__init__("engine", timeout=10)
        self._path = path

    def connect(self) -> None:
        """Connect to the socket in place of a port."""
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)

    def read(self, path: str) -> Any:  # noqa: ANN401 - JSON
        """Return what a GET of `path` answers."""
        self.request("GET", path)
        return json.loads(self.getresponse().read())


def engine() -> Engine:
    """Return the engine that SAM will use too; raise LocalError where none answers."""
    host = os.environ.get("DOCKER_HOST") or DEFAULT_HOST
    if not host.startswith("unix://"):
        raise LocalError(f"DOCKER_HOST is {host}: the container engine must be on this machine, at a unix:// socket")
    with closing(_Connection(host.removeprefix("unix://"))) as connection:
        try:
            machine = connection.read("/version")["Arch"]
            networks = connection.read("/networks/bridge")["IPAM"]["Config"]
        except OSError as exc:
            raise LocalError(f"no container engine answers at {host}: {INSTALL}") from exc
        except (HTTPException, KeyError, TypeError, ValueError) as exc:
            raise LocalError(f"what answers at {host} is no engine that `sam local` can use here ({exc!r})") from exc
    gateways = [network["Gateway"] for network in networks if "." in network.get("Gateway", "")]  # IPv4
    found = ARCHITECTURES.get(machine, machine)
    if found != architecture():
        raise LocalError(
            f"the container engine at {host} is for {found}, this machine and its build for {architecture()}"
        )
    if not gateways:
        raise LocalError(
            f"the container engine at {host} has a bridge without an address: containers can't reach the host"
        )
    return Engine(found, gateways[0])


@contextmanager
def prepared(state: Path, found: Engine, stack: Stack, tell: sam.Tell) -> Iterator[None]:
    """Write what `sam local` needs below `state` and let containers reach the emulator, while the block lasts."""
    folder = state / FOLDER
    variables = folder / VARIABLES
    folder.mkdir()
    template = sam.build(folder, tell, for_aws=True)
    try:
        with reachable(found.gateway, stack.endpoint_url) as address:
            own = {
                "AWS_ENDPOINT_URL": address,
                "AWS_REGION": REGION,
                "AWS_DEFAULT_REGION": REGION,
                # Not the user's own, which SAM would hand on.
                "AWS_ACCESS_KEY_ID": ACCESS_KEY,
                "AWS_SECRET_ACCESS_KEY": ACCESS_KEY,
                "AWS_SESSION_TOKEN": "",
            }
            declare(template, own)
            client = session().client("lambda", endpoint_url=stack.endpoint_url)
            deployed = {
                name: client.get_function_configuration(FunctionName=function)["Environment"]["Variables"]
                for name, function in stack.functions.items()
            }
            write_private(variables, {logical_id(name): values | own for name, values in deployed.items()})
            yield
    finally:
        template.unlink(missing_ok=True)
        variables.unlink(missing_ok=True)


def declare(template: Path, variables: Mapping[str, str]) -> None:
    """Let the built template declare the variables, as SAM drops others, and default to this machine's architecture."""
    content = yaml.safe_load(template.read_text())
    content["Globals"]["Function"]["Environment"]["Variables"] |= dict.fromkeys(variables, "")
    content["Parameters"]["Architecture"]["Default"] = architecture()
    template.write_text(yaml.safe_dump(content, sort_keys=False))


def write_private(path: Path, content: object) -> None:
    """Write JSON to a new file that its owner alone can read."""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        json.dump(content, file, indent=2)


@contextmanager
def reachable(gateway: str, endpoint_url: str) -> Iterator[str]:
    """Yield the URL at which containers reach what listens at `endpoint_url` on the loopback.

    A connection to the gateway's address, which no network but the containers' leads to, is handed on. An engine in a
    virtual machine of its own (Docker Desktop) has its gateway there, and itself leads to the host's loopback.
    """
    port = urlsplit(endpoint_url).port
    with ExitStack() as ending:
        listener = ending.enter_context(socket.socket())
        try:
            listener.bind((gateway, 0))
        except OSError as exc:
            if sys.platform == "linux":
                raise LocalError(f"the containers' network has no address of this host ({gateway}: {exc})") from exc
            yield f"http://host.docker.internal:{port}"
            return
        listener.listen(128)
        threading.Thread(target=_accept, args=(listener, (LOOPBACK, port)), daemon=True).start()
        # Closing alone does not wake the thread that waits for connections.
        ending.callback(lambda: listener.shutdown(socket.SHUT_RDWR))
        yield f"http://{gateway}:{listener.getsockname()[1]}"


def _accept(listener: socket.socket, target: tuple[str, int]) -> None:
    with suppress(OSError):  # closed: the block has ended
        while True:
            connection, _ = listener.accept()
            threading.Thread(target=_hand_on, args=(connection, target), daemon=True).start()


def _hand_on(connection: socket.socket, target: tuple[str, int]) -> None:
    """Hand bytes on in both directions until both sides have said all, or one is gone."""
    with (
        connection,
        suppress(OSError),
        socket.create_connection(target) as onward,
        selectors.DefaultSelector() as ready,
    ):
        ready.register(connection, selectors.EVENT_READ, onward)
        ready.register(onward, selectors.EVENT_READ, connection)
        while ready.get_map():
            for key, _ in ready.select():
                source: socket.socket = key.fileobj  # type: ignore[assignment] # as registered
                if data := source.recv(CHUNK):
                    key.data.sendall(data)
                else:
                    ready.unregister(source)
                    key.data.shutdown(socket.SHUT_WR)
