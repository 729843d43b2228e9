"""`watch`: changes as they come, by a rule and a queue in AWS that live as long as the command."""

from __future__ import annotations

import json
import signal
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from api_segments_client.cli.exits import FAILED
from api_segments_client.cli.output import line, printable
from api_segments_client.cli.shared import SEGMENT, Command, note, state
from api_segments_client.errors import SegmentsError, SettingsError

if TYPE_CHECKING:
    from api_segments_client.push import SegmentKey

CHANGE = "Segment Membership Change"
POLL_SECONDS = 10
KEPT_SECONDS = "3600"
REMEMBERED = 10_000
"""Events come at least once: so many are known again."""


class AwsError(SegmentsError):
    """AWS refused a call, or can't be reached."""


@click.command(
    cls=Command,
    example="pip install 'api-segments-client[watch]'\napi-segments watch --segment SEG12345 --bus api-segments",
)
@click.option(
    "--bus", default="api-segments", show_default=True, envvar="API_SEGMENTS_BUS", help="The stack's BusName."
)
@click.option("--segment", type=SEGMENT, help="Only changes of this segment.")
@click.option("--action", type=click.Choice(["ADD", "REMOVE"]), help="Only who joins, or who leaves.")
@click.option("--account", help="Only this account; without it, the one that is signed in.")
@click.option("--all-accounts", is_flag=True, help="Changes of every account of the stack.")
@click.option("--region", help="The stack's AWS region, if AWS's own settings do not say it.")
@click.option("--aws-profile", help="A profile of AWS's own settings.")
@click.option("--endpoint-url", help="Another AWS, as an emulator's.")
@click.option("--limit", type=click.IntRange(min=1), help="End after so many.")
@click.option(
    "--for",
    "seconds",
    type=click.FloatRange(min=0),
    metavar="SECONDS",
    help="End after so long; Ctrl-C ends it at any time.",
)
def watch(
    bus: str,
    segment: SegmentKey | None,
    action: str | None,
    account: str | None,
    all_accounts: bool,
    region: str | None,
    aws_profile: str | None,
    endpoint_url: str | None,
    limit: int | None,
    seconds: float | None,
) -> None:
    """Show membership changes as they come, where your AWS credentials allow it.

    Makes a rule on the stack's bus and a queue, api-segments-watch-…, and removes both at its end. It needs
    events:PutRule, PutTargets, RemoveTargets and DeleteRule, and sqs:CreateQueue, GetQueueAttributes,
    SetQueueAttributes, ReceiveMessage, DeleteMessage and DeleteQueue.
    """
    try:
        import boto3
        from botocore.exceptions import BotoCoreError, ClientError
    except ImportError:
        note("error: watch needs boto3: pip install 'api-segments-client[watch]'")
        raise SystemExit(FAILED) from None
    pattern = _pattern(segment, action, None if all_accounts else account or _signed_in())
    try:
        session = boto3.Session(profile_name=aws_profile, region_name=region)
        sqs, events = (session.client(name, endpoint_url=endpoint_url) for name in ("sqs", "events"))
        with _subscribed(sqs, events, bus, pattern) as queue_url:
            note(f"watching {bus}; Ctrl-C ends it")
            for count, each in enumerate(_received(sqs, queue_url, seconds), 1):
                _show(each)
                if count == limit:
                    break
    except (BotoCoreError, ClientError) as exc:
        raise AwsError(f"AWS: {exc}") from exc


def _signed_in() -> str:
    import os

    from api_segments_client import settings

    if state().profile is None and any(os.environ.get(name) for name in settings.ENVIRONMENT):
        return settings.from_environment().account_id
    try:
        return settings.from_profile(state().profile).account_id
    except SettingsError as exc:
        raise SettingsError(f"{exc}; or give --account or --all-accounts") from exc


def _pattern(segment: SegmentKey | None, action: str | None, account: str | None) -> dict[str, Any]:
    detail: dict[str, Any] = {}
    if segment is not None:
        # The id as text: a number has too many digits for EventBridge to compare.
        detail["Segment_ID" if isinstance(segment, int) else "Customer_Segment_ID"] = [str(segment)]
    if action is not None:
        detail["Action"] = [action]
    if account is not None:
        detail["Account_ID"] = [account]
    return {"source": ["api-segments"], "detail-type": [CHANGE], **({"detail": detail} if detail else {})}


@contextmanager
def _subscribed(sqs: Any, events: Any, bus: str, pattern: dict[str, Any]) -> Iterator[str]:  # noqa: ANN401 - clients of boto3
    """Make a queue and a rule that fills it; take away whatever was made, whatever happens."""
    name = f"api-segments-watch-{uuid.uuid4().hex[:12]}"
    made: list[tuple[str, Any, dict[str, Any]]] = []
    try:
        queue_url = sqs.create_queue(QueueName=name, Attributes={"MessageRetentionPeriod": KEPT_SECONDS})["QueueUrl"]
        made.append((f"the queue {queue_url}", sqs.delete_queue, {"QueueUrl": queue_url}))
        arn = sqs.get_queue_attributes(QueueUrl=queue_url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        rule = events.put_rule(Name=name, EventBusName=bus, EventPattern=json.dumps(pattern))["RuleArn"]
        named = {"Rule": name, "EventBusName": bus}
        made.append((f"the rule {name} of {bus}", events.delete_rule, {"Name": name, "EventBusName": bus}))
        statement = {
            "Effect": "Allow",
            "Principal": {"Service": "events.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": arn,
            "Condition": {"ArnEquals": {"aws:SourceArn": rule}},
        }
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        sqs.set_queue_attributes(QueueUrl=queue_url, Attributes={"Policy": policy})
        made.append((f"the target of the rule {name}", events.remove_targets, {**named, "Ids": ["queue"]}))
        events.put_targets(**named, Targets=[{"Id": "queue", "Arn": arn}])
        yield queue_url
    finally:
        _take_away(made)


def _take_away(made: list[tuple[str, Any, dict[str, Any]]]) -> None:
    """Remove what was made, the last first; a further Ctrl-C does not leave the rest behind."""
    from botocore.exceptions import BotoCoreError, ClientError

    before = [(each, signal.signal(each, signal.SIG_IGN)) for each in (signal.SIGINT, signal.SIGTERM)]
    try:
        for what, remove, named in reversed(made):
            try:
                remove(**named)
            except (BotoCoreError, ClientError) as exc:  # noqa: PERF203 - three calls
                note(f"warning: {what} could not be removed: {exc}")
    finally:
        for each, handler in before:
            signal.signal(each, handler)


def _received(sqs: Any, queue_url: str, seconds: float | None) -> Iterator[dict[str, Any]]:  # noqa: ANN401 - as above
    """Give the events of the queue, each once."""
    seen: dict[str, None] = {}
    until = None if seconds is None else time.monotonic() + seconds
    while until is None or time.monotonic() < until:
        wait = POLL_SECONDS if until is None else max(0, min(POLL_SECONDS, round(until - time.monotonic())))
        messages = sqs.receive_message(QueueUrl=queue_url, MaxNumberOfMessages=10, WaitTimeSeconds=wait).get(
            "Messages", []
        )
        for message in messages:
            event = json.loads(message["Body"])
            event_id = event["detail"]["Event_ID"]
            if event_id not in seen:
                seen[event_id] = None
                yield event["detail"]
                if len(seen) > REMEMBERED:
                    del seen[next(iter(seen))]
            sqs.delete_message(QueueUrl=queue_url, ReceiptHandle=message["ReceiptHandle"])


def _show(change: dict[str, Any]) -> None:
    if state().as_json:
        line(change)
    else:
        who = change["Identity"] or f"guid:{change['Profile_ID']}"
        word = "joined" if change["Action"] == "ADD" else "left"
        click.echo(
            printable(f"{change['Occurred_At']}  {who} {word} {change['Segment_Name']} ({change['Segment_ID']})")
        )
