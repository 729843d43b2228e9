"""What fails or waits for long is kept and told, by template.yaml: streams, queues and alarms."""

import json
import logging
from typing import Any

import pytest
from aws_lambda_powertools.logging.formatter import LambdaPowertoolsFormatter

from api_segments.aws.events import SOURCE
from api_segments.aws.items import DAMAGED, Attributes
from api_segments.campaigns.sending.messages import MESSAGE_ATTEMPTS
from api_segments.core.errors import DamagedItemError
from api_segments.segments.model import SegmentEventName
from tests.support.template import (
    BATCH_READERS,
    MEMBERSHIPS_READERS,
    QUEUE_READERS,
    STREAM_READERS,
    STREAMS,
    actions,
    resources,
    statements,
    texts,
)

Json = Any


FUNCTIONS = resources("AWS::Serverless::Function")


QUEUES = resources("AWS::SQS::Queue")


ALARMS = resources("AWS::CloudWatch::Alarm")


FAILED = (
    "FailedRecordsQueue",
    "FailedTasksQueue",
    "FailedPurgesQueue",
    "FailedTriggersQueue",
    "FailedInvocationsQueue",
)


KEPT = {"SetAsideRecordsQueue"}
"""Queues in which nothing waits for anybody."""


def alarms_of(namespace: str, resource: Json) -> list[Json]:
    return [
        alarm
        for alarm in ALARMS.values()
        if alarm.get("Namespace") == namespace
        and resource in [dimension["Value"] for dimension in alarm.get("Dimensions", ())]
    ]


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
    assert QUEUES[name]["RedrivePolicy"]["maxReceiveCount"] == MESSAGE_ATTEMPTS
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
