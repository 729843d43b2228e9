"""What `make run` promises of the stack on one machine, and whether the emulator still needs what is mended in it."""

import dataclasses
import io
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import uuid4

import httpx
import pytest
import yaml
from rich.console import Console
from types_boto3_dynamodb import DynamoDBClient

from local.aws import session
from local.demo import play
from local.emulator import CONCURRENCY, Emulator, running_emulator
from local.environment import ROOT, LocalError, child_environment, endings_interrupt, require_free, running
from local.live import curl_lines
from local.stack import Stack, invoke
from local.subscriber import SOURCE, EventQueue, subscribe
from tests.e2e.conftest import AccountFactory, client_of
from tests.support.waiting import PATIENCE_SECONDS, wait_until

PATCHED = pytest.mark.parametrize("emulator", [True], indirect=True, ids=["patched"])
UNPATCHED = pytest.mark.parametrize("emulator", [False], indirect=True, ids=["unpatched"])
DROP_THE_SHIM = "MiniStack does this itself now: drop it from local/ministack_main.py"
ECHO = "import json\ndef handler(event, context):\n    return {'statusCode': 200, 'body': json.dumps(event)}\n"
TIMED = """
import json, os, time
def handler(event, context):
    begin = time.time()
    time.sleep(0.2)
    return {'statusCode': 200, 'body': json.dumps([begin, time.time(), os.getpid()])}
"""
OF_THE_LAYER = "import of_the_layer\ndef handler(event, context):\n    return of_the_layer.__file__\n"
STUBBORN = """
import os, signal, time
os.fork()
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("up", flush=True)
while True:
    time.sleep(1)
"""
STAYING_UP = """
import sys
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from local import live, run
from local.emulator import running_emulator
from tests.unit.test_live import STACK
@contextmanager
def running_stack(state, console, port):
    with running_emulator(state, port) as emulator:
        print("emulator", emulator.pid, flush=True)
        yield replace(STACK, endpoint_url=emulator.endpoint_url, bus_name="default")
home = Path(sys.argv[1])
run.LOCK_FILE, run.STACK_FILE, live.STACK_FILE, live.HOME = home / "lock", home / "stack", home / "stack", home / "run"
live.running_stack = running_stack
live.play = lambda *_: True
live.play_deletion = live.play_campaigns = live.play_nightly = lambda *_: []
sys.exit(run.main([]))
"""


@pytest.fixture(scope="module")
def emulator(request: pytest.FixtureRequest) -> Iterator[Emulator]:
    with running_emulator(patched=request.param) as running:
        yield running


def dynamodb(emulator: Emulator) -> DynamoDBClient:
    return session().client("dynamodb", endpoint_url=emulator.endpoint_url)


def table(emulator: Emulator) -> str:
    """Make a table with a stream and the item `a`; return its name."""
    client = dynamodb(emulator)
    name = f"t{uuid4().hex}"
    client.create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
    )
    client.put_item(TableName=name, Item={"pk": {"S": "a"}, "ids": {"NS": ["1"]}})
    return name


def records(emulator: Emulator, name: str) -> list[tuple[str, list[str], list[str]]]:
    """Return the stream's records but for the first put's: name, old set, new set."""
    streams = session().client("dynamodbstreams", endpoint_url=emulator.endpoint_url)
    arn = dynamodb(emulator).describe_table(TableName=name)["Table"]["LatestStreamArn"]
    shard = streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"][0]["ShardId"]
    position = streams.get_shard_iterator(StreamArn=arn, ShardId=shard, ShardIteratorType="TRIM_HORIZON")
    found: list[tuple[str, list[str], list[str]]] = []
    for record in streams.get_records(ShardIterator=position["ShardIterator"])["Records"]:
        change = record["dynamodb"]
        old, new = change.get("OldImage", {}).get("ids", {}), change.get("NewImage", {}).get("ids", {})
        found.append((record["eventName"], sorted(old.get("NS", [])), sorted(new.get("NS", []))))
    return found[1:]


def add_to_set(name: str) -> str:
    return f'UPDATE "{name}" SET ids = set_add(ids, ?) WHERE pk = ?'  # noqa: S608 - a statement cannot take its table as a parameter


@UNPATCHED
def test_emulator_alone_still_forgets_the_stream_record_of_a_partiql_write(emulator: Emulator) -> None:
    name = table(emulator)
    dynamodb(emulator).execute_statement(Statement=add_to_set(name), Parameters=[{"NS": ["2"]}, {"S": "a"}])
    assert records(emulator, name) == [], DROP_THE_SHIM


@UNPATCHED
def test_emulator_alone_still_decodes_the_path_of_a_rest_api(emulator: Emulator) -> None:
    assert echoed(emulator, "/users/a%2520b")["pathParameters"] == {"identity": "a%20b"}, DROP_THE_SHIM


@PATCHED
def test_partiql_writes_leave_stream_records_and_repeats_leave_none(emulator: Emulator) -> None:
    name = table(emulator)
    client = dynamodb(emulator)
    for _ in range(2):
        client.execute_statement(Statement=add_to_set(name), Parameters=[{"NS": ["2"]}, {"S": "a"}])
    client.execute_statement(Statement=f"INSERT INTO \"{name}\" VALUE {{'pk': ?}}", Parameters=[{"S": "b"}])
    for _ in range(2):
        client.execute_statement(Statement=f'DELETE FROM "{name}" WHERE pk = ?', Parameters=[{"S": "a"}])  # noqa: S608 - as above
    assert records(emulator, name) == [("MODIFY", ["1"], ["1", "2"]), ("INSERT", [], []), ("REMOVE", ["1", "2"], [])]


@PATCHED
def test_partiql_batch_records_the_statements_that_succeeded(emulator: Emulator) -> None:
    name = table(emulator)
    statements = [
        {"Statement": add_to_set(name), "Parameters": [{"NS": ["7"]}, {"S": key}]} for key in ("missing", "a")
    ]
    answer = dynamodb(emulator).batch_execute_statement(Statements=statements)  # type: ignore[arg-type] # plain dicts are
    assert ["Error" in response for response in answer["Responses"]] == [True, False]
    assert records(emulator, name) == [("MODIFY", ["1"], ["1", "7"])]


@PATCHED
def test_partiql_transaction_leaves_records_only_when_all_of_it_succeeded(emulator: Emulator) -> None:
    name = table(emulator)
    client = dynamodb(emulator)
    good = {"Statement": add_to_set(name), "Parameters": [{"NS": ["2"]}, {"S": "a"}]}
    bad = {"Statement": add_to_set(name), "Parameters": [{"NS": ["2"]}, {"S": "missing"}]}
    with pytest.raises(client.exceptions.TransactionCanceledException):
        client.execute_transaction(TransactStatements=[good, bad])  # type: ignore[list-item] # plain dicts are statements
    assert records(emulator, name) == []
    client.execute_transaction(TransactStatements=[good])  # type: ignore[list-item] # as above
    assert records(emulator, name) == [("MODIFY", ["1"], ["1", "2"])]


@PATCHED
def test_rest_api_hands_the_path_on_as_it_was_sent(emulator: Emulator) -> None:
    event = echoed(emulator, "/users/a%2Fb%20%25%23%C3%BC")
    assert event["pathParameters"] == {"identity": "a%2Fb%20%25%23%C3%BC"}
    assert event["path"] == "/users/a%2Fb%20%25%23%C3%BC"


def echoed(emulator: Emulator, path: str) -> dict[str, object]:
    """Deploy an API with one route and a function that echoes; return the event that a GET of `path` becomes."""
    answer = httpx.get(
        f"{route_to(emulator, function_of(emulator, ECHO))}{path}", trust_env=False, timeout=PATIENCE_SECONDS
    )
    assert answer.status_code == 200, answer.text
    event: dict[str, object] = answer.json()
    return event


def packed(path: str, text: str) -> bytes:
    """Return a zip file of one file."""
    package = io.BytesIO()
    with zipfile.ZipFile(package, "w") as archive:
        archive.writestr(path, text)
    return package.getvalue()


def function_of(emulator: Emulator, code: str, layers: Sequence[str] = ()) -> str:
    """Deploy a function; return its ARN."""
    functions = session().client("lambda", endpoint_url=emulator.endpoint_url)
    function = functions.create_function(
        FunctionName=f"f{uuid4().hex}",
        Runtime="python3.13",
        Handler="app.handler",
        Role="arn:aws:iam::000000000000:role/echo",
        Code={"ZipFile": packed("app.py", code)},
        Timeout=60,
        Layers=layers,
    )
    return function["FunctionArn"]


def disable(emulator: Emulator, function: str) -> None:
    """Have every invocation of a function refused, as if its concurrency were used up."""
    functions = session().client("lambda", endpoint_url=emulator.endpoint_url)
    functions.put_function_concurrency(FunctionName=function, ReservedConcurrentExecutions=0)


def route_to(emulator: Emulator, function: str, authorizer: str | None = None) -> str:
    """Deploy an API with the route /users/{identity} to a function, perhaps past an authorizer; return its address."""
    gateway = session().client("apigateway", endpoint_url=emulator.endpoint_url)
    uri = "arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/{}/invocations"
    api_id = gateway.create_rest_api(name=f"api{time.monotonic_ns()}")["id"]
    parent = gateway.get_resources(restApiId=api_id)["items"][0]["id"]
    for part in ("users", "{identity}"):
        parent = gateway.create_resource(restApiId=api_id, parentId=parent, pathPart=part)["id"]
    if authorizer is None:
        gateway.put_method(restApiId=api_id, resourceId=parent, httpMethod="GET", authorizationType="NONE")
    else:
        made = gateway.create_authorizer(
            restApiId=api_id,
            name="authorizer",
            type="REQUEST",
            authorizerUri=uri.format(authorizer),
            identitySource="method.request.header.Account",
        )
        gateway.put_method(
            restApiId=api_id, resourceId=parent, httpMethod="GET", authorizationType="CUSTOM", authorizerId=made["id"]
        )
    gateway.put_integration(
        restApiId=api_id,
        resourceId=parent,
        httpMethod="GET",
        type="AWS_PROXY",
        integrationHttpMethod="POST",
        uri=uri.format(function),
    )
    gateway.create_deployment(restApiId=api_id, stageName="live")
    return f"{emulator.endpoint_url}/_aws/execute-api/{api_id}/live"


@PATCHED
def test_a_burst_waits_for_its_turn_and_no_more_run_at_once_than_may(emulator: Emulator) -> None:
    address = route_to(emulator, function_of(emulator, TIMED))

    def get(number: int) -> tuple[int, str]:
        answer = httpx.get(f"{address}/users/{number}", trust_env=False, timeout=PATIENCE_SECONDS)
        return answer.status_code, answer.text

    with ThreadPoolExecutor(4 * CONCURRENCY) as clients:
        answers = list(clients.map(get, range(4 * CONCURRENCY)))
    assert {status for status, _ in answers} == {200}
    spans = [json.loads(text) for _, text in answers]
    at_once = [sum(begin <= moment < end for begin, end, _ in spans) for moment, _, _ in spans]
    assert 1 < max(at_once) <= CONCURRENCY
    assert len({pid for _, _, pid in spans}) <= CONCURRENCY


@PATCHED
@pytest.mark.parametrize("refused", ["function", "authorizer"])
def test_a_request_whose_function_gets_no_turn_is_a_429_as_of_the_gateway(emulator: Emulator, refused: str) -> None:
    functions = {name: function_of(emulator, ECHO) for name in ("function", "authorizer")}
    disable(emulator, functions[refused])
    address = route_to(emulator, functions["function"], functions["authorizer"] if refused == "authorizer" else None)
    answer = httpx.get(f"{address}/users/a", headers={"Account": "T-1"}, trust_env=False, timeout=PATIENCE_SECONDS)
    assert (answer.status_code, answer.json()) == (429, {"message": "Too Many Requests"})


@UNPATCHED
@pytest.mark.parametrize("refused", ["function", "authorizer"])
def test_emulator_alone_still_answers_for_itself_what_gets_no_turn(emulator: Emulator, refused: str) -> None:
    functions = {name: function_of(emulator, ECHO) for name in ("function", "authorizer")}
    disable(emulator, functions[refused])
    address = route_to(emulator, functions["function"], functions["authorizer"] if refused == "authorizer" else None)
    answer = httpx.get(f"{address}/users/a", headers={"Account": "T-1"}, trust_env=False, timeout=PATIENCE_SECONDS)
    told = answer.json() if answer.headers.get("Content-Type") == "application/json" else answer.text
    assert (answer.status_code, told) != (429, {"message": "Too Many Requests"}), DROP_THE_SHIM


def layer_files(emulator: Emulator) -> list[str]:
    """Return where two processes found the module of the one layer that they have."""
    functions = session().client("lambda", endpoint_url=emulator.endpoint_url)
    layer = functions.publish_layer_version(
        LayerName=f"l{uuid4().hex}", Content={"ZipFile": packed("python/of_the_layer.py", "")}
    )
    made = [function_of(emulator, OF_THE_LAYER, [layer["LayerVersionArn"]]) for _ in range(2)]
    return [invoke(emulator.endpoint_url, function, {}) for function in made]


@PATCHED
def test_processes_share_a_layer_that_is_unpacked_once(emulator: Emulator) -> None:
    first, second = layer_files(emulator)
    assert first == second
    assert first.endswith("/python/of_the_layer.py")


@UNPATCHED
def test_emulator_alone_still_unpacks_a_layer_for_every_process(emulator: Emulator) -> None:
    first, second = layer_files(emulator)
    assert first != second, DROP_THE_SHIM


def use_until_interrupted(interrupted: list[bool]) -> None:
    """Wait for nothing beside an emulator that is killed; who began the tests may have let them ignore Ctrl-C."""
    with endings_interrupt(), running_emulator() as emulator:
        try:
            os.kill(emulator.pid, signal.SIGKILL)
            threading.Event().wait(PATIENCE_SECONDS)
        except KeyboardInterrupt:
            interrupted.append(True)
            raise


def test_an_emulator_that_ends_by_itself_interrupts_who_uses_it_and_its_log_is_told() -> None:
    interrupted: list[bool] = []
    with pytest.raises(LocalError, match=r"has ended by itself \(status -9\); the end of .*log:\n.+"):
        use_until_interrupted(interrupted)
    assert interrupted


def test_what_ignores_a_request_to_end_is_ended_with_all_that_it_started(tmp_path: Path) -> None:
    with running([sys.executable, "-c", STUBBORN], child_environment({}), tmp_path, tmp_path / "log") as process:
        wait_until(lambda: (tmp_path / "log").read_text() == "up\nup\n", "both to be up")
    wait_until(lambda: not group_exists(process.pid), "both to be gone")
    assert process.returncode == -signal.SIGKILL


@pytest.fixture
def made_run(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """`make run` as it stays up, on an emulator with nothing deployed."""
    program = [sys.executable, "-c", STAYING_UP, str(tmp_path)]
    with subprocess.Popen(
        program, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=child_environment({})
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def emulator_of(process: subprocess.Popen[str]) -> int:
    """Return the process id of the emulator of a `make run`, once that stays up."""
    assert process.stdout
    emulator = 0
    for line in process.stdout:
        if line.startswith("emulator "):
            emulator = int(line.split()[1])
        if "events as they leave the bus" in line:
            return emulator
    raise AssertionError(process.stderr and process.stderr.read())


def test_make_run_ends_when_its_emulator_has_and_says_so(made_run: subprocess.Popen[str]) -> None:
    emulator = emulator_of(made_run)
    os.kill(emulator, signal.SIGKILL)
    _, error = made_run.communicate(timeout=PATIENCE_SECONDS)
    assert made_run.returncode == 1
    assert error.startswith("error: MiniStack has ended by itself (status -9); the end of ")
    assert "Traceback" not in error
    assert len(error.splitlines()) > 1, "the end of its log"


def test_make_run_ends_at_ctrl_c_with_all_that_it_started(made_run: subprocess.Popen[str]) -> None:
    emulator = emulator_of(made_run)
    made_run.send_signal(signal.SIGINT)
    out, error = made_run.communicate(timeout=PATIENCE_SECONDS)
    assert (made_run.returncode, error) == (0, "")
    assert out.endswith("stopped; nothing is left running\n")
    wait_until(lambda: not group_exists(emulator), "the emulator and its functions to be gone")


def test_emulator_and_its_workers_are_gone_after_the_block() -> None:
    with running_emulator() as emulator:
        echoed(emulator, "/users/a")
        assert os.getpgid(emulator.pid) == emulator.pid
    # A killed worker is there until the system has collected it.
    wait_until(lambda: not group_exists(emulator.pid), "all of its group to be gone")
    assert not emulator.log.parent.exists()


def group_exists(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def gateway_response(kind: str) -> dict[str, object]:
    """Return the body that the template gives to `kind`."""

    class Loader(yaml.SafeLoader):
        pass

    Loader.add_multi_constructor("!", lambda *_: None)
    template = yaml.load((ROOT / "template.yaml").read_text(), Loader)  # noqa: S506 - a SafeLoader that skips CloudFormation's tags
    responses = template["Resources"]["Api"]["Properties"]["GatewayResponses"]
    body: dict[str, object] = json.loads(responses[kind]["ResponseTemplates"]["application/json"])
    return body


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-CleverTap-Account-Id": "nobody", "X-CleverTap-Passcode": "nothing"},
        {"X-CleverTap-Account-Id": "nobody"},
    ],
    ids=["none", "wrong", "half"],
)
def test_wrong_or_missing_headers_are_401_in_the_shape_of_the_api(stack: Stack, headers: dict[str, str]) -> None:
    answer = httpx.get(f"{stack.api_url}/api/segments/1", headers=headers, trust_env=False, timeout=PATIENCE_SECONDS)
    assert (answer.status_code, answer.json()) == (401, gateway_response("UNAUTHORIZED"))
    assert answer.headers["X-Request-Id"]


def test_disabled_account_is_403_in_the_shape_of_the_api(stack: Stack, account_factory: AccountFactory) -> None:
    account = account_factory()
    request = {"operation": "disable_account", "account_id": account.account_id}
    assert invoke(stack.endpoint_url, stack.functions["accounts"], request)["account"]["status"] == "disabled"
    with client_of(stack, account) as client:
        answer = client.get("/api/segments/1")
    assert (answer.status_code, answer.json()) == (403, gateway_response("ACCESS_DENIED"))
    assert answer.headers["X-Request-Id"]


@pytest.mark.parametrize(("method", "path"), [("GET", "/nowhere"), ("PUT", "/api/createSegment")])
def test_unknown_route_is_404_in_the_shape_of_the_api(api: httpx.Client, method: str, path: str) -> None:
    answer = api.request(method, path)
    assert (answer.status_code, answer.json()) == (404, gateway_response("MISSING_AUTHENTICATION_TOKEN"))
    assert answer.headers["X-Request-Id"]


def test_identity_with_a_slash_in_the_path_reaches_its_user(api: httpx.Client) -> None:
    identity = "a/b %2F#ü"
    segment = {"segment_name": "Odd", "customer_segment_id": "ODD/IDS"}
    assert api.post("/api/createSegment", json=[segment]).json()["status"] == "success"
    member = {"customer_segment_id": "ODD/IDS", "action": "ADD"}
    update = {"bulk_profiles": [{"user_profiles": [{"identity": identity}], "segments": [member]}]}
    assert api.post("/api/updateSegment", json=update).json()["summary"]["added"] == 1
    answer = api.get("/api/profiles/a%2Fb%20%252F%23%C3%BC/segments").json()
    assert answer["identity"] == identity
    assert [found["customer_segment_id"] for found in answer["segments"]] == ["ODD/IDS"]


@pytest.mark.skipif(not shutil.which("curl"), reason="the lines are for curl")
def test_printed_curl_lines_work_as_they_are(stack: Stack) -> None:
    answers = [
        json.loads(subprocess.run(["sh", "-c", line], capture_output=True, check=True).stdout)
        for line in curl_lines(stack)
    ]
    assert [answer.get("status", "read") for answer in answers] == ["success", "success", "read"]
    assert [segment["customer_segment_id"] for segment in answers[2]["segments"]] == ["WEEKEND"]


def test_whole_demo_agrees_on_an_account_and_a_queue_of_its_own(stack: Stack, account_factory: AccountFactory) -> None:
    account = account_factory()
    queue_url = subscribe(stack.endpoint_url, stack.bus_name, "demo-of-the-tests", {"source": [SOURCE]})
    own = dataclasses.replace(stack, account_id=account.account_id, passcode=account.passcode)
    shown = Console(file=io.StringIO(), width=200)
    assert play(own, EventQueue(stack.endpoint_url, queue_url), shown), shown.file.getvalue()  # type: ignore[attr-defined] # the StringIO above


def test_accounts_of_the_factory_are_apart(stack: Stack, account_factory: AccountFactory) -> None:
    first, second = account_factory(), account_factory()
    segment = {"segment_name": "Mine", "customer_segment_id": "SAME"}
    for account in (first, second):
        with client_of(stack, account) as client:
            assert client.post("/api/createSegment", json=[segment]).json()["status"] == "success"


def test_stack_file_is_its_owners_only_and_whole(stack: Stack, tmp_path: Path) -> None:
    path = tmp_path / "stack.json"
    stack.save(path)
    stack.save(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert json.loads(path.read_text()) == dataclasses.asdict(stack)
    assert [file.name for file in tmp_path.iterdir()] == ["stack.json"]


def test_taken_port_is_told_in_one_line() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(LocalError, match=rf"port {port} cannot be used"):
            require_free(port)
