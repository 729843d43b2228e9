"""What CloudFormation gets, after SAM has added its own: the promises of template.yaml hold for that too."""

import json
import subprocess
from typing import Any

import pytest

from api_segments.campaigns.sending.messages import MESSAGE_ATTEMPTS
from local.bootstrap import environment
from tests.support.template import ROOT
from tests.support.waiting import PATIENCE_SECONDS
from tests.unit.test_template_rights import NAMED_LATER, OF_OTHERS

Json = Any


@pytest.fixture(scope="module")
def transformed() -> Json:
    python = environment("emulator") / "bin" / "python"
    script = ROOT / "tests" / "support" / "translate.py"
    command = [str(python), "-P", str(script), str(ROOT / "template.yaml")]
    return json.loads(
        subprocess.run(command, check=True, capture_output=True, text=True, timeout=PATIENCE_SECONDS).stdout
    )


def of_type(transformed: Json, kind: str) -> dict[str, Json]:
    found = {name: each["Properties"] for name, each in transformed["Resources"].items() if each["Type"] == kind}
    assert found, kind
    return found


def statements(transformed: Json) -> list[Json]:
    """Return all that any role or policy allows, whoever wrote it."""
    policies = [each["PolicyDocument"] for each in of_type(transformed, "AWS::IAM::ManagedPolicy").values()]
    for role in of_type(transformed, "AWS::IAM::Role").values():
        policies += [policy["PolicyDocument"] for policy in role.get("Policies", [])]
    return [statement for policy in policies for statement in policy["Statement"]]


def as_list(value: Json) -> list[Json]:
    return value if isinstance(value, list) else [value]


def test_nothing_is_left_of_sam_and_no_role_or_policy_is_its_own(transformed: Json) -> None:
    kinds = {each["Type"] for each in transformed["Resources"].values()}
    assert not [kind for kind in kinds if kind.startswith("AWS::Serverless")]
    assert "AWS::IAM::Policy" not in kinds
    functions = of_type(transformed, "AWS::Lambda::Function")
    roles = of_type(transformed, "AWS::IAM::Role")
    assert {name.replace("Function", "Role") for name in functions} == set(roles) - OF_OTHERS.keys()
    for role in (role for name, role in roles.items() if name not in OF_OTHERS):
        assert role["ManagedPolicyArns"] == [{"Ref": "LogAndTracePolicy"}]
        (trust,) = role["AssumeRolePolicyDocument"]["Statement"]
        assert trust["Principal"] == {"Service": "lambda.amazonaws.com"}


def test_nobody_may_scan_and_the_only_wildcards_are_x_rays_and_that_of_text_messages(transformed: Json) -> None:
    wild = []
    for statement in statements(transformed):
        actions = as_list(statement["Action"])
        assert statement["Effect"] == "Allow"
        assert "NotAction" not in statement
        assert "NotResource" not in statement or actions == ["sns:Publish"]
        assert not [action for action in actions if "*" in action or action.endswith((":Scan", ":PartiQLSelect"))]
        if statement.get("Resource") == "*":
            wild.append(statement)
        elif "*" in json.dumps(statement.get("Resource", "")):
            assert NAMED_LATER.issuperset(actions)
    traces, *texts = wild
    assert traces["Action"] == ["xray:PutTelemetryRecords", "xray:PutTraceSegments"]
    assert [(each["Action"], each["Condition"]) for each in texts] == [
        ("sms-voice:SendTextMessage", {"StringEquals": {"aws:CalledViaLast": "sns.amazonaws.com"}})
    ] * 2  # of campaigns' messages, and of test messages


def test_whoever_may_invoke_a_function_is_named(transformed: Json) -> None:
    for permission in of_type(transformed, "AWS::Lambda::Permission").values():
        assert permission["Action"] == "lambda:InvokeFunction"
        assert permission["Principal"] in {"apigateway.amazonaws.com", "events.amazonaws.com", "sns.amazonaws.com"}
        assert permission["SourceArn"]


def test_no_function_has_an_address_of_its_own(transformed: Json) -> None:
    assert not [each for each in transformed["Resources"].values() if each["Type"] == "AWS::Lambda::Url"]


def test_whatever_reads_for_a_function_gives_up_in_the_end_and_keeps_what_it_gave_up(transformed: Json) -> None:
    queues = of_type(transformed, "AWS::SQS::Queue")
    read = []
    for mapping in of_type(transformed, "AWS::Lambda::EventSourceMapping").values():
        source, attribute = mapping["EventSourceArn"]["Fn::GetAtt"]
        read.append(attribute)
        if attribute == "StreamArn":
            assert 0 < mapping["MaximumRetryAttempts"] <= 10
            assert 0 < mapping["MaximumRecordAgeInSeconds"] <= 12 * 3600
            assert mapping["BisectBatchOnFunctionError"] is True
            kept_in = mapping["DestinationConfig"]["OnFailure"]["Destination"]["Fn::GetAtt"][0]
        else:
            assert 0 < queues[source]["RedrivePolicy"]["maxReceiveCount"] <= MESSAGE_ATTEMPTS
            kept_in = queues[source]["RedrivePolicy"]["deadLetterTargetArn"]["Fn::GetAtt"][0]
        alarms = of_type(transformed, "AWS::CloudWatch::Alarm").values()
        watched = [dimension["Value"] for alarm in alarms for dimension in alarm.get("Dimensions", ())]
        assert {"Fn::GetAtt": [kept_in, "QueueName"]} in watched
    assert sorted(read) == ["Arn"] * 5 + ["StreamArn"] * 3


def test_what_a_rule_cannot_deliver_is_kept_unless_it_comes_again_by_itself(transformed: Json) -> None:
    for rule in of_type(transformed, "AWS::Events::Rule").values():
        for target in rule["Targets"]:
            assert ("DeadLetterConfig" in target) != ("ScheduleExpression" in rule)


def test_all_that_is_kept_is_encrypted_and_what_is_in_tables_can_be_had_back(transformed: Json) -> None:
    for table in of_type(transformed, "AWS::DynamoDB::Table").values():
        assert table["SSESpecification"] == {"SSEEnabled": True}
        assert table["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
    for queue in of_type(transformed, "AWS::SQS::Queue").values():
        assert queue["SqsManagedSseEnabled"] is True


def test_all_functions_write_to_logs_that_end_and_are_traced(transformed: Json) -> None:
    (log,) = of_type(transformed, "AWS::Logs::LogGroup").values()
    assert log["RetentionInDays"] == 30
    for function in of_type(transformed, "AWS::Lambda::Function").values():
        assert function["LoggingConfig"] == {"LogGroup": {"Ref": "FunctionLogs"}}
        assert function["TracingConfig"] == {"Mode": "Active"}


def test_the_api_is_throttled_and_does_not_write_bodies_to_logs(transformed: Json) -> None:
    (stage,) = of_type(transformed, "AWS::ApiGateway::Stage").values()
    (settings,) = stage["MethodSettings"]
    assert (settings["ResourcePath"], settings["HttpMethod"]) == ("/*", "*")
    assert 0 < settings["ThrottlingRateLimit"] <= settings["ThrottlingBurstLimit"] <= 5000
    assert not settings.get("DataTraceEnabled", False)


def test_every_route_asks_for_the_two_headers_but_the_open_ones(transformed: Json) -> None:
    body = of_type(transformed, "AWS::ApiGateway::RestApi")["Api"]["Body"]
    security = {
        (method, path): operation["security"]
        for path, operations in body["paths"].items()
        for method, operation in operations.items()
    }
    open_routes = {path for (_, path), asks in security.items() if asks != [{"AccountHeaders": []}]}
    pages = {"/", "/page/{version}/{file}", "/openapi.json", "/docs", "/docs/{file}", "/unsubscribe/{token}"}
    assert open_routes == {"/health", *pages}
    assert len(security) > len(open_routes)


def test_a_revoked_passcode_is_asked_for_anew_after_the_cache_time(transformed: Json) -> None:
    schemes = of_type(transformed, "AWS::ApiGateway::RestApi")["Api"]["Body"]["components"]["securitySchemes"]
    authorizer = schemes["AccountHeaders"]["x-amazon-apigateway-authorizer"]
    # An integer for every value that is allowed: what refers to a parameter is a string in the API's definition.
    seconds = []
    choice = authorizer["authorizerResultTtlInSeconds"]
    while isinstance(choice, dict):
        _, chosen, choice = choice["Fn::If"]
        seconds.append(chosen)
    assert sorted([*seconds, choice]) == transformed["Parameters"]["AuthorizerCacheSeconds"]["AllowedValues"]
    assert choice == transformed["Parameters"]["AuthorizerCacheSeconds"]["Default"] == 60
    headers = [f"method.request.header.{name}" for name in ("X-CleverTap-Account-Id", "X-CleverTap-Passcode")]
    assert authorizer["identitySource"] == ", ".join(headers)
