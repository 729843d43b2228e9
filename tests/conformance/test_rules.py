"""The in-memory DynamoDB keeps the engines' rules, one by one."""

from collections.abc import Mapping
from uuid import uuid4

import pytest

from tests.conformance.pair import PLAIN, SORTED, Json, Operation, Two

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
    **{
        f"a condition on the type of {name}, {kind}": (
            "update_item",
            {
                "TableName": PLAIN,
                "Key": X,
                "UpdateExpression": "REMOVE a",
                "ConditionExpression": f"attribute_not_exists({name}) OR NOT attribute_type({name}, :kind)",
                "ExpressionAttributeValues": {":kind": {"S": kind}},
            },
        )
        for name in ("a", "ids", "nowhere")
        for kind in ("N", "NS")
    },
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
AMAZONS: Mapping[str, Operation] = {
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


@pytest.mark.parametrize("name", RULES)
def test_each_rule_is_kept_alike(two: Two, name: str) -> None:
    two.compare("put_item", {"TableName": PLAIN, "Item": ITEM})
    two.compare(*RULES[name])
    two.compare_state()


@pytest.mark.parametrize("name", AMAZONS)
def test_what_amazon_refuses_is_refused(beside_amazon: Two, name: str) -> None:
    beside_amazon.compare("put_item", {"TableName": PLAIN, "Item": ITEM})
    assert "Validation" in str(beside_amazon.compare(*AMAZONS[name]))  # of all, or of the one statement
    if name != "a key twice in a batch of statements":  # DynamoDB Local refuses that when it has run the first
        beside_amazon.compare_state()


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
