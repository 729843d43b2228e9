"""The example stacks of docs/: their functions report what failed, and their queues keep it."""

import json
from typing import Any

import pytest

from tests.support.event_schemas import KINDS
from tests.support.template import ROOT, load

Json = Any
EXAMPLES = {"subscriber": "GreeterFunction", "message_requested": "MessengerFunction"}
DETAILS = {
    "subscriber": KINDS["Segment Membership Change"].example()["detail"],
    "message_requested": KINDS["Message Requested"].example()["detail"],
}


@pytest.mark.parametrize("example", EXAMPLES)
def test_a_message_that_fails_comes_again_and_no_other(example: str, capsys: pytest.CaptureFixture[str]) -> None:
    function = load(ROOT / "docs" / f"{example}.yaml")["Resources"][EXAMPLES[example]]["Properties"]
    module = run(function["InlineCode"])
    bodies = [{"detail": {}}, {"detail": DETAILS[example]}]
    records = [{"messageId": str(index), "body": json.dumps(body)} for index, body in enumerate(bodies)]
    assert module["handler"]({"Records": records}, None) == {"batchItemFailures": [{"itemIdentifier": "0"}]}
    assert f"({DETAILS[example]['Event_ID']})" in capsys.readouterr().out
    (event,) = function["Events"].values()
    assert event["Properties"]["FunctionResponseTypes"] == ["ReportBatchItemFailures"]


def test_an_anonymous_user_who_joined_is_named_by_guid(capsys: pytest.CaptureFixture[str]) -> None:
    function = load(ROOT / "docs" / "subscriber.yaml")["Resources"]["GreeterFunction"]["Properties"]
    run(function["InlineCode"])["greet"]({**DETAILS["subscriber"], "Identity": None})
    told = capsys.readouterr().out
    assert "None" not in told
    assert told.startswith(f"guid {DETAILS['subscriber']['Profile_ID']} joined Premium Users")


def run(code: str) -> dict[str, Json]:
    """Return what a function's module holds, as the example deploys it."""
    module: dict[str, Json] = {}
    exec(code, module)  # noqa: S102 - as above
    return module


@pytest.mark.parametrize("example", EXAMPLES)
def test_what_was_not_delivered_and_what_failed_are_kept_where_sqs_can_move_them_back(example: str) -> None:
    found = load(ROOT / "docs" / f"{example}.yaml")["Resources"]
    (rule,) = [each["Properties"] for each in found.values() if each["Type"] == "AWS::Events::Rule"]
    (target,) = rule["Targets"]
    queue = found[target["Arn"]["GetAtt"].removesuffix(".Arn")]["Properties"]
    assert target["DeadLetterConfig"]["Arn"] == queue["RedrivePolicy"]["deadLetterTargetArn"]
    assert queue["VisibilityTimeout"] == 6 * found[EXAMPLES[example]]["Properties"]["Timeout"]
    (policy,) = [each["Properties"] for each in found.values() if each["Type"] == "AWS::SQS::QueuePolicy"]
    (statement,) = policy["PolicyDocument"]["Statement"]
    assert statement["Resource"] == [target["Arn"], target["DeadLetterConfig"]["Arn"]]
