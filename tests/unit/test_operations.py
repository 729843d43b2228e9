"""docs/operations.md and template.yaml say the same: which alarms there are, how often things are tried, how fast."""

import re

import pytest

from api_segments.memberships.purging import PURGED_MEMBERS_PER_SECOND
from tests.support.template import ROOT, resources

PAGE = (ROOT / "docs" / "operations.md").read_text("utf-8")
ALARMS = resources("AWS::CloudWatch::Alarm")
FUNCTIONS = resources("AWS::Serverless::Function")
QUEUES = resources("AWS::SQS::Queue")
EVENTS = [event for function in FUNCTIONS.values() for event in function.get("Events", {}).values()]


def section(alarm: str) -> str:
    """Return what stands under "When … fires", on one line."""
    (found,) = re.findall(rf"^## When [^\n]*\b{alarm}\b[^\n]* fires\n(.*?)(?=^## )", PAGE, re.MULTILINE | re.DOTALL)
    return re.sub(r"\s+", " ", found)


def test_each_alarm_has_a_section_and_each_section_an_alarm() -> None:
    named = [
        name
        for head in re.findall(r"^## When (.+) fires$", PAGE, re.MULTILINE)
        for name in re.findall(r"\w+Alarm", head)
    ]
    assert sorted(named) == sorted(ALARMS)


def test_records_are_retried_as_often_and_as_long_as_it_says() -> None:
    streams = [event["Properties"] for event in EVENTS if event["Type"] == "DynamoDB"]
    ((times, seconds),) = {(each["MaximumRetryAttempts"], each["MaximumRecordAgeInSeconds"]) for each in streams}
    assert f"was retried {times} times, or for {seconds // 3600} hours, and given up" in section("FailedRecordsAlarm")


@pytest.mark.parametrize("alarm", ["FailedTasksAlarm", "FailedPurgesAlarm", "FailedTriggersAlarm"])
def test_tasks_are_tried_as_often_as_it_says(alarm: str) -> None:
    (dimension,) = ALARMS[alarm]["Dimensions"]
    queue = dimension["Value"]["GetAtt"].removesuffix(".QueueName")
    feeding = [
        each
        for each in QUEUES.values()
        if each.get("RedrivePolicy", {}).get("deadLetterTargetArn") == {"GetAtt": f"{queue}.Arn"}
    ]
    assert feeding
    for each in feeding:
        assert f"failed {each['RedrivePolicy']['maxReceiveCount']} times" in section(alarm)
        if alarm == "FailedTasksAlarm":
            assert f"with {each['VisibilityTimeout'] // 60} minutes between" in section(alarm)


def test_a_purge_is_as_fast_as_it_says() -> None:
    (mapping,) = [event["Properties"] for event in FUNCTIONS["PurgeSegmentFunction"]["Events"].values()]
    assert mapping["ScalingConfig"]["MaximumConcurrency"] == 2  # "two at a time"
    assert f"({PURGED_MEMBERS_PER_SECOND} members a second each, two at a time)" in section("PurgesLateAlarm")
