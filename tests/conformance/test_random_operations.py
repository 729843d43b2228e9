"""The in-memory DynamoDB answers as the engines do: the same operations, drawn from a seed, on both."""

from collections.abc import Sequence
from random import Random
from uuid import uuid4

import pytest

from tests.conformance.pair import PLAIN, SORTED, Json, Operation, Two, text

KEYS = ("k0", "k1", "k2", "k3")
ATTRIBUTES = ("a", "b", "c")


class Draw:
    """Draws operations in the expressions that the stores write."""

    def __init__(self, seed: int) -> None:
        self.chance = Random(seed)  # noqa: S311 - a seeded test

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
        return "transact_write_items", {"TransactItems": actions, "ClientRequestToken": str(uuid4())}

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
