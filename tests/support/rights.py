"""What a call needs by IAM, and what the roles in the template grant: for the tests that hold one against the other."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from email.utils import parseaddr
from fnmatch import fnmatchcase
from functools import cache
from typing import Any

from tests.support.template import load, resources

Json = Any

_SINGLE = {"get_item": "GetItem", "put_item": "PutItem", "update_item": "UpdateItem", "delete_item": "DeleteItem"}
_ACTIONS = {"Put": "PutItem", "Update": "UpdateItem", "Delete": "DeleteItem", "ConditionCheck": "ConditionCheckItem"}
_STREAM_READS = ("DescribeStream", "GetRecords", "GetShardIterator", "ListStreams")
_QUEUE_READS = ("DeleteMessage", "GetQueueAttributes", "ReceiveMessage")
_STACK = {
    "AWS::Partition": "aws",
    "AWS::Region": "us-east-1",
    "AWS::AccountId": "000000000000",
    "AWS::StackName": "stack",
}
_CONDITIONS = {"dynamodb:LeadingKeys", "iam:PassedToService", "aws:CalledViaLast"}
_STATEMENT = {"Effect", "Action", "Resource", "NotResource", "Condition"}


def arn(service: str, rest: str) -> str:
    """Return the ARN of something of this stack's account and region that the template gives no name."""
    return ":".join(("arn", _STACK["AWS::Partition"], service, _STACK["AWS::Region"], _STACK["AWS::AccountId"], rest))


@dataclass(frozen=True, order=True)
class Right:
    """An action on a resource, by its name in the template (`MembershipsTable.StreamArn`, `Table/index/Name`).

    What has no name there is a pattern of ARNs. `scope` narrows a right to items of this partition
    (dynamodb:LeadingKeys), to this service (iam:PassedToService), or to what this service does in the function's name
    (aws:CalledViaLast). `is_on_others`: it is on all resources but these (NotResource).
    """

    action: str
    resource: str
    scope: str = ""
    is_on_others: bool = False

    def covers(self, other: "Right") -> bool:
        """Whether it lets all through that the other right does."""
        same = (self.action, self.is_on_others) == (other.action, other.is_on_others)
        return same and self.scope in ("", other.scope) and fnmatchcase(other.resource, self.resource)


@dataclass(frozen=True)
class Use:
    """What a function asked for, and the partition, service or way of asking that narrows it, if there is one."""

    function: str
    action: str
    resource: str
    scope: str = ""

    def needs(self, right: Right) -> bool:
        """Whether it is this right that lets it through."""
        is_named = fnmatchcase(self.resource, right.resource)
        return self.action == right.action and is_named is not right.is_on_others and right.scope in ("", self.scope)


def named_in(environment: Mapping[str, str]) -> Mapping[str, str]:
    """Return the names in the template of what a function's environment names."""
    variables = load()["Globals"]["Function"]["Environment"]["Variables"]
    return {environment[variable]: _name(ref) for variable, ref in variables.items() if variable in environment}


def uses(function: str, operation: str, arguments: Mapping[str, Any], named: Mapping[str, str]) -> Iterator[Use]:
    """Return what a call of boto3's needs (service authorization reference), `named` by the template."""
    for action, name, scope in _needs(operation, arguments):
        resource = named.get(name) or "/".join(named.get(part, part) for part in name.split("/"))
        yield Use(function, action, resource, scope)


def _needs(operation: str, arguments: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    if operation in _SINGLE:
        yield _on_item(_SINGLE[operation], arguments)
    elif operation in ("batch_get_item", "batch_write_item"):
        action = "BatchGetItem" if operation == "batch_get_item" else "BatchWriteItem"
        yield from ((f"dynamodb:{action}", table, "") for table in arguments["RequestItems"])
    elif operation == "transact_write_items":
        yield from (
            _on_item(_ACTIONS[kind], what) for each in arguments["TransactItems"] for kind, what in each.items()
        )
    elif operation == "batch_execute_statement":
        for statement in arguments["Statements"]:
            verb, table = statement["Statement"].split()[:2]
            assert verb == "UPDATE", statement
            yield "dynamodb:PartiQLUpdate", table.strip('"'), ""
    elif operation == "query":
        index = f"/index/{arguments['IndexName']}" if "IndexName" in arguments else ""
        yield "dynamodb:Query", arguments["TableName"] + index, ""
    elif operation == "create_schedule":
        yield "scheduler:CreateSchedule", _schedule(arguments), ""
        yield "iam:PassRole", arguments["Target"]["RoleArn"], "scheduler.amazonaws.com"
    elif operation == "publish" and "PhoneNumber" in arguments:
        yield "sns:Publish", arguments["PhoneNumber"], ""  # a phone number has no ARN
        yield "sms-voice:SendTextMessage", arn("sms-voice", "phone-number/any"), "sns.amazonaws.com"
    else:
        yield from ((action, name, "") for action, name in _ELSEWHERE[operation](arguments))


def _on_item(action: str, what: Mapping[str, Any]) -> tuple[str, str, str]:
    item = what.get("Item") or what.get("Key") or {}
    partition = next((item[name]["S"] for name in ("account_id", "pk", "id") if "S" in item.get(name, {})), "")
    return f"dynamodb:{action}", what["TableName"], partition


def _stream(stream_arn: str) -> str:
    """Return the stream's name in the template: tables of tests are called by the template's name and a number."""
    return stream_arn.partition(":table/")[2].partition("-")[0] + ".StreamArn"


def _schedule(schedule: Mapping[str, Any]) -> str:
    return arn("scheduler", f"schedule/{schedule['GroupName']}/{schedule['Name']}")


def _email(sent: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return what SendEmail needs: the sender's identity, and the configuration set that it goes through."""
    sender = parseaddr(sent["FromEmailAddress"])[1]
    through = (f"identity/{sender}", f"configuration-set/{sent['ConfigurationSetName']}")
    return [("ses:SendEmail", arn("ses", each)) for each in through]


_ELSEWHERE: Mapping[str, Callable[[Mapping[str, Any]], list[tuple[str, str]]]] = {
    "put_events": lambda sent: [("events:PutEvents", entry["EventBusName"]) for entry in sent["Entries"]],
    "send_message": lambda sent: [("sqs:SendMessage", sent["QueueUrl"])],
    "send_message_batch": lambda sent: [("sqs:SendMessage", sent["QueueUrl"])],
    "receive_message": lambda sent: [("sqs:ReceiveMessage", sent["QueueUrl"])],
    "get_queue_attributes": lambda sent: [("sqs:GetQueueAttributes", sent["QueueUrl"])],
    "delete_message": lambda sent: [("sqs:DeleteMessage", sent["QueueUrl"])],
    "change_message_visibility": lambda sent: [("sqs:ChangeMessageVisibility", sent["QueueUrl"])],
    "change_message_visibility_batch": lambda sent: [("sqs:ChangeMessageVisibility", sent["QueueUrl"])],
    "get_shard_iterator": lambda sent: [("dynamodb:GetShardIterator", _stream(sent["StreamArn"]))],
    # An iterator of ours is made of the stream's name.
    "get_records": lambda sent: [("dynamodb:GetRecords", _stream(sent["ShardIterator"]))],
    "invoke": lambda sent: [("lambda:InvokeFunction", sent["FunctionName"].rpartition(":")[2])],
    "delete_schedule": lambda sent: [("scheduler:DeleteSchedule", _schedule(sent))],
    "get_object": lambda sent: [("s3:GetObject", f"{sent['Bucket']}/{sent['Key']}")],
    "head_object": lambda sent: [
        ("s3:GetObject", f"{sent['Bucket']}/{sent['Key']}"),
        ("s3:ListBucket", sent["Bucket"]),
    ],
    "put_object": lambda sent: [("s3:PutObject", f"{sent['Bucket']}/{sent['Key']}")],
    "create_multipart_upload": lambda sent: [("s3:PutObject", f"{sent['Bucket']}/{sent['Key']}")],
    "upload_part": lambda sent: [("s3:PutObject", f"{sent['Bucket']}/{sent['Key']}")],
    "complete_multipart_upload": lambda sent: [("s3:PutObject", f"{sent['Bucket']}/{sent['Key']}")],
    "list_objects_v2": lambda sent: [("s3:ListBucket", sent["Bucket"])],
    "start_execution": lambda sent: [("states:StartExecution", sent["stateMachineArn"])],
    "describe_execution": lambda sent: [("states:DescribeExecution", sent["executionArn"])],
    "stop_execution": lambda sent: [("states:StopExecution", sent["executionArn"])],
    "get_email_identity": lambda sent: [("ses:GetEmailIdentity", arn("ses", f"identity/{sent['EmailIdentity']}"))],
    "send_email": _email,
    "create_platform_endpoint": lambda sent: [("sns:CreatePlatformEndpoint", sent["PlatformApplicationArn"])],
    "publish": lambda sent: [("sns:Publish", sent["TargetArn"])],
}


def _functions() -> dict[str, Json]:
    """Return the template's functions by their folders."""
    found = resources("AWS::Serverless::Function").values()
    return {properties["CodeUri"].removeprefix("functions/"): properties for properties in found}


FUNCTIONS = tuple(_functions())
FUNCTIONS_BY_NAME = {
    name: (properties["CodeUri"].removeprefix("functions/"), float(properties.get("Timeout", 28)))
    for name, properties in resources("AWS::Serverless::Function").items()
}
"""Folders and time-outs of the template's functions, by their names there."""


@cache
def granted(function: str) -> frozenset[Right]:
    """Return what a function's own role grants."""
    return frozenset(granted_by(_name(_functions()[function]["Role"])))


def granted_by(role: str) -> list[Right]:
    """Return what a role of the template grants by itself, each right as often as it says so."""
    statements = [
        statement
        for policy in resources("AWS::IAM::Role")[role].get("Policies", ())
        for statement in policy["PolicyDocument"]["Statement"]
    ]
    return [right for statement in statements for right in _rights(statement)]


def _rights(statement: Json) -> Iterator[Right]:
    assert statement["Effect"] == "Allow", statement
    assert statement.keys() <= _STATEMENT, statement
    conditions = [each for operator in statement.get("Condition", {}).values() for each in operator.items()]
    assert {name for name, _ in conditions} <= _CONDITIONS, statement
    assert len(conditions) <= 1, statement
    scopes = [scope for _, values in conditions for scope in _several(values)] or [""]
    is_on_others = "NotResource" in statement
    named = _several(statement["NotResource" if is_on_others else "Resource"])
    assert not is_on_others or len(named) == 1, statement  # else each would be all but itself
    for action in _several(statement["Action"]):
        for resource in map(_name, named):
            yield from (Right(action, resource, scope, is_on_others) for scope in scopes)


def allows(use: Use) -> bool:
    """Whether the function's role lets this through."""
    return any(use.needs(right) for right in granted(use.function))


def used_by_lambda(function: str) -> frozenset[Right]:
    """Return what Lambda does with the function's role by itself: read its sources, put aside what failed."""
    properties = _functions()[function]
    found: set[Right] = set()
    destinations = [properties.get("EventInvokeConfig", {})]
    for event in properties.get("Events", {}).values():
        source = event["Properties"]
        destinations.append(source)
        if event["Type"] == "DynamoDB":
            found |= {Right(f"dynamodb:{action}", _name(source["Stream"])) for action in _STREAM_READS}
        if event["Type"] == "SQS":
            found |= {Right(f"sqs:{action}", _name(source["Queue"])) for action in _QUEUE_READS}
    for each in destinations:
        destination = each.get("DestinationConfig", {}).get("OnFailure", {}).get("Destination")
        if destination:
            found.add(Right("sqs:SendMessage", _name(destination)))
    return frozenset(found)


def _several(value: Json) -> list[Json]:
    return value if isinstance(value, list) else [value]


def _name(reference: Json) -> str:
    """Return the name of what an ARN is of, with its index or stream; an ARN that is spelt out stays one."""
    if reference == "*":
        return "*"
    ((kind, text),) = reference.items()
    if kind == "Sub":
        text = re.sub(r"\$\{(AWS::\w+)\}", lambda found: _STACK[found[1]], text)
        return str(text).replace("${", "").replace(".Arn}", "").replace("}", "")
    return str(text).removesuffix(".Arn")
