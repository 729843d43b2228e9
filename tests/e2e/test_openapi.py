"""The API is what its description says: the same routes, and no answer outside the schema whatever is sent."""

import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from local.stack import Stack
from tests.e2e.conftest import AccountFactory
from tests.support.routes import DEPLOYED_OF_THE_API
from tests.support.waiting import PATIENCE_SECONDS

MOST_SECONDS = "60"
CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"


def get(stack: Stack, path: str) -> httpx.Response:
    return httpx.get(f"{stack.api_url}{path}", timeout=PATIENCE_SECONDS, trust_env=False)


def test_the_routes_deployed_are_the_routes_described(stack: Stack) -> None:
    described = {
        (method.upper(), path)
        for path, methods in get(stack, "/openapi.json").json()["paths"].items()
        for method in methods
    }
    assert described == DEPLOYED_OF_THE_API


@pytest.mark.parametrize("file", ["docs", "docs/swagger-ui.js", "docs/swagger-ui.css", "docs/docs.js", "docs/docs.css"])
def test_the_page_and_what_it_loads_come_from_the_stack_itself(stack: Stack, file: str) -> None:
    answer = get(stack, f"/{file}")
    assert answer.status_code == 200
    assert "script-src 'self'" in answer.headers["Content-Security-Policy"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    if file == "docs":
        assert "//" not in answer.text.replace("<!doctype html>", "")


def test_there_is_no_other_file(stack: Stack) -> None:
    for path in ("/docs/app.py", "/docs/..%2Fapp.py", "/docs/swagger-ui.map"):
        assert get(stack, path).status_code == 404


def test_no_generated_request_gets_a_server_error_or_an_answer_outside_the_schema(
    stack: Stack, account_factory: AccountFactory, tmp_path: Path
) -> None:
    account = account_factory()
    headers = [part for name, value in account.headers.items() for part in ("--header", f"{name}: {value}")]
    command = [
        *(str(Path(sys.executable).with_name("schemathesis")), "run", f"{stack.api_url}/openapi.json"),
        *("--url", stack.api_url, "--checks", CHECKS, "--phases", "examples,coverage,fuzzing"),
        *("--max-examples", "15", "--max-time", MOST_SECONDS, "--no-color", "--continue-on-failure", *headers),
    ]
    run = subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, timeout=4 * PATIENCE_SECONDS, check=False
    )
    assert run.returncode == 0, run.stdout[-20_000:] + run.stderr[-2_000:]
