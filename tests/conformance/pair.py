"""An engine and the in-memory DynamoDB with the same tables: the same operations on both, and their answers compared.

Compared are what is returned, which error there is (not its sentence), what is stored, and the records of the stream.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import boto3
from botocore.exceptions import ClientError

from tests.support.dynamodb import InMemoryDynamoDB
from tests.support.relay import StreamReader

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

Json = dict[str, Any]
Operation = tuple[str, Json]

PLAIN, SORTED = "plain", "sorted"
_STREAM = {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}
_TABLES: Mapping[str, Json] = {
    PLAIN: {
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
        "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
        "StreamSpecification": _STREAM,
    },
    SORTED: {
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk", "own")],
        "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        "GlobalSecondaryIndexes": [
            {
                "IndexName": "by_own",
                "KeySchema": [
                    {"AttributeName": "pk", "KeyType": "HASH"},
                    {"AttributeName": "own", "KeyType": "RANGE"},
                ],
                "Projection": {"ProjectionType": "ALL"},
            },
            {
                "IndexName": "keys_by_own",
                "KeySchema": [
                    {"AttributeName": "own", "KeyType": "HASH"},
                    {"AttributeName": "sk", "KeyType": "RANGE"},
                ],
                "Projection": {"ProjectionType": "KEYS_ONLY"},
            },
        ],
    },
}


@dataclass(frozen=True)
class Two:
    """The endpoint and the model, with the same two tables."""

    real: "DynamoDBClient"
    model: InMemoryDynamoDB
    stream: StreamReader
    names: Mapping[str, str]

    def compare(self, operation: str, arguments: Json) -> Any:
        """Run an operation on both, check that they answer alike, and return the answer."""
        sent = self._named(arguments)
        real, model = answer(getattr(self.real, operation), sent), answer(getattr(self.model, operation), sent)
        assert model == real, f"{json.dumps([operation, arguments])}: {model} is not {real}"
        return model

    def compare_state(self) -> None:
        for name in self.names.values():
            real: list[Any] = [
                row for page in self.real.get_paginator("scan").paginate(TableName=name) for row in page["Items"]
            ]
            model = [row for page in self.model.get_paginator("scan").paginate(TableName=name) for row in page["Items"]]
            assert sorted(map(text, model)) == sorted(map(text, real))

    def compare_streams(self) -> None:
        real = [told(record) for record in self.stream.read()]
        model = [told(record) for record in self.model.stream_records(self.names[PLAIN])]
        for key in {record[1] for record in [*real, *model]}:
            assert [each for each in model if each[1] == key] == [each for each in real if each[1] == key]
        assert len(real) > 20

    def _named(self, arguments: Any) -> Any:
        """Put the tables' real names in the place of PLAIN and SORTED."""
        if isinstance(arguments, dict):
            named = {self.names.get(name, name): self._named(inner) for name, inner in arguments.items()}
            if "TableName" in named:
                named["TableName"] = self.names.get(named["TableName"], named["TableName"])
            if "Statement" in named:
                named["Statement"] = named["Statement"].replace(f'"{PLAIN}"', f'"{self.names[PLAIN]}"')
            return named
        return [self._named(inner) for inner in arguments] if isinstance(arguments, list) else arguments


def answer(call: Callable[..., Any], arguments: Json) -> Any:
    """Return what a call returns, or its error, in a form that can be compared."""
    try:
        reply = call(**arguments)
    except ClientError as exc:
        error = exc.response["Error"]["Code"]
        reasons = [
            (reason.get("Code"), text(reason["Item"]) if reason.get("Item") else None)
            for reason in exc.response.get("CancellationReasons", ())
        ]
        return ("error", error, reasons)
    about_the_call = ("ResponseMetadata", "ConsumedCapacity")  # DynamoDB Local tells the capacity of some calls unasked
    kept = {name: value for name, value in reply.items() if name not in about_the_call and value not in ({}, [])}
    if "Responses" in kept and isinstance(kept["Responses"], list):
        return [
            (each.get("Error", {}).get("Code"), text(each["Item"]) if "Item" in each else None)
            for each in kept["Responses"]
        ]
    if "Responses" in kept:
        return {table: sorted(map(text, rows)) for table, rows in kept["Responses"].items() if rows}
    return normal(kept)


def normal(value: Any) -> Any:
    """Bring an answer into one form: sets in order, numbers as they are written shortest."""
    if isinstance(value, dict):
        return {name: sorted(inner) if name in ("SS", "NS") else normal(inner) for name, inner in sorted(value.items())}
    return [normal(inner) for inner in value] if isinstance(value, list) else value


def text(item: Any) -> str:
    return json.dumps(normal(item), sort_keys=True)


def told(record: Json) -> tuple[str, str, str, str]:
    change = record["dynamodb"]
    images = (text(change.get("OldImage", {})), text(change.get("NewImage", {})))
    return (record["eventName"], text(change["Keys"]), *images)


@contextmanager
def side_by_side(endpoint: str) -> Iterator[Two]:
    """Make the two tables in the engine at `endpoint` and in memory; delete the engine's at the end."""
    where: Json = {
        "endpoint_url": endpoint,
        "region_name": "us-east-1",
        "aws_access_key_id": "test",
        "aws_secret_access_key": "test",
    }
    real, model = boto3.client("dynamodb", **where), InMemoryDynamoDB()
    names = {name: f"{name}-{uuid4().hex[:8]}" for name in _TABLES}
    for name, definition in _TABLES.items():
        real.create_table(TableName=names[name], **definition)
        real.get_waiter("table_exists").wait(TableName=names[name], WaiterConfig={"Delay": 1, "MaxAttempts": 30})
        model.create_table(TableName=names[name], **definition)
    stream = real.describe_table(TableName=names[PLAIN])["Table"]["LatestStreamArn"]
    yield Two(real, model, StreamReader(boto3.client("dynamodbstreams", **where), stream), names)
    for name in names.values():
        real.delete_table(TableName=name)
