"""Who may do what, by template.yaml: each function what it calls, and no more."""

from typing import Any

import pytest

from api_segments.aws.keys import STACK
from tests.support.template import (
    BATCH_READERS,
    QUEUE_READERS,
    STREAM_READERS,
    STREAMS,
    actions,
    load,
    resources,
    statements,
    texts,
)

Json = Any


FUNCTIONS = resources("AWS::Serverless::Function")


TABLES = resources("AWS::DynamoDB::Table")


# What is named or declared only while the stack runs: schedules, objects, executions, senders, push applications and
# phone numbers.
# Their actions can't name one resource, but name its kind in this account.
NAMED_LATER = {
    "scheduler:CreateSchedule",
    "scheduler:DeleteSchedule",
    "s3:GetObject",
    "s3:PutObject",
    "ses:GetEmailIdentity",
    "ses:SendEmail",
    "sms-voice:SendTextMessage",
    "sns:CreatePlatformEndpoint",
    "sns:Publish",
    "states:DescribeExecution",
    "states:StopExecution",
}


OF_OTHERS = {"SchedulerRole": "scheduler.amazonaws.com", "ImportWorkflowRole": "states.amazonaws.com"}
"""Roles that are no function's, and who has them."""


# What they serve is in their own folder.
WITHOUT_RIGHTS = ("DashboardFunction",)


ROLES = resources("AWS::IAM::Role")


@pytest.mark.parametrize("function", FUNCTIONS)
def test_each_function_has_statements_of_its_own_and_no_wildcard(function: str) -> None:
    assert bool(statements(function)) == (function not in WITHOUT_RIGHTS)
    for statement in statements(function):
        assert set(statement) - {"Condition"} in ({"Effect", "Action", "Resource"}, {"Effect", "Action", "NotResource"})
        assert statement["Effect"] == "Allow"
        assert not [action for action in actions(statement) if "*" in action]
        if [text for text in texts(statement) if "*" in text]:
            assert NAMED_LATER.issuperset(actions(statement))
            # Whatever SNS sends from, and it need not say (AmazonSNSFullAccess, statement SMSAccessViaSNS).
            by_sns = statement.get("Condition") == {"StringEquals": {"aws:CalledViaLast": "sns.amazonaws.com"}}
            assert by_sns or "*" not in texts(statement)
        if "NotResource" in statement:  # a phone number has no ARN
            assert actions(statement) == ["sns:Publish"]
        named = statement.get("Resource", statement.get("NotResource"))
        for resource in named if isinstance(named, list) else [named]:
            assert resource == "*" or set(resource) in ({"GetAtt"}, {"Sub"})


def test_an_account_of_the_accounts_table_can_be_written_by_its_own_function_alone() -> None:
    writes = {"dynamodb:PutItem", "dynamodb:UpdateItem"}
    for function in FUNCTIONS:
        for statement in statements(function):
            if statement.get("Resource") == {"GetAtt": "AccountsTable.Arn"} and writes & set(actions(statement)):
                keys = statement.get("Condition", {}).get("ForAllValues:StringEquals", {})
                assert function in ("AccountsFunction", "ProjectMembersFunction") or keys == {
                    "dynamodb:LeadingKeys": [STACK]
                }


@pytest.mark.parametrize("function", FUNCTIONS)
def test_no_function_may_scan_or_delete_tables(function: str) -> None:
    allowed = {action for statement in statements(function) for action in actions(statement)}
    assert allowed.isdisjoint({"dynamodb:Scan", "dynamodb:PartiQLSelect", "dynamodb:DeleteTable"})
    services = {action.partition(":")[0] for action in allowed}
    readers = STREAM_READERS + QUEUE_READERS + BATCH_READERS
    further = {reader: ["sqs"] for reader in readers} | {
        "ReplayFunction": ["sqs", "lambda"],
        "CampaignsFunction": ["iam", "scheduler", "ses", "sms-voice", "sns", "sqs"],
        "SendMessagesFunction": ["ses", "sms-voice", "sns", "sqs"],
        "MailFeedbackFunction": ["sqs"],
        "ProfilesFunction": ["sqs"],
        "UnsubscribeFunction": ["sqs"],
        "ReconcileFunction": ["sqs", "states"],
        "ImportsFunction": ["s3", "states"],
        "ReadImportFunction": ["s3"],
        "ApplyImportFunction": ["s3", "sqs"],
    }
    assert services <= {"dynamodb", "events", *further.get(function, [])}


def test_only_who_publishes_may_put_events() -> None:
    allowed = [name for name in FUNCTIONS for statement in statements(name) if "events:PutEvents" in actions(statement)]
    assert allowed == [
        "PublishSegmentsFunction",
        "PublishChangesFunction",
        "CampaignsFunction",
        "RunCampaignFunction",
        "SendMessagesFunction",
        "ReadImportFunction",
        "ApplyImportFunction",
        "ReconcileFunction",
    ]


def test_a_role_is_handed_to_the_scheduler_alone_and_only_lets_it_start_campaigns() -> None:
    passing = [each for name in FUNCTIONS for each in statements(name) if "iam:PassRole" in actions(each)]
    assert [(each["Resource"], each["Condition"]) for each in passing] == [
        ({"GetAtt": "SchedulerRole.Arn"}, {"StringEquals": {"iam:PassedToService": "scheduler.amazonaws.com"}})
    ]
    (policy,) = ROLES["SchedulerRole"]["Policies"]
    assert policy["PolicyDocument"]["Statement"] == [
        {"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": {"GetAtt": "CampaignQueue.Arn"}}
    ]


def test_functions_get_rights_in_no_other_way() -> None:
    """With a role of its own, SAM gives a function no managed policy (those have wildcards)."""
    assert "Policies" not in load()["Globals"]["Function"]
    assert not any("Policies" in properties for properties in FUNCTIONS.values())
    assert not resources("AWS::IAM::Policy")
    of_functions = {name: role for name, role in ROLES.items() if name not in OF_OTHERS}
    assert len({str(properties["Role"]) for properties in FUNCTIONS.values()}) == len(FUNCTIONS) == len(of_functions)
    assert all(role["ManagedPolicyArns"] == [{"Ref": "LogAndTracePolicy"}] for role in of_functions.values())
    for name, service in OF_OTHERS.items():
        (trust,) = ROLES[name]["AssumeRolePolicyDocument"]["Statement"]
        assert trust["Principal"] == {"Service": service}
        assert trust["Condition"] == {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}


def test_the_only_wildcard_is_x_rays_which_knows_no_resources() -> None:
    (policy,) = resources("AWS::IAM::ManagedPolicy").values()
    logs, traces = policy["PolicyDocument"]["Statement"]
    assert logs == {
        "Effect": "Allow",
        "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
        "Resource": {"GetAtt": "FunctionLogs.Arn"},
    }
    assert traces["Action"] == ["xray:PutTelemetryRecords", "xray:PutTraceSegments"]
    assert traces["Resource"] == "*"


@pytest.mark.parametrize("function", STREAM_READERS)
def test_a_reader_may_read_this_stream_alone(function: str) -> None:
    (streams,) = [each for each in statements(function) if "dynamodb:GetRecords" in actions(each)]
    assert streams["Resource"] == {"GetAtt": STREAMS[function]}
