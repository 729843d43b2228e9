"""The simulator's DynamoDB answers as the endpoint does: the same operations, drawn from a seed, on both.

Compared are what is returned, which error there is (not its sentence), what is stored, and the records of the stream.
MiniStack takes some calls that AWS and DynamoDB Local refuse (`LAX`); those are compared on DynamoDB Local alone.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import boto3
import pytest
from botocore.exceptions import ClientError

from tests.support.dynamodb import InMemoryDynamoDB
from tests.support.relay import StreamReader

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

Json = dict[str, Any]
Operation = tuple[str, Json]

PLAIN, SORTED = "plain", "sorted"
KEYS = ("k0", "k1", "k2", "k3")
ATTRIBUTES = ("a", "b", "c")
SETS = ("tags", "ids")


@dataclass(frozen=True)
class Two:
    """The endpoint and the model, with the same two tables."""

    real: "DynamoDBClient"
    model: InMemoryDynamoDB
    stream: StreamReader
    names: Mapping[str, str]
    is_lax: bool

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


@pytest.fixture
def two(environment: dict[str, str], dynamodb: "DynamoDBClient") -> Iterator[Two]:
    assert environment
    model, names = InMemoryDynamoDB(), {PLAIN: f"plain-{uuid4().hex[:8]}", SORTED: f"sorted-{uuid4().hex[:8]}"}
    stream = {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}
    definitions: Sequence[Json] = (
        {
            "TableName": names[PLAIN],
            "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
            "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
            "StreamSpecification": stream,
        },
        {
            "TableName": names[SORTED],
            "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": [{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk", "own")],
            "KeySchema": [
                {"AttributeName": "pk", "KeyType": "HASH"},
                {"AttributeName": "sk", "KeyType": "RANGE"},
            ],
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
    )
    for definition in definitions:
        dynamodb.create_table(**definition)
        dynamodb.get_waiter("table_exists").wait(
            TableName=definition["TableName"], WaiterConfig={"Delay": 1, "MaxAttempts": 30}
        )
        model.create_table(**definition)
    described = dynamodb.describe_table(TableName=names[PLAIN])
    server = described["ResponseMetadata"]["HTTPHeaders"].get("server", "")
    reader = StreamReader(boto3.client("dynamodbstreams"), described["Table"]["LatestStreamArn"])
    yield Two(dynamodb, model, reader, names, is_lax="jetty" not in server.lower())
    for name in names.values():
        dynamodb.delete_table(TableName=name)


# ---------------------------------------------------------------- operations, drawn


class Draw:
    """Draws operations in the expressions that the stores write."""

    def __init__(self, seed: int) -> None:
        self.chance = Random(seed)  # noqa: S311 - a seeded test
        self.token = 0

    def operation(self) -> Operation:
        kinds = ["get", "put", "update", "delete", "batch_get", "batch_write", "statements", "transaction", "query"]
        return getattr(self, f"_{self.chance.choices(kinds, weights=[5, 15, 25, 6, 4, 5, 20, 20, 6])[0]}")()  # type: ignore[no-any-return]

    def _key(self, table: str) -> Json:
        key: Json = {"pk": {"S": self.chance.choice(KEYS)}}
        if table == SORTED:
            key["sk"] = {"S": self.chance.choice(["a", "a#1", "a#2", "b"])}
        return key

    def _table(self) -> str:
        return self.chance.choice([PLAIN, PLAIN, SORTED])

    def _item(self, table: str) -> Json:
        item = self._key(table)
        for name in ATTRIBUTES:
            if self.chance.random() < 0.5:
                item[name] = self._number() if self.chance.random() < 0.5 else {"S": self.chance.choice(["x", "y"])}
        if self.chance.random() < 0.6:
            item["tags"] = {"SS": self._some(["t1", "t2", "t3"])}
        if self.chance.random() < 0.6:
            item["ids"] = {"NS": self._some(["1", "2", "3"])}
        if table == SORTED and self.chance.random() < 0.6:
            item["own"] = {"S": self.chance.choice(["o1", "o2", "p"])}
        if self.chance.random() < 0.2:
            item["map"] = {"M": {"deep": self._number()}}
        return item

    def _some(self, members: Sequence[str]) -> list[str]:
        return self.chance.sample(members, self.chance.randint(1, len(members)))

    def _number(self) -> Json:
        return {"N": str(self.chance.choice([-1, 0, 1, 2, 10]))}

    def _condition(self) -> Json:
        """Return arguments for a condition, or none."""
        name = self.chance.choice(ATTRIBUTES)
        choices: Sequence[Json] = (
            {},
            {"ConditionExpression": "attribute_exists(pk)"},
            {"ConditionExpression": "attribute_not_exists(pk)"},
            {
                "ConditionExpression": "#n = :c OR attribute_not_exists(#n)",
                "ExpressionAttributeNames": {"#n": name},
                "ExpressionAttributeValues": {":c": self._number()},
            },
            {
                "ConditionExpression": "attribute_exists(pk) AND (#n < :c OR NOT #n <> :d)",
                "ExpressionAttributeNames": {"#n": name},
                "ExpressionAttributeValues": {":c": self._number(), ":d": {"S": "x"}},
            },
            {
                "ConditionExpression": "tags = :c",
                "ExpressionAttributeValues": {":c": {"SS": self._some(["t1", "t2"])}},
            },
            {
                "ConditionExpression": "size(tags) <= :c AND attribute_not_exists(#m.deep)",
                "ExpressionAttributeNames": {"#m": "map"},
                "ExpressionAttributeValues": {":c": {"N": "2"}},
            },
            {
                "ConditionExpression": "contains(tags, :c) OR begins_with(own, :c)",
                "ExpressionAttributeValues": {":c": {"S": "t1"}},
            },
        )
        return self.chance.choice(choices)

    def _change(self) -> Json:
        """Return arguments for an update, of clauses that do not meet, and a condition."""
        clauses: list[str] = []
        values: Json = {}
        if self.chance.random() < 0.5:
            values[":s"] = self._number()
            clauses.append(self.chance.choice(["SET a = :s", "SET a = if_not_exists(a, :s)", "SET a = :s, b = :s"]))
        if self.chance.random() < 0.3:
            clauses.append(self.chance.choice(["REMOVE c", "REMOVE c, nothing", "REMOVE tags"]))
        which = self.chance.random()
        if which < 0.4 or not clauses:
            values[":n"] = self._number()
            clauses.append("ADD tally :n")
        elif which < 0.6:
            values[":n"] = {"NS": self._some(["1", "2", "9"])}
            clauses.append("ADD ids :n")
        elif which < 0.8:
            values[":n"] = {"NS": self._some(["1", "2", "3"])}
            clauses.append("DELETE ids :n")
        condition = self._condition()
        values |= condition.get("ExpressionAttributeValues", {})
        return {
            **condition,
            "UpdateExpression": " ".join(clauses),
            **({"ExpressionAttributeValues": values} if values else {}),
        }

    def _returning(self, arguments: Json) -> Json:
        if "ConditionExpression" in arguments and self.chance.random() < 0.5:
            arguments["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"
        return arguments

    def _get(self) -> Operation:
        table = self._table()
        return "get_item", {"TableName": table, "Key": self._key(table), "ConsistentRead": True}

    def _put(self) -> Operation:
        table = self._table()
        return "put_item", {"TableName": table, "Item": self._item(table), **self._condition()}

    def _update(self) -> Operation:
        table = self._table()
        returned = self.chance.choice(["NONE", "ALL_OLD", "ALL_NEW"])
        return "update_item", {"TableName": table, "Key": self._key(table), "ReturnValues": returned, **self._change()}

    def _delete(self) -> Operation:
        table = self._table()
        returned = self.chance.choice(["NONE", "ALL_OLD"])
        return "delete_item", {
            "TableName": table,
            "Key": self._key(table),
            "ReturnValues": returned,
            **self._condition(),
        }

    def _keys(self, table: str) -> list[Json]:
        keys = [self._key(table) for _ in range(self.chance.randint(1, 5))]
        return list({text(key): key for key in keys}.values())

    def _batch_get(self) -> Operation:
        wanted = {table: {"Keys": self._keys(table), "ConsistentRead": True} for table in (PLAIN, SORTED)}
        return "batch_get_item", {"RequestItems": wanted}

    def _batch_write(self) -> Operation:
        table = self._table()
        requests: list[Json] = [
            {"DeleteRequest": {"Key": key}}
            if self.chance.random() < 0.3
            else {"PutRequest": {"Item": {**self._item(table), **key}}}
            for key in self._keys(table)
        ]
        return "batch_write_item", {"RequestItems": {table: requests}}

    def _statements(self) -> Operation:
        return "batch_execute_statement", {"Statements": [self._statement(key) for key in self._keys(PLAIN)]}

    def _statement(self, key: Json) -> Json:
        function = self.chance.choice(["set_add", "set_delete"])
        parameters: list[Json] = [{"NS": self._some(["1", "2", "3", "4"])}]
        clauses = f"SET ids = {function}(ids, ?)"
        if self.chance.random() < 0.3:
            clauses += " SET marked = ?"
            parameters.append({"N": "7"})
        statement = f'UPDATE "{PLAIN}" {clauses} WHERE pk = ? RETURNING ALL OLD *'
        return {"Statement": statement, "Parameters": [*parameters, key["pk"]]}

    def _transaction(self) -> Operation:
        actions = [self._action(table, key) for table in (PLAIN, SORTED) for key in self._keys(table)[:3]]
        self.token += 1
        return "transact_write_items", {"TransactItems": actions, "ClientRequestToken": f"{id(self)}-{self.token}"}

    def _action(self, table: str, key: Json) -> Json:
        kind = self.chance.choice(["Put", "Update", "Delete", "ConditionCheck"])
        if kind == "Put":
            what: Json = {"TableName": table, "Item": {**self._item(table), **key}, **self._condition()}
        elif kind == "Update":
            what = {"TableName": table, "Key": key, **self._change()}
        elif kind == "Delete":
            what = {"TableName": table, "Key": key, **self._condition()}
        else:
            what = {"TableName": table, "Key": key, "ConditionExpression": "attribute_exists(pk)"}
        return {kind: self._returning(what)}

    def _query(self) -> Operation:
        conditions: Sequence[tuple[str, Json]] = (
            ("pk = :pk", {}),
            ("pk = :pk AND begins_with(sk, :s)", {":s": {"S": "a"}}),
            ("pk = :pk AND sk BETWEEN :s AND :t", {":s": {"S": "a#"}, ":t": {"S": "b"}}),
            ("pk = :pk AND sk > :s", {":s": {"S": "a"}}),
        )
        condition, values = self.chance.choice(conditions)
        arguments: Json = {
            "TableName": SORTED,
            "KeyConditionExpression": condition,
            "ExpressionAttributeValues": {":pk": {"S": self.chance.choice(KEYS)}, **values},
            "ScanIndexForward": self.chance.random() < 0.7,
        }
        if self.chance.random() < 0.3:
            arguments["Limit"] = self.chance.choice([1, 2])
        if self.chance.random() < 0.3:
            arguments["FilterExpression"] = "attribute_not_exists(tags)"
        if self.chance.random() < 0.3:
            arguments |= {"IndexName": "by_own", "KeyConditionExpression": "pk = :pk AND begins_with(own, :o)"}
            arguments["ExpressionAttributeValues"] = {":pk": {"S": self.chance.choice(KEYS)}, ":o": {"S": "o"}}
        return "query", arguments


@pytest.mark.parametrize("seed", range(4))
def test_operations_drawn_at_random_are_answered_alike(two: Two, seed: int) -> None:
    draw = Draw(seed)
    outcomes = []
    for _ in range(250):
        operation, arguments = draw.operation()
        outcomes.append(two.compare(operation, arguments))
    two.compare_state()
    two.compare_streams()
    refused = [each for each in outcomes if isinstance(each, tuple)]
    assert 20 < len(refused) < 200  # neither is nothing tried, nor does nothing work


# ---------------------------------------------------------------- rules, one by one

X: Json = {"pk": {"S": "x"}}
ITEM: Json = {**X, "ids": {"NS": ["1"]}, "a": {"N": "1"}}


def put(**attributes: Json) -> Operation:
    return "put_item", {"TableName": PLAIN, "Item": {**X, **attributes}}


def update(expression: str, **values: Json) -> Operation:
    arguments: Json = {"TableName": PLAIN, "Key": X, "UpdateExpression": expression}
    if values:
        arguments["ExpressionAttributeValues"] = {f":{name}": value for name, value in values.items()}
    return "update_item", arguments


def statement(text_: str, *parameters: Json) -> Json:
    return {
        "Statement": f'UPDATE "{PLAIN}" {text_} WHERE pk = ? RETURNING ALL OLD *',
        "Parameters": [*parameters, X["pk"]],
    }


def transaction(*actions: Json) -> Operation:
    return "transact_write_items", {"TransactItems": list(actions), "ClientRequestToken": uuid4().hex}


ONE_PUT: Json = {"Put": {"TableName": PLAIN, "Item": ITEM}}
ADD: Json = {"NS": ["2"]}

RULES: Mapping[str, Operation] = {
    "an empty set": put(ids={"NS": []}),
    "a set with repeats": put(ids={"SS": ["t", "t"]}),
    "an empty key": ("put_item", {"TableName": PLAIN, "Item": {"pk": {"S": ""}}}),
    "no key": ("put_item", {"TableName": PLAIN, "Item": {"a": {"S": "x"}}}),
    "a key of another type": ("put_item", {"TableName": PLAIN, "Item": {"pk": {"N": "1"}}}),
    "a key too many": ("get_item", {"TableName": PLAIN, "Key": {**X, "sk": {"S": "x"}}}),
    "an index key of another type": (
        "put_item",
        {"TableName": SORTED, "Item": {**X, "sk": {"S": "x"}, "own": {"N": "1"}}},
    ),
    "an index key that is empty": (
        "put_item",
        {"TableName": SORTED, "Item": {**X, "sk": {"S": "x"}, "own": {"S": ""}}},
    ),
    "an item of 400 KB": put(a={"S": "x" * (400 * 1024 - 4)}),
    "an item of more than 400 KB": put(a={"S": "x" * (400 * 1024)}),
    "a key of more than 2,048 bytes": ("get_item", {"TableName": PLAIN, "Key": {"pk": {"S": "x" * 2049}}}),
    "an update of the key": update("SET pk = :v", v={"S": "y"}),
    "an update of an item that is not there": (
        "update_item",
        {
            "TableName": PLAIN,
            "Key": {"pk": {"S": "new"}},
            "UpdateExpression": "ADD a :v",
            "ExpressionAttributeValues": {":v": {"N": "1"}},
        },
    ),
    "an addition to a text": update("ADD ids :v", v={"N": "1"}),
    "a copy of what is not there": update("SET b = missing"),
    "a path through what is no map": update("SET a.deep = :v", v={"N": "1"}),
    "the last member taken from a set": update("DELETE ids :v", v={"NS": ["1"]}),
    "a value that is not used": update("REMOVE a", v={"N": "1"}),
    "a value that is not there": (
        "update_item",
        {"TableName": PLAIN, "Key": X, "UpdateExpression": "SET b = :missing"},
    ),
    "an unknown table": ("get_item", {"TableName": "nothing", "Key": X}),
    "an unknown index": (
        "query",
        {
            "TableName": SORTED,
            "IndexName": "nothing",
            "KeyConditionExpression": "pk = :pk",
            "ExpressionAttributeValues": {":pk": {"S": "x"}},
        },
    ),
    "a consistent read of an index": (
        "query",
        {
            "TableName": SORTED,
            "IndexName": "by_own",
            "ConsistentRead": True,
            "KeyConditionExpression": "pk = :pk",
            "ExpressionAttributeValues": {":pk": {"S": "x"}},
        },
    ),
    "101 keys": ("batch_get_item", {"RequestItems": {PLAIN: {"Keys": [{"pk": {"S": str(n)}} for n in range(101)]}}}),
    "26 puts": (
        "batch_write_item",
        {"RequestItems": {PLAIN: [{"PutRequest": {"Item": {"pk": {"S": str(n)}}}} for n in range(26)]}},
    ),
    "a statement of an item that is not there": (
        "batch_execute_statement",
        {"Statements": [{**statement("SET ids = set_add(ids, ?)", ADD), "Parameters": [ADD, {"S": "new"}]}]},
    ),
    "a statement that adds a set": (
        "batch_execute_statement",
        {"Statements": [statement("SET ids = set_add(ids, ?)", ADD)]},
    ),
    "a statement on a missing attribute": (
        "batch_execute_statement",
        {"Statements": [statement("SET tags = set_add(tags, ?)", {"SS": ["t"]})]},
    ),
    "a statement that takes the last": (
        "batch_execute_statement",
        {"Statements": [statement("SET ids = set_delete(ids, ?)", {"NS": ["1"]})]},
    ),
    "a statement that takes from nothing": (
        "batch_execute_statement",
        {"Statements": [statement("SET tags = set_delete(tags, ?)", {"SS": ["t"]})]},
    ),
    "101 actions": transaction(*({"Put": {"TableName": PLAIN, "Item": {"pk": {"S": str(n)}}}} for n in range(101))),
}
LAX: Mapping[str, Operation] = {
    "a path set twice": update("SET b = :v, b = :v", v={"N": "1"}),
    "a path set and removed": update("SET b = :v REMOVE b", v={"N": "1"}),
    "a key twice in a batch of puts": (
        "batch_write_item",
        {"RequestItems": {PLAIN: [{"PutRequest": {"Item": X}}] * 2}},
    ),
    "a key twice in a batch of gets": ("batch_get_item", {"RequestItems": {PLAIN: {"Keys": [X, X]}}}),
    "a key twice in a transaction": transaction(ONE_PUT, {"Delete": {"TableName": PLAIN, "Key": X}}),
    "a key twice in a batch of statements": (
        "batch_execute_statement",
        {"Statements": [statement("SET ids = set_add(ids, ?)", ADD)] * 2},
    ),
    "a path set twice in a statement": (
        "batch_execute_statement",
        {"Statements": [statement("SET ids = set_add(ids, ?) SET ids = ?", ADD, ADD)]},
    ),
    "26 statements": (
        "batch_execute_statement",
        {
            "Statements": [
                {**statement("SET ids = set_add(ids, ?)", ADD), "Parameters": [ADD, {"S": str(n)}]} for n in range(26)
            ]
        },
    ),
}


@pytest.mark.parametrize("name", [*RULES, *LAX])
def test_each_rule_is_kept_alike(two: Two, name: str) -> None:
    if name in LAX and two.is_lax:
        pytest.skip("this endpoint takes what AWS refuses")
    two.compare("put_item", {"TableName": PLAIN, "Item": ITEM})
    two.compare(*(RULES[name] if name in RULES else LAX[name]))
    if name != "a key twice in a batch of statements":  # DynamoDB Local refuses that when it has run the first
        two.compare_state()


def test_a_transaction_with_a_token_is_done_once(two: Two) -> None:
    counted = {
        "Update": {
            "TableName": PLAIN,
            "Key": X,
            "UpdateExpression": "ADD a :one",
            "ExpressionAttributeValues": {":one": {"N": "1"}},
        }
    }
    token = uuid4().hex
    for _ in range(2):
        two.compare("transact_write_items", {"TransactItems": [counted], "ClientRequestToken": token})
    assert two.compare("get_item", {"TableName": PLAIN, "Key": X})["Item"]["a"] == {"N": "1"}
    other = two.compare("transact_write_items", {"TransactItems": [ONE_PUT], "ClientRequestToken": token})
    assert other[1] == "IdempotentParameterMismatchException"


def test_the_token_of_a_cancelled_transaction_may_be_used_again(two: Two) -> None:
    action = {"Put": {"TableName": PLAIN, "Item": ITEM, "ConditionExpression": "attribute_not_exists(pk)"}}
    call: Operation = ("transact_write_items", {"TransactItems": [action], "ClientRequestToken": uuid4().hex})
    two.compare("put_item", {"TableName": PLAIN, "Item": ITEM})
    assert two.compare(*call)[1] == "TransactionCanceledException"
    two.compare("delete_item", {"TableName": PLAIN, "Key": X})
    assert two.compare(*call) == {}
    two.compare_state()


def test_an_index_holds_what_it_projects(two: Two) -> None:
    two.compare("put_item", {"TableName": SORTED, "Item": {**ITEM, "sk": {"S": "s"}, "own": {"S": "o"}}})
    values = {":own": {"S": "o"}}
    found = two.compare(
        "query",
        {
            "TableName": SORTED,
            "IndexName": "keys_by_own",
            "KeyConditionExpression": "own = :own",
            "ExpressionAttributeValues": values,
        },
    )
    assert [set(item) for item in found["Items"]] == [{"pk", "sk", "own"}]


def test_pages_of_a_query_go_on_where_the_last_ended(two: Two) -> None:
    for number in range(7):
        two.compare(
            "put_item", {"TableName": SORTED, "Item": {**X, "sk": {"S": f"s{number}"}, "own": {"S": f"o{number}"}}}
        )
    for index in ({}, {"IndexName": "by_own"}):
        for forward in (True, False):
            query: Json = {
                "TableName": SORTED,
                **index,
                "KeyConditionExpression": "pk = :pk",
                "ExpressionAttributeValues": {":pk": {"S": "x"}},
                "ScanIndexForward": forward,
                "Limit": 3,
            }
            pages = 0
            while "LastEvaluatedKey" in (page := two.compare("query", query)):
                query["ExclusiveStartKey"] = page["LastEvaluatedKey"]
                pages += 1
            assert pages == 2
