"""What keeps `sam local` and `make invoke` from working is told in one line; what they answer decides the status."""

import json
import socket
import stat
import sys
import threading
import tomllib
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socketserver import UnixStreamServer

import pytest
import pytest_socket
import yaml

from local import containers, invoke
from local.environment import LOOPBACK, ROOT, LocalError, architecture
from local.samples import ACCOUNT_ID, PASSCODE, SEGMENTS
from local.stack import logical_id
from tests.support.events import sample
from tests.support.template import ROOT as PROJECT

GATEWAY = {"IPAM": {"Config": [{"Subnet": "172.17.0.0/16", "Gateway": "172.17.0.1"}]}}
HERE = {"x86_64": "amd64", "arm64": "arm64"}[architecture()]
ELSEWHERE = {"x86_64": "arm64", "arm64": "amd64"}[architecture()]


@pytest.fixture(autouse=True)
def sockets(function_environment: None) -> Iterator[None]:
    """Allow those of an engine that is made up, and the loopback's."""
    assert function_environment is None
    pytest_socket.enable_socket()
    yield
    pytest_socket.disable_socket()


@pytest.fixture
def answers(sockets: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, object]]:
    """What an engine at DOCKER_HOST answers, by path."""
    assert sockets is None
    given: dict[str, object] = {"/version": {"Arch": HERE}, "/networks/bridge": GATEWAY}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.dumps(given[self.path]).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def address_string(self) -> str:
            return "client"

        def log_message(self, *_: object) -> None:
            pass

    class Server(UnixStreamServer):
        daemon_threads = True

    path = str(tmp_path / "engine")
    with Server(path, Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        monkeypatch.setenv("DOCKER_HOST", f"unix://{path}")
        yield given
        server.shutdown()
        thread.join()


@pytest.mark.usefixtures("answers")
def test_an_engine_tells_its_architecture_and_the_hosts_address() -> None:
    assert containers.engine() == containers.Engine(architecture(), "172.17.0.1")


def told(function: object, *arguments: object) -> str:
    with pytest.raises(LocalError) as caught:
        function(*arguments)  # type: ignore[operator] # the tests' own
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_missing_engine_is_told_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/nothing")
    assert told(containers.engine) == f"no container engine answers at unix://{tmp_path}/nothing: {containers.INSTALL}"


def test_an_engine_elsewhere_is_told_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "tcp://192.0.2.1:2375")
    assert "must be on this machine" in told(containers.engine)


def test_a_wrong_architecture_is_told_in_one_line(answers: dict[str, object]) -> None:
    answers["/version"] = {"Arch": ELSEWHERE}
    assert f"for {containers.ARCHITECTURES[ELSEWHERE]}, this machine" in told(containers.engine)


@pytest.mark.parametrize("answer", [{"message": "page not found"}, {"IPAM": {"Config": [{}]}}, [], None])
def test_an_engine_without_a_bridge_is_told_in_one_line(answers: dict[str, object], answer: object) -> None:
    answers["/networks/bridge"] = answer
    assert told(containers.engine)


def test_a_stack_that_is_not_up_is_told_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(invoke, "STACK_FILE", tmp_path / "stack.json")
    monkeypatch.setattr(invoke, "PREPARED", tmp_path)
    assert invoke.main(["update_segment"]) == 1
    assert capsys.readouterr().err.startswith("error: the stack is not up: run `make run`")
    (tmp_path / "stack.json").touch()
    invoke.require_stack()
    assert "`make run` is not ready for containers" in told(invoke.require_prepared)
    (tmp_path / containers.VARIABLES).touch()
    invoke.require_prepared()


def test_with_a_stack_and_no_engine_it_is_the_engine_that_is_told_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/nothing")
    monkeypatch.setattr(invoke, "STACK_FILE", tmp_path / "stack.json")
    monkeypatch.setattr(invoke, "PREPARED", tmp_path)
    (tmp_path / "stack.json").touch()
    assert invoke.main(["update_segment"]) == 1
    assert capsys.readouterr().err.startswith("error: no container engine answers")


def test_a_function_goes_by_its_folder_or_its_name_with_its_own_sample() -> None:
    sample_of_it = ROOT / "events" / "update_segment.json"
    for name in ("update_segment", "UpdateSegmentFunction"):
        assert invoke.chosen(name, None) == ("UpdateSegmentFunction", sample_of_it)
    other = str(ROOT / "events" / "replay.json")
    assert invoke.chosen("update_segment", other)[1] == Path(other)
    assert "there is none; there are accounts, apply_import" in told(invoke.chosen, "nothing", None)
    assert "there is no such file" in told(invoke.chosen, "update_segment", "nothing.json")


@pytest.mark.parametrize("answer", ["null", '{"statusCode": 404}', '{"batchItemFailures": []}', '{"status": "fail"}'])
def test_what_a_function_answers_is_good(answer: str) -> None:
    assert invoke.checked("F", 0, f"\n{answer}\n") == answer


@pytest.mark.parametrize(
    ("status", "output"),
    [
        (1, "null"),
        (0, "\n"),
        (0, '{"errorMessage": "Unauthorized", "errorType": "Exception"}'),
        (0, '{"batchItemFailures": [{"itemIdentifier": "1"}]}'),
        (0, "Traceback"),
    ],
    ids=["failed to start", "too slow", "raised", "gave records back", "no JSON"],
)
def test_a_function_that_failed_or_was_too_slow_is_told(status: int, output: str) -> None:
    assert told(invoke.checked, "F", status, output).startswith("F ")


def test_samconfig_names_what_make_run_writes() -> None:
    sections = tomllib.loads((PROJECT / "samconfig.toml").read_text())["default"]
    for name in ("local_invoke", "local_start_api", "local_start_lambda"):
        assert {key: PROJECT / path for key, path in sections[name]["parameters"].items()} == {
            "template_file": invoke.PREPARED / containers.TEMPLATE,
            "env_vars": invoke.PREPARED / containers.VARIABLES,
        }


def test_the_template_for_containers_declares_what_sam_would_drop(tmp_path: Path) -> None:
    template = tmp_path / "template.yaml"
    function = {"Environment": {"Variables": {"BUS_NAME": {"Ref": "ChangeBus"}}}}
    parameters = {"Architecture": {"Type": "String", "Default": "other"}}
    template.write_text(yaml.safe_dump({"Globals": {"Function": function}, "Parameters": parameters}))
    containers.declare(template, {"AWS_ENDPOINT_URL": "http://192.0.2.1:1"})
    read = yaml.safe_load(template.read_text())
    declared = read["Globals"]["Function"]["Environment"]["Variables"]
    assert declared == {"BUS_NAME": {"Ref": "ChangeBus"}, "AWS_ENDPOINT_URL": ""}
    assert read["Parameters"]["Architecture"]["Default"] == architecture()


def test_variables_are_their_owners_only(tmp_path: Path) -> None:
    containers.write_private(tmp_path / "variables.json", {"F": {"A": "b"}})
    assert stat.S_IMODE((tmp_path / "variables.json").stat().st_mode) == 0o600


def test_a_gateway_on_this_machine_hands_connections_on_while_the_block_lasts() -> None:
    with socket.create_server((LOOPBACK, 0)) as target:
        port = target.getsockname()[1]
        with containers.reachable(LOOPBACK, f"http://{LOOPBACK}:{port}") as address:
            own = int(address.rpartition(":")[2])
            assert own != port
            with socket.create_connection((LOOPBACK, own), timeout=10) as client:
                served, _ = target.accept()
                with served:
                    client.sendall(b"asked")
                    client.shutdown(socket.SHUT_WR)
                    assert read_all(served) == b"asked"
                    served.sendall(b"answered" * 100_000)
                    served.shutdown(socket.SHUT_WR)
                    assert read_all(client) == b"answered" * 100_000
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection((LOOPBACK, own), timeout=10)


def read_all(connection: socket.socket) -> bytes:
    with connection.makefile("rb") as file:
        return file.read()


def test_a_gateway_in_a_virtual_machine_leads_to_the_loopback_by_its_own_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    with containers.reachable("192.0.2.1", f"http://{LOOPBACK}:1234") as address:
        assert address == "http://host.docker.internal:1234"


def test_on_linux_a_gateway_that_is_not_this_hosts_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    with (
        pytest.raises(LocalError, match=r"no address of this host \(192\.0\.2\.1"),
        containers.reachable("192.0.2.1", f"http://{LOOPBACK}:1234"),
    ):
        pass


@pytest.mark.parametrize("name", sorted(path.stem for path in (ROOT / "events").glob("*.json")))
def test_a_sample_event_names_only_what_the_local_stack_holds(name: str) -> None:
    event = sample(name)
    headers: Mapping[str, str] = event.get("headers") or {}
    assert headers.get("X-CleverTap-Account-Id", ACCOUNT_ID) == ACCOUNT_ID
    assert headers.get("X-CleverTap-Passcode", PASSCODE) == PASSCODE
    named = json.dumps(event).replace("\\", "")
    known = {str(segment_id) for segment_id, *_ in SEGMENTS}
    for word in ('"Segment ID": ', '"segment_id": {"N": "', '"ct_segment_id": "', '"NS": ["'):
        for rest in named.split(word)[1:]:
            assert rest[:16] in known


def test_names_in_the_template_follow_from_the_folders() -> None:
    assert logical_id("create_segment") == "CreateSegmentFunction"
    assert logical_id("replay") == "ReplayFunction"
