"""template.yaml keeps its promises: narrow rights, kept data, streams that never block, answers of one shape."""

import json
import logging
import re
from collections.abc import Iterator
from typing import Any

import pytest
from aws_lambda_powertools.logging.formatter import LambdaPowertoolsFormatter

from api_segments.aws import keys
from api_segments.aws.events import SOURCE
from api_segments.aws.items import DAMAGED, Attributes
from api_segments.aws.keys import STACK
from api_segments.core.errors import WRONG_CREDENTIALS, DamagedItemError
from api_segments.core.limits import MAX_BODY_BYTES
from api_segments.core.settings import Settings
from api_segments.memberships.announcement import REQUEST_SECONDS
from api_segments.memberships.purging import PROJECTION_SECONDS
from api_segments.segments.deletion import CAMPAIGN_CREATION_SECONDS
from api_segments.segments.model import SegmentEventName
from tests.support.events import sample
from tests.support.template import ROOT, load, resources

Json = Any

FUNCTIONS = resources("AWS::Serverless::Function")
TABLES = resources("AWS::DynamoDB::Table")
MEMBERSHIPS_READERS = ("PublishChangesFunction", "ProjectMembersFunction")
STREAMS = dict.fromkeys(MEMBERSHIPS_READERS, "MembershipsTable.StreamArn") | {
    "PublishSegmentsFunction": "SegmentsTable.StreamArn"
}
STREAM_READERS = tuple(STREAMS)
QUEUE_READERS = ("PurgeSegmentFunction", "RunCampaignFunction", "ReconcileFunction")
BATCH_READERS = ("TriggerCampaignsFunction", "SendMessagesFunction")
"""Read queues too, many messages at a time, and say which of them are to come again."""
# What is named or declared only while the stack runs: schedules, objects, executions, senders, push applications and
# phone numbers. Their
# actions can't name one resource, but name its kind in this account.
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
RESPONSES: dict[str, Json] = resources("AWS::Serverless::Api")["Api"]["GatewayResponses"]
QUEUES = resources("AWS::SQS::Queue")
ALARMS = resources("AWS::CloudWatch::Alarm")
FAILED = (
    "FailedRecordsQueue",
    "FailedTasksQueue",
    "FailedPurgesQueue",
    "FailedTriggersQueue",
    "FailedInvocationsQueue",
)
INVOKED = ("ReplayFunction", "ReadImportFunction", "ApplyImportFunction")
"""Are invoked by hand, or by a state machine."""
KEPT = {"SetAsideRecordsQueue"}
"""Queues in which nothing waits for anybody."""
ROOMS = (
    "What all rooms share",
    "Accounts",
    "Segments",
    "Memberships",
    "Profiles",
    "Campaigns",
    "Imports",
    "Repair",
    "Site",
)
MIB = 1024 * 1024


ROLES = resources("AWS::IAM::Role")


def alarms_of(namespace: str, resource: Json) -> list[Json]:
    return [
        alarm
        for alarm in ALARMS.values()
        if alarm.get("Namespace") == namespace
        and resource in [dimension["Value"] for dimension in alarm.get("Dimensions", ())]
    ]


def role_of(function: str) -> Json:
    return ROLES[FUNCTIONS[function]["Role"]["GetAtt"].removesuffix(".Arn")]


def statements(function: str) -> list[Json]:
    return [
        statement
        for policy in role_of(function).get("Policies", [])
        for statement in policy["PolicyDocument"]["Statement"]
    ]


def texts(value: Json) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from texts(inner)


def actions(statement: Json) -> list[str]:
    return list(texts(statement["Action"]))


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


def test_a_name_that_a_table_is_given_is_given_to_no_other() -> None:
    """Restoring and adopting tables tell operators to write `TableName` into a table's properties."""
    text = (ROOT / "template.yaml").read_text("utf-8")
    assert not re.findall(r"^    Properties: &", text, re.MULTILINE)


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


@pytest.mark.parametrize("function", STREAM_READERS)
def test_a_batch_that_cannot_be_processed_never_blocks_its_shard_for_ever(function: str) -> None:
    (event,) = FUNCTIONS[function]["Events"].values()
    mapping = event["Properties"]
    assert event["Type"] == "DynamoDB"
    assert mapping["Stream"] == {"GetAtt": STREAMS[function]}
    assert mapping["StartingPosition"] == "TRIM_HORIZON"
    assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert mapping["BisectBatchOnFunctionError"] is True
    assert 0 < mapping["MaximumRetryAttempts"] <= 10_000
    assert 60 <= mapping["MaximumRecordAgeInSeconds"] < 24 * 3600
    assert mapping["DestinationConfig"]["OnFailure"]["Destination"] == {"GetAtt": "FailedRecordsQueue.Arn"}


def test_nothing_else_reads_a_stream() -> None:
    readers = [
        name
        for name, properties in FUNCTIONS.items()
        for event in properties.get("Events", {}).values()
        if event["Type"] == "DynamoDB"
    ]
    assert sorted(readers) == sorted(STREAM_READERS)


def test_a_record_that_was_given_up_is_kept_and_raises_an_alarm() -> None:
    for queue in FAILED:
        (alarm,) = alarms_of("AWS/SQS", {"GetAtt": f"{queue}.QueueName"})
        assert (alarm["Threshold"], alarm["ComparisonOperator"]) == (0, "GreaterThanThreshold")
        assert alarm["MetricName"] == "ApproximateNumberOfMessagesVisible"


def test_what_was_set_aside_raises_no_alarm() -> None:
    assert [alarms_of("AWS/SQS", {"GetAtt": f"{queue}.QueueName"}) for queue in KEPT] == [[]]


def test_a_task_that_waits_for_long_raises_an_alarm() -> None:
    for queue in QUEUES.keys() - FAILED - KEPT:
        (alarm,) = alarms_of("AWS/SQS", {"GetAtt": f"{queue}.QueueName"})
        assert alarm["MetricName"] == "ApproximateAgeOfOldestMessage"
        assert QUEUES[queue]["VisibilityTimeout"] < alarm["Threshold"] < QUEUES[queue]["MessageRetentionPeriod"] / 100


def test_a_reader_that_is_late_raises_an_alarm_well_before_records_are_given_up() -> None:
    for reader in STREAM_READERS:
        (alarm,) = alarms_of("AWS/Lambda", {"Ref": reader})
        (event,) = FUNCTIONS[reader]["Events"].values()
        assert (alarm["MetricName"], alarm["Statistic"]) == ("IteratorAge", "Maximum")
        assert alarm["Threshold"] / 1000 <= event["Properties"]["MaximumRecordAgeInSeconds"] / 4


def test_counts_are_gathered_for_a_second_and_events_for_none() -> None:
    """Both readers take two batches of a shard at a time (docs/scale.md); what waits is what costs less for it."""
    of = {name: FUNCTIONS[name]["Events"]["Memberships"]["Properties"] for name in MEMBERSHIPS_READERS}
    assert {name: event["ParallelizationFactor"] for name, event in of.items()} == dict.fromkeys(MEMBERSHIPS_READERS, 2)
    assert {name: event.get("MaximumBatchingWindowInSeconds") for name, event in of.items()} == {
        "PublishChangesFunction": None,
        "ProjectMembersFunction": 1,
    }


def test_what_no_client_is_told_of_raises_an_alarm_when_it_fails() -> None:
    """A client sees that a request failed; ApiErrorsAlarm counts those."""
    metrics = ALARMS["FunctionErrorsAlarm"]["Metrics"]
    (expression,) = [metric for metric in metrics if "Expression" in metric]
    watched = [metric["MetricStat"]["Metric"] for metric in metrics if metric is not expression]
    assert expression["Expression"] == "SUM(METRICS())"
    assert {metric["MetricName"] for metric in watched} == {"Errors"}
    functions = [metric["Dimensions"][0]["Value"]["Ref"] for metric in watched]
    invoked_by_hand = {"AccountsFunction", "ReplayFunction"}
    in_workflows = {"ReadImportFunction", "ApplyImportFunction"}  # FailedImportsAlarm, FailedInvocationsAlarm
    requested = {
        name
        for name, properties in FUNCTIONS.items()
        if "Api" in {event["Type"] for event in properties.get("Events", {}).values()}
    }
    assert sorted(functions) == sorted(
        FUNCTIONS.keys() - requested - invoked_by_hand - in_workflows - {"AuthorizerFunction"}
    )
    assert len(functions) <= 10, "an alarm's expression may refer to ten metrics"


def test_errors_of_the_api_and_refused_invocations_raise_an_alarm() -> None:
    api, throttles = ALARMS["ApiErrorsAlarm"], ALARMS["ThrottlesAlarm"]
    assert (api["Namespace"], api["MetricName"], api["Statistic"]) == ("AWS/ApiGateway", "5XXError", "Average")
    assert api["Dimensions"] == [{"Name": "ApiName", "Value": resources("AWS::Serverless::Api")["Api"]["Name"]}]
    assert (throttles["MetricName"], throttles["Statistic"], throttles["Threshold"]) == ("Throttles", "Sum", 0)


@pytest.mark.parametrize("alarm", ALARMS)
def test_who_is_told_of_an_alarm_is_told_of_its_end(alarm: str) -> None:
    assert ALARMS[alarm]["AlarmDescription"].endswith(".")
    assert ALARMS[alarm]["OKActions"] == ALARMS[alarm]["AlarmActions"]
    assert ALARMS[alarm]["TreatMissingData"] == "notBreaching"


def test_the_readers_of_queues_fit_into_what_a_new_account_may_run_at_once() -> None:
    """Lambda allows a new account ten invocations at a time."""
    at_once = [
        event["Properties"]["ScalingConfig"]["MaximumConcurrency"]
        for properties in FUNCTIONS.values()
        for event in properties.get("Events", {}).values()
        if event["Type"] == "SQS"
    ]
    assert sum(at_once) <= 10


def test_differences_of_rows_and_of_counts_raise_an_alarm() -> None:
    alarm = ALARMS["DifferencesAlarm"]
    assert (alarm["MetricName"], alarm["Statistic"], alarm["Threshold"]) == ("Differences", "Sum", 0)
    assert alarm["Dimensions"][0] == {"Name": "function", "Value": {"Ref": "ReconcileFunction"}}


def test_each_damaged_item_raises_an_alarm(caplog: pytest.LogCaptureFixture) -> None:
    """By what is really logged: the filter looks for a field of it."""
    (watched,) = resources("AWS::Logs::MetricFilter").values()
    assert watched["LogGroupName"] == {"Ref": "FunctionLogs"}
    (metric,) = watched["MetricTransformations"]
    alarm = ALARMS["DamagedItemsAlarm"]
    assert (alarm["Namespace"], alarm["MetricName"]) == (metric["MetricNamespace"], metric["MetricName"])
    assert (alarm["Statistic"], alarm["Threshold"], metric["MetricValue"]) == ("Sum", 0, "1")
    assert watched["FilterPattern"] == f'{{ $.message = "{DAMAGED}" }}'
    with pytest.raises(DamagedItemError):
        Attributes("segment", {"account_id": {"S": "A"}, "sk": {"S": "SEGMENT#1"}}).text("segment_name")
    (record,) = caplog.records
    written_by = {handler.formatter for handler in logging.getLogger("api_segments").handlers if handler.formatter}
    line = json.loads(next(each for each in written_by if isinstance(each, LambdaPowertoolsFormatter)).format(record))
    said = {name: line[name] for name in ("level", "message", "kind", "attribute", "key")}
    assert said == {
        "level": "ERROR",
        "message": DAMAGED,
        "kind": "segment",
        "attribute": "segment_name",
        "key": "A SEGMENT#1",
    }


def test_a_schedule_that_could_not_be_begun_is_kept() -> None:
    config = FUNCTIONS["ReconcileFunction"]["EventInvokeConfig"]
    kept_in = config["DestinationConfig"]["OnFailure"]["Destination"]
    assert kept_in == {"GetAtt": "FailedInvocationsQueue.Arn"}
    (statement,) = [one for one in statements("ReconcileFunction") if one["Resource"] == kept_in]
    assert actions(statement) == ["sqs:SendMessage"]
    assert 0 < config["MaximumRetryAttempts"] <= 2


def test_what_failed_can_be_moved_back() -> None:
    """SQS moves messages from queues that are dead-letter queues of queues, and knows where those came from.

    Of what EventBridge put there it does not, so such a queue serves one queue, which is named when it is emptied.
    """
    back_to: dict[str, list[str]] = {}
    for name, queue in QUEUES.items():
        if "RedrivePolicy" in queue:
            failed = queue["RedrivePolicy"]["deadLetterTargetArn"]["GetAtt"].removesuffix(".Arn")
            back_to.setdefault(failed, []).append(name)
    assert back_to == {
        "FailedPurgesQueue": ["PurgeQueue"],
        "FailedTriggersQueue": ["TriggerQueue"],
        "FailedTasksQueue": ["CampaignQueue", "MessageQueue", "ReconciliationQueue"],
    }
    others = json.dumps([resources("AWS::Events::Rule"), FUNCTIONS])
    assert "FailedTasksQueue" not in others


@pytest.mark.parametrize("queue", QUEUES)
def test_queues_are_encrypted_and_keep_messages_for_two_weeks(queue: str) -> None:
    assert QUEUES[queue]["MessageRetentionPeriod"] == 14 * 24 * 3600
    assert QUEUES[queue]["SqsManagedSseEnabled"] is True


@pytest.mark.parametrize("function", QUEUE_READERS + BATCH_READERS)
def test_a_message_that_fails_again_and_again_is_put_aside(function: str) -> None:
    (event,) = [each for each in FUNCTIONS[function]["Events"].values() if each["Type"] == "SQS"]
    if function in QUEUE_READERS:
        assert event["Properties"]["BatchSize"] == 1
    else:
        assert event["Properties"]["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    name = event["Properties"]["Queue"]["GetAtt"].removesuffix(".Arn")
    assert QUEUES[name]["RedrivePolicy"]["maxReceiveCount"] == 5
    assert QUEUES[name]["RedrivePolicy"]["deadLetterTargetArn"]["GetAtt"].removesuffix(".Arn") in FAILED
    assert QUEUES[name]["VisibilityTimeout"] >= 6 * FUNCTIONS[function]["Timeout"]


def test_only_one_kind_of_event_reaches_a_queue_and_what_does_not_arrive_is_kept() -> None:
    rule, queue, undelivered = "SegmentDeletedRule", "PurgeQueue", "FailedPurgesQueue"
    assert set(resources("AWS::Events::Rule")) == {rule}
    properties = resources("AWS::Events::Rule")[rule]
    not_a_replay = [{"exists": False}]
    assert properties["EventPattern"] == {
        "source": [SOURCE],
        "detail-type": [SegmentEventName.DELETED],
        "replay-name": not_a_replay,
    }
    (target,) = properties["Targets"]
    assert target["Arn"] == {"GetAtt": f"{queue}.Arn"}
    assert target["DeadLetterConfig"] == {"Arn": {"GetAtt": f"{undelivered}.Arn"}}
    allowed = {
        arn: statement["Condition"]
        for policy in resources("AWS::SQS::QueuePolicy").values()
        for statement in policy["PolicyDocument"]["Statement"]
        for arn in texts(statement["Resource"])
        if {"GetAtt": f"{rule}.Arn"} in statement["Condition"]["ArnEquals"].values()
    }
    by_the_rule_alone = {"ArnEquals": {"aws:SourceArn": {"GetAtt": f"{rule}.Arn"}}}
    assert allowed == dict.fromkeys([f"{queue}.Arn", f"{undelivered}.Arn"], by_the_rule_alone)


def test_a_campaign_that_is_being_created_is_waited_for() -> None:
    assert load()["Globals"]["Function"]["Timeout"] < CAMPAIGN_CREATION_SECONDS


def test_the_stream_of_segments_is_filtered_to_segments() -> None:
    (event,) = FUNCTIONS["PublishSegmentsFunction"]["Events"].values()
    (wanted,) = event["Properties"]["FilterCriteria"]["Filters"]
    pattern = json.loads(wanted["Pattern"])
    prefixes = [one["prefix"] for one in pattern["dynamodb"]["Keys"]["sk"]["S"]]
    made = (keys.segment(1), keys.deleted_segment(1))
    others = (keys.customer_segment_id_claim("SEGMENT#1"), keys.ACTIVE_SEGMENTS, *keys.segment_counts(1))
    assert pattern["eventName"] == ["INSERT", "MODIFY"]
    assert [key.partition("#")[0] + "#" for key in made] == prefixes
    assert not [key for key in others if key.startswith(tuple(prefixes))]


def test_there_are_ten_tables() -> None:
    assert set(TABLES) == {
        "AccountsTable",
        "SegmentsTable",
        "ProfilesTable",
        "SuppressionsTable",
        "MembershipsTable",
        "SegmentMembersTable",
        "UpdateErrorsTable",
        "IdempotencyTable",
        "CampaignsTable",
        "ImportsTable",
    }


@pytest.mark.parametrize("table", TABLES)
def test_tables_are_encrypted_recoverable_and_on_demand(table: str) -> None:
    assert TABLES[table]["SSESpecification"] == {"SSEEnabled": True}
    assert TABLES[table]["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
    assert TABLES[table]["BillingMode"] == "PAY_PER_REQUEST"


@pytest.mark.parametrize(
    "table", ["AccountsTable", "SegmentsTable", "ProfilesTable", "MembershipsTable", "CampaignsTable"]
)
def test_what_cannot_be_worked_out_anew_outlives_the_stack(table: str) -> None:
    resource = load()["Resources"][table]
    assert (resource["DeletionPolicy"], resource["UpdateReplacePolicy"]) == ("RetainExceptOnCreate", "Retain")


def test_the_stream_shows_each_item_before_and_after() -> None:
    streams = {name: table["StreamSpecification"] for name, table in TABLES.items() if "StreamSpecification" in table}
    both = {"StreamViewType": "NEW_AND_OLD_IMAGES"}
    assert streams == {"MembershipsTable": both, "SegmentsTable": both}


@pytest.mark.parametrize("response", RESPONSES)
def test_what_api_gateway_answers_by_itself_has_the_shape_of_every_answer(response: str) -> None:
    properties = RESPONSES[response]
    (template,) = properties["ResponseTemplates"].values()
    assert list(properties["ResponseTemplates"]) == ["application/json"]
    # messageString is API Gateway's message as a JSON string, its quotes included.
    body = json.loads(template.replace("$context.error.messageString", '"Invalid \\"request\\" body"'))
    assert "$" not in json.dumps(body)
    assert body == {"status": "fail", "error": body["error"], "code": properties["StatusCode"]}
    assert body["error"]
    assert properties["ResponseParameters"]["Headers"]["X-Request-Id"] == "context.requestId"


def test_every_refusal_of_api_gateway_has_a_response() -> None:
    assert {"DEFAULT_4XX", "DEFAULT_5XX"} <= set(RESPONSES)
    codes = {name: properties["StatusCode"] for name, properties in RESPONSES.items()}
    assert (codes["UNAUTHORIZED"], codes["ACCESS_DENIED"], codes["MISSING_AUTHENTICATION_TOKEN"]) == (401, 403, 404)
    assert (codes["REQUEST_TOO_LARGE"], codes["THROTTLED"]) == (413, 429)
    assert RESPONSES["THROTTLED"]["ResponseParameters"]["Headers"]["Retry-After"] == "'1'"


def test_api_gateway_names_the_limit_of_a_body_as_the_functions_do() -> None:
    assert (
        f"at most {MAX_BODY_BYTES // MIB} MiB"
        in RESPONSES["REQUEST_TOO_LARGE"]["ResponseTemplates"]["application/json"]
    )


def test_api_gateway_refuses_whoever_is_unknown_in_the_words_of_the_functions() -> None:
    body = json.loads(RESPONSES["UNAUTHORIZED"]["ResponseTemplates"]["application/json"])
    assert body["error"] == WRONG_CREDENTIALS


def test_only_the_health_check_and_what_is_read_in_a_browser_need_no_account() -> None:
    api = resources("AWS::Serverless::Api")["Api"]["Auth"]
    assert api["DefaultAuthorizer"] in api["Authorizers"]
    open_routes = {
        f"{event['Properties']['Method']} {event['Properties']['Path']}"
        for properties in FUNCTIONS.values()
        for event in properties.get("Events", {}).values()
        if event["Properties"].get("Auth", {}).get("Authorizer") == "NONE"
    }
    pages = {"/", "/openapi.json", "/docs", "/health", "/unsubscribe/{token}"}
    assert open_routes == {
        *(f"{method} {page}" for method in ("GET", "HEAD") for page in pages),
        *("GET /page/{version}/{file}", "GET /docs/{file}", "POST /unsubscribe/{token}"),
    }


def test_answers_of_the_authorizer_are_cached_under_both_headers() -> None:
    identity = resources("AWS::Serverless::Api")["Api"]["Auth"]["Authorizers"]["AccountHeaders"]["Identity"]
    assert identity["Headers"] == ["X-CleverTap-Account-Id", "X-CleverTap-Passcode"]


@pytest.mark.parametrize("function", FUNCTIONS)
def test_each_function_has_its_folder_and_a_sample_event_of_the_same_name(function: str) -> None:
    folder = FUNCTIONS[function]["CodeUri"]
    assert (ROOT / folder / "app.py").is_file()
    name = folder.removeprefix("functions/")
    assert name.replace("_", "") == function.removesuffix("Function").lower()
    assert sample(name)


def test_there_is_no_sample_event_and_no_folder_without_a_function() -> None:
    names = {properties["CodeUri"].removeprefix("functions/") for properties in FUNCTIONS.values()}
    assert {path.stem for path in (ROOT / "events").glob("*.json")} == names
    assert {path.parent.name for path in (ROOT / "functions").glob("*/app.py")} == names


@pytest.mark.parametrize("function", FUNCTIONS)
def test_the_sample_event_is_of_a_route_or_stream_that_the_function_serves(function: str) -> None:
    event = sample(FUNCTIONS[function]["CodeUri"].removeprefix("functions/"))
    served = FUNCTIONS[function].get("Events", {}).values()
    routes = {(one["Properties"]["Method"], one["Properties"]["Path"]) for one in served if one["Type"] == "Api"}
    if "resource" in event and event.get("type") != "REQUEST":
        assert (event["httpMethod"], event["resource"]) in routes
    else:
        assert not routes
    with_tasks = tuple(name for name in QUEUE_READERS + BATCH_READERS if name != "ReconcileFunction")
    assert ("Records" in event) == (function in (*STREAM_READERS, *with_tasks, "MailFeedbackFunction"))


def test_functions_get_the_variables_that_settings_read() -> None:
    variables = set(load()["Globals"]["Function"]["Environment"]["Variables"]) - {"POWERTOOLS_LOG_LEVEL"}
    # The API's address: only what writes links has it, as the API itself needs the functions.
    own = {"SendMessagesFunction": {"PUBLIC_URL"}}
    only_on_one_machine = {"WEBHOOK_TEST_ORIGIN"}
    read = {name.upper() for name in Settings.__dataclass_fields__}
    assert variables | own["SendMessagesFunction"] == read - only_on_one_machine
    for name, properties in FUNCTIONS.items():
        assert set(properties.get("Environment", {}).get("Variables", ())) == own.get(name, set())


def test_requests_end_before_api_gateway_stops_waiting() -> None:
    default = load()["Globals"]["Function"]["Timeout"]
    for name, properties in FUNCTIONS.items():
        timeout = properties.get("Timeout", default)
        assert timeout < 29 or name in (*STREAM_READERS, *QUEUE_READERS, *BATCH_READERS, *INVOKED)


def test_what_waits_for_requests_and_deliveries_to_end_waits_longer_than_they_last() -> None:
    assert load()["Globals"]["Function"]["Timeout"] < REQUEST_SECONDS
    assert FUNCTIONS["ProjectMembersFunction"]["Timeout"] < PROJECTION_SECONDS


def test_outputs_are_what_others_connect_to_and_the_queues_that_operations_names() -> None:
    named = re.findall(r"\w+Queue(?:Arn|Url)\b", (ROOT / "docs" / "operations.md").read_text())
    assert set(load()["Outputs"]) == {"ApiUrl", "BusName", "BusArn", *named}
    for name in named:
        queue, kind = name[:-3], name[-3:]
        assert load()["Outputs"][name]["Value"] == ({"Ref": queue} if kind == "Url" else {"GetAtt": f"{queue}.Arn"})


def test_rooms_stand_in_their_order_and_in_each_of_them_tables_queues_functions_alarms() -> None:
    order = ("AWS::DynamoDB::Table", "AWS::SQS::Queue", "AWS::Serverless::Function", "AWS::CloudWatch::Alarm")
    _, *parts = re.split(r"^  # -{64} (.+)$", (ROOT / "template.yaml").read_text(), flags=re.MULTILINE)
    assert tuple(parts[::2]) == ROOMS
    for part in parts[1::2]:
        names = re.findall(r"^  (\w+):", part.partition("\nOutputs:")[0], re.MULTILINE)
        kinds = [load()["Resources"][name]["Type"] for name in names]
        ranks = [order.index(kind) for kind in kinds if kind in order]
        assert ranks == sorted(ranks)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_the_role_of_a_function_stands_right_after_it(function: str) -> None:
    names = list(load()["Resources"])
    role = names[names.index(function) + 1]
    assert role == function.replace("Function", "Role")
    assert FUNCTIONS[function]["Role"] == {"GetAtt": f"{role}.Arn"}


def test_no_two_resources_share_what_sam_writes_into() -> None:
    """An alias is the same object, and SAM writes ids into resources and metadata, and addresses into properties."""
    found = load()["Resources"].values()
    written = [each[part] for each in found for part in ("Metadata", "Properties") if "Metadata" in each]
    written += found
    assert len({id(each) for each in written}) == len(written)
