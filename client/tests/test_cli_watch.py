"""Changes that are watched, against a server that plays SQS and EventBridge."""

from __future__ import annotations

import json
import signal
import subprocess
from pathlib import Path
from typing import Any

from client.tests.commands import COMMAND, called, environment, objects
from client.tests.server import Reply, Request, serving


class Aws:
    """SQS and EventBridge for one rule and one queue, with events that come twice."""

    def __init__(self, fails: str = "") -> None:
        self.made: list[str] = []
        self.pattern: Any = None
        self.fails = fails

    def __call__(self, request: Request) -> Reply:
        name = request.headers["X-Amz-Target"].partition(".")[2]
        if name == self.fails:
            return Reply(400, {"__type": "AccessDeniedException", "message": "not allowed"})
        self.made.append(name)
        if name == "PutRule":
            self.pattern = json.loads(request.json["EventPattern"])
        return Reply(body=self.answer(name))

    def answer(self, name: str) -> Any:
        detail = {
            "Event_ID": "e-1",
            "Identity": None,
            "Profile_ID": "g",
            "Action": "ADD",
            "Segment_Name": "Gold\x1b[2J",
            "Segment_ID": "7",
            "Occurred_At": "2026-11-23T14:13:54Z",
        }
        second = {**detail, "Event_ID": "e-2", "Identity": "ada", "Action": "REMOVE"}
        messages = [
            {"MessageId": "m", "ReceiptHandle": "r", "Body": json.dumps({"detail": each})}
            for each in (detail, detail, second)
        ]
        return {
            "CreateQueue": {"QueueUrl": "http://127.0.0.1/queue"},
            "GetQueueAttributes": {"Attributes": {"QueueArn": "arn:aws:sqs:us-east-1:1:q"}},
            "PutRule": {"RuleArn": "arn:aws:events:us-east-1:1:rule/x"},
            "PutTargets": {"FailedEntryCount": 0, "FailedEntries": []},
            "ReceiveMessage": {"Messages": messages},
        }.get(name, {})


TAKEN_AWAY = ["RemoveTargets", "DeleteRule", "DeleteQueue"]


def test_changes_are_watched_and_rule_and_queue_taken_away(tmp_path: Path) -> None:
    aws = Aws()
    with serving(aws) as url:
        options = ("watch", "--endpoint-url", url, "--segment", "7", "--account", "ACC-1", "--limit", "2")
        text = called(tmp_path, {}, *options).stdout.splitlines()
        assert [line.partition("Z  ")[2].split()[:2] for line in text] == [["guid:g", "joined"], ["ada", "left"]]
        assert "\x1b" not in "".join(text)
        assert aws.made[-3:] == TAKEN_AWAY
        assert aws.pattern["detail"] == {"Segment_ID": ["7"], "Account_ID": ["ACC-1"]}
        assert [each["Event_ID"] for each in objects(called(tmp_path, {}, *options, "--json"))] == ["e-1", "e-2"]
        process = subprocess.Popen(
            [COMMAND, "watch", "--endpoint-url", url, "--all-accounts"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment(tmp_path, PYTHONUNBUFFERED="1"),
        )
        assert process.stdout is not None
        assert process.stdout.readline()
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)
        assert process.returncode == 130
        assert aws.made[-3:] == TAKEN_AWAY
    assert "login" in called(tmp_path, {}, "watch", code=3).stderr


def test_what_watch_made_is_taken_away_when_aws_refuses_the_rest(tmp_path: Path) -> None:
    aws = Aws(fails="PutRule")
    with serving(aws) as url:
        refused = called(tmp_path, {}, "watch", "--endpoint-url", url, "--all-accounts", code=1)
    assert "not allowed" in refused.stderr
    assert aws.made == ["CreateQueue", "GetQueueAttributes", "DeleteQueue"]


def test_watch_without_boto3_says_what_to_install(tmp_path: Path) -> None:
    (tmp_path / "boto3.py").write_text("raise ImportError('none')")
    told = called(tmp_path, {"PYTHONPATH": str(tmp_path)}, "watch", "--all-accounts", code=1)
    assert "pip install 'api-segments-client[watch]'" in told.stderr
