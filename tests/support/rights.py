"""What a call needs by IAM, and what the roles in the template grant: for the tests that hold one against the other."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from tests.support.template import load, resources

Json = Any

_SINGLE = {"get_item": "GetItem", "put_item": "PutItem", "update_item": "UpdateItem", "delete_item": "DeleteItem"}
_ACTIONS = {"Put": "PutItem", "Update": "UpdateItem", "Delete": "DeleteItem", "ConditionCheck": "ConditionCheckItem"}
_STREAM_READS = ("DescribeStream", "GetRecords", "GetShardIterator", "ListStreams")
_QUEUE_READS = ("DeleteMessage", "GetQueueAttributes", "ReceiveMessage")


@dataclass(frozen=True, order=True)
class Right:
    """An action on a resource, by its name in the template (`MembershipsTable.StreamArn`, `Table/index/Name`).

    `partition` narrows it to items of this partition (dynamodb:LeadingKeys).
    """

    action: str
    resource: str
    partition: str = ""


@dataclass(frozen=True)
class Use:
    """What a function asked for, and the partition that it asked for it in, where it named one."""

    function: str
    action: str
    resource: str
    partition: str = ""

    def needs(self, right: Right) -> bool:
        """Whether it is this right that lets it through."""
        same = (self.action, self.resource) == (right.action, right.resource)
        return same and right.partition in ("", self.partition)


def uses(function: str, operation: str, arguments: Mapping[str, Any], environment: Mapping[str, str]) -> Iterator[Use]:
    """Return what a call of boto3's needs (service authorization reference), for the function's environment."""
    variables = load()["Globals"]["Function"]["Environment"]["Variables"]
    named = {environment[name]: ref["Ref"] for name, ref in variables.items() if name in environment}
    for action, name, partition in _needs(operation, arguments):
        base, mark, rest = name.partition("/index/")
        yield Use(function, action, named.get(base, base) + mark + rest, partition)


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
    else:
        yield from ((action, name, "") for action, name in _ELSEWHERE[operation](arguments))


def _on_item(action: str, what: Mapping[str, Any]) -> tuple[str, str, str]:
    item = what.get("Item") or what.get("Key") or {}
    partition = next((item[name]["S"] for name in ("account_id", "pk", "id") if "S" in item.get(name, {})), "")
    return f"dynamodb:{action}", what["TableName"], partition


def _stream(arn: str) -> str:
    """Return the stream's name in the template: tables of tests are called by the template's name and a number."""
    return arn.partition(":table/")[2].partition("-")[0] + ".StreamArn"


_ELSEWHERE: Mapping[str, Callable[[Mapping[str, Any]], list[tuple[str, str]]]] = {
    "put_events": lambda sent: [("events:PutEvents", entry["EventBusName"]) for entry in sent["Entries"]],
    "send_message": lambda sent: [("sqs:SendMessage", sent["QueueUrl"])],
    "receive_message": lambda sent: [("sqs:ReceiveMessage", sent["QueueUrl"])],
    "delete_message": lambda sent: [("sqs:DeleteMessage", sent["QueueUrl"])],
    "change_message_visibility": lambda sent: [("sqs:ChangeMessageVisibility", sent["QueueUrl"])],
    "change_message_visibility_batch": lambda sent: [("sqs:ChangeMessageVisibility", sent["QueueUrl"])],
    "get_shard_iterator": lambda sent: [("dynamodb:GetShardIterator", _stream(sent["StreamArn"]))],
    # An iterator of ours is made of the stream's name.
    "get_records": lambda sent: [("dynamodb:GetRecords", _stream(sent["ShardIterator"]))],
    "invoke": lambda sent: [("lambda:InvokeFunction", sent["FunctionName"].rpartition(":")[2])],
}


def _functions() -> dict[str, Json]:
    """Return the template's functions by their folders."""
    found = resources("AWS::Serverless::Function").values()
    return {properties["CodeUri"].removeprefix("functions/"): properties for properties in found}


FUNCTIONS = tuple(_functions())


@cache
def granted(function: str) -> frozenset[Right]:
    """Return what a function's own role grants."""
    role = resources("AWS::IAM::Role")[_name(_functions()[function]["Role"])]
    return frozenset(
        Right(action, resource, partition)
        for policy in role.get("Policies", ())
        for statement in policy["PolicyDocument"]["Statement"]
        for action in _several(statement["Action"])
        for resource in map(_name, _several(statement["Resource"]))
        for partition in statement.get("Condition", {})
        .get("ForAllValues:StringEquals", {})
        .get("dynamodb:LeadingKeys", [""])
    )


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
    """Return the name of what an ARN is of, with its index or stream."""
    ((kind, text),) = reference.items()
    if kind == "Sub":
        return str(text).replace("${", "").replace(".Arn}", "").replace("}", "")
    return str(text).removesuffix(".Arn")
