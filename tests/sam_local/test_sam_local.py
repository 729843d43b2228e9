"""The functions as they are built for AWS, in containers, beside the stack that `make run` keeps up."""

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
import yaml
from botocore.config import Config

from local.aws import session
from local.containers import TEMPLATE
from local.environment import SAM, LocalError, free_port, running
from local.invoke import checked, invoke
from local.samples import ACCOUNT_ID, PASSCODE, SEGMENTS
from local.stack import Account, Stack, logical_id
from local.subscriber import CHANGE, EventQueue, subscribe
from tests.support.events import sample
from tests.support.samples import FUNCTIONS, assert_answer_to_sample
from tests.support.waiting import wait_until

SAMPLES = Account(ACCOUNT_ID, PASSCODE)


@contextmanager
def served(home: Path, command: str) -> Iterator[str]:
    """Run `sam local <command>` and yield its address once it answers."""
    port = free_port()
    log = home / f"{command}.log"
    with running([SAM, "local", command, "--port", str(port)], os.environ, home, log) as process:

        def answers() -> bool:
            assert process.poll() is None, log.read_text()
            try:
                httpx.get(f"http://127.0.0.1:{port}/", trust_env=False, timeout=60)
            except httpx.TransportError:
                return False
            return True

        wait_until(answers, f"sam local {command}")
        yield f"http://127.0.0.1:{port}"


@pytest.fixture(scope="module")
def functions(stack: Stack, home: Path) -> Iterator[str]:  # noqa: ARG001 - it must be up
    with served(home, "start-lambda") as address:
        yield address


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_in_a_container_takes_its_sample_event(functions: str, function: str) -> None:
    client = session().client("lambda", endpoint_url=functions, config=Config(retries={"total_max_attempts": 1}))
    answer = client.invoke(FunctionName=logical_id(function), Payload=json.dumps(sample(function)).encode())
    payload = json.loads(answer["Payload"].read())
    assert "FunctionError" not in answer, payload
    assert_answer_to_sample(function, payload)


def test_the_samples_changes_are_published_from_a_container(stack: Stack, functions: str) -> None:
    pattern = {"detail-type": [CHANGE], "detail": {"Account ID": [ACCOUNT_ID]}}
    queue = EventQueue(stack.endpoint_url, subscribe(stack.endpoint_url, stack.bus_name, "sam-local", pattern))
    client = session().client("lambda", endpoint_url=functions)
    client.invoke(FunctionName="PublishChangesFunction", Payload=json.dumps(sample("publish_changes")).encode())
    published: set[tuple[str, int]] = set()

    def all_three() -> bool:
        published.update((event.detail["Action"], event.detail["Segment ID"]) for event in queue.receive_many())
        return len(published) == 3

    wait_until(all_three, "the sample's three changes")
    assert published == {("ADD", SEGMENTS[0][0]), ("ADD", SEGMENTS[1][0]), ("REMOVE", SEGMENTS[0][0])}


def test_the_command_works_as_the_documentation_has_it(stack: Stack, home: Path) -> None:  # noqa: ARG001 - it must be up
    command = ["local", "invoke", "UpdateSegmentFunction", "-e", "events/update_segment.json"]
    done = subprocess.run([SAM, *command], cwd=home, capture_output=True, text=True, check=False)
    answer = checked("UpdateSegmentFunction", done.returncode, done.stdout)
    assert_answer_to_sample("update_segment", json.loads(answer))


def test_a_function_that_fails_is_told_beside_sams_good_status(stack: Stack, home: Path, tmp_path: Path) -> None:  # noqa: ARG001 - it must be up
    event = tmp_path / "event.json"
    event.write_text('{"type": "REQUEST"}')
    with pytest.raises(LocalError, match=r"^AuthorizerFunction failed: .*errorType"):
        invoke("AuthorizerFunction", event, home)


def test_a_function_that_is_too_slow_is_told(stack: Stack, home: Path) -> None:  # noqa: ARG001 - it must be up
    template = home / ".local" / "run" / "containers" / TEMPLATE
    before = template.read_text()
    content = yaml.safe_load(before)
    content["Globals"]["Function"]["Timeout"] = 1
    function = content["Resources"]["UpdateSegmentFunction"]["Properties"]
    function["Handler"] = "endless.handler"
    endless = template.parent / function["CodeUri"] / "endless.py"
    endless.write_text("import threading\n\n\ndef handler(event, context):\n    threading.Event().wait()\n")
    try:
        template.write_text(yaml.safe_dump(content))
        with pytest.raises(LocalError, match=r"^UpdateSegmentFunction gave no answer: it was too slow"):
            invoke("UpdateSegmentFunction", home / "events" / "update_segment.json", home)
    finally:
        template.write_text(before)
        endless.unlink()


def test_the_variables_are_their_owners_only(stack: Stack, home: Path) -> None:  # noqa: ARG001 - it must be up
    assert (home / ".local/run/containers/variables.json").stat().st_mode & 0o777 == 0o600


def test_the_api_in_containers_creates_updates_reads_and_refuses(stack: Stack, home: Path) -> None:  # noqa: ARG001 - it must be up
    with (
        served(home, "start-api") as address,
        httpx.Client(base_url=address, headers=SAMPLES.headers, timeout=120, trust_env=False) as api,
    ):
        segment = {"segment_name": "Around", "customer_segment_id": "AROUND"}
        created = api.post("/api/createSegment", json=[segment])
        assert created.json()["status"] == "success", created.text
        member = {"customer_segment_id": "AROUND", "action": "ADD"}
        update = {"bulk_profiles": [{"user_profiles": [{"identity": "CT777"}], "segments": [member]}]}
        assert api.post("/api/updateSegment", json=update).json()["summary"]["added"] == 1
        read = api.get("/api/profiles/CT777/segments").json()
        assert [found["customer_segment_id"] for found in read["segments"]] == ["AROUND"]
        refused = api.get("/api/profiles/CT777/segments", headers={"X-CleverTap-Passcode": "wrong"})
        # SAM's answer where an authorizer raises; API Gateway's is 401.
        assert refused.status_code == 502
        assert "AROUND" not in refused.text
