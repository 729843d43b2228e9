"""`make dashboard` on the deployed stack: a dashboard with the names that its functions and queues really have."""

import json

import boto3
import pytest

from local import dashboard
from local.environment import ACCESS_KEY, REGION
from local.sam import STACK_NAME
from local.stack import Stack

pytestmark = pytest.mark.deployed


@pytest.fixture(autouse=True)
def users_environment(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", stack.endpoint_url)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", ACCESS_KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", ACCESS_KEY)
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)


def test_it_shows_the_figures_of_this_stack(stack: Stack, capsys: pytest.CaptureFixture[str]) -> None:
    assert dashboard.main([STACK_NAME]) == 0
    assert f"#dashboards/dashboard/{STACK_NAME}" in capsys.readouterr().out
    body = boto3.client("cloudwatch").get_dashboard(DashboardName=STACK_NAME)["DashboardBody"]
    assert "${" not in body
    metrics = [each for widget in json.loads(body)["widgets"] for each in widget["properties"]["metrics"]]
    functions = {each[3] for each in metrics if each[:1] == ["AWS/Lambda"]}
    assert functions <= set(stack.functions.values())
    assert stack.functions["update_segment"] in functions
    queues = {url.rpartition("/")[2] for url in boto3.client("sqs").list_queues()["QueueUrls"]}
    assert {each[3] for each in metrics if each[:1] == ["AWS/SQS"]} <= queues


def test_a_stack_that_is_not_there_is_told_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert dashboard.main(["no-such-stack"]) == 1
    told = capsys.readouterr().err
    assert told.startswith("error: ")
    assert "no-such-stack" in told
    assert told.count("\n") == 1
